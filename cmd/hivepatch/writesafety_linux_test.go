package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/hivetest/volumes"
)

// programAs runs the program in a process of its own, as the user and group id,
// who may have no way to the test program but that of /proc.
func programAs(t *testing.T, id uint32, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.Command("/proc/self/exe", args...)
	command.Args[0], command.Stdout, command.Stderr = programName, &stdout, &stderr
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	_ = command.Run() // its exit code is looked at
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// safe is a folder with a hive in it that is somebody's and nobody else's.
type safe struct {
	folder
	hive string
}

const (
	safeOwner, safeGroup = 1234, 2345
	safeMode             = os.FileMode(0o600)
)

func newSafe(t *testing.T, dir string) safe {
	t.Helper()
	old := hivetest.NT4().Build().Data
	s := safe{folder{dir, map[string][]byte{"SYSTEM": old}}, filepath.Join(dir, "SYSTEM")}
	require.NoError(t, os.WriteFile(s.hive, old, safeMode))
	require.NoError(t, os.Chown(s.hive, safeOwner, safeGroup))
	return s
}

// requireKept requires that a file has the owner and mode of the hive.
func requireKept(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	require.Equal(t, [3]uint32{safeOwner, safeGroup, uint32(safeMode)}, [3]uint32{stat.Uid, stat.Gid, uint32(info.Mode())}, path)
}

// backups are those beside the hive, the oldest first.
func (s safe) backups(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(s.hive + ".*.bak")
	require.NoError(t, err)
	return found
}

// TestWriteSafety shows for every row in which other editors of hives were
// compared by how they write what becomes of the hive here.
func TestWriteSafety(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
			t.Fatal("this is not root")
		}
		t.Skip("this is not root")
	}
	t.Run("method: a new file beside it, renamed over it", func(t *testing.T) {
		trace := traceOfPatch(t, newSafe(t, t.TempDir()))
		require.NotRegexp(t, `openat\([^,]*, "[^"]*/SYSTEM", O_(RDWR|WRONLY)`, trace, "the hive is not written to")
		require.Regexp(t, `renameat\(\d+, "\.SYSTEM\.hivepatch-[A-Z2-7]{10}", \d+, "SYSTEM"\) = 0`, trace)
	})
	t.Run("rename and fsync: the file is on the disk before, its name after", func(t *testing.T) {
		trace := traceOfPatch(t, newSafe(t, t.TempDir()))
		calls := regexp.MustCompile(`\b(fsync|renameat)\(`).FindAllString(trace, -1)
		require.Equal(t, "fsync( fsync( renameat( fsync(", strings.Join(calls, " "), "new hive, name of the backup, replacing, name of the hive")
	})
	t.Run("lock: on the new file before it has the name", func(t *testing.T) {
		trace := traceOfPatch(t, newSafe(t, t.TempDir()))
		calls := regexp.MustCompile(`\b(flock|renameat)\(`).FindAllString(trace, -1)
		require.Equal(t, "flock( flock( renameat(", strings.Join(calls, " "), "the old file, the new one")
	})
	t.Run("backup: kept with owner and mode, and never replaced", func(t *testing.T) {
		s := newSafe(t, t.TempDir())
		require.Equal(t, exitDone, program("patch", s.hive, "--in-place").code)
		require.Equal(t, exitDone, program("patch", s.hive, "--in-place", "--noninteractive", "1024").code, "within the same second")
		backups := s.backups(t)
		require.Len(t, backups, 2)
		for _, backup := range backups {
			requireKept(t, backup)
		}
		require.Contains(t, backups[1], "Z.bak")
		first, err := os.ReadFile(backups[1])
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.files["SYSTEM"], first), "the first backup is the hive as it was at first")
	})
	t.Run("owner, mode: kept; inode: another file, unless it has two names", func(t *testing.T) {
		s := newSafe(t, t.TempDir())
		require.Equal(t, exitDone, program("patch", s.hive, "--in-place", "--no-backup").code)
		requireKept(t, s.hive)
		require.NoError(t, os.Link(s.hive, s.file("second")))
		before, err := os.Stat(s.hive)
		require.NoError(t, err)
		require.Equal(t, exitDone, program("patch", s.hive, "--in-place", "--no-backup", "--noninteractive", "1024").code)
		requireKept(t, s.hive)
		after, err := os.Stat(s.hive)
		require.NoError(t, err)
		require.True(t, os.SameFile(before, after))
	})
	t.Run("ENOSPC: an error, the hive as it was, nothing left beside it", func(t *testing.T) {
		s := newSafe(t, volumes.Ext4(t, 4<<20))
		require.NoError(t, os.Remove(s.file("lost+found")))
		fillUp(t, s.file("full"))
		for _, output := range [][]string{{"--in-place"}, {"--in-place", "--no-backup"}, {"-o", s.file("new")}} {
			r := program(append([]string{"patch", s.hive}, output...)...)
			require.Equal(t, exitFailed, r.code)
			require.Empty(t, r.stdout)
			require.Contains(t, r.stderr, "no space left on device")
			require.Len(t, r.errorLines(), 1)
			requireKept(t, s.hive)
			s.requireAlone(t, "full")
		}
	})
	t.Run("read-only file: an error before the hive is read, and a hint", func(t *testing.T) {
		s := newSafe(t, folderForAll(t))
		require.NoError(t, os.Chmod(s.hive, 0o444))
		s.requireDenied(t, "patch", s.hive, "--in-place")
	})
	t.Run("read-only folder: the same, also for a file in it", func(t *testing.T) {
		s := newSafe(t, folderForAll(t))
		require.NoError(t, os.Chmod(s.hive, 0o666))
		require.NoError(t, os.Chmod(s.path, 0o755))
		s.requireDenied(t, "patch", s.hive, "--in-place")
		s.requireDenied(t, "patch", s.hive, "-o", s.file("new"))
	})
	t.Run("read-only image, or its folder: an error before the hive is read, and a hint", func(t *testing.T) {
		s := safe{folder{path: folderForAll(t)}, ""}
		s.files = map[string][]byte{"disk.img": imagetest.SmallVolume(t, "../..")}
		s.hive = s.file("disk.img")
		require.NoError(t, os.WriteFile(s.hive, s.files["disk.img"], 0o444))
		s.requireDenied(t, "patch", s.hive, "--in-place", "--noninteractive", "4096")
		require.NoError(t, os.Chmod(s.hive, 0o666))
		require.NoError(t, os.Chmod(s.path, 0o755))
		r := programAs(t, 65534, "patch", s.hive, "--in-place", "--noninteractive", "4096")
		s.requireRefused(t, r, exitFailed)
		require.Regexp(t, `^hivepatch: the journal of .*: permission denied\nhivepatch: hint: .*; --journal FILE names a file for it elsewhere\n$`, r.stderr)
	})
	t.Run("read-only mount: an error before the hive is read, and a hint", func(t *testing.T) {
		s := newSafe(t, volumes.Ext4(t, 4<<20))
		require.NoError(t, os.Remove(s.file("lost+found")))
		require.NoError(t, os.WriteFile(s.file("broken"), []byte("no hive"), 0o666))
		s.files["broken"] = []byte("no hive")
		volumes.Remount(t, s.path, true)
		defer volumes.Remount(t, s.path, false)
		elsewhere := filepath.Join(t.TempDir(), "backup")
		for _, args := range [][]string{
			{"patch", s.hive, "--in-place"}, {"patch", s.hive, "--in-place", "--backup", elsewhere}, {"patch", s.hive, "-o", s.file("new")},
			{"patch", s.file("broken"), "--in-place"}, {"patch", s.file("broken"), "-o", s.file("new")}, // which is not even read
			{"set", s.hive, "Select", "Current", "2", "--in-place"}, {"compact", s.hive, "--in-place"}, {"new", "-o", s.file("new")},
		} {
			r := program(args...)
			require.Equal(t, exitFailed, r.code, "%q", args)
			require.Empty(t, r.stdout)
			require.Regexp(t, `^hivepatch: (output folder: )?the volume is mounted read-only: write .*: read-only file system\nhivepatch: hint: .*mount -o remount,rw .*\n$`, r.stderr)
			s.requireUntouched(t)
		}
		require.NoFileExists(t, elsewhere)
		require.Equal(t, exitDone, program("patch", s.hive, "-o", elsewhere).code)
	})
}

