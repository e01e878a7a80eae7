package hivefile

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// rerunVariable names the test for which this process was started by rerun.
const rerunVariable = "HIVEPATCH_TEST_RERUN"

// rerun runs the calling test once more in a process with the attributes and
// takes over its result. It reports whether this is that process.
func rerun(t *testing.T, attributes *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(rerunVariable) == t.Name() {
		return true
	}
	// By /proc, because the path may lead through folders that are closed to
	// the other user.
	command := exec.Command("/proc/self/exe", "-test.v", "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), rerunVariable+"="+t.Name())
	command.Dir = os.TempDir()
	command.SysProcAttr = attributes
	output, err := command.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Skipf("cannot start a process like that here: %v", err)
	}
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: "+t.Name())
	return false
}

// unprivileged runs the test as a user for whom permissions count.
func unprivileged(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	const nobody = 65534
	return rerun(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
}

// ownMounts runs the test where it may mount, without effect on anything else.
func ownMounts(t *testing.T) bool {
	t.Helper()
	return rerun(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	})
}

func TestPermissionDenied(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	t.Run("input unreadable", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
		path := filepath.Join(dir, "SYSTEM")
		require.NoError(t, os.Chmod(path, 0o200))
		_, err := ReadFile(path)
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorContains(t, err, path)
	})
	t.Run("folder of the logs unreadable", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes, "SYSTEM.LOG1": nil})
		require.NoError(t, os.Chmod(dir, 0o100))
		defer os.Chmod(dir, 0o700)
		require.Equal(t, oldBytes, read(t, filepath.Join(dir, "SYSTEM")).Data)
		_, err := FindLogs(filepath.Join(dir, "SYSTEM"))
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorContains(t, err, "cannot look for logs")
	})
	for _, mode := range []os.FileMode{0o500, 0o400, 0o000} {
		t.Run("output folder "+mode.String(), func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM.new": oldBytes})
			require.NoError(t, os.Chmod(dir, mode))
			for _, name := range []string{"SYSTEM.new", "another"} {
				err := WriteNew(filepath.Join(dir, name), newBytes, SaveOptions{Overwrite: true})
				require.ErrorIs(t, err, os.ErrPermission)
				require.ErrorContains(t, err, dir)
			}
			require.NoError(t, os.Chmod(dir, 0o700))
			requireFolder(t, dir, map[string][]byte{"SYSTEM.new": oldBytes})
		})
	}
	t.Run("old output read-only", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM.new": oldBytes})
		path := filepath.Join(dir, "SYSTEM.new")
		require.NoError(t, os.Chmod(path, 0o400))
		require.NoError(t, WriteNew(path, newBytes, SaveOptions{Overwrite: true}))
		requireFolder(t, dir, map[string][]byte{"SYSTEM.new": newBytes})
	})
	t.Run("not root", func(t *testing.T) {
		require.NotZero(t, os.Geteuid())
	})
}

func TestDiskFull(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	for _, test := range []struct {
		name, options string
	}{
		{"no room", "size=64k"},
		{"no inodes", "nr_inodes=3"},
	} {
		for way, save := range ways {
			t.Run(test.name+" "+way, func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, test.options))
				defer unix.Unmount(dir, unix.MNT_DETACH)
				files := map[string][]byte{"SYSTEM": oldBytes, "SYSTEM.new": oldBytes}
				for name, data := range files {
					require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
				}
				for _, name := range []string{"SYSTEM.new", "another"} {
					if way == "placeholder" && name == "SYSTEM.new" {
						continue // for new files only
					}
					path := filepath.Join(dir, name)
					err := save(openOutput(t, path, SaveOptions{Overwrite: true}), newBytes)
					require.ErrorIs(t, err, unix.ENOSPC)
					require.ErrorContains(t, err, path+": no space left on device")
					requireFolder(t, dir, files)
				}
			})
		}
	}
}

func TestReadOnlyMount(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	files := map[string][]byte{"SYSTEM.new": oldBytes}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "SYSTEM.new"), oldBytes, 0o644))
	require.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for _, name := range []string{"SYSTEM.new", "another"} {
		path := filepath.Join(dir, name)
		err := WriteNew(path, newBytes, SaveOptions{Overwrite: true})
		require.ErrorIs(t, err, unix.EROFS)
		require.ErrorContains(t, err, path+": read-only file system")
		requireFolder(t, dir, files)
	}
}

// A limit on the size of files, as ulimit sets it, gives an error and not the
// end of the process.
func TestFileSizeLimit(t *testing.T) {
	if !rerun(t, &syscall.SysProcAttr{}) {
		return
	}
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 8192, Max: 8192}))
	for way, save := range ways {
		t.Run(way, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM.new": oldBytes})
			path := filepath.Join(dir, "another")
			err := save(openOutput(t, path, SaveOptions{}), newBytes)
			require.ErrorIs(t, err, unix.EFBIG)
			require.ErrorContains(t, err, path)
			requireFolder(t, dir, map[string][]byte{"SYSTEM.new": oldBytes})
		})
	}
}

// TestUnalignedData saves data that no disk takes directly: of odd lengths, and
// at odd places in memory.
func TestUnalignedData(t *testing.T) {
	buffer := make([]byte, 3*directUnit+16)
	for i := range buffer {
		buffer[i] = byte(i * 7)
	}
	for _, start := range []int{0, 1, 8} {
		for _, length := range []int{0, 1, directUnit - 1, directUnit, directUnit + 1, 3 * directUnit, 3*directUnit + 1} {
			path := filepath.Join(t.TempDir(), "SYSTEM.new")
			data := buffer[start : start+length]
			require.NoError(t, WriteNew(path, data, SaveOptions{}))
			written, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, written), "%d bytes at %d", length, start)
		}
	}
}
