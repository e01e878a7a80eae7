package hive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"hivepatch/hive/internal/regf"
)

// Errors of edits that callers branch on. They come wrapped.
var (
	// ErrExists is returned when there is a key or value of that name already.
	ErrExists = errors.New("exists already")
	// ErrName is returned for a name that Windows does not allow.
	ErrName = errors.New("not a valid name")
	// ErrProtected is returned for what cannot be changed without breaking
	// something: the root cannot be deleted or renamed, keys with a predefined
	// handle have no values, a symbolic link has its target and nothing else.
	ErrProtected = errors.New("must not be changed")
	// ErrDescriptor is returned for bytes that are no sound self-relative
	// security descriptor.
	ErrDescriptor = errors.New("not a sound security descriptor")
)

// Limits of names, in UTF-16 units.
const (
	MaxKeyName   = regf.MaxKeyName
	MaxValueName = regf.MaxValueName
)

// KeyFlags are the flags of a key. Bits without a name here may be set.
type KeyFlags uint16

// Flags of keys.
const (
	FlagRoot       KeyFlags = regf.KeyHiveEntry
	FlagNoDelete   KeyFlags = regf.KeyNoDelete
	FlagLink       KeyFlags = regf.KeySymLink      // a symbolic link; its value LinkValue has the target
	FlagPredefined KeyFlags = regf.KeyPredefHandle // holds a predefined handle instead of values
)

// LinkValue is the name of the one value of a symbolic link, of type Link: a
// path in UTF-16LE without a terminator.
const LinkValue = "SymbolicLinkValue"

// Flags returns the flags of the key, 0 when it is gone.
func (k *Key) Flags() KeyFlags {
	node, err := k.node()
	if err != nil {
		return 0
	}
	return KeyFlags(node.Flags())
}

// UserFlags returns the flags of the key that mean nothing to the registry
// itself: those of 32-bit applications in bits 0 to 3, those of virtualization
// in bits 4 to 7, and those for debugging above. It is 0 when the key is gone.
func (k *Key) UserFlags() uint16 {
	node, err := k.node()
	if err != nil {
		return 0
	}
	return node.UserFlags()
}

