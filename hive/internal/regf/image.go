package regf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// Image is a whole hive in memory: base block, bins, and whatever follows the
// last bin. Reading never changes it; see edit.go for writing.
type Image struct {
	data  []byte
	minor uint32 // of the version

	// Versions 1.0 and 1.1 have longer headers of cells and larger steps.
	cellHeader, cellUnit uint32 // bytes

	// binOf has the bin that holds each page of bins data, with a size of 0
	// where the chain of bins is broken, so that a cell's bounds are known
	// without walking the bins.
	binOf []Bin

	journal   journal
	free      *freeCells      // built by the first allocation
	leaveFree bool            // see LeaveFreeCells
	slack     uint32          // bytes that shrunk data left unused in its cells
	emptied   map[Offset]bool // by bin that was wholly free once: it had held something before
	waste     waste

	known known
}

// Parse reads the base block and the chain of bins of data, which the image
// then owns. It returns ErrNotHive when the data cannot be a hive of a known
// version. Other damage, down to a broken chain of bins, is no error here:
// Damage reports it, and cells in the damaged parts cannot be read.
func Parse(data []byte) (*Image, error) {
	m := newImage(data)
	if err := m.parse(); err != nil {
		return nil, err
	}
	return m, nil
}

func newImage(data []byte) *Image {
	return &Image{data: data, journal: newJournal(len(data)), emptied: map[Offset]bool{}}
}

func (m *Image) parse() error {
	block, err := NewBaseBlock(m.data)
	if err != nil {
		return err
	}
	if err := block.validatePrimary(); err != nil {
		return err
	}
	if len(m.data) < BaseBlockSize {
		return fmt.Errorf("%w: %d bytes, the base block alone has %d", ErrNotHive, len(m.data), BaseBlockSize)
	}
	m.minor = block.Minor()
	m.cellHeader, m.cellUnit = CellHeaderSize, 8
	if m.oldCells() {
		m.cellHeader, m.cellUnit = 8, 16
	}
	m.indexBins()
	return nil
}

// Bytes returns the image itself, not a copy.
func (m *Image) Bytes() []byte { return m.data }

// BaseBlock returns the view of the base block.
func (m *Image) BaseBlock() BaseBlock { return BaseBlock(m.data[:BaseBlockSize:BaseBlockSize]) }

// Minor is the minor version of the format.
func (m *Image) Minor() uint32 { return m.minor }

// BinsSize is the length in bytes of the bins that the file really holds: the
// base block's length, cut to whole pages and to the end of the file.
func (m *Image) BinsSize() uint32 { return uint32(len(m.binOf)) * PageSize }

// bins returns the bins data without what follows the last bin.
func (m *Image) bins() []byte {
	return m.data[BaseBlockSize : BaseBlockSize+int64(m.BinsSize())]
}

// Trailing returns the bytes after the last bin. They belong to nothing and
// are kept as they are.
func (m *Image) Trailing() []byte { return m.data[BaseBlockSize+int64(m.BinsSize()):] }

// indexBins fills binOf. Where the chain breaks it goes on at the next page
// that holds a sound bin header, so that the rest can still be read.
func (m *Image) indexBins() {
	stored := uint64(len(m.data) - BaseBlockSize)
	size := min(uint64(m.BaseBlock().BinsSize()), stored, MaxBinsSize-PageSize)
	m.binOf = make([]Bin, size/PageSize)
	for page := 0; page < len(m.binOf); {
		start := Offset(page * PageSize)
		binSize, err := m.binHeader(start)
		if err != nil {
			page++
			continue
		}
		for end := page + int(binSize/PageSize); page < end; page++ {
			m.binOf[page] = Bin{start, binSize}
		}
	}
}

// binHeader checks the header of the bin at start, which is page-aligned and
// inside the bins data, and returns the bin's size.
func (m *Image) binHeader(start Offset) (uint32, error) {
	header := m.bins()[start : start+BinHeaderSize]
	if string(header[:4]) != "hbin" {
		return 0, corrupt(CodeBin, start, "bin", "signature is %q, want \"hbin\"", header[:4])
	}
	if own := Offset(binary.LittleEndian.Uint32(header[4:])); own != start {
		return 0, corrupt(CodeBin, start, "bin", "header says the bin is at %#x, want %#x", own.File(), start.File())
	}
	size := binary.LittleEndian.Uint32(header[8:])
	if size == 0 || size%PageSize != 0 || uint64(start)+uint64(size) > uint64(m.BinsSize()) {
		return 0, corrupt(CodeBin, start, "bin", "size is %#x, want a multiple of 0x1000 that ends by %#x", size, Offset(m.BinsSize()).File())
	}
	return size, nil
}

