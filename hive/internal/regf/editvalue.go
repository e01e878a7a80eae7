package regf

import (
	"encoding/binary"
	"fmt"

	"hivepatch/hive/escape"
)

// SetValueData gives the value v of the key k new data and a type. Cells are
// reused where the data fits and given back where it does not need them. Views
// taken before may be of the image as it was, and data must not be one. It returns ErrTooLarge
// when the format has no room for the data, and a FormatError when the cells
// that hold the old data are unsound; the image is then as before.
func (m *Image) SetValueData(k, v Offset, kind uint32, data []byte) error {
	return m.Transaction(func() error {
		record, err := m.ValueRecord(v)
		if err != nil {
			return err
		}
		what := caption{"data of value", record.Name(), escape.ValueName}
		length, cell, err := m.placeData(record, data, what)
		if err != nil {
			return err
		}
		m.writeU32(m.field(v, valueDataLength), length)
		m.writeU32(m.field(v, valueData), cell)
		m.writeU32(m.field(v, valueType), kind)
		node, err := m.KeyNode(k)
		if err != nil {
			return err
		}
		m.writeU32(m.field(k, keyMaxValueDataLen), max(node.MaxValueDataLen(), uint32(len(data))))
		return nil
	})
}

// SetLastWriteTime gives the key k a time, a FILETIME.
func (m *Image) SetLastWriteTime(k Offset, filetime uint64) {
	m.writeU64(m.field(k, keyLastWriteTime), filetime)
}

// layout is one of the three ways to keep the data of a value.
type layout int

const (
	inline layout = iota
	direct
	segmented
)

func (m *Image) layoutOf(length int) (layout, error) {
	switch {
	case length <= MaxInlineData:
		return inline, nil
	case length <= MaxDirectData:
		return direct, nil
	case m.Minor() < 4:
		_, err := cellSize(length)
		return direct, err
	case length > maxSegments*MaxDirectData:
		return segmented, fmt.Errorf("%w: value data has at most %d bytes, want %d", ErrTooLarge, maxSegments*MaxDirectData, length)
	}
	return segmented, nil
}

// placeData stores data for the value and returns the two fields that say
// where it is: the length with its inline bit, and the cell or inline data.
func (m *Image) placeData(v ValueRecord, data []byte, what caption) (length, cell uint32, err error) {
	before, after := inline, inline
	if !v.Inline() && v.DataLength() > 0 {
		if before = direct; m.segmented(v.DataLength()) {
			before = segmented
		}
	}
	if after, err = m.layoutOf(len(data)); err != nil {
		return 0, 0, err
	}
	if before != inline && v.Data() == v.Offset {
		return 0, 0, corrupt(CodeReference, v.Offset, "vk", "refers to itself for its data")
	}
	old := NIL
	switch {
	case before == direct && after == direct:
		old = v.Data()
	case before == segmented && after == segmented:
		if segments, ok := m.reusableSegments(v, len(data)); ok {
			m.rewriteSegments(segments, data, what)
			return uint32(len(data)), uint32(v.Data()), nil
		}
		fallthrough
	default:
		if err := m.freeData(v); err != nil {
			return 0, 0, err
		}
	}
	switch after {
	case inline:
		var field [MaxInlineData]byte
		copy(field[:], data)
		return uint32(len(data)) | inlineBit, binary.LittleEndian.Uint32(field[:]), nil
	case direct:
		off, err := m.store(old, data, what)
		return uint32(len(data)), uint32(off), err
	default:
		off, err := m.storeSegments(data, what)
		return uint32(len(data)), uint32(off), err
	}
}

// freeData gives back all cells that hold the data of a value.
func (m *Image) freeData(v ValueRecord) error {
	for cell, err := range m.dataCells(v) {
		switch {
		case err != nil:
			return err
		case cell == v.Offset:
			return corrupt(CodeReference, v.Offset, "vk", "refers to itself for its data")
		}
		if err := m.release(cell); err != nil {
			return err
		}
	}
	return nil
}

// reusableSegments returns the segments that hold the data of a value if they
// can take n bytes instead: they are as many as needed, each has the room, and
// none is used twice, as in a damaged hive.
func (m *Image) reusableSegments(v ValueRecord, n int) (OffsetList, bool) {
	if segmentCount(v.DataLength()) != segmentCount(uint32(n)) {
		return nil, false
	}
	record, err := m.BigData(v.Data())
	if err != nil {
		return nil, false
	}
	segments, err := m.Segments(record, v.DataLength())
	if err != nil {
		return nil, false
	}
	used := map[Offset]bool{v.Offset: true, record.Offset: true, record.List(): true}
	for i := range segments.Len() {
		segment := segments.At(i)
		if _, err := m.Segment(segments, i, uint32(n)); err != nil || used[segment] {
			return nil, false
		}
		used[segment] = true
	}
	return segments, true
}

// rewriteSegments puts data into segments that have the room. What it does not
// reach is left as it was.
func (m *Image) rewriteSegments(segments OffsetList, data []byte, what caption) {
	for i := range segments.Len() {
		m.label(segments.At(i), what)
		m.write(m.field(segments.At(i), 0), data[i*MaxDirectData:min(len(data), (i+1)*MaxDirectData)])
	}
}

// manySegments are worth making room for at once, lest the image be moved again
// and again.
const manySegments = 64

// storeSegments puts data into a new big data record with its segments.
func (m *Image) storeSegments(data []byte, what caption) (Offset, error) {
	count := int(segmentCount(uint32(len(data))))
	if count > manySegments {
		m.reserve(int64(count+count/64+2) * (segmentCell + BinHeaderSize))
	}
	list := make([]byte, 0, 4*count)
	for i := range count {
		part := data[i*MaxDirectData : min(len(data), (i+1)*MaxDirectData)]
		segment, err := m.allocate(segmentCell-CellHeaderSize, part, what)
		if err != nil {
			return NIL, err
		}
		list = binary.LittleEndian.AppendUint32(list, uint32(segment))
	}
	listCell, err := m.store(NIL, list, what.of("segments of "))
	if err != nil {
		return NIL, err
	}
	record := make([]byte, bigDataPayload)
	copy(record, "db")
	binary.LittleEndian.PutUint16(record[2:], uint16(count))
	binary.LittleEndian.PutUint32(record[bigDataList:], uint32(listCell))
	return m.store(NIL, record, what.of("big "))
}
