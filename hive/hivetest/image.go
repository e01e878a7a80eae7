package hivetest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Sizes and the offset that stands for none.
const (
	BaseBlockSize = 4096
	BinHeaderSize = 32
	PageSize      = 4096

	NIL = 0xFFFFFFFF
)

// Offsets in the base block.
const (
	AtSequence1 = 0x04
	AtSequence2 = 0x08
	AtTimestamp = 0x0C
	AtMajor     = 0x14
	AtMinor     = 0x18
	AtType      = 0x1C
	AtFormat    = 0x20
	AtRootCell  = 0x24
	AtBinsSize  = 0x28
	AtCluster   = 0x2C
	AtFlags     = 0x90
	AtChecksum  = 0x1FC
)

// Image is a built hive: its bytes, and where everything lies in them. Offsets
// of cells are relative to the first bin, as in the hive itself.
type Image struct {
	Data       []byte // base block, bins, trailing bytes
	Keys       map[string]*KeyPlace
	Securities []*SecurityPlace // in the order of the ring
}

// KeyPlace says where the cells of a key lie. A cell that the key does not have
// is NIL.
type KeyPlace struct {
	Path      string
	Node      uint32   // nk
	List      uint32   // what the nk names as its subkey list
	Leaves    []uint32 // the li, lf or lh lists; List itself or those under the ri
	Class     uint32
	ValueList uint32
	Security  uint32
	Subkeys   []string // names, in the order of the list
	Values    []*ValuePlace
}

// ValuePlace says where the cells of a value lie. A cell that the value does
// not have is NIL.
type ValuePlace struct {
	Name     string
	Record   uint32   // vk
	Data     uint32   // the raw data, or the db record
	List     uint32   // segment list of big data
	Segments []uint32 // segments of big data
}

// SecurityPlace says where a security descriptor lies.
type SecurityPlace struct {
	Cell       uint32 // sk
	Descriptor []byte
	References int
}

// Key returns the place of the key at path, which is spelled as in the literal.
// The root is the empty path. It panics when there is none.
func (i *Image) Key(path string) *KeyPlace {
	place := i.Keys[path]
	if place == nil {
		panic(fmt.Sprintf("hivetest: no key %q", path))
	}
	return place
}

// Value returns the place of a value, spelled as in the literal. It panics when
// there is none.
func (i *Image) Value(path, name string) *ValuePlace {
	for _, value := range i.Key(path).Values {
		if value.Name == name {
			return value
		}
	}
	panic(fmt.Sprintf("hivetest: no value %q in key %q", name, path))
}

// Clone returns a copy that shares nothing with the image.
func (i *Image) Clone() *Image {
	clone := &Image{Data: slices.Clone(i.Data), Keys: make(map[string]*KeyPlace, len(i.Keys))}
	for path, place := range i.Keys {
		key := *place
		key.Leaves, key.Subkeys, key.Values = slices.Clone(key.Leaves), slices.Clone(key.Subkeys), nil
		for _, value := range place.Values {
			copied := *value
			key.Values = append(key.Values, &copied)
		}
		clone.Keys[path] = &key
	}
	for _, place := range i.Securities {
		copied := *place
		clone.Securities = append(clone.Securities, &copied)
	}
	return clone
}

// Minor returns the minor version.
func (i *Image) Minor() uint32 {
	return i.Header32(AtMinor)
}

// BinsSize returns the length of all bins as the base block has it.
func (i *Image) BinsSize() uint32 {
	return i.Header32(AtBinsSize)
}

// FileOffset returns where the cell at off begins in the file.
func FileOffset(off uint32) int64 {
	return BaseBlockSize + int64(off)
}

// Cell returns the data of the cell at off with its slack, as part of the
// image.
func (i *Image) Cell(off uint32) []byte {
	size, start := i.CellSize(off), int(FileOffset(off))
	if size < 0 {
		size = -size
	}
	end := start + int(size)
	return i.Data[start+cellHeader(i.Minor()) : end : end]
}

// CellSize returns the size field of the cell at off: negative when it is
// allocated.
func (i *Image) CellSize(off uint32) int32 {
	return int32(binary.LittleEndian.Uint32(i.Data[FileOffset(off):]))
}

// SetCellSize stores the size field of the cell at off.
func (i *Image) SetCellSize(off uint32, size int32) {
	binary.LittleEndian.PutUint32(i.Data[FileOffset(off):], uint32(size))
}

// U16 returns the 16-bit number at a byte of the cell's data.
func (i *Image) U16(cell uint32, at int) uint16 {
	return binary.LittleEndian.Uint16(i.Cell(cell)[at:])
}

