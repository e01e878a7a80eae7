package hivefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	// saverVariable makes this test program save a file and exit: see TestMain.
	saverVariable = "HIVEPATCH_TEST_SAVER"
	// requireVariable forbids to skip tests for want of other programs.
	requireVariable = "HIVEPATCH_REQUIRE_PEERS"
	// startMark is a path that is looked up before the first system call that
	// is to fail, so that it can be found in a trace.
	startMark = "/hivepatch-test-start"
)

// TestMain turns the test program into one that reads the file of its first
// argument and saves newBytes as that of its second, when saverVariable names
// the way. A third argument puts the mark before the reading.
func TestMain(m *testing.M) {
	if way := os.Getenv(saverVariable); way != "" {
		if err := runSaver(way, os.Args[1], os.Args[2], len(os.Args) > 3); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	m.Run()
}

func runSaver(way, input, path string, reading bool) error {
	runtime.LockOSThread() // the system calls are counted for each thread
	if reading {
		_ = unix.Access(startMark, unix.F_OK)
	}
	source, err := ReadFile(input)
	if err != nil {
		return err
	}
	if !reading {
		_ = unix.Access(startMark, unix.F_OK)
	}
	out, err := newOutput(path, SaveOptions{Overwrite: true, Perm: 0o640, Inputs: []*Source{source}})
	if err != nil {
		return err
	}
	dir, err := os.Open(out.folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return ways[way](folder{output: out, dir: dir}, newBytes)
}

// traced are the system calls that touch files, in the spelling of strace: the
// question mark is for those that some architectures lack.
var traced = []string{
	"?access", "?faccessat", "?faccessat2", "?open", "openat", "?stat", "?lstat", "?newfstatat", "fstat", "?fstat64", "?fstatat64", "?statx",
	"read", "fallocate", "write", "pwrite64", "fchmod", "fsync", "fdatasync", "close",
	"linkat", "?rename", "?renameat", "renameat2", "unlinkat",
}

// saver runs the program of runSaver under strace.
type saver struct {
	way     string
	dir     string
	reading bool // let calls of reading fail as well
}

type outcome struct {
	exit  int // -1 when killed
	text  string
	trace string
}

// run runs the program once, with the faults to inject.
func (s saver) run(t *testing.T, inject ...string) outcome {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	arguments := []string{"-f", "-qq", "-o", trace, "-e", "trace=" + strings.Join(traced, ",")}
	for _, fault := range inject {
		arguments = append(arguments, "-e", "inject="+fault)
	}
	program, err := os.Executable()
	require.NoError(t, err)
	arguments = append(arguments, program, filepath.Join(s.dir, "SYSTEM"), filepath.Join(s.dir, "SYSTEM.new"))
	if s.reading {
		arguments = append(arguments, "reading")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "strace", arguments...)
	command.Env = append(os.Environ(), saverVariable+"="+s.way, "GODEBUG=asyncpreemptoff=1", "GOGC=off", "GOMAXPROCS=1")
	text, err := command.CombinedOutput()
	require.NoError(t, ctx.Err(), "%s", text)
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(t, err)
	}
	log, err := os.ReadFile(trace)
	require.NoError(t, err, "%s", text)
	// Killed by the signal of its child, as strace passes it on.
	exit := command.ProcessState.ExitCode()
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exit = -1
	}
	return outcome{exit: exit, text: string(text), trace: string(log)}
}

// call is one system call of the saving thread: its name and its number among
// those of the same name.
type call struct {
	name   string
	number int
}

var traceLine = regexp.MustCompile(`^(\d+) +(\w+)\(`)

// calls returns the calls after startMark, in order.
func calls(t *testing.T, trace string) []call {
	t.Helper()
	mark := regexp.MustCompile(`(?m)^(\d+) .*` + startMark).FindStringSubmatch(trace)
	require.NotNil(t, mark, "%s", trace)
	thread := mark[1]
	number := map[string]int{}
	started := false
	var found []call
	for line := range strings.Lines(trace) {
		match := traceLine.FindStringSubmatch(line)
		if match == nil || match[1] != thread {
			continue
		}
		number[match[2]]++
		if strings.Contains(line, startMark) {
			started = true
		} else if started {
			found = append(found, call{match[2], number[match[2]]})
		}
	}
	return found
}

