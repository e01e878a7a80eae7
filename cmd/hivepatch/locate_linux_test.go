package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// TestReadOnlyVolumeIsTold: whoever works on a volume that cannot be written to
// is told so.
func TestReadOnlyVolumeIsTold(t *testing.T) {
	volume := t.TempDir()
	if err := syscall.Mount("tmpfs", volume, "tmpfs", 0, ""); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(volume, 0)) })
	plant(t, volume, map[string]string{"Windows/System32/config/SYSTEM": string(hivetest.NT4().Build().Data)})
	require.NotContains(t, program("locate", volume).stdout, "read-only")
	require.NoError(t, syscall.Mount("tmpfs", volume, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))

	require.Contains(t, program("locate", volume).stdout, "mounted:     read-only")
	page := program("doctor", volume).stdout
	require.Contains(t, page, "BAD  the volume is mounted read-only")
	require.NotContains(t, page, "then do it")

	r := program("patch", volume, "-o", filepath.Join(volume, "new"))
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "the volume is mounted read-only")
	_, err := os.Stat(filepath.Join(volume, "new"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, exitDone, program("patch", volume, "-o", filepath.Join(t.TempDir(), "new")).code)
}
