package regf

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

func latin1Name(s string) Name { return Name{Raw: []byte(s), Latin1: true} }

// newWriter returns a writer with an open root.
func newWriter(t *testing.T, minor uint32, values, subkeys int) *Writer {
	w := NewWriter(minor, 4096)
	require.NoError(t, w.OpenKey(&NewKey{Name: latin1Name("ROOT"), Flags: KeyHiveEntry, Security: w.Security(hivetest.DefaultDescriptor()), Values: values, Subkeys: subkeys}))
	return w
}

func add(w *Writer, name string) error {
	if err := w.OpenKey(&NewKey{Name: latin1Name(name)}); err != nil {
		return err
	}
	return w.CloseKey()
}

func TestWriterRefusesDisorder(t *testing.T) {
	for _, second := range []string{"b", "B", "A", ""} {
		w := newWriter(t, 5, 0, 2)
		require.NoError(t, add(w, "b"))
		require.ErrorIs(t, add(w, second), errOrder, second)
	}
	w := newWriter(t, 5, 0, 2)
	require.NoError(t, add(w, "b"))
	require.NoError(t, add(w, "_"), "_ follows the letters")
}

func TestWriterRefusesWrongNumbers(t *testing.T) {
	w := newWriter(t, 5, 1, 1)
	require.Error(t, w.CloseKey(), "all is missing")
	require.Error(t, add(w, "a"), "the value is missing")
	require.NoError(t, w.AddValue(&NewValue{Name: latin1Name("v")}))
	require.Error(t, w.AddValue(&NewValue{Name: latin1Name("w")}), "one value too many")
	_, err := w.Finish(make(BaseBlock, BaseBlockSize))
	require.Error(t, err, "the root is open")
	require.NoError(t, add(w, "a"))
	require.Error(t, add(w, "b"), "one subkey too many")
	require.NoError(t, w.CloseKey())
}

func TestWriterDepth(t *testing.T) {
	w := newWriter(t, 5, 0, 1)
	for range MaxDepth - 2 {
		require.NoError(t, w.OpenKey(&NewKey{Name: latin1Name("d"), Subkeys: 1}))
	}
	require.NoError(t, w.OpenKey(&NewKey{Name: latin1Name("d"), Subkeys: 1}), "the last level")
	require.ErrorIs(t, w.OpenKey(&NewKey{Name: latin1Name("d")}), ErrTooLarge)
}

func TestWriterRefusesLargeData(t *testing.T) {
	for _, test := range []struct {
		minor  uint32
		length int
		fits   bool
	}{
		{3, MaxCellSize - CellHeaderSize - 1, true},
		{3, MaxCellSize - CellHeaderSize, true},
		{3, MaxCellSize - CellHeaderSize + 1, false},
		{4, MaxCellSize, true},
		{5, 5 << 20, true},
	} {
		w := newWriter(t, test.minor, 1, 0)
		err := w.AddValue(&NewValue{Name: latin1Name("v"), Length: uint32(test.length), Data: [][]byte{make([]byte, test.length)}})
		require.Equal(t, test.fits, err == nil, "%d bytes in version 1.%d: %v", test.length, test.minor, err)
		if err != nil {
			require.ErrorIs(t, err, ErrTooLarge)
		}
	}
}

// TestWriterReadsPieces joins data that comes in pieces of any length.
func TestWriterReadsPieces(t *testing.T) {
	data := hivetest.Noise(3*MaxDirectData+77, 1)
	for _, size := range []int{1000, MaxDirectData - 1, MaxDirectData, MaxDirectData + 1, len(data)} {
		var pieces [][]byte
		for rest := data; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			pieces = append(pieces, rest[:min(size, len(rest))])
		}
		w := newWriter(t, 5, 1, 0)
		require.NoError(t, w.AddValue(&NewValue{Name: latin1Name("v"), Length: uint32(len(data)), Data: pieces}))
		require.NoError(t, w.CloseKey())
		block := BaseBlock(hivetest.Windows7().Build().Data[:BaseBlockSize])
		m, err := w.Finish(block)
		require.NoError(t, err)
		root, err := m.KeyNode(m.BaseBlock().RootCell())
		require.NoError(t, err)
		value, found, err := m.FindValue(root, latin1Name("v"))
		require.NoError(t, err)
		require.True(t, found)
		got, err := m.ValueData(value)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), "pieces of %d bytes", size)
	}
}

func TestWriterShortensNames(t *testing.T) {
	for _, test := range []struct {
		name Name
		want string
		wide bool
	}{
		{Name{Raw: []byte("a\x00b\x00")}, "ab", false},
		{Name{Raw: []byte("a\x00b\x00c")}, "ab", false},
		{Name{Raw: []byte("\xff\x00")}, "ÿ", false},
		{Name{Raw: []byte("\x00\x01b\x00")}, "Āb", true},
		{Name{Raw: []byte("\x00\x01b\x00c")}, "Āb", true},
		{Name{Raw: []byte("abc"), Latin1: true}, "abc", false},
		{Name{}, "", false},
	} {
		got := shortest(test.name)
		require.Equal(t, test.want, got.String())
		require.Equal(t, test.wide, !got.Latin1, fmt.Sprintf("%q", test.name.Raw))
	}
}

// TestCellWriter allocates cells of random sizes: they tile the bins, and little
// is left free.
func TestCellWriter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newCellWriter(0)
	used, allocated := 0, map[Offset]int{}
	for range 20_000 {
		n := random.IntN(200)
		switch random.IntN(50) {
		case 0:
			n = random.IntN(5000)
		case 1:
			n = random.IntN(40000)
		}
		off, err := w.allocate(n)
		require.NoError(t, err)
		if _, twice := allocated[off]; twice {
			require.Fail(t, "a cell was given out twice")
		}
		allocated[off] = n
		used += n
	}
	w.endBin()
	block := BaseBlock(hivetest.Windows7().Build().Data[:BaseBlockSize])
	copy(w.data, block)
	w.data[blockBinsSize], w.data[blockBinsSize+1], w.data[blockBinsSize+2], w.data[blockBinsSize+3] = byte(w.binsSize()), byte(w.binsSize()>>8), byte(w.binsSize()>>16), byte(w.binsSize()>>24)
	m, err := Parse(w.data)
	require.NoError(t, err)
	m.Damage(func(damage *FormatError) { require.Fail(t, damage.Error()) })
	free := 0
	for bin := range m.Bins {
		for cell, err := range m.Cells(bin) {
			require.NoError(t, err)
			n, ok := allocated[cell.Offset]
			if ok != cell.Allocated || ok && int(cell.Size) < n+CellHeaderSize {
				require.Fail(t, "a cell is not as it was given out")
			}
			if delete(allocated, cell.Offset); !ok {
				free += int(cell.Size)
			}
		}
	}
	require.Empty(t, allocated)
	require.Less(t, free, 4*PageSize)
}