func requireStrace(t *testing.T) {
	t.Helper()
	output, err := exec.Command("strace", "-f", "-qq", "-o", os.DevNull, "-e", "inject=fsync:error=EIO:when=1000", "true").CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv(requireVariable) == "1" {
		t.Fatalf("strace does not work: %v: %s", err, output)
	}
	t.Skipf("strace is missing or may not trace here: %v: %s", err, output)
}

// fill puts the folder into the state before saving.
func (s saver) fill(t *testing.T, replace bool) {
	t.Helper()
	require.NoError(t, os.RemoveAll(s.dir))
	require.NoError(t, os.Mkdir(s.dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "SYSTEM"), inputBytes, 0o644))
	if replace {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "SYSTEM.new"), oldBytes, 0o644))
	}
}

var inputBytes = bytes.Repeat([]byte("regf"), 5000)

// verdict is what is found in the folder after saving.
type verdict struct {
	output    string   // "none", "old", "new", "empty" or "broken"
	temporary []string // names
}

func (s saver) verdict(t *testing.T) verdict {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	found := verdict{output: "none"}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(s.dir, entry.Name()))
		require.NoError(t, err)
		switch name := entry.Name(); {
		case name == "SYSTEM":
			require.True(t, bytes.Equal(inputBytes, data), "the input has changed")
		case name != "SYSTEM.new":
			found.temporary = append(found.temporary, name)
		case bytes.Equal(data, oldBytes):
			found.output = "old"
		case bytes.Equal(data, newBytes):
			found.output = "new"
		case len(data) == 0:
			found.output = "empty"
		default:
			found.output = "broken"
		}
	}
	return found
}

func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// TestFaults lets every system call of reading and saving fail, and kills the
// program at every one. Whatever happens, the output is the old one (or none)
// or the new one, and the input is untouched; a failure leaves nothing else.
func TestFaults(t *testing.T) {
	if raceDetector() {
		t.Skip("hundreds of processes that do one thing at a time: runs without the race detector only")
	}
	requireStrace(t)
	for _, test := range []struct {
		way     string
		replace bool
		reading bool
	}{
		{"best", false, true}, {"best", true, false}, {"named", false, false}, {"named", true, false},
	} {
		name := test.way + " new"
		before := "none"
		if test.replace {
			name, before = test.way+" replaced", "old"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := saver{way: test.way, dir: filepath.Join(t.TempDir(), "files"), reading: test.reading}
			s.fill(t, test.replace)
			clean := s.run(t)
			require.Zero(t, clean.exit, clean.text)
			require.Equal(t, verdict{output: "new"}, s.verdict(t))
			all := calls(t, clean.trace)
			requireSaves(t, all, test.way, test.replace)
			for _, at := range all {
				for _, fault := range []string{"error=EIO", "error=ENOSPC", "error=EINTR", "signal=KILL"} {
					if fault == "error=ENOSPC" && !takesRoom[at.name] {
						continue
					}
					s.fill(t, test.replace)
					got := s.runAt(t, at, fault)
					s.judge(t, at, fault, before, got)
					s.judgeNamed(t, all, at, fault, got)
					if t.Failed() {
						return
					}
				}
			}
		})
	}
}

// takesRoom are the calls that can fail for want of room.
var takesRoom = map[string]bool{
	"openat": true, "fallocate": true, "write": true, "fsync": true, "linkat": true, "renameat": true, "renameat2": true,
}

// requireSaves makes sure that the trace has the calls that matter.
func requireSaves(t *testing.T, all []call, way string, replace bool) {
	t.Helper()
	count := map[string]int{}
	for _, at := range all {
		count[at.name]++
	}
	// What does not fill a unit of the disk comes in a write of its own.
	want := map[string]int{"fallocate": 1, "write": 2, "fchmod": 1, "fsync": 2, "renameat2": 1}
	if way == "best" {
		want["linkat"] = 1
		delete(want, "renameat2")
	}
	if replace {
		want["renameat"] = 1
		delete(want, "renameat2")
	}
	for _, name := range []string{"fallocate", "write", "fchmod", "fsync", "linkat", "renameat", "renameat2", "unlinkat"} {
		require.Equal(t, want[name], count[name], "%s in %v", name, all)
	}
}

