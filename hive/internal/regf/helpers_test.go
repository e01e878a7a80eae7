package regf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// parse returns the image of a copy of data.
func parse(t testing.TB, data []byte) *Image {
	t.Helper()
	m, err := Parse(bytes.Clone(data))
	require.NoError(t, err)
	return m
}

// newCell adds a cell that begins with data to a built hive. It is the
// smallest one that holds n bytes.
func newCell(image *hivetest.Image, n int, data []byte) Offset {
	off := image.Allocate(n)
	copy(image.Cell(off), data)
	return Offset(off)
}

// words returns numbers of 32 bits as they are stored.
func words(numbers ...uint32) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

// requireCorrupt requires that err says exactly this.
func requireCorrupt(t testing.TB, err error, code string, off int64, text string) {
	t.Helper()
	require.ErrorIs(t, err, ErrCorrupt)
	require.EqualError(t, err, text)
	damage := &FormatError{}
	require.ErrorAs(t, err, &damage)
	require.Equal(t, code, damage.Code)
	require.Equal(t, off, damage.Off)
}

// name encodes a name that is known to be valid.
func name(t testing.TB, s string) Name {
	t.Helper()
	n, err := NewName(s)
	require.NoError(t, err)
	return n
}

// node returns the key at a path of names.
func node(t testing.TB, m *Image, path ...string) KeyNode {
	t.Helper()
	k, err := m.KeyNode(m.BaseBlock().RootCell())
	require.NoError(t, err)
	for _, part := range path {
		child, found, err := m.FindSubkey(k, name(t, part))
		require.NoError(t, err)
		require.True(t, found, part)
		k = child
	}
	return k
}

// record returns a value of a key.
func record(t testing.TB, m *Image, k KeyNode, value string) ValueRecord {
	t.Helper()
	v, found, err := m.FindValue(k, name(t, value))
	require.NoError(t, err)
	require.True(t, found, value)
	return v
}
