package diskimage

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// Paths on the small volume.
const (
	smallHive    = "Windows/System32/config/SYSTEM"
	listedFile   = "resident" // has so many names that it needs a list of attributes
	compressed   = "compressed/file"
	largeFolder  = "many"
	namesInLarge = 200
)

// volumeEdit is a copy of the small volume for a test that changes it.
type volumeEdit struct {
	t    testing.TB
	data imagetest.Memory
	ntfs *NTFS // of the sound volume
}

func smallVolume(t testing.TB) *volumeEdit {
	e := &volumeEdit{t: t, data: imagetest.SmallVolume(t, "../..")}
	e.ntfs = e.open()
	return e
}

// open opens the volume as it is now.
func (e *volumeEdit) open() *NTFS {
	volumes, err := OpenDisk("small", e.data).Volumes()
	require.NoError(e.t, err)
	require.Len(e.t, volumes, 1)
	ntfs, err := volumes[0].OpenNTFS()
	require.NoError(e.t, err)
	return ntfs
}

// number is that of the file record of a path.
func (e *volumeEdit) number(path string) int64 {
	r, err := e.ntfs.walk(components(path))
	require.NoError(e.t, err)
	return r.number
}

// record changes the file record with a number, whose bytes the change gets with
// the fixups applied.
func (e *volumeEdit) record(number int64, change func(b []byte)) {
	e.block(e.ntfs.mft.place(e.ntfs.geometry, number*e.ntfs.recordSize), e.ntfs.recordSize, "FILE", change)
}

// block changes a record of several sectors.
func (e *volumeEdit) block(at, size int64, signature string, change func(b []byte)) {
	b := e.data[at : at+size]
	require.NoError(e.t, applyFixups(b, signature, at))
	array := binary.LittleEndian.Uint16(b[4:])
	change(b)
	for i := range len(b) / fixupStride {
		end := b[(i+1)*fixupStride-2:][:2]
		copy(b[int(array)+2+2*i:], end)
		copy(end, b[array:array+2])
	}
}

// attribute changes an attribute of a file record, which it is in itself.
func (e *volumeEdit) attribute(number int64, kind uint32, change func(a []byte)) {
	e.record(number, func(b []byte) { change(attributeIn(e.t, b, kind)) })
}

func attributeIn(t testing.TB, b []byte, kind uint32) []byte {
	at := int(binary.LittleEndian.Uint16(b[recordAttributes:]))
	for {
		length := int(binary.LittleEndian.Uint32(b[at+4:]))
		switch binary.LittleEndian.Uint32(b[at:]) {
		case kind:
			return b[at : at+length]
		case typeEnd:
			t.Fatalf("no attribute %#x", kind)
		}
		at += length
	}
}

// runsOf are the bytes that describe the runs of an attribute.
func runsOf(a []byte) []byte { return a[binary.LittleEndian.Uint16(a[32:]):] }

// valueOf is the value of a resident attribute.
func valueOf(a []byte) []byte { return a[binary.LittleEndian.Uint16(a[20:]):] }

func put16(b []byte, off int, n uint16) { binary.LittleEndian.PutUint16(b[off:], n) }
func put32(b []byte, off int, n uint32) { binary.LittleEndian.PutUint32(b[off:], n) }
func put64(b []byte, off int, n uint64) { binary.LittleEndian.PutUint64(b[off:], n) }

func readAll(t testing.TB, n *NTFS, path string) []byte {
	file, err := n.OpenFile(path)
	require.NoError(t, err)
	data, err := io.ReadAll(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return data
}

func names(t testing.TB, n *NTFS, path string) []string {
	folder, err := n.OpenFolder(path)
	require.NoError(t, err)
	var all []string
	for {
		some, err := folder.Readdirnames(7)
		all = append(all, some...)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
	}
}
