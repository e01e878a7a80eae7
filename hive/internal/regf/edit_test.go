package regf

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

var errTest = errors.New("the test says no")

// TestTransactionRollsBack undoes writes, frees, new cells, new bins, and the
// list of changes with them.
func TestTransactionRollsBack(t *testing.T) {
	for _, trailing := range []int{0, 100, 4096} {
		data := pages(0x1000, 0x1000)
		layoutOfBin(t, data, 0, -48, -64, 32, -(0xFE0 - 48 - 64 - 32))
		data = append(data, bytes.Repeat([]byte{0xEE}, trailing)...)
		m := parse(t, data)
		off, err := m.store(0x50, []byte("a change that stays"), caption{what: "kept"})
		require.NoError(t, err)
		before, changes, bins := bytes.Clone(m.data), m.Changes(), slices.Collect(m.Bins)
		labels := maps.Clone(m.journal.labels)
		require.NotEmpty(t, changes)

		err = m.Transaction(func() error {
			require.NoError(t, m.release(off))
			require.NoError(t, m.release(0x20))
			for range 4 {
				_, err := m.store(NIL, hivetest.Noise(3000, 1), caption{what: "undone"})
				require.NoError(t, err)
			}
			_, err := m.store(NIL, hivetest.Noise(40000, 2), caption{what: "undone"})
			require.NoError(t, err)
			require.NotEqual(t, before, m.data)
			require.Greater(t, m.BinsSize(), uint32(0x2000))
			return errTest
		})
		require.ErrorIs(t, err, errTest)
		require.True(t, bytes.Equal(before, m.data))
		require.Equal(t, bins, slices.Collect(m.Bins))
		require.Equal(t, changes, m.Changes())
		require.Equal(t, labels, m.journal.labels)

		cell, err := m.allocate(3000, nil, caption{what: "after"})
		require.NoError(t, err)
		require.Equal(t, Offset(0x1020), cell, "what was free is free again")
		require.Equal(t, make([]byte, 3004), must(m.Cell(cell)))
		requireIndexed(t, m)
	}
}

func TestTransactionKeepsSuccess(t *testing.T) {
	m := parse(t, pages(0x1000))
	var off Offset
	err := m.Transaction(func() error {
		return m.Transaction(func() (err error) {
			off, err = m.store(NIL, []byte("data"), caption{what: "test"})
			return err
		})
	})
	require.NoError(t, err)
	require.Equal(t, []byte("data"), must(m.Cell(off)))
}

// TestTransactionWithinAnother undoes what the inner one did when the outer
// one fails.
func TestTransactionWithinAnother(t *testing.T) {
	m := parse(t, pages(0x1000))
	before := bytes.Clone(m.data)
	err := m.Transaction(func() error {
		require.NoError(t, m.Transaction(func() error {
			_, err := m.store(NIL, []byte("data"), caption{what: "test"})
			return err
		}))
		return errTest
	})
	require.ErrorIs(t, err, errTest)
	require.Equal(t, before, m.data)
	require.Empty(t, m.Changes())
}

func TestSeal(t *testing.T) {
	image := hivetest.Windows10().Build()
	m := parse(t, image.Data)
	m.Seal(0xFFFFFFFE, 0x01D4_0000_0000_0001)
	want := image.Clone()
	want.SetTimestamp(0x01D4_0000_0000_0001)
	want.SetSequences(0xFFFFFFFE, 0xFFFFFFFE)
	require.True(t, bytes.Equal(want.Data, m.data))
	require.False(t, m.BaseBlock().Dirty())
	require.Equal(t, uint64(0x01D4_0000_0000_0001), m.BinTimestamp(Bin{0, 0x1000}))
	var names []string
	for _, change := range m.Changes() {
		names = append(names, change.What)
	}
	require.Equal(t, []string{"base block: sequence 1", "base block: sequence 2", "base block: time stamp", "base block: checksum", "bin header"}, names)
}

func TestSealWithoutFirstBin(t *testing.T) {
	data := pages(0x1000)
	put(data, 0, 0)
	m := parse(t, data)
	m.Seal(2, 3)
	require.True(t, m.BaseBlock().ChecksumOK())
	require.Equal(t, data[BaseBlockSize:], m.data[BaseBlockSize:])
}

func TestRecover(t *testing.T) {
	image := hivetest.Windows7().Build()
	image.SetSequences(9, 8)
	image.SetHeader32(hivetest.AtFlags, 3)
	data := image.Data
	size := image.BinsSize()
	bin := pages(0x1000)[BaseBlockSize:]
	copy(bin[4:], words(size))
	m, err := Recover(bytes.Clone(data), Recovery{
		Pages: func(yield func(Offset, []byte) bool) {
			_ = yield(0x20, data[BaseBlockSize+0x20:BaseBlockSize+0x40]) && yield(Offset(size), bin)
		},
		BinsSize: size + 0x1000, Flags: 0xFFFFFFFE, Sequence: 77,
	})
	require.NoError(t, err)
	want := image.Clone()
	want.SetSequences(77, 77)
	want.SetHeader32(hivetest.AtFlags, 2)
	want.SetHeader32(hivetest.AtBinsSize, size+0x1000)
	require.True(t, bytes.Equal(append(want.Data, bin...), m.Bytes()))
	require.Empty(t, damageOf(m))
	require.Equal(t, Change{int64(len(data)), 0x1000, "added at the end"}, m.Changes()[len(m.Changes())-1])
}

func TestRecoverReplacesTheHeader(t *testing.T) {
	image := hivetest.Windows7().Build()
	header := bytes.Clone(image.Data[:HeaderSize])
	broken := bytes.Clone(image.Data)
	for i := range broken[:BaseBlockSize] {
		broken[i] = 0xEE
	}
	m, err := Recover(broken, Recovery{Header: header, Pages: func(func(Offset, []byte) bool) {}, BinsSize: image.BinsSize(), Flags: 1, Sequence: 5})
	require.NoError(t, err)
	want := image.Clone()
	want.SetSequences(5, 5)
	clear(want.Data[HeaderSize:BaseBlockSize])
	require.True(t, bytes.Equal(want.Data, m.Bytes()))
}

func TestRecoverRefuses(t *testing.T) {
	image := hivetest.Windows7().Build()
	image.SetHeader32(hivetest.AtMajor, 2)
	_, err := Recover(image.Data, Recovery{Pages: func(func(Offset, []byte) bool) {}, BinsSize: image.BinsSize()})
	require.ErrorIs(t, err, ErrNotHive)
}
