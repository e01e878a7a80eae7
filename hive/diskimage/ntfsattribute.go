package diskimage

import (
	"encoding/binary"
)

// Types of attributes.
const (
	typeStandard    = 0x10
	typeList        = 0x20
	typeVolumeInfo  = 0x70
	typeData        = 0x80
	typeIndexRoot   = 0x90
	typeIndexBlocks = 0xA0
	typeBitmap      = 0xB0
	typeReparse     = 0xC0
	typeEnd         = 0xFFFFFFFF
)

// Flags of an attribute.
const (
	flagCompressed = 0x00FF
	flagEncrypted  = 0x4000
	flagSparse     = 0x8000
)

// folderIndex is the name of the attributes that hold the names in a folder, in
// the form in which names are compared here: as stored, little-endian UTF-16.
const folderIndex = "$\x00I\x003\x000\x00"

// attribute is an attribute in a file record, or a part of one.
type attribute struct {
	kind     uint32
	name     string // as stored: little-endian UTF-16
	flags    uint16
	instance uint16
	resident bool
	value    []byte // of a resident one

	// Of one that is not resident. lowest is the cluster of the attribute that
	// runs begin with, next the one after the last.
	lowest, next                 int64
	runs                         []byte
	allocated, size, initialized int64 // bytes; in the first part only
}

// Sizes of the headers of attributes.
const (
	residentHeader    = 24
	nonResidentHeader = 64
)

// parseAttributes splits the attributes of a record. All of them end before
// their record does; there are at most as many as headers fit in it.
func (r *record) parseAttributes(b []byte) ([]attribute, error) {
	var attributes []attribute
	for {
		if len(b) < 4 {
			return nil, r.wrong("its attributes have no end")
		}
		kind := binary.LittleEndian.Uint32(b)
		if kind == typeEnd {
			return attributes, nil
		}
		if len(b) < residentHeader {
			return nil, r.wrong("attribute %#x has %d bytes left", kind, len(b))
		}
		length := binary.LittleEndian.Uint32(b[4:])
		if length < residentHeader || length%8 != 0 || length > uint32(len(b)) {
			return nil, r.wrong("attribute %#x has a length of %d, %d are left", kind, length, len(b))
		}
		a, err := r.parseAttribute(kind, b[:length:length])
		if err != nil {
			return nil, err
		}
		attributes = append(attributes, a)
		b = b[length:]
	}
}

func (r *record) parseAttribute(kind uint32, b []byte) (attribute, error) {
	a := attribute{
		kind:     kind,
		resident: b[8] == 0,
		flags:    binary.LittleEndian.Uint16(b[12:]),
		instance: binary.LittleEndian.Uint16(b[14:]),
	}
	name, nameEnd := int(binary.LittleEndian.Uint16(b[10:])), 2*int(b[9])
	if nameEnd += name; nameEnd > len(b) {
		return a, r.wrong("the name of attribute %#x ends at %d of %d", kind, nameEnd, len(b))
	}
	a.name = string(b[name:nameEnd])
	if a.resident {
		return a, r.parseResident(&a, b)
	}
	return a, r.parseNonResident(&a, b)
}

func (r *record) parseResident(a *attribute, b []byte) error {
	length, off := uint64(binary.LittleEndian.Uint32(b[16:])), uint64(binary.LittleEndian.Uint16(b[20:]))
	if off+length > uint64(len(b)) {
		return r.wrong("the value of attribute %#x has %d bytes at %d of %d", a.kind, length, off, len(b))
	}
	a.value = b[off : off+length : off+length]
	return nil
}

func (r *record) parseNonResident(a *attribute, b []byte) error {
	if len(b) < nonResidentHeader {
		return r.wrong("attribute %#x has %d bytes, expected %d", a.kind, len(b), nonResidentHeader)
	}
	// -1 as the last cluster stands for none.
	lowest, highest := binary.LittleEndian.Uint64(b[16:]), int64(binary.LittleEndian.Uint64(b[24:]))
	a.lowest, a.next = int64(lowest), highest+1
	runs := int(binary.LittleEndian.Uint16(b[32:]))
	if a.lowest < 0 || highest < -1 || a.next < a.lowest || a.next < 0 {
		return r.wrong("attribute %#x goes from cluster %d to %d", a.kind, a.lowest, highest)
	}
	if runs < nonResidentHeader || runs > len(b) {
		return r.wrong("the runs of attribute %#x are at %d of %d", a.kind, runs, len(b))
	}
	a.runs = b[runs:]
	a.allocated = int64(binary.LittleEndian.Uint64(b[40:]))
	a.size = int64(binary.LittleEndian.Uint64(b[48:]))
	a.initialized = int64(binary.LittleEndian.Uint64(b[56:]))
	return nil
}
