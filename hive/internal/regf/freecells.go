package regf

import (
	"slices"

	"hivepatch/hive/internal/bitmap"
)

// freeCells finds a free cell by size, and the free neighbours of a cell,
// without looking at the rest of the hive.
//
// Lists of cells by exact size give the best fit. A cell that goes because a
// neighbour is freed stays in its list; the bit maps say that it is gone.
type freeCells struct {
	m      *Image
	starts bitmap.Bitmap // by offset / 8: a free cell starts here
	ends   bitmap.Bitmap // by offset / 8: a free cell ends just before
	small  [smallClasses][]Offset
	used   bitmap.Bitmap // by size / 8: the small class is not empty
	large  map[uint32][]Offset
	sizes  []uint32 // keys of large, ascending

	live, listed int
	bytes        uint32 // in all free cells

	recording bool // changes, so that they can be undone
	undo      []freeChange
}

// freeChange is a change of the index: the cell, with the kind of change in its
// three lowest bits, which are zero in the offset of a cell, and its size.
type freeChange struct {
	cell Offset
	size uint32
}

// Kinds of changes.
const (
	freeMarked   = iota // in the bit maps
	freeUnmarked        // in the bit maps
	freePushed          // to the end of a list
	freePopped          // from the end of a list
	freeKinds    = 7    // mask
)

// smallClasses have a list for each cell size up to 16 KiB, in steps of 8.
const smallClasses = roundedAbove/8 + 1

func newFreeCells(m *Image) *freeCells {
	units := m.BinsSize()/8 + 1
	return &freeCells{m: m, starts: bitmap.New(units), ends: bitmap.New(units), large: map[uint32][]Offset{}}
}

func (f *freeCells) note(kind int, off Offset, size uint32) {
	if f.recording {
		f.undo = append(f.undo, freeChange{off | Offset(kind), size})
	}
}

// begin starts to record changes. It keeps the memory for them, unless there was
// uncommonly much to record.
func (f *freeCells) begin() {
	if cap(f.undo) > 1<<16 {
		f.undo = nil
	}
	f.recording, f.undo = true, f.undo[:0]
}

// commit ends the recording.
func (f *freeCells) commit() {
	f.recording = false
	f.dropStale()
}

// rollback ends the recording and undoes what was recorded: the lists are then
// in the order in which they were.
func (f *freeCells) rollback() {
	f.recording = false
	for _, change := range slices.Backward(f.undo) {
		off := change.cell &^ freeKinds
		switch change.cell & freeKinds {
		case freeMarked:
			f.remove(off, change.size)
		case freeUnmarked:
			f.mark(off, change.size)
		case freePushed:
			f.unlist(change.size)
		case freePopped:
			f.list(off, change.size)
		}
	}
}

// addAll walks the cells of all sound bins once.
func (f *freeCells) addAll() {
	for bin := range f.m.Bins {
		for cell, err := range f.m.Cells(bin) {
			if err == nil && !cell.Allocated {
				f.add(cell.Offset, cell.Size)
			}
		}
	}
	// Lists are emptied from the end: let the lowest cell go first.
	for class := range f.small {
		slices.Reverse(f.small[class])
	}
	for _, list := range f.large {
		slices.Reverse(list)
	}
}

// add puts the free cell at off into the index.
func (f *freeCells) add(off Offset, size uint32) {
	f.mark(off, size)
	f.list(off, size)
	if !f.recording {
		f.dropStale()
	}
}

// mark enters a cell in the bit maps.
func (f *freeCells) mark(off Offset, size uint32) {
	f.note(freeMarked, off, size)
	f.starts.Add(uint32(off / 8))
	f.ends.Add((uint32(off) + size) / 8)
	f.live++
	f.bytes += size
}

// list puts a cell at the end of the list for its size.
func (f *freeCells) list(off Offset, size uint32) {
	f.note(freePushed, off, size)
	f.listed++
	if class := size / 8; class < smallClasses {
		f.small[class] = append(f.small[class], off)
		f.used.Add(class)
		return
	}
	if _, known := f.large[size]; !known {
		i, _ := slices.BinarySearch(f.sizes, size)
		f.sizes = slices.Insert(f.sizes, i, size)
	}
	f.large[size] = append(f.large[size], off)
}

