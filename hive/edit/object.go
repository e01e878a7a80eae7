package edit

import (
	"errors"
	"fmt"

	"hivepatch/hive"
)

// Object returns a RefusedError with a reason against the edit, which
// OverrideForce overrides: under force it is a warning instead.
func (d *Draft) Object(force bool, format string, args ...any) error {
	reason := fmt.Sprintf(format, args...)
	if !force {
		return &RefusedError{Reason: reason, Override: OverrideForce}
	}
	d.Warn("forced: %s", reason)
	return nil
}

// MayBeNamed objects to a subkey of a key being created with a name, or getting
// it, that cannot be its own: CurrentControlSet below the root of a SYSTEM hive,
// where Windows makes a link of that name when it starts. It is to be called
// before; ErrNotFound of Select says that a hive is of another kind.
func (d *Draft) MayBeNamed(above *hive.Key, name string, force bool) error {
	if !above.IsRoot() || !hive.EqualNames(name, hive.CurrentControlSet) {
		return nil
	}
	if _, err := d.Hive.Select(); errors.Is(err, hive.ErrNotFound) {
		return nil
	}
	return d.Object(force, "a key %s would stand where Windows makes a link to the control set that Select names, and could not be reached by that name", hive.CurrentControlSet)
}
