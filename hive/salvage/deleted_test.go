package salvage_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/salvage"
)

// remnants are what is left in the free cells of a hive, as text.
func remnants(t *testing.T, data []byte) (list []string) {
	for r, err := range salvage.Deleted(data) {
		require.NoError(t, err)
		kind := "key"
		if r.IsValue {
			kind = "value of"
		}
		text := fmt.Sprintf("%s %s rooted=%t class=%q missed=%d", kind, r.Path, r.Rooted, r.Class, r.Missed)
		for _, v := range r.Values {
			text += fmt.Sprintf(" [%s %v %d bytes", v.Name, v.Type, v.Size)
			if v.Err != nil {
				text += ": " + v.Err.Error()
			} else {
				require.Len(t, v.Data, int(v.Size))
			}
			text += "]"
		}
		list = append(list, text)
	}
	return list
}

func openSample(t *testing.T, sample hivetest.Hive) *hive.Hive {
	h, err := hive.Open(sample.Build().Data)
	require.NoError(t, err)
	return h
}

func deleteKey(t *testing.T, h *hive.Hive, path string) {
	key, err := h.Key(path)
	require.NoError(t, err)
	require.NoError(t, key.Delete(now))
}

// tree is a small hive with a neighbour behind what is to be deleted, so that
// the bin stays.
func tree() hivetest.Hive {
	return hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "a", Class: "old class", Values: []hivetest.Value{
			{Name: "inline", Type: 4, Data: []byte{1, 2, 3, 4}},
			{Name: "direct", Type: 1, Data: hivetest.SZ("some text")},
			{Name: "big", Type: 3, Data: hivetest.Noise(40000, 1)},
			{Name: "", Type: 1, Data: hivetest.SZ("default")},
		}, Subkeys: []hivetest.Key{
			{Name: "b", Subkeys: []hivetest.Key{{Name: "c", Values: []hivetest.Value{{Name: "x", Type: 4, Data: []byte{9, 0, 0, 0}}}}}},
		}},
		{Name: "k", Values: []hivetest.Value{
			{Name: "first", Type: 1, Data: hivetest.SZ("one")},
			{Name: "second", Type: 1, Data: hivetest.SZ("two")},
		}},
		{Name: "z", Values: []hivetest.Value{{Name: "stay", Type: 3, Data: hivetest.Noise(5000, 2)}}},
	}}}
}

// TestDeletedTree deletes a tree; all of it is found again, with its place.
func TestDeletedTree(t *testing.T) {
	h := openSample(t, tree())
	require.Empty(t, remnants(t, h.Bytes()), "nothing was deleted yet")
	deleteKey(t, h, "a")
	got := remnants(t, h.Bytes())
	require.Len(t, got, 3)
	require.Contains(t, got, `key a rooted=true class="old class" missed=0 [inline REG_DWORD 4 bytes] [direct REG_SZ 20 bytes] [big REG_BINARY 40000 bytes] [ REG_SZ 16 bytes]`)
	require.Contains(t, got, `key a\b rooted=true class="" missed=0`)
	require.Contains(t, got, `key a\b\c rooted=true class="" missed=0 [x REG_DWORD 4 bytes]`)
}

// TestDeletedValues deletes values of a key that stays.
func TestDeletedValues(t *testing.T) {
	h := openSample(t, tree())
	key, err := h.Key("k")
	require.NoError(t, err)
	value, err := key.Value("second")
	require.NoError(t, err)
	require.NoError(t, value.Delete(now))
	require.Len(t, remnants(t, h.Bytes()), 1)
	require.Contains(t, remnants(t, h.Bytes())[0], "[second REG_SZ 8 bytes]")
}

// TestDeletedData finds the bytes of every kind of data.
func TestDeletedData(t *testing.T) {
	h := openSample(t, tree())
	deleteKey(t, h, "a")
	want := map[string][]byte{
		"inline": {1, 2, 3, 4}, "direct": hivetest.SZ("some text"), "big": hivetest.Noise(40000, 1), "": hivetest.SZ("default"), "x": {9, 0, 0, 0},
	}
	for r, err := range salvage.Deleted(h.Bytes()) {
		require.NoError(t, err)
		require.Equal(t, time.Date(2002, 6, 11, 0, 0, 0, 0, time.UTC), r.LastWrite)
		for _, v := range r.Values {
			require.NoError(t, v.Err)
			require.True(t, bytes.Equal(want[v.Name], v.Data), v.Name)
			delete(want, v.Name)
		}
	}
	require.Empty(t, want)
}

