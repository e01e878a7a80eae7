package regf

import "encoding/binary"

const securityRecordSize = 20 // without the descriptor

// Fields of a security record, as offsets in the cell data.
const (
	securityNext     = 4
	securityPrevious = 8
	securityUsers    = 12
	securityLength   = 16
)

// SecurityRecord is a view of an sk record: a security descriptor, shared by
// keys and linked into one ring per hive.
type SecurityRecord struct {
	Offset Offset
	data   []byte
}

// SecurityRecord returns the security record in the cell at off. It returns a
// FormatError when there is none.
func (m *Image) SecurityRecord(off Offset) (SecurityRecord, error) {
	data, err := m.Cell(off)
	if err != nil {
		return SecurityRecord{}, err
	}
	if len(data) < securityRecordSize {
		return SecurityRecord{}, corrupt(CodeDescriptor, off, "sk", "cell has %d bytes, want at least %d", len(data), securityRecordSize)
	}
	if data[0] != 's' || data[1] != 'k' {
		return SecurityRecord{}, corrupt(CodeSecurityReference, off, "sk", "signature is %q, want \"sk\"", data[:2])
	}
	return SecurityRecord{Offset: off, data: data}, nil
}

func (s SecurityRecord) u32(off int) uint32 { return binary.LittleEndian.Uint32(s.data[off:]) }

// Next is the next record of the ring.
func (s SecurityRecord) Next() Offset { return Offset(s.u32(securityNext)) }

// Previous is the previous record of the ring.
func (s SecurityRecord) Previous() Offset { return Offset(s.u32(securityPrevious)) }

// ReferenceCount is the number of keys that use the record.
func (s SecurityRecord) ReferenceCount() uint32 { return s.u32(securityUsers) }

// DescriptorLength is the length of the descriptor in bytes.
func (s SecurityRecord) DescriptorLength() uint32 { return s.u32(securityLength) }

// Descriptor is the self-relative security descriptor. It returns a
// FormatError when it does not fit the cell.
func (s SecurityRecord) Descriptor() ([]byte, error) {
	length, room := s.DescriptorLength(), len(s.data)-securityRecordSize
	if uint64(length) > uint64(room) {
		return nil, corrupt(CodeDescriptor, s.Offset, "sk", "descriptor length %d exceeds cell (%d bytes)", length, len(s.data))
	}
	return s.data[securityRecordSize : securityRecordSize+int(length)], nil
}
