package regf

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"hivepatch/hive/escape"
)

// SameContent returns nil when two images hold the same keys, in the same order
// and with the same names, classes, flags, times and security descriptors, and
// the same values. It ignores what no program sees: where cells lie, how names
// are stored, traces of volatile keys, maxima that are too high.
//
// The error names the first difference. Damage gives a FormatError. Whatever
// the images hold, the time it takes is in proportion to their size.
func SameContent(a, b *Image) error {
	s := sameContent{a: a, b: b, same: map[[2]Offset]bool{}, keys: a.MaxEntries(), bytes: uint64(a.BinsSize())}
	rootA, err := a.KeyNode(a.BaseBlock().RootCell())
	if err != nil {
		return err
	}
	rootB, err := b.KeyNode(b.BaseBlock().RootCell())
	if err != nil {
		return err
	}
	if err := s.key(&rootA, &rootB); err != nil {
		return err
	}
	for len(s.path) > 0 {
		if err := s.next(&s.path[len(s.path)-1]); err != nil {
			return err
		}
	}
	return nil
}

// sameContent is the state of one comparison.
type sameContent struct {
	a, b *Image
	path []keyPair

	same     map[[2]Offset]bool // cells of security descriptors that are equal
	lastSame [2]Offset          // of them, the last that were asked for

	// What a sound hive has room for: lists in which one key stands a thousand
	// times must not be followed a thousand times.
	keys  int
	bytes uint64
}

// keyPair is a key of both hives whose subkeys are being compared.
type keyPair struct {
	a, b subkeyCursor
}

// next compares the next subkeys of a pair, or ends it.
func (s *sameContent) next(p *keyPair) error {
	cellA, moreA, err := p.a.next(s.a)
	if err != nil {
		return err
	}
	cellB, moreB, err := p.b.next(s.b)
	switch {
	case err != nil:
		return err
	case moreA != moreB:
		return fmt.Errorf("one hive misses a subkey: that at %#x or that at %#x", cellA.File(), cellB.File())
	case !moreA:
		s.path = s.path[:len(s.path)-1]
		return nil
	}
	a, err := s.a.KeyNode(cellA)
	if err != nil {
		return err
	}
	b, err := s.b.KeyNode(cellB)
	if err != nil {
		return err
	}
	return s.key(&a, &b)
}

func different(a, b *KeyNode, format string, args ...any) error {
	return fmt.Errorf("keys at %#x and %#x: %s", a.Offset.File(), b.Offset.File(), fmt.Sprintf(format, args...))
}

// key compares two keys and their values, and puts them on the stack.
func (s *sameContent) key(a, b *KeyNode) error {
	if !a.alike(b) {
		if err := sameNode(a, b); err != nil {
			return err
		}
	}
	if a.Flags()&KeyPredefHandle != 0 && a.handle() != b.handle() {
		return different(a, b, "handles of %s differ", a.printable())
	}
	if err := s.class(a, b); err != nil {
		return err
	}
	if err := s.descriptor(a, b); err != nil {
		return err
	}
	if err := s.values(a, b); err != nil {
		return err
	}
	if s.keys--; s.keys < 0 || len(s.path) > MaxDepth {
		return corrupt(CodeSubkeyList, a.Offset, "nk", "lists of subkeys lead to each other without end")
	}
	if a.SubkeyCount() == 0 && b.SubkeyCount() == 0 {
		return nil
	}
	s.path = append(s.path, keyPair{})
	p := &s.path[len(s.path)-1]
	if err := s.a.openSubkeys(*a, &p.a); err != nil {
		return err
	}
	return s.b.openSubkeys(*b, &p.b)
}

// printable is the name of the key in messages.
func (k *KeyNode) printable() string { return escape.Name(k.Name().String()) }

// printable is the name of the value in messages.
func (v *ValueRecord) printable() string { return escape.ValueName(v.Name().String()) }

// alike reports whether two records are equal, byte for byte, in what sameNode
// compares: signature, flags, time and access bits, user flags and name.
func (k *KeyNode) alike(other *KeyNode) bool {
	little := binary.LittleEndian
	return little.Uint64(k.data) == little.Uint64(other.data) &&
		little.Uint64(k.data[8:]) == little.Uint64(other.data[8:]) &&
		k.UserFlags() == other.UserFlags() &&
		bytes.Equal(k.data[keyNodeSize:], other.data[keyNodeSize:])
}

// sameNode compares what the records themselves say of two keys.
func sameNode(a, b *KeyNode) error {
	const stored = KeyCompName // how the name is stored
	switch {
	case !a.Name().same(b.Name()):
		return different(a, b, "names are %s and %s", a.printable(), b.printable())
	case a.Flags()&^stored != b.Flags()&^stored:
		return different(a, b, "flags of %s are %#x and %#x", a.printable(), a.Flags(), b.Flags())
	case a.LastWriteTime() != b.LastWriteTime():
		return different(a, b, "times of %s differ", a.printable())
	case a.accessField() != b.accessField(), a.UserFlags() != b.UserFlags():
		return different(a, b, "access bits or user flags of %s differ", a.printable())
	}
	return nil
}

// same reports whether two names have the same units.
func (n Name) same(other Name) bool {
	if n.Latin1 == other.Latin1 && bytes.Equal(n.Raw, other.Raw) {
		return true
	}
	if n.Len() != other.Len() {
		return false
	}
	for i := range n.Len() {
		if n.Unit(i) != other.Unit(i) {
			return false
		}
	}
	return true
}

