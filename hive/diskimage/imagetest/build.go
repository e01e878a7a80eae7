package imagetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Table is the kind of partition table that an image gets.
type Table string

// Kinds of tables. With Extended all volumes are logical partitions of an MBR.
const (
	None     Table = "none"
	MBR      Table = "mbr"
	Extended Table = "extended"
	GPT      Table = "gpt"
)

// Spec says what image to build.
type Spec struct {
	Table       Table
	SectorSize  int // bytes, 512 where it is 0
	ClusterSize int // bytes, 4096 where it is 0
	Volumes     []Volume
}

// Volume is an NTFS volume, in a partition of its own.
type Volume struct {
	Size  int64 // bytes, 64 MiB where it is 0
	Files []File
}

// File is a file on a volume. Its folders are made.
type File struct {
	Path string // with slashes, from the root of the volume
	Data []byte
	// Fragments is how many runs it has on the disk at least: 0 and 1 leave it
	// to ntfs-3g, which makes one of a file on an empty volume.
	Fragments int
}

// Image is an image that was built.
type Image struct {
	Path    string
	Offsets []int64 // of the volumes, in bytes
	Sizes   []int64 // of the volumes, in bytes
}

// alignment is where partitions begin.
const alignment = 1 << 20

// Build builds an image in a folder that is removed with the test.
func Build(t testing.TB, spec Spec) *Image {
	t.Helper()
	Require(t, Programs...)
	if spec.SectorSize == 0 {
		spec.SectorSize = 512
	}
	if spec.ClusterSize == 0 {
		spec.ClusterSize = 4096
	}
	folder := t.TempDir()
	image := &Image{Path: filepath.Join(folder, "disk.img")}
	at := int64(0)
	for _, v := range spec.Volumes {
		if spec.Table != None {
			at += alignment
		}
		if spec.Table == Extended {
			at += alignment // for the boot record of the partition
		}
		if v.Size == 0 {
			v.Size = 64 << 20
		}
		image.Offsets, image.Sizes = append(image.Offsets, at), append(image.Sizes, v.Size)
		at += v.Size
	}
	if spec.Table != None {
		at += alignment
	}
	require.NoError(t, os.WriteFile(image.Path, nil, 0o600))
	require.NoError(t, os.Truncate(image.Path, at))
	if spec.Table != None {
		image.writeTable(t, spec)
	}
	for i, v := range spec.Volumes {
		volume := filepath.Join(folder, fmt.Sprintf("volume%d.img", i))
		makeVolume(t, volume, spec, v.Files, image.Offsets[i], image.Sizes[i])
		image.insert(t, volume, i, spec.Table)
	}
	return image
}

// makeVolume makes a volume with its files in a file of its own.
func makeVolume(t testing.TB, path string, spec Spec, files []File, offset, size int64) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, size))
	Run(t, "mkntfs", "-q", "-Q", "-F", "-s", strconv.Itoa(spec.SectorSize), "-c", strconv.Itoa(spec.ClusterSize),
		"-p", strconv.FormatInt(offset/int64(spec.SectorSize), 10), "-H", "255", "-S", "63", path)
	root := Mount(t, path, true)
	for _, f := range files {
		f.write(t, root.Folder, spec.ClusterSize)
	}
	root.Unmount(t)
}

// write writes a file.
func (f File) write(t testing.TB, root string, cluster int) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(f.Path))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	if f.Fragments > 1 {
		filling := filepath.Join(root, "filling")
		f.tearFree(t, filling, cluster)
		defer func() { require.NoError(t, os.RemoveAll(filling)) }()
	}
	require.NoError(t, os.WriteFile(path, f.Data, 0o644))
}

// stride is how many files of a filling there are for each that is removed.
// ntfs-3g has two or three zones in which it puts new files by turns; so no two
// that are removed lie beside each other.
const stride = 4

// tearFree fills a volume with files in a folder and removes as many of them as
// f needs room: what is free then is in pieces. They are smaller than fragments,
// because some come to lie beside each other all the same.
func (f File) tearFree(t testing.TB, folder string, cluster int) {
	t.Helper()
	clusters := (len(f.Data) + cluster - 1) / cluster
	piece := make([]byte, clusters/(2*f.Fragments)*cluster)
	require.NotEmpty(t, piece, "%s is too short for its fragments", f.Path)
	require.NoError(t, os.Mkdir(folder, 0o755))
	name := func(i int) string { return filepath.Join(folder, strconv.Itoa(i)) }
	count := 0
	for os.WriteFile(name(count), piece, 0o644) == nil {
		count++
	}
	room := 0
	// A list of many fragments needs some clusters of its own.
	for i := 0; i < count && room < (clusters+16)*cluster; i += stride {
		require.NoError(t, os.Remove(name(i)))
		room += len(piece)
	}
	require.GreaterOrEqual(t, room, len(f.Data), "the volume is too small for %s", f.Path)
}
