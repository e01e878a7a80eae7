package diskimage

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkMap is all that it takes to find a file in an image.
func BenchmarkMap(b *testing.B) {
	data := smallVolume(b).data
	b.ReportAllocs()
	for b.Loop() {
		volumes, err := OpenDisk("disk", data).Volumes()
		require.NoError(b, err)
		ntfs, err := volumes[0].OpenNTFS()
		require.NoError(b, err)
		require.NoError(b, ntfs.CheckClean())
		_, err = ntfs.Map(smallHive)
		require.NoError(b, err)
	}
}

// BenchmarkReaddirnames lists a folder of 200 names.
func BenchmarkReaddirnames(b *testing.B) {
	ntfs := smallVolume(b).ntfs
	b.ReportAllocs()
	for b.Loop() {
		ntfs.volume.image.work.Store(0)
		folder, err := ntfs.OpenFolder(largeFolder)
		require.NoError(b, err)
		names, err := folder.Readdirnames(1000)
		require.NoError(b, err)
		require.Len(b, names, namesInLarge)
	}
}

// BenchmarkRead reads a file in many fragments.
func BenchmarkRead(b *testing.B) {
	ntfs := smallVolume(b).ntfs
	file, err := ntfs.OpenFile(smallHive)
	require.NoError(b, err)
	content := file.(io.ReaderAt)
	p := make([]byte, 49152)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := content.ReadAt(p, 0)
		require.NoError(b, err)
	}
}

// BenchmarkTooMuchWork is the longest that a hostile volume can take.
func BenchmarkTooMuchWork(b *testing.B) {
	ntfs := smallVolume(b).ntfs
	for b.Loop() {
		ntfs.volume.image.work.Store(0)
		for err := error(nil); !errors.Is(err, ErrTooMuchWork); {
			_, err = ntfs.Lstat(largeFolder + "/none")
		}
	}
}