// runAt injects one fault at the call, and makes sure that it struck there: the
// scheduler may have moved the program to a thread with other numbers.
func (s saver) runAt(t *testing.T, at call, fault string) outcome {
	t.Helper()
	var got outcome
	for range 5 {
		got = s.run(t, fmt.Sprintf("%s:%s:when=%d", at.name, fault, at.number))
		struck := false
		for _, call := range calls(t, got.trace) {
			struck = struck || call == at
		}
		if fault != "signal=KILL" {
			struck = struck && strings.Count(got.trace, "(INJECTED)") >= 1
		}
		if struck {
			return got
		}
	}
	t.Fatalf("%s did not strike at %v:\n%s", fault, at, got.trace)
	return got
}

func (s saver) judge(t *testing.T, at call, fault, before string, got outcome) {
	t.Helper()
	found := s.verdict(t)
	message := fmt.Sprintf("%s at %s %d: exit %d, %+v, %s\n%s", fault, at.name, at.number, got.exit, found, got.text, got.trace)
	require.Contains(t, []string{before, "new"}, found.output, message)
	switch {
	case got.exit == 0:
		require.Equal(t, verdict{output: "new"}, found, message)
		require.NotEqual(t, "signal=KILL", fault, message)
	case fault == "error=EINTR":
		require.Fail(t, "an interrupted call was not repeated", message)
	case fault == "signal=KILL":
		require.Equal(t, -1, got.exit, message)
		s.judgeRest(t, found, message)
	default:
		require.Equal(t, 1, got.exit, message)
		require.Empty(t, found.temporary, message)
		require.Equal(t, 1, strings.Count(got.text, "\n"), message)
		require.Contains(t, got.text, s.dir, message)
		// The one failure after which the new file stays is said to be that.
		require.Equal(t, found.output == "new", strings.Contains(got.text, "has been replaced"), message)
	}
}

// judgeNamed looks at what only the file with a temporary name shows: until it
// is complete nobody else may read it, and closing it counts.
func (s saver) judgeNamed(t *testing.T, all []call, at call, fault string, got outcome) {
	t.Helper()
	if s.way != "named" {
		return
	}
	fsync := slices.IndexFunc(all, func(c call) bool { return c.name == "fsync" })
	closing := fsync + slices.IndexFunc(all[fsync:], func(c call) bool { return c.name == "close" })
	switch {
	case fault == "error=EIO" && at == all[closing]:
		require.Equal(t, 1, got.exit, "%s", got.trace)
	case fault == "signal=KILL" && slices.Contains([]string{"fallocate", "write", "fchmod"}, at.name):
		found, err := filepath.Glob(filepath.Join(s.dir, ".SYSTEM.new.hivepatch-*"))
		require.NoError(t, err)
		require.Len(t, found, 1)
		info, err := os.Stat(found[0])
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}
}

// judgeRest looks at what a kill has left, and saves once more.
func (s saver) judgeRest(t *testing.T, found verdict, message string) {
	t.Helper()
	if s.way == "best" && found.output == "none" {
		require.Empty(t, found.temporary, message)
	}
	require.LessOrEqual(t, len(found.temporary), 1, message)
	for _, name := range found.temporary {
		require.Regexp(t, `^\.SYSTEM\.new\.hivepatch-[A-Z2-7]{10}$`, name, message)
	}
	logs, err := FindLogs(filepath.Join(s.dir, "SYSTEM"))
	require.NoError(t, err)
	require.Empty(t, logs)
	require.NoError(t, WriteNew(filepath.Join(s.dir, "SYSTEM.new"), newBytes, SaveOptions{Overwrite: true}))
	require.Equal(t, verdict{output: "new", temporary: found.temporary}, s.verdict(t))
}

