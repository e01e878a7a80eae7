package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"hivepatch/hive/hivefile"
)

// newTestEnvironment is an environment in which the program prints to stdout and
// stderr, and nothing is on standard input.
func newTestEnvironment(stdout *whenWritten) (env *environment, stderr *bytes.Buffer) {
	stderr = &bytes.Buffer{}
	return &environment{
		stdin: strings.NewReader(""), stdout: stdout, stderr: stderr,
		getenv: func(string) string { return "" }, now: time.Now,
	}, stderr
}

// A target that waits for its hive holds up no other, and results come in the
// order of finishing.
func TestBatchAtOnce(t *testing.T) {
	f := newFolder(t, map[string][]byte{"a": nt4Hive(), "b": nt4Hive()})
	t.Chdir(f.path)
	lock, err := hivefile.LockHive(context.Background(), "a", 0)
	require.NoError(t, err)
	defer lock.Release()
	stdout := &whenWritten{do: lock.Release}
	env, stderr := newTestEnvironment(stdout)
	require.Zero(t, run(env, []string{"patch", "a", "b", "--in-place", "--jobs", "2", "--wait", "20", "--json"}), stderr)
	lines := readTargetLines(t, stdout.String())
	require.Len(t, lines, 2)
	require.Equal(t, []string{"b", "a"}, []string{lines[0].Target, lines[1].Target})

	// One job does one after the other: nobody lets go of the lock.
	again, err := hivefile.LockHive(context.Background(), "a", 0)
	require.NoError(t, err)
	defer again.Release()
	r := program("patch", "a", "b", "--in-place", "--jobs", "1", "--wait", "0", "--fail-fast", "--noninteractive", "600")
	require.Equal(t, exitRefused, r.code)
	require.Contains(t, r.stderr, "0 of 2 targets done, 1 failed, 1 not started")
}

// A fault of the program in the work on one target is that of one target.
func TestBatchFault(t *testing.T) {
	f := newFolder(t, map[string][]byte{"a": nt4Hive(), "b": nt4Hive(), "c": nt4Hive()})
	t.Chdir(f.path)
	batch := patchBatch()
	work, err := batch.begin(nil, nil)
	require.NoError(t, err)
	act := work.act
	work.act = func(env *environment, c *cli.Context) error {
		if c.Args().First() == "b" {
			panic("a fault for the test")
		}
		return act(env, c)
	}
	env, stderr := newTestEnvironment(&whenWritten{})
	app := newApp(env)
	app.Command("patch").Action = func(c *cli.Context) error { return batch.run(env, c) }
	words, err := arrange(app, []string{"patch", "a", "b", "c", "--in-place", "--report", "r"})
	require.NoError(t, err)
	require.EqualError(t, invoke(env, app, words), "2 of 3 targets done, 1 failed")
	require.Contains(t, stderr.String(), "hivepatch: b: internal error: a fault for the test\n")
	require.Len(t, readReceipts(t, compileSchema(t, "receipt"), "r"), 3)
	for name, patched := range map[string]bool{"a": true, "b": false, "c": true} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, patched, !bytes.Equal(nt4Hive(), data))
	}
}

// Messages are labelled with the target unless they name it, however short its
// name is.
func TestBatchLabels(t *testing.T) {
	for name, c := range map[string]struct{ message, name, want string }{
		"no name":        {"hivepatch: hive is dirty\n", "d/a", "hivepatch: d/a: hive is dirty\n"},
		"name":           {"hivepatch: d/a: not a registry hive\n", "d/a", "hivepatch: d/a: not a registry hive\n"},
		"name within":    {"hivepatch: open d/a: no such file\n", "d/a", "hivepatch: open d/a: no such file\n"},
		"name and verb":  {"hivepatch: d/a is in use\n", "d/a", "hivepatch: d/a is in use\n"},
		"file in it":     {"hivepatch: win/SYSTEM: damaged\n", "win", "hivepatch: win/SYSTEM: damaged\n"},
		"file in a root": {"hivepatch: win/SYSTEM: damaged\n", "win/", "hivepatch: win/SYSTEM: damaged\n"},
		"in an image":    {"hivepatch: disk, partition 1: dirty\n", "disk", "hivepatch: disk, partition 1: dirty\n"},
		"letter":         {"hivepatch: not a hive: bad\n", "b", "hivepatch: b: not a hive: bad\n"},
		"word":           {"hivepatch: not a hive\n", "a", "hivepatch: a: not a hive\n"},
		"longer name":    {"hivepatch: d/ab: bad\n", "d/a", "hivepatch: d/a: d/ab: bad\n"},
		"no message":     {"  0x20 what was found\n", "a", "  0x20 what was found\n"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, string(labelled([]byte(c.message), c.name)))
		})
	}
}

// The exit code is 0 only where all is done, whatever the reason is, and else says
// what is gravest. That of wrong usage is not for a batch in which something was
// begun.
func TestBatchExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		codes []int
		total int
		want  int
	}{
		"all done":               {[]int{exitDone, exitDone}, 2, exitDone},
		"the first failed":       {[]int{exitFailed, exitDone}, 2, exitFailed},
		"the last failed":        {[]int{exitDone, exitFailed}, 2, exitFailed},
		"not begun":              {[]int{exitDone}, 2, exitFailed},
		"refused, not begun":     {[]int{exitRefused}, 2, exitRefused},
		"usage":                  {[]int{exitUsage, exitDone}, 2, exitFailed},
		"findings":               {[]int{exitDone, exitFindings}, 2, exitFindings},
		"findings, then refused": {[]int{exitFindings, exitRefused}, 2, exitRefused},
		"refused, then findings": {[]int{exitRefused, exitFindings}, 2, exitRefused},
		"all kinds":              {[]int{exitRefused, exitFailed, exitFindings}, 3, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			env, _ := newTestEnvironment(&whenWritten{})
			results := newBatchResults(env, reportOptions{json: true}, c.total)
			for _, code := range c.codes {
				require.True(t, results.add(&targetResult{code: code}))
			}
			for range c.total - len(c.codes) {
				results.notStarted(listedTarget{})
			}
			require.Equal(t, c.want, exitCode(results.end()))
		})
	}
}
