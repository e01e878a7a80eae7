package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// result is what became of one run of the program.
type result struct {
	code           int
	stdout, stderr string
}

// program runs the program in this process, without anything on standard input.
func program(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(&environment{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" },
		now:    func() time.Time { return time.Unix(1e9, 0) },
	}, args)
	return result{code, stdout.String(), stderr.String()}
}

// errorLines are the lines of standard error that are the error itself: neither
// a hint nor a finding.
func (r result) errorLines() []string {
	var lines []string
	for line := range strings.Lines(r.stderr) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "hivepatch: ") && !strings.HasPrefix(line, "hivepatch: hint: ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// folder is a folder with files, of which tests can say that nothing happened
// to them.
type folder struct {
	path  string
	files map[string][]byte
}

func newFolder(t *testing.T, files map[string][]byte) folder {
	f := folder{t.TempDir(), files}
	for name, data := range files {
		if data != nil {
			require.NoError(t, os.WriteFile(f.file(name), data, 0o666))
		}
	}
	return f
}

func (f folder) file(name string) string { return filepath.Join(f.path, name) }

// requireUntouched requires that the folder has its files as they were, and no
// other.
func (f folder) requireUntouched(t *testing.T) {
	entries, err := os.ReadDir(f.path)
	require.NoError(t, err)
	for _, entry := range entries {
		want, ok := f.files[entry.Name()]
		require.True(t, ok && want != nil, "%s was left behind", entry.Name())
		got, err := os.ReadFile(f.file(entry.Name()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s was changed", entry.Name())
	}
	present := 0
	for _, data := range f.files {
		if data != nil {
			present++
		}
	}
	require.Len(t, entries, present)
}

// requireRefused requires one clear line, no result, and a folder as before.
func (f folder) requireRefused(t *testing.T, r result, code int) {
	require.Equal(t, code, r.code, "%s", r.stderr)
	require.Empty(t, r.stdout)
	require.Len(t, r.errorLines(), 1, "%s", r.stderr)
	require.NotRegexp(t, `\.$`, r.errorLines()[0])
	f.requireUntouched(t)
}

// mutations are hives with one fault each: all, or with -short one in eight,
// since the race detector would take minutes for what goes on one after the other.
func mutations() []hivetest.Mutation {
	all := hivetest.Mutations()
	if !testing.Short() {
		return all
	}
	var some []hivetest.Mutation
	for eight := range slices.Chunk(all, 8) {
		some = append(some, eight[0])
	}
	return some
}

// Every hive that breaks a rule of level F is refused with what it breaks, or is
// no hive at all; nothing else stands in the way.
func TestPatchMutations(t *testing.T) {
	t.Parallel()
	noHive := []string{
		"file-empty", "file-of-100-bytes", "file-of-text", "file-of-zeros", "file-is-a-new-log", "file-is-an-old-log",
		"major-version-2", "major-version-0", "minor-version-7", "format-0", "type-of-an-old-log", "type-of-a-new-log",
	}
	dirty := []string{"signature-wrong", "checksum-wrong", "checksum-of-other-bytes", "sequence-numbers-differ"}
	// A class name that cannot be read, or counts of references that are too
	// high, are of level L or W here.
	lesser := []string{"class-beyond-bins", "parent-beyond-bins", "reference-count-too-high"}
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": mutation.Build().Data})
			r := program("patch", f.file("SYSTEM"), "-o", f.file("new"), "--noninteractive", "512")
			switch {
			case slices.Contains(noHive, mutation.Name):
				f.requireRefused(t, r, exitFailed)
				require.Regexp(t, `not a registry hive: .*\d`, r.stderr)
			case slices.Contains(dirty, mutation.Name):
				f.requireRefused(t, r, exitRefused)
				require.Contains(t, r.stderr, "hive is dirty and cannot be recovered from its logs: the ")
				require.Contains(t, r.stderr, "--ignore-logs")
			case mutation.Base().Minor() == 6:
				f.requireRefused(t, r, exitRefused)
				require.Contains(t, r.stderr, "hives of this version are read-only: 1.6")
			case strings.Trim(mutation.Levels, "F") == "":
				f.requireRefused(t, r, exitRefused)
				require.Regexp(t, `(?m)^F [a-z0-9-]+ at 0x[0-9a-f]+`, r.stderr)
				require.Contains(t, r.stderr, "the hive is damaged in ")
				require.Contains(t, r.stderr, "hint: --allow-damage ")
			case !strings.Contains(mutation.Levels, "F") || slices.Contains(lesser, mutation.Name):
				require.Zero(t, r.code, "%s", r.stderr)
				require.FileExists(t, f.file("new"))
			default:
				t.Fatalf("no expectation for levels %s: exit code %d\n%s", mutation.Levels, r.code, r.stderr)
			}
		})
	}
}

