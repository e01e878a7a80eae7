package diskimage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// Image is an open image of a disk, or a block device.
type Image struct {
	path   string
	format Format
	file   *os.File // nil for a disk that OpenDisk was given
	server *QEMU    // that serves the disk; nil for none
	disk   *countedDisk
	work   atomic.Int64 // bytes of mostWork that its volumes have needed
}

// Options of Open.
type Options struct {
	// Write opens the image for writing as well.
	Write bool
	// Raw takes the image for a raw disk whatever it looks like. A guest can
	// write the signature of another format into the first sector of its disk;
	// who knows that the image is raw says so.
	Raw bool
}

// Open opens the image file or block device at path, locks it until it is closed,
// and tells what it is by its content. It returns ErrInUse when another program
// has it, an UnsupportedError for a format that does not hold the
// disk byte for byte, a FormatError for a VHD with a broken footer, an error
// that wraps fs.ErrInvalid for what is neither file nor block device, and the
// error of the operating system otherwise.
func Open(path string, opts Options) (*Image, error) {
	// Before opening: opening a pipe would wait for its other end.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if err := requireDisk(path, info); err != nil {
		return nil, err
	}
	to := forReading
	if opts.Write {
		to = forWriting
	}
	file, err := openLocked(path, to)
	if err != nil {
		return nil, err
	}
	image, err := newImage(file, opts)
	if err == nil {
		err = lockDirect(file, to)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return image, nil
}

func newImage(file *os.File, opts Options) (*Image, error) {
	size, err := sizeOf(file)
	if err != nil {
		return nil, err
	}
	format := Raw
	if !opts.Raw {
		if format, err = detect(file, size); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
	}
	switch {
	case format == FixedVHD:
		size -= vhdFooterSize
	case !format.Direct():
		return nil, &UnsupportedError{Path: file.Name(), Format: format}
	}
	image := OpenDisk(file.Name(), &fileDisk{file, size})
	image.format, image.file = format, file
	return image, nil
}

// OpenDisk returns an Image of a raw disk that is open already. Closing the
// image does not close the disk.
func OpenDisk(name string, disk Disk) *Image {
	return &Image{path: name, format: Raw, disk: &countedDisk{Disk: disk}}
}

// requireDisk refuses what cannot hold a disk.
func requireDisk(path string, info fs.FileInfo) error {
	mode := info.Mode()
	if mode.IsRegular() || mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0 {
		return nil
	}
	return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w: neither a file nor a block device", fs.ErrInvalid)}
}

// sizeOf is the size of a file or block device, in bytes; the description of a
// device has none. Where the system does not tell it by seeking either, as macOS
// does not, it returns an error that wraps errors.ErrUnsupported.
func sizeOf(file *os.File) (int64, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size > 0 {
		return size, err
	}
	if info, err := file.Stat(); err != nil || info.Mode().IsRegular() {
		return 0, err
	}
	return 0, &fs.PathError{Op: "open", Path: file.Name(), Err: fmt.Errorf("%w: the size of the device cannot be told", errors.ErrUnsupported)}
}

// Path is how the image was called when it was opened.
func (i *Image) Path() string { return i.path }

// Format is what the image file is.
func (i *Image) Format() Format { return i.format }

// Disk is the disk in the image. Its WriteAt fails where the image was not
// opened for writing.
func (i *Image) Disk() Disk { return i.disk }

// File is the open image file or device, nil where there is none.
func (i *Image) File() *os.File { return i.file }

// Stats is what has been read of an image so far.
type Stats struct {
	Reads     int64 // calls
	BytesRead int64
}

// Stats counts all that was read through Disk, and by all that stands on it.
func (i *Image) Stats() Stats {
	return Stats{Reads: i.disk.reads.Load(), BytesRead: i.disk.bytes.Load()}
}

// Layers are the files that QEMU makes the disk of, the active one first, which
// is the only one that is written to; none where the image holds the disk itself.
func (i *Image) Layers() []Layer {
	if i.server == nil {
		return nil
	}
	return i.server.Layers
}

// Close closes the image file or device, and ends QEMU.
func (i *Image) Close() error {
	switch {
	case i.server != nil:
		return i.server.Close()
	case i.file != nil:
		return i.file.Close()
	}
	return nil
}

// fileDisk is the first size bytes of a file. What follows is the footer of an
// image format, which neither a read nor a write reaches.
type fileDisk struct {
	*os.File
	size int64
}

func (d *fileDisk) Size() int64 { return d.size }

func (d *fileDisk) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= d.size {
		return 0, io.EOF
	}
	if int64(len(p)) <= d.size-off {
		return d.File.ReadAt(p, off)
	}
	n, err := d.File.ReadAt(p[:d.size-off], off)
	if err == nil {
		err = io.EOF
	}
	return n, err
}

func (d *fileDisk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > d.size || int64(len(p)) > d.size-off {
		return 0, &fs.PathError{Op: "write", Path: d.Name(), Err: fmt.Errorf("%w: %d bytes at %#x of a disk of %d bytes", fs.ErrInvalid, len(p), off, d.size)}
	}
	return d.File.WriteAt(p, off)
}

// countedDisk counts what is read.
type countedDisk struct {
	Disk
	reads, bytes atomic.Int64
}

func (d *countedDisk) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.Disk.ReadAt(p, off)
	d.reads.Add(1)
	d.bytes.Add(int64(n))
	return n, err
}
