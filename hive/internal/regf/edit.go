package regf

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"hivepatch/hive/internal/memory"
)

// journal keeps the bytes from before every write, twice over: the pages as
// they were when the image was parsed, so that the changes can be listed, and
// the exact bytes since Begin, so that a failed operation can be undone.
type journal struct {
	length int               // bytes in the image when it was parsed
	pages  [][]byte          // by page of the file up to length; nil where nothing was written
	labels map[Offset]string // what was written to a cell, for the list of changes
	undo   []undoRecord
	old    []byte // what stood in the places of undo, one after the other
	named  []undoLabel
	noted  []Offset // bins that have come into Image.emptied since Begin
	active bool
	begun  int64 // bytes in the image when the operation began; what is behind goes with it
}

type undoRecord struct {
	at int64
	n  int
}

type undoLabel struct {
	cell Offset
	old  string // "" for none
}

func newJournal(length int) journal {
	return journal{length: length, labels: map[Offset]string{}}
}

// Transaction runs change and, when it returns an error, puts the image back
// as it was before. The error is passed on. Transactions do not nest: one
// inside another belongs to the outer one.
func (m *Image) Transaction(change func() error) error {
	if m.journal.active {
		return change()
	}
	before := m.savepoint()
	m.journal.begin(len(m.data))
	if m.free != nil {
		m.free.begin()
	}
	err := change()
	m.journal.active = false
	if err != nil {
		m.rollback(before)
		return err
	}
	if m.free != nil {
		m.free.commit()
	}
	m.waste.edits++
	m.dropEmptied()
	return nil
}

// savepoint is what an undone operation must put back besides bytes.
type savepoint struct {
	length, pages int
	indexed       bool // there was an index of free cells
	slack         uint32
	freed         uint64
}

func (m *Image) savepoint() savepoint {
	return savepoint{len(m.data), len(m.binOf), m.free != nil, m.slack, m.waste.freed}
}

// begin empties the records of what to undo, and keeps their memory unless it
// was an uncommonly large operation that needed it.
func (j *journal) begin(length int) {
	j.begun = int64(length)
	if cap(j.old) > 1<<20 {
		j.undo, j.old, j.named = nil, nil, nil
	}
	j.active, j.undo, j.old, j.named, j.noted = true, j.undo[:0], j.old[:0], j.named[:0], j.noted[:0]
}

// rollback makes the image what it was, down to the order in which free cells
// will be taken: later edits come out as if the failed one had never been.
func (m *Image) rollback(before savepoint) {
	old := m.journal.old
	for _, r := range slices.Backward(m.journal.undo) {
		copy(m.data[r.at:], old[len(old)-r.n:])
		old = old[:len(old)-r.n]
	}
	for _, l := range slices.Backward(m.journal.named) {
		m.setLabel(l.cell, l.old)
	}
	for _, bin := range m.journal.noted {
		delete(m.emptied, bin)
	}
	m.data = m.data[:before.length]
	m.binOf = m.binOf[:before.pages]
	m.slack, m.waste.freed = before.slack, before.freed
	if before.indexed {
		m.free.rollback()
	} else {
		m.free = nil // found again by the next allocation
	}
	m.known.forgetAll()
}

// caption says what is written to a cell, for the list of changes. Few cells
// are ever listed, so that it is put together for those alone.
type caption struct {
	what  string // "" for none
	name  Name   // of a key or value, may be a view of the image
	shown func(name string) string
}

// of puts a word in front.
func (c caption) of(word string) caption {
	c.what = word + c.what
	return c
}

func (c caption) String() string {
	if c.shown == nil {
		return c.what
	}
	return c.what + " " + c.shown(c.name.String())
}

// label names what is written to a cell, for the list of changes; no caption
// takes the name away.
func (m *Image) label(cell Offset, c caption) {
	if cell.File() < int64(m.journal.length) { // what was added is listed as one
		m.setLabel(cell, c.String())
	}
}

func (m *Image) setLabel(cell Offset, what string) {
	j := &m.journal
	old := j.labels[cell]
	if old == what {
		return
	}
	if j.active {
		j.named = append(j.named, undoLabel{cell, old})
	}
	if what == "" {
		delete(j.labels, cell)
		return
	}
	j.labels[cell] = what
}

// write copies b to the file offset at; everything that changes the image
// comes through here. Bytes that are already there cost nothing.
func (m *Image) write(at int64, b []byte) {
	if bytes.Equal(m.data[at:at+int64(len(b))], b) {
		return
	}
	m.remember(at, len(b))
	copy(m.data[at:], b)
}

// remember keeps what stands at a place that is about to be written.
func (m *Image) remember(at int64, n int) {
	j := &m.journal
	j.keep(m.data, at, n)
	if j.active && at < j.begun {
		j.undo = append(j.undo, undoRecord{at, n})
		j.old = append(j.old, m.data[at:at+int64(n)]...)
	}
}

