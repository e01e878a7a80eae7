package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

// faultyImage is an image that is patched while something fails.
type faultyImage struct {
	path, temp string
	output     string // path of what it says
	file       []byte // before
	old, new   []byte // the disk before and after
	disk       func(t *testing.T) []byte
}

// newFaultyImage makes an image in one of the formats that qemu-img knows.
func newFaultyImage(t *testing.T, format string) *faultyImage {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	f := &faultyImage{path: filepath.Join(t.TempDir(), "disk.img"), temp: t.TempDir(), old: imagetest.SmallVolume(t, "../..")}
	f.output = filepath.Join(t.TempDir(), "stderr")
	t.Setenv("TMPDIR", f.temp)
	f.file, f.disk = f.old, func(t *testing.T) []byte { return readAll(t, f.path) }
	if format != "raw" {
		guest := filepath.Join(t.TempDir(), "guest")
		require.NoError(t, os.WriteFile(guest, f.old, 0o600))
		imagetest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", format, guest, f.path)
		f.file, f.disk = readAll(t, f.path), func(t *testing.T) []byte {
			imagetest.Run(t, "qemu-img", "convert", "-f", format, "-O", "raw", f.path, guest)
			return readAll(t, guest)
		}
	}
	return f
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// patch patches the image as it was made.
func (f *faultyImage) patch(t *testing.T, tr trace) traced {
	t.Helper()
	require.NoError(t, os.WriteFile(f.path, f.file, 0o600))
	tr.folders, tr.output = []string{filepath.Dir(f.path), f.temp}, f.output
	return tr.run(t, "patch", f.path, "--in-place", "--noninteractive", "4096", "--timestamp", "1700000000")
}

// calls patches the image without a fault, and returns by which calls it does.
func (f *faultyImage) calls(t *testing.T) []string {
	t.Helper()
	whole := f.patch(t, trace{})
	require.Zero(t, whole.status.ExitStatus(), whole.stderr)
	f.new = f.disk(t)
	require.False(t, bytes.Equal(f.old, f.new))
	require.GreaterOrEqual(t, len(whole.calls), 20, "the calls are not seen")
	return whole.calls
}

// requireEither requires that after the next command the disk is what it was or
// what it is to become, and that nothing is left beside the image. It returns
// which of them.
func (f *faultyImage) requireEither(t *testing.T, call string) (isNew bool) {
	t.Helper()
	var shown result
	require.Eventually(t, func() bool { // QEMU may need a moment to end itself
		shown = program("show", f.path)
		return shown.code != exitRefused || !strings.Contains(shown.stderr, "in use")
	}, time.Minute, 20*time.Millisecond, "%s", call)
	require.Zero(t, shown.code, "%s: %s", call, shown.stderr)
	entries, err := os.ReadDir(filepath.Dir(f.path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "%s leaves something", call)
	disk := f.disk(t)
	isNew = bytes.Equal(disk, f.new)
	require.True(t, isNew || bytes.Equal(disk, f.old), "%s: the disk is neither old nor new; %s", call, shown.stderr)
	return isNew
}

// TestImageKilled kills the program before each of the system calls by which it
// changes a file. The next command makes the disk what it was, or finds it
// patched, and leaves nothing of what the other one has left.
func TestImageKilled(t *testing.T) {
	for _, format := range []string{"raw", "qcow2"} {
		t.Run(format, func(t *testing.T) {
			if format != "raw" {
				imagetest.Require(t, diskimage.QEMUProgram, "qemu-img")
			}
			f := newFaultyImage(t, format)
			calls, ends := f.calls(t), map[bool]int{}
			for i, call := range calls {
				killed := f.patch(t, trace{at: i + 1})
				require.True(t, killed.status.Signaled(), "%s: %s", call, killed.stderr)
				ends[f.requireEither(t, call)]++
			}
			require.Greater(t, ends[false], 10)
			require.GreaterOrEqual(t, ends[true], 4, "the last sync, and the journal removed")
			// QEMU may need a moment to end itself.
			require.Eventually(t, func() bool {
				left, err := os.ReadDir(f.temp)
				return program("show", f.path).code == exitDone && err == nil && len(left) == 0
			}, 10*time.Second, 20*time.Millisecond, "something temporary is left")
		})
	}
}

// TestImageFails has each of those calls fail. The program says so, and the disk
// is what it was, at the latest when the next command has rolled it back.
func TestImageFails(t *testing.T) {
	f := newFaultyImage(t, "raw")
	calls := f.calls(t)
	for name, fault := range map[string]trace{
		"once": {fault: syscall.EIO}, "full": {fault: syscall.ENOSPC}, "for good": {fault: syscall.EIO, forGood: true},
	} {
		t.Run(name, func(t *testing.T) {
			for i, call := range calls {
				fault.at = i + 1
				failed := f.patch(t, fault)
				require.True(t, failed.status.Exited(), "%s: %s", call, failed.stderr)
				if code := failed.status.ExitStatus(); code != exitFailed {
					require.Equal(t, exitRefused, code, "%s: %s", call, failed.stderr)
					require.True(t, fault.forGood, "%s: %s", call, failed.stderr)
					require.Contains(t, failed.stderr, "the hive is half written")
					require.Contains(t, failed.stderr, "hint: hivepatch rollback")
				} else if !fault.forGood && !bytes.Equal(f.disk(t), f.new) {
					require.True(t, bytes.Equal(f.disk(t), f.old), "%s: not taken back at once", call)
				}
				f.requireEither(t, call)
			}
		})
	}
}
