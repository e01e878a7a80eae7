package hive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"hivepatch/hive/internal/regf"
)

// CurrentControlSet is what stands for a control set at the start of a path into
// a SYSTEM hive. It exists in a running Windows only.
const CurrentControlSet = "CurrentControlSet"

// Number is a number of the Select key of a SYSTEM hive. Err says why it could
// not be read: it wraps ErrNotFound when the value does not exist.
type Number struct {
	Value uint32
	Err   error
}

// Select is the key of that name in a SYSTEM hive: it tells which control set
// Windows uses for what. A number of 0 names no set.
type Select struct {
	Current       Number // the set of the running or last system
	Default       Number // the set that the loader takes next
	Failed        Number
	LastKnownGood Number
}

// Select reads the Select key. It returns an error that wraps ErrNotFound when
// the hive has none, as only SYSTEM hives do.
func (h *Hive) Select() (*Select, error) {
	root, err := h.Root()
	if err != nil {
		return nil, err
	}
	key, err := root.Subkey("Select")
	if err != nil {
		return nil, err
	}
	return &Select{
		Current:       key.number("Current"),
		Default:       key.number("Default"),
		Failed:        key.number("Failed"),
		LastKnownGood: key.number("LastKnownGood"),
	}, nil
}

// number reads a REG_DWORD.
func (k *Key) number(name string) Number {
	value, err := k.Value(name)
	if err != nil {
		return Number{Err: err}
	}
	data, err := value.Data()
	switch {
	case err != nil:
		return Number{Err: err}
	case value.Type() != DWord || len(data) != 4:
		return Number{Err: fmt.Errorf("%s is %s of %d bytes, want REG_DWORD of 4", describeValue(name, k.Path()), value.Type(), len(data))}
	}
	return Number{Value: binary.LittleEndian.Uint32(data)}
}

// ControlSetName returns the name of the key of control set n.
func ControlSetName(n uint32) string { return fmt.Sprintf("ControlSet%03d", n) }

// resolveControlSet replaces a first component CurrentControlSet by the set that
// it stands for.
func (h *Hive) resolveControlSet(path string) (string, error) {
	first, rest, _ := strings.Cut(strings.TrimLeft(path, `\`), `\`)
	if !regf.EqualNames(first, CurrentControlSet) {
		return path, nil
	}
	sets, err := h.Select()
	switch {
	case errors.Is(err, ErrNotFound):
		return path, nil
	case err != nil:
		return "", err
	case sets.Current.Err != nil:
		return "", fmt.Errorf("%s: %w", CurrentControlSet, sets.Current.Err)
	}
	return joinPath(ControlSetName(sets.Current.Value), rest), nil
}
