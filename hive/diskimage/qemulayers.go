package diskimage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Layer is one of the files that make up a disk.
type Layer struct {
	Path   string // absolute
	Format Format
	// Snapshots is how many states of the disk the file keeps besides the active
	// one. They stay as they are.
	Snapshots int
	device    bool
}

func (l Layer) driver() string {
	if l.Format == Raw {
		return "raw"
	}
	return l.Format.QEMU()
}

// LayerError is returned for an image that is made up of files that are not
// opened for it.
type LayerError struct {
	Path   string // of the image that names them
	Reason string
	// Outside is the path of a backing file that QEMUOptions.AnyFolder would
	// allow; else it is empty.
	Outside string
}

// Error names image and reason.
func (e *LayerError) Error() string { return e.Path + ": " + e.Reason }

// maxLayers is the longest chain of backing files that is followed.
const maxLayers = 32

// findLayers returns the file at a path and those behind it, as the files say
// themselves.
func findLayers(path string, format Format, anyFolder bool) ([]Layer, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	var layers []Layer
	for {
		layer, next, err := readLayer(path, format)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
		if next.path == "" {
			return layers, nil
		}
		if len(layers) == maxLayers {
			return nil, &LayerError{Path: path, Reason: fmt.Sprintf("more than %d backing files, or a circle of them", maxLayers-1)}
		}
		if path, err = next.resolve(path); err != nil {
			return nil, err
		}
		if filepath.Dir(path) != folder && !anyFolder {
			return nil, &LayerError{Path: layer.Path, Reason: "its backing file is outside of its folder: " + path, Outside: path}
		}
		if format, err = next.formatOf(path); err != nil {
			return nil, err
		}
	}
}

// backing is the file behind a layer, as that names it.
type backing struct {
	path   string // empty for none
	format string // as QEMU calls it; empty where the layer does not say
}

// resolve returns where the path of a backing file leads.
func (b backing) resolve(layer string) (string, error) {
	if colon := strings.IndexByte(b.path, ':'); colon >= 0 && !strings.Contains(b.path[:colon], "/") {
		return "", &LayerError{Path: layer, Reason: fmt.Sprintf("its backing file is no file: %q", b.path)}
	}
	path := b.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(layer), path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("backing file of %s: %w", layer, err)
	}
	return real, nil
}

// formatOf returns the format of the backing file: what the layer says, as QEMU
// takes it, or else what it is.
func (b backing) formatOf(path string) (Format, error) {
	switch b.format {
	case "raw":
		return Raw, nil
	case "":
	default:
		for _, format := range []Format{QCOW2, VHDX, VMDK, VDI, DynamicVHD} {
			if format.QEMU() == b.format {
				return format, nil
			}
		}
		return "", &LayerError{Path: path, Reason: fmt.Sprintf("a backing file of the format %q is not opened", b.format)}
	}
	file, err := openLayer(path)
	if err != nil {
		return "", err
	}
	defer file.Close() // only read
	size, err := sizeOf(file)
	if err != nil {
		return "", err
	}
	return detect(file, size)
}

