package diskimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A GUID partition table has a header in sector 1 and a copy of it in the last
// sector, each with its own copy of the entries. UEFI specification, section 5.3.
const (
	gptSignature     = "EFI PART"
	gptHeaderSize    = 92
	gptEntrySize     = 128
	mostGPTEntries   = 1024 // 128 is usual; more than 1024 nobody makes
	mostGPTEntrySize = 4096
)

// gptHeader is what is needed of a header.
type gptHeader struct {
	at         int64 // in bytes from the beginning of the disk
	sector     int64 // bytes a sector
	first      int64 // sectors that partitions may lie in
	last       int64
	entries    int64 // sector of the first entry
	count      int64
	entrySize  int64
	entriesCRC uint32
}

// readGPT reads the GUID partition table of a disk, or nothing where neither its
// beginning nor its end has one. It returns a FormatError where both copies are
// damaged.
func readGPT(disk Disk, first []byte) (*Layout, error) {
	var damage error
	for _, size := range sectorSizes {
		layout, err := readGPTCopy(disk, size, size)
		if layout != nil {
			return layout, nil
		}
		if err != nil {
			damage = err
			break
		}
	}
	// The end of a disk may hold the table of an earlier life. It counts where
	// the beginning says that there is one.
	if damage == nil && !protective(first) {
		return nil, nil
	}
	for _, size := range sectorSizes {
		layout, err := readGPTCopy(disk, disk.Size()/size*size-size, size)
		if layout != nil {
			layout.Warning = "the partition table was read from its backup at the end of the disk; the one at the beginning is damaged"
			return layout, nil
		}
		if damage == nil {
			damage = err
		}
	}
	if damage == nil {
		damage = &FormatError{Off: 0, Struct: "GPT", Msg: "the master boot record says that there is one; neither the beginning nor the end of the disk has it"}
	}
	return nil, damage
}

// protective reports whether a master boot record stands in front of a GPT.
func protective(first []byte) bool {
	if !hasBootMark(first) {
		return false
	}
	for _, e := range mbrEntriesOf(first) {
		if e.kind == typeProtective {
			return true
		}
	}
	return false
}

// readGPTCopy reads one copy of the table, nothing where there is no header.
func readGPTCopy(disk Disk, at, sector int64) (*Layout, error) {
	header, err := readGPTHeader(disk, at, sector)
	if header == nil || err != nil {
		return nil, err
	}
	wrong := header.wrong
	entries := make([]byte, header.count*header.entrySize)
	if header.entries > disk.Size()/sector {
		return nil, wrong("the entries are at sector %d, behind the end of the disk", header.entries)
	}
	if err := readFull(disk, entries, header.entries*sector); errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, wrong("the entries go on behind the end of the disk")
	} else if err != nil {
		return nil, err
	}
	if sum := crc32.ChecksumIEEE(entries); sum != header.entriesCRC {
		return nil, wrong("checksum of the entries %#x, they add up to %#x", header.entriesCRC, sum)
	}
	layout := &Layout{Table: GPT, SectorSize: sector}
	for i := range header.count {
		if err := layout.addGPT(disk, header, int(i), entries[i*header.entrySize:]); err != nil {
			return nil, err
		}
	}
	return layout, nil
}

func (h *gptHeader) wrong(format string, a ...any) error {
	return &FormatError{Off: h.at, Struct: "GPT header", Msg: fmt.Sprintf(format, a...)}
}

func readGPTHeader(disk Disk, at, sector int64) (*gptHeader, error) {
	if at < sector {
		return nil, nil
	}
	b, err := readSector(disk, at)
	if err != nil || string(b[:8]) != gptSignature {
		return nil, err
	}
	h := &gptHeader{at: at, sector: sector}
	size := binary.LittleEndian.Uint32(b[12:])
	if size < gptHeaderSize || size > 512 {
		return nil, h.wrong("it has %d bytes, expected %d to 512", size, gptHeaderSize)
	}
	stored := binary.LittleEndian.Uint32(b[16:])
	clear(b[16:20])
	if sum := crc32.ChecksumIEEE(b[:size]); sum != stored {
		return nil, h.wrong("checksum %#x, the bytes add up to %#x", stored, sum)
	}
	if self := binary.LittleEndian.Uint64(b[24:]); self != uint64(at/sector) {
		return nil, h.wrong("it says that it is sector %d, and is sector %d", self, at/sector)
	}
	if h.first, err = h.sectorNumber(b[40:], disk); err != nil {
		return nil, err
	}
	if h.last, err = h.sectorNumber(b[48:], disk); err != nil {
		return nil, err
	}
	if h.entries, err = h.sectorNumber(b[72:], disk); err != nil {
		return nil, err
	}
	h.count, h.entrySize = int64(binary.LittleEndian.Uint32(b[80:])), int64(binary.LittleEndian.Uint32(b[84:]))
	h.entriesCRC = binary.LittleEndian.Uint32(b[88:])
	if h.count == 0 || h.count > mostGPTEntries {
		return nil, h.wrong("it has %d entries, expected 1 to %d", h.count, mostGPTEntries)
	}
	if h.entrySize < gptEntrySize || h.entrySize > mostGPTEntrySize || h.entrySize%8 != 0 {
		return nil, h.wrong("an entry has %d bytes, expected %d to %d", h.entrySize, gptEntrySize, mostGPTEntrySize)
	}
	return h, nil
}

// sectorNumber reads a number of a sector that must be on the disk.
func (h *gptHeader) sectorNumber(b []byte, disk Disk) (int64, error) {
	n := binary.LittleEndian.Uint64(b)
	if n >= uint64(disk.Size()/h.sector) {
		return 0, h.wrong("sector %d is behind the end of the disk, which has %d", n, disk.Size()/h.sector)
	}
	return int64(n), nil
}

// addGPT adds the entry with an index, if it is in use.
func (l *Layout) addGPT(disk Disk, h *gptHeader, index int, b []byte) error {
	kind := guid(b[:16])
	if kind == unusedGUID {
		return nil
	}
	first, last := binary.LittleEndian.Uint64(b[32:]), binary.LittleEndian.Uint64(b[40:])
	if first > last || first < uint64(h.first) || last > uint64(h.last) {
		return h.wrong("partition %d goes from sector %d to %d, expected %d to %d", index+1, first, last, h.first, h.last)
	}
	return l.add(disk, Partition{
		Number: index + 1,
		Offset: int64(first) * l.SectorSize,
		Length: int64(last-first+1) * l.SectorSize,
		Type:   kind,
	}, h.at)
}

const unusedGUID = "00000000-0000-0000-0000-000000000000"

// guid writes a GUID as Microsoft and UEFI store it: its first three parts are
// little-endian.
func guid(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b),
		binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}
