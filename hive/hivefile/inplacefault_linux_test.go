package hivefile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/hivetest/volumes"
	"hivepatch/hive/txlog"
)

// placerVariable makes TestPlacer put a hive in place, in the way and the folder
// that it names, and exit.
const placerVariable = "HIVEPATCH_TEST_PLACER"

// placedCalls are the system calls that touch files when a hive is put in place.
var placedCalls = []string{
	"?access", "?faccessat", "?faccessat2", "?open", "openat", "?stat", "?lstat", "?newfstatat", "fstat", "?fstat64", "?fstatat64", "?statx", "fstatfs",
	"read", "pread64", "getdents64", "fallocate", "write", "pwrite64", "ftruncate", "fchmod", "fchown", "utimensat", "fsync", "close", "flock",
	"fgetxattr", "fsetxattr", "flistxattr", "linkat", "?rename", "?renameat", "renameat2", "unlinkat",
}

// TestPlacer is the program that the tests of faults run.
func TestPlacer(t *testing.T) {
	way, dir, ok := strings.Cut(os.Getenv(placerVariable), ":")
	if !ok {
		t.Skip("run by the tests of faults")
	}
	runtime.LockOSThread() // the system calls are counted for each thread
	if err := placeOnce(t, way, filepath.Join(dir, "SYSTEM")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func placeOnce(t *testing.T, way, path string) error {
	if way == "restore" {
		_ = unix.Access(startMark, unix.F_OK)
		_, err := Restore(context.Background(), path, RestoreOptions{Time: restoreTime})
		return err
	}
	file := loadEdited(t, path, placedSize)
	_ = unix.Access(startMark, unix.F_OK)
	_, err := saveBy(file, InPlaceOptions{Time: placeTime}, placings[way])
	return err
}

// placedSize is the size of the value that is put into the hive, in bytes: with
// it the hive grows.
const placedSize = 9000

// placer runs TestPlacer under strace.
type placer struct {
	way      string
	dir      string
	old, new []byte
	half     bool // the hive is half written at first
}

func (p placer) run(t *testing.T, inject ...string) outcome {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	arguments := []string{"-f", "-qq", "-o", trace, "-e", "trace=" + strings.Join(placedCalls, ",")}
	for _, fault := range inject {
		arguments = append(arguments, "-e", "inject="+fault)
	}
	program, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "strace", append(arguments, program, "-test.run=^TestPlacer$")...)
	command.Env = append(os.Environ(), placerVariable+"="+p.way+":"+p.dir, "GODEBUG=asyncpreemptoff=1", "GOGC=off", "GOMAXPROCS=1")
	text, _ := command.CombinedOutput()
	require.NoError(t, ctx.Err(), "%s", text)
	log, err := os.ReadFile(trace)
	require.NoError(t, err, "%s", text)
	exit := command.ProcessState.ExitCode()
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit = -1
	}
	return outcome{exit: exit, text: string(text), trace: string(log)}
}

// fill makes the folder what it is before.
func (p placer) fill(t *testing.T) {
	t.Helper()
	require.NoError(t, os.RemoveAll(p.dir))
	require.NoError(t, os.Mkdir(p.dir, 0o755))
	path := filepath.Join(p.dir, "SYSTEM")
	require.NoError(t, os.WriteFile(path, p.old, 0o640))
	if p.half {
		interruptPages(t, path, p.new)
	}
}

// states of a hive after a save that may have been interrupted.
const (
	stateOld     = "old"
	stateLonger  = "old, with pages behind its end"
	stateNew     = "new"
	stateHalf    = "half written"
	stateMissing = "missing"
)

func (p placer) state(t *testing.T) string {
	t.Helper()
	path := filepath.Join(p.dir, "SYSTEM")
	data, err := os.ReadFile(path)
	switch {
	case os.IsNotExist(err):
		return stateMissing
	case err != nil:
		require.NoError(t, err)
	case bytes.Equal(data, p.old):
		return stateOld
	case bytes.Equal(data, p.new):
		return stateNew
	case RequireWhole(path, data) != nil:
		return stateHalf
	case len(data) > len(p.old) && bytes.Equal(data[:len(p.old)], p.old):
		state, err := txlog.Examine(data)
		require.NoError(t, err)
		require.False(t, state.Dirty())
		check.Bytes(data, func(f check.Finding) {
			require.Greater(t, f.Level, check.Limited, "%s", f)
		})
		return stateLonger
	}
	return "broken"
}

var leftover = regexp.MustCompile(`^\.SYSTEM(\.20260131T120000Z\.bak)?\.hivepatch-[A-Z2-7]{10}$`)

// rest returns the names of what lies beside the hive. Backups are whole.
func (p placer) rest(t *testing.T) (backups, temporary []string) {
	t.Helper()
	for name, data := range folderBytes(t, p.dir) {
		switch {
		case name == "SYSTEM":
		case name == placeName:
			require.True(t, bytes.Equal(p.old, data), "the backup is not the old hive")
			backups = append(backups, name)
		case leftover.MatchString(name):
			temporary = append(temporary, name)
		default:
			require.Fail(t, "what is this?", name)
		}
	}
	return backups, temporary
}

func (p placer) runAt(t *testing.T, at call, fault string) outcome {
	t.Helper()
	var got outcome
	for range 8 {
		p.fill(t)
		if fault == forGood {
			got = p.run(t, fmt.Sprintf("%s:error=EIO:when=%d+", at.name, at.number))
		} else {
			got = p.run(t, fmt.Sprintf("%s:%s:when=%d", at.name, fault, at.number))
		}
		if struck := slices.Contains(calls(t, got.trace), at); struck && (fault == "signal=KILL" || strings.Contains(got.trace, "(INJECTED)")) {
			return got
		}
	}
	t.Fatalf("%s did not strike at %v:\n%s", fault, at, got.trace)
	return got
}