// unlist takes the last cell off the list for a size.
func (f *freeCells) unlist(size uint32) {
	f.listed--
	if class := size / 8; class < smallClasses {
		f.small[class] = f.small[class][:len(f.small[class])-1]
		return
	}
	f.large[size] = f.large[size][:len(f.large[size])-1]
}

// remove takes the free cell at off out of the index.
func (f *freeCells) remove(off Offset, size uint32) {
	f.note(freeUnmarked, off, size)
	f.starts.Remove(uint32(off / 8))
	f.ends.Remove((uint32(off) + size) / 8)
	f.live--
	f.bytes -= size
}

// at returns the size of the free cell that starts at off, or 0.
func (f *freeCells) at(off Offset) uint32 {
	bin, ok := f.m.binAt(off)
	if !ok || off == bin.Start || !f.starts.Has(uint32(off/8)) {
		return 0
	}
	return f.m.u32(off)
}

// around takes the free neighbours of the cell at off out of the index and
// returns the bounds of the three together.
func (f *freeCells) around(off Offset, size uint32) (start, end Offset) {
	start, end = off, off+Offset(size)
	if next := f.at(end); next > 0 {
		f.remove(end, next)
		end += Offset(next)
	}
	bin, _ := f.m.binAt(off)
	if off > bin.Start+BinHeaderSize && f.ends.Has(uint32(off/8)) {
		if before, ok := f.starts.Before(uint32(off / 8)); ok {
			start = Offset(8 * before)
			f.remove(start, uint32(off-start))
		}
	}
	return start, end
}

// take removes the smallest free cell of at least size bytes from the index
// and returns it.
func (f *freeCells) take(size uint32) (Offset, bool) {
	for class, ok := f.used.From(size / 8); ok; class, ok = f.used.From(class + 1) {
		if off, ok := f.pop(&f.small[class], class*8); ok {
			return off, true
		}
		f.used.Remove(class)
	}
	i, _ := slices.BinarySearch(f.sizes, size)
	for i < len(f.sizes) {
		fit := f.sizes[i]
		list := f.large[fit]
		off, ok := f.pop(&list, fit)
		if len(list) == 0 {
			delete(f.large, fit)
			f.sizes = slices.Delete(f.sizes, i, i+1)
		} else {
			f.large[fit] = list
		}
		if ok {
			return off, true
		}
	}
	return NIL, false
}

// pop returns the last cell of the list that is still free and of that size,
// and drops the ones behind it, which are not.
func (f *freeCells) pop(list *[]Offset, size uint32) (Offset, bool) {
	for n := len(*list); n > 0; n-- {
		off := (*list)[n-1]
		*list = (*list)[:n-1]
		f.listed--
		f.note(freePopped, off, size)
		if f.isFree(off, size) {
			f.remove(off, size)
			return off, true
		}
	}
	return NIL, false
}

// isFree reports whether a free cell of that size still starts at off.
func (f *freeCells) isFree(off Offset, size uint32) bool {
	return f.starts.Has(uint32(off/8)) && f.m.u32(off) == size
}

// dropStale empties the lists of cells that are gone, where these are many.
func (f *freeCells) dropStale() {
	if f.listed <= 2*f.live+1<<16 {
		return
	}
	seen := make(map[Offset]bool, f.live)
	f.listed = 0
	keep := func(list []Offset, size uint32) []Offset {
		list = slices.DeleteFunc(list, func(off Offset) bool {
			stale := seen[off] || !f.isFree(off, size)
			seen[off] = seen[off] || !stale
			return stale
		})
		f.listed += len(list)
		return list
	}
	for class := range f.small {
		f.small[class] = keep(f.small[class], uint32(class)*8)
	}
	for size := range f.large {
		f.large[size] = keep(f.large[size], size)
	}
}
