package imagetest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// insert puts a volume where its partition is. One that is all of the image
// becomes the image, so that its size costs nothing.
func (i *Image) insert(t testing.TB, volume string, number int, table Table) {
	t.Helper()
	if table == None {
		require.NoError(t, os.Rename(volume, i.Path))
		return
	}
	copySparse(t, i.Path, i.Offsets[number], volume, 0, i.Sizes[number])
	require.NoError(t, os.Remove(volume))
}

// Extract copies a volume of an image to a file of its own, for programs that
// know nothing of partitions, and returns its path.
func (i *Image) Extract(t testing.TB, number int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "volume.img")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, i.Sizes[number]))
	copySparse(t, path, 0, i.Path, i.Offsets[number], i.Sizes[number])
	return path
}

// copySparse copies what is not zero.
func copySparse(t testing.TB, to string, toOffset int64, from string, fromOffset, size int64) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY, 0)
	require.NoError(t, err)
	block, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(block)) {
		n, err := in.ReadAt(block[:min(int64(len(block)), size-at)], fromOffset+at)
		if !errors.Is(err, io.EOF) {
			require.NoError(t, err)
		}
		if bytes.Equal(block[:n], zeros[:n]) {
			continue
		}
		_, err = out.WriteAt(block[:n], toOffset+at)
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
}

// Cat returns the content of a file on a volume in a file of its own, as ntfscat
// reads it, which has its NTFS from ntfs-3g.
func Cat(t testing.TB, volume, path string) []byte {
	t.Helper()
	Require(t, "ntfscat")
	var errors bytes.Buffer
	cmd := exec.Command(program("ntfscat"), "-f", volume, "/"+path)
	cmd.Stderr = &errors
	data, err := cmd.Output()
	require.NoError(t, err, "%s: %s", cmd, &errors)
	return data
}
