package regf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"hivepatch/hive/internal/memory"
)

// cellWriter lays cells out in new bins.
//
// It fills them as the allocator of Windows does: a cell goes into the smallest
// remainder of a bin that has the room, and into a new bin where there is none.
// Small cells so fill what larger ones leave, and next to nothing stays free.
type cellWriter struct {
	data []byte // of the hive, with its base block

	// The remainder of the last bin, which most cells come from, and of others.
	last       Offset
	lastSize   uint32
	remainders [remainderClasses][]Offset
	sizes      [remainderClasses / 64]uint64 // by class: there is a remainder of it
	words      uint8                         // by word of sizes: it is not 0
}

// remainderClasses have a list for each size of a remainder, in steps of 8
// bytes. A bin is no larger than its first cell needs, so that the remainder is
// always smaller than a page.
const remainderClasses = PageSize / 8

// newCellWriter returns one that expects to need about size bytes of bins.
func newCellWriter(size uint32) cellWriter {
	// Memory that is never touched costs nothing; moving the hive when it
	// grows would need it twice.
	expected := min(uint64(size)+uint64(size)/32+16*PageSize, MaxBinsSize, math.MaxInt-BaseBlockSize)
	return cellWriter{data: memory.New(BaseBlockSize, BaseBlockSize+int(expected))}
}

// binsSize is the length of all bins so far, in bytes.
func (w *cellWriter) binsSize() uint32 { return uint32(len(w.data) - BaseBlockSize) }

// allocate returns a cell for n bytes, all zero. It returns ErrTooLarge when
// there is no such cell, or the hive would pass 2 GiB.
func (w *cellWriter) allocate(n int) (Offset, error) {
	size, err := cellSize(n)
	if err != nil {
		return NIL, err
	}
	if off, room, ok := w.takeRemainder(size); ok {
		w.header(off, -int32(size))
		w.addRemainder(off+Offset(size), room-size)
		return off, nil
	}
	if size > w.lastSize {
		w.addRemainder(w.last, w.lastSize)
		if err := w.appendBin(size); err != nil {
			return NIL, err
		}
	}
	off := w.last
	w.header(off, -int32(size))
	w.last += Offset(size)
	w.lastSize -= size
	return off, nil
}

// store returns a cell that holds data.
func (w *cellWriter) store(data []byte) (Offset, error) {
	off, err := w.allocate(len(data))
	if err != nil {
		return NIL, err
	}
	copy(w.cell(off), data)
	return off, nil
}

// cell returns what follows the header of the cell at off, up to the end of the
// hive. It is good until the next allocation.
func (w *cellWriter) cell(off Offset) []byte {
	return w.data[BaseBlockSize+int64(off)+CellHeaderSize:]
}

func (w *cellWriter) put16(cell Offset, at int, v uint16) {
	binary.LittleEndian.PutUint16(w.data[BaseBlockSize+CellHeaderSize+int64(cell)+int64(at):], v)
}

func (w *cellWriter) put32(cell Offset, at int, v uint32) {
	binary.LittleEndian.PutUint32(w.data[BaseBlockSize+CellHeaderSize+int64(cell)+int64(at):], v)
}

func (w *cellWriter) header(off Offset, size int32) {
	binary.LittleEndian.PutUint32(w.data[BaseBlockSize+int64(off):], uint32(size))
}

// appendBin adds a bin for a cell of that size.
func (w *cellWriter) appendBin(size uint32) error {
	start := w.binsSize()
	binSize := (size + BinHeaderSize + PageSize - 1) &^ (PageSize - 1)
	if uint64(start)+uint64(binSize) >= MaxBinsSize {
		return fmt.Errorf("%w: the hive would pass 2 GiB", ErrTooLarge)
	}
	end := len(w.data) + int(binSize)
	if end > cap(w.data) {
		w.data = append(w.data, make([]byte, binSize)...)
	}
	w.data = w.data[:end]
	bin := w.data[end-int(binSize):]
	copy(bin, "hbin")
	binary.LittleEndian.PutUint32(bin[4:], start)
	binary.LittleEndian.PutUint32(bin[8:], binSize)
	w.last, w.lastSize = Offset(start)+BinHeaderSize, binSize-BinHeaderSize
	return nil
}

// addRemainder makes the end of a cell that was cut a remainder, where anything
// is left.
func (w *cellWriter) addRemainder(off Offset, size uint32) {
	if size == 0 {
		return
	}
	w.header(off, int32(size))
	class := size / 8
	w.remainders[class] = append(w.remainders[class], off)
	w.sizes[class/64] |= 1 << (class % 64)
	w.words |= 1 << (class / 64)
}

// takeRemainder returns the smallest remainder of at least size bytes, if that
// is smaller than the one of the last bin.
func (w *cellWriter) takeRemainder(size uint32) (off Offset, room uint32, ok bool) {
	class, ok := w.remainderFor(size)
	if !ok || size <= w.lastSize && w.lastSize < 8*class {
		return NIL, 0, false
	}
	list := w.remainders[class]
	off = list[len(list)-1]
	if w.remainders[class] = list[:len(list)-1]; len(list) == 1 {
		w.forgetClass(class)
	}
	return off, 8 * class, true
}

// remainderFor returns the smallest class of at least size bytes of which there
// is a remainder.
func (w *cellWriter) remainderFor(size uint32) (class uint32, ok bool) {
	word, bit := size/8/64, size/8%64
	if word >= uint32(len(w.sizes)) {
		return 0, false
	}
	if set := w.sizes[word] >> bit; set != 0 {
		return size/8 + uint32(bits.TrailingZeros64(set)), true
	}
	words := w.words >> word >> 1
	if words == 0 {
		return 0, false
	}
	word += 1 + uint32(bits.TrailingZeros8(words))
	return 64*word + uint32(bits.TrailingZeros64(w.sizes[word])), true
}

func (w *cellWriter) forgetClass(class uint32) {
	word := class / 64
	if w.sizes[word] &^= 1 << (class % 64); w.sizes[word] == 0 {
		w.words &^= 1 << word
	}
}

// endBin makes what is left of the last bin a free cell.
func (w *cellWriter) endBin() {
	if w.lastSize > 0 {
		w.header(w.last, int32(w.lastSize))
	}
}
