package hive_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"www.velocidex.com/golang/regparser"

	"hivepatch/hive"
)

// readWithRegparser reads everything with regparser, which gives names as they
// are stored.
func readWithRegparser(t *testing.T, path string, h *hive.Hive) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	registry, err := regparser.NewRegistry(bytes.NewReader(data))
	require.NoError(t, err)
	root, err := h.Root()
	require.NoError(t, err)
	_, minor := h.Version()
	requireRegparserKey(t, registry.OpenKey(""), root, minor >= 4)
}

func requireRegparserKey(t *testing.T, read *regparser.CM_KEY_NODE, k *hive.Key, segments bool) {
	t.Helper()
	requireStored(t, k.Name(), read.Name())
	values := read.Values()
	i := 0
	for v, err := range k.Values() {
		require.NoError(t, err)
		require.Less(t, i, len(values), k.Path())
		requireRegparserValue(t, values[i], v, segments)
		i++
	}
	require.Len(t, values, i, k.Path())
	subkeys := read.Subkeys()
	i = 0
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		require.Less(t, i, len(subkeys), k.Path())
		requireRegparserKey(t, subkeys[i], child, segments)
		i++
	}
	require.Len(t, subkeys, i, k.Path())
}

func requireStored(t *testing.T, name, read string) {
	t.Helper()
	if stored, ok := latin1(name); ok && stored == read {
		return
	}
	stored, err := hive.EncodeText(name)
	require.NoError(t, err)
	require.Equal(t, string(stored), read, "%q", name)
}

func requireRegparserValue(t *testing.T, read *regparser.CM_KEY_VALUE, v *hive.Value, segments bool) {
	t.Helper()
	requireStored(t, v.Name(), read.ValueName())
	data := dataOf(t, v)
	where := func() string { return v.Key().Path() + " " + v.Name() }
	require.Equal(t, uint32(v.Type()), read.Type(), "%s", where())
	require.Equal(t, int64(len(data)), read.DataSize(), where())
	if len(data) < 8 && (v.Type() == hive.DWord || v.Type() == hive.DWordBigEndian || v.Type() == hive.QWord) && len(data) != 4 {
		return // it panics at some numbers that are too short
	}
	big := segments && len(data) > 16344
	if !big && bytes.HasPrefix(data, []byte("db")) {
		return // it takes any data that begins so for big data
	}
	got := read.ValueData().Data
	lost := 0
	switch {
	case len(got) > len(data):
		// It gives all four bytes that hold short data, and one byte more of a
		// list of texts whose length is odd.
		require.LessOrEqual(t, len(got), max(4, len(data)+1), where())
		got = got[:len(data)]
	case big:
		lost = len(data) - len(got) // up to four bytes at the end of the last piece
		require.LessOrEqual(t, lost, 4, where())
	}
	require.True(t, bytes.Equal(data[:len(data)-lost], got), where())
}
