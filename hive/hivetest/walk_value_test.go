package hivetest

import "encoding/binary"

func (w *walker) values(off uint32, flags uint16) {
	count, list := w.u32(off, NodeValues), w.u32(off, NodeValueList)
	if (count == 0) != (list == NIL) {
		w.add(33, "nk %#x", off)
	}
	if list == NIL || !w.own(list) {
		return
	}
	if uint64(count)*4 > uint64(len(w.cell(list))) {
		w.add(33, "nk %#x", off)
		return
	}
	names := map[string]bool{}
	maxName, maxData := 0, 0
	for i := range int(count) {
		record := w.u32(list, 4*i)
		if !w.own(record) {
			continue
		}
		name, data, ok := w.value(record)
		if !ok {
			continue
		}
		var upper []uint16
		for _, unit := range name {
			upper = append(upper, Upcase(unit))
		}
		if names[FromUnits(upper)] {
			w.add(42, "vk %#x", record)
		}
		names[FromUnits(upper)] = true
		maxName, maxData = max(maxName, 2*len(name)), max(maxData, data)
		if flags&KeySymbolicLink != 0 && (count > 1 || FromUnits(name) != "SymbolicLinkValue") {
			w.add(43, "vk %#x", record)
		}
	}
	if int(w.u32(off, NodeMaxValueName)) < maxName || int64(w.u32(off, NodeMaxValueData)) < int64(maxData) {
		w.add(50, "nk %#x", off)
	}
}

func (w *walker) value(off uint32) (name []uint16, data int, ok bool) {
	record := w.cell(off)
	if len(record) < RecordName || w.signature(off) != "vk" || RecordName+int(w.u16(off, RecordNameLength)) > len(record) {
		w.add(34, "vk %#x", off)
		return nil, 0, false
	}
	stored := record[RecordName : RecordName+int(w.u16(off, RecordNameLength))]
	flags := w.u16(off, RecordFlags)
	if w.minor < 2 {
		flags = 0
	}
	if len(stored) == 0 && flags&ValueLatin1 != 0 {
		w.add(41, "vk %#x", off)
	}
	if flags&ValueLatin1 != 0 {
		for _, b := range stored {
			name = append(name, uint16(b))
		}
	} else {
		for ; len(stored) > 1; stored = stored[2:] {
			name = append(name, binary.LittleEndian.Uint16(stored))
		}
	}
	length, cell := w.u32(off, RecordDataLength), w.u32(off, RecordData)
	switch {
	case length&Inline != 0:
		if length&^Inline > 4 {
			w.add(35, "vk %#x", off)
		}
		if length == Inline && cell != 0 {
			w.add(40, "vk %#x", off)
		}
	case length == 0:
		if cell != NIL {
			w.add(36, "vk %#x", off)
		} else if flags&ValueTombstone == 0 {
			w.add(40, "vk %#x", off)
		}
	default:
		w.valueData(off, cell, int(length))
	}
	return name, int(length &^ Inline), true
}

func (w *walker) valueData(off, cell uint32, length int) {
	if length <= 4 {
		w.add(40, "vk %#x", off)
	}
	if w.minor < 4 && length > 1<<20-4 {
		w.add(39, "vk %#x", off)
	}
	if !w.own(cell) {
		return
	}
	if w.minor < 4 || length <= SegmentData {
		if len(w.cell(cell)) < length {
			w.add(37, "vk %#x", off)
		}
		return
	}
	count := (length + SegmentData - 1) / SegmentData
	if w.signature(cell) != "db" || int(w.u16(cell, 2)) != count {
		w.add(38, "vk %#x", off)
		return
	}
	list := w.u32(cell, 4)
	if !w.own(list) || len(w.cell(list)) < 4*count {
		w.add(38, "vk %#x", off)
		return
	}
	for i := range count {
		segment := w.u32(list, 4*i)
		if w.own(segment) && len(w.cell(segment)) < min(SegmentData, length-i*SegmentData) {
			w.add(38, "vk %#x", off)
		}
	}
}
