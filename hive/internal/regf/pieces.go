package regf

// DataPieces is ValueData without joining the segments of big data: all pieces
// are views of the image.
func (m *Image) DataPieces(v ValueRecord) ([][]byte, error) {
	length := v.DataLength()
	if v.Inline() || !m.segmented(length) {
		data, err := m.ValueData(v)
		if err != nil || len(data) == 0 {
			return nil, err
		}
		return [][]byte{data}, nil
	}
	// A hostile hive may name one segment many times.
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
	pieces := make([][]byte, segments.Len())
	for i := range pieces {
		if pieces[i], err = m.Segment(segments, i, length); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

// Segmented reports whether the data of a value is kept as big data.
func (m *Image) Segmented(v ValueRecord) bool { return !v.Inline() && m.segmented(v.DataLength()) }
