package regf

import "encoding/binary"

// orderedValues is the number of values up to which deleting one keeps the
// order of the others. In a longer list the last one takes the place: moving
// up all behind it would make deleting many of them take the square of their
// number.
const orderedValues = 1024

// AddValue gives the key k a value that it does not have and returns its
// record. It returns ErrTooLarge when the format has no room for it, and a
// FormatError when the list of values is unsound; the image is then as before.
func (m *Image) AddValue(k Offset, name Name, kind uint32, data []byte) (Offset, error) {
	var v Offset
	err := m.Transaction(func() (err error) {
		if v, err = m.newValueRecord(name); err != nil {
			return err
		}
		if err := m.appendValue(k, v, name); err != nil {
			return err
		}
		return m.SetValueData(k, v, kind, data)
	})
	return v, err
}

// newValueRecord makes the record of a value without data.
func (m *Image) newValueRecord(name Name) (Offset, error) {
	record := make([]byte, valueRecordSize, valueRecordSize+len(name.Raw))
	copy(record, "vk")
	binary.LittleEndian.PutUint16(record[valueNameLength:], uint16(len(name.Raw)))
	binary.LittleEndian.PutUint32(record[valueDataLength:], inlineBit)
	binary.LittleEndian.PutUint16(record[valueFlags:], valueNameFlags(name))
	record = append(record, name.Raw...)
	return m.allocate(len(record), record, caption{})
}

// valueNameFlags is 0 for the default value, whose name is empty.
func valueNameFlags(name Name) uint16 {
	if name.Latin1 && len(name.Raw) > 0 {
		return ValueCompName
	}
	return 0
}

// appendValue puts a value behind the others of a key.
func (m *Image) appendValue(k, v Offset, name Name) error {
	node, err := m.KeyNode(k)
	if err != nil {
		return err
	}
	list, err := m.ValueList(node)
	if err != nil {
		return err
	}
	index := m.valuesOf(node, list)
	count := list.Len()
	entry := binary.LittleEndian.AppendUint32(nil, uint32(v))
	var cell Offset
	if count == 0 {
		cell, err = m.allocate(len(entry), entry, caption{})
	} else {
		cell, err = m.makeRoom(node.ValueList(), 4*count, len(entry), MaxCellSize-CellHeaderSize)
	}
	if err != nil {
		return err
	}
	m.write(m.field(cell, 4*int64(count)), entry)
	m.writeU32(m.field(k, keyValueList), uint32(cell))
	m.writeU32(m.field(k, keyValueCount), uint32(count+1))
	m.writeU32(m.field(k, keyMaxValueNameLen), max(node.MaxValueNameLen(), uint32(2*name.Len())))
	if index != nil {
		index.add(name.Hash())
	}
	return nil
}

// RemoveValue deletes the value v of the key k with all its cells. It returns a
// FormatError when the key does not have the value or cells are unsound; the
// image is then as before.
func (m *Image) RemoveValue(k, v Offset) error {
	return m.Transaction(func() error {
		record, err := m.ValueRecord(v)
		if err != nil {
			return err
		}
		if err := m.unlistValue(k, record); err != nil {
			return err
		}
		return m.releaseValue(record)
	})
}

// releaseValue frees the cells of a value.
func (m *Image) releaseValue(v ValueRecord) error {
	if err := m.freeData(v); err != nil {
		return err
	}
	return m.release(v.Offset)
}

// unlistValue takes a value out of the list of its key.
func (m *Image) unlistValue(k Offset, v ValueRecord) error {
	node, err := m.KeyNode(k)
	if err != nil {
		return err
	}
	list, err := m.ValueList(node)
	if err != nil {
		return err
	}
	at, err := m.entryOf(node, list, v)
	if err != nil {
		return err
	}
	last, cell := list.Len()-1, node.ValueList() // node is a view
	m.writeU32(m.field(k, keyValueCount), uint32(last))
	if last == 0 {
		m.writeU32(m.field(k, keyValueList), uint32(NIL))
		m.writeU32(m.field(k, keyMaxValueNameLen), 0)
		m.writeU32(m.field(k, keyMaxValueDataLen), 0)
		m.known.forgetValues(k)
		return m.release(cell)
	}
	if err := m.closeGap(node, list, at); err != nil {
		return err
	}
	return m.shrink(cell, 4*last, true)
}

