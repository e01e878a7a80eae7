package diskimage_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
	"hivepatch/hive/hivefile"
)

// TestPlace: in every kind of image a hive is saved where it lies, by its runs:
// no other byte of the image changes, what ntfs-3g reads is what was saved, and
// its checks find nothing.
func TestPlace(t *testing.T) {
	imagetest.Require(t, append([]string{"ntfsfix"}, append(peers, imagetest.Programs...)...)...)
	small, large := imagetest.Hives(t, "../..")
	for name, spec := range imagetest.Kinds(small, large) {
		t.Run(name, func(t *testing.T) {
			built := imagetest.Build(t, spec)
			for number, v := range spec.Volumes {
				saveIn(t, built, number, v.Files[0].Path)
			}
		})
	}
}

func saveIn(t *testing.T, built *imagetest.Image, number int, path string) {
	before, err := os.ReadFile(built.Path)
	require.NoError(t, err)
	saved, extents := saveHive(t, built.Path, number, path)
	after, err := os.ReadFile(built.Path)
	require.NoError(t, err)
	require.False(t, bytes.Equal(before, after))
	for _, e := range extents {
		copy(before[e.Offset:e.Offset+e.Length], after[e.Offset:])
	}
	require.True(t, bytes.Equal(before, after), "bytes outside of the hive were written")
	require.NoFileExists(t, built.Path+diskimage.JournalSuffix)

	volume := built.Extract(t, number)
	require.True(t, bytes.Equal(saved, imagetest.Cat(t, volume, path)), "ntfs-3g reads another hive")
	imagetest.Run(t, "ntfsfix", "-n", volume)
	imagetest.Run(t, "ntfsinfo", "-m", volume)
}

// saveHive changes a value of the hive SYSTEM at path, and returns the hive and
// where it lies.
func saveHive(t *testing.T, image string, number int, path string) ([]byte, []diskimage.Extent) {
	ctx, at := context.Background(), time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	access, err := diskimage.OpenAccess(ctx, image, diskimage.AccessOptions{Write: true})
	require.NoError(t, err)
	defer access.Close()
	volumes, err := access.Volumes()
	require.NoError(t, err)
	ntfs, err := volumes[number].OpenNTFS()
	require.NoError(t, err)
	place := access.Place(ntfs, filepath.FromSlash(path))
	file, err := place.Load(hivefile.LoadOptions{})
	require.NoError(t, err)
	key, err := file.Hive.Key("Select")
	require.NoError(t, err)
	_, err = key.SetValue("Failed", hive.DWord, []byte{7, 0, 0, 0}, at)
	require.NoError(t, err)
	file.Hive.Seal(at)
	placed, err := place.Save(ctx, file, hivefile.InPlaceOptions{})
	require.NoError(t, err)
	require.Equal(t, hivefile.WayImage, placed.Way)
	again, err := place.Save(ctx, loaded(t, place), hivefile.InPlaceOptions{})
	require.NoError(t, err)
	require.Equal(t, hivefile.WayNone, again.Way, "it is there already")
	m, err := ntfs.Map(filepath.FromSlash(path))
	require.NoError(t, err)
	return file.Hive.Bytes(), m.Extents
}

func loaded(t *testing.T, place hivefile.Place) *hivefile.File {
	file, err := place.Load(hivefile.LoadOptions{})
	require.NoError(t, err)
	return file
}

// TestRecognize: a hive is no image, and neither is a text, whatever it is called.
func TestRecognize(t *testing.T) {
	small, _ := imagetest.Hives(t, "../..")
	for name, c := range map[string]struct {
		data []byte
		is   bool
	}{
		"hive":           {small, false},
		"empty":          {nil, false},
		"text":           {[]byte("no hive and no image"), false},
		"zeros":          {make([]byte, 8192), false},
		"volume":         {imagetest.SmallVolume(t, "../.."), true},
		"qcow2":          {append([]byte("QFI\xfb"), make([]byte, 1024)...), true},
		"WIM":            {append([]byte("MSWIM\x00\x00\x00"), make([]byte, 1024)...), true},
		"damaged footer": {append(make([]byte, 1024), append([]byte("conectix"), make([]byte, 504)...)...), true},
	} {
		path := filepath.Join(t.TempDir(), "disk.img")
		require.NoError(t, os.WriteFile(path, c.data, 0o600))
		is, err := diskimage.Recognize(path)
		require.NoError(t, err, name)
		require.Equal(t, c.is, is, name)
	}
	is, err := diskimage.Recognize(t.TempDir())
	require.NoError(t, err)
	require.False(t, is, "a folder")
	_, err = diskimage.Recognize("nowhere")
	require.ErrorIs(t, err, os.ErrNotExist)
}
