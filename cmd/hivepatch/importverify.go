package main

import (
	"bytes"
	"errors"
	"fmt"
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

func (i *importer) note(step importStep) { i.steps = append(i.steps, step) }

// readBack requires of the hive, as it is read from the bytes that will be
// saved, what the file says. It goes backwards: what comes later in the file
// decides.
func (i *importer) readBack(written *hive.Hive) error {
	v := importVerifier{hive: written, keys: map[string]*decided{}, deleted: map[string]bool{}}
	for n := len(i.steps) - 1; n >= 0; n-- {
		if err := v.step(i.steps[n]); err != nil {
			return fmt.Errorf("the new hive cannot be read back, nothing was saved: %w", err)
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

	path  string // of the last entry, as it is
	upper string
	name  []byte // room for a name
}

// decided is what is known of a key that must be there.
type decided struct {
	key    *hive.Key // nil before an entry is about it
	values map[string]bool
}

func (v *importVerifier) step(step importStep) error {
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
			err = fmt.Errorf("key %q is still there", step.path)
		}
		return err
	}
	known := v.require(v.upper)
	if known.key == nil {
		var err error
		if known.key, err = keyAt(v.hive, step.path); err != nil {
			return err
		}
		known.values = map[string]bool{}
	}
	if step.kind == regfile.CreateKey {
		return nil
	}
	v.name = hive.AppendUpper(v.name[:0], step.name)
	if known.values[string(v.name)] {
		return nil
	}
	known.values[string(v.name)] = true
	return step.verify(known.key)
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

// verify requires that the key has the value as the step says.
func (step importStep) verify(key *hive.Key) error {
	value, err := key.Value(step.name)
	if step.kind == regfile.DeleteValue {
		switch {
		case errors.Is(err, hive.ErrNotFound):
			return nil
		case err == nil:
			err = fmt.Errorf("value %q of key %q is still there", step.name, step.path)
		}
		return err
	}
	if err != nil {
		return err
	}
	data, err := value.Data()
	if err != nil {
		return err
	}
	if value.Type() != step.valueType || !bytes.Equal(data, step.data) {
		return fmt.Errorf("value %q of key %q is not the one written", step.name, step.path)
	}
	return nil
}