// TestRefusals plays file systems that cannot do one thing or another.
func TestRefusals(t *testing.T) {
	requireStrace(t)
	tests := []struct {
		name    string
		way     string
		replace bool
		inject  []string
		calls   []string // that the trace must have
		exit    int
		want    verdict
	}{
		{name: "nothing reserved", way: "best", inject: []string{"fallocate:error=EOPNOTSUPP"}, want: verdict{output: "new"}},
		{name: "disk full when reserving", way: "best", inject: []string{"fallocate:error=ENOSPC"}, exit: 1, want: verdict{output: "none"}},
		{name: "no modes", way: "best", inject: []string{"fchmod:error=EPERM"}, want: verdict{output: "new"}},
		{name: "folders not synced", way: "best", inject: []string{"fsync:error=EINVAL:when=2"}, want: verdict{output: "new"}},
		{name: "folders not synced, named", way: "named", replace: true, inject: []string{"fsync:error=EINVAL:when=2"}, want: verdict{output: "new"}},
		{name: "file not synced", way: "best", inject: []string{"fsync:error=EINVAL:when=1"}, exit: 1, want: verdict{output: "none"}},
		{name: "no links", way: "best", inject: []string{"linkat:error=EPERM"}, calls: []string{"linkat", "renameat2"}, want: verdict{output: "new"}},
		{name: "no links, replaced", way: "best", replace: true, inject: []string{"linkat:error=EPERM"}, calls: []string{"linkat", "renameat"}, want: verdict{output: "new"}},
		{name: "no /proc, and the other way refused", way: "best", inject: []string{"linkat:error=ENOENT"}, calls: []string{"linkat", "renameat2"}, want: verdict{output: "new"}},
		{name: "no rename that refuses to replace", way: "named", inject: []string{"renameat2:error=EINVAL"},
			calls: []string{"renameat2", "linkat", "unlinkat"}, want: verdict{output: "new"}},
		{name: "the same, and no links", way: "named", inject: []string{"renameat2:error=EINVAL", "linkat:error=EPERM"},
			calls: []string{"renameat2", "linkat", "renameat"}, want: verdict{output: "new"}},
		{name: "the same, and renaming fails", way: "named", inject: []string{"renameat2:error=EINVAL", "linkat:error=EPERM", "renameat:error=EIO"},
			exit: 1, want: verdict{output: "none"}},
		{name: "temporary link not removed at first", way: "named", inject: []string{"renameat2:error=EINVAL", "unlinkat:error=EIO:when=1"},
			exit: 1, want: verdict{output: "none"}},
		{name: "killed over the placeholder", way: "named", inject: []string{"renameat2:error=EINVAL", "linkat:error=EPERM", "renameat:signal=KILL"},
			exit: -1, want: verdict{output: "empty", temporary: []string{"one"}}},
		{name: "folder not synced", way: "best", inject: []string{"fsync:error=EIO:when=2"}, calls: []string{"linkat", "unlinkat"}, exit: 1, want: verdict{output: "none"}},
		{name: "folder not synced, replaced", way: "best", replace: true, inject: []string{"fsync:error=EIO:when=2"}, exit: 1, want: verdict{output: "new"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := saver{way: test.way, dir: filepath.Join(t.TempDir(), "files")}
			s.fill(t, test.replace)
			got := s.run(t, test.inject...)
			require.Equal(t, test.exit, got.exit, "%s\n%s", got.text, got.trace)
			for _, name := range test.calls {
				require.Contains(t, got.trace, " "+name+"(")
			}
			found := s.verdict(t)
			for i := range found.temporary {
				found.temporary[i] = "one"
			}
			require.Equal(t, test.want, found, "%s\n%s", got.text, got.trace)
			if found.output == "new" && len(found.temporary) == 0 && test.exit == 0 {
				require.Empty(t, got.text)
			}
		})
	}
	t.Run("no /proc", func(t *testing.T) {
		t.Parallel()
		s := saver{way: "best", dir: filepath.Join(t.TempDir(), "files")}
		s.fill(t, false)
		got := s.run(t, "linkat:error=ENOENT:when=1")
		require.Zero(t, got.exit, got.text)
		require.Regexp(t, `linkat\(\d+, "", .*AT_EMPTY_PATH`, got.trace)
		require.Equal(t, verdict{output: "new"}, s.verdict(t))
	})
}
