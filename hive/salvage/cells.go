package salvage

import (
	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// cells knows which parts of the image are cells, and which of them were used.
type cells struct {
	image *regf.Image
	held  regf.Offset // where the file ends; zeros stand for the rest of a page that was cut off

	starts bitmap.Bitmap // by offset / 8: a cell starts here, as the chain of its bin says
	torn   bitmap.Bitmap // by page: the chain of the bin is broken, so that cells may start anywhere
	taken  bitmap.Bitmap // by offset / 8: these bytes are in the new hive already
	spare  uint64        // bytes that may be taken twice
}

func newCells(image *regf.Image, held regf.Offset) cells {
	units := image.BinsSize()/8 + 1
	c := cells{
		image:  image,
		held:   held,
		starts: bitmap.New(units),
		torn:   bitmap.New(image.BinsSize()/regf.PageSize + 1),
		taken:  bitmap.New(units),
		spare:  uint64(image.BinsSize()) / spareShare,
	}
	for bin := range image.Bins {
		c.walk(bin)
	}
	return c
}

// spareShare is the part of the hive that may be copied a second time, for
// records that share something: the new hive must not grow without bound.
const spareShare = 16

// walk notes the cells of a bin.
func (c *cells) walk(bin regf.Bin) {
	whole := c.image.HasSoundHeader(bin)
	for off := bin.Start + regf.BinHeaderSize; off < bin.End(); {
		cell, ok := c.image.CellIn(bin, off)
		if !ok {
			whole = false
			break
		}
		c.starts.Add(uint32(off / 8))
		off += regf.Offset(cell.Size)
	}
	if whole {
		return
	}
	for page := bin.Start / regf.PageSize; page < bin.End()/regf.PageSize; page++ {
		c.torn.Add(uint32(page))
	}
}

// isTorn reports whether off lies in a bin whose cells cannot be told apart, or
// in none.
func (c *cells) isTorn(off regf.Offset) bool {
	return c.torn.Has(uint32(off/regf.PageSize)) || uint64(off) >= uint64(c.image.BinsSize())
}

// flaw is what is wrong with the cell of a record that may be sound all the same.
type flaw uint8

const (
	sound flaw = iota
	isFree
	badHeader
)

func (f flaw) String() string {
	return [...]string{"", "its cell is marked as free", "the size of its cell is damaged"}[f]
}

// record returns what stands in the cell at off, where a cell can start, as far
// as the file goes. With badHeader the data ends with the bin and not with the
// cell.
func (c *cells) record(off regf.Offset) (data []byte, f flaw, err error) {
	data, f, err = c.padded(off)
	if start := uint64(off) + regf.CellHeaderSize; start+uint64(len(data)) > uint64(c.held) {
		n := max(start, uint64(c.held)) - start
		data = data[:n:n]
	}
	return data, f, err
}

// padded is record with the zeros for what was cut off.
func (c *cells) padded(off regf.Offset) (data []byte, f flaw, err error) {
	data, allocated, err := c.image.AnyCell(off)
	switch {
	case err == nil && !c.isTorn(off) && !c.starts.Has(uint32(off/8)):
		return nil, sound, errNoCell
	case err == nil && allocated:
		return data, sound, nil
	case err == nil:
		return data, isFree, nil
	case c.isTorn(off):
		if data = c.image.From(off); data != nil {
			return data, badHeader, nil
		}
	}
	return nil, sound, err
}

// content returns the first n bytes of the allocated cell at off.
func (c *cells) content(off regf.Offset, n int) ([]byte, error) {
	data, f, err := c.record(off)
	switch {
	case err != nil:
		return nil, err
	case f != sound:
		return nil, flawError(f)
	case n > len(data):
		return nil, errTooShort
	}
	return data[:n:n], nil
}

// take notes that n bytes of the cell at off go into the new hive. It returns
// false for more that was taken before than there is to spare.
func (c *cells) take(off regf.Offset, n int) (shared, ok bool) {
	first, end := uint32(off/8), (uint32(off)+regf.CellHeaderSize+uint32(n)+7)/8
	if !c.taken.TakeRange(first, end) {
		return false, true
	}
	cost := uint64(end-first) * 8
	if cost > c.spare {
		return true, false
	}
	c.spare -= cost
	return true, true
}

// isTaken reports whether the cell at off went into the new hive.
func (c *cells) isTaken(off regf.Offset) bool { return c.taken.Has(uint32(off / 8)) }
