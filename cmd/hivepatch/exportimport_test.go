package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/diff"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// emptyHive writes an empty hive of version 1.minor to a file.
func emptyHive(t *testing.T, minor uint32) string {
	t.Helper()
	h, err := hive.New(minor, time.Unix(1e9, 0))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(path, h.Bytes(), 0o666))
	return path
}

// readHive loads a hive as the reading commands do.
func readHive(t *testing.T, path string) *hivefile.File {
	t.Helper()
	file, err := hivefile.Load(path, hivefile.LoadOptions{Recovery: hivefile.RecoverIfPossible, Tolerant: true})
	require.NoError(t, err)
	return file
}

// requireCarried exports a hive in both forms and imports each into an empty
// hive, which must then be equal to the hive and pass the check.
func requireCarried(t *testing.T, path string) {
	t.Helper()
	want := readHive(t, path).Hive
	_, minor := want.Version()
	if minor < 2 || minor > 5 {
		minor = 5
	}
	empty := emptyHive(t, minor)
	for _, form := range [][]string{nil, {"--utf8"}} {
		reg, out := filepath.Join(t.TempDir(), "x.reg"), filepath.Join(t.TempDir(), "out")
		exported := program(append([]string{"export", path, "-o", reg}, form...)...)
		require.Equal(t, exitDone, exported.code, "%s", exported.stderr)
		imported := program("import", empty, reg, "-o", out)
		require.Equal(t, exitDone, imported.code, "%s", imported.stderr)
		got := readHive(t, out).Hive
		for difference, err := range diff.Hives(want, got, diff.Options{}) {
			require.NoError(t, err)
			if layeredMark(difference) {
				continue
			}
			// The root has the name that the new hive gave it.
			require.True(t, difference.Path == "" && difference.Aspects == diff.Spelling,
				"%v: key %q, value %v, %s", difference.Kind, difference.Path, difference.IsValue, difference.Aspects)
		}
		check.Bytes(got.Bytes(), func(f check.Finding) {
			require.False(t, f.Level == check.Fatal || f.Level == check.Limited, "%s", f)
		})
	}
}

// layeredMark reports whether a difference is a value of a differencing hive
// that stands for a deleted one: what deletes it in the file has nothing to do
// in an empty hive.
func layeredMark(d diff.Difference) bool {
	return d.Kind == diff.OnlyA && d.IsValue && d.A.Flags&2 != 0
}

func TestExportImportSamples(t *testing.T) {
	for name, sample := range samples() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hive")
			require.NoError(t, os.WriteFile(path, sample(), 0o666))
			requireCarried(t, path)
		})
	}
}

// TestExportImportOddNames carries names that .reg files have no form for, and
// data of every type and of lengths around the limits of cells.
func TestExportImportOddNames(t *testing.T) {
	var h hivetest.Hive
	h.Minor, h.Root.Name = 5, "ROOT"
	for _, name := range []string{
		" ", "@", "-", "-a", "a\x00b", "\x00", "\r\n", "a\nb", "]", "];", "a] ;b", "[", `"`, "/", "\t", "\x1b", "ÿ", "ıİ", "σς", "Ж", "😀",
		"\xED\xA0\x80", "\xED\xB0\x80x", "_", "^", "`", "{", "u0041", strings.Repeat("n", 255), "\u0085", "\u2028",
	} {
		key := hivetest.Key{Name: name, Values: []hivetest.Value{
			{Name: name, Type: 1, Data: hivetest.SZ("a")},
			{Name: name + `\`, Type: 2, Data: hivetest.SZ("b")},
			{Type: 1, Data: append(hivetest.SZ("c\r\n\"\\"), 'x')},
		}, Subkeys: []hivetest.Key{{Name: name}}}
		h.Root.Subkeys = append(h.Root.Subkeys, key)
	}
	types := hivetest.Key{Name: "types"}
	for kind := range uint32(13) {
		for _, length := range []int{0, 1, 3, 4, 5, 8, 100, 16343, 16344, 16345, 40000} {
			types.Values = append(types.Values, hivetest.Value{
				Name: string(rune('a'+kind)) + strings.Repeat("x", length%7) + "-" + time.Duration(length).String(), Type: kind,
				Data: bytes.Repeat([]byte{byte(length), 0xD8}, length)[:length],
			})
		}
	}
	types.Values = append(types.Values, hivetest.Value{Name: "last type", Type: 0xFFFFFFFF, Data: []byte{1}})
	h.Root.Subkeys = append(h.Root.Subkeys, types)
	path := filepath.Join(t.TempDir(), "hive")
	require.NoError(t, os.WriteFile(path, h.Build().Data, 0o666))
	requireCarried(t, path)
}

// TestExportImportCorpus carries every real hive that can be read whole.
func TestExportImportCorpus(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	carried := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(strings.TrimRight(path, "12"), ".LOG") {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		t.Run(name, func(t *testing.T) {
			file, err := hivefile.Load(path, hivefile.LoadOptions{Recovery: hivefile.RecoverIfPossible, Tolerant: true})
			if err != nil {
				t.Skipf("no hive: %v", err)
			}
			damaged := false
			check.Bytes(file.Hive.Bytes(), func(f check.Finding) { damaged = damaged || f.Level == check.Fatal && f.Path != "" })
			if damaged {
				t.Skip("keys or values are damaged")
			}
			requireCarried(t, path)
			carried++
		})
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, carried, 15)
}
