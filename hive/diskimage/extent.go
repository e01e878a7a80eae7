package diskimage

import "io"

// Extent is a run of bytes of a file as it lies on the disk.
type Extent struct {
	// Offset counts bytes from the beginning of the disk as its guest sees it:
	// a footer or header of an image format is not counted.
	Offset int64
	// Length is in bytes, at least 1.
	Length int64
}

// A Disk is what an image holds, as the guest sees it: sector 0 is at offset 0.
type Disk interface {
	io.ReaderAt
	io.WriterAt

	// Sync returns when all that was written is on stable storage.
	Sync() error

	// Size is in bytes.
	Size() int64
}