// openLayer opens a file or a block device.
func openLayer(path string) (*os.File, error) {
	info, err := os.Stat(path) // opening a pipe would wait for its other end
	if err != nil {
		return nil, err
	}
	if err := requireDisk(path, info); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// readLayer reads what a file says of itself and of the file behind it.
func readLayer(path string, format Format) (Layer, backing, error) {
	file, err := openLayer(path)
	if err != nil {
		return Layer{}, backing{}, err
	}
	defer file.Close() // only read
	info, err := file.Stat()
	if err != nil {
		return Layer{}, backing{}, err
	}
	layer := Layer{Path: path, Format: format, device: info.Mode()&fs.ModeDevice != 0}
	var next backing
	switch format {
	case QCOW2:
		layer.Snapshots, next, err = readQCOW2(file, path)
	case VMDK:
		err = checkVMDK(file, path)
	case DifferencingVHD:
		err = &LayerError{Path: path, Reason: "a differencing VHD, whose parent is another file, is not opened"}
	case Raw, DynamicVHD, VHDX, VDI:
	default:
		err = &UnsupportedError{Path: path, Format: format}
	}
	return layer, next, err
}

// Places in the header of qcow2, whose numbers are big-endian.
// https://www.qemu.org/docs/master/interop/qcow2.html
const (
	qcow2Version      = 4
	qcow2BackingAt    = 8
	qcow2BackingSize  = 16
	qcow2Encryption   = 32
	qcow2Snapshots    = 60
	qcow2Incompatible = 72
	qcow2HeaderLength = 100
	qcow2SizeOf2      = 72 // bytes of the header of version 2
	qcow2MaxName      = 1023

	qcow2DataFile      = 1 << 2 // an incompatible feature
	qcow2BackingFormat = 0xE2792ACA
)

// readQCOW2 reads the header of a qcow2 image.
func readQCOW2(file io.ReaderAt, path string) (snapshots int, next backing, err error) {
	refuse := func(format string, a ...any) (int, backing, error) {
		return 0, backing{}, &LayerError{Path: path, Reason: fmt.Sprintf(format, a...)}
	}
	header := make([]byte, 4096) // the header and its extensions, with the name, are in the first cluster
	n, err := file.ReadAt(header, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, backing{}, err
	}
	if n < 104 {
		return refuse("a qcow2 image of %d bytes", n)
	}
	u32, u64 := binary.BigEndian.Uint32, binary.BigEndian.Uint64
	version := u32(header[qcow2Version:])
	extensions := uint32(qcow2SizeOf2)
	switch {
	case version != 2 && version != 3:
		return refuse("qcow version %d is not opened", version)
	case u32(header[qcow2Encryption:]) != 0:
		return refuse("it is encrypted")
	case version == 3 && u64(header[qcow2Incompatible:])&qcow2DataFile != 0:
		return refuse("its data is in another file, which is not opened")
	case version == 3:
		extensions = u32(header[qcow2HeaderLength:])
	}
	at, size := u64(header[qcow2BackingAt:]), u32(header[qcow2BackingSize:])
	if at == 0 {
		return int(u32(header[qcow2Snapshots:])), backing{}, nil
	}
	if size < 1 || size > qcow2MaxName || at > 2<<20-qcow2MaxName {
		return refuse("the name of its backing file has %d bytes at %#x", size, at)
	}
	name := make([]byte, size)
	if _, err := file.ReadAt(name, int64(at)); err != nil {
		return refuse("the name of its backing file is behind its end")
	}
	next = backing{path: string(name), format: qcow2Extension(header, extensions, qcow2BackingFormat)}
	return int(u32(header[qcow2Snapshots:])), next, nil
}

// qcow2Extension returns an extension of a header, or "".
func qcow2Extension(header []byte, at, kind uint32) string {
	for uint64(at)+8 <= uint64(len(header)) {
		found, length := binary.BigEndian.Uint32(header[at:]), binary.BigEndian.Uint32(header[at+4:])
		if found == 0 || uint64(at)+8+uint64(length) > uint64(len(header)) {
			return ""
		}
		if found == kind {
			return string(header[at+8 : at+8+length])
		}
		at += 8 + (length+7)&^7
	}
	return ""
}

// Limits of what is read of a VMDK.
const (
	vmdkMaxDescriptor = 64 << 10
	vmdkParent        = "parentFileNameHint"
)

// checkVMDK refuses a VMDK that names files which are not beside it. QEMU opens
// them by their names.
func checkVMDK(file io.ReaderAt, path string) error {
	head := make([]byte, vmdkMaxDescriptor)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	if !bytes.HasPrefix(head, []byte("KDMV")) && !bytes.HasPrefix(head, []byte("COWD")) {
		return checkDescriptor(string(head), path)
	}
	if n < sectorSize {
		return &LayerError{Path: path, Reason: fmt.Sprintf("a VMDK of %d bytes", n)}
	}
	if bytes.HasPrefix(head, []byte("KDMV")) {
		if capacity := binary.LittleEndian.Uint64(head[12:]); capacity == 0 {
			return &LayerError{Path: path, Reason: "a VMDK without a capacity of its own is not opened"}
		}
		at, size := binary.LittleEndian.Uint64(head[28:]), binary.LittleEndian.Uint64(head[36:])
		if at > 1<<40 || size > vmdkMaxDescriptor/sectorSize {
			return &LayerError{Path: path, Reason: fmt.Sprintf("its descriptor has %d sectors at sector %d", size, at)}
		}
		head = make([]byte, size*sectorSize)
		if _, err := file.ReadAt(head, int64(at)*sectorSize); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if bytes.Contains(head, []byte(vmdkParent)) {
		return &LayerError{Path: path, Reason: "a VMDK whose parent is another file is not opened"}
	}
	return nil
}

// checkDescriptor checks the text that describes a VMDK of several files.
func checkDescriptor(text, path string) error {
	refuse := func(format string, a ...any) error { return &LayerError{Path: path, Reason: fmt.Sprintf(format, a...)} }
	if len(text) == vmdkMaxDescriptor {
		return refuse("its descriptor has %d bytes or more", vmdkMaxDescriptor)
	}
	if strings.Contains(text, vmdkParent) {
		return refuse("a VMDK whose parent is another file is not opened")
	}
	for line := range strings.Lines(text) {
		_, rest, quoted := strings.Cut(line, `"`)
		if fields := strings.Fields(line); len(fields) < 4 || fields[0] != "RW" && fields[0] != "RDONLY" && fields[0] != "NOACCESS" || !quoted {
			continue
		}
		name, _, _ := strings.Cut(rest, `"`)
		if name == "" || strings.ContainsAny(name, `/\:`) {
			return refuse("a part of it is not beside it: %q", name)
		}
		info, err := os.Lstat(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return refuse("a part of it is no regular file: %q", name)
		}
	}
	return nil
}
