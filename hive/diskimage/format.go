package diskimage

import (
	"bytes"
	"errors"
	"io"
)

// Format is what an image file is, in words for people.
type Format string

// Formats of images. Raw and FixedVHD hold the disk byte for byte.
const (
	Raw             Format = "raw"
	FixedVHD        Format = "fixed VHD"
	DynamicVHD      Format = "dynamic VHD"
	DifferencingVHD Format = "differencing VHD"
	VHDX            Format = "VHDX"
	QCOW2           Format = "qcow2"
	VMDK            Format = "VMDK"
	VDI             Format = "VDI"
	WIM             Format = "WIM"
	ISO             Format = "ISO 9660"
	EWF             Format = "EWF (E01)"
)

// Direct reports whether the image holds the disk byte for byte.
func (f Format) Direct() bool { return f == Raw || f == FixedVHD }

// QEMU returns the name that QEMU has for the format, or "" where QEMU does not
// write it.
func (f Format) QEMU() string {
	switch f {
	case DynamicVHD, DifferencingVHD:
		return "vpc"
	case VHDX:
		return "vhdx"
	case QCOW2:
		return "qcow2"
	case VMDK:
		return "vmdk"
	case VDI:
		return "vdi"
	}
	return ""
}

// signatures that stand at a fixed place in all images of a format.
var signatures = []struct {
	format Format
	off    int64
	bytes  string
}{
	{QCOW2, 0, "QFI\xfb"},
	{VHDX, 0, "vhdxfile"},
	{VMDK, 0, "KDMV"},
	{VMDK, 0, "COWD"},
	{VMDK, 0, "# Disk DescriptorFile"},
	{VDI, 0x40, "\x7f\x10\xda\xbe"},
	{WIM, 0, "MSWIM\x00\x00\x00"},
	{EWF, 0, "EVF\x09\x0d\x0a\xff\x00"},
}

// isoSignature stands in the first volume descriptor of an ISO 9660 image, in
// front of which a disk may have its partition table.
const (
	isoSignature       = "CD001"
	isoSignatureOffset = 16*2048 + 1
)

// detect tells the format of an image of size bytes by its content. What has no
// signature is raw. It returns a FormatError for a VHD with a broken footer.
func detect(image io.ReaderAt, size int64) (Format, error) {
	head := make([]byte, min(size, 512))
	if _, err := image.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	for _, s := range signatures {
		if int64(len(head)) > s.off && bytes.HasPrefix(head[s.off:], []byte(s.bytes)) {
			return s.format, nil
		}
	}
	if format, err := detectVHD(image, size); err != nil || format != "" {
		return format, err
	}
	if isISO(image, size, head) {
		return ISO, nil
	}
	return Raw, nil
}

// isISO reports whether an image is an ISO 9660 image and no disk as well. A
// raw disk may hold the signature by chance or design, a bootable ISO image may
// have a partition table: the table decides.
func isISO(image io.ReaderAt, size int64, head []byte) bool {
	mark := make([]byte, len(isoSignature))
	if size < isoSignatureOffset+int64(len(mark)) {
		return false
	}
	if _, err := image.ReadAt(mark, isoSignatureOffset); err != nil {
		return false
	}
	return string(mark) == isoSignature && !hasBootMark(head)
}

// hasBootMark reports whether a sector ends as a master boot record does, and
// as a boot sector.
func hasBootMark(sector []byte) bool {
	return len(sector) >= 512 && sector[510] == 0x55 && sector[511] == 0xAA
}
