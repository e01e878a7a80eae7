package diskimage

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// newImage makes an image file of zeros.
func newImageFile(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, size))
	return path
}

// openAndLock opens an image as a raw one is opened.
func openAndLock(path string, to access) (*os.File, error) {
	file, err := openLocked(path, to)
	if err != nil {
		return nil, err
	}
	if err := lockDirect(file, to); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// TestLock: many may read, one may write.
func TestLock(t *testing.T) {
	path := newImageFile(t, 1<<20)
	for _, test := range []struct {
		first, second access
		free          bool
	}{
		{forReading, forReading, true},
		{forReading, forWriting, false},
		{forWriting, forReading, false},
		{forWriting, forWriting, false},
	} {
		first, err := openAndLock(path, test.first)
		require.NoError(t, err)
		second, err := openAndLock(path, test.second)
		if test.free {
			require.NoError(t, err)
			require.NoError(t, second.Close())
		} else {
			require.ErrorIs(t, err, ErrInUse)
			require.ErrorContains(t, err, path)
		}
		require.NoError(t, first.Close())
		again, err := openAndLock(path, test.second)
		require.NoError(t, err, "the lock has not ended")
		require.NoError(t, again.Close())
	}
	_, err := openLocked(path+".missing", forReading)
	require.ErrorIs(t, err, os.ErrNotExist)
}
