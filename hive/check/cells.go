package check

import (
	"math/bits"

	"hivepatch/hive/internal/regf"
)

// cells walks the cells of every bin, notes where allocated ones start and
// checks how they fill the bin.
func (c *checker) cells() {
	for bin := range c.image.Bins {
		wasFree := regf.NIL
		c.bounds.Add(uint32(bin.End() / 8))
		for cell, err := range c.image.Cells(bin) {
			if err != nil {
				c.reportError(err)
				break // no telling where the next cell starts
			}
			c.bounds.Add(uint32(cell.Offset / 8))
			if cell.Allocated {
				c.starts.Add(uint32(cell.Offset / 8))
				wasFree = regf.NIL
				if cell.Size > 16384 && c.minor > 1 {
					c.bigCell(cell)
				}
				continue
			}
			if wasFree != regf.NIL {
				c.report(codeFreeNeighbours, cell.Offset, "free cell follows the free cell at %#x", wasFree.File())
			}
			wasFree = cell.Offset
		}
	}
}

func (c *checker) bigCell(cell regf.CellHeader) {
	switch {
	case cell.Size > regf.MaxCellSize:
		c.report(codeCellRounding, cell.Offset, "cell has %d bytes, Windows allocates at most %d", cell.Size, regf.MaxCellSize)
	case bits.OnesCount32(cell.Size) != 1:
		c.report(codeCellRounding, cell.Offset, "cell has %d bytes, want a power of two above 16384", cell.Size)
	}
}

// orphans reports the allocated cells that nothing refers to.
func (c *checker) orphans() {
	for unit := range c.starts.Without(c.claimed) {
		off := regf.Offset(8 * unit)
		size, _, err := c.image.CellSize(off)
		if err != nil {
			continue // reported when the cells were walked
		}
		c.report(codeOrphan, off, "cell of %d bytes is allocated, but nothing refers to it", size)
	}
	if c.volatileKeys > 0 {
		c.report(codeVolatile, c.firstVolatile, "%d keys have counts of volatile subkeys, which mean nothing on disk; this is the first", c.volatileKeys)
	}
}
