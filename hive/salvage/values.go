package salvage

import (
	"fmt"

	"hivepatch/hive/internal/regf"
)

// values returns the values of a key whose data can be read, in the order of the
// list.
func (s *salvage) values(index int32, node regf.KeyNode, k *regf.NewKey) []regf.ValueRecord {
	if node.Flags()&regf.KeyPredefHandle != 0 {
		return nil
	}
	cells := s.valueCells(index, node)
	var values []regf.ValueRecord
	for _, cell := range cells {
		record, err := s.value(index, cell)
		if err != nil {
			s.tell(index, Finding{Fate: Lost, What: "value", Value: nameOfValue(record), Offset: cell.File(), Reason: reason(err)})
			continue
		}
		values = append(values, record)
	}
	return s.mendLink(index, k, values)
}

func nameOfValue(record regf.ValueRecord) string {
	if record.Offset == 0 {
		return ""
	}
	return record.Name().String()
}

// valueCells returns the cells of the records that the list of a key names.
func (s *salvage) valueCells(index int32, node regf.KeyNode) []regf.Offset {
	count, off := node.StoredValueCount(), node.ValueList()
	if count == 0 && (off == regf.NIL || off == 0) {
		return nil
	}
	tell := func(fate Fate, reason string) {
		s.tell(index, Finding{Fate: fate, What: "list of values", Offset: off.File(), Reason: reason})
	}
	data, f, err := s.record(off)
	if err == nil && f != sound {
		err = flawError(f)
	}
	if err != nil {
		tell(Lost, reason(err))
		return nil
	}
	list := regf.OffsetList(data[:len(data)&^3])
	certain := count > 0 && uint64(count) <= uint64(list.Len())
	if certain {
		list = list[:4*count]
	}
	shared, ok := s.take(off, len(list))
	if !ok {
		tell(Lost, errShared.Error())
		return nil
	}
	if shared {
		tell(Guessed, "something else has its cell too")
	}
	var cells []regf.Offset
	for i := range list.Len() {
		if !certain && !s.isValue(list.At(i)) {
			break
		}
		cells = append(cells, list.At(i))
	}
	if count > uint32(len(cells)) {
		tell(Lost, fmt.Sprintf("the key says it has %d values, its list has %d", count, len(cells)))
	}
	if !certain {
		tell(Guessed, "the number of values is damaged; those up to the first that cannot be read were taken")
	}
	return cells
}

func (s *salvage) isValue(off regf.Offset) bool {
	data, f, err := s.record(off)
	if err != nil || f != sound {
		return false
	}
	_, err = s.image.ParseValueRecord(off, data)
	return err == nil
}

// value returns the record in a cell, when all its data can be read.
func (s *salvage) value(index int32, cell regf.Offset) (regf.ValueRecord, error) {
	data, f, err := s.record(cell)
	if err != nil {
		return regf.ValueRecord{}, err
	}
	record, err := s.image.ParseValueRecord(cell, data)
	if err != nil {
		return regf.ValueRecord{}, err
	}
	if err := s.takeValue(record); err != nil {
		return record, err
	}
	shared, ok := s.take(cell, len(record.Record()))
	switch {
	case shared && !ok:
		return record, errShared
	case shared:
		s.tellValue(index, record, "another key or list has it too")
	case f != sound:
		s.tellValue(index, record, f.String())
	}
	if !record.Inline() && record.DataLength() == 0 && record.Data() != regf.NIL {
		s.tellValue(index, record, "says that it has no data, and names a cell of data all the same")
	}
	if s.sharedData {
		s.tellValue(index, record, "something else has the cell of its data too; for one of the two it is wrong")
	}
	return record, nil
}

func (s *salvage) tellValue(index int32, record regf.ValueRecord, reason string) {
	s.tell(index, Finding{Fate: Guessed, What: "value", Value: record.Name().String(), Offset: record.Offset.File(), Reason: reason})
}

