package diskimage

import (
	"errors"
	"io"
	"os"
)

// hiveSignature begins every hive, and no disk: where a disk has code.
const hiveSignature = "regf"

// Recognize reports whether what lies at path is the image of a disk, or a block
// device, and not a hive or anything else, by its content. An image that is
// damaged is one too. It returns the error of the operating system.
func Recognize(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if requireDisk(path, info) != nil || info.Mode().IsRegular() && info.Size() == 0 {
		return false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close() // only read
	size, err := sizeOf(file)
	if err != nil {
		return false, err
	}
	head := make([]byte, len(hiveSignature))
	if n, err := file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	} else if string(head[:n]) == hiveSignature {
		return false, nil
	}
	if !info.Mode().IsRegular() {
		return true, nil
	}
	format, err := detect(file, size)
	if err == nil && format == Raw {
		_, err = readLayout(&fileDisk{file, size})
	}
	switch {
	case errors.Is(err, ErrNoTable):
		return false, nil
	case err != nil && !errors.Is(err, ErrCorrupt):
		return false, err
	}
	return true, nil
}
