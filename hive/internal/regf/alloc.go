package regf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrTooLarge is returned when data, a name or the hive itself would pass a
// limit of the format.
var ErrTooLarge = errors.New("too large for the format")

const (
	binTimestamp = 20 // in the header of the first bin
	roundedAbove = 16384
)

// cellSize returns the size of a cell, header included, that Windows would
// take for n bytes of data: a multiple of 8, and a power of two above 16 KiB.
func cellSize(n int) (uint32, error) {
	if n < 0 || n > MaxCellSize-CellHeaderSize {
		return 0, fmt.Errorf("%w: a cell holds at most %d bytes, want %d", ErrTooLarge, MaxCellSize-CellHeaderSize, n)
	}
	size := (uint32(n) + CellHeaderSize + 7) &^ 7
	if size > roundedAbove {
		size = 1 << bits.Len32(size-1)
	}
	return size, nil
}

// LeaveFreeCells makes all later allocations come from new bins and from cells
// that were freed since. In a damaged hive a cell that is marked free may still
// be in use. Cells that are freed beside it are not joined with it.
func (m *Image) LeaveFreeCells() { m.leaveFree, m.free = true, nil }

// freeIndex returns the index of free cells, and builds it the first time.
func (m *Image) freeIndex() *freeCells {
	if m.free == nil {
		m.free = newFreeCells(m)
		if !m.leaveFree {
			m.free.addAll()
		}
		m.waste.found(m.free.bytes)
	}
	return m.free
}

// allocate returns a cell for n bytes that begins with data and is zero behind
// it. In a list of changes it has that caption. Views of the image taken before
// may be of the image as it was.
func (m *Image) allocate(n int, data []byte, what caption) (Offset, error) {
	size, err := cellSize(n)
	if err != nil {
		return NIL, err
	}
	off, err := m.freeSpace(size)
	if err != nil {
		return NIL, err
	}
	m.occupy(off, size)
	m.fill(off, size, data)
	m.label(off, what)
	return off, nil
}

// fill makes data, and zeros behind it, the content of a cell of that size.
func (m *Image) fill(off Offset, size uint32, data []byte) {
	m.write(m.field(off, 0), data)
	for end, at := off.File()+int64(size), m.field(off, int64(len(data))); at < end; at += PageSize {
		m.write(at, zeros[:min(PageSize, end-at)])
	}
}

var zeros [PageSize]byte

// freeSpace returns a free cell of at least size bytes, out of the index of
// free cells but with its header as it was.
func (m *Image) freeSpace(size uint32) (Offset, error) {
	off, ok := m.freeIndex().take(size)
	if !ok {
		return m.appendBin(size)
	}
	if bin, _ := m.binAt(off); bin.Size == m.u32(off)+BinHeaderSize {
		m.noteEmpty(bin, false)
	}
	return off, nil
}

// noteEmpty notes of a bin that is wholly free whether it has held something
// before. What is known of it already stays.
func (m *Image) noteEmpty(bin Bin, emptied bool) {
	if _, known := m.emptied[bin.Start]; !known {
		m.emptied[bin.Start] = emptied
		m.journal.noted = append(m.journal.noted, bin.Start)
	}
}

// occupy makes the first size bytes of the free cell at off an allocated cell
// and the rest, if any, a free one.
func (m *Image) occupy(off Offset, size uint32) {
	whole := m.u32(off)
	m.setHeader(off, -int32(size))
	if rest := whole - size; rest > 0 {
		m.setHeader(off+Offset(size), int32(rest))
		m.free.add(off+Offset(size), rest)
	}
}

func (m *Image) setHeader(off Offset, size int32) { m.writeU32(off.File(), uint32(size)) }

// appendBin adds a bin that holds a cell of size bytes and returns its one
// free cell, which is not in the index.
func (m *Image) appendBin(size uint32) (Offset, error) {
	start := Offset(m.BinsSize())
	binSize := (size + BinHeaderSize + PageSize - 1) &^ (PageSize - 1)
	if uint64(start)+uint64(binSize) >= MaxBinsSize {
		return NIL, fmt.Errorf("%w: the hive would pass 2 GiB", ErrTooLarge)
	}
	if stale := min(int64(len(m.Trailing())), int64(binSize)); stale > 0 {
		m.write(start.File(), make([]byte, stale))
	}
	m.extend(start.File() + int64(binSize))
	var header [BinHeaderSize + CellHeaderSize]byte // the rest is zero
	copy(header[:], "hbin")
	binary.LittleEndian.PutUint32(header[4:], uint32(start))
	binary.LittleEndian.PutUint32(header[8:], binSize)
	binary.LittleEndian.PutUint32(header[BinHeaderSize:], binSize-BinHeaderSize)
	m.write(start.File(), header[:])
	for range binSize / PageSize {
		m.binOf = append(m.binOf, Bin{start, binSize})
	}
	m.noteEmpty(Bin{start, binSize}, true)
	m.writeU32(blockBinsSize, m.BinsSize())
	return start + BinHeaderSize, nil
}

// release frees the cell at off and joins it with free neighbours in its bin.
func (m *Image) release(off Offset) error {
	return m.giveBack(off, true)
}

