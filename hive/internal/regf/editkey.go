package regf

import (
	"encoding/binary"
	"fmt"

	"hivepatch/hive/escape"
)

// inheritVirtualization is the bit of a key's virtualization flags, in the high
// half of their byte, that has new subkeys take them over.
const inheritVirtualization = 8 << 4

// AddKey creates a subkey of the key at parent, which has none of that name,
// and returns its cell. The subkey has the parent's security descriptor. Both
// get the time, a FILETIME. It returns ErrTooLarge when the format has no room
// for it, and a FormatError when the parent's list or its security record is
// unsound; the image is then as before.
func (m *Image) AddKey(parent Offset, name Name, filetime uint64) (Offset, error) {
	var k Offset
	err := m.Transaction(func() error {
		node, err := m.KeyNode(parent)
		if err != nil {
			return err
		}
		if err := m.addSecurityUser(node.Security()); err != nil {
			return err
		}
		record := newKeyNode(name, parent, node.Security(), filetime)
		if own := node.data[keyUserFlags]; own&inheritVirtualization != 0 {
			record[keyUserFlags] = own & 0xF0
		}
		if k, err = m.allocate(len(record), record, caption{}); err != nil {
			return err
		}
		m.known.forget(k)
		if err := m.insertSubkey(parent, k, name); err != nil {
			return err
		}
		return m.noteSubkey(parent, name, 0, filetime)
	})
	return k, err
}

// newKeyNode is the record of a key without subkeys and values.
func newKeyNode(name Name, parent, security Offset, filetime uint64) []byte {
	b := make([]byte, keyNodeSize, keyNodeSize+len(name.Raw))
	copy(b, "nk")
	if name.Latin1 {
		binary.LittleEndian.PutUint16(b[keyFlags:], KeyCompName)
	}
	binary.LittleEndian.PutUint64(b[keyLastWriteTime:], filetime)
	binary.LittleEndian.PutUint32(b[keyParent:], uint32(parent))
	for _, list := range []int{keySubkeyList, keyVolatileList, keyValueList, keyClass} {
		binary.LittleEndian.PutUint32(b[list:], uint32(NIL))
	}
	binary.LittleEndian.PutUint32(b[keySecurity:], uint32(security))
	binary.LittleEndian.PutUint16(b[keyNameLength:], uint16(len(name.Raw)))
	return append(b, name.Raw...)
}

// noteSubkey raises what a key says of its longest subkey, and its time.
func (m *Image) noteSubkey(parent Offset, name Name, classLength int, filetime uint64) error {
	node, err := m.KeyNode(parent)
	if err != nil {
		return err
	}
	m.writeU16(m.field(parent, keyMaxNameLen), uint16(max(node.MaxNameLen(), uint32(2*name.Len()))))
	m.writeU32(m.field(parent, keyMaxClassLen), max(node.MaxClassLen(), uint32(classLength)))
	m.SetLastWriteTime(parent, filetime)
	return nil
}

// RemoveKey deletes the key k, a subkey of the one at parent, and all keys
// below it. It returns a FormatError when cells are unsound or the keys do not
// form a tree; the image is then as before.
func (m *Image) RemoveKey(parent, k Offset, filetime uint64) error {
	return m.Transaction(func() error {
		node, err := m.KeyNode(k)
		if err != nil {
			return err
		}
		if err := m.removeSubkey(parent, node); err != nil {
			return err
		}
		m.SetLastWriteTime(parent, filetime)
		if err := m.releaseTree(node); err != nil {
			return err
		}
		// A list below that leads back above has freed this key, too.
		_, err = m.KeyNode(parent)
		return err
	})
}

// releaseTree frees the cells of a key and of all keys below it. A cell that
// two records share is found to be free already, so that no loop is endless.
func (m *Image) releaseTree(top KeyNode) error {
	keys, strays := []Offset{top.Offset}, 0
	for len(keys) > 0 {
		node, err := m.KeyNode(keys[len(keys)-1])
		if err != nil {
			return err
		}
		keys = keys[:len(keys)-1]
		for child, err := range m.Subkeys(node) {
			if err != nil {
				return err
			}
			if child.Parent() != node.Offset {
				strays++
			}
			if child.Parent() != node.Offset && (strays > mostStrays || m.lists(child.Parent(), child)) {
				return corrupt(CodeReference, child.Offset, "nk", "is a subkey of the key at %#x, but says that it is one of %#x", node.Offset.File(), child.Parent().File())
			}
			keys = append(keys, child.Offset)
		}
		if len(keys) > m.MaxEntries() {
			return corrupt(CodeSubkeyList, top.Offset, "nk", "lists of subkeys lead to each other")
		}
		if err := m.releaseKey(node); err != nil {
			return err
		}
	}
	return nil
}

// mostStrays is the number of keys that may name a wrong parent: each costs a
// look at all subkeys of that.
const mostStrays = 1000

