package diskimage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrInUse is returned for an image that another program has open in a way that
// does not allow what is wanted: QEMU with a machine that runs from it, the
// kernel that has mounted it, or another hivepatch.
var ErrInUse = errors.New("the image is in use")

// InUseError is ErrInUse with what is known.
type InUseError struct {
	Path string
	By   string // by what, as far as that can be told
}

// Error names the image and what uses it.
func (e *InUseError) Error() string { return fmt.Sprintf("%s is in use: %s", e.Path, e.By) }

// Unwrap returns ErrInUse.
func (e *InUseError) Unwrap() error { return ErrInUse }

// byQEMU is the By of an image with the locks that QEMU takes.
const byQEMU = "QEMU, or a program that locks like it, has it open"

// access is what an image is opened for.
type access int

const (
	forReading access = iota // others may read too
	forWriting               // nobody else may use it
)

// openLocked opens an image file or a block device and keeps other programs
// away from it until it is closed: all of them from what is written, those that
// write from what is read. Programs that know nothing of locks are not kept
// away. On file systems without locks there are none.
//
// It returns an InUseError, and the error of the operating system otherwise.
func openLocked(path string, to access) (*os.File, error) {
	info, err := os.Stat(path) // opening a pipe would wait for its other end
	if err != nil {
		return nil, err
	}
	file, err := openFile(path, to, info.Mode()&fs.ModeDevice != 0)
	if err != nil {
		return nil, err
	}
	if by := lockFile(file, to); by != "" {
		_ = file.Close() // nothing was written
		return nil, &InUseError{Path: path, By: by}
	}
	return file, nil
}

// lockDirect keeps programs away, as openLocked does, that lock the bytes of an
// image, such as QEMU. An image that QEMU is to open for us must not have it.
func lockDirect(file *os.File, to access) error {
	if by := lockBytes(file, to); by != "" {
		return &InUseError{Path: file.Name(), By: by}
	}
	return nil
}