// closeGap overwrites an entry of a list of values, of which the key has taken
// one off its count.
func (m *Image) closeGap(k KeyNode, list OffsetList, at int) error {
	last := list.Len() - 1
	place := m.field(k.ValueList(), 4*int64(at))
	if last < orderedValues {
		m.known.forgetValues(k.Offset)
		m.move(place, place+4, 4*(last-at))
		return nil
	}
	index := m.valuesOf(k, list)
	removed, err := m.ValueRecord(list.At(at))
	if err != nil {
		return err
	}
	index.unlink(at, removed.Name().Hash())
	if at < last {
		moved, err := m.ValueRecord(list.At(last))
		if err != nil {
			return err
		}
		hash := moved.Name().Hash()
		index.unlink(last, hash)
		index.link(at, hash)
		m.writeU32(place, uint32(list.At(last)))
	}
	index.dropLast()
	return nil
}

// entryOf returns the position of a value in the list of its key.
func (m *Image) entryOf(k KeyNode, list OffsetList, v ValueRecord) (int, error) {
	found := list.Len()
	note := func(i int) bool {
		if list.At(i) != v.Offset {
			return true
		}
		twice := found < list.Len()
		found = i
		return !twice
	}
	if index := m.valuesOf(k, list); index != nil {
		for i := range index.positions(v.Name().Hash()) {
			if !note(i) {
				return 0, m.listedTwice(k, v)
			}
		}
	}
	if found < list.Len() {
		return found, nil
	}
	for i := range list.Len() {
		if !note(i) {
			return 0, m.listedTwice(k, v)
		}
	}
	if found < list.Len() {
		return found, nil
	}
	return 0, corrupt(CodeValueList, k.Offset, "nk", "its list of values does not have the value at %#x", v.Offset.File())
}

func (m *Image) listedTwice(k KeyNode, v ValueRecord) error {
	return corrupt(CodeValueList, k.Offset, "nk", "its list of values has the value at %#x more than once", v.Offset.File())
}

// RenameValue gives the value v of the key k another name and returns its
// record, which may have moved. It returns what AddValue does.
func (m *Image) RenameValue(k, v Offset, name Name) (Offset, error) {
	moved := v
	err := m.Transaction(func() error {
		record, err := m.ValueRecord(v)
		if err != nil {
			return err
		}
		node, err := m.KeyNode(k)
		if err != nil {
			return err
		}
		list, err := m.ValueList(node)
		if err != nil {
			return err
		}
		at, err := m.entryOf(node, list, record)
		if err != nil {
			return err
		}
		index, oldHash := m.valuesOf(node, list), record.Name().Hash()
		renamed := append(make([]byte, 0, valueRecordSize+len(name.Raw)), record.data[:valueRecordSize]...)
		binary.LittleEndian.PutUint16(renamed[valueNameLength:], uint16(len(name.Raw)))
		binary.LittleEndian.PutUint16(renamed[valueFlags:], record.Flags()&^ValueCompName|valueNameFlags(name))
		if moved, err = m.store(v, append(renamed, name.Raw...), caption{}); err != nil {
			return err
		}
		m.writeU32(m.field(node.ValueList(), 4*int64(at)), uint32(moved))
		if index != nil {
			index.unlink(at, oldHash)
			index.link(at, name.Hash())
		}
		m.writeU32(m.field(k, keyMaxValueNameLen), max(node.MaxValueNameLen(), uint32(2*name.Len())))
		return nil
	})
	return moved, err
}
