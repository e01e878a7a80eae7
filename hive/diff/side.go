package diff

import (
	"time"

	"hivepatch/hive"
	"hivepatch/hive/internal/regf"
)

// side is one of the two hives.
type side struct {
	image *regf.Image

	// left is the number of bytes that all records, names and data together may
	// still have. In a sound hive they come to less than its size, since no two
	// share a byte. A hostile one could make them come to any size.
	left int64

	// offsets is a stack of what is left of lists whose order is not that of the
	// other side.
	offsets []regf.Offset

	// security has the number of the descriptor in each security record that was
	// met.
	security map[regf.Offset]uint32
}

func newSide(image *regf.Image) side {
	const tolerance = 2 // some sharing, as small damage brings, does no harm
	return side{
		image:    image,
		left:     tolerance * int64(image.BinsSize()),
		security: map[regf.Offset]uint32{},
	}
}

// spend takes bytes from those that are left, and reports whether there were as
// many.
func (s *side) spend(bytes int) bool {
	s.left -= int64(bytes)
	return s.left >= 0
}

// Sizes of records, in bytes and without the names.
const (
	keySize   = 80
	valueSize = 24
)

// flags are the flags of a key as Item has them.
func (s *side) flags(node regf.KeyNode) uint32 {
	const control = 54 // in the record: user flags and virtualization flags
	flags := uint32(node.Flags()&^regf.KeyCompName) | uint32(node.Record()[control])<<16
	if s.image.Minor() == 6 {
		flags |= uint32(node.Layer()) << 24
	}
	return flags
}

// valueFlags are the flags of a value as Item has them.
func valueFlags(value regf.ValueRecord) uint32 {
	return uint32(value.Flags() &^ regf.ValueCompName)
}

// class returns the class name of a key. Few have one.
func (s *side) class(node regf.KeyNode) (string, error) {
	if node.ClassLength() == 0 {
		return "", nil
	}
	if !s.spend(node.ClassLength()) {
		return "", errOverlap
	}
	return s.image.ClassName(node)
}

// descriptor returns the security descriptor of a key.
func (s *side) descriptor(node regf.KeyNode) ([]byte, error) {
	record, err := s.image.SecurityRecord(node.Security())
	if err != nil {
		return nil, err
	}
	return record.Descriptor()
}

// keyItem collects what a key has on one side. The error tells what could not
// be read; the item then lacks it.
func (s *side) keyItem(node regf.KeyNode) (*Item, error) {
	class, err := s.class(node)
	descriptor, other := s.descriptor(node)
	if err == nil {
		err = other
	}
	return &Item{
		Name:      node.Name().String(),
		Class:     class,
		Security:  descriptor,
		Flags:     s.flags(node),
		LastWrite: timeOf(node),
	}, err
}

// timeOf is the last write time of a key.
func timeOf(node regf.KeyNode) time.Time { return regf.Time(node.LastWriteTime()) }

// valueItem collects what a value has on one side. spent tells that its data
// was counted already.
func (s *side) valueItem(value regf.ValueRecord, spent bool) (*Item, error) {
	if !spent && !s.spend(dataSize(value)) {
		return nil, errOverlap
	}
	data, err := s.image.ValueData(value)
	return &Item{
		Name:  value.Name().String(),
		Type:  hive.Type(value.Type()),
		Data:  data,
		Flags: valueFlags(value),
	}, err
}

// dataSize is the number of bytes of data that a value has in cells of its own.
func dataSize(value regf.ValueRecord) int {
	if value.Inline() {
		return 0
	}
	return int(value.DataLength())
}
