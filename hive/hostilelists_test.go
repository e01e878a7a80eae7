package hive_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// In these hives a list, which is the data of a value of the root, names one
// record with a long name many thousand times.

const listEntries = 50_000

func longName(letters int) string { return strings.Repeat("é", letters) }

func openHostile(t *testing.T, image *hivetest.Image) *hive.Hive {
	t.Helper()
	h, err := hive.Open(image.Data, hive.Tolerant(), hive.IgnoreDirty())
	require.NoError(t, err)
	return h
}

func TestValuesOfOneLongName(t *testing.T) {
	image := hivetest.Hive{Minor: 3, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{
		{Name: longName(65_000), Type: 3}, {Name: "list", Type: 3, Data: make([]byte, 4*listEntries)},
	}}}.Build()
	list, record := image.Value("", "list").Data, image.Value("", longName(65_000)).Record
	for i := range listEntries {
		binary.LittleEndian.PutUint32(image.Cell(list)[4*i:], record)
	}
	root := image.Key("").Node
	image.Put32(root, hivetest.NodeValues, listEntries)
	image.Put32(root, hivetest.NodeValueList, list)

	key, err := openHostile(t, image).Root()
	require.NoError(t, err)
	seen := 0
	var last error
	for value, err := range key.Values() {
		if last = err; err == nil {
			seen += len(value.Name()) / 2 // bytes of the record's name
		}
	}
	require.ErrorContains(t, last, "names more than the hive has room for")
	require.Less(t, seen, len(image.Data))
}

func TestSubkeysOfOneLongName(t *testing.T) {
	long := longName(32_000)
	path := strings.Join([]string{long, long, long}, `\`)
	image := hivetest.Hive{Minor: 3, Root: hivetest.Key{
		Name:   "ROOT",
		Values: []hivetest.Value{{Name: "list", Type: 3, Data: make([]byte, 4+4*listEntries)}},
		Subkeys: []hivetest.Key{{Name: long, Subkeys: []hivetest.Key{{Name: long, Subkeys: []hivetest.Key{
			{Name: long, Subkeys: []hivetest.Key{{Name: long}}},
		}}}}},
	}}.Build()
	list, lowest := image.Value("", "list").Data, image.Key(path+`\`+long).Node
	cell := image.Cell(list)
	copy(cell, "li")
	binary.LittleEndian.PutUint16(cell[2:], listEntries)
	for i := range listEntries {
		binary.LittleEndian.PutUint32(cell[4+4*i:], lowest)
	}
	image.Put32(image.Key(path).Node, hivetest.NodeList, list)

	h := openHostile(t, image)
	keys, again := 0, 0
	for _, err := range h.Walk() {
		if err == nil {
			keys++
			continue
		}
		require.ErrorContains(t, err, "is reached a second time")
		again++
	}
	require.Equal(t, []int{5, listEntries - 1}, []int{keys, again})

	key, err := h.Key(path)
	require.NoError(t, err)
	seen := 0
	var last error
	for subkey, err := range key.Subkeys() {
		if last = err; err == nil {
			seen += len(subkey.Name()) / 2
		}
	}
	require.ErrorContains(t, last, "names more than the hive has room for")
	require.Less(t, seen, len(image.Data))
}

// TestWalkWhileHiveGrows: keys that a walk meets because they were made on its way
// are no sign of damage.
func TestWalkWhileHiveGrows(t *testing.T) {
	h, err := hive.New(5, now)
	require.NoError(t, err)
	root, err := h.Root()
	require.NoError(t, err)
	const keys = 200
	name := func(i int) string { return fmt.Sprintf("%0200d", i) }
	for i := range keys {
		_, err := root.CreateSubkey(name(i), now)
		require.NoError(t, err)
	}
	seen := 0
	for key, err := range h.Walk() {
		require.NoError(t, err)
		if seen++; len(key.Ancestry()) == 2 {
			for i := range 3 {
				_, err := key.CreateSubkey(name(i), now)
				require.NoError(t, err)
			}
		}
	}
	require.Equal(t, 1+4*keys, seen)
}

// TestPathAfterRename: keys below one that was renamed tell the new path.
func TestPathAfterRename(t *testing.T) {
	h, err := hive.New(5, now)
	require.NoError(t, err)
	root, err := h.Root()
	require.NoError(t, err)
	above, err := root.CreateSubkey("above", now)
	require.NoError(t, err)
	below, err := above.CreateSubkey("below", now)
	require.NoError(t, err)
	require.NoError(t, above.Rename("other", now))
	require.Equal(t, `other\below`, below.Path())
	found, err := h.Key(below.Path())
	require.NoError(t, err)
	require.Equal(t, below.Offset(), found.Offset())
}
