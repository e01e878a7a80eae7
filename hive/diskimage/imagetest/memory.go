package imagetest

import (
	"fmt"
	"io"
)

// Memory is a disk in memory.
type Memory []byte

// ReadAt reads as io.ReaderAt says.
func (m Memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes within the disk.
func (m Memory) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m)) || int64(len(p)) > int64(len(m))-off {
		return 0, fmt.Errorf("%d bytes at %d of a disk of %d", len(p), off, len(m))
	}
	return copy(m[off:], p), nil
}

// Sync does nothing.
func (m Memory) Sync() error { return nil }

// Size is in bytes.
func (m Memory) Size() int64 { return int64(len(m)) }
