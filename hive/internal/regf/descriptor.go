package regf

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Layout of a self-relative security descriptor, as Microsoft documents it in
// MS-DTYP 2.4.
const (
	descriptorHeader = 20
	selfRelative     = 0x8000
	daclPresent      = 0x0004
	saclPresent      = 0x0010
	aclHeader        = 8
	aceHeader        = 4
	aceSID           = 8 // header and access mask precede it
	sidHeader        = 8
	maxSubAuthority  = 15
)

// ValidateDescriptor returns an error that says why b is not a sound
// self-relative security descriptor, or nil.
func ValidateDescriptor(b []byte) error {
	if len(b) < descriptorHeader {
		return fmt.Errorf("has %d bytes, want at least %d", len(b), descriptorHeader)
	}
	if b[0] != 1 {
		return fmt.Errorf("revision is %d, want 1", b[0])
	}
	control := binary.LittleEndian.Uint16(b[2:])
	if control&selfRelative == 0 {
		return errors.New("is not self-relative")
	}
	for _, part := range []struct {
		name    string
		at      int
		present bool
		check   func([]byte) error
	}{
		{"owner", 4, true, validateSID},
		{"group", 8, true, validateSID},
		{"system access list", 12, control&saclPresent != 0, validateACL},
		{"access list", 16, control&daclPresent != 0, validateACL},
	} {
		off := binary.LittleEndian.Uint32(b[part.at:])
		if off == 0 || !part.present {
			continue
		}
		if off < descriptorHeader || uint64(off) >= uint64(len(b)) {
			return fmt.Errorf("%s is at %d, outside its %d bytes", part.name, off, len(b))
		}
		if err := part.check(b[off:]); err != nil {
			return fmt.Errorf("%s %w", part.name, err)
		}
	}
	return nil
}

// basicEntry reports whether a type of access list entry is one in which the
// SID follows the access mask at once: allow, deny, audit, alarm.
func basicEntry(kind byte) bool { return kind <= 3 }

func validateSID(b []byte) error {
	if len(b) < sidHeader {
		return fmt.Errorf("has %d bytes, want at least %d", len(b), sidHeader)
	}
	switch count := int(b[1]); {
	case b[0] != 1:
		return fmt.Errorf("has revision %d, want 1", b[0])
	case count > maxSubAuthority:
		return fmt.Errorf("has %d parts, want at most %d", count, maxSubAuthority)
	case sidHeader+4*count > len(b):
		return fmt.Errorf("has %d bytes, want %d", len(b), sidHeader+4*count)
	}
	return nil
}

func validateACL(b []byte) error {
	if len(b) < aclHeader {
		return fmt.Errorf("has %d bytes, want at least %d", len(b), aclHeader)
	}
	size, count := int(binary.LittleEndian.Uint16(b[2:])), int(binary.LittleEndian.Uint16(b[4:]))
	if size < aclHeader || size > len(b) {
		return fmt.Errorf("says it has %d bytes of %d", size, len(b))
	}
	rest := b[aclHeader:size]
	for i := range count {
		if len(rest) < aceHeader {
			return fmt.Errorf("ends before entry %d of %d", i+1, count)
		}
		entry := int(binary.LittleEndian.Uint16(rest[2:]))
		if entry < aceHeader || entry > len(rest) {
			return fmt.Errorf("entry %d says it has %d bytes of %d", i+1, entry, len(rest))
		}
		if basicEntry(rest[0]) && (entry < aceSID || validateSID(rest[aceSID:entry]) != nil) {
			return fmt.Errorf("entry %d has no sound SID", i+1)
		}
		rest = rest[entry:]
	}
	return nil
}

// Access is what an access list allows to somebody.
type Access struct {
	SID  []byte
	Mask uint32
}

// NewDescriptor returns a self-relative security descriptor whose access list
// allows what grants say, for the key and those below it.
func NewDescriptor(owner, group []byte, grants []Access) []byte {
	const containerInherit = 2
	list := make([]byte, aclHeader)
	for _, grant := range grants {
		list = append(list, 0, containerInherit)
		list = binary.LittleEndian.AppendUint16(list, uint16(aceSID+len(grant.SID)))
		list = binary.LittleEndian.AppendUint32(list, grant.Mask)
		list = append(list, grant.SID...)
	}
	list[0] = 2 // revision
	binary.LittleEndian.PutUint16(list[2:], uint16(len(list)))
	binary.LittleEndian.PutUint16(list[4:], uint16(len(grants)))

	b := []byte{1, 0}
	b = binary.LittleEndian.AppendUint16(b, selfRelative|daclPresent)
	at := uint32(descriptorHeader)
	for _, length := range []int{len(owner), len(group)} {
		b = binary.LittleEndian.AppendUint32(b, at)
		at += uint32(length)
	}
	b = binary.LittleEndian.AppendUint32(b, 0) // no system access list
	b = binary.LittleEndian.AppendUint32(b, at)
	b = append(append(b, owner...), group...)
	return append(b, list...)
}