// lists reports whether the key at off is one, and has child among its subkeys.
func (m *Image) lists(off Offset, child KeyNode) bool {
	node, err := m.KeyNode(off)
	if err != nil || node.SubkeyCount() == 0 {
		return false
	}
	_, err = m.placeOf(node, child)
	return err == nil
}

// releaseKey frees the cells of a key alone, and its lists of subkeys.
func (m *Image) releaseKey(node KeyNode) error {
	if err := m.releaseLists(node); err != nil {
		return err
	}
	list, err := m.ValueList(node)
	if err != nil {
		return err
	}
	for i := range list.Len() {
		value, err := m.ValueRecord(list.At(i))
		if err != nil {
			return err
		}
		if err := m.releaseValue(value); err != nil {
			return err
		}
	}
	if list.Len() > 0 {
		if err := m.release(node.ValueList()); err != nil {
			return err
		}
	}
	if node.ClassLength() > 0 {
		if err := m.release(node.Class()); err != nil {
			return err
		}
	}
	if err := m.dropSecurityUser(node.Security()); err != nil {
		return err
	}
	m.known.forget(node.Offset)
	return m.release(node.Offset)
}

// RenameKey is MoveKey within the parent.
func (m *Image) RenameKey(parent, k Offset, name Name, filetime uint64) (Offset, error) {
	return m.MoveKey(parent, parent, k, name, filetime)
}

// MoveKey makes the key k, a subkey of the one at parent, a subkey of the one at
// target, which is not below it and has none of that name. It returns its cell,
// which may have moved. All three keys get the time. It returns what AddKey does.
func (m *Image) MoveKey(parent, target, k Offset, name Name, filetime uint64) (Offset, error) {
	moved := k
	err := m.Transaction(func() error {
		node, err := m.KeyNode(k)
		if err != nil {
			return err
		}
		if err := m.removeSubkey(parent, node); err != nil {
			return err
		}
		m.SetLastWriteTime(parent, filetime)
		m.known.forget(k)
		classLength := node.ClassLength()
		renamed := append(make([]byte, 0, keyNodeSize+len(name.Raw)), node.data[:keyNodeSize]...)
		flags := node.Flags() &^ KeyCompName
		if name.Latin1 {
			flags |= KeyCompName
		}
		binary.LittleEndian.PutUint16(renamed[keyFlags:], flags)
		binary.LittleEndian.PutUint64(renamed[keyLastWriteTime:], filetime)
		if target != parent {
			binary.LittleEndian.PutUint32(renamed[keyParent:], uint32(target))
		}
		binary.LittleEndian.PutUint16(renamed[keyNameLength:], uint16(len(name.Raw)))
		if moved, err = m.store(k, append(renamed, name.Raw...), caption{}); err != nil {
			return err
		}
		if err := m.tellChildren(moved, k); err != nil {
			return err
		}
		if err := m.insertSubkey(target, moved, name); err != nil {
			return err
		}
		return m.noteSubkey(target, name, classLength, filetime)
	})
	return moved, err
}

// tellChildren corrects the parent of the subkeys of a key that has moved.
func (m *Image) tellChildren(k, from Offset) error {
	if k == from {
		return nil
	}
	node, err := m.KeyNode(k)
	if err != nil {
		return err
	}
	for child, err := range m.Subkeys(node) {
		if err != nil {
			return err
		}
		m.writeU32(m.field(child.Offset, keyParent), uint32(k))
	}
	return nil
}

// SetClass gives the key k a class name in UTF-16LE, of at most 65,534 bytes;
// none takes it away. parent is NIL for the root. It returns ErrTooLarge, or a
// FormatError when the cell of the old one is unsound; the image is then as
// before.
func (m *Image) SetClass(parent, k Offset, class []byte, filetime uint64) error {
	return m.Transaction(func() error {
		if len(class) > maxClass {
			return fmt.Errorf("%w: a class name has at most %d bytes, want %d", ErrTooLarge, maxClass, len(class))
		}
		node, err := m.KeyNode(k)
		if err != nil {
			return err
		}
		cell := NIL
		if node.ClassLength() > 0 {
			cell = node.Class()
		}
		if cell == k || cell == parent && parent != NIL {
			return corrupt(CodeClass, k, "nk", "refers to the record of a key for its class name")
		}
		switch {
		case len(class) > 0:
			cell, err = m.store(cell, class, caption{"class name of key", node.Name(), escape.Name})
		case cell != NIL:
			err, cell = m.release(cell), NIL
		}
		if err != nil {
			return err
		}
		m.writeU32(m.field(k, keyClass), uint32(cell))
		m.writeU16(m.field(k, keyClassLength), uint16(len(class)))
		m.SetLastWriteTime(k, filetime)
		if parent == NIL {
			return nil
		}
		above, err := m.KeyNode(parent)
		if err != nil {
			return err
		}
		m.writeU32(m.field(parent, keyMaxClassLen), max(above.MaxClassLen(), uint32(len(class))))
		return nil
	})
}

// maxClass is the longest class name in bytes: its length field has 16 bits.
const maxClass = 0xFFFE