// check finds what patch refuses, and show never fails on a hive that opens.
func TestReadMutations(t *testing.T) {
	t.Parallel()
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": mutation.Build().Data})
			patched := program("patch", f.file("SYSTEM"), "--dry-run", "--noninteractive", "512")
			checked := program("check", f.file("SYSTEM"))
			switch {
			case mutation.Name == "signature-wrong":
				// Logs could mend it; without them it is no hive.
				f.requireRefused(t, checked, exitFailed)
			case patched.code == exitRefused:
				require.Equal(t, exitFindings, checked.code, checked.stdout)
				require.Empty(t, checked.stderr)
				require.Regexp(t, `(?m)^F `, checked.stdout)
			case patched.code == exitFailed:
				f.requireRefused(t, checked, exitFailed)
			default:
				require.Contains(t, []int{exitDone, exitFindings}, checked.code)
				require.NotRegexp(t, `(?m)^F `, checked.stdout)
			}
			shown := program("show", f.file("SYSTEM"))
			require.Contains(t, []int{exitDone, exitFailed}, shown.code)
			if shown.code == exitFailed {
				f.requireRefused(t, shown, exitFailed)
			}
			recovered := program("recover", f.file("SYSTEM"), "--dry-run")
			require.Equal(t, patched.code, recovered.code, recovered.stderr)
			f.requireUntouched(t)
		})
	}
}

// What is wrong with Select, the control sets or the value.
func TestPatchFaults(t *testing.T) {
	t.Parallel()
	type expectation struct {
		code int
		text string // in the error, or in what is printed where there is none
		hint string
	}
	const controlSet, repair, force = "--control-set NUMBER", "--repair", "--force"
	wants := map[string]expectation{
		"select-missing":                          {exitRefused, `key Select: not found`, controlSet},
		"select-empty":                            {exitRefused, `value Current of key Select: not found`, controlSet},
		"select-current-missing":                  {exitRefused, `value Current of key Select: not found`, controlSet},
		"select-default-missing":                  {exitRefused, `value Default of key Select: not found`, controlSet},
		"select-current-is-text":                  {exitRefused, "REG_SZ of 4 bytes, want REG_DWORD of 4", controlSet},
		"select-current-of-2-bytes":               {exitRefused, "REG_DWORD of 2 bytes, want REG_DWORD of 4", controlSet},
		"select-current-is-binary":                {exitRefused, "REG_BINARY of 4 bytes, want REG_DWORD of 4", controlSet},
		"select-current-0":                        {exitRefused, "Current and Default are 0", controlSet},
		"select-current-1000":                     {exitRefused, "Current is 1000, but there is no such control set", controlSet},
		"control-set-absent":                      {exitRefused, "Current is 7, but there is no such control set", controlSet},
		"current-control-set-is-real":             {exitDone, "a real key named CurrentControlSet", ""},
		"subsystems-key-absent":                   {exitFailed, "not found", ""},
		"value-absent":                            {exitFailed, `value Windows of key`, ""},
		"value-is-sz":                             {exitRefused, "REG_SZ instead of REG_EXPAND_SZ", repair},
		"value-is-multi-sz":                       {exitRefused, "REG_MULTI_SZ, want REG_EXPAND_SZ", ""},
		"value-empty":                             {exitRefused, `not a command line of csrss.exe: ""`, ""},
		"value-without-nul":                       {exitDone, "20480,512", ""},
		"value-with-three-nuls":                   {exitDone, "20480,512", ""},
		"value-of-odd-length":                     {exitDone, "20480,512", ""},
		"token-absent":                            {exitRefused, "no SharedSection token", ""},
		"token-after-server-dll":                  {exitRefused, "ServerDll before SharedSection", force},
		"token-behind-600-characters":             {exitRefused, "win32k reads only 606", force},
		"token-twice":                             {exitRefused, "2 SharedSection tokens", ""},
		"token-with-blank-after-first-comma":      {exitRefused, "blank", repair},
		"token-with-blank-after-second-comma":     {exitRefused, "blank", repair},
		"token-with-blank-before-equals":          {exitRefused, "blank", repair},
		"token-with-one-number":                   {exitRefused, "it needs an interactive size", repair},
		"token-with-one-number-and-comma":         {exitRefused, "it needs an interactive size", repair},
		"token-without-text":                      {exitRefused, "it needs an interactive size", repair},
		"token-without-equals":                    {exitRefused, "has no numbers", ""},
		"token-with-empty-second":                 {exitDone, "1024,,512", ""},
		"token-with-empty-third":                  {exitDone, "20480,512", ""},
		"token-in-lower-case":                     {exitRefused, "win32k finds only", repair},
		"token-with-small-third":                  {exitDone, "20480,512", ""},
		"token-with-small-second":                 {exitDone, "interactive heap of 256 KB: Windows takes 512", ""},
		"token-in-hex":                            {exitDone, "0x400,0x5000,512", ""},
		"token-of-46-characters":                  {exitRefused, "Windows reads only 32", force},
		"token-of-33-characters":                  {exitRefused, "wrap", force},
		"token-with-trailing-text":                {exitDone, "20480KB,512", ""},
		"token-with-thousands-separators":         {exitDone, "5 numbers", ""},
		"token-with-four-numbers":                 {exitDone, "4 numbers", ""},
		"token-in-quotes":                         {exitRefused, "quotes", repair},
		"token-with-semicolons":                   {exitRefused, "only commas separate numbers", repair},
		"token-with-first-0":                      {exitRefused, "the shared section has no size", force},
		"token-with-negative-second":              {exitRefused, "wrap", force},
		"tail-windows-on":                         {exitRefused, `Windows has no "="`, force},
		"tail-max-request-threads-without-number": {exitDone, "MaxRequestThreads", ""},
		"tail-unknown-last-token":                 {exitRefused, `unknown token "foo"`, force},
		"tail-of-windows-7":                       {exitDone, "20480,512", ""},
		"head-expanded":                           {exitRefused, "has replaced %SystemRoot%", force},
		"head-lost":                               {exitRefused, "not a command line of csrss.exe", ""},
	}
	for _, fault := range hivetest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			want, ok := wants[fault.Name]
			require.True(t, ok, "no expectation")
			f := newFolder(t, map[string][]byte{"SYSTEM": fault.Hive().Build().Data})
			r := program("patch", f.file("SYSTEM"), "-o", f.file("new"), "--noninteractive", "512")
			require.Contains(t, r.stdout+r.stderr, want.text)
			if want.code == exitDone {
				require.Zero(t, r.code, "%s", r.stderr)
				require.FileExists(t, f.file("new"))
				return
			}
			f.requireRefused(t, r, want.code)
			require.Equal(t, want.hint != "", strings.Contains(r.stderr, "hivepatch: hint: "), "%s", r.stderr)
			require.Contains(t, r.stderr, want.hint)
		})
	}
}

