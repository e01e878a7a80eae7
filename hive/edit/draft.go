package edit

import (
	"fmt"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
)

// Draft is a hive that is being edited.
type Draft struct {
	Hive *hive.Hive
	Time time.Time // for what is edited, see Request

	file    *hivefile.File
	request Request

	before   Findings
	damage   damage // what of it is in the way of edits
	original []byte // the hive before the edit, where it is damaged
	session  *check.Session
	focused  bool // nothing but values of announced keys is edited

	needed     []*hive.Key // what damage must not touch, where there is any
	touched    []string    // paths of keys for the second reader
	verifying  []verification
	verifiedBy []string
	warnings   []string
	written    *hive.Hive // opened from the bytes that will be saved
}

// verification is what a caller wants to hold of the result.
type verification struct {
	name   string
	verify func(written *hive.Hive) error
}

func newDraft(file *hivefile.File, request Request) *Draft {
	return &Draft{Hive: file.Hive, Time: request.Time, file: file, request: request}
}

func (d *Draft) stage(what string) {
	if d.request.Stage != nil {
		d.request.Stage(what)
	}
}

// Warn adds a warning to the outcome.
func (d *Draft) Warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

// Damaged reports whether the hive broke rules of level F before the edit, and
// the request allows that. The second reader cannot be trusted with it.
func (d *Draft) Damaged() bool { return d.before.grave() > 0 }

// Touch announces keys that the edit is about. It is to be called before a key
// is edited, renamed or deleted, and again after it was created or renamed.
// When the edit is done the second reader must see each of them, or miss it, as
// we do. It returns a DamageError as Need does.
func (d *Draft) Touch(keys ...*hive.Key) error {
	for _, key := range keys {
		path := key.Path()
		if n := len(d.touched); n == 0 || d.touched[n-1] != path {
			d.touched = append(d.touched, path)
		}
	}
	if !d.focused {
		d.session = nil // it cannot tell of such edits, and takes memory
	}
	return d.Need(keys...)
}

// Need announces keys that the edit depends on without changing them. It returns
// a DamageError where damage lies at the header, at a key, its values, or on the
// way to it.
func (d *Draft) Need(keys ...*hive.Key) error {
	if !d.Damaged() {
		return nil
	}
	d.needed = append(d.needed, keys...)
	area := newArea(d.Hive)
	for _, key := range keys {
		area.addWay(key)
	}
	return d.damage.refuse(area, d.before)
}

// ValuesOnly announces keys before their values are edited, by an edit that
// changes the data of values that exist and nothing else. The check afterwards
// then looks at what has changed alone, and finds every byte out of place that
// belongs to anything else.
func (d *Draft) ValuesOnly(keys ...*hive.Key) {
	if d.session == nil {
		return // other edits have been announced
	}
	d.focused = true
	for _, key := range keys {
		d.session.Expect(key.Offset(), key.Path())
	}
}

// Verify has verify called with the hive as it is read from the bytes that will
// be saved. Its error ends the edit; else name stands among what the result was
// verified by.
func (d *Draft) Verify(name string, verify func(written *hive.Hive) error) {
	d.verifying = append(d.verifying, verification{name, verify})
}
