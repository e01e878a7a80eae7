package regf

import (
	"encoding/binary"
	"fmt"
)

// valueSpare is the field whose content means nothing.
const valueSpare = 18

// NewValue is a value for a Writer.
type NewValue struct {
	Name   Name
	Type   uint32
	Flags  uint16   // ValueCompName is set as the name requires
	Spare  uint16   // means nothing
	Length uint32   // of the data, in bytes
	Data   [][]byte // in pieces that have Length bytes together
}

// AddValue adds a value to the key that is open. Data of at most four bytes
// goes into the record, more into cells as the version keeps it. It returns
// ErrTooLarge when the version has no room for the data.
func (w *Writer) AddValue(v *NewValue) error {
	key := &w.path[len(w.path)-1]
	if key.valuesLeft == 0 {
		return fmt.Errorf("the key has more values than the %d it said", key.values)
	}
	name := shortest(v.Name)
	record, err := w.valueRecord(v, name)
	if err != nil {
		return err
	}
	if v.Length > MaxInlineData {
		data, err := w.valueData(v)
		if err != nil {
			return err
		}
		w.put32(record, valueData, uint32(data))
	}
	if key.valueList == NIL {
		if key.valueList, err = w.allocate(4 * key.values); err != nil {
			return err
		}
		w.put32(key.cell, keyValueList, uint32(key.valueList))
	}
	w.put32(key.valueList, 4*(key.values-key.valuesLeft), uint32(record))
	key.valuesLeft--
	key.maxValueName = max(key.maxValueName, uint32(2*name.Len()))
	key.maxValueData = max(key.maxValueData, v.Length)
	return nil
}

// valueRecord writes the record of a value, with data that fits it.
func (w *Writer) valueRecord(v *NewValue, name Name) (Offset, error) {
	cell, err := w.allocate(valueRecordSize + len(name.Raw))
	if err != nil {
		return NIL, err
	}
	flags, length := v.Flags&^ValueCompName, v.Length
	if name.Latin1 && len(name.Raw) > 0 {
		flags |= ValueCompName
	}
	record := w.cell(cell)[: valueRecordSize+len(name.Raw) : valueRecordSize+len(name.Raw)]
	copy(record, "vk")
	if length <= MaxInlineData {
		length |= inlineBit
		source := pieceReader{pieces: v.Data}
		source.read(record[valueData : valueData+v.Length])
	}
	little := binary.LittleEndian
	little.PutUint16(record[valueNameLength:], uint16(len(name.Raw)))
	little.PutUint32(record[valueDataLength:], length)
	little.PutUint32(record[valueType:], v.Type)
	little.PutUint16(record[valueFlags:], flags)
	little.PutUint16(record[valueSpare:], v.Spare)
	copy(record[valueRecordSize:], name.Raw)
	return cell, nil
}

// valueData writes data that does not fit the record: in one cell, or as big
// data.
func (w *Writer) valueData(v *NewValue) (Offset, error) {
	if len(v.Data) == 1 && (v.Length <= MaxDirectData || w.minor < 4) {
		return w.store(v.Data[0][:v.Length])
	}
	source := pieceReader{pieces: v.Data}
	switch {
	case v.Length <= MaxDirectData || w.minor < 4:
		cell, err := w.allocate(int(v.Length))
		if err == nil {
			source.read(w.cell(cell)[:v.Length])
		}
		return cell, err
	case v.Length > maxSegments*MaxDirectData:
		return NIL, fmt.Errorf("%w: value data has at most %d bytes, want %d", ErrTooLarge, maxSegments*MaxDirectData, v.Length)
	}
	count := int(segmentCount(v.Length))
	big, err := w.allocate(bigDataPayload)
	if err != nil {
		return NIL, err
	}
	list, err := w.allocate(4 * count)
	if err != nil {
		return NIL, err
	}
	copy(w.cell(big), "db")
	w.put16(big, 2, uint16(count))
	w.put32(big, bigDataList, uint32(list))
	for i := range count {
		segment, err := w.allocate(segmentCell - CellHeaderSize)
		if err != nil {
			return NIL, err
		}
		w.put32(list, 4*i, uint32(segment))
		source.read(w.cell(segment)[:min(MaxDirectData, int(v.Length)-i*MaxDirectData)])
	}
	return big, nil
}

// pieceReader reads pieces of data one after the other.
type pieceReader struct {
	pieces [][]byte
	done   int // bytes of the first piece
}

// read fills b from what is left of the pieces.
func (r *pieceReader) read(b []byte) {
	for len(b) > 0 && len(r.pieces) > 0 {
		n := copy(b, r.pieces[0][r.done:])
		b, r.done = b[n:], r.done+n
		if r.done == len(r.pieces[0]) {
			r.pieces, r.done = r.pieces[1:], 0
		}
	}
}
