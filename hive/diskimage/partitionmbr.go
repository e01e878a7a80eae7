package diskimage

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A master boot record has four entries of 16 bytes. One of them may be an
// extended partition: a chain of boot records with two entries each, the first
// a logical partition, the second where the next record is.
const (
	mbrEntries     = 446
	mbrEntrySize   = 16
	mbrEntryCount  = 4
	mbrFirstLogic  = 5
	typeProtective = 0xEE
	typeDynamic    = 0x42
)

// extendedTypes are the types of an entry that holds logical partitions: the
// original one, the one for addresses in sectors, and Linux's.
var extendedTypes = []byte{0x05, 0x0F, 0x85}

// mbrEntry is an entry of a boot record. Its numbers count sectors, start from a
// place that depends on what it is.
type mbrEntry struct {
	active byte
	kind   byte
	start  int64
	count  int64
}

func (e mbrEntry) empty() bool    { return e.kind == 0 || e.count == 0 }
func (e mbrEntry) extended() bool { return slices.Contains(extendedTypes, e.kind) }

func mbrEntriesOf(sector []byte) [mbrEntryCount]mbrEntry {
	var entries [mbrEntryCount]mbrEntry
	for i := range entries {
		b := sector[mbrEntries+i*mbrEntrySize:]
		entries[i] = mbrEntry{
			active: b[0],
			kind:   b[4],
			start:  int64(binary.LittleEndian.Uint32(b[8:])),
			count:  int64(binary.LittleEndian.Uint32(b[12:])),
		}
	}
	return entries
}

// readMBR reads the table in the first sector of a disk, or nothing where there
// is none. It returns a FormatError for a table that cannot be.
func readMBR(disk Disk, first []byte) (*Layout, error) {
	if !hasBootMark(first) {
		return nil, nil
	}
	entries := mbrEntriesOf(first)
	used := false
	for _, e := range entries {
		if e.active&0x7F != 0 {
			return nil, nil // code or text, not a table
		}
		used = used || !e.empty()
	}
	if !used {
		return nil, nil
	}
	size, err := mbrSectorSize(disk, entries)
	if err != nil {
		return nil, err
	}
	layout := &Layout{Table: MBR, SectorSize: size}
	for i, e := range entries {
		if e.empty() || e.extended() {
			continue
		}
		if err := layout.addMBR(disk, i+1, e, 0, 0); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if e.extended() && !e.empty() {
			if err := layout.addLogical(disk, e); err != nil {
				return nil, err
			}
		}
	}
	return layout, nil
}

// mbrSectorSize tells the size of the sectors that a table counts in, which it
// does not say: the size with which a volume begins where the table says.
func mbrSectorSize(disk Disk, entries [mbrEntryCount]mbrEntry) (int64, error) {
	for _, size := range sectorSizes {
		for _, e := range entries {
			if e.empty() || e.start*size >= disk.Size() {
				continue
			}
			sector, err := readSector(disk, e.start*size)
			if err != nil {
				return 0, err
			}
			if e.extended() && hasBootMark(sector) || kindOf(sector) != UnknownVolume {
				return size, nil
			}
		}
	}
	return sectorSizes[0], nil
}

// addMBR adds an entry of the boot record at the sector record, whose start
// counts from base.
func (l *Layout) addMBR(disk Disk, number int, e mbrEntry, base, record int64) error {
	return l.add(disk, Partition{
		Number: number,
		Offset: (base + e.start) * l.SectorSize,
		Length: e.count * l.SectorSize,
		Type:   fmt.Sprintf("0x%02x", e.kind),
	}, record*l.SectorSize)
}

// addLogical adds the logical partitions in an extended partition. Each boot
// record of the chain lies further on than the one before it; so the chain ends.
func (l *Layout) addLogical(disk Disk, extended mbrEntry) error {
	record, number := extended.start, mbrFirstLogic
	for _, p := range l.Partitions {
		number = max(number, p.Number+1)
	}
	for ; ; number++ {
		wrong := func(format string, a ...any) error {
			return &FormatError{Off: record * l.SectorSize, Struct: "extended boot record", Msg: fmt.Sprintf(format, a...)}
		}
		sector, err := readSector(disk, record*l.SectorSize)
		if err != nil {
			return err
		}
		if !hasBootMark(sector) {
			return wrong("it does not end with 55 AA")
		}
		entries := mbrEntriesOf(sector)
		if e := entries[0]; !e.empty() {
			if record+e.start+e.count > extended.start+extended.count {
				return wrong("partition %d leaves the extended partition", number)
			}
			if err := l.addMBR(disk, number, e, record, record); err != nil {
				return err
			}
		}
		link := entries[1]
		if link.empty() {
			return nil
		}
		next := extended.start + link.start
		switch {
		case !link.extended():
			return wrong("its second entry has the type %#02x and is no link", link.kind)
		case next <= record:
			return wrong("the chain leads back, to sector %d", next)
		case next >= extended.start+extended.count:
			return wrong("the chain leaves the extended partition, to sector %d", next)
		case number >= mbrFirstLogic+mostPartitions:
			return wrong("the chain has more than %d records", mostPartitions)
		}
		record = next
	}
}
