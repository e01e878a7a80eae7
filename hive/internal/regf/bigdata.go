package regf

import "encoding/binary"

const (
	bigDataSize    = 8 // signature, count, list
	segmentCell    = 16352
	maxSegments    = 65535
	bigDataList    = 4
	bigDataPayload = 12 // what Windows allocates for the record
)

// BigData is a view of a db record: data split into segments.
type BigData struct {
	Offset Offset
	data   []byte
}

// BigData returns the big data record in the cell at off. It returns a
// FormatError when there is none.
func (m *Image) BigData(off Offset) (BigData, error) {
	data, err := m.Cell(off)
	if err != nil {
		return BigData{}, err
	}
	if len(data) < bigDataSize {
		return BigData{}, corrupt(CodeBigData, off, "db", "cell has %d bytes, want at least %d", len(data), bigDataSize)
	}
	if data[0] != 'd' || data[1] != 'b' {
		return BigData{}, corrupt(CodeBigData, off, "db", "signature is %q, want \"db\"", data[:2])
	}
	return BigData{Offset: off, data: data}, nil
}

// Count is the number of segments.
func (d BigData) Count() uint32 { return uint32(binary.LittleEndian.Uint16(d.data[2:])) }

// List is the cell with the offsets of the segments.
func (d BigData) List() Offset { return Offset(binary.LittleEndian.Uint32(d.data[bigDataList:])) }

// Segments returns the offsets of the segments that hold length bytes. It
// returns a FormatError when the record does not have just as many as needed.
func (m *Image) Segments(d BigData, length uint32) (OffsetList, error) {
	want := segmentCount(length)
	if d.Count() != want {
		return nil, corrupt(CodeBigData, d.Offset, "db", "has %d segments, want %d for %d bytes", d.Count(), want, length)
	}
	list, err := m.Cell(d.List())
	if err != nil {
		return nil, err
	}
	if uint64(want)*4 > uint64(len(list)) {
		return nil, corrupt(CodeBigData, d.List(), "segment list", "cell has %d bytes, want %d", len(list), want*4)
	}
	return OffsetList(list[: want*4 : want*4]), nil
}

// Segment returns the part of the data in the i-th segment of length bytes of
// data in all.
func (m *Image) Segment(segments OffsetList, i int, length uint32) ([]byte, error) {
	want := min(uint64(MaxDirectData), uint64(length)-uint64(i)*MaxDirectData)
	cell, err := m.Cell(segments.At(i))
	if err != nil {
		return nil, err
	}
	if want > uint64(len(cell)) {
		return nil, corrupt(CodeBigData, segments.At(i), "segment", "cell has %d bytes, want %d", len(cell), want)
	}
	return cell[:want:want], nil
}

func segmentCount(length uint32) uint32 {
	return uint32((uint64(length) + MaxDirectData - 1) / MaxDirectData)
}

// bigData joins the segments of a value. A hostile hive may name one segment
// many times, so the length is held against the bins before memory is taken.
func (m *Image) bigData(v ValueRecord) ([]byte, error) {
	length := v.DataLength()
	if length > m.BinsSize() {
		return nil, corrupt(CodeBigData, v.Offset, "vk", "data length %d exceeds the hive (%d bytes)", length, m.BinsSize())
	}
	record, err := m.BigData(v.Data())
	if err != nil {
		return nil, err
	}
	segments, err := m.Segments(record, length)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, length)
	for i := range segments.Len() {
		segment, err := m.Segment(segments, i, length)
		if err != nil {
			return nil, err
		}
		data = append(data, segment...)
	}
	return data, nil
}
