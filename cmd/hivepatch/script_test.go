package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hivepatch/hive/hivetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){programName: main})
}

// TestScripts runs the program as a user would. Each script says at its head
// what it proves.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the program a thousand times")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SOURCE_DATE_EPOCH", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hive":     scriptHive,
			"mutate":   scriptMutate,
			"fault":    scriptFault,
			"logs":     scriptLogs,
			"exits":    scriptExits,
			"same":     scriptSame,
			"holds":    scriptHolds,
			"folder":   scriptFolder,
			"hardlink": scriptHardlink,
		},
	})
}

// samples are the hives by the names that scripts use.
func samples() map[string]func() []byte {
	build := func(hive func() hivetest.Hive) func() []byte {
		return func() []byte { return hive().Build().Data }
	}
	return map[string]func() []byte{
		"nt4":     build(hivetest.NT4),
		"win7":    build(hivetest.Windows7),
		"win10":   build(hivetest.Windows10),
		"layered": build(hivetest.Layered),
		"nt31":    build(func() hivetest.Hive { return hivetest.NT31(1) }),
		"exotic":  build(hivetest.Exotic),
	}
}

// scriptHive writes a sample: hive NAME FILE. The names win10-dirty and
// old-dirty give the logs FILE.LOG1 and FILE.LOG2 too.
func scriptHive(ts *testscript.TestScript, neg bool, args []string) {
	name, file := twoArguments(ts, neg, args, "hive NAME FILE")
	switch name {
	case "win10-dirty":
		writeDirty(ts, file, hivetest.DirtyWindows10())
	case "old-dirty":
		writeDirty(ts, file, hivetest.DirtyOld())
	default:
		sample := samples()[name]
		if sample == nil {
			ts.Fatalf("no hive %q", name)
		}
		write(ts, file, sample())
	}
}

func writeDirty(ts *testscript.TestScript, file string, dirty hivetest.DirtyHive) {
	write(ts, file, dirty.Primary)
	write(ts, file+".LOG1", dirty.Log1)
	write(ts, file+".LOG2", dirty.Log2)
	write(ts, file+".recovered", dirty.Recovered)
	ts.Check(os.MkdirAll(ts.MkAbs("expected"), 0o777))
	ts.Check(os.Rename(ts.MkAbs(file+".recovered"), ts.MkAbs("expected/recovered")))
}

// scriptMutate writes a hive with one fault of its format: mutate NAME FILE.
func scriptMutate(ts *testscript.TestScript, neg bool, args []string) {
	name, file := twoArguments(ts, neg, args, "mutate NAME FILE")
	for _, mutation := range hivetest.Mutations() {
		if mutation.Name == name {
			write(ts, file, mutation.Build().Data)
			return
		}
	}
	ts.Fatalf("no mutation %q", name)
}

// scriptFault writes a hive with one fault of Select or the value: fault NAME FILE.
func scriptFault(ts *testscript.TestScript, neg bool, args []string) {
	name, file := twoArguments(ts, neg, args, "fault NAME FILE")
	for _, fault := range hivetest.Faults() {
		if fault.Name == name {
			write(ts, file, fault.Hive().Build().Data)
			return
		}
	}
	ts.Fatalf("no fault %q", name)
}

// scriptLogs writes a hive and its logs with one fault in them: logs NAME FILE.
func scriptLogs(ts *testscript.TestScript, neg bool, args []string) {
	name, file := twoArguments(ts, neg, args, "logs NAME FILE")
	for _, c := range hivetest.LogCases() {
		if c.Name != name {
			continue
		}
		write(ts, file, c.Primary)
		if c.Log1 != nil {
			write(ts, file+".LOG1", c.Log1)
		}
		if c.Log2 != nil {
			write(ts, file+".LOG2", c.Log2)
		}
		return
	}
	ts.Fatalf("no logs %q", name)
}

// scriptExits runs a program that must end with a code: exits CODE PROGRAM ARGUMENT...
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptSame compares two files byte for byte: same FILE FILE.
func scriptSame(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	if same := ts.ReadFile(args[0]) == ts.ReadFile(args[1]); same == neg {
		ts.Fatalf("%s and %s are the same: %t", args[0], args[1], same)
	}
}

// scriptHolds looks for a text in a hive: holds FILE TEXT.
func scriptHolds(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: holds FILE TEXT")
	}
	text := hivetest.SZ(args[1])
	text = text[:len(text)-2] // without the NUL
	if holds := bytes.Contains([]byte(ts.ReadFile(args[0])), text); holds == neg {
		ts.Fatalf("%s holds %q: %t", args[0], args[1], holds)
	}
}

// scriptFolder requires that a folder has these files and no other, hidden ones
// included: folder PATH NAME...
func scriptFolder(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: folder PATH NAME...")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(names, want) {
		ts.Fatalf("folder %s has %s, want %s", args[0], strings.Join(names, " "), strings.Join(want, " "))
	}
}

// scriptHardlink gives a file one more name: hardlink FILE NAME.
func scriptHardlink(ts *testscript.TestScript, neg bool, args []string) {
	file, name := twoArguments(ts, neg, args, "hardlink FILE NAME")
	ts.Check(os.Link(ts.MkAbs(file), ts.MkAbs(name)))
}

func twoArguments(ts *testscript.TestScript, neg bool, args []string, usage string) (string, string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: %s", usage)
	}
	return args[0], args[1]
}

func write(ts *testscript.TestScript, file string, data []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(file), data, 0o666))
}