// deletedKeys writes the records of deleted keys into free bytes, as many as fit,
// and has each one changed.
func deletedKeys(free []byte, parent uint32, change func(node []byte)) (n int) {
	const size = 88
	for ; len(free) > size+8; n++ {
		binary.LittleEndian.PutUint32(free[4:], uint32(0x100000000-size))
		node := free[8 : 4+size]
		copy(node, "nk\x20\x00")
		binary.LittleEndian.PutUint32(node[hivetest.NodeParent:], parent)
		binary.LittleEndian.PutUint16(node[hivetest.NodeNameLength:], 1)
		node[hivetest.NodeName] = 'x'
		change(node)
		free = free[size:]
	}
	return n
}

// TestDeletedBelowLongName: thousands of keys below one with a name that no key
// can have, which is its own parent, cost no path each.
func TestDeletedBelowLongName(t *testing.T) {
	long := strings.Repeat("a", 65_000)
	base := hivetest.Hive{Minor: 3, Root: hivetest.Key{
		Name: "ROOT", Subkeys: []hivetest.Key{{Name: long}}, Values: []hivetest.Value{{Name: "v", Type: 3, Data: make([]byte, 300_000)}},
	}}.Build()
	above, cell := base.Key(long).Node, base.Value("", "v").Data
	base.Put32(above, hivetest.NodeParent, above)
	base.SetCellSize(cell, -base.CellSize(cell))
	n := deletedKeys(base.Cell(cell), above, func([]byte) {})
	got := 0
	for r, err := range salvage.Deleted(base.Data) {
		require.NoError(t, err)
		require.Equal(t, "x", r.Path)
		require.False(t, r.Rooted)
		got++
	}
	require.Equal(t, n, got)
}

// TestDeletedListsOverlap: lists of values that overlap are not those of two keys.
func TestDeletedListsOverlap(t *testing.T) {
	const size = 300_000
	base := hivetest.Hive{Minor: 3, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{{Name: "v", Type: 3, Data: make([]byte, size)}}}}.Build()
	cell := base.Value("", "v").Data
	free := base.Cell(cell)
	base.SetCellSize(cell, -base.CellSize(cell))
	const lists = size/3/8*8 + 4 // in free, where a cell can begin
	for at := lists; at+4 <= size; at += 8 {
		binary.LittleEndian.PutUint32(free[at:], 0x7FFFFFF8)
	}
	at := lists
	n := deletedKeys(free[:size/3], 0, func(node []byte) {
		binary.LittleEndian.PutUint32(node[hivetest.NodeValues:], uint32(size-at-64)/4)
		binary.LittleEndian.PutUint32(node[hivetest.NodeValueList:], cell+4+uint32(at))
		at += 8
	})
	entries, missed := 0, 0
	for r, err := range salvage.Deleted(base.Data) {
		require.NoError(t, err)
		require.Empty(t, r.Values)
		entries, missed = entries+1, missed+r.Missed
	}
	require.Equal(t, n, entries)
	require.Greater(t, missed, n, "none of the lists is read as one that is good")
}

// TestDeletedUsedAgain writes over some of what was deleted: what is gone is told,
// never read from foreign bytes.
func TestDeletedUsedAgain(t *testing.T) {
	h := openSample(t, tree())
	deleteKey(t, h, "a")
	root, err := h.Root()
	require.NoError(t, err)
	for i := range 40 {
		_, err := root.SetValue(fmt.Sprintf("new %d", i), hive.Binary, bytes.Repeat([]byte{0xEE}, 3+29*i), now)
		require.NoError(t, err)
	}
	for r, err := range salvage.Deleted(h.Bytes()) {
		require.NoError(t, err)
		for _, v := range r.Values {
			if v.Err == nil && len(v.Data) > 0 {
				require.NotContains(t, string(v.Data), "\xEE\xEE\xEE", v.Name)
			}
		}
	}
}

// TestDeletedMutations searches hives with all kinds of faults: there is an end,
// and no panic.
func TestDeletedMutations(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		data := mutation.Build().Data
		before := bytes.Clone(data)
		for r, err := range salvage.Deleted(data) {
			if err == nil {
				require.NotNil(t, r.LastWrite)
			}
		}
		require.True(t, bytes.Equal(before, data), mutation.Name)
	}
}

// TestDeletedCorpus searches every real hive.
func TestDeletedCorpus(t *testing.T) {
	corpus(t, func(t *testing.T, path string, data []byte) {
		keys, values, rooted := 0, 0, 0
		var some []string
		for r, err := range salvage.Deleted(data) {
			require.NoError(t, err)
			if r.IsValue {
				values++
			} else {
				keys++
			}
			if r.Rooted {
				rooted++
			}
			if len(some) < 4 {
				some = append(some, fmt.Sprintf("%.150s", fmt.Sprint(r.IsValue, r.Path, r.Rooted, r.Values)))
			}
		}
		t.Logf("%d keys, %d values, %d with their place: %q", keys, values, rooted, slices.Compact(some))
	})
}
