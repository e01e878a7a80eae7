package diskimage

import (
	"errors"
	"fmt"
)

// ErrCorrupt is returned when an image, a partition table or a volume says what
// cannot be. It is wrapped in a FormatError that says where.
var ErrCorrupt = errors.New("damaged disk image")

// ErrTooMuchWork is returned when a volume needs more reading than any real one
// does for what was asked: only what somebody has prepared gets there.
var ErrTooMuchWork = errors.New("the volume needs more reading than a sound one")

// ErrCompressed is returned for a file whose content NTFS has compressed.
var ErrCompressed = errors.New("the file is compressed by NTFS")

// ErrEncrypted is returned for a file whose content EFS has encrypted.
var ErrEncrypted = errors.New("the file is encrypted by NTFS")

// ErrSparse is returned for a file with parts that are nowhere on the disk.
var ErrSparse = errors.New("the file is sparse")

// ErrResident is returned for a file so short that its content lies in its
// record, between structures of NTFS.
var ErrResident = errors.New("the content lies in the file's record")

// ErrAttributeList is returned for a file whose list of attributes does not add
// up. It is ErrCorrupt as well.
var ErrAttributeList error = damage("the attribute list does not add up")

// ErrRuns is returned for a file whose runs lie outside the volume, overlap, or
// do not add up to its size. It is ErrCorrupt as well.
var ErrRuns error = damage("the runs of the file do not add up")

// damage is a kind of ErrCorrupt.
type damage string

func (d damage) Error() string        { return string(d) }
func (d damage) Is(target error) bool { return target == ErrCorrupt }

// ErrNoTable is returned for a disk with neither a partition table nor a volume
// of a kind that is known.
var ErrNoTable = errors.New("neither a partition table nor a volume that is known")

// FormatError tells what is wrong in which structure.
type FormatError struct {
	// Off is where the structure begins, in bytes from the beginning of the
	// disk; of the image itself where the structure is part of its format.
	Off    int64
	Struct string // in the terms of the format: "boot sector", "file record", …
	Msg    string // what was found and what was expected
	cause  error  // ErrCorrupt where it is nil
}

// Error names structure, place and fault.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at %#x: %s", e.Struct, e.Off, e.Msg)
}

// Unwrap returns ErrCorrupt, or a kind of it such as ErrRuns.
func (e *FormatError) Unwrap() error {
	if e.cause != nil {
		return e.cause
	}
	return ErrCorrupt
}

// UnsupportedError is returned for an image in a format that is not raw.
type UnsupportedError struct {
	Path   string
	Format Format
}

// Error names image and format.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is a %s image, which is not read directly", e.Path, e.Format)
}

// VolumeKindError is returned for a volume that holds no NTFS that can be read.
type VolumeKindError struct{ Volume *Volume }

// Error says what the volume holds instead.
func (e *VolumeKindError) Error() string {
	return fmt.Sprintf("%s holds %s, not NTFS", e.Volume, e.Volume.Kind)
}

// DirtyVolumeError is returned for a volume with changes that its Windows has
// not finished: the next start may undo or repeat what touches a file.
type DirtyVolumeError struct {
	Volume string
	Reason string
}

// Error names the volume and what shows that it is not clean.
func (e *DirtyVolumeError) Error() string {
	return fmt.Sprintf("%s: the volume is not cleanly shut down: %s", e.Volume, e.Reason)
}

// Hint says what to do.
func (e *DirtyVolumeError) Hint() string {
	return "start this Windows once more and shut it down, or run chkdsk /f on the volume"
}
