package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// nt4Hive is a hive that a patch changes.
func nt4Hive() []byte { return hivetest.NT4().Build().Data }

// brokenLists are lists of targets that make no sense, and what is said about them.
// A and B stand for the paths of hives.
func brokenLists() map[string]struct{ text, want string } {
	return map[string]struct{ text, want string }{
		"empty":                  {"", "line 1: the list ends here and names no targets"},
		"comments only":          {"# one\n\n  \n", "line 3: the list ends here and names no targets"},
		"unknown field":          {`{"target": "A"}` + "\n" + `{"target": "B", "noninteractiv": 4096}`, `line 2, column 17: unknown field "noninteractiv"`},
		"field of the batch":     {`{"target": "A", "in_place": true}`, `line 1, column 17: unknown field "in_place"`},
		"text for a switch":      {`{"target": "A", "force": "yes"}`, "line 1, column 26: force: want true or false"},
		"fraction":               {`{"target": "A", "noninteractive": 1.5}`, "line 1, column 35: noninteractive: want a text or a whole number"},
		"negative":               {`{"target": "A", "noninteractive": -1}`, "line 1, column 35: noninteractive: want a text or a whole number"},
		"null":                   {`{"target": null}`, "line 1, column 12: target: want a text"},
		"object as a value":      {`{"target": "A", "preset": {"name": "x"}}`, "line 1, column 27: preset: want a text or a whole number"},
		"text for a list":        {`{"target": "A", "log": "x"}`, "line 1, column 24: log: want a list of texts"},
		"number in a list":       {`{"target": "A", "log": [1]}`, "line 1, column 25: log: want a text"},
		"field twice":            {`{"target": "A", "target": "B"}`, `line 1, column 17: field "target" comes twice, first at column 2`},
		"no target":              {"A\n" + ` {"force": true}`, `line 2, column 2: the field "target" is missing`},
		"empty target":           {`{"target": ""}`, "line 1, column 12: target is empty"},
		"empty setting":          {`{"target": "A", "backup": ""}`, "line 1, column 27: backup is empty"},
		"NUL in a path":          {"A\x00", "line 1, column "},
		"NUL in an object":       {`{"target": "A\u0000"}`, "line 1, column 12: target has a NUL"},
		"half a character":       {`{"target": "\ud800"}`, "line 1, column 12: an unpaired surrogate"},
		"no UTF-8":               {"{\"target\": \"A\xff\"}", "not UTF-8"},
		"UTF-16":                 {"\xff\xfeA\x00", "line 1, column 1: the list is in UTF-16, want UTF-8"},
		"object over two lines":  {"{\n\"target\": \"A\"}", "line 1, column 2: no JSON: the object does not end in its line"},
		"no comma":               {`{"target": "A" "force": true}`, "line 1, column 16: no JSON: "},
		"text behind an object":  {`{"target": "A"} B`, "text behind the object: each stands in a line of its own"},
		"target twice":           {"A\nB\nA\n", "line 3: A is there twice, first in line 1"},
		"target by another name": {"B\n./A\nA\n", "line 3: A leads to the same hive as ./A in line 2"},
		"folder with the hive":   {"D/Windows\nD\n", "line 2: D leads to the same hive as D/Windows in line 1"},
		"hard link":              {"A\nL\n", "line 2: L leads to the same hive as A in line 1"},
		"symbolic link":          {"S\nA\n", "line 2: A leads to the same hive as S in line 1"},
		"standard input":         {"A\n-\n", "line 2: standard input cannot be one of several targets"},
		"unknown preset":         {"A\n" + `{"target": "B", "force": true, "preset": "nonsense"}`, "line 2, column 32: "},
		"size too large":         {`{"target": "B", "noninteractive": 99999999999}`, "line 1, column 17: --noninteractive"},
		"settings that exclude":  {`{"target": "B", "preset": "kb142676", "interactive": 5}`, "line 1, column 39: --interactive and --preset exclude each other"},
		"unknown control set":    {"A\n" + `{"target": "B", "control_set": "zz"}`, `line 2, column 17: --control-set: unknown control set "zz"`},
		"backup and none":        {`{"target": "B", "backup": "x", "no_backup": true}`, "line 1, column 32: --backup and --no-backup exclude each other"},
	}
}

