package check

import (
	"math/bits"

	"hivepatch/hive/internal/regf"
)

// cells walks the cells of every bin.
func (c *checker) cells() {
	for bin := range c.image.Bins {
		c.bin(bin)
	}
}

// bin notes where the cells of a bin start and checks how they fill it.
func (c *checker) bin(bin regf.Bin) {
	c.bounds.Add(uint32(bin.End() / 8))
	wasFree := regf.NIL
	for off := bin.Start + regf.BinHeaderSize; off < bin.End(); {
		c.bounds.Add(uint32(off / 8))
		cell, ok := c.image.CellIn(bin, off)
		if !ok {
			_, _, err := c.image.CellSize(off)
			c.reportError(err)
			return // no telling where the next cell starts
		}
		if cell.Allocated {
			c.starts.Add(uint32(off / 8))
			wasFree = regf.NIL
			if cell.Size > 16384 && c.minor > 1 {
				c.bigCell(cell)
			}
		} else {
			if wasFree != regf.NIL {
				c.report(codeFreeNeighbours, off, "free cell follows the free cell at %#x", wasFree.File())
			}
			wasFree = off
		}
		off += regf.Offset(cell.Size)
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
		c.orphan(regf.Offset(8 * unit))
	}
	if c.volatileKeys > 0 {
		c.report(codeVolatile, c.firstVolatile, "counts of volatile subkeys, which mean nothing on disk, in %d of the keys, of which this is the first", c.volatileKeys)
	}
}

func (c *checker) orphan(off regf.Offset) {
	c.report(codeOrphan, off, "cell of %d bytes is allocated, but nothing refers to it", c.dataSize(off)+c.cellHeader)
}
