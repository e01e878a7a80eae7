package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

// growingImages makes images of one volume: a raw one, and one in each of the
// formats that grow.
func growingImages(t *testing.T) (dir string, raw string, grown map[string]string) {
	t.Helper()
	imagetest.Require(t, diskimage.QEMUProgram, "qemu-img")
	dir, grown = t.TempDir(), map[string]string{}
	raw = filepath.Join(dir, "disk.raw")
	require.NoError(t, os.WriteFile(raw, imagetest.SmallVolume(t, "../.."), 0o600))
	for _, driver := range []string{"qcow2", "vhdx", "vmdk", "vdi"} {
		grown[driver] = filepath.Join(dir, "disk."+driver)
		imagetest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", driver, raw, grown[driver])
	}
	return dir, raw, grown
}

// temporary has the program put what is temporary into a folder of its own, which
// must be empty at the end.
func temporary(t *testing.T) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() { requireEmpty(t, temp) })
}

func requireEmpty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestImagesThatGrow: through QEMU the guest gets to see what it would see in a
// raw image that was patched at the same time.
func TestImagesThatGrow(t *testing.T) {
	_, raw, grown := growingImages(t)
	patch := func(path string) result {
		return program("patch", path, "--in-place", "--interactive", "2048")
	}
	temporary(t)
	require.Zero(t, patch(raw).code)
	for driver, path := range grown {
		t.Run(driver, func(t *testing.T) {
			done := patch(path)
			require.Zero(t, done.code, done.stderr)
			require.Contains(t, imagetest.Run(t, "qemu-img", "check", "-f", driver, path), "No errors")
			require.Contains(t, imagetest.Run(t, "qemu-img", "compare", "-f", driver, "-F", "raw", path, raw), "identical")
			again := patch(path)
			require.Zero(t, again.code, again.stderr)
			require.NoFileExists(t, path+".hivepatch-journal")
		})
	}
}

// TestImageLayers: the user is told what is not written to, and a file outside of
// the folder is opened only when asked for.
func TestImageLayers(t *testing.T) {
	dir, raw, grown := growingImages(t)
	temporary(t)
	top := filepath.Join(dir, "top.qcow2")
	imagetest.Run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", grown["qcow2"], top)
	imagetest.Run(t, "qemu-img", "snapshot", "-c", "clean", top)
	done := program("patch", top, "--in-place", "--interactive", "2048")
	require.Zero(t, done.code, done.stderr)
	require.Contains(t, done.stderr, top+" is written to; what is behind it stays as it is: "+grown["qcow2"])
	require.Contains(t, done.stderr, "1 of them, stay as they are")
	require.Contains(t, imagetest.Run(t, "qemu-img", "compare", "-f", "qcow2", "-F", "raw", grown["qcow2"], raw), "identical")

	far := filepath.Join(t.TempDir(), "far.qcow2")
	imagetest.Run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, far)
	refused := program("show", far)
	require.Equal(t, exitRefused, refused.code, refused.stderr)
	require.Contains(t, refused.stderr, "--any-folder")
	require.Zero(t, program("show", far, "--any-folder").code)
}

// TestImageInterrupted sends signals to the program while it is at work on an
// image through QEMU: the disk is old or new, QEMU has ended, and nothing is left
// of it.
func TestImageInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	_, raw, grown := growingImages(t)
	changed := filepath.Join(filepath.Dir(raw), "changed.raw")
	path := grown["qcow2"]
	original, err := os.ReadFile(path)
	require.NoError(t, err)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ends := map[string]int{}
	for round := 0; round < 30 || ends["killed"] == 0 || ends["done"] == 0; round++ {
		require.Less(t, round, 300, "%v", ends)
		require.NoError(t, os.WriteFile(path, original, 0o600))
		sent := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[round%3]
		status, stderr := endedBy(t, time.Duration(round)*8*time.Millisecond, sent, "patch", path, "--in-place", "--interactive", "2048")
		if status.Signaled() {
			ends["killed"]++
		} else {
			require.Zero(t, status.ExitStatus(), stderr)
			ends["done"]++
		}
		requireEmpty(t, temp)
		require.NoFileExists(t, path+".hivepatch-journal")
		require.Contains(t, imagetest.Run(t, "qemu-img", "check", "-f", "qcow2", path), "No errors")
		if exec.Command("qemu-img", "compare", "-f", "qcow2", "-F", "raw", path, raw).Run() == nil {
			ends["old"]++
			continue
		}
		imagetest.Run(t, "qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, changed)
		shown := program("show", changed)
		require.Zero(t, shown.code)
		require.True(t, strings.Contains(shown.stdout, ",2048"), "half written: %s", shown.stdout)
		ends["new"]++
	}
	t.Log(ends)
	require.Positive(t, ends["new"])
	require.Positive(t, ends["old"])
}

// TestImageWithoutQEMU: the error names what is missing.
func TestImageWithoutQEMU(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk.qcow2")
	require.NoError(t, os.WriteFile(path, append([]byte("QFI\xfb\x00\x00\x00\x03"), bytes.Repeat([]byte{0}, 4096)...), 0o600))
	t.Setenv("PATH", t.TempDir())
	refused := program("show", path)
	require.Equal(t, exitRefused, refused.code, refused.stderr)
	require.Contains(t, refused.stderr, "qemu-storage-daemon")
	require.Contains(t, refused.stderr, "qemu-system-common")
}