// U32 returns the 32-bit number at a byte of the cell's data.
func (i *Image) U32(cell uint32, at int) uint32 {
	return binary.LittleEndian.Uint32(i.Cell(cell)[at:])
}

// Put16 stores a 16-bit number at a byte of the cell's data.
func (i *Image) Put16(cell uint32, at int, n uint16) {
	binary.LittleEndian.PutUint16(i.Cell(cell)[at:], n)
}

// Put32 stores a 32-bit number at a byte of the cell's data.
func (i *Image) Put32(cell uint32, at int, n uint32) {
	binary.LittleEndian.PutUint32(i.Cell(cell)[at:], n)
}

// Put64 stores a 64-bit number at a byte of the cell's data.
func (i *Image) Put64(cell uint32, at int, n uint64) {
	binary.LittleEndian.PutUint64(i.Cell(cell)[at:], n)
}

// Header32 returns the 32-bit number at a byte of the base block.
func (i *Image) Header32(at int) uint32 {
	return binary.LittleEndian.Uint32(i.Data[at:])
}

// SetHeader32 stores a 32-bit number in the base block and renews the checksum.
func (i *Image) SetHeader32(at int, n uint32) {
	binary.LittleEndian.PutUint32(i.Data[at:], n)
	FixChecksum(i.Data)
}

// SetTimestamp stores a FILETIME in the base block and in the first bin.
func (i *Image) SetTimestamp(timestamp uint64) {
	binary.LittleEndian.PutUint64(i.Data[AtTimestamp:], timestamp)
	binary.LittleEndian.PutUint64(i.Data[BaseBlockSize+20:], timestamp)
	FixChecksum(i.Data)
}

// SetSequences stores both sequence numbers and renews the checksum.
func (i *Image) SetSequences(sequence1, sequence2 uint32) {
	i.SetHeader32(AtSequence1, sequence1)
	i.SetHeader32(AtSequence2, sequence2)
}

// Bins returns the offset and size of every bin.
func (i *Image) Bins() []Extent {
	var bins []Extent
	for off := uint32(0); off < i.BinsSize(); {
		size := binary.LittleEndian.Uint32(i.Data[FileOffset(off)+8:])
		bins = append(bins, Extent{off, size})
		off += size
	}
	return bins
}

// Extent is a stretch of the bins.
type Extent struct {
	Offset, Size uint32
}

// CellAt is a cell as a walk over the bins meets it.
type CellAt struct {
	Offset, Size uint32 // the size counts the header
	Allocated    bool
}

// Cells returns every cell of the sound hive in the order of the file.
func (i *Image) Cells() []CellAt {
	var cells []CellAt
	for _, bin := range i.Bins() {
		cells = append(cells, i.cellsOf(bin)...)
	}
	return cells
}

func (i *Image) cellsOf(bin Extent) []CellAt {
	var cells []CellAt
	for off := bin.Offset + BinHeaderSize; off < bin.Offset+bin.Size; {
		size := i.CellSize(off)
		cell := CellAt{Offset: off, Size: uint32(size)}
		if size < 0 {
			cell = CellAt{Offset: off, Size: uint32(-size), Allocated: true}
		}
		cells = append(cells, cell)
		off += cell.Size
	}
	return cells
}

// FreeCells returns every free cell in the order of the file.
func (i *Image) FreeCells() []CellAt {
	return slices.DeleteFunc(i.Cells(), func(cell CellAt) bool { return cell.Allocated })
}

// Checksum returns the checksum of a base block or the header of a log.
func Checksum(header []byte) uint32 {
	sum := uint32(0)
	for at := 0; at < AtChecksum; at += 4 {
		sum ^= binary.LittleEndian.Uint32(header[at:])
	}
	switch sum {
	case 0:
		return 1
	case 0xFFFFFFFF:
		return 0xFFFFFFFE
	}
	return sum
}

// FixChecksum stores the checksum that the header ought to have.
func FixChecksum(header []byte) {
	binary.LittleEndian.PutUint32(header[AtChecksum:], Checksum(header))
}

// cellHeader returns the bytes of a cell before its data: the size, and before
// NT 3.51 the place of the cell before it.
func cellHeader(minor uint32) int {
	if minor < 2 {
		return 8
	}
	return 4
}

// cellSizeFor returns the size of the cell that Windows allocates for n bytes
// of data: rounded to the unit, and to a power of two above 16 KiB.
func cellSizeFor(minor uint32, n int) uint32 {
	unit := uint32(8)
	if minor < 2 {
		unit = 16
	}
	size := (uint32(n+cellHeader(minor)) + unit - 1) / unit * unit
	if size > 16384 {
		power := uint32(16384)
		for power < size {
			power *= 2
		}
		return power
	}
	return size
}