// CutOff returns a FormatError where the base block tells of more bins than the
// file holds whole, and nil where it does not. References into the missing ones
// would lead into any bin that is added.
func (m *Image) CutOff() error {
	if declared := m.BaseBlock().BinsSize(); declared > m.BinsSize() {
		return &FormatError{Code: CodeBinsSize, Off: blockBinsSize, Struct: "base block", Msg: fmt.Sprintf(
			"length of the bins is %#x, but the file holds only %#x bytes of whole ones: new ones would stand where the missing ones belong", declared, m.BinsSize())}
	}
	return nil
}

// Damage calls emit for everything that is wrong with the length of the bins
// data and with the chain of bins; broken runs of pages are reported once.
func (m *Image) Damage(emit func(*FormatError)) {
	declared := m.BaseBlock().BinsSize()
	report := func(msg string) { emit(&FormatError{Code: CodeBinsSize, Off: 0x28, Struct: "base block", Msg: msg}) }
	switch {
	case declared == 0:
		report("length of the bins is 0")
	case declared%PageSize != 0:
		report(fmt.Sprintf("length of the bins is %#x, want a multiple of 0x1000", declared))
	case declared >= MaxBinsSize:
		report(fmt.Sprintf("length of the bins is %#x, want less than 0x80000000", declared))
	case uint64(declared) > uint64(len(m.data)-BaseBlockSize):
		report(fmt.Sprintf("length of the bins is %#x, but the file holds only %#x bytes of them", declared, len(m.data)-BaseBlockSize))
	}
	for page, bin := range m.binOf {
		if bin.Size != 0 || page > 0 && m.binOf[page-1].Size == 0 {
			continue
		}
		_, err := m.binHeader(Offset(page * PageSize))
		if format, ok := errors.AsType[*FormatError](err); ok {
			emit(format)
		}
	}
}

// Bin is one bin: where it starts and how many bytes it has.
type Bin struct {
	Start Offset
	Size  uint32
}

// End is the offset behind the last byte of the bin.
func (b Bin) End() Offset { return b.Start + Offset(b.Size) }

// binAt returns the bin that holds off, or false where there is none.
func (m *Image) binAt(off Offset) (Bin, bool) {
	page := int(off / PageSize)
	if page >= len(m.binOf) {
		return Bin{}, false
	}
	bin := m.binOf[page]
	return bin, bin.Size != 0
}

// BinAt returns the file offset of the sound bin that holds a file offset, and
// false where there is none.
func (m *Image) BinAt(file int64) (int64, bool) {
	if file < BaseBlockSize || file-BaseBlockSize > MaxBinsSize {
		return 0, false
	}
	bin, ok := m.binAt(Offset(file - BaseBlockSize))
	return bin.Start.File(), ok
}

// Bins iterates over the sound bins in order.
func (m *Image) Bins(yield func(Bin) bool) {
	for page := 0; page < len(m.binOf); {
		bin, ok := m.binAt(Offset(page * PageSize))
		if !ok {
			page++
			continue
		}
		if !yield(bin) {
			return
		}
		page = int(bin.End() / PageSize)
	}
}

// u32 reads a number at an offset that is known to be inside the bins data.
func (m *Image) u32(off Offset) uint32 {
	return binary.LittleEndian.Uint32(m.data[BaseBlockSize+int64(off):])
}

// oldCells reports whether cells have the header of versions 1.0 and 1.1, in
// which the offset of the previous cell follows the size.
func (m *Image) oldCells() bool { return m.minor <= 1 }

// CellHeaderSize is the number of bytes before a cell's data.
func (m *Image) CellHeaderSize() uint32 { return m.cellHeader }

// CellSize reads the header of the cell at off: its size in bytes with the
// header, and whether it is allocated. It returns a FormatError when off is
// not inside a bin, is not aligned, or the size does not fit the bin.
func (m *Image) CellSize(off Offset) (size uint32, allocated bool, err error) {
	bin, ok := m.binAt(off)
	if !ok {
		if uint64(off) < uint64(m.BinsSize()) {
			return 0, false, corrupt(CodeReference, off, "cell", "lies in a damaged bin")
		}
		return 0, false, corrupt(CodeReference, off, "cell", "lies behind the last bin, which ends at %#x", Offset(m.BinsSize()).File())
	}
	if off%8 != 0 || off < bin.Start+BinHeaderSize {
		return 0, false, corrupt(CodeReference, off, "cell", "no cell can start here")
	}
	raw := int32(m.u32(off))
	size, allocated = uint32(raw), false
	if raw < 0 {
		size, allocated = uint32(-int64(raw)), true
	}
	unit := m.cellUnit
	if size < unit || size%unit != 0 || uint64(off)+uint64(size) > uint64(bin.End()) {
		return 0, false, corrupt(CodeCellSize, off, "cell", "size is %d, want a multiple of %d that ends by %#x", raw, unit, bin.End().File())
	}
	return size, allocated, nil
}

