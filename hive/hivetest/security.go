package hivetest

import "encoding/binary"

// Offsets in a security record (sk).
const (
	SecurityNext       = 4
	SecurityPrevious   = 8
	SecurityReferences = 12
	SecurityLength     = 16
	SecurityDescriptor = 20
)

// security returns the place of a descriptor and stores it when it is new.
// Without a descriptor it is that of the parent.
func (b *builder) security(descriptor []byte, parent *SecurityPlace) *SecurityPlace {
	if descriptor == nil {
		if parent != nil {
			return parent
		}
		descriptor = DefaultDescriptor()
	}
	if place := b.securities[string(descriptor)]; place != nil {
		return place
	}
	place := &SecurityPlace{Cell: b.allocate(SecurityDescriptor + len(descriptor)), Descriptor: descriptor}
	record := b.data(place.Cell)
	copy(record, "sk")
	binary.LittleEndian.PutUint32(record[SecurityLength:], uint32(len(descriptor)))
	copy(record[SecurityDescriptor:], descriptor)
	b.securities[string(descriptor)] = place
	b.image.Securities = append(b.image.Securities, place)
	return place
}

// linkSecurities closes the ring and stores the reference counts.
func (b *builder) linkSecurities() {
	places := b.image.Securities
	for i, place := range places {
		next := places[(i+1)%len(places)]
		b.put32(place.Cell, SecurityNext, next.Cell)
		b.put32(next.Cell, SecurityPrevious, place.Cell)
		b.put32(place.Cell, SecurityReferences, uint32(place.References))
	}
}
