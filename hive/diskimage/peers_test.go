package diskimage_test

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

// fragments is what a torn hive has on the disk.
const fragments = 50

// windows are the files of an installation, with the spelling that a version of
// Windows has for its folders.
func windows(small, large []byte, spelling func(string) string) []imagetest.File {
	return []imagetest.File{
		{Path: spelling("Windows/System32/config/SYSTEM"), Data: large, Fragments: min(fragments, len(large)/65536/2)},
		{Path: spelling("Windows/System32/config/SOFTWARE"), Data: small},
		{Path: "empty", Data: nil},
		{Path: "resident", Data: []byte("short")},
	}
}

func asIs(s string) string { return s }

// images are the kinds of images that must work alike.
func images(small, large []byte) map[string]imagetest.Spec {
	lower := windows(small, large, strings.ToLower)
	upper := windows(small, large, strings.ToUpper)
	usual := windows(small, large, asIs)
	one := func(table imagetest.Table, sector, cluster int, files []imagetest.File) imagetest.Spec {
		return imagetest.Spec{Table: table, SectorSize: sector, ClusterSize: cluster, Volumes: []imagetest.Volume{{Files: files}}}
	}
	return map[string]imagetest.Spec{
		"volume, clusters of 512":   one(imagetest.None, 512, 512, usual),
		"volume, clusters of 4096":  one(imagetest.None, 512, 4096, upper),
		"volume, clusters of 65536": one(imagetest.None, 512, 65536, lower),
		"volume, sectors of 4096":   one(imagetest.None, 4096, 4096, usual),
		"MBR":                       one(imagetest.MBR, 512, 4096, upper),
		"MBR, sectors of 4096":      one(imagetest.MBR, 4096, 4096, lower),
		"GPT":                       one(imagetest.GPT, 512, 4096, lower),
		"GPT, sectors of 4096":      one(imagetest.GPT, 4096, 65536, upper),
		"extended partition, two installations": {Table: imagetest.Extended, Volumes: []imagetest.Volume{
			{Files: usual}, {Files: lower}}},
		"extended partition, sectors of 4096": {Table: imagetest.Extended, SectorSize: 4096, Volumes: []imagetest.Volume{
			{Files: upper}, {Files: usual}}},
	}
}

// TestImages: in every kind of image every file is found by names of any case,
// has the content that ntfs-3g gives, read as a file and read through its
// extents, and the extents are those that ntfsinfo shows.
func TestImages(t *testing.T) {
	imagetest.Require(t, append([]string{"ntfsinfo", "ntfscat"}, imagetest.Programs...)...)
	small, large := imagetest.Hives(t, "../..")
	for name, spec := range images(small, large) {
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

// theirs returns the extents of a file that ntfsinfo shows.
func theirs(t *testing.T, volume, path string, base int64, m *diskimage.FileMap) []diskimage.Extent {
	cluster := int64(clusterSize(t, volume))
	var extents []diskimage.Extent
	left, inData, inRuns := m.Size, false, false
	lines := bufio.NewScanner(strings.NewReader(imagetest.Run(t, "ntfsinfo", "-v", "-f", "-F", "/"+path, volume)))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "Dumping attribute ") {
			inData, inRuns = strings.Contains(line, "$DATA"), false
			continue
		}
		if strings.Contains(line, "Runlist:") {
			inRuns = inData
			continue
		}
		numbers := strings.Fields(line)
		if !inRuns || len(numbers) != 3 {
			continue
		}
		lcn, err := strconv.ParseInt(numbers[1], 0, 64)
		require.NoError(t, err, line)
		count, err := strconv.ParseInt(numbers[2], 0, 64)
		require.NoError(t, err, line)
		length := min(count*cluster, left)
		left -= length
		extents = append(extents, diskimage.Extent{Offset: base + lcn*cluster, Length: length})
	}
	require.Zero(t, left, "ntfsinfo shows runs of another size")
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

// TestVHDByQEMU: a fixed VHD that qemu-img makes is read like the raw image.
func TestVHDByQEMU(t *testing.T) {
	imagetest.Require(t, append([]string{"qemu-img"}, imagetest.Programs...)...)
	small, large := imagetest.Hives(t, "../..")
	files := windows(small, large, asIs)
	built := imagetest.Build(t, imagetest.Spec{Table: imagetest.MBR, Volumes: []imagetest.Volume{{Files: files}}})
	path := filepath.Join(t.TempDir(), "disk")
	convert := func(options ...string) {
		imagetest.Run(t, "qemu-img", append(append([]string{"convert", "-f", "raw"}, options...), built.Path, path)...)
	}
	convert("-O", "vpc", "-o", "subformat=fixed,force_size=on")
	image, err := diskimage.Open(path, diskimage.Options{})
	require.NoError(t, err)
	defer image.Close()
	require.Equal(t, diskimage.FixedVHD, image.Format())
	info, err := os.Stat(built.Path)
	require.NoError(t, err)
	require.Equal(t, info.Size(), image.Disk().Size())
	volumes, err := image.Volumes()
	require.NoError(t, err)
	checkVolume(t, volumes[0], files, built.Extract(t, 0))

	for format, options := range map[diskimage.Format][]string{
		diskimage.DynamicVHD: {"-O", "vpc"},
		diskimage.VHDX:       {"-O", "vhdx"},
		diskimage.QCOW2:      {"-O", "qcow2"},
		diskimage.VMDK:       {"-O", "vmdk"},
		diskimage.VDI:        {"-O", "vdi"},
	} {
		convert(options...)
		_, err := diskimage.Open(path, diskimage.Options{})
		var unsupported *diskimage.UnsupportedError
		require.ErrorAs(t, err, &unsupported)
		require.Equal(t, format, unsupported.Format)
	}
}
