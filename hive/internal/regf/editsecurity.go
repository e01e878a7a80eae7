package regf

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// SetSecurity gives the key k a security descriptor, which ValidateDescriptor
// has passed, and the time. It is shared with the keys that have the same one.
// It returns ErrTooLarge, or a FormatError when the ring of descriptors is
// unsound; the image is then as before.
func (m *Image) SetSecurity(k Offset, descriptor []byte, filetime uint64) error {
	return m.Transaction(func() error {
		node, err := m.KeyNode(k)
		if err != nil {
			return err
		}
		before := node.Security()
		record, found, err := m.findDescriptor(before, descriptor)
		if err != nil {
			return err
		}
		if !found {
			if record, err = m.addDescriptor(before, descriptor); err != nil {
				return err
			}
		}
		if err := m.addSecurityUser(record); err != nil {
			return err
		}
		m.writeU32(m.field(k, keySecurity), uint32(record))
		m.SetLastWriteTime(k, filetime)
		return m.dropSecurityUser(before)
	})
}

// findDescriptor looks for a descriptor on the ring that the record at start is
// part of.
func (m *Image) findDescriptor(start Offset, descriptor []byte) (Offset, bool, error) {
	left := m.MaxEntries()
	for off := start; ; {
		record, err := m.SecurityRecord(off)
		if err != nil {
			return NIL, false, err
		}
		own, err := record.Descriptor()
		if err != nil {
			return NIL, false, err
		}
		if bytes.Equal(own, descriptor) {
			return off, true, nil
		}
		if off = record.Next(); off == start {
			return NIL, false, nil
		}
		if left--; left < 0 {
			return NIL, false, corrupt(CodeSecurityReference, start, "sk", "the ring of descriptors does not come back to it")
		}
	}
}

// addDescriptor puts a descriptor that nobody uses yet on the ring, behind the
// record at before.
func (m *Image) addDescriptor(before Offset, descriptor []byte) (Offset, error) {
	previous, err := m.SecurityRecord(before)
	if err != nil {
		return NIL, err
	}
	next := previous.Next()
	if err := m.linked(before, next); err != nil {
		return NIL, err
	}
	b := newSecurityRecord(next, before, 0, descriptor)
	record, err := m.allocate(len(b), b, caption{})
	if err != nil {
		return NIL, err
	}
	m.writeU32(m.field(before, securityNext), uint32(record))
	m.writeU32(m.field(next, securityPrevious), uint32(record))
	return record, nil
}

func newSecurityRecord(next, previous Offset, users uint32, descriptor []byte) []byte {
	b := make([]byte, securityRecordSize, securityRecordSize+len(descriptor))
	copy(b, "sk")
	binary.LittleEndian.PutUint32(b[securityNext:], uint32(next))
	binary.LittleEndian.PutUint32(b[securityPrevious:], uint32(previous))
	binary.LittleEndian.PutUint32(b[securityUsers:], users)
	binary.LittleEndian.PutUint32(b[securityLength:], uint32(len(descriptor)))
	return append(b, descriptor...)
}

// addSecurityUser counts one more key that uses the record at off.
func (m *Image) addSecurityUser(off Offset) error {
	record, err := m.SecurityRecord(off)
	if err != nil {
		return err
	}
	users := record.ReferenceCount()
	if users == 1<<32-1 {
		return fmt.Errorf("%w: a security descriptor has at most %d users", ErrTooLarge, users)
	}
	m.writeU32(m.field(off, securityUsers), users+1)
	return nil
}

// dropSecurityUser counts one key less that uses the record at off, and deletes
// it with its last user.
func (m *Image) dropSecurityUser(off Offset) error {
	record, err := m.SecurityRecord(off)
	if err != nil {
		return err
	}
	switch users := record.ReferenceCount(); users {
	case 0:
		return corrupt(CodeSecurityReference, off, "sk", "says that no key uses it, but one does")
	case 1:
		return m.removeDescriptor(record)
	default:
		m.writeU32(m.field(off, securityUsers), users-1)
		return nil
	}
}

// removeDescriptor takes a record off the ring and frees it.
func (m *Image) removeDescriptor(record SecurityRecord) error {
	next, previous := record.Next(), record.Previous()
	if err := m.linked(previous, record.Offset); err != nil {
		return err
	}
	if err := m.linked(record.Offset, next); err != nil {
		return err
	}
	m.writeU32(m.field(previous, securityNext), uint32(next))
	m.writeU32(m.field(next, securityPrevious), uint32(previous))
	return m.release(record.Offset)
}

// linked returns a FormatError unless two records follow each other on the ring
// by the account of both.
func (m *Image) linked(first, second Offset) error {
	a, err := m.SecurityRecord(first)
	if err != nil {
		return err
	}
	b, err := m.SecurityRecord(second)
	if err != nil {
		return err
	}
	if a.Next() != second || b.Previous() != first {
		return corrupt(CodeSecurityReference, first, "sk", "does not agree with the record at %#x that they follow each other", second.File())
	}
	return nil
}
