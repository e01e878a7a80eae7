package regf

import (
	"encoding/binary"
	"iter"
)

// Flags of a value record.
const (
	ValueCompName  = 0x0001 // name is Latin-1
	ValueTombstone = 0x0002 // layered hives: the value is deleted
)

const valueRecordSize = 20 // without the name

// Fields of a value record that are written, as offsets in the cell data.
const (
	valueNameLength = 2
	valueDataLength = 4
	valueData       = 8
	valueType       = 12
	valueFlags      = 16
)

// Limits of value data, in bytes.
const (
	MaxInlineData = 4
	// MaxDirectData is the most that one cell holds from version 1.4 on; longer
	// data is split into segments of this size.
	MaxDirectData = 16344
	inlineBit     = 1 << 31
)

// ValueRecord is a view of a vk record: a value.
type ValueRecord struct {
	Offset Offset
	wide   bool   // version 1.0 or 1.1, where names are always UTF-16
	data   []byte // of the cell, up to the end of the name
}

// ValueRecord returns the value record in the cell at off. It returns a
// FormatError when there is none or its name does not fit the cell.
func (m *Image) ValueRecord(off Offset) (ValueRecord, error) {
	data, err := m.Cell(off)
	if err != nil {
		return ValueRecord{}, err
	}
	return m.parseValueRecord(off, data)
}

func (m *Image) parseValueRecord(off Offset, data []byte) (ValueRecord, error) {
	if len(data) < valueRecordSize {
		return ValueRecord{}, corrupt(CodeValueRecord, off, "vk", "cell has %d bytes, want at least %d", len(data), valueRecordSize)
	}
	if data[0] != 'v' || data[1] != 'k' {
		return ValueRecord{}, corrupt(CodeValueRecord, off, "vk", "signature is %q, want \"vk\"", data[:2])
	}
	end := valueRecordSize + int(binary.LittleEndian.Uint16(data[2:]))
	if end > len(data) {
		return ValueRecord{}, corrupt(CodeValueRecord, off, "vk", "name length %d exceeds cell (%d bytes)", end-valueRecordSize, len(data))
	}
	return ValueRecord{Offset: off, wide: m.oldCells(), data: data[:end:end]}, nil
}

// Inline reports whether the data is kept in the record itself.
func (v ValueRecord) Inline() bool {
	return binary.LittleEndian.Uint32(v.data[valueDataLength:])&inlineBit != 0
}

// DataLength is the length of the data in bytes.
func (v ValueRecord) DataLength() uint32 {
	return binary.LittleEndian.Uint32(v.data[valueDataLength:]) &^ inlineBit
}

// Data is the cell of the data, or of its big data record; meaningless when
// the data is inline.
func (v ValueRecord) Data() Offset { return Offset(binary.LittleEndian.Uint32(v.data[valueData:])) }

// Type is the type of the data, such as 1 for REG_SZ. Any number is possible.
func (v ValueRecord) Type() uint32 { return binary.LittleEndian.Uint32(v.data[valueType:]) }

// Flags has the Value… flags. In versions 1.0 and 1.1 the field is part of
// another number, and 0 is returned.
func (v ValueRecord) Flags() uint16 {
	if v.wide {
		return 0
	}
	return binary.LittleEndian.Uint16(v.data[16:])
}

// Name is the value's name, empty for the default value.
func (v ValueRecord) Name() Name {
	return Name{Raw: v.data[valueRecordSize:], Latin1: v.Flags()&ValueCompName != 0}
}

// ValueList returns the offsets of the key's value records as stored, four
// bytes each. It returns a FormatError when the list does not hold as many as
// the key says.
func (m *Image) ValueList(k KeyNode) (OffsetList, error) {
	if k.ValueCount() == 0 {
		return nil, nil
	}
	data, err := m.Cell(k.ValueList())
	if err != nil {
		return nil, err
	}
	return parseValueList(k, data)
}

// KnownValueList is ValueList for a list in a cell that Cells has yielded as
// allocated.
func (m *Image) KnownValueList(k KeyNode) (OffsetList, error) {
	return parseValueList(k, m.knownCell(k.ValueList()))
}

func parseValueList(k KeyNode, data []byte) (OffsetList, error) {
	count := k.ValueCount()
	if uint64(count)*4 > uint64(len(data)) {
		return nil, corrupt(CodeValueList, k.Offset, "nk", "%d values exceed the cell of their list (%d bytes)", count, len(data))
	}
	return OffsetList(data[: count*4 : count*4]), nil
}

// OffsetList is a stored array of cell offsets.
type OffsetList []byte

// Len is the number of offsets.
func (l OffsetList) Len() int { return len(l) / 4 }

// At returns the i-th offset.
func (l OffsetList) At(i int) Offset { return Offset(binary.LittleEndian.Uint32(l[4*i:])) }

// ValueData returns the data of a value. The slice is a view of the image
// where the data lies in one piece, a copy where it is segmented. It returns a
// FormatError when the data does not fit its cells.
func (m *Image) ValueData(v ValueRecord) ([]byte, error) {
	length := v.DataLength()
	switch {
	case v.Inline() && length > MaxInlineData:
		return nil, corrupt(CodeInlineLength, v.Offset, "vk", "inline data has %d bytes, want at most %d", length, MaxInlineData)
	case v.Inline():
		end := valueData + int(length)
		return v.data[valueData:end:end], nil
	case length == 0:
		return nil, nil
	case m.segmented(length):
		return m.bigData(v)
	}
	data, err := m.Cell(v.Data())
	if err != nil {
		return nil, err
	}
	if uint64(length) > uint64(len(data)) {
		return nil, corrupt(CodeValueData, v.Offset, "vk", "data length %d exceeds cell (%d bytes)", length, len(data))
	}
	return data[:length:length], nil
}

// ValueCells iterates over the cells that hold the values of a key: the list,
// the records and their data. It ends where one is unsound.
func (m *Image) ValueCells(k KeyNode) iter.Seq[Offset] {
	return func(yield func(Offset) bool) {
		if k.Offset == 0 || k.ValueCount() == 0 || !yield(k.ValueList()) {
			return
		}
		list, err := m.ValueList(k)
		if err != nil {
			return
		}
		for i := range list.Len() {
			value, err := m.ValueRecord(list.At(i))
			if err != nil || !yield(value.Offset) {
				return
			}
			for cell, err := range m.dataCells(value) {
				if err != nil || !yield(cell) {
					return
				}
			}
		}
	}
}

// dataCells iterates over the cells that hold the data of a value, those that
// others lead to last. It ends with a FormatError where big data is unsound. The
// cells may be freed as they come.
func (m *Image) dataCells(v ValueRecord) iter.Seq2[Offset, error] {
	return func(yield func(Offset, error) bool) {
		if v.Inline() || v.DataLength() == 0 {
			return
		}
		if m.segmented(v.DataLength()) {
			record, segments, err := m.BigDataOf(v)
			if err != nil {
				yield(NIL, err)
				return
			}
			for i := range segments.Len() {
				if !yield(segments.At(i), nil) {
					return
				}
			}
			if !yield(record.List(), nil) {
				return
			}
		}
		yield(v.Data(), nil)
	}
}

// segmented reports whether data of that length is kept as big data. Length
// and version decide it, never the bytes.
func (m *Image) segmented(length uint32) bool { return length > MaxDirectData && m.Minor() >= 4 }
