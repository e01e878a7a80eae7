package hivetest

import "encoding/binary"

// layout lays cells into bins, one after the other. It looks for room at the
// ends of the bins it opened last, and only there, so that a hive of any size
// is laid in linear time.
type layout struct {
	minor uint32
	bins  []byte
	tails []Extent // free room at the ends of bins
}

const openTails = 16

func (l *layout) data(off uint32) []byte {
	return l.bins[int(off)+cellHeader(l.minor):]
}

func (l *layout) allocate(n int) uint32 {
	size := cellSizeFor(l.minor, n)
	for i := range l.tails {
		if l.tails[i].Size >= size {
			return l.take(i, size)
		}
	}
	l.addBin(size)
	return l.take(len(l.tails)-1, size)
}

func (l *layout) take(tail int, size uint32) uint32 {
	off := l.tails[tail].Offset
	l.putSize(off, -int32(size))
	l.tails[tail].Offset += size
	l.tails[tail].Size -= size
	if l.tails[tail].Size == 0 {
		l.tails = append(l.tails[:tail], l.tails[tail+1:]...)
	}
	return off
}

// addBin appends the smallest bin that holds a cell of that size.
func (l *layout) addBin(cell uint32) {
	off, size := uint32(len(l.bins)), binSizeFor(cell)
	l.bins = append(l.bins, make([]byte, size)...)
	writeBinHeader(l.bins[off:], off, size)
	if len(l.tails) == openTails {
		l.close(l.tails[0])
		l.tails = l.tails[1:]
	}
	l.tails = append(l.tails, Extent{off + BinHeaderSize, size - BinHeaderSize})
}

func binSizeFor(cell uint32) uint32 {
	return (BinHeaderSize + cell + PageSize - 1) / PageSize * PageSize
}

func writeBinHeader(bin []byte, off, size uint32) {
	copy(bin, "hbin")
	binary.LittleEndian.PutUint32(bin[4:], off)
	binary.LittleEndian.PutUint32(bin[8:], size)
}

// finish makes a free cell of what is left in every bin.
func (l *layout) finish() {
	for _, tail := range l.tails {
		l.close(tail)
	}
	l.tails = nil
}

func (l *layout) close(tail Extent) {
	l.putSize(tail.Offset, int32(tail.Size))
}

func (l *layout) putSize(off uint32, size int32) {
	binary.LittleEndian.PutUint32(l.bins[off:], uint32(size))
}

// linkOldCells stores in every cell of an old hive where the cell before it
// lies, relative to the bin.
func linkOldCells(image *Image) {
	for _, bin := range image.Bins() {
		previous := uint32(NIL)
		for _, cell := range image.cellsOf(bin) {
			binary.LittleEndian.PutUint32(image.Data[FileOffset(cell.Offset)+4:], previous)
			previous = cell.Offset - bin.Offset
		}
	}
}
