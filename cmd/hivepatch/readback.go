package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"hivepatch/hive"
)

// require has something of the result verified, as it is read from the bytes
// that will be saved.
func (l *changeList) require(verify func(written *hive.Hive) error) {
	l.requires = append(l.requires, verify)
}

func (l *changeList) readBack(written *hive.Hive) error {
	for _, verify := range l.requires {
		if err := verify(written); err != nil {
			return fmt.Errorf("the new hive cannot be read back, nothing was saved: %w", err)
		}
	}
	return nil
}

// requireValue wants a value to be read back as it was written. It keeps the hash
// of the data, which can be large.
func (l *changeList) requireValue(path, name string, kind hive.Type, data []byte) {
	want := sha256.Sum256(data)
	l.require(func(written *hive.Hive) error {
		key, err := keyAt(written, path)
		if err != nil {
			return err
		}
		value, err := key.Value(name)
		if err != nil {
			return err
		}
		pieces, err := value.DataPieces()
		if err != nil {
			return err
		}
		sum := sha256.New()
		for _, piece := range pieces {
			sum.Write(piece)
		}
		if value.Name() != name || value.Type() != kind || !bytes.Equal(sum.Sum(nil), want[:]) {
			return fmt.Errorf("value %s of key %s is not the one written", printableValueName(name), printablePath(path))
		}
		return nil
	})
}

// requireValues wants a key to have that many values.
func (l *changeList) requireValues(path string, count int) {
	l.require(func(written *hive.Hive) error {
		key, err := keyAt(written, path)
		if err != nil {
			return err
		}
		if _, values, err := key.Counts(); err != nil || values != count {
			return fmt.Errorf("key %s has %d values, want %d (%v)", printablePath(path), values, count, err)
		}
		return nil
	})
}

// requireKey wants the key at a path to be there, with its name as it is.
func (l *changeList) requireKey(path string) {
	l.require(func(written *hive.Hive) error {
		key, err := keyAt(written, path)
		if err == nil && key.Path() != path {
			err = fmt.Errorf("key %s is named %s", printablePath(path), printablePath(key.Path()))
		}
		return err
	})
}

// requireNoKey wants no key at a path, but for one that differs in case.
func (l *changeList) requireNoKey(path string) {
	l.require(func(written *hive.Hive) error {
		key, err := keyAt(written, path)
		if err == nil && key.Path() == path {
			return fmt.Errorf("key %s is still there", printablePath(path))
		}
		return nil
	})
}

// keyAt returns the key at a path that is one of a key, in which
// CurrentControlSet is a key like others.
func keyAt(h *hive.Hive, path string) (*hive.Key, error) {
	key, err := h.Root()
	if err != nil {
		return nil, err
	}
	for _, name := range pathNames(path) {
		if key, err = key.Subkey(name); err != nil {
			return nil, err
		}
	}
	return key, nil
}