// takeValue checks that the data of a value can be read, and takes its cells.
func (s *salvage) takeValue(record regf.ValueRecord) error {
	s.sharedData = false
	pieces, err := s.pieces(record)
	if err != nil || record.Inline() || len(pieces) == 0 {
		return err
	}
	take := func(off regf.Offset, n int) error {
		shared, ok := s.take(off, n)
		s.sharedData = s.sharedData || shared
		if !ok {
			return errShared
		}
		return nil
	}
	if len(pieces) == 1 {
		return take(record.Data(), len(pieces[0]))
	}
	big, list, err := s.image.BigDataOf(record)
	if err != nil {
		return err
	}
	if err := take(big.Offset, regf.BigDataRecordSize); err != nil {
		return err
	}
	if err := take(big.List(), len(list)); err != nil {
		return err
	}
	for i := range list.Len() {
		before := s.sharedData
		if err := take(list.At(i), len(pieces[i])); err != nil {
			return err
		}
		if s.sharedData && !before && s.isOwn(list, i, big) {
			return errDuplicate
		}
	}
	return nil
}

// isOwn reports whether the i-th segment of big data is another part of it.
func (s *salvage) isOwn(list regf.OffsetList, i int, big regf.BigData) bool {
	if cell := list.At(i); cell == big.Offset || cell == big.List() {
		return true
	}
	for j := range i {
		if list.At(j) == list.At(i) {
			return true
		}
	}
	return false
}

// pieces returns the data of a value in the pieces in which it is stored.
func (s *salvage) pieces(record regf.ValueRecord) ([][]byte, error) {
	length := record.DataLength()
	switch {
	case record.Inline() || length == 0:
		data, err := s.image.ValueData(record)
		return [][]byte{data}, err
	case uint64(length) > uint64(s.image.BinsSize()):
		return nil, errTooShort
	case length <= regf.MaxDirectData:
		return s.onePiece(record)
	case s.image.Minor() < 4:
		if length > regf.MaxCellSize-regf.CellHeaderSize {
			return nil, errTooLong
		}
		return s.onePiece(record)
	}
	big, list, err := s.image.BigDataOf(record)
	if err != nil {
		return nil, err
	}
	if _, err := s.content(big.Offset, regf.BigDataRecordSize); err != nil {
		return nil, err
	}
	if _, err := s.content(big.List(), len(list)); err != nil {
		return nil, err
	}
	pieces := make([][]byte, list.Len())
	for i := range pieces {
		n := min(regf.MaxDirectData, int(length)-i*regf.MaxDirectData)
		if pieces[i], err = s.content(list.At(i), n); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

func (s *salvage) onePiece(record regf.ValueRecord) ([][]byte, error) {
	data, err := s.content(record.Data(), int(record.DataLength()))
	return [][]byte{data}, err
}

// writeValues adds values to the key that was opened.
func (s *salvage) writeValues(values []regf.ValueRecord) error {
	for _, record := range values {
		var made regf.NewValue
		record.Describe(&made)
		var err error
		if made.Data, err = s.pieces(record); err != nil {
			return err
		}
		if err := s.writer.AddValue(&made); err != nil {
			return err
		}
		s.report.Values++
	}
	return nil
}

// mendLink makes a symbolic link one, or no link: it has one value, which says
// where it leads.
func (s *salvage) mendLink(index int32, k *regf.NewKey, values []regf.ValueRecord) []regf.ValueRecord {
	const target = "SymbolicLinkValue"
	if k.Flags&regf.KeySymLink == 0 || len(values) == 0 || len(values) == 1 && values[0].Name().String() == target {
		return values
	}
	tell := func(f Finding) { s.tell(index, f) }
	for _, v := range values {
		if v.Name().String() != target {
			continue
		}
		for _, other := range values {
			if other.Offset != v.Offset {
				tell(Finding{Fate: LeftOut, What: "value", Value: other.Name().String(), Offset: other.Offset.File(), Reason: "a symbolic link has no other values than its target"})
			}
		}
		return []regf.ValueRecord{v}
	}
	tell(Finding{Fate: Guessed, What: "key", Offset: s.keys[index].cell.File(), Reason: "it has the flag of a symbolic link and no target; the flag was taken away"})
	k.Flags &^= regf.KeySymLink
	return values
}