// A broken list is refused as a whole, with the line, before any of its hives is
// touched.
func TestBrokenTargetLists(t *testing.T) {
	for name, broken := range brokenLists() {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"A": nt4Hive(), "B": nt4Hive()})
			t.Chdir(f.path)
			require.NoError(t, os.MkdirAll("D/Windows/System32/config", 0o777))
			require.NoError(t, os.WriteFile("D/Windows/System32/config/SYSTEM", nt4Hive(), 0o666))
			require.NoError(t, os.Link("A", "L"))
			_ = os.Symlink("A", "S") // where that does not work, there is none
			if _, err := os.Stat("S"); err != nil && name == "symbolic link" {
				t.Skip("no symbolic links here")
			}
			list := filepath.Join(t.TempDir(), "list")
			require.NoError(t, os.WriteFile(list, []byte(broken.text), 0o666))
			r := program("patch", "--targets", list, "--in-place")
			require.Equal(t, exitUsage, r.code, r.stderr)
			require.Empty(t, r.stdout)
			require.Len(t, r.errorLines(), 1, r.stderr)
			require.Contains(t, r.errorLines()[0], broken.want)
			require.True(t, strings.HasPrefix(r.errorLines()[0], "hivepatch: "+list+": line "), r.stderr)
			for _, extra := range []string{"L", "S", "D/Windows/System32/config/SYSTEM"} {
				if data, err := os.ReadFile(extra); err == nil {
					require.Equal(t, nt4Hive(), data)
				}
			}
			require.NoError(t, os.RemoveAll("D"))
			require.NoError(t, os.Remove("L"))
			_ = os.Remove("S") // may not be there
			f.requireUntouched(t)
		})
	}
}

// What a list may look like.
func TestTargetLists(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []listedTarget
	}{
		"lines":            {"a\nb\n", []listedTarget{{path: "a", line: 1}, {path: "b", line: 2}}},
		"no end of line":   {"a\nb", []listedTarget{{path: "a", line: 1}, {path: "b", line: 2}}},
		"lines of Windows": {"\uFEFFa b\r\n\r\n# c\r\nC:\\x\r\n", []listedTarget{{path: "a b", line: 1}, {path: `C:\x`, line: 4}}},
		"blanks are kept":  {" a \n", []listedTarget{{path: " a ", line: 1}}},
		"any bytes":        {"a\xffb\n", []listedTarget{{path: "a\xffb", line: 1}}},
		"names with newlines": {`{"target":"a\nb"}` + "\r\n" + ` {"target":"é\ufffd","log":["x","y"],"ignore_logs":false,"wait":5}`, []listedTarget{
			{path: "a\nb", line: 1},
			{path: "é\ufffd", line: 2, settings: []string{"--log=x", "--log=y", "--ignore-logs=false", "--wait=5"}, columns: []int{22, 22, 38, 58}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			env := &environment{stdin: strings.NewReader(c.text)}
			list, err := readTargetList(env, standardStream, patchFlags())
			require.NoError(t, err)
			require.Equal(t, c.want, list.targets)
		})
	}
}

func FuzzTargetList(f *testing.F) {
	for _, broken := range brokenLists() {
		f.Add(broken.text)
	}
	f.Add(`{"column -1":1}`)
	flags := patchFlags()
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readTargetList(&environment{stdin: strings.NewReader(text)}, standardStream, flags)
		if err != nil {
			require.Equal(t, exitUsage, exitCode(err))
			if at, ok := errors.AsType[*listError](err); ok {
				require.GreaterOrEqual(t, at.column, 0)
			}
			return
		}
		for _, target := range list.targets {
			require.NotEmpty(t, target.path)
			require.NotContains(t, target.path, "\x00")
		}
	})
}
