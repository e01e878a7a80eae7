package diskimage_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

const hivePath = "Windows/System32/config/SYSTEM"

// TestLargeImage: of a volume of 64 GiB with a hive no more is read than the
// hive and some structures.
func TestLargeImage(t *testing.T) {
	_, large := imagetest.Hives(t, "../..")
	built := imagetest.Build(t, imagetest.Spec{Table: imagetest.None, Volumes: []imagetest.Volume{{Size: 64 << 30, Files: []imagetest.File{{Path: hivePath, Data: large}}}}})
	image, err := diskimage.Open(built.Path, diskimage.Options{})
	require.NoError(t, err)
	defer image.Close()
	volumes, err := image.Volumes()
	require.NoError(t, err)
	ntfs, err := volumes[0].OpenNTFS()
	require.NoError(t, err)
	require.NoError(t, ntfs.CheckClean())
	_, err = ntfs.Map(hivePath)
	require.NoError(t, err)
	structures := image.Stats()
	file, err := ntfs.OpenFile(hivePath)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, file)
	require.NoError(t, err)
	all := image.Stats()
	t.Logf("structures: %d reads of %d bytes; with the hive of %d bytes: %d bytes", structures.Reads, structures.BytesRead, n, all.BytesRead)
	require.Less(t, structures.BytesRead, int64(200<<10))
	require.Less(t, all.BytesRead, n+(300<<10))
}
