package hivetest

import "encoding/binary"

// security returns the place of the descriptor that the key at path has.
func (i *Image) security(path string) *SecurityPlace {
	return i.securityAt(i.Key(path).Security)
}

// ringMutations break the ring of descriptors, what keys name on it, and the
// reference counts.
func ringMutations() []Mutation {
	closed := func(image *Image) uint32 { return image.security(`ControlSet001\Control\Lsa`).Cell }
	ring := func(image *Image) []Span {
		var cells []uint32
		for _, place := range image.Securities {
			cells = append(cells, place.Cell)
		}
		return image.spans(cells...)
	}
	putRing := func(at int, n func(*Image) uint32) func(*Image) []Span {
		return func(image *Image) []Span {
			image.Put32(closed(image), at, n(image))
			return ring(image)
		}
	}
	putCount := func(n func(old uint32) uint32) func(*Image) []Span {
		return func(image *Image) []Span {
			cell := closed(image)
			image.Put32(cell, SecurityReferences, n(image.U32(cell, SecurityReferences)))
			return image.spans(cell)
		}
	}
	return []Mutation{
		fault("security-nil", 45, putNode(leafKey, NodeSecurity, NIL)).or(14).also(47).at(leafKey),
		fault("security-is-a-key", 45, func(image *Image) []Span {
			return putNode(leafKey, NodeSecurity, image.Key(setupKey).Node)(image)
		}).also(15, 47).at(leafKey),
		fault("security-off-the-ring", 45, func(image *Image) []Span {
			cell := closed(image)
			next, previous := image.U32(cell, SecurityNext), image.U32(cell, SecurityPrevious)
			image.Put32(previous, SecurityNext, next)
			image.Put32(next, SecurityPrevious, previous)
			where := image.spans(cell)
			for path, place := range image.Keys {
				if place.Security == cell {
					where = append(where, image.spans(image.Key(path).Node)...)
				}
			}
			return where
		}).also(46),
		fault("security-signature-wrong", 45, func(image *Image) []Span {
			copy(image.Cell(closed(image)), "ks")
			return nil
		}).or(46).also(47),
		fault("ring-next-beyond-bins", 46, putRing(SecurityNext, func(i *Image) uint32 { return i.BinsSize() })).or(14).also(45, 47),
		fault("ring-next-nil", 46, putRing(SecurityNext, func(*Image) uint32 { return NIL })).or(14).also(45, 47),
		fault("ring-next-is-itself", 46, putRing(SecurityNext, closed)).also(45, 47),
		fault("ring-next-is-a-key", 46, putRing(SecurityNext, func(i *Image) uint32 { return i.Key("").Node })).also(15, 45, 47),
		fault("ring-previous-wrong", 46, putRing(SecurityPrevious, closed)),
		fault("ring-previous-beyond-bins", 46, putRing(SecurityPrevious, func(i *Image) uint32 { return i.BinsSize() })).or(14),
		fault("ring-misses-the-root", 46, func(image *Image) []Span {
			// from the second descriptor on the ring never comes back to the first
			places := image.Securities
			last, second := places[len(places)-1].Cell, places[1].Cell
			image.Put32(last, SecurityNext, second)
			return ring(image)
		}),
		fault("reference-count-0", 47, putCount(func(uint32) uint32 { return 0 })),
		fault("reference-count-too-low", 47, putCount(func(old uint32) uint32 { return old - 1 })),
		fault("reference-count-too-high", 47, putCount(func(old uint32) uint32 { return old + 1 })).level("FLCW"),
		fault("descriptors-equal", 49, func(image *Image) []Span {
			to := image.security(`ControlSet001\Enum`).Cell
			copy(image.Cell(to)[SecurityDescriptor:], ClosedDescriptor())
			return image.spans(to, closed(image))
		}),
	}
}

// descriptorMutations break one descriptor.
func descriptorMutations() []Mutation {
	// Offsets in a descriptor, and in its ACL, which follows the header.
	const (
		atControl, atOwner, atGroup, atACL = 2, 4, 8, 16
		aclSize, aclCount, firstACE        = 20 + 2, 20 + 4, 20 + 8
		aceSize, aceSubCount               = firstACE + 2, firstACE + 9
		selfRelative                       = 0x8000
	)
	descriptor := func(name string, apply func(record, descriptor []byte)) Mutation {
		return fault(name, 48, func(image *Image) []Span {
			cell := image.security(`ControlSet001\Control\Lsa`).Cell
			apply(image.Cell(cell), image.Cell(cell)[SecurityDescriptor:])
			return image.spans(cell)
		})
	}
	put16 := func(name string, at int, n uint16) Mutation {
		return descriptor(name, func(_, d []byte) { binary.LittleEndian.PutUint16(d[at:], n) })
	}
	put32 := func(name string, at int, n uint32) Mutation {
		return descriptor(name, func(_, d []byte) { binary.LittleEndian.PutUint32(d[at:], n) })
	}
	length := func(name string, n uint32) Mutation {
		return descriptor(name, func(record, _ []byte) { binary.LittleEndian.PutUint32(record[SecurityLength:], n) })
	}
	return []Mutation{
		length("descriptor-length-0", 0),
		length("descriptor-length-19", 19),
		length("descriptor-longer-than-cell", 1000),
		length("descriptor-length-absurd", 0xFFFFFFFF),
		descriptor("descriptor-revision-2", func(_, d []byte) { d[0] = 2 }),
		descriptor("descriptor-not-self-relative", func(_, d []byte) {
			binary.LittleEndian.PutUint16(d[atControl:], binary.LittleEndian.Uint16(d[atControl:])&^selfRelative)
		}),
		put32("owner-beyond-descriptor", atOwner, 0x1000),
		put32("owner-absurd", atOwner, 0xFFFFFFFC),
		put32("group-beyond-descriptor", atGroup, 0x1000),
		put32("acl-beyond-descriptor", atACL, 0x1000),
		put16("acl-size-beyond-descriptor", aclSize, 0x1000),
		put16("acl-count-too-high", aclCount, 200),
		put16("ace-size-0", aceSize, 0),
		put16("ace-size-beyond-acl", aceSize, 0x800),
		descriptor("sid-count-absurd", func(_, d []byte) { d[aceSubCount] = 255 }),
	}
}
