package salvage

import (
	"iter"
	"slices"
	"strings"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// Remnant is a key, or a value without one, that still stands in a free cell.
type Remnant struct {
	IsValue bool

	// Path leads to the key, or to that of the value; "" where nobody knows it.
	// It goes by the parents that the records name, as far as these can be read:
	// a record that was used again since leads astray.
	Path   string
	Rooted bool // Path begins below the root

	Offset    int64     // of the record: absolute file offset in bytes
	LastWrite time.Time // of a key
	Class     string    // of a key; "" where it had none or it is lost

	// Values are those that are left of a key, or the one value.
	Values []DeletedValue
	Missed int // values that the key had besides
}

// DeletedValue is a value that still stands in a free cell.
type DeletedValue struct {
	Name   string
	Type   hive.Type
	Size   uint32 // of the data, in bytes
	Data   []byte // memory of the hive where the data is in one piece; nil with Err
	Err    error  // why the data is lost
	Offset int64  // of the record: absolute file offset in bytes
}

// Deleted lists what was deleted from the hive in data, sound or not, and still
// stands in free cells, also in those that have become part of larger ones: keys
// with their values, then values whose keys are not among them. data must not be
// changed meanwhile.
//
// The one error is that of data that is no hive.
func Deleted(data []byte) iter.Seq2[Remnant, error] {
	return func(yield func(Remnant, error) bool) {
		image, _, err := regf.ParseLoose(data)
		if err != nil {
			yield(Remnant{}, err)
			return
		}
		d := newDeleted(image)
		more := d.scan(func(off regf.Offset) bool {
			node, ok := d.key(off)
			return !ok || yield(d.remnant(node), nil)
		})
		if !more {
			return
		}
		d.scan(func(off regf.Offset) bool {
			record, ok := d.value(off)
			return !ok || d.claimed.Has(uint32(off/8)) || yield(d.loneValue(record), nil)
		})
	}
}

// deleted is the state of one search.
type deleted struct {
	image   *regf.Image
	free    bitmap.Bitmap               // by offset / 8: these bytes belong to a free cell
	claimed bitmap.Bitmap               // by offset / 8: a record or list that belongs to a deleted key
	lists   bitmap.Bitmap               // by offset / 8: lists of deleted keys, which do not overlap
	data    bitmap.Bitmap               // by offset / 8: data that belongs to a deleted value
	owners  map[regf.Offset]regf.Offset // living keys, by the records of values that they had
	linked  bool                        // see findLinks
}

func newDeleted(image *regf.Image) *deleted {
	units := image.BinsSize()/8 + 1
	d := &deleted{
		image: image,
		free:  bitmap.New(units), claimed: bitmap.New(units), lists: bitmap.New(units), data: bitmap.New(units),
		owners: map[regf.Offset]regf.Offset{},
	}
	d.each(func(cell regf.CellHeader) {
		if !cell.Allocated {
			d.free.TakeRange(uint32(cell.Offset/8), uint32(cell.Offset/8)+cell.Size/8)
		}
	})
	d.findLinks()
	d.each(func(cell regf.CellHeader) {
		if cell.Allocated {
			d.findOwned(cell.Offset)
		}
	})
	return d
}

// findLinks finds out whether the hive comes from Windows 2000 or before, which
// kept lists of free cells in the cells themselves: the first four bytes of a
// cell were overwritten when it was freed.
func (d *deleted) findLinks() {
	cells, links := 0, 0
	d.each(func(cell regf.CellHeader) {
		if data := d.image.From(cell.Offset); !cell.Allocated && cell.Size > regf.CellHeaderSize {
			cells++
			if d.isLink(data) {
				links++
			}
		}
	})
	d.linked = cells >= 8 && links > cells/10*9
}

// isLink reports whether data begins with the offset of a free cell, or with what
// ends a list.
func (d *deleted) isLink(data []byte) bool {
	next := regf.OffsetList(data[:4]).At(0)
	return next == regf.NIL || next%8 == 0 && d.free.Has(uint32(next/8))
}

// each calls visit for all cells up to where the chain of a bin breaks.
func (d *deleted) each(visit func(regf.CellHeader)) {
	for bin := range d.image.Bins {
		for off := bin.Start + regf.BinHeaderSize; off < bin.End(); {
			cell, ok := d.image.CellIn(bin, off)
			if !ok {
				break
			}
			visit(cell)
			off += regf.Offset(cell.Size)
		}
	}
}

// findOwned notes the values that a living key had: their places are left in the
// cell of its list, behind the values that it has.
func (d *deleted) findOwned(off regf.Offset) {
	node, err := d.image.KeyNode(off)
	if err != nil || node.Flags()&regf.KeyPredefHandle != 0 || node.ValueCount() == 0 {
		return
	}
	data, err := d.image.Cell(node.ValueList())
	if err != nil {
		return
	}
	list := regf.OffsetList(data[:len(data)&^3])
	for i := int64(node.ValueCount()); i < int64(list.Len()); i++ {
		if _, ok := d.value(list.At(int(i))); ok {
			d.owners[list.At(int(i))] = off
		}
	}
}

// scan calls visit for each place in free cells where a cell may have started.
func (d *deleted) scan(visit func(regf.Offset) bool) bool {
	more := true
	d.each(func(cell regf.CellHeader) {
		for off := cell.Offset; more && !cell.Allocated && off < cell.Offset+regf.Offset(cell.Size); off += 8 {
			more = visit(off)
		}
	})
	return more
}

// cell returns what stands in a free cell at off when it may have been a cell of
// its own, with n bytes at least.
func (d *deleted) cell(off regf.Offset, n int) ([]byte, bool) {
	data := d.image.From(off)
	if data == nil || len(data) < n || !d.free.HasRange(uint32(off/8), (uint32(off)+d.image.CellHeaderSize()+uint32(n)+7)/8) {
		return nil, false
	}
	size := d.image.SizeAt(off)
	return data, size >= uint64(n)+uint64(d.image.CellHeaderSize()) && size%8 == 0
}

// key returns the key whose record stands at off, in free space.
func (d *deleted) key(off regf.Offset) (regf.KeyNode, bool) {
	data, ok := d.cell(off, 1)
	if !ok {
		return regf.KeyNode{}, false
	}
	node, err := d.image.ParseKeyNode(off, data)
	if err != nil || !isSoundName(node.Name()) || !isTime(node.LastWriteTime()) {
		return regf.KeyNode{}, false
	}
	_, ok = d.cell(off, len(node.Record()))
	return node, ok
}

// isTime reports whether a FILETIME may be the time of a key: not set, or after
// the first Windows that had a registry and within reason.
func isTime(filetime uint64) bool {
	const from, to = 122_000_000_000_000_000, 160_000_000_000_000_000 // 1987 to 2108
	return filetime == 0 || filetime > from && filetime < to
}

// value returns the value whose record stands at off, in free space.
func (d *deleted) value(off regf.Offset) (regf.ValueRecord, bool) {
	data, ok := d.cell(off, 1)
	if !ok {
		return regf.ValueRecord{}, false
	}
	record, err := d.image.ParseValueRecord(off, data)
	if err != nil || record.Flags()&^(regf.ValueCompName|regf.ValueTombstone) != 0 {
		return regf.ValueRecord{}, false
	}
	name, length := record.Name(), record.DataLength()
	switch {
	case !name.Latin1 && len(name.Raw)%2 != 0, name.Len() > regf.MaxValueName:
		return regf.ValueRecord{}, false
	case record.Inline() && length > regf.MaxInlineData, length > d.image.BinsSize():
		return regf.ValueRecord{}, false
	}
	_, ok = d.cell(off, len(record.Record()))
	return record, ok
}

// remnant describes a deleted key with its values.
func (d *deleted) remnant(node regf.KeyNode) Remnant {
	r := Remnant{Offset: node.Offset.File(), LastWrite: regf.Time(node.LastWriteTime()), Class: d.class(node)}
	names := []string{node.Name().String()}
	r.Path, r.Rooted = d.path(node.Parent(), names)
	r.Values, r.Missed = d.values(node)
	return r
}

// path returns the path that ends with names and begins where the chain of
// parents from a key on leads. rooted tells that this is the root.
func (d *deleted) path(parent regf.Offset, names []string) (path string, rooted bool) {
	for len(names) < regf.MaxDepth {
		node, err := d.image.KeyNode(parent)
		if err != nil {
			var ok bool
			if node, ok = d.key(parent); !ok {
				break
			}
		} else if parent == d.image.BaseBlock().RootCell() {
			rooted = true
			break
		}
		if node.Name().Len() > regf.MaxKeyName {
			break // no key has such a name, and there may be thousands below it
		}
		names = append(names, node.Name().String())
		parent = node.Parent()
	}
	slices.Reverse(names)
	return strings.Join(names, `\`), rooted
}

func (d *deleted) class(node regf.KeyNode) string {
	data, ok := d.cell(node.Class(), node.ClassLength())
	if !ok || node.ClassLength() == 0 {
		return ""
	}
	return regf.Name{Raw: data[:node.ClassLength()&^1]}.String()
}

// values returns the values that are left of a deleted key, and the number of
// those that are not.
func (d *deleted) values(node regf.KeyNode) (values []DeletedValue, missed int) {
	count := node.ValueCount()
	if count == 0 || count > d.image.BinsSize()/4 {
		return nil, 0
	}
	off := node.ValueList()
	data, ok := d.cell(off, 4*int(count))
	end := (uint32(off) + d.image.CellHeaderSize() + 4*count + 7) / 8
	if !ok || d.claimed.TakeRange(uint32(off/8), uint32(off/8)+1) || d.lists.TakeRange(uint32(off/8), end) {
		return nil, int(count)
	}
	list := regf.OffsetList(data[:4*count])
	for i := range list.Len() {
		record, ok := d.value(list.At(i))
		if !ok || d.claimed.TakeRange(uint32(record.Offset/8), uint32(record.Offset/8)+1) {
			missed++
			continue
		}
		values = append(values, d.describe(record))
	}
	return values, missed
}

// loneValue describes a value that belongs to no deleted key.
func (d *deleted) loneValue(record regf.ValueRecord) Remnant {
	r := Remnant{IsValue: true, Offset: record.Offset.File(), Values: []DeletedValue{d.describe(record)}}
	if owner, ok := d.owners[record.Offset]; ok {
		if owner == d.image.BaseBlock().RootCell() {
			r.Rooted = true
			return r
		}
		if node, err := d.image.KeyNode(owner); err == nil {
			r.Path, r.Rooted = d.path(node.Parent(), []string{node.Name().String()})
		}
	}
	return r
}

func (d *deleted) describe(record regf.ValueRecord) DeletedValue {
	v := DeletedValue{
		Name: record.Name().String(), Type: hive.Type(record.Type()), Size: record.DataLength(), Offset: record.Offset.File(),
	}
	v.Data, v.Err = d.dataOf(record)
	return v
}

// dataOf returns the data of a deleted value while all of its cells are free.
func (d *deleted) dataOf(record regf.ValueRecord) ([]byte, error) {
	length := int(record.DataLength())
	switch {
	case record.Inline():
		return d.image.ValueData(record)
	case length == 0:
		return nil, nil
	case length > regf.MaxDirectData && d.image.Minor() >= 4:
		return d.segments(record.Data(), length)
	}
	return d.piece(record.Data(), length)
}

// piece returns n bytes of data from a free cell.
func (d *deleted) piece(off regf.Offset, n int) ([]byte, error) {
	data, ok := d.cell(off, n)
	switch {
	case !ok:
		return nil, errUsedAgain
	case d.data.TakeRange(uint32(off/8), (uint32(off)+d.image.CellHeaderSize()+uint32(n)+7)/8):
		return nil, errDuplicate
	case d.linked && d.isLink(data):
		return nil, errOverwritten
	}
	return data[:n:n], nil
}

// segments returns big data.
func (d *deleted) segments(off regf.Offset, length int) ([]byte, error) {
	record, err := d.piece(off, regf.BigDataRecordSize)
	if err != nil {
		return nil, err
	}
	count, list, ok := regf.ParseBigData(record)
	want := (length + regf.MaxDirectData - 1) / regf.MaxDirectData
	if !ok || count != want {
		return nil, errUsedAgain
	}
	offsets, err := d.piece(list, 4*count)
	if err != nil {
		return nil, err
	}
	var joined []byte
	for i := range count {
		part, err := d.piece(regf.OffsetList(offsets).At(i), min(regf.MaxDirectData, length-i*regf.MaxDirectData))
		if err != nil {
			return nil, err
		}
		joined = append(joined, part...)
	}
	return joined, nil
}
