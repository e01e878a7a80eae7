package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/regfile"
)

// importStep is what an import wants to find in the hive that will be saved.
type importStep struct {
	kind      regfile.Kind
	path      string // in the hive
	name      string
	valueType hive.Type
	data      []byte
}

// piece is how many steps are kept together.
const piece = 512

func (i *importer) note(step importStep) {
	if n := len(i.steps); n == 0 || len(i.steps[n-1]) == piece {
		i.steps = append(i.steps, make([]importStep, 0, piece))
	}
	last := &i.steps[len(i.steps)-1]
	*last = append(*last, step)
}

// readBack requires of the hive, as it is read from the bytes that will be
// saved, what the file says. It goes backwards: what comes later in the file
// decides.
func (i *importer) readBack(written *hive.Hive) error {
	v := importVerifier{hive: written, keys: map[string]*decided{}, deleted: map[string]bool{}, set: map[int64]bool{}}
	for _, steps := range slices.Backward(i.steps) {
		for n := range slices.Backward(steps) {
			if err := v.step(&steps[n]); err != nil {
				return fmt.Errorf("the new hive cannot be read back, nothing was saved: %w", err)
			}
		}
	}
	return nil
}

// importVerifier knows what later entries have decided. Its paths and names are
// in upper case, as Windows makes it.
type importVerifier struct {
	hive    *hive.Hive
	keys    map[string]*decided // by path, of keys that must be there
	deleted map[string]bool     // paths of keys that were deleted, with all below
	set     map[int64]bool      // places of values that later entries have set

	path  string // of the last entry, as it is
	upper string
}

// decided is what is known of a key that must be there.
type decided struct {
	key  *hive.Key       // nil before an entry is about it
	gone map[string]bool // names of values that must not be there
}

func (v *importVerifier) step(step *importStep) error {
	if v.path != step.path || v.upper == "" {
		v.path, v.upper = step.path, string(hive.AppendUpper(nil, step.path))
	}
	if v.isDeleted(v.upper) {
		return nil
	}
	if step.kind == regfile.DeleteKey {
		v.deleted[v.upper] = true
		if v.keys[v.upper] != nil {
			return nil // created again
		}
		_, err := keyAt(v.hive, step.path)
		switch {
		case errors.Is(err, hive.ErrNotFound):
			return nil
		case err == nil:
			err = fmt.Errorf("key %s is still there", printablePath(step.path))
		}
		return err
	}
	known := v.require(v.upper)
	if known.key == nil {
		var err error
		if known.key, err = keyAt(v.hive, step.path); err != nil {
			return err
		}
	}
	if step.kind == regfile.CreateKey {
		return nil
	}
	return v.value(known, step)
}

// value requires that a key has a value as the step says, unless a later entry
// has decided what becomes of it.
func (v *importVerifier) value(known *decided, step *importStep) error {
	value, err := known.key.FindValue(step.name)
	switch {
	case err != nil:
		return err
	case value != nil && v.set[value.Offset()]:
		return nil
	case step.kind == regfile.DeleteValue && value != nil:
		return fmt.Errorf("value %s of key %s is still there", printableValueName(step.name), printablePath(step.path))
	case step.kind == regfile.DeleteValue:
		if known.gone == nil {
			known.gone = map[string]bool{}
		}
		known.gone[string(hive.AppendUpper(nil, step.name))] = true
		return nil
	case value == nil && known.gone[string(hive.AppendUpper(nil, step.name))]:
		return nil
	case value == nil:
		return fmt.Errorf("value %s of key %s: %w", printableValueName(step.name), printablePath(step.path), hive.ErrNotFound)
	}
	v.set[value.Offset()] = true
	return step.verify(value)
}

func (v *importVerifier) isDeleted(path string) bool {
	for len(v.deleted) > 0 && path != "" {
		if v.deleted[path] {
			return true
		}
		path = path[:max(strings.LastIndexByte(path, '\\'), 0)]
	}
	return false
}

// require notes that a key, and those above it, must be there.
func (v *importVerifier) require(path string) *decided {
	known := v.keys[path]
	if known == nil {
		known = &decided{}
		v.keys[path] = known
		if path != "" {
			v.require(path[:max(strings.LastIndexByte(path, '\\'), 0)])
		}
	}
	return known
}

// verify requires that a value is as the step says.
func (step *importStep) verify(value *hive.Value) error {
	pieces, err := value.DataPieces()
	if err != nil {
		return err
	}
	rest, same := step.data, value.Type() == step.valueType && value.Size() == int64(len(step.data))
	for _, part := range pieces {
		if same = same && bytes.HasPrefix(rest, part); same {
			rest = rest[len(part):]
		}
	}
	if !same || len(rest) > 0 {
		return fmt.Errorf("value %s of key %s is not the one written", printableValueName(step.name), printablePath(step.path))
	}
	return nil
}
