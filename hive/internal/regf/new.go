package regf

import (
	"encoding/binary"
	"fmt"
)

// New returns an image of version 1.minor, 3 or 5, that has a root key of that
// name, with a security descriptor and the time, and nothing else. It returns
// ErrTooLarge when the descriptor does not fit.
func New(minor uint32, name Name, descriptor []byte, filetime uint64) (*Image, error) {
	if minor != 3 && minor != 5 {
		return nil, fmt.Errorf("version 1.%d cannot be created, want 1.3 or 1.5", minor)
	}
	block := make([]byte, BaseBlockSize)
	copy(block, "regf")
	for field, v := range map[int]uint32{
		blockMajor:   1,
		blockMinor:   minor,
		blockFormat:  1,
		blockRoot:    BinHeaderSize,
		blockCluster: 1,
	} {
		binary.LittleEndian.PutUint32(block[field:], v)
	}
	m := newImage(block)
	if err := m.parse(); err != nil {
		return nil, err
	}
	root := newKeyNode(name, NIL, NIL, filetime)
	binary.LittleEndian.PutUint16(root[keyFlags:], KeyHiveEntry|KeyNoDelete|binary.LittleEndian.Uint16(root[keyFlags:]))
	k, err := m.allocate(len(root), root, caption{})
	if err != nil {
		return nil, err
	}
	record := newSecurityRecord(NIL, NIL, 1, descriptor)
	sk, err := m.allocate(len(record), record, caption{})
	if err != nil {
		return nil, err
	}
	m.writeU32(m.field(sk, securityNext), uint32(sk))
	m.writeU32(m.field(sk, securityPrevious), uint32(sk))
	m.writeU32(m.field(k, keySecurity), uint32(sk))
	m.Seal(1, filetime)
	return Parse(m.data) // with an empty list of changes
}