// traceOfPatch has the hive patched in place and returns the system calls that
// touch files.
func traceOfPatch(t *testing.T, s safe) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	self, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), programName)
	require.NoError(t, os.Symlink(self, link))
	trace := filepath.Join(t.TempDir(), "trace")
	command := exec.Command(strace, "-f", "-qq", "-o", trace, "-e", "trace=openat,flock,fsync,renameat", "-e", "signal=none", link, "patch", s.hive, "--in-place")
	command.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1") // lines that no other thread divides
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	text, err := os.ReadFile(trace)
	require.NoError(t, err)
	return string(text)
}

// folderForAll makes a folder to which every user has a way.
func folderForAll(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hivepatch-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777))
	return dir
}

// requireDenied requires that a user who may not is told so and how to go on,
// and that nothing was touched.
func (s safe) requireDenied(t *testing.T, args ...string) {
	t.Helper()
	const nobody = 65534
	before, err := os.Stat(s.hive)
	require.NoError(t, err)
	r := programAs(t, nobody, args...)
	s.requireRefused(t, r, exitFailed)
	require.Regexp(t, `: permission denied\nhivepatch: hint: run it as root or whoever may write there; -o .*\n$`, r.stderr)
	after, err := os.Stat(s.hive)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	require.Equal(t, before.ModTime(), after.ModTime())
}

// requireAlone is requireUntouched beside one other file.
func (s safe) requireAlone(t *testing.T, other string) {
	t.Helper()
	data, err := os.ReadFile(s.file(other))
	require.NoError(t, err)
	with := safe{folder{s.path, map[string][]byte{"SYSTEM": s.files["SYSTEM"], other: data}}, s.hive}
	with.requireUntouched(t)
}

// fillUp writes a file until the disk is full.
func fillUp(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
	}
}
