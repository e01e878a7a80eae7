//go:build unix

package hivefile

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFolderTreeDoesNotWait: a pipe that nobody writes to is refused at once, for
// a file and for a folder.
func TestFolderTreeDoesNotWait(t *testing.T) {
	tree, inside, _ := newTree(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o666))
	_, err := tree.OpenFile("pipe")
	require.ErrorIs(t, err, ErrNotRegular)
	_, err = tree.OpenFolder("pipe")
	require.ErrorIs(t, err, syscall.ENOTDIR)
	_, err = FindLogsIn(tree, filepath.Join("pipe", "SYSTEM"))
	require.Error(t, err)
	// Not even when it has become one since it was looked at.
	require.NotZero(t, doNotWait)
}
