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
	v := importVerifier{hive: written, values: map[string]bool{}, keys: map[string]bool{}, deleted: map[string]bool{}}
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
	values  map[string]bool // path, NUL NUL and name
	keys    map[string]bool // paths that must be there
	deleted map[string]bool // paths of keys that were deleted, with all below
	last    *hive.Key
}

func (v *importVerifier) step(step importStep) error {
	path := string(hive.AppendUpper(nil, step.path))
	if v.isDeleted(path) {
		return nil
	}
	if step.kind == regfile.DeleteKey {
		v.deleted[path] = true
		if v.keys[path] {
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
	v.require(path)
	if v.last == nil || v.last.Path() != step.path {
		key, err := keyAt(v.hive, step.path)
		if err != nil {
			return err
		}
		v.last = key
	}
	if step.kind == regfile.CreateKey {
		return nil
	}
	id := path + "\x00\x00" + string(hive.AppendUpper(nil, step.name))
	if v.values[id] {
		return nil
	}
	v.values[id] = true
	return v.value(step)
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
func (v *importVerifier) require(path string) {
	for !v.keys[path] {
		v.keys[path] = true
		path = path[:max(strings.LastIndexByte(path, '\\'), 0)]
	}
}

func (v *importVerifier) value(step importStep) error {
	value, err := v.last.Value(step.name)
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
