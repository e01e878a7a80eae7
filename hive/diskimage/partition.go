package diskimage

import (
	"errors"
	"fmt"
	"io"
)

// Table is the kind of partition table that a disk has.
type Table string

// Kinds of partition tables.
const (
	NoTable Table = "none"
	MBR     Table = "MBR"
	GPT     Table = "GPT"
)

// mostPartitions is how many partitions of a disk are looked at: as many as a
// GPT has room for as it is usually made.
const mostPartitions = 128

// Partition is a part of a disk.
type Partition struct {
	// Number counts as Windows, Linux and the tools of both do: entries of the
	// table from 1, logical partitions of an MBR from 5. It is 0 for a volume
	// that fills a disk without a table.
	Number int
	Offset int64  // in bytes from the beginning of the disk
	Length int64  // in bytes
	Type   string // of the entry in the table: "0x07", or a GUID in lower case
}

// Layout is how a disk is divided.
type Layout struct {
	Table      Table
	SectorSize int64 // bytes that the table counts in: 512 or 4096
	Partitions []Partition
	// Warning says what was wrong with a table that could be read all the same,
	// such as a GPT that was read from its backup.
	Warning string
}

// sectorSizes are those that disks have.
var sectorSizes = []int64{512, 4096}

// Layout reads the partition table. A disk without one has a single partition
// with the number 0, which is all of it. It returns ErrNoTable where nothing
// says what the disk is, a FormatError for a table that cannot be, and errors of
// reading.
func (i *Image) Layout() (*Layout, error) {
	layout, err := readLayout(i.disk)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.path, err)
	}
	return layout, nil
}

func readLayout(disk Disk) (*Layout, error) {
	first, err := readSector(disk, 0)
	if err != nil {
		return nil, err
	}
	// A volume that begins with sector 0 leaves no room for a table; its boot
	// sector ends as a master boot record does.
	if kindOf(first) != UnknownVolume {
		return bareVolume(disk), nil
	}
	layout, err := readGPT(disk, first)
	if layout != nil || err != nil {
		return layout, err
	}
	layout, err = readMBR(disk, first)
	if layout != nil || err != nil {
		return layout, err
	}
	// Some file systems leave their first sector to a boot loader.
	if kind, err := probe(disk, 0, disk.Size()); err != nil {
		return nil, err
	} else if kind != UnknownVolume {
		return bareVolume(disk), nil
	}
	return nil, ErrNoTable
}

func bareVolume(disk Disk) *Layout {
	return &Layout{Table: NoTable, SectorSize: 512, Partitions: []Partition{{Length: disk.Size()}}}
}

// add appends a partition to the layout. It returns a FormatError for one that
// is not on the disk or overlaps another.
func (l *Layout) add(disk Disk, p Partition, at int64) error {
	wrong := func(format string, a ...any) error {
		return &FormatError{Off: at, Struct: string(l.Table) + " partition table",
			Msg: fmt.Sprintf("partition %d ", p.Number) + fmt.Sprintf(format, a...)}
	}
	if p.Offset < 0 || p.Length <= 0 || p.Offset > disk.Size() || p.Length > disk.Size()-p.Offset {
		return wrong("has %d bytes at %#x, the disk has %d", p.Length, p.Offset, disk.Size())
	}
	for _, other := range l.Partitions {
		if p.Offset < other.Offset+other.Length && other.Offset < p.Offset+p.Length {
			return wrong("overlaps partition %d", other.Number)
		}
	}
	if len(l.Partitions) == mostPartitions {
		return wrong("is one too many: the limit is %d", mostPartitions)
	}
	l.Partitions = append(l.Partitions, p)
	return nil
}

// readSector reads 512 bytes, which is what boot sectors and tables need of a
// sector of any size. What lies behind the end of the disk is zeros.
func readSector(disk io.ReaderAt, off int64) ([]byte, error) {
	sector := make([]byte, 512)
	if _, err := disk.ReadAt(sector, off); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return sector, nil
}
