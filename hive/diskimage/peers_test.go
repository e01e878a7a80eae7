package diskimage_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

// peers are the programs that give a second opinion, of the package ntfs-3g.
var peers = []string{"ntfsinfo", "ntfscluster", "ntfscat"}

// TestImages: in every kind of image every file is found by names of any case,
// has the content that ntfs-3g gives, read as a file and read through its
// extents, and the extents are those that ntfscluster shows.
func TestImages(t *testing.T) {
	imagetest.Require(t, append(peers, imagetest.Programs...)...)
	small, large := imagetest.Hives(t, "../..")
	for name, spec := range imagetest.Kinds(small, large) {
		t.Run(name, func(t *testing.T) {
			built := imagetest.Build(t, spec)
			image, err := diskimage.Open(built.Path, diskimage.Options{})
			require.NoError(t, err)
			defer image.Close()
			volumes, err := image.Volumes()
			require.NoError(t, err)
			require.Len(t, volumes, len(spec.Volumes))
			for i, v := range volumes {
				require.Equal(t, diskimage.NTFSVolume, v.Kind)
				require.Equal(t, built.Offsets[i], v.Offset)
				require.Equal(t, built.Sizes[i], v.Length)
				checkVolume(t, v, spec.Volumes[i].Files, built.Extract(t, i))
			}
		})
	}
}

func checkVolume(t *testing.T, v *diskimage.Volume, files []imagetest.File, extracted string) {
	ntfs, err := v.OpenNTFS()
	require.NoError(t, err)
	require.NoError(t, ntfs.CheckClean())
	for _, f := range files {
		for _, path := range []string{f.Path, strings.ToLower(f.Path), strings.ToUpper(f.Path)} {
			info, err := ntfs.Lstat(path)
			require.NoError(t, err)
			require.Equal(t, int64(len(f.Data)), info.Size())
		}
		require.Equal(t, string(f.Data), string(imagetest.Cat(t, extracted, f.Path)), "ntfscat reads something else")
		require.Equal(t, string(f.Data), readFile(t, ntfs, f.Path), "%s reads as something else", f.Path)
		m, err := ntfs.Map(f.Path)
		if len(f.Data) < 700 {
			require.ErrorIs(t, err, diskimage.ErrResident)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, string(f.Data), readExtents(t, v.Image().Disk(), m), "the extents of %s hold something else", f.Path)
		require.Equal(t, theirs(t, extracted, f.Path, v.Offset, m), m.Extents, "%s", f.Path)
		if f.Fragments > 1 {
			require.GreaterOrEqual(t, len(m.Extents), f.Fragments, "%s", f.Path)
		}
	}
}

func readFile(t *testing.T, ntfs *diskimage.NTFS, path string) string {
	file, err := ntfs.OpenFile(path)
	require.NoError(t, err)
	defer file.Close()
	data, err := io.ReadAll(file)
	require.NoError(t, err)
	return string(data)
}

func readExtents(t *testing.T, disk diskimage.Disk, m *diskimage.FileMap) string {
	data := make([]byte, 0, m.Size)
	for _, e := range m.Extents {
		part := make([]byte, e.Length)
		_, err := disk.ReadAt(part, e.Offset)
		require.NoError(t, err)
		data = append(data, part...)
	}
	return string(data)
}

// theirs returns the extents of a file that ntfscluster shows: for each part of
// an attribute its type, and lines with the cluster of the file, that of the
// volume, and how many there are.
func theirs(t *testing.T, volume, path string, base int64, m *diskimage.FileMap) []diskimage.Extent {
	cluster := int64(clusterSize(t, volume))
	var extents []diskimage.Extent
	left, inData := m.Size, false
	for line := range strings.Lines(imagetest.Run(t, "ntfscluster", "-f", "-F", "/"+path, volume)) {
		fields := strings.Fields(line)
		if len(fields) > 0 && strings.HasPrefix(fields[0], "0x") {
			inData = fields[0] == "0x80"
			continue
		}
		if !inData || len(fields) != 3 || fields[0] == "VCN" {
			continue
		}
		lcn, err := strconv.ParseInt(fields[1], 10, 64)
		require.NoError(t, err, line)
		if lcn < 0 {
			continue // what other parts of the attribute describe
		}
		count, err := strconv.ParseInt(fields[2], 10, 64)
		require.NoError(t, err, line)
		length := min(count*cluster, left)
		left -= length
		extents = append(extents, diskimage.Extent{Offset: base + lcn*cluster, Length: length})
	}
	require.Zero(t, left, "ntfscluster shows runs of another size")
	return extents
}