// Cell returns the data of the allocated cell at off, without its header and
// with no capacity beyond it. It returns a FormatError when there is none.
//
// It is asked for every record, and need be no slower than the sight of the
// cell: why there is none is found out only where it is asked.
func (m *Image) Cell(off Offset) ([]byte, error) {
	page := int(off / PageSize)
	if page >= len(m.binOf) || off%8 != 0 {
		return nil, m.noCell(off)
	}
	bin := m.binOf[page]
	inBin := uint32(off - bin.Start)
	if inBin < BinHeaderSize || inBin >= bin.Size {
		return nil, m.noCell(off)
	}
	size := -m.u32(off) // that of an allocated cell is stored as a negative number
	if size < m.cellUnit || size&(m.cellUnit-1) != 0 || size > bin.Size-inBin {
		return nil, m.noCell(off)
	}
	start := BaseBlockSize + int64(off)
	end := start + int64(size)
	return m.data[start+int64(m.cellHeader) : end : end], nil
}

// noCell says why there is no allocated cell at off.
func (m *Image) noCell(off Offset) error {
	if _, _, err := m.CellSize(off); err != nil {
		return err
	}
	return corrupt(CodeReference, off, "cell", "is free, want an allocated cell")
}

// knownCell returns the data of the cell at off, which Cells has yielded as
// allocated: nothing is checked again.
func (m *Image) knownCell(off Offset) []byte {
	start := BaseBlockSize + int64(off)
	end := start - int64(int32(m.u32(off)))
	return m.data[start+int64(m.cellHeader) : end : end]
}

// KnownKeyNode is KeyNode for a cell that Cells has yielded as allocated.
func (m *Image) KnownKeyNode(off Offset) (KeyNode, error) {
	return m.parseKeyNode(off, m.knownCell(off))
}

// KnownValueRecord is ValueRecord for a cell that Cells has yielded as
// allocated.
func (m *Image) KnownValueRecord(off Offset) (ValueRecord, error) {
	return m.parseValueRecord(off, m.knownCell(off))
}

// CellHeader is where a cell lies and whether it is in use.
type CellHeader struct {
	Offset    Offset
	Size      uint32 // bytes, with the header
	Allocated bool
}

// CellIn reads the header of the cell at off, which lies behind the header of
// a sound bin, and reports whether its size fits the bin; CellSize says why
// not.
func (m *Image) CellIn(bin Bin, off Offset) (CellHeader, bool) {
	raw := int32(m.u32(off))
	size := uint32(raw)
	if raw < 0 {
		size = -size
	}
	ok := size >= m.cellUnit && size&(m.cellUnit-1) == 0 && size <= uint32(bin.End()-off)
	return CellHeader{off, size, raw < 0}, ok
}

// Cells iterates over the cells of a sound bin in order. It ends with a
// FormatError at a cell whose size does not fit the bin.
func (m *Image) Cells(bin Bin) iter.Seq2[CellHeader, error] {
	return func(yield func(CellHeader, error) bool) {
		for off := bin.Start + BinHeaderSize; off < bin.End(); {
			cell, ok := m.CellIn(bin, off)
			if !ok {
				_, _, err := m.CellSize(off)
				yield(CellHeader{}, err)
				return
			}
			if !yield(cell, nil) {
				return
			}
			off += Offset(cell.Size)
		}
	}
}

// BinTimestamp is the FILETIME in the header of a bin. Only the first bin's
// means something: it doubles the one in the base block.
func (m *Image) BinTimestamp(bin Bin) uint64 {
	return uint64(m.u32(bin.Start+binTimestamp)) | uint64(m.u32(bin.Start+binTimestamp+4))<<32
}

// InBinTimestamp reports whether length bytes from off on, counted from the
// start of a bin, lie in its time stamp.
func InBinTimestamp(off, length int64) bool {
	return off >= binTimestamp && off+length <= binTimestamp+8
}
