package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// oddNames are names that are hard to print or to type.
var oddNames = []string{
	"a/b", "/", "/a", "a/", "a//b", `"`, `a"b`, "'", "`", "$x", "%PATH%", "a b", " a", "a ", " ", "\u00A0", ".", "..", "a.b", "*", "?",
	"\x00", "a\x00b", "\x01", "a\tb", "a\nb", "a\rb", "\x1b[31m", "\x7f", "\u0085", "\u202Ea", "\u2028", "\U000F0000", "\U000E0001",
	"\xED\xA0\x80", "a\xED\xBF\xBF", "\xED\xB0\x80\xED\xA0\x80", "😀", "ÿ", "я/я", "@", "@a", "x40", "-x", "--help", "-", "--",
	"x1f", "x5c", "x5cx1f", "ud800", "u0085a", "U000e0001", "x1f/a", "x5c/x", "ud800/x", "y1F", "x20", "Xx1f", "(Default)", "#1", "",
}

// TestListedNamesCanBeTyped: what ls prints in its last columns is taken by get
// for the same key or value, of the root as it is and of other keys behind these.
func TestListedNamesCanBeTyped(t *testing.T) {
	odd := func(keys bool) (k hivetest.Key) {
		for _, name := range oddNames {
			mark := hivetest.Value{Name: name, Type: 3, Data: []byte(name)}
			k.Values = append(k.Values, mark)
			if mark.Name = "mark"; keys && name != "" {
				k.Subkeys = append(k.Subkeys, hivetest.Key{Name: name, Values: []hivetest.Value{mark}})
			}
		}
		return k
	}
	root, below := odd(true), odd(true)
	root.Name, below.Name = "root", "below/this"
	below.Values = append(below.Values, hivetest.Value{Name: `back\slash`, Type: 3, Data: []byte(`back\slash`)}, hivetest.Value{Name: `\x1f`, Type: 3, Data: []byte(`\x1f`)}, hivetest.Value{Name: `\x40`, Type: 3, Data: []byte(`\x40`)})
	root.Subkeys = append(root.Subkeys, below)
	f := newFolder(t, map[string][]byte{"HIVE": hivetest.Hive{Minor: 5, Root: root}.Build().Data})
	get := func(arguments ...string) string {
		r := program(append([]string{"get", "--raw", f.file("HIVE"), "--"}, arguments...)...)
		require.Zero(t, r.code, "%q: %s", arguments, r.stderr)
		return r.stdout
	}
	for _, parent := range []string{"", `\below/this`} {
		seen := map[string]int{}
		r := program("ls", f.file("HIVE"), parent)
		require.Zero(t, r.code, r.stderr)
		for line := range strings.Lines(r.stdout) {
			kind, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			require.Equal(t, printable(name), name)
			switch {
			case kind != keyColumn:
				seen["value "+get(parent, name)]++
			case parent == "" && name == `\below/this`:
			case parent == "":
				seen["key "+get(name, "mark")]++
			default:
				seen["key "+get(parent+`\`+name, "mark")]++
			}
		}
		for _, name := range oddNames {
			require.Equal(t, 1, seen["value "+name], "value %q in %q", name, parent)
			if name != "" {
				require.Equal(t, 1, seen["key "+name], "key %q in %q", name, parent)
			}
		}
	}
	seen := map[string]int{}
	for line := range strings.Lines(program("ls", "-r", f.file("HIVE")).stdout) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if columns[0] == keyColumn && columns[1] != `\` && columns[1] != `\below/this` {
			seen[get(columns[1], "mark")]++
		}
	}
	for _, name := range oddNames {
		require.True(t, name == "" || seen[name] == 2, "key %q", name)
	}
	f.requireUntouched(t)
}

// TestOddNamesInReports: the list of changed bytes has names as ls prints them.
func TestOddNamesInReports(t *testing.T) {
	root := hivetest.Key{Name: "root"}
	for _, name := range []string{"q\"u", `b\x1f`, "n\x00l", "\xED\xA0\x80", "", "@", "back\\slash"} {
		root.Values = append(root.Values, hivetest.Value{Name: name, Type: 3, Data: make([]byte, 8)})
	}
	f := newFolder(t, map[string][]byte{"HIVE": hivetest.Hive{Minor: 5, Root: root}.Build().Data})
	for typed, printed := range map[string]string{
		`q"u`: `q"u`, `b\x5cx1f`: `b\x5cx1f`, `n\x00l`: `n\x00l`, `\ud800`: `\ud800`, "": "@", `\x40`: `\x40`, `back\slash`: `back\slash`,
	} {
		r := program("set", f.file("HIVE"), `\`, typed, "0102", "--dry-run")
		require.Zero(t, r.code, r.stderr)
		require.Contains(t, r.stdout, "  value "+printed+"\n")
		r = program("set", f.file("HIVE"), `\`, typed, "0102", "--dry-run", "--json")
		var outcome struct {
			ChangedRanges []contractRange `json:"changed_ranges"`
		}
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &outcome))
		require.True(t, slices.ContainsFunc(outcome.ChangedRanges, func(r contractRange) bool { return r.What == "value "+printed }), r.stdout)
	}
	f.requireUntouched(t)
}

// TestOddNamesInFindings: findings name keys and values as the commands take them.
func TestOddNamesInFindings(t *testing.T) {
	twins := hivetest.Key{Name: "x1f", Values: []hivetest.Value{
		{Name: "\x01\"q", Type: 3, Data: []byte("first")},
		{Name: "\x01\"Q", Type: 3, Data: []byte("second")},
	}}
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "root", Subkeys: []hivetest.Key{twins}}}.Build()
	f := newFolder(t, map[string][]byte{"HIVE": image.Data})
	r := program("check", "--verbose", f.file("HIVE"))
	require.Zero(t, r.code, r.stderr)
	const key, value = `\x5cx1f`, `\x01"Q`
	require.Contains(t, r.stdout, " "+key+": value "+value+" has the name of the value at ")
	r = program("get", f.file("HIVE"), key, value, "--raw")
	require.Equal(t, "first", r.stdout, r.stderr)
	f.requireUntouched(t)
}
