package sddl

import (
	"encoding/binary"
	"fmt"
)

// Control flags of a descriptor (MS-DTYP 2.4.6).
const (
	ownerDefaulted    = 0x0001
	groupDefaulted    = 0x0002
	daclPresent       = 0x0004
	daclDefaulted     = 0x0008
	saclPresent       = 0x0010
	saclDefaulted     = 0x0020
	daclTrusted       = 0x0040
	serverSecurity    = 0x0080
	daclInheritReq    = 0x0100
	saclInheritReq    = 0x0200
	daclAutoInherited = 0x0400
	saclAutoInherited = 0x0800
	daclProtected     = 0x1000
	saclProtected     = 0x2000
	managerValid      = 0x4000
	selfRelative      = 0x8000
)

// Sizes in bytes.
const (
	headerSize    = 20
	listHeader    = 8
	maxListSize   = 0xFFFF
	entryHeader   = 4
	sidHeader     = 8
	maxAuthority  = 15 // most parts of a SID behind its authority
	guidSize      = 16
	objectOffset  = 12 // of the GUIDs in an object entry
	trusteeOffset = 8  // of the SID in other entries
)

// Revisions of an access list.
const (
	listRevision       = 2
	listRevisionObject = 4 // with object entries
)

// descriptor is a security descriptor without its layout.
type descriptor struct {
	control      uint16
	manager      byte   // for the resource manager
	owner, group []byte // SIDs, nil where there is none
	dacl, sacl   *list  // nil where there is none
}

// list is an access list.
type list struct {
	null    bool // present, but without a list: all access, or no audit
	entries []entry
}

// decode reads a self-relative descriptor.
func decode(b []byte) (*descriptor, error) {
	if len(b) < headerSize {
		return nil, unsound("it has %d bytes, want at least %d", len(b), headerSize)
	}
	if b[0] != 1 {
		return nil, unsound("revision is %d, want 1", b[0])
	}
	d := &descriptor{control: binary.LittleEndian.Uint16(b[2:]), manager: b[1]}
	if d.control&selfRelative == 0 {
		return nil, unsound("it is not self-relative")
	}
	var err error
	if d.owner, err = decodeAccount(b, 4, "owner"); err != nil {
		return nil, err
	}
	if d.group, err = decodeAccount(b, 8, "group"); err != nil {
		return nil, err
	}
	if d.control&saclPresent != 0 {
		if d.sacl, err = decodeList(b, 12, "SACL"); err != nil {
			return nil, err
		}
	}
	if d.control&daclPresent != 0 {
		d.dacl, err = decodeList(b, 16, "DACL")
	}
	return d, err
}

func unsound(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDescriptor, fmt.Sprintf(format, args...))
}

// part returns what stands behind the offset at a place of the header, nil when
// the offset is 0.
func part(b []byte, at int, name string) ([]byte, error) {
	off := binary.LittleEndian.Uint32(b[at:])
	if off == 0 {
		return nil, nil
	}
	if off < headerSize || uint64(off) >= uint64(len(b)) {
		return nil, unsound("the %s is at %d, outside its %d bytes", name, off, len(b))
	}
	return b[off:], nil
}

func decodeAccount(b []byte, at int, name string) ([]byte, error) {
	data, err := part(b, at, name)
	if err != nil || data == nil {
		return nil, err
	}
	sid, err := cutSID(data)
	if err != nil {
		return nil, unsound("the %s %s", name, err)
	}
	return sid, nil
}

func decodeList(b []byte, at int, name string) (*list, error) {
	data, err := part(b, at, name)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return &list{null: true}, nil
	}
	if len(data) < listHeader {
		return nil, unsound("the %s has %d bytes, want at least %d", name, len(data), listHeader)
	}
	size, count := int(binary.LittleEndian.Uint16(data[2:])), int(binary.LittleEndian.Uint16(data[4:]))
	switch revision := data[0]; {
	case revision < listRevision || revision > listRevisionObject:
		return nil, unsound("the %s has revision %d, want %d to %d", name, revision, listRevision, listRevisionObject)
	case size < listHeader || size > len(data):
		return nil, unsound("the %s says it has %d bytes of %d", name, size, len(data))
	}
	rest := data[listHeader:size]
	l := &list{}
	for i := range count {
		if len(rest) < entryHeader {
			return nil, unsound("the %s ends before entry %d of %d", name, i+1, count)
		}
		length := int(binary.LittleEndian.Uint16(rest[2:]))
		if length < entryHeader || length > len(rest) {
			return nil, unsound("entry %d of the %s says it has %d bytes of %d", i+1, name, length, len(rest))
		}
		entry, err := decodeEntry(rest[:length])
		if err != nil {
			return nil, fmt.Errorf("entry %d of the %s: %w", i+1, name, err)
		}
		l.entries = append(l.entries, entry)
		rest = rest[length:]
	}
	return l, nil
}

// encode writes the descriptor with its parts in the order in which Windows
// writes them: SACL, DACL, owner, group.
func (d *descriptor) encode() []byte {
	b := make([]byte, headerSize, 256)
	b[0] = 1
	binary.LittleEndian.PutUint16(b[2:], d.control|selfRelative)
	place := func(at int, data []byte) {
		if data == nil {
			return
		}
		binary.LittleEndian.PutUint32(b[at:], uint32(len(b)))
		b = append(b, data...)
	}
	place(12, d.sacl.encode())
	place(16, d.dacl.encode())
	place(4, d.owner)
	place(8, d.group)
	return b
}

// encode returns nil for a list that is absent or null.
func (l *list) encode() []byte {
	if l == nil || l.null {
		return nil
	}
	b := make([]byte, listHeader, l.size())
	b[0] = listRevision
	for i := range l.entries {
		if l.entries[i].isObject() {
			b[0] = listRevisionObject
		}
		b = l.entries[i].append(b)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	binary.LittleEndian.PutUint16(b[4:], uint16(len(l.entries)))
	return b
}

// size is the length of the list in bytes, at most maxListSize in one that
// was decoded or parsed.
func (l *list) size() int {
	size := listHeader
	for i := range l.entries {
		size += l.entries[i].size()
	}
	return size
}
