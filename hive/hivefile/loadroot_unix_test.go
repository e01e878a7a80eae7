//go:build unix

package hivefile

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOpenInDoesNotWait: a pipe that nobody writes to is refused at once, for a
// file and for a folder.
func TestOpenInDoesNotWait(t *testing.T) {
	root, inside, _ := newRoot(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o666))
	_, err := OpenFileIn(root, "pipe")
	require.ErrorIs(t, err, ErrNotRegular)
	_, err = OpenFolderIn(root, "pipe")
	require.ErrorIs(t, err, syscall.ENOTDIR)
	_, err = FindLogsIn(root, filepath.Join("pipe", "SYSTEM"))
	require.Error(t, err)
	// Not even when it has become one since it was looked at.
	require.NotZero(t, doNotWait)
}