// extend makes the image at least length bytes long, with zeros.
func (m *Image) extend(length int64) {
	have := int64(len(m.data))
	if length <= have {
		return
	}
	if length > int64(cap(m.data)) {
		m.reserve(length + length/4 - have)
	}
	m.data = m.data[:length]
	if again := min(length, int64(m.journal.length)) - have; again > 0 {
		m.journal.keep(m.data, have, int(again)) // bins that were cut off
	}
	clear(m.data[have:])
}

// reserve makes sure that the image can grow by so many bytes without being
// moved.
func (m *Image) reserve(more int64) {
	have := len(m.data)
	if want := int64(have) + more; want > int64(cap(m.data)) {
		grown := memory.New(have, int(want))
		old := m.data[:max(have, min(cap(m.data), m.journal.length))] // with what was cut off
		copy(grown[:cap(grown)], old)
		m.data = grown
	}
}

// keep keeps the pages of data that hold n bytes at a place, as they were when
// the image was parsed.
func (j *journal) keep(data []byte, at int64, n int) {
	if j.pages == nil {
		j.pages = make([][]byte, (j.length+PageSize-1)/PageSize)
	}
	for page := int(at / PageSize); page <= int((at+int64(n)-1)/PageSize) && page < len(j.pages); page++ {
		if j.pages[page] == nil {
			start := page * PageSize
			j.pages[page] = bytes.Clone(data[start:min(start+PageSize, j.length)])
		}
	}
}

// move copies n bytes inside the image; the two places may overlap.
func (m *Image) move(to, from int64, n int) {
	if n == 0 {
		return
	}
	m.remember(to, n)
	copy(m.data[to:to+int64(n)], m.data[from:])
}

func (m *Image) writeU16(at int64, v uint16) {
	if binary.LittleEndian.Uint16(m.data[at:]) != v {
		m.remember(at, 2)
		binary.LittleEndian.PutUint16(m.data[at:], v)
	}
}

func (m *Image) writeU32(at int64, v uint32) {
	if binary.LittleEndian.Uint32(m.data[at:]) != v {
		m.remember(at, 4)
		binary.LittleEndian.PutUint32(m.data[at:], v)
	}
}

func (m *Image) writeU64(at int64, v uint64) {
	m.write(at, binary.LittleEndian.AppendUint64(nil, v))
}

// field is the file offset of a field in the data of a cell.
func (m *Image) field(cell Offset, off int64) int64 {
	return cell.File() + int64(m.CellHeaderSize()) + off
}

// Fields of the base block that are written.
const (
	blockSequence1 = 0x04
	blockSequence2 = 0x08
	blockTimestamp = 0x0C
	blockMajor     = 0x14
	blockMinor     = 0x18
	blockFormat    = 0x20
	blockRoot      = 0x24
	blockBinsSize  = 0x28
	blockCluster   = 0x2C
	blockFlags     = 0x90
	blockChecksum  = 0x1FC
)

// Seal writes the base block of a finished hive: both sequence numbers, the
// time stamp (a FILETIME, also in the first bin, where Windows keeps its
// double) and the checksum.
func (m *Image) Seal(sequence uint32, timestamp uint64) {
	m.writeU32(blockSequence1, sequence)
	m.writeU32(blockSequence2, sequence)
	m.writeU64(blockTimestamp, timestamp)
	if bin, ok := m.binAt(0); ok {
		m.writeU64(bin.Start.File()+binTimestamp, timestamp)
	}
	m.writeU32(blockChecksum, m.BaseBlock().ComputedChecksum())
}

// Recovery is the outcome of a transaction log, to be applied to a primary.
type Recovery struct {
	Header   []byte                    // replaces the start of the base block, unless nil
	Pages    iter.Seq2[Offset, []byte] // in order; each lies inside BinsSize
	BinsSize uint32                    // of the last entry
	Flags    uint32                    // of the last entry; only FlagTransactions counts
	Sequence uint32                    // for both sequence numbers
}

// Recover applies r to data, a primary, and parses the result. It returns what
// Parse returns for the recovered hive.
func Recover(data []byte, r Recovery) (*Image, error) {
	m := newImage(data)
	m.extend(BaseBlockSize + int64(r.BinsSize))
	if r.Header != nil {
		block := make([]byte, BaseBlockSize)
		copy(block, r.Header)
		m.write(0, block)
	}
	for off, page := range r.Pages {
		m.write(off.File(), page)
	}
	m.writeU32(blockBinsSize, r.BinsSize)
	m.writeU32(blockFlags, m.BaseBlock().Flags()&^FlagTransactions|r.Flags&FlagTransactions)
	m.writeU32(blockSequence1, r.Sequence)
	m.writeU32(blockSequence2, r.Sequence)
	m.writeU32(blockChecksum, m.BaseBlock().ComputedChecksum())
	if err := m.parse(); err != nil {
		return nil, err
	}
	return m, nil
}
