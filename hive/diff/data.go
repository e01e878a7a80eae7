package diff

import "hivepatch/hive/internal/regf"

// pieces goes through the data of a value in pieces of at most MaxDirectData
// bytes, so that data in many cells need not be joined to be compared.
type pieces struct {
	image    *regf.Image
	rest     []byte // of data in one piece
	segments regf.OffsetList
	length   uint32 // of segmented data
	segment  int
}

// segmented reports whether the data of a value is in many cells.
func (s *side) segmented(value regf.ValueRecord) bool {
	return !value.Inline() && value.DataLength() > regf.MaxDirectData && s.image.Minor() >= 4
}

// pieces begins with the data of a value.
func (s *side) pieces(value regf.ValueRecord) (pieces, error) {
	p := pieces{image: s.image, length: value.DataLength()}
	if !s.segmented(value) {
		var err error
		p.rest, err = s.image.ValueData(value)
		return p, err
	}
	record, err := s.image.BigData(value.Data())
	if err != nil {
		return p, err
	}
	p.segments, err = s.image.Segments(record, p.length)
	return p, err
}

// next returns the next piece, which is empty at the end. Two values with as
// much data have pieces of the same lengths.
func (p *pieces) next() ([]byte, error) {
	if p.segment < p.segments.Len() {
		piece, err := p.image.Segment(p.segments, p.segment, p.length)
		p.segment++
		return piece, err
	}
	piece := p.rest[:min(len(p.rest), regf.MaxDirectData)]
	p.rest = p.rest[len(piece):]
	return piece, nil
}
