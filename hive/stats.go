package hive

import (
	"slices"

	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// CellCount is a number of cells and of the bytes that they take up with their
// headers.
type CellCount struct {
	Cells int
	Bytes int64
}

func (c *CellCount) add(size uint32) {
	c.Cells++
	c.Bytes += int64(size)
}

// Use says what the allocated cells of a hive hold. A cell that several records
// refer to, as none should, is counted once.
type Use struct {
	Keys        CellCount
	SubkeyLists CellCount // leaves and index roots
	Values      CellCount
	ValueLists  CellCount
	Data        CellCount // of values, and the segments of big data
	BigData     CellCount // records and lists of big data
	Classes     CellCount
	Security    CellCount
	Lost        CellCount // no key leads to them
}

// FreeClass counts the free cells of up to so many bytes, and above the class
// before.
type FreeClass struct {
	UpTo int64 // bytes
	CellCount
}

// TypeCount counts the values of a type.
type TypeCount struct {
	Type   Type
	Values int
	Bytes  int64 // of data
}

// KeyRank is a key with a number of subkeys or values.
type KeyRank struct {
	Path  string
	Count int
}

// ValueRank is a value with the size of its data.
type ValueRank struct {
	Path string // of the key
	Name string
	Type Type
	Size int64 // bytes
}

// Stats tells what a hive consists of.
type Stats struct {
	Bins      int   // sound ones
	BinBytes  int64 // with their headers
	FreeBins  int   // bins that are one free cell
	BadBytes  int64 // of bins that are broken, or of cells that are
	Trailing  int64 // bytes behind the last bin, which belong to nothing
	Allocated CellCount
	Free      CellCount
	Largest   int64       // bytes of the largest free cell
	FreeSizes []FreeClass // all but those that would be empty, in order of size
	Use       Use

	Keys, Values int
	Depth        int // levels of keys, with the root
	BigValues    int // values whose data is kept in segments
	Classes      int // keys that have a class name
	Descriptors  int // security descriptors that keys refer to
	DataBytes    int64
	Types        []TypeCount // in order of their numbers

	MostSubkeys, MostValues []KeyRank   // the largest first
	LargestValues           []ValueRank // the largest first
}

// Stats counts what a hive consists of, in one pass over the cells and one over
// the keys. Of the keys and values that are largest it lists up to most. What
// cannot be read is not counted, and emit is called with a FormatError.
func (h *Hive) Stats(most int, emit func(error)) *Stats {
	c := &counter{
		Stats: &Stats{Trailing: int64(len(h.image.Trailing()))},
		image: h.image, emit: emit, most: most,
		starts:  bitmap.New(h.image.BinsSize()/8 + 1),
		reached: bitmap.New(h.image.BinsSize()/8 + 1),
		types:   map[Type]TypeCount{},
	}
	c.cells()
	for key, err := range h.Walk() {
		if err != nil {
			emit(err)
			continue
		}
		c.key(key)
	}
	c.finish()
	return c.Stats
}

// counter is the state of Stats.
type counter struct {
	*Stats
	image   *regf.Image
	emit    func(error)
	most    int
	starts  bitmap.Bitmap // by offset / 8: an allocated cell starts here
	reached bitmap.Bitmap // by offset / 8: the cell is counted in Use
	types   map[Type]TypeCount
	free    [32]CellCount // by the logarithm of the size, rounded up
}

// cells counts the cells of all sound bins.
func (c *counter) cells() {
	for bin := range c.image.Bins {
		c.Bins++
		c.BinBytes += int64(bin.Size)
		end := bin.Start + regf.BinHeaderSize
		for cell, err := range c.image.Cells(bin) {
			if err != nil {
				c.emit(err)
				break
			}
			end = cell.Offset + regf.Offset(cell.Size)
			if cell.Allocated {
				c.Allocated.add(cell.Size)
				c.starts.Add(uint32(cell.Offset / 8))
				continue
			}
			c.Free.add(cell.Size)
			c.free[sizeClass(cell.Size)].add(cell.Size)
			c.Largest = max(c.Largest, int64(cell.Size))
			if cell.Size == bin.Size-regf.BinHeaderSize {
				c.FreeBins++
			}
		}
		c.BadBytes += int64(bin.End() - end)
	}
	c.BadBytes += int64(c.image.BinsSize()) - c.BinBytes
}

// sizeClass is the smallest power of two that is not below size, at most 31.
func sizeClass(size uint32) int {
	class := 0
	for class < 31 && size > 1<<class {
		class++
	}
	return class
}

// reach counts the allocated cell at off, once, and reports whether this was
// the first time. Whoever reads the cell has the error where there is none.
func (c *counter) reach(off regf.Offset, count *CellCount) bool {
	if off%8 != 0 || !c.reached.Take(uint32(off/8), c.starts) {
		return false
	}
	size, _, _ := c.image.CellSize(off) // was read before
	count.add(size)
	return true
}

// key counts a key and its values.
func (c *counter) key(k *Key) {
	node, err := k.node()
	if err != nil {
		c.emit(err)
		return
	}
	c.Keys++
	c.Depth = max(c.Depth, depth(k))
	c.reach(k.cell, &c.Use.Keys)
	if c.reach(node.Security(), &c.Use.Security) {
		c.Descriptors++
	}
	if node.ClassLength() > 0 {
		c.Classes++
		c.reach(node.Class(), &c.Use.Classes)
	}
	if n := int(node.SubkeyCount()); n > 0 {
		c.rankKey(&c.MostSubkeys, k, n)
		c.subkeyLists(node)
	}
	if n := int(node.ValueCount()); n > 0 {
		c.rankKey(&c.MostValues, k, n)
		c.values(k, node)
	}
}

func (c *counter) rankKey(list *[]KeyRank, k *Key, count int) {
	rank(list, c.most, count, func(r KeyRank) int { return r.Count }, func() KeyRank { return KeyRank{k.Path(), count} })
}

func depth(k *Key) int {
	levels := 0
	for ; k != nil; k = k.parent {
		levels++
	}
	return levels
}

// subkeyLists counts the lists of a key. The walk has told of their faults.
func (c *counter) subkeyLists(node regf.KeyNode) {
	if !c.reach(node.SubkeyList(), &c.Use.SubkeyLists) {
		return
	}
	for leaf, err := range c.image.Leaves(node.SubkeyList()) {
		if err == nil && leaf.Offset != node.SubkeyList() {
			c.reach(leaf.Offset, &c.Use.SubkeyLists)
		}
	}
}

// values counts the values of a key, unless another key has the same list: a
// hostile hive could hold the count up for ever.
func (c *counter) values(k *Key, node regf.KeyNode) {
	list, err := c.image.ValueList(node)
	if err != nil {
		c.emit(err)
		return
	}
	if !c.reach(node.ValueList(), &c.Use.ValueLists) {
		c.emit(k.corrupt("has the list of values at %#x, which another record has too", node.ValueList().File()))
		return
	}
	for i := range list.Len() {
		record, err := c.image.ValueRecord(list.At(i))
		if err != nil {
			c.emit(err)
			continue
		}
		c.value(k, record)
	}
}

func (c *counter) value(k *Key, record regf.ValueRecord) {
	c.Values++
	c.reach(record.Offset, &c.Use.Values)
	if err := c.data(record); err != nil {
		c.emit(err)
		return
	}
	kind, size := Type(record.Type()), int64(record.DataLength())
	rank(&c.LargestValues, c.most, size, func(r ValueRank) int64 { return r.Size },
		func() ValueRank { return ValueRank{k.Path(), record.Name().String(), kind, size} })
	count := c.types[kind]
	c.types[kind] = TypeCount{kind, count.Values + 1, count.Bytes + size}
	c.DataBytes += size
}

// data counts the cells that hold the data of a value.
func (c *counter) data(record regf.ValueRecord) error {
	if !c.image.Segmented(record) {
		data, err := c.image.ValueData(record)
		if err == nil && len(data) > 0 && !record.Inline() {
			c.reach(record.Data(), &c.Use.Data)
		}
		return err
	}
	big, err := c.image.BigData(record.Data())
	if err != nil {
		return err
	}
	segments, err := c.image.Segments(big, record.DataLength())
	if err != nil {
		return err
	}
	c.BigValues++
	if !c.reach(big.Offset, &c.Use.BigData) {
		return nil // another value has it too, and its segments are counted
	}
	c.reach(big.List(), &c.Use.BigData)
	for i := range segments.Len() {
		c.reach(segments.At(i), &c.Use.Data)
	}
	return nil
}

// finish fills in what follows from the counts.
func (c *counter) finish() {
	c.Use.Lost = c.Allocated
	for _, used := range []CellCount{
		c.Use.Keys, c.Use.SubkeyLists, c.Use.Values, c.Use.ValueLists,
		c.Use.Data, c.Use.BigData, c.Use.Classes, c.Use.Security,
	} {
		c.Use.Lost.Cells -= used.Cells
		c.Use.Lost.Bytes -= used.Bytes
	}
	for class, count := range c.free {
		if count.Cells > 0 {
			c.FreeSizes = append(c.FreeSizes, FreeClass{1 << class, count})
		}
	}
	for _, count := range c.types {
		c.Types = append(c.Types, count)
	}
	slices.SortFunc(c.Types, func(a, b TypeCount) int {
		if a.Type < b.Type {
			return -1
		}
		return 1
	})
}

// rank puts an element of that size into a list of the largest, which has the
// first of equals and at most so many. The element is made when it is needed.
func rank[T any, N int | int64](list *[]T, most int, size N, sizeOf func(T) N, element func() T) {
	if n := len(*list); n >= most && (n == 0 || sizeOf((*list)[n-1]) >= size) {
		return
	}
	at, _ := slices.BinarySearchFunc(*list, size, func(e T, size N) int {
		if sizeOf(e) >= size {
			return -1
		}
		return 1
	})
	*list = slices.Insert(*list, at, element())
	*list = (*list)[:min(len(*list), most)]
}