// CreateKey returns the key at path, which is as for Key, and creates it, with
// the keys above it, where it does not exist. It returns what CreateSubkey
// does, but not ErrExists.
func (h *Hive) CreateKey(path string, t time.Time) (*Key, error) {
	path, err := h.resolveControlSet(path)
	if err != nil {
		return nil, err
	}
	key, err := h.Root()
	if err != nil {
		return nil, err
	}
	edited := h.edited
	done := h.iterate() // no cell may move inside the transaction
	err = h.image.Transaction(func() error {
		for name := range strings.SplitSeq(path, `\`) {
			if name == "" {
				continue
			}
			next, err := key.Subkey(name)
			if errors.Is(err, ErrNotFound) {
				next, err = key.CreateSubkey(name, t)
			}
			if err != nil {
				return err
			}
			key = next
		}
		return nil
	})
	done()
	if err != nil {
		h.edited = edited
		return nil, err
	}
	h.tidy()
	return key, nil
}

// CreateSubkey creates a subkey and returns it. It has the security descriptor
// of the key; both get the time t. It returns an error that wraps ErrExists,
// ErrName, ErrTooLarge (also for more than MaxDepth levels), ErrReadOnly or
// ErrProtected, or a FormatError; the hive is then as before.
func (k *Key) CreateSubkey(name string, t time.Time) (*Key, error) {
	encoded, err := k.newSubkeyName(name)
	if err != nil {
		return nil, err
	}
	if depth := len(k.Ancestry()) + 1; depth > MaxDepth {
		return nil, fmt.Errorf("%s: %w: keys have at most %d levels", describeKey(joinPath(k.Path(), name)), ErrTooLarge, MaxDepth)
	}
	h := k.hive
	cell, err := h.image.AddKey(k.cell, encoded, regf.Filetime(t))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", describeKey(joinPath(k.Path(), name)), err)
	}
	child := &Key{hive: h, parent: k, cell: cell, layout: h.image.Layout(), name: encoded.String()}
	h.changed()
	return child, nil
}

// newSubkeyName returns the stored form of a name that a new subkey may have.
func (k *Key) newSubkeyName(name string) (regf.Name, error) {
	if err := k.beginEdit(); err != nil {
		return regf.Name{}, err
	}
	encoded, err := keyName(name)
	if err != nil {
		return regf.Name{}, err
	}
	node, err := k.node()
	if err != nil {
		return regf.Name{}, err
	}
	if node.Flags()&regf.KeySymLink != 0 {
		return regf.Name{}, fmt.Errorf("%s: %w: it is a symbolic link, and has no subkeys", describeKey(k.Path()), ErrProtected)
	}
	found, err := k.hive.image.HasSubkey(node, encoded)
	switch {
	case err != nil:
		return regf.Name{}, err
	case found:
		return regf.Name{}, fmt.Errorf("%s: %w", describeKey(joinPath(k.Path(), name)), ErrExists)
	}
	return encoded, nil
}

// keyName returns the stored form of a name for a key.
func keyName(name string) (regf.Name, error) {
	encoded, err := regf.NewName(name)
	switch {
	case err != nil:
		return encoded, fmt.Errorf("%w: %s: %w", ErrName, quote(name), err)
	case encoded.Len() == 0:
		return encoded, fmt.Errorf("%w: a key must have one", ErrName)
	case strings.Contains(name, `\`):
		return encoded, fmt.Errorf("%w: %s: a backslash separates keys", ErrName, quote(name))
	case encoded.Len() > MaxKeyName:
		return encoded, fmt.Errorf("%w: the name of a key has at most %d characters, want %d", ErrTooLarge, MaxKeyName, encoded.Len())
	}
	return encoded, nil
}

// Delete deletes the key and all keys below it; the key above gets the time t.
// Neither the key nor one below it may be used afterwards. It returns an error
// that wraps ErrProtected for the root, ErrReadOnly, or a FormatError; the hive
// is then as before.
func (k *Key) Delete(t time.Time) error {
	if err := k.beginEdit(); err != nil {
		return err
	}
	if k.parent == nil {
		return fmt.Errorf("the root key %w: a hive cannot be without it", ErrProtected)
	}
	if err := k.hive.image.RemoveKey(k.parent.cell, k.cell, regf.Filetime(t)); err != nil {
		return fmt.Errorf("%s: %w", describeKey(k.Path()), err)
	}
	k.hive.changed()
	return nil
}

// Rename gives the key another name; it and the key above get the time t. The
// other case of the same name is another name. Keys that were obtained from the
// key before keep their old paths, and those obtained for it by another way may
// not be used afterwards. It returns what CreateSubkey does, and ErrProtected
// for the root.
func (k *Key) Rename(name string, t time.Time) error {
	if err := k.beginEdit(); err != nil {
		return err
	}
	if k.parent == nil {
		return fmt.Errorf("the root key %w: its name has no meaning", ErrProtected)
	}
	encoded, err := keyName(name)
	if err == nil && !regf.EqualNames(name, k.name) {
		encoded, err = k.parent.newSubkeyName(name)
	}
	if err != nil || name == k.name {
		return err
	}
	cell, err := k.hive.image.RenameKey(k.parent.cell, k.cell, encoded, regf.Filetime(t))
	if err != nil {
		return fmt.Errorf("%s: %w", describeKey(k.Path()), err)
	}
	k.cell, k.name = cell, name
	k.hive.changed()
	return nil
}

// Move makes the key, with all below it, a subkey of another key of the hive, with
// a name; it and both keys above get the time t. Everything else of it stays as it
// is, its security descriptor too. Keys that were obtained from the key before, or
// for it by another way, may not be used afterwards. It returns what CreateSubkey
// does, and ErrProtected for the root, and for a parent that is the key itself or
// lies below it.
func (k *Key) Move(parent *Key, name string, t time.Time) error {
	if err := k.beginEdit(); err != nil {
		return err
	}
	if k.parent == nil {
		return fmt.Errorf("the root key %w: it has no place but its own", ErrProtected)
	}
	if parent.Offset() == k.parent.Offset() {
		return k.Rename(name, t)
	}
	for _, above := range parent.Ancestry() {
		if above.Offset() == k.Offset() {
			return fmt.Errorf("%s %w: it cannot be moved to a place below itself", describeKey(k.Path()), ErrProtected)
		}
	}
	encoded, err := parent.newSubkeyName(name)
	if err != nil {
		return err
	}
	levels, err := k.levels()
	if err != nil {
		return err
	}
	if depth := len(parent.Ancestry()) + levels; depth > MaxDepth {
		return fmt.Errorf("%s: %w: keys have at most %d levels, and there would be %d", describeKey(joinPath(parent.Path(), name)), ErrTooLarge, MaxDepth, depth)
	}
	cell, err := k.hive.image.MoveKey(k.parent.cell, parent.cell, k.cell, encoded, regf.Filetime(t))
	if err != nil {
		return fmt.Errorf("%s: %w", describeKey(k.Path()), err)
	}
	k.parent, k.cell, k.name = parent, cell, name
	k.hive.changed()
	return nil
}

// levels is the number of levels of the key and what is below it.
func (k *Key) levels() (int, error) {
	levels, own := 0, len(k.Ancestry())
	for below, err := range k.Walk() {
		if err != nil {
			return 0, err
		}
		levels = max(levels, len(below.Ancestry())-own+1)
	}
	return levels, nil
}

// SetClass gives the key a class name, of at most 32,767 UTF-16 units; "" takes
// it away. It returns an error that wraps ErrTooLarge or ErrReadOnly, or a
// FormatError; the hive is then as before.
func (k *Key) SetClass(class string, t time.Time) error {
	if err := k.beginEdit(); err != nil {
		return err
	}
	if old, err := k.Class(); err != nil || old == class {
		return err
	}
	units, err := regf.UnitsFromString(class)
	if err != nil {
		return fmt.Errorf("%w: class %s: %w", ErrName, quote(class), err)
	}
	encoded := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		encoded = binary.LittleEndian.AppendUint16(encoded, unit)
	}
	parent := regf.NIL
	if k.parent != nil {
		parent = k.parent.cell
	}
	if err := k.hive.image.SetClass(parent, k.cell, encoded, regf.Filetime(t)); err != nil {
		return fmt.Errorf("%s: %w", describeKey(k.Path()), err)
	}
	k.hive.changed()
	return nil
}

// SetSecurityDescriptor gives the key, not those below it, a self-relative
// security descriptor, of which it keeps a copy. It returns an error that wraps
// ErrDescriptor, ErrTooLarge or ErrReadOnly, or a FormatError; the hive is then
// as before.
func (k *Key) SetSecurityDescriptor(descriptor []byte, t time.Time) error {
	if err := k.beginEdit(); err != nil {
		return err
	}
	if err := regf.ValidateDescriptor(descriptor); err != nil {
		return fmt.Errorf("%w: %w", ErrDescriptor, err)
	}
	old, err := k.SecurityDescriptor()
	if err != nil || string(old) == string(descriptor) {
		return err
	}
	if err := k.hive.image.SetSecurity(k.cell, descriptor, regf.Filetime(t)); err != nil {
		return fmt.Errorf("%s: %w", describeKey(k.Path()), err)
	}
	k.hive.changed()
	return nil
}

// SetLastWriteTime sets the time of the key; later edits of it set it again. It
// returns an error that wraps ErrReadOnly, or a FormatError.
func (k *Key) SetLastWriteTime(t time.Time) error {
	if err := k.beginEdit(); err != nil {
		return err
	}
	if _, err := k.node(); err != nil {
		return err
	}
	k.hive.image.SetLastWriteTime(k.cell, regf.Filetime(t))
	k.hive.changed()
	return nil
}

// beginEdit prepares the hive for an edit of the key. It refuses a hive whose
// bins are cut off.
func (k *Key) beginEdit() error {
	if err := k.hive.Editable(); err != nil {
		return err
	}
	if err := k.hive.image.CutOff(); err != nil {
		return fmt.Errorf("the hive cannot be edited: %w", err)
	}
	return k.refresh()
}
