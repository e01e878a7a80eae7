package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// TestExportMutations: whatever is wrong with a hive, an export of all of it is
// whole or is not there, and one of what is left does not fail for the damage.
func TestExportMutations(t *testing.T) {
	t.Parallel()
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"hive": mutation.Build().Data})
			r := program("export", f.file("hive"), "-o", f.file("out"))
			require.NotContains(t, r.stderr, "internal error")
			whole := r.code == exitDone
			if !whole {
				require.Contains(t, []int{exitFailed, exitRefused}, r.code)
				f.requireRefused(t, r, r.code)
			}
			for _, format := range []string{"reg", "json"} {
				r = program("export", f.file("hive"), "--format", format, "--allow-damage")
				require.NotContains(t, r.stderr, "internal error")
				if r.code == exitDone && format == "reg" {
					require.Equal(t, !whole, strings.Contains(r.stderr, "left out"), "%s", r.stderr)
				}
			}
		})
	}
}

// TestExportJSON: JSON has all that .reg files leave out.
func TestExportJSON(t *testing.T) {
	h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "a\xED\xA0\x80", Class: "class", Flags: 8, Values: []hivetest.Value{{Name: "v\x00", Type: 0x10012, Data: []byte{1, 2}}}},
	}}}
	f := newFolder(t, map[string][]byte{"hive": h.Build().Data})
	r := program("export", f.file("hive"), "--format", "json", "--lines")
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[1], `"path":"a\ud800"`)
	var key struct {
		Flags    int    `json:"flags"`
		Class    string `json:"class"`
		Security string `json:"security"`
		SDDL     string `json:"sddl"`
		Time     string `json:"last_write"`
		Values   []struct {
			Name, Type, Data string
		} `json:"values"`
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &key))
	require.Equal(t, 8, key.Flags&8)
	require.Equal(t, "class", key.Class)
	require.NotEmpty(t, key.Security)
	require.True(t, strings.HasPrefix(key.SDDL, "O:"))
	require.Equal(t, "2002-06-11T00:00:00.0000000Z", key.Time)
	require.Equal(t, "v\x00", key.Values[0].Name)
	require.Equal(t, "0x10012", key.Values[0].Type)
	require.Equal(t, "0102", key.Values[0].Data)

	whole := program("export", f.file("hive"), "--format", "json")
	require.Equal(t, "{\"keys\":[\n"+strings.Join(lines, ",\n")+"\n]}\n", whole.stdout)
	require.True(t, json.Valid([]byte(whole.stdout)))
	r = program("export", f.file("hive"))
	require.Contains(t, r.stderr, "the security descriptors and times of 2 keys, 1 class name, the flags of 1 key; --format json has them")
}

// TestExportNameless: what is in a key without a name is not exported as if it
// stood in the root.
func TestExportNameless(t *testing.T) {
	h := hivetest.Hive{Minor: 3, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "n", Values: []hivetest.Value{{Name: "v", Type: 3}}, Subkeys: []hivetest.Key{{Name: "below"}}}, {Name: "z"},
	}}}.Build()
	h.Put16(h.Key("n").Node, hivetest.NodeNameLength, 0)
	f := newFolder(t, map[string][]byte{"hive": h.Data})
	r := program("export", f.file("hive"), "--utf8", "--allow-damage", "-o", f.file("x.reg"))
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	require.Contains(t, r.stderr, `key "" below \ has a name that no key can have`)
	data, err := os.ReadFile(f.file("x.reg"))
	require.NoError(t, err)
	require.Equal(t, "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\OFFLINE]\n\n[HKEY_LOCAL_MACHINE\\OFFLINE\\z]\n\n", string(data))
}

// TestExportNameWithBackslash: a key that no path leads to, which only a damaged
// hive has, is left out with what is below it, or there is no export.
func TestExportNameWithBackslash(t *testing.T) {
	h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: `a\b`, Subkeys: []hivetest.Key{{Name: "below"}}}, {Name: "a"}, {Name: "z"},
	}}}
	f := newFolder(t, map[string][]byte{"hive": h.Build().Data})
	f.requireRefused(t, program("export", f.file("hive"), "-o", f.file("x.reg")), exitFailed)
	r := program("export", f.file("hive"), "--utf8", "--allow-damage", "-o", f.file("x.reg"))
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	require.Contains(t, r.stderr, "left out")
	require.Contains(t, r.stderr, `key "a\b" below \ has a name that no key can have`)
	data, err := os.ReadFile(f.file("x.reg"))
	require.NoError(t, err)
	require.Equal(t, "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\OFFLINE]\n\n[HKEY_LOCAL_MACHINE\\OFFLINE\\a]\n\n[HKEY_LOCAL_MACHINE\\OFFLINE\\z]\n\n", string(data))
}