// A dirty hive is patched where its logs allow it, and otherwise refused.
func TestPatchLogCases(t *testing.T) {
	t.Parallel()
	for _, c := range hivetest.LogCases() {
		t.Run(c.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": c.Primary, "SYSTEM.LOG1": c.Log1, "SYSTEM.LOG2": c.Log2})
			r := program("patch", f.file("SYSTEM"), "-o", f.file("new"), "--noninteractive", "512")
			shown := program("show", f.file("SYSTEM"))
			require.Zero(t, shown.code, shown.stderr)
			switch {
			case c.Outcome == hivetest.Recovers:
				require.Zero(t, r.code, "%s", r.stderr)
				require.Contains(t, r.stdout, fmt.Sprintf("replayed:   %s from", plural(max(1, len(c.Applied)), "entry", "entries")))
			case c.Outcome == hivetest.Clean:
				require.Zero(t, r.code, "%s", r.stderr)
				require.NotContains(t, r.stdout, "replayed:")
			case r.code == exitDone:
				// The planner knows what it does; see its own tests.
				require.Contains(t, r.stdout, "replayed:")
			default:
				f.requireRefused(t, r, exitRefused)
				require.Contains(t, r.stderr, "hint: --log FILE")
				require.Contains(t, shown.stdout, "DIRTY and not recovered")
				ignoring := program("patch", f.file("SYSTEM"), "-o", f.file("new"), "--noninteractive", "512", "--ignore-logs")
				if strings.HasPrefix(c.Name, "old-log-") {
					// Half of the write is in the hive, which is damage of its own.
					f.requireRefused(t, ignoring, exitRefused)
					require.Contains(t, ignoring.stderr, "the hive is damaged in 1 place")
					return
				}
				require.Zero(t, ignoring.code, "%s", ignoring.stderr)
				require.Contains(t, ignoring.stderr, "is lost")
			}
		})
	}
}

// No hive is damaged so that the program stops without an answer.
func TestInternalErrorIsNoUsageError(t *testing.T) {
	var stderr bytes.Buffer
	code := run(&environment{stdout: io.Discard, stderr: &stderr, getenv: func(string) string { panic("no environment") }},
		[]string{"patch", "SYSTEM", "--dry-run"})
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr.String(), "hivepatch: internal error: no environment\n")
}
