package hivetest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// room of an image that exists.

func (i *Image) allocate(n int) uint32 {
	return i.Allocate(n)
}

func (i *Image) data(off uint32) []byte {
	return i.Cell(off)
}

// Allocate returns the offset of a new cell for n bytes of data, all zero: in
// the smallest free cell that holds it, or in a new bin behind the last one.
func (i *Image) Allocate(n int) uint32 {
	if i.Minor() < 2 {
		panic("hivetest: hives of this age cannot be edited")
	}
	size := cellSizeFor(i.Minor(), n)
	best := CellAt{}
	for _, cell := range i.FreeCells() {
		if cell.Size >= size && (best.Size == 0 || cell.Size < best.Size) {
			best = cell
		}
	}
	if best.Size == 0 {
		best = i.AddBin(binSizeFor(size))
	}
	if rest := best.Size - size; rest > 0 {
		i.SetCellSize(best.Offset+size, int32(rest))
	}
	i.SetCellSize(best.Offset, -int32(size))
	clear(i.Cell(best.Offset))
	return best.Offset
}

// AddBin appends a bin of one free cell behind the last bin, over bytes that
// trail it, and returns the cell.
func (i *Image) AddBin(size uint32) CellAt {
	off, end := i.BinsSize(), int(FileOffset(i.BinsSize()))
	rest := i.Data[min(end+int(size), len(i.Data)):]
	bin := make([]byte, size)
	writeBinHeader(bin, off, size)
	i.Data = slices.Concat(i.Data[:end], bin, rest)
	i.SetHeader32(AtBinsSize, off+size)
	i.SetCellSize(off+BinHeaderSize, int32(size-BinHeaderSize))
	return CellAt{Offset: off + BinHeaderSize, Size: size - BinHeaderSize}
}

// Free gives the cell at off back and joins it with free neighbours in its bin.
func (i *Image) Free(off uint32) {
	for _, bin := range i.Bins() {
		if off < bin.Offset || off >= bin.Offset+bin.Size {
			continue
		}
		i.SetCellSize(off, -i.CellSize(off))
		cells := i.cellsOf(bin)
		at := slices.IndexFunc(cells, func(cell CellAt) bool { return cell.Offset == off })
		first, last := at, at
		if at > 0 && !cells[at-1].Allocated {
			first--
		}
		if at+1 < len(cells) && !cells[at+1].Allocated {
			last++
		}
		end := cells[last].Offset + cells[last].Size
		i.SetCellSize(cells[first].Offset, int32(end-cells[first].Offset))
		return
	}
	panic(fmt.Sprintf("hivetest: no bin has the cell %#x", off))
}

// SetValue stores a value as Windows would: the new data goes to a new cell
// unless it is as long as the old, the old cells are given back. The key gets
// the time as its LastWriteTime.
func (i *Image) SetValue(path string, value Value, time uint64) {
	place, b := i.Key(path), i.builder()
	i.Put64(place.Node, NodeTime, time)
	i.raise(place.Node, NodeMaxValueName, 2*len(Units(value.Name)))
	i.raise(place.Node, NodeMaxValueData, len(value.Data))
	at := slices.IndexFunc(place.Values, func(old *ValuePlace) bool { return CompareNames(old.Name, value.Name) == 0 })
	if at < 0 {
		i.appendValue(place, b.value(&value))
		return
	}
	old := place.Values[at]
	i.Put32(old.Record, RecordType, value.Type)
	if old.Data != NIL && old.List == NIL && int(i.U32(old.Record, RecordDataLength)) == len(value.Data) {
		copy(i.Cell(old.Data), value.Data)
		return
	}
	for _, cell := range slices.Concat([]uint32{old.Data, old.List}, old.Segments) {
		if cell != NIL {
			i.Free(cell)
		}
	}
	updated := &ValuePlace{Name: old.Name, Record: old.Record, Data: NIL, List: NIL}
	i.Put32(old.Record, RecordData, 0)
	b.valueData(&value, updated)
	place.Values[at] = updated
}

func (i *Image) appendValue(place *KeyPlace, value *ValuePlace) {
	place.Values = append(place.Values, value)
	n := len(place.Values)
	if place.ValueList == NIL || len(i.Cell(place.ValueList)) < 4*n {
		list := i.Allocate(4 * n)
		if place.ValueList != NIL {
			copy(i.Cell(list), i.Cell(place.ValueList))
			i.Free(place.ValueList)
		}
		place.ValueList = list
		i.Put32(place.Node, NodeValueList, list)
	}
	i.Put32(place.ValueList, 4*(n-1), value.Record)
	i.Put32(place.Node, NodeValues, uint32(n))
}

// AddKey creates a key and all it holds below the key at path. Both get the
// time as their LastWriteTime.
func (i *Image) AddKey(path string, key Key, time uint64) {
	parent, b := i.Key(path), i.builder()
	key.Time = time
	node := b.newNode(&key)
	security := i.securityAt(parent.Security)
	b.key(&key, join(path, key.Name), node, parent.Node, b.security(key.Security, security))
	b.linkSecurities()
	for _, hole := range b.holes {
		i.Free(hole)
	}

	nodes := i.subkeyNodes(parent)
	at, found := slices.BinarySearchFunc(parent.Subkeys, key.Name, CompareNames)
	if found {
		panic(fmt.Sprintf("hivetest: %q has a subkey %q", path, key.Name))
	}
	kind := i.freeLists(parent)
	parent.Subkeys = slices.Insert(parent.Subkeys, at, key.Name)
	b.subkeyLists(&Key{List: kind}, parent, slices.Insert(nodes, at, node))
	i.Put64(parent.Node, NodeTime, time)
	if length := 2 * len(Units(key.Name)); int(i.U16(parent.Node, NodeMaxName)) < length {
		i.Put16(parent.Node, NodeMaxName, uint16(length))
	}
	i.raise(parent.Node, NodeMaxClass, 2*len(Units(key.Class)))
}

// freeLists gives the subkey lists of a key back and returns the kind of its
// leaves, empty when there were none.
func (i *Image) freeLists(place *KeyPlace) (kind string) {
	lists := place.Leaves
	if len(lists) > 0 {
		kind = string(i.Cell(lists[0])[:2])
	}
	if len(lists) > 1 {
		lists = append(lists, place.List)
	}
	for _, list := range lists {
		i.Free(list)
	}
	place.Leaves = nil
	return kind
}

// subkeyNodes returns the offsets of the subkeys in the order of the list.
func (i *Image) subkeyNodes(place *KeyPlace) []uint32 {
	var nodes []uint32
	for _, name := range place.Subkeys {
		nodes = append(nodes, i.Key(join(place.Path, name)).Node)
	}
	return nodes
}

// builder returns one that puts its cells into this image.
func (i *Image) builder() *builder {
	b := &builder{room: i, minor: i.Minor(), image: i, securities: map[string]*SecurityPlace{}}
	for _, place := range i.Securities {
		b.securities[string(place.Descriptor)] = place
	}
	return b
}

func (i *Image) securityAt(cell uint32) *SecurityPlace {
	for _, place := range i.Securities {
		if place.Cell == cell {
			return place
		}
	}
	panic(fmt.Sprintf("hivetest: no security record at %#x", cell))
}

// raise makes a maximum of the key record at least n.
func (i *Image) raise(node uint32, at, n int) {
	if field := i.Cell(node)[at:]; int(binary.LittleEndian.Uint32(field)) < n {
		binary.LittleEndian.PutUint32(field, uint32(n))
	}
}
