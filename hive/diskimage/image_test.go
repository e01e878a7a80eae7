package diskimage

import (
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// vhdFooter is the footer of a disk of some bytes.
func vhdFooter(size int, kind uint32) []byte {
	footer := make([]byte, vhdFooterSize)
	copy(footer, vhdCookie)
	binary.BigEndian.PutUint64(footer[vhdCurrentSize:], uint64(size))
	binary.BigEndian.PutUint32(footer[vhdDiskType:], kind)
	binary.BigEndian.PutUint32(footer[vhdChecksum:], vhdSum(footer))
	return footer
}

func imageFile(t *testing.T, parts ...[]byte) string {
	path := filepath.Join(t.TempDir(), "image.iso") // names do not count
	var data []byte
	for _, part := range parts {
		data = append(data, part...)
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestFixedVHD(t *testing.T) {
	volume := smallVolume(t).data
	path := imageFile(t, volume, vhdFooter(len(volume), vhdFixed))
	image, err := Open(path, Options{Write: true})
	require.NoError(t, err)
	defer image.Close()
	require.Equal(t, FixedVHD, image.Format())
	disk := image.Disk()
	require.Equal(t, int64(len(volume)), disk.Size())
	volumes, err := image.Volumes()
	require.NoError(t, err)
	require.Equal(t, int64(len(volume)), volumes[0].Length)

	// The footer is out of reach.
	p := make([]byte, 1024)
	n, err := disk.ReadAt(p, disk.Size()-512)
	require.Equal(t, 512, n)
	require.ErrorIs(t, err, io.EOF)
	n, err = disk.ReadAt(p, disk.Size())
	require.Zero(t, n)
	require.ErrorIs(t, err, io.EOF)
	for _, off := range []int64{-1, disk.Size() - 511, disk.Size(), 1 << 62} {
		_, err = disk.WriteAt(p[:512], off)
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
	_, err = disk.WriteAt(p[:512], disk.Size()-512)
	require.NoError(t, err)
	require.NoError(t, disk.Sync())
}

func TestFormats(t *testing.T) {
	volume := smallVolume(t).data
	head := func(off int, mark string) []byte {
		b := make([]byte, 40000)
		copy(b[off:], mark)
		return b
	}
	for want, data := range map[Format][]byte{
		QCOW2:           head(0, "QFI\xfb\x00\x00\x00\x03"),
		VHDX:            head(0, "vhdxfile"),
		VMDK:            head(0, "KDMV\x01"),
		VDI:             head(0x40, "\x7f\x10\xda\xbe"),
		WIM:             head(0, "MSWIM\x00\x00\x00"),
		EWF:             head(0, "EVF\x09\x0d\x0a\xff\x00"),
		ISO:             head(isoSignatureOffset, isoSignature),
		DynamicVHD:      append(head(0, string(vhdFooter(1<<30, vhdDynamic))), vhdFooter(1<<30, vhdDynamic)...),
		DifferencingVHD: append(head(0, string(vhdFooter(1<<30, vhdDifferencing))), vhdFooter(1<<30, vhdDifferencing)...),
	} {
		_, err := Open(imageFile(t, data), Options{})
		var unsupported *UnsupportedError
		require.ErrorAs(t, err, &unsupported)
		require.Equal(t, want, unsupported.Format)
		require.False(t, want.Direct())
		image, err := Open(imageFile(t, data), Options{Raw: true})
		require.NoError(t, err)
		require.NoError(t, image.Close())
	}
	// A disk stays one with the signature of an ISO image in it.
	disk := mbrDisk()
	copy(disk[isoSignatureOffset:], isoSignature)
	image, err := Open(imageFile(t, disk), Options{})
	require.NoError(t, err)
	require.Equal(t, Raw, image.Format())
	require.NoError(t, image.Close())
	image, err = Open(imageFile(t, volume), Options{})
	require.NoError(t, err)
	require.Equal(t, Raw, image.Format())
	_, err = image.Disk().WriteAt([]byte{1}, 0)
	require.Error(t, err, "it was opened for reading")
	require.NoError(t, image.Close())
}

// TestBadFooters: a VHD with a footer that is not right is no raw disk.
func TestBadFooters(t *testing.T) {
	volume := smallVolume(t).data
	sealed := func(change func(b []byte)) []byte {
		footer := vhdFooter(len(volume), vhdFixed)
		change(footer)
		put32(footer, vhdChecksum, 0)
		binary.BigEndian.PutUint32(footer[vhdChecksum:], vhdSum(footer))
		return footer
	}
	broken := vhdFooter(len(volume), vhdFixed)
	broken[vhdChecksum]++
	for name, footer := range map[string][]byte{
		"checksum":          broken,
		"size one less":     vhdFooter(len(volume)-1, vhdFixed),
		"size one more":     vhdFooter(len(volume)+1, vhdFixed),
		"size of all bits":  sealed(func(b []byte) { copy(b[vhdCurrentSize:], "\xff\xff\xff\xff\xff\xff\xff\xff") }),
		"type of nothing":   vhdFooter(len(volume), 0),
		"type from nowhere": vhdFooter(len(volume), 0xFFFFFFFF),
	} {
		_, err := Open(imageFile(t, volume, footer), Options{})
		require.ErrorIs(t, err, ErrCorrupt, name)
	}
	_, err := Open(imageFile(t, vhdFooter(512, vhdFixed), make([]byte, 4096)), Options{})
	require.ErrorIs(t, err, ErrCorrupt, "a fixed disk with its footer in front")
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	_, err := Open(folder, Options{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = Open(filepath.Join(folder, "none"), Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, size := range []int{0, 1, 511, 512, 513} {
		image, err := Open(imageFile(t, make([]byte, size)), Options{})
		require.NoError(t, err)
		_, err = image.Volumes()
		require.ErrorIs(t, err, ErrNoTable)
		require.NoError(t, image.Close())
	}
}

// TestSparseImage: of an image of 64 GiB little more is read than of one of 2 MiB.
func TestSparseImage(t *testing.T) {
	volume := smallVolume(t).data
	const start, size = 40 << 30, 64 << 30
	path := imageFile(t)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	if err := file.Truncate(size); err != nil {
		t.Skipf("no sparse files here: %v", err)
	}
	sector := make([]byte, 512)
	putMBR(sector, entryMBR{7, start / 512, uint32(len(volume) / 512)})
	_, err = file.WriteAt(sector, 0)
	require.NoError(t, err)
	_, err = file.WriteAt(volume, start)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	image, err := Open(path, Options{})
	require.NoError(t, err)
	defer image.Close()
	volumes, err := image.Volumes()
	require.NoError(t, err)
	ntfs, err := volumes[0].OpenNTFS()
	require.NoError(t, err)
	require.NoError(t, ntfs.CheckClean())
	m, err := ntfs.Map(smallHive)
	require.NoError(t, err)
	require.Greater(t, m.Extents[0].Offset, int64(start))
	require.Less(t, image.Stats().BytesRead, int64(100<<10))
	t.Logf("%+v", image.Stats())
}
