package diskimage

import (
	"errors"
	"fmt"
	"io"
	"sort"
)

// sectorSize is the least that a disk writes in one step, in bytes.
const sectorSize = 512

// LayoutError is returned when the extents of a file cannot be those of a file
// on that disk.
type LayoutError struct{ Msg string }

// Error says what is wrong with them.
func (e *LayoutError) Error() string { return "the extents of the file do not add up: " + e.Msg }

// placement maps the bytes of a file to those of a disk.
type placement struct {
	extents []Extent
	starts  []int64 // offset in the file of each extent
}

// newPlacement checks extents that are to hold size bytes: they begin at sectors,
// are whole sectors but for the last, lie on the disk, and do not overlap.
func newPlacement(extents []Extent, size, diskSize int64) (placement, error) {
	l := placement{extents: extents}
	length := int64(0)
	for i, e := range extents {
		switch {
		case e.Length < 1 || e.Offset < 0 || e.Length > diskSize || e.Offset > diskSize-e.Length:
			return placement{}, &LayoutError{fmt.Sprintf("%d bytes at %#x are not within the %d of the disk", e.Length, e.Offset, diskSize)}
		case e.Offset%sectorSize != 0 || e.Length%sectorSize != 0 && i < len(extents)-1:
			return placement{}, &LayoutError{fmt.Sprintf("%d bytes at %#x are not whole sectors", e.Length, e.Offset)}
		}
		l.starts = append(l.starts, length)
		length += e.Length
		if length < 0 {
			return placement{}, &LayoutError{"they are longer than any disk"}
		}
	}
	if length < size {
		return placement{}, &LayoutError{fmt.Sprintf("they have %d bytes, the file has %d", length, size)}
	}
	return l, requireApart(extents)
}

// requireApart requires that no two extents share a byte.
func requireApart(extents []Extent) error {
	sorted := append([]Extent(nil), extents...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Offset < sorted[j].Offset })
	for i := 1; i < len(sorted); i++ {
		if before := sorted[i-1]; before.Offset+before.Length > sorted[i].Offset {
			return &LayoutError{fmt.Sprintf("two of them share the byte at %#x", sorted[i].Offset)}
		}
	}
	return nil
}

// each calls do with the pieces, in order, that hold the bytes of the file from
// from up to to. None is longer than copyUnit.
func (l placement) each(from, to int64, do func(piece) error) error {
	i := sort.Search(len(l.starts), func(i int) bool { return l.starts[i] > from }) - 1
	for from < to {
		e, within := l.extents[i], from-l.starts[i]
		length := min(to-from, e.Length-within, copyUnit)
		if err := do(piece{disk: e.Offset + within, file: from, length: int(length)}); err != nil {
			return err
		}
		if from += length; from == l.starts[i]+e.Length {
			i++
		}
	}
	return nil
}

func (l placement) readAt(disk io.ReaderAt, p []byte, start int64) error {
	return l.each(start, start+int64(len(p)), func(at piece) error {
		from := at.file - start
		return readFull(disk, p[from:from+int64(at.length)], at.disk)
	})
}

// readFull reads all of p. A disk that ends before that is an error.
func readFull(disk io.ReaderAt, p []byte, offset int64) error {
	n, err := disk.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%d bytes at %#x: %w", len(p), offset, io.ErrUnexpectedEOF)
	}
	return err
}
