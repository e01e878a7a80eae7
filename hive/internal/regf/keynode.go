package regf

import (
	"bytes"
	"encoding/binary"
)

// Flags of a key node.
const (
	KeyVolatile     = 0x0001 // never on disk
	KeyHiveExit     = 0x0002 // mount point, never on disk
	KeyHiveEntry    = 0x0004 // root of the hive
	KeyNoDelete     = 0x0008
	KeySymLink      = 0x0010
	KeyCompName     = 0x0020 // name is Latin-1
	KeyPredefHandle = 0x0040 // the value count holds a handle
)

const keyNodeSize = 76 // without the name

// Fields of a key node, as offsets in the cell data.
const (
	keyFlags           = 2
	keyLastWriteTime   = 4
	keyParent          = 16
	keySubkeyCount     = 20
	keySubkeyList      = 28
	keyVolatileList    = 32
	keyValueCount      = 36
	keyValueList       = 40
	keySecurity        = 44
	keyClass           = 48
	keyMaxNameLen      = 52
	keyUserFlags       = 54
	keyMaxClassLen     = 56
	keyMaxValueNameLen = 60
	keyMaxValueDataLen = 64
	keyNameLength      = 72
	keyClassLength     = 74
)

// KeyNode is a view of an nk record: a key.
type KeyNode struct {
	Offset Offset
	wide   bool   // version 1.0 or 1.1, where names are always UTF-16
	data   []byte // of the cell, up to the end of the name
}

// KeyNode returns the key node in the cell at off. It returns a FormatError
// when there is none or its name does not fit the cell.
func (m *Image) KeyNode(off Offset) (KeyNode, error) {
	data, err := m.Cell(off)
	if err != nil {
		return KeyNode{}, err
	}
	return m.parseKeyNode(off, data)
}

func (m *Image) parseKeyNode(off Offset, data []byte) (KeyNode, error) {
	if len(data) < keyNodeSize {
		return KeyNode{}, corrupt(CodeKeyNode, off, "nk", "cell has %d bytes, want at least %d", len(data), keyNodeSize)
	}
	if data[0] != 'n' || data[1] != 'k' {
		return KeyNode{}, corrupt(CodeKeyNode, off, "nk", "signature is %q, want \"nk\"", data[:2])
	}
	end := keyNodeSize + int(binary.LittleEndian.Uint16(data[72:]))
	if end > len(data) {
		return KeyNode{}, corrupt(CodeKeyNode, off, "nk", "name length %d exceeds cell (%d bytes)", end-keyNodeSize, len(data))
	}
	return KeyNode{Offset: off, wide: m.oldCells(), data: data[:end:end]}, nil
}

// Flags has the Key… flags.
func (k KeyNode) Flags() uint16 { return binary.LittleEndian.Uint16(k.data[2:]) }

// LastWriteTime is a FILETIME.
func (k KeyNode) LastWriteTime() uint64 { return binary.LittleEndian.Uint64(k.data[keyLastWriteTime:]) }

// Layer is the byte with the semantics of layered keys (version 1.6).
func (k KeyNode) Layer() byte { return k.data[13] }

// Parent is the cell of the parent key; meaningless in the root.
func (k KeyNode) Parent() Offset { return Offset(binary.LittleEndian.Uint32(k.data[16:])) }

// SubkeyCount is the number of subkeys on disk.
func (k KeyNode) SubkeyCount() uint32 { return binary.LittleEndian.Uint32(k.data[20:]) }

// SubkeyList is the list of subkeys, NIL when there are none.
func (k KeyNode) SubkeyList() Offset { return Offset(binary.LittleEndian.Uint32(k.data[28:])) }

// VolatileSubkeyCount is meaningless on disk.
func (k KeyNode) VolatileSubkeyCount() uint32 { return binary.LittleEndian.Uint32(k.data[24:]) }

// ValueCount is the number of values, 0 for a key with a predefined handle.
func (k KeyNode) ValueCount() uint32 {
	if k.Flags()&KeyPredefHandle != 0 {
		return 0
	}
	return binary.LittleEndian.Uint32(k.data[36:])
}

// ValueList is the list of values, NIL when there are none.
func (k KeyNode) ValueList() Offset { return Offset(binary.LittleEndian.Uint32(k.data[40:])) }

// Security is the cell of the security record.
func (k KeyNode) Security() Offset { return Offset(binary.LittleEndian.Uint32(k.data[44:])) }

// Class is the cell of the class name, NIL when there is none.
func (k KeyNode) Class() Offset { return Offset(binary.LittleEndian.Uint32(k.data[48:])) }

// MaxNameLen is the length of the longest subkey name, in bytes of UTF-16.
func (k KeyNode) MaxNameLen() uint32 { return uint32(binary.LittleEndian.Uint16(k.data[52:])) }

// MaxClassLen is the length of the longest class name of a subkey, in bytes.
func (k KeyNode) MaxClassLen() uint32 { return binary.LittleEndian.Uint32(k.data[56:]) }

// MaxValueNameLen is the length of the longest value name, in bytes of UTF-16.
func (k KeyNode) MaxValueNameLen() uint32 {
	return binary.LittleEndian.Uint32(k.data[keyMaxValueNameLen:])
}

// MaxValueDataLen is the length of the longest value data, in bytes.
func (k KeyNode) MaxValueDataLen() uint32 {
	return binary.LittleEndian.Uint32(k.data[keyMaxValueDataLen:])
}

// ClassLength is the length of the class name in bytes.
func (k KeyNode) ClassLength() int { return int(binary.LittleEndian.Uint16(k.data[74:])) }

// UserFlags has flags that mean nothing to the registry itself: of 32-bit
// applications and virtualization, and for debugging.
func (k KeyNode) UserFlags() uint16 { return binary.LittleEndian.Uint16(k.data[keyUserFlags:]) }

// Record is the stored record with the name.
func (k KeyNode) Record() []byte { return k.data }

// SameButValues reports whether the record differs from an earlier one in
// nothing but the last write time and the fields that tell of values.
func (k KeyNode) SameButValues(before []byte) bool {
	const afterTime, afterList, afterMaxima = keyLastWriteTime + 8, keyValueList + 4, keyMaxValueDataLen + 4
	return len(before) == len(k.data) &&
		bytes.Equal(k.data[:keyLastWriteTime], before[:keyLastWriteTime]) &&
		bytes.Equal(k.data[afterTime:keyValueCount], before[afterTime:keyValueCount]) &&
		bytes.Equal(k.data[afterList:keyMaxValueNameLen], before[afterList:keyMaxValueNameLen]) &&
		bytes.Equal(k.data[afterMaxima:], before[afterMaxima:])
}

// Name is the key's name. A trailing odd byte of a UTF-16 name is no part of it.
func (k KeyNode) Name() Name {
	return Name{Raw: k.data[keyNodeSize:], Latin1: k.Flags()&KeyCompName != 0 && !k.wide}
}

// ClassName returns the key's class name in WTF-8, "" when it has none. It
// returns a FormatError when the cell of the class name is unsound.
func (m *Image) ClassName(k KeyNode) (string, error) {
	if k.ClassLength() == 0 {
		return "", nil
	}
	data, err := m.Cell(k.Class())
	if err != nil {
		return "", err
	}
	if k.ClassLength() > len(data) {
		return "", corrupt(CodeClass, k.Offset, "nk", "class name length %d exceeds cell (%d bytes)", k.ClassLength(), len(data))
	}
	return Name{Raw: data[:k.ClassLength()]}.String(), nil
}