// judge looks at what a fault has left, and goes on as a user would.
func (p placer) judge(t *testing.T, at call, fault string, got outcome) {
	t.Helper()
	state := p.state(t)
	backups, temporary := p.rest(t)
	message := fmt.Sprintf("%s at %s %d: exit %d, %s, %s %s, %s\n%s", fault, at.name, at.number, got.exit, state, backups, temporary, got.text, got.trace)
	wanted := p.new // by the command
	if p.way == "restore" {
		wanted = p.old
	}
	path := filepath.Join(p.dir, "SYSTEM")
	switch {
	case got.exit == 0:
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(wanted, now), message)
		require.Empty(t, temporary, message)
		require.NotEmpty(t, backups, message)
	case fault == "error=EINTR":
		require.Fail(t, "an interrupted call was not repeated", message)
	case fault == "signal=KILL":
		require.Equal(t, -1, got.exit, message)
		require.Contains(t, []string{stateOld, stateLonger, stateNew, stateHalf}, state, message)
		require.LessOrEqual(t, len(temporary), 1, message)
	default:
		require.Equal(t, 1, got.exit, message)
		require.Equal(t, 1, strings.Count(got.text, "\n"), message)
		require.Empty(t, temporary, message)
		said := strings.Contains(got.text, "half written")
		switch {
		case strings.Contains(got.text, "has been replaced"):
			require.Equal(t, wanted, mustRead(t, path), message)
		case p.half:
			require.Contains(t, []string{stateHalf, stateOld}, state, message)
		case said:
			require.Contains(t, []string{stateHalf, stateOld, stateNew, stateLonger}, state, message)
			require.NotEmpty(t, backups, message)
		case strings.Contains(got.text, "longer than it was"):
			require.Equal(t, stateLonger, state, message)
		default:
			require.Equal(t, stateOld, state, message)
			require.Empty(t, backups, message)
		}
	}
	p.goOn(t, state, message)
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// goOn does what a user does after a fault: restore what is half written, and
// save again.
func (p placer) goOn(t *testing.T, state, message string) {
	t.Helper()
	path := filepath.Join(p.dir, "SYSTEM")
	if state == stateHalf {
		restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime, Wait: time.Minute})
		require.NoError(t, err, message)
		require.True(t, restored.Mended, message)
		require.Equal(t, stateOld, p.state(t), message)
	}
	file := loadEdited(t, path, 3)
	before := mustRead(t, path)
	placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: restoreTime, Wait: time.Minute})
	require.NoError(t, err, message)
	require.Equal(t, WayReplace, placed.Way, message)
	require.True(t, bytes.Equal(file.Hive.Bytes(), mustRead(t, path)), message)
	require.True(t, bytes.Equal(before, mustRead(t, placed.Backup)), message)
}

// TestPlaceFaults, on ext4, lets every system call of saving in place and of
// restoring fail, and kills the program at every one: what is left is the old hive, the
// new one, or one that is marked as half written and can be restored.
func TestPlaceFaults(t *testing.T) {
	if raceDetector() {
		t.Skip("hundreds of processes that do one thing at a time: runs without the race detector only")
	}
	requireStrace(t)
	volume := t.TempDir()
	if os.Geteuid() == 0 {
		volume = volumes.Ext4(t, 32<<20)
	}
	for _, way := range []string{"best", "pages", "restore"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			newPlacer(t, way, filepath.Join(volume, way)).strike(t, "error=EIO", forGood, "error=EINTR", "error=ENOSPC", "signal=KILL")
		})
	}
}

func newPlacer(t *testing.T, way, dir string) placer {
	old := hivetest.NT4().Build().Data
	return placer{way: way, dir: dir, old: old, new: saved(t, old, placedSize), half: way == "restore"}
}

// forGood is a fault from which a disk does not recover: writing fails from then
// on, so that nothing can be taken back either.
const forGood = "error=EIO+"

// writes has not write, by which the error is told.
var writes = map[string]bool{"pwrite64": true, "fsync": true, "ftruncate": true, "fallocate": true}

func (p placer) strike(t *testing.T, faults ...string) {
	p.fill(t)
	clean := p.run(t)
	require.Zero(t, clean.exit, clean.text)
	all := calls(t, clean.trace)
	p.requireCalls(t, all)
	for _, at := range all {
		for _, fault := range faults {
			switch {
			case fault == "error=ENOSPC" && !takesRoom[at.name] && at.name != "pwrite64":
				continue
			case fault == forGood && !writes[at.name]:
				continue
			}
			p.judge(t, at, fault, p.runAt(t, at, fault))
			if t.Failed() {
				return
			}
		}
	}
}

// requireCalls makes sure that the trace has the calls that matter.
func (p placer) requireCalls(t *testing.T, all []call) {
	t.Helper()
	count := map[string]int{}
	for _, at := range all {
		count[at.name]++
	}
	want := map[string]map[string]int{
		// The file, the folder with the backup, and the folder with the new hive.
		"best": {"fsync": 3, "renameat": 1, "pwrite64": 0, "flock": 2},
		// The backup and its folder twice; growth, header, pages and header.
		"pages":   {"fsync": 7, "renameat": 0, "pwrite64": 6, "flock": 1},
		"restore": {"fsync": 2, "renameat": 1, "pwrite64": 0, "flock": 2},
	}[p.way]
	for name, n := range want {
		require.Equal(t, n, count[name], "%s in %v", name, all)
	}
}
