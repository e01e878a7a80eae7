package hive

import (
	"fmt"
	"time"

	"hivepatch/hive/internal/regf"
)

// SetValue gives the key's value of that name, without regard to case, a type
// and data, which is copied, and creates it where there is none; "" is the
// default value. The data must not be part of [Hive.Bytes]. The key gets the time t. Nothing changes when the value
// is so already. It returns an error that wraps ErrName, ErrTooLarge,
// ErrReadOnly or ErrProtected, or a FormatError; the hive is then as before.
func (k *Key) SetValue(name string, kind Type, data []byte, t time.Time) (*Value, error) {
	if err := k.beginEdit(); err != nil {
		return nil, err
	}
	if err := k.mayHaveValue(name, kind); err != nil {
		return nil, err
	}
	encoded, err := valueName(name)
	if err != nil {
		return nil, err
	}
	value, err := k.value(encoded)
	switch {
	case err != nil:
		return nil, err
	case value != nil:
		return value, value.SetData(kind, data, t)
	}
	h := k.hive
	cell, err := h.image.AddValue(k.cell, encoded, uint32(kind), data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", describeValue(name, k.Path()), err)
	}
	h.image.SetLastWriteTime(k.cell, regf.Filetime(t))
	value = &Value{key: k, cell: cell, layout: h.image.Layout(), name: encoded.String()}
	h.changed()
	return value, nil
}

// mayHaveValue returns ErrProtected where the key must not get the value.
func (k *Key) mayHaveValue(name string, kind Type) error {
	flags := k.Flags()
	switch {
	case flags&FlagPredefined != 0:
		return fmt.Errorf("%s %w: it holds a predefined handle instead of values", describeKey(k.Path()), ErrProtected)
	case flags&FlagLink != 0 && (!regf.EqualNames(name, LinkValue) || kind != Link):
		return fmt.Errorf("%s %w: it is a symbolic link, whose one value is %s of type %s", describeKey(k.Path()), ErrProtected, LinkValue, Link)
	}
	return nil
}

// valueName returns the stored form of a name for a value.
func valueName(name string) (regf.Name, error) {
	encoded, err := regf.NewName(name)
	switch {
	case err != nil:
		return encoded, fmt.Errorf("%w: %s: %w", ErrName, quote(name), err)
	case encoded.Len() > MaxValueName:
		return encoded, fmt.Errorf("%w: the name of a value has at most %d characters, want %d", ErrTooLarge, MaxValueName, encoded.Len())
	}
	return encoded, nil
}

// Delete deletes the value; its key gets the time t. The value must not be used
// afterwards. It returns an error that wraps ErrReadOnly, or a FormatError; the
// hive is then as before.
func (v *Value) Delete(t time.Time) error {
	h := v.key.hive
	if err := v.beginEdit(); err != nil {
		return err
	}
	if err := h.image.RemoveValue(v.key.cell, v.cell); err != nil {
		return fmt.Errorf("%s: %w", describeValue(v.name, v.key.Path()), err)
	}
	h.image.SetLastWriteTime(v.key.cell, regf.Filetime(t))
	h.changed()
	return nil
}

// Rename gives the value another name; its key gets the time t. The other case
// of the same name is another name, and "" makes it the default value. It
// returns an error that wraps ErrExists, ErrName, ErrTooLarge, ErrReadOnly or
// ErrProtected, or a FormatError; the hive is then as before.
func (v *Value) Rename(name string, t time.Time) error {
	h := v.key.hive
	if err := v.beginEdit(); err != nil {
		return err
	}
	encoded, err := valueName(name)
	if err != nil || name == v.name {
		return err
	}
	if err := v.key.mayHaveValue(name, v.Type()); err != nil {
		return err
	}
	if !regf.EqualNames(name, v.name) {
		switch other, err := v.key.value(encoded); {
		case err != nil:
			return err
		case other != nil:
			return fmt.Errorf("%s: %w", describeValue(name, v.key.Path()), ErrExists)
		}
	}
	cell, err := h.image.RenameValue(v.key.cell, v.cell, encoded)
	if err != nil {
		return fmt.Errorf("%s: %w", describeValue(v.name, v.key.Path()), err)
	}
	v.cell, v.name = cell, name
	h.image.SetLastWriteTime(v.key.cell, regf.Filetime(t))
	h.changed()
	return nil
}