// giveBack is release for a cell that counts as waste, or does not.
func (m *Image) giveBack(off Offset, counts bool) error {
	size, allocated, err := m.CellSize(off)
	if err != nil {
		return err
	}
	if !allocated {
		return corrupt(CodeReference, off, "cell", "is free already")
	}
	if counts {
		m.waste.freed += uint64(size)
	}
	m.label(off, caption{})
	start, end := m.freeIndex().around(off, size)
	m.setHeader(off, int32(size)) // a second release of it is seen, even when a neighbour has swallowed it
	m.setHeader(start, int32(end-start))
	m.free.add(start, uint32(end-start))
	if bin, _ := m.binAt(start); bin.Size == uint32(end-start)+BinHeaderSize {
		m.noteEmpty(bin, true)
	}
	return nil
}

// dropEmptied gives up the bins at the end that hold nothing any more. Bins that
// were free before the first edit stay: Windows keeps some in store. A hive is
// never without its first bin.
func (m *Image) dropEmptied() {
	if len(m.emptied) == 0 || m.leaveFree || len(m.Trailing()) > 0 {
		return
	}
	for {
		bin, ok := m.binAt(Offset(m.BinsSize() - 1))
		room := bin.Size - BinHeaderSize
		if !ok || bin.Start == 0 || !m.emptied[bin.Start] || m.freeIndex().at(bin.Start+BinHeaderSize) != room {
			return
		}
		delete(m.emptied, bin.Start)
		m.free.remove(bin.Start+BinHeaderSize, room)
		m.cut(bin.Start)
	}
}

// cut takes away the bins from start on. What was in them stays behind the end
// of the image, for extend to remember.
func (m *Image) cut(start Offset) {
	m.data = m.data[:start.File()]
	m.binOf = m.binOf[:start/PageSize]
	m.writeU32(blockBinsSize, m.BinsSize())
}

// slackShare is the part of the bins that shrunk data may leave unused in its
// cells before cells are replaced by smaller ones. A few edits so change no
// more bytes than they must; many edits do not fill the hive with air.
const slackShare = 64

// resize makes the cell at off fit for n bytes where that can be done in place,
// and reports whether it could: the cell is large enough, or it can grow into a
// free neighbour behind it.
func (m *Image) resize(off Offset, n int) (bool, error) {
	want, err := cellSize(n)
	if err != nil {
		return false, err
	}
	size, allocated, err := m.CellSize(off)
	if err != nil {
		return false, err
	}
	switch {
	case !allocated:
		return false, corrupt(CodeReference, off, "cell", "is free, want an allocated cell")
	case want == size:
		return true, nil
	case want < size:
		return m.leaveSlack(size - want), nil
	case uint64(size) >= CellHeaderSize+uint64(n):
		return true, nil // above 16 KiB and no power of two: what fits may stay
	}
	next := off + Offset(size)
	room := size + m.freeIndex().at(next)
	if room < want {
		return false, nil
	}
	m.free.remove(next, room-size)
	m.setHeader(off, int32(room)) // free for a moment, for occupy to split
	m.occupy(off, want)
	return true, nil
}

// leaveSlack reports whether n more bytes may stay unused.
func (m *Image) leaveSlack(n uint32) bool {
	if m.slack+n > m.BinsSize()/slackShare {
		return false
	}
	m.slack += n
	return true
}

// store puts data into the cell at off, resizing or replacing it, and returns
// the cell that holds it then. off may be NIL.
func (m *Image) store(off Offset, data []byte, what caption) (Offset, error) {
	if off == NIL {
		return m.allocate(len(data), data, what)
	}
	fits, err := m.resize(off, len(data))
	if err != nil {
		return NIL, err
	}
	if !fits {
		if err := m.release(off); err != nil {
			return NIL, err
		}
		return m.allocate(len(data), data, what)
	}
	size, _, err := m.CellSize(off)
	if err != nil {
		return NIL, err
	}
	m.fill(off, size, data)
	m.label(off, what)
	return off, nil
}

// makeRoom gives the cell at off, of which used bytes count, room for more
// bytes behind them, and some to spare up to most. It returns the cell that
// holds them then.
func (m *Image) makeRoom(off Offset, used, more, most int) (Offset, error) {
	size, _, err := m.CellSize(off)
	if err != nil {
		return NIL, err
	}
	if used+more <= int(size)-CellHeaderSize {
		return off, nil
	}
	n := max(used+more, min(most, used+used/spareShare))
	grown, err := m.resize(off, n)
	if grown || err != nil {
		return off, err
	}
	old, err := m.Cell(off)
	if err != nil {
		return NIL, err
	}
	cell, err := m.allocate(n, old[:used], caption{})
	if err != nil {
		return NIL, err
	}
	return cell, m.giveBack(off, false)
}

// spareShare is the part of a list by which its cell grows when it is full.
const spareShare = 4

// shrink gives back the end of the cell at off when half of it is not needed
// for n bytes. The end counts as waste, or does not.
func (m *Image) shrink(off Offset, n int, counts bool) error {
	size, _, err := m.CellSize(off)
	if err != nil {
		return err
	}
	want, err := cellSize(n)
	if err != nil || want > size/2 {
		return err
	}
	rest := off + Offset(want)
	m.setHeader(off, -int32(want))
	m.setHeader(rest, -int32(size-want)) // for giveBack
	return m.giveBack(rest, counts)
}
