package hivetest

import (
	"encoding/binary"
	"fmt"
)

// Offsets in a value record (vk) and flags of it.
const (
	RecordNameLength = 2
	RecordDataLength = 4
	RecordData       = 8
	RecordType       = 12
	RecordFlags      = 16
	RecordSpare      = 18
	RecordName       = 20
	recordSize       = 20

	ValueLatin1    = 1
	ValueTombstone = 2

	Inline = 0x80000000 // bit of the data length: the data is in the record
)

// Big data: a value longer than SegmentData is cut into segments, each in a
// cell that Windows makes SegmentCell long.
const (
	SegmentData = 16344
	segmentRoom = 16348 // data bytes of a cell of 16352
)

// values writes the list and the records of all values of a key.
func (b *builder) values(key *Key, place *KeyPlace) {
	if len(key.Values) == 0 {
		return
	}
	maxName, maxData := 0, 0
	for i := range key.Values {
		value := &key.Values[i]
		place.Values = append(place.Values, b.value(value))
		maxName = max(maxName, 2*len(Units(value.Name)))
		maxData = max(maxData, len(value.Data))
	}
	place.ValueList = b.allocate(4*len(key.Values) + key.ListSlack)
	for i, value := range place.Values {
		b.put32(place.ValueList, 4*i, value.Record)
	}
	b.put32(place.Node, NodeValues, uint32(len(key.Values)))
	b.put32(place.Node, NodeValueList, place.ValueList)
	b.put32(place.Node, NodeMaxValueName, uint32(maxName))
	b.put32(place.Node, NodeMaxValueData, uint32(maxData))
}

func (b *builder) value(value *Value) *ValuePlace {
	name, latin1 := storedName(value.Name, value.WideName || b.minor < 2)
	if len(name) > 0xFFFF {
		panic(fmt.Sprintf("hivetest: value name of %d bytes", len(name)))
	}
	place := &ValuePlace{Name: value.Name, Record: b.allocate(recordSize + len(name)), Data: NIL, List: NIL}
	record := b.data(place.Record)
	copy(record, "vk")
	binary.LittleEndian.PutUint16(record[RecordNameLength:], uint16(len(name)))
	binary.LittleEndian.PutUint32(record[RecordType:], value.Type)
	copy(record[RecordName:], name)
	if b.minor >= 2 {
		flags := uint16(0)
		if latin1 && len(name) > 0 {
			flags |= ValueLatin1
		}
		if value.Tombstone {
			flags |= ValueTombstone
		}
		binary.LittleEndian.PutUint16(record[RecordFlags:], flags)
		binary.LittleEndian.PutUint16(record[RecordSpare:], value.Spare)
	}
	b.valueData(value, place)
	return place
}

// valueData writes the length and place of the data and the data itself.
func (b *builder) valueData(value *Value, place *ValuePlace) {
	length, n := uint32(len(value.Data)), len(value.Data)
	switch {
	case value.Tombstone:
		b.put32(place.Record, RecordData, NIL)
	case value.BigData || b.minor >= 4 && n > SegmentData:
		place.Data = b.bigData(value.Data, place)
	case n > 4 || n > 0 && value.Direct:
		place.Data = b.allocate(n + value.Slack)
		copy(b.data(place.Data), value.Data)
	default:
		length |= Inline
		copy(b.data(place.Record)[RecordData:RecordData+4], value.Data)
	}
	b.put32(place.Record, RecordDataLength, length)
	if place.Data != NIL {
		b.put32(place.Record, RecordData, place.Data)
	}
}

// bigData writes the db record, its list and the segments, which all have the
// same size.
func (b *builder) bigData(data []byte, place *ValuePlace) uint32 {
	count := (len(data) + SegmentData - 1) / SegmentData
	record := b.allocate(12)
	place.List = b.allocate(4 * count)
	copy(b.data(record), "db")
	b.put16(record, 2, uint16(count))
	b.put32(record, 4, place.List)
	for i := range count {
		segment := b.allocate(segmentRoom)
		copy(b.data(segment), data[i*SegmentData:min((i+1)*SegmentData, len(data))])
		b.put32(place.List, 4*i, segment)
		place.Segments = append(place.Segments, segment)
	}
	return record
}
