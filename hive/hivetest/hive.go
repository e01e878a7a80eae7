package hivetest

import (
	"fmt"
	"strings"
)

// LastWritten is the FILETIME of every key whose literal names none:
// 2002-06-11 00:00:00 UTC.
const LastWritten uint64 = 126682272000000000

// Hive is the literal of a registry hive. Fields that are not named here, and
// everything that follows from others, are computed by Build.
type Hive struct {
	Minor uint32 // minor version, 0 to 6

	// Sequence1 and Sequence2 are stored as they are, except that two zeros
	// stand for 1 and 1. SetSequences on the Image stores anything.
	Sequence1, Sequence2 uint32

	Timestamp      uint64   // FILETIME of the base block and of the first bin
	FileName       string   // the last 31 UTF-16 units of it are stored
	Flags          uint32   // base block flags: 1 transactions, 2 layered keys
	RmID, TmID     [16]byte // GUIDs of the transaction managers; a RmID brings the "rmtm" signature
	LastReorganize uint64   // FILETIME of the last reorganisation
	Residue        []byte   // garbage from 0x70 up to the checksum that old Windows left there

	Root     Key
	Trailing int // bytes after the last bin, none of them zero
}

// Key is the literal of a key. Its subkeys may come in any order.
type Key struct {
	Name     string
	Values   []Value
	Subkeys  []Key
	Class    string
	Security []byte // self-relative descriptor; nil stands for that of the parent

	List     string // kind of the leaves, "li", "lf" or "lh"; empty for what fits the minor version
	LeafSize int    // entries in a leaf before an ri is made; 0 stands for 507
	WideName bool   // store a Latin-1 name as UTF-16

	Flags         uint16 // set in addition to those that follow from name and place
	Time          uint64 // LastWriteTime as FILETIME; 0 stands for LastWritten
	AccessBits    byte   // byte 12 of the record
	Layer         byte   // byte 13 of the record: layer semantics and bit 7, inherit class
	UserFlags     byte   // byte 54 of the record
	VolatileCount uint32 // stale number of volatile subkeys

	ListSlack int // bytes that the cells of the subkey and value lists have too many
	Hole      int // bytes of a free cell left behind the cells of this key
}

// Value is the literal of a value.
type Value struct {
	Name     string
	Type     uint32
	Data     []byte
	WideName bool // store a Latin-1 name as UTF-16

	Tombstone bool   // layered keys: the value is deleted
	Direct    bool   // store data of 1 to 4 bytes in a cell of its own
	BigData   bool   // store the data as big data whatever its length and the minor version
	Slack     int    // bytes that the data cell has too many
	Spare     uint16 // last two bytes of the record
}

// Key returns the key at path, names joined by backslashes and compared as
// Windows does; the empty path is the root. It panics when there is none.
func (h *Hive) Key(path string) *Key {
	key := &h.Root
	if path == "" {
		return key
	}
	for _, name := range strings.Split(path, `\`) {
		key = key.Subkey(name)
		if key == nil {
			panic(fmt.Sprintf("hivetest: no key %q on the way to %q", name, path))
		}
	}
	return key
}

// Subkey returns the subkey of that name, or nil.
func (k *Key) Subkey(name string) *Key {
	for i := range k.Subkeys {
		if CompareNames(k.Subkeys[i].Name, name) == 0 {
			return &k.Subkeys[i]
		}
	}
	return nil
}

// Value returns the value of that name, or nil.
func (k *Key) Value(name string) *Value {
	for i := range k.Values {
		if CompareNames(k.Values[i].Name, name) == 0 {
			return &k.Values[i]
		}
	}
	return nil
}

// SetValue replaces the value of the same name or appends a new one.
func (k *Key) SetValue(value Value) {
	if old := k.Value(value.Name); old != nil {
		*old = value
		return
	}
	k.Values = append(k.Values, value)
}

// DeleteValue removes the value of that name where there is one.
func (k *Key) DeleteValue(name string) {
	for i := range k.Values {
		if CompareNames(k.Values[i].Name, name) == 0 {
			k.Values = append(k.Values[:i:i], k.Values[i+1:]...)
			return
		}
	}
}

// DeleteSubkey removes the subkey of that name and all below it where there is
// one.
func (k *Key) DeleteSubkey(name string) {
	for i := range k.Subkeys {
		if CompareNames(k.Subkeys[i].Name, name) == 0 {
			k.Subkeys = append(k.Subkeys[:i:i], k.Subkeys[i+1:]...)
			return
		}
	}
}

// Keys calls visit for the root and every key below it with its path.
func (h *Hive) Keys(visit func(path string, key *Key)) {
	visitKeys("", &h.Root, visit)
}

func visitKeys(path string, key *Key, visit func(string, *Key)) {
	visit(path, key)
	for i := range key.Subkeys {
		visitKeys(join(path, key.Subkeys[i].Name), &key.Subkeys[i], visit)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + `\` + name
}
