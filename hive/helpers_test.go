package hive_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// now is the time of every edit here.
var now = time.Date(2024, 2, 29, 12, 34, 56, 789012300, time.UTC)

// samples are built hives of every version, by name.
var samples = []struct {
	name  string
	hive  func() hivetest.Hive
	edits bool // the version can be edited
}{
	{"nt31", func() hivetest.Hive { return hivetest.NT31(1) }, false},
	{"nt31-beta", func() hivetest.Hive { return hivetest.NT31(0) }, false},
	{"nt351", func() hivetest.Hive { return versioned(hivetest.NT4(), 2) }, true},
	{"nt4", hivetest.NT4, true},
	{"xp-beta", func() hivetest.Hive { return versioned(hivetest.Windows7(), 4) }, true},
	{"win7", hivetest.Windows7, true},
	{"win10", hivetest.Windows10, true},
	{"exotic", hivetest.Exotic, true},
	{"deep", func() hivetest.Hive { return hivetest.Deep(500) }, true},
	{"layered", hivetest.Layered, false},
}

func versioned(h hivetest.Hive, minor uint32) hivetest.Hive {
	h.Minor = minor
	return h
}

// open opens a copy of data.
func open(t testing.TB, data []byte, options ...hive.Option) *hive.Hive {
	t.Helper()
	h, err := hive.Open(bytes.Clone(data), options...)
	require.NoError(t, err)
	return h
}

// value returns a value that is known to exist.
func value(t testing.TB, h *hive.Hive, path, name string) *hive.Value {
	t.Helper()
	k, err := h.Key(path)
	require.NoError(t, err)
	v, err := k.Value(name)
	require.NoError(t, err)
	return v
}

func dataOf(t testing.TB, v *hive.Value) []byte {
	t.Helper()
	data, err := v.Data()
	require.NoError(t, err)
	return data
}

// place is a value, or a key itself where the index is -1.
type place struct {
	path, value string
	index       int // among the values of the key, whose names may be equal
}

// content is everything that keys and values hold.
func content(t testing.TB, h *hive.Hive) map[place]string {
	t.Helper()
	all := map[place]string{}
	for k, err := range h.Walk() {
		require.NoError(t, err)
		class, err := k.Class()
		require.NoError(t, err)
		security, err := k.SecurityDescriptor()
		require.NoError(t, err)
		all[place{k.Path(), "", -1}] = fmt.Sprintf("%d %q %x", k.LastWriteTime().UnixNano(), class, security)
		i := 0
		for v, err := range k.Values() {
			require.NoError(t, err)
			all[place{k.Path(), v.Name(), i}] = fmt.Sprintf("%s %x", v.Type(), dataOf(t, v))
			i++
		}
	}
	return all
}

// requireOnly requires that two contents differ in these values and their keys
// alone.
func requireOnly(t testing.TB, before, after map[place]string, values ...*hive.Value) {
	t.Helper()
	require.Len(t, after, len(before))
	edited := map[place]bool{}
	for _, v := range values {
		edited[place{v.Key().Path(), v.Name(), 0}] = true
		edited[place{v.Key().Path(), "", -1}] = true
	}
	for where, was := range before {
		is, ok := after[where]
		require.True(t, ok, where)
		if is != was {
			require.True(t, edited[place{where.path, where.value, min(where.index, 0)}], "%+v has changed", where)
		}
	}
}

// findings counts what check says about a hive, without the warnings and
// without the places, which an edit may move.
func findings(data []byte) map[string]int {
	found := map[string]int{}
	check.Bytes(data, func(f check.Finding) {
		if f.Level != check.Warning {
			found[fmt.Sprintf("%s %s %s", f.Level, f.Code, f.Path)]++
		}
	})
	return found
}

// requireNoWorse requires that check finds nothing that was not there before.
func requireNoWorse(t testing.TB, before map[string]int, data []byte) {
	t.Helper()
	for finding, count := range findings(data) {
		require.LessOrEqual(t, count, before[finding], finding)
	}
}

// requireChanges requires that the list of changes is right by a comparison of
// all bytes: each that differs is in a run, each run begins and ends with one,
// and the runs are in order and apart from each other.
func requireChanges(t testing.TB, before []byte, h *hive.Hive) {
	t.Helper()
	after := h.Bytes()
	changes := h.Changes()
	require.Equal(t, !bytes.Equal(before, after), h.Modified())
	if removed := len(before) - len(after); removed > 0 {
		last := len(changes) - 1
		require.Equal(t, hive.Change{Offset: int64(len(after)), Length: int64(removed), What: "removed at the end"}, changes[last])
		before, changes = before[:len(after)], changes[:last]
	}
	differs := func(at int64) bool { return at >= int64(len(before)) || before[at] != after[at] }
	end := int64(0)
	for _, change := range changes {
		require.NotEmpty(t, change.What)
		require.Positive(t, change.Length)
		require.GreaterOrEqual(t, change.Offset, end, "in order")
		require.LessOrEqual(t, change.Offset+change.Length, int64(len(after)))
		require.True(t, differs(change.Offset), "%+v begins with a change", change)
		require.True(t, differs(change.Offset+change.Length-1), "%+v ends with a change", change)
		require.LessOrEqual(t, change.Offset, int64(len(before)), "bytes that are not listed before %+v", change)
		require.True(t, bytes.Equal(before[end:change.Offset], after[end:change.Offset]), "bytes that are not listed before %+v", change)
		end = change.Offset + change.Length
	}
	if end < int64(len(after)) {
		require.Len(t, after, len(before), "bytes that are not listed at the end")
		require.True(t, bytes.Equal(before[end:], after[end:]), "bytes that are not listed after the last change")
	}
}

// corpus calls test for every file of the folder of real hives.
func corpus(t *testing.T, test func(t *testing.T, path string, data []byte)) {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS names no folder of real hives")
	}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".md") {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(folder, path)
		require.NoError(t, err)
		t.Run(filepath.ToSlash(name), func(t *testing.T) { test(t, path, data) })
		return nil
	})
	require.NoError(t, err)
}

// put stores a 32-bit number in a file.
func put(data []byte, at int, n uint32) { binary.LittleEndian.PutUint32(data[at:], n) }

func isNotFound(err error) bool { return errors.Is(err, hive.ErrNotFound) }