func (s *sameContent) class(a, b *KeyNode) error {
	if a.ClassLength() == 0 && b.ClassLength() == 0 {
		return nil
	}
	if err := s.spend(a.Offset, uint64(a.ClassLength())); err != nil {
		return err
	}
	classA, err := s.a.ClassName(*a)
	if err != nil {
		return err
	}
	classB, err := s.b.ClassName(*b)
	if err == nil && classA != classB {
		err = different(a, b, "class names of %s are %s and %s", a.printable(), escape.Name(classA), escape.Name(classB))
	}
	return err
}

// spend counts bytes of a cell that two records should not share.
func (s *sameContent) spend(at Offset, n uint64) error {
	if n > s.bytes {
		return corrupt(CodeReference, at, "hive", "its records lead to more data than it holds")
	}
	s.bytes -= n
	return nil
}

func (s *sameContent) descriptor(a, b *KeyNode) error {
	cells := [2]Offset{a.Security(), b.Security()}
	if cells == s.lastSame || s.same[cells] {
		s.lastSame = cells
		return nil
	}
	recordA, err := s.a.SecurityRecord(a.Security())
	if err != nil {
		return err
	}
	recordB, err := s.b.SecurityRecord(b.Security())
	if err != nil {
		return err
	}
	first, err := recordA.Descriptor()
	if err != nil {
		return err
	}
	second, err := recordB.Descriptor()
	if err == nil && !bytes.Equal(first, second) {
		err = different(a, b, "security descriptors of %s differ", a.printable())
	}
	s.same[cells], s.lastSame = err == nil, cells
	return err
}

func (s *sameContent) values(a, b *KeyNode) error {
	switch count := a.ValueCount(); {
	case count != b.ValueCount():
		return different(a, b, "%s has %d values and %d", a.printable(), count, b.ValueCount())
	case count == 0:
		return nil
	}
	listA, err := s.a.ValueList(*a)
	if err != nil {
		return err
	}
	listB, err := s.b.ValueList(*b)
	if err != nil {
		return err
	}
	for i := range listA.Len() {
		valueA, err := s.a.ValueRecord(listA.At(i))
		if err != nil {
			return err
		}
		valueB, err := s.b.ValueRecord(listB.At(i))
		if err != nil {
			return err
		}
		if err := s.value(&valueA, &valueB); err != nil {
			return fmt.Errorf("key %s: %w", a.printable(), err)
		}
	}
	return nil
}

func (s *sameContent) value(a, b *ValueRecord) error {
	if err := s.spend(a.Offset, uint64(len(a.data))); err != nil {
		return err
	}
	if !a.alike(b) {
		if err := sameRecord(a, b); err != nil {
			return err
		}
	}
	if a.Inline() {
		return s.data(a, b)
	}
	if err := s.spend(a.Offset, uint64(a.DataLength())); err != nil {
		return err
	}
	return s.data(a, b)
}

// alike reports whether two records are equal, byte for byte, but for the field
// that holds inline data or leads to other data.
func (v *ValueRecord) alike(other *ValueRecord) bool {
	little := binary.LittleEndian
	return v.wide == other.wide &&
		little.Uint64(v.data) == little.Uint64(other.data) &&
		little.Uint64(v.data[valueType:]) == little.Uint64(other.data[valueType:]) &&
		bytes.Equal(v.data[valueRecordSize:], other.data[valueRecordSize:])
}

// sameRecord compares what the records themselves say of two values.
func sameRecord(a, b *ValueRecord) error {
	switch {
	case !a.Name().same(b.Name()):
		return fmt.Errorf("names of values are %s and %s", a.printable(), b.printable())
	case a.Type() != b.Type() || a.DataLength() != b.DataLength():
		return fmt.Errorf("value %s has type %#x and %d bytes, and type %#x and %d", a.printable(), a.Type(), a.DataLength(), b.Type(), b.DataLength())
	case (a.Flags()^b.Flags())&ValueTombstone != 0:
		return fmt.Errorf("value %s is deleted in one hive", a.printable())
	}
	return nil
}

// data compares the data of two values of one length, piece by piece where it
// is segmented.
func (s *sameContent) data(a, b *ValueRecord) error {
	length := a.DataLength()
	if a.Inline() || b.Inline() || !s.a.segmented(length) || !s.b.segmented(length) {
		dataA, err := s.a.ValueData(*a)
		if err != nil {
			return err
		}
		dataB, err := s.b.ValueData(*b)
		if err == nil && !bytes.Equal(dataA, dataB) {
			err = fmt.Errorf("data of value %s differs", a.printable())
		}
		return err
	}
	_, segmentsA, err := s.a.BigDataOf(*a)
	if err != nil {
		return err
	}
	_, segmentsB, err := s.b.BigDataOf(*b)
	if err != nil {
		return err
	}
	for i := range segmentsA.Len() {
		partA, err := s.a.Segment(segmentsA, i, length)
		if err != nil {
			return err
		}
		partB, err := s.b.Segment(segmentsB, i, length)
		if err != nil {
			return err
		}
		if !bytes.Equal(partA, partB) {
			return fmt.Errorf("data of value %s differs", a.printable())
		}
	}
	return nil
}