func clusterSize(t *testing.T, volume string) int {
	for line := range strings.SplitSeq(imagetest.Run(t, "ntfsinfo", "-m", "-f", volume), "\n") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "Cluster Size:"); ok {
			size, err := strconv.Atoi(strings.TrimSpace(value))
			require.NoError(t, err)
			return size
		}
	}
	t.Fatal("ntfsinfo shows no size of clusters")
	return 0
}

// TestVeryTorn: a hive in so many fragments that its runs fill several records,
// which a list of attributes names.
func TestVeryTorn(t *testing.T) {
	imagetest.Require(t, append(peers, imagetest.Programs...)...)
	data := make([]byte, 600*2*4096)
	for i := range data {
		data[i] = byte(i>>12) ^ byte(i>>4)
	}
	files := []imagetest.File{{Path: "torn", Data: data, Fragments: 600}}
	built := imagetest.Build(t, imagetest.Spec{Table: imagetest.None, Volumes: []imagetest.Volume{{Files: files}}})
	image, err := diskimage.Open(built.Path, diskimage.Options{})
	require.NoError(t, err)
	defer image.Close()
	volumes, err := image.Volumes()
	require.NoError(t, err)
	volume := built.Extract(t, 0)
	require.Contains(t, imagetest.Run(t, "ntfsinfo", "-v", "-F", "/torn", volume), "$ATTRIBUTE_LIST", "the runs fit in one record")
	checkVolume(t, volumes[0], files, volume)
}

// TestBlockDevice: a block device is read as the image behind it.
func TestBlockDevice(t *testing.T) {
	imagetest.Require(t, append(append([]string{"losetup"}, peers...), imagetest.Programs...)...)
	if os.Geteuid() != 0 {
		t.Skip("only root makes block devices")
	}
	small, large := imagetest.Hives(t, "../..")
	files := imagetest.Windows(small, large)
	built := imagetest.Build(t, imagetest.Spec{Table: imagetest.GPT, Volumes: []imagetest.Volume{{Files: files}}})
	device := strings.TrimSpace(imagetest.Run(t, "losetup", "--find", "--show", "--read-only", built.Path))
	defer imagetest.Run(t, "losetup", "--detach", device)
	image, err := diskimage.Open(device, diskimage.Options{})
	require.NoError(t, err)
	defer image.Close()
	info, err := os.Stat(built.Path)
	require.NoError(t, err)
	require.Equal(t, info.Size(), image.Disk().Size())
	volumes, err := image.Volumes()
	require.NoError(t, err)
	checkVolume(t, volumes[0], files, built.Extract(t, 0))
	_, err = diskimage.Open("/dev/null", diskimage.Options{})
	require.ErrorIs(t, err, fs.ErrInvalid)
}

// TestVHDByQEMU: a fixed VHD that qemu-img makes is read like the raw image.
func TestVHDByQEMU(t *testing.T) {
	imagetest.Require(t, append([]string{"qemu-img"}, imagetest.Programs...)...)
	small, large := imagetest.Hives(t, "../..")
	files := imagetest.Windows(small, large)
	built := imagetest.Build(t, imagetest.Spec{Table: imagetest.MBR, Volumes: []imagetest.Volume{{Files: files}}})
	convert := func(options ...string) string {
		path := filepath.Join(t.TempDir(), "disk")
		imagetest.Run(t, "qemu-img", append(append([]string{"convert", "-f", "raw"}, options...), built.Path, path)...)
		return path
	}
	image, err := diskimage.Open(convert("-O", "vpc", "-o", "subformat=fixed,force_size=on"), diskimage.Options{})
	require.NoError(t, err)
	defer image.Close()
	require.Equal(t, diskimage.FixedVHD, image.Format())
	info, err := os.Stat(built.Path)
	require.NoError(t, err)
	require.Equal(t, info.Size(), image.Disk().Size())
	volumes, err := image.Volumes()
	require.NoError(t, err)
	checkVolume(t, volumes[0], files, built.Extract(t, 0))
	require.NoError(t, image.Close()) // its lock would keep QEMU away

	for format, options := range map[diskimage.Format][]string{
		diskimage.DynamicVHD: {"-O", "vpc"},
		diskimage.VHDX:       {"-O", "vhdx"},
		diskimage.QCOW2:      {"-O", "qcow2"},
		diskimage.VMDK:       {"-O", "vmdk"},
		diskimage.VDI:        {"-O", "vdi"},
	} {
		_, err := diskimage.Open(convert(options...), diskimage.Options{})
		var unsupported *diskimage.UnsupportedError
		require.ErrorAs(t, err, &unsupported)
		require.Equal(t, format, unsupported.Format)
	}
}
