package regf

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCellSize(t *testing.T) {
	for _, c := range []struct {
		n    int
		want uint32
	}{
		{0, 8}, {1, 8}, {3, 8}, {4, 8}, {5, 16}, {11, 16}, {12, 16}, {13, 24}, {76, 80}, {77, 88},
		{16343, 16352}, {16344, 16352}, {16345, 16352}, {16348, 16352}, {16349, 16360},
		{16379, 16384}, {16380, 16384}, {16381, 32768},
		{32763, 32768}, {32764, 32768}, {32765, 65536},
		{65532, 65536}, {65533, 131072}, {524288, 1 << 20},
		{1<<20 - 5, 1 << 20}, {1<<20 - 4, 1 << 20},
	} {
		size, err := cellSize(c.n)
		require.NoError(t, err)
		require.Equal(t, c.want, size, "%d bytes", c.n)
	}
	for _, n := range []int{1<<20 - 3, 1 << 20, math.MaxInt32, math.MaxInt, -1} {
		_, err := cellSize(n)
		require.ErrorIs(t, err, ErrTooLarge)
		require.EqualError(t, err, fmt.Sprintf("too large for the format: a cell holds at most 1048572 bytes, want %d", n))
	}
}

// layoutOfBin makes the cells of the bin at start: positive sizes are free,
// negative ones allocated. What they leave over must be nothing.
func layoutOfBin(t testing.TB, data []byte, start int, sizes ...int32) {
	t.Helper()
	size := int(uint32(data[BaseBlockSize+start+8]) | uint32(data[BaseBlockSize+start+9])<<8 | uint32(data[BaseBlockSize+start+10])<<16)
	at := start + BinHeaderSize
	for _, cell := range sizes {
		put(data, at, uint32(cell))
		at += int(max(cell, -cell))
	}
	require.Equal(t, start+size, at, "the cells fill the bin")
}

// cellsIn lists the cells of a bin in the form that layoutOfBin takes.
func cellsIn(t testing.TB, m *Image, bin Bin) []int32 {
	t.Helper()
	var sizes []int32
	for cell, err := range m.Cells(bin) {
		require.NoError(t, err)
		if cell.Allocated {
			sizes = append(sizes, -int32(cell.Size))
		} else {
			sizes = append(sizes, int32(cell.Size))
		}
	}
	return sizes
}

func TestBestFit(t *testing.T) {
	const fill = -16
	base := pages(0x1000, 0x1000, 0x8000)
	layoutOfBin(t, base, 0, 8, fill, 64, fill, 24, fill, 24, fill, -(0xFE0 - 8 - 64 - 24 - 24 - 4*16))
	layoutOfBin(t, base, 0x1000, 128, fill, 32, -(0xFE0 - 128 - 16 - 32))
	layoutOfBin(t, base, 0x2000, 16384, fill, 0x7FE0-16384-16)
	for _, c := range []struct {
		n    int
		want Offset
		rest uint32 // bytes left free behind it
	}{
		{0, 0x20, 0}, {4, 0x20, 0},
		{5, 0x88, 8}, // 16 in the lower one of 24
		{20, 0x88, 0},
		{21, 0x10B0, 0}, // 32
		{28, 0x10B0, 0},
		{29, 0x38, 24},   // 40 in 64
		{60, 0x38, 0},    // 64
		{61, 0x1020, 56}, // 72 in 128
		{124, 0x1020, 0}, // 128
		{125, 0x6030, 0x7FE0 - 16384 - 16 - 136},
		{16300, 0x6030, 32},
		{16332, 0x6030, 0},
		{16333, 0x2020, 40},
		{16380, 0x2020, 0},
	} {
		t.Run(fmt.Sprint(c.n), func(t *testing.T) {
			m := parse(t, base)
			off, err := m.allocate(c.n, nil, caption{what: "test"})
			require.NoError(t, err)
			require.Equal(t, c.want, off)
			size, allocated, err := m.CellSize(off)
			require.NoError(t, err)
			require.True(t, allocated)
			require.Equal(t, must(cellSize(c.n)), size)
			if c.rest > 0 {
				rest, allocated, err := m.CellSize(off + Offset(size))
				require.NoError(t, err)
				require.False(t, allocated)
				require.Equal(t, c.rest, rest)
			}
			require.Equal(t, uint32(0xA000), m.BinsSize())
			require.Equal(t, make([]byte, size-CellHeaderSize), must(m.Cell(off)), "a new cell is empty")
		})
	}
}

func TestNewCellIsEmpty(t *testing.T) {
	data := pages(0x1000)
	for i := BaseBlockSize + 0x24; i < len(data); i++ {
		data[i] = 0xAA
	}
	m := parse(t, data)
	off, err := m.allocate(21, nil, caption{what: "test"})
	require.NoError(t, err)
	require.Equal(t, make([]byte, 28), must(m.Cell(off)))
	require.Equal(t, byte(0xAA), m.data[off.File()+36], "what was left free is left alone")
}

func TestNewBin(t *testing.T) {
	for _, c := range []struct {
		n       int
		binSize uint32
	}{
		{1, 0x1000}, {4060, 0x1000}, {4061, 0x2000}, {16300, 0x4000}, {16348, 0x4000}, {16349, 0x5000},
		{16380, 0x5000}, {16381, 0x9000}, {65532, 0x11000}, {1<<20 - 4, 0x101000},
	} {
		t.Run(fmt.Sprint(c.n), func(t *testing.T) {
			data := pages(0x1000)
			layoutOfBin(t, data, 0, -0xFE0)
			m := parse(t, data)
			off, err := m.allocate(c.n, nil, caption{what: "test"})
			require.NoError(t, err)
			require.Equal(t, Offset(0x1020), off)
			require.Equal(t, 0x1000+c.binSize, m.BinsSize())
			require.Equal(t, m.BinsSize(), m.BaseBlock().BinsSize())
			require.Len(t, m.Bytes(), BaseBlockSize+int(m.BinsSize()))
			require.Empty(t, damageOf(m))
			header := append([]byte("hbin"), words(0x1000, c.binSize, 0, 0, 0, 0, 0)...)
			require.Equal(t, header, m.data[0x2000:0x2020])
			size := int32(must(cellSize(c.n)))
			want := []int32{-size}
			if rest := int32(c.binSize) - BinHeaderSize - size; rest > 0 {
				want = append(want, rest)
			}
			require.Equal(t, want, cellsIn(t, m, Bin{0x1000, c.binSize}))
			require.Equal(t, want, cellsIn(t, parse(t, m.data), Bin{0x1000, c.binSize}), "and after it is read again")
		})
	}
}

// TestNewBinOverTrailingBytes lays a bin where bytes trail: it is as empty as
// any, and what it does not cover stays.
func TestNewBinOverTrailingBytes(t *testing.T) {
	for _, trailing := range []int{1, 100, 4095, 4096, 4097, 10000} {
		data := pages(0x1000)
		layoutOfBin(t, data, 0, -0xFE0)
		tail := bytes.Repeat([]byte{0xEE}, trailing)
		m := parse(t, append(data, tail...))
		off, err := m.allocate(40, nil, caption{what: "test"})
		require.NoError(t, err)
		require.Equal(t, Offset(0x1020), off)
		require.Equal(t, []int32{-48, 0xFE0 - 48}, cellsIn(t, m, Bin{0x1000, 0x1000}))
		require.Equal(t, make([]byte, 0xFE0-52), m.data[0x2054:0x3000])
		require.Equal(t, tail[min(trailing, 0x1000):], append([]byte{}, m.Trailing()...))
		require.Len(t, m.data, 0x2000+max(0x1000, trailing))
	}
}

func TestLastBin(t *testing.T) {
	m := parse(t, pages(0x1000))
	m.binOf = make([]Bin, MaxBinsSize/PageSize-1) // the last page below 2 GiB is free
	_, err := m.appendBin(8)
	require.ErrorIs(t, err, ErrTooLarge)
	require.EqualError(t, err, "too large for the format: the hive would pass 2 GiB")
	require.Len(t, m.data, 0x2000, "nothing was added")
}

func TestReleaseJoinsNeighbours(t *testing.T) {
	const rest = 0xFE0 - 24 - 32 - 40 - 48
	for _, c := range []struct {
		name         string
		before       []int32
		off          Offset
		after        []int32
		start, whole Offset
	}{
		{"none", []int32{-24, -32, -40, -48, -rest}, 0x38, []int32{-24, 32, -40, -48, -rest}, 0x38, 32},
		{"behind", []int32{-24, -32, 40, -48, -rest}, 0x38, []int32{-24, 72, -48, -rest}, 0x38, 72},
		{"before", []int32{24, -32, -40, -48, -rest}, 0x38, []int32{56, -40, -48, -rest}, 0x20, 56},
		{"both", []int32{24, -32, 40, -48, -rest}, 0x38, []int32{96, -48, -rest}, 0x20, 96},
		{"first cell", []int32{-24, 32, -40, -48, -rest}, 0x20, []int32{56, -40, -48, -rest}, 0x20, 56},
		{"last cell", []int32{-24, -32, -40, 48, -rest}, 0xB0, []int32{-24, -32, -40, 48 + rest}, 0x80, 48 + rest},
		{"whole bin", []int32{24 + 32 + 40 + 48, -rest}, 0xB0, []int32{0xFE0}, 0x20, 0xFE0},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The bins before and behind are free up to their ends.
			data := pages(0x1000, 0x1000, 0x1000)
			layoutOfBin(t, data, 0x1000, c.before...)
			m := parse(t, data)
			require.NoError(t, m.release(0x1000+c.off))
			require.Equal(t, c.after, cellsIn(t, m, Bin{0x1000, 0x1000}))
			require.Equal(t, []int32{0xFE0}, cellsIn(t, m, Bin{0, 0x1000}), "not across bins")
			require.Equal(t, []int32{0xFE0}, cellsIn(t, m, Bin{0x2000, 0x1000}), "not across bins")
			requireIndexed(t, m)
			require.Equal(t, uint32(c.whole), m.free.at(0x1000+c.start))
		})
	}
}

// TestReleaseOfWhatANeighbourHasSwallowed frees a cell that has become the end
// of a free one before it.
func TestReleaseOfWhatANeighbourHasSwallowed(t *testing.T) {
	data := pages(0x1000)
	layoutOfBin(t, data, 0, -24, -32, -(0xFE0 - 56))
	m := parse(t, data)
	require.NoError(t, m.release(0x20))
	require.NoError(t, m.release(0x38))
	require.EqualError(t, m.release(0x38), "cell at 0x1038: is free already")
	require.Equal(t, []int32{56, -(0xFE0 - 56)}, cellsIn(t, m, Bin{0, 0x1000}))
}

func TestReleaseRefuses(t *testing.T) {
	data := pages(0x1000)
	layoutOfBin(t, data, 0, -24, 0xFE0-24)
	m := parse(t, data)
	require.EqualError(t, m.release(0x38), "cell at 0x1038: is free already")
	require.EqualError(t, m.release(0x3C), "cell at 0x103c: no cell can start here")
	require.EqualError(t, m.release(NIL), "cell at 0x100000fff: lies behind the last bin, which ends at 0x2000")
	require.NoError(t, m.release(0x20))
	require.EqualError(t, m.release(0x20), "cell at 0x1020: is free already")
}

func TestResize(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []int32 // the first one is resized
		n      int
		done   bool
		after  []int32
	}{
		{"same size", []int32{-32, -0xFC0}, 28, true, []int32{-32, -0xFC0}},
		{"fits", []int32{-32, -0xFC0}, 21, true, []int32{-32, -0xFC0}},
		{"leaves a little unused", []int32{-32, -0xFC0}, 20, true, []int32{-32, -0xFC0}},
		{"leaves more unused", []int32{-32, -0xFC0}, 0, true, []int32{-32, -0xFC0}},
		{"leaves a 64th of the bins unused", []int32{-(0x80 + 8), -(0xFE0 - 0x88)}, 0, true, []int32{-(0x80 + 8), -(0xFE0 - 0x88)}},
		{"does not leave more than that unused", []int32{-(0x80 + 16), -(0xFE0 - 0x90)}, 4, false, nil},
		{"beside a free neighbour", []int32{-32, 40, -(0xFC0 - 40)}, 20, true, []int32{-32, 40, -(0xFC0 - 40)}},
		{"grows over all of its neighbour", []int32{-32, 8, -(0xFC0 - 8)}, 29, true, []int32{-40, -(0xFC0 - 8)}},
		{"grows over a part of its neighbour", []int32{-32, 64, -(0xFC0 - 64)}, 60, true, []int32{-64, 32, -(0xFC0 - 64)}},
		{"grows to the end of the bin", []int32{-32, 0xFC0}, 0xFDC, true, []int32{-0xFE0}},
		{"neighbour too small", []int32{-32, 8, -(0xFC0 - 8)}, 37, false, nil},
		{"neighbour in use", []int32{-32, -0xFC0}, 29, false, nil},
		{"end of the bin", []int32{-0xFE0}, 0xFDD, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := pages(0x1000, 0x1000)
			layoutOfBin(t, data, 0, c.before...)
			m := parse(t, data)
			done, err := m.resize(0x20, c.n)
			require.NoError(t, err)
			require.Equal(t, c.done, done)
			if !c.done {
				c.after = c.before
			}
			require.Equal(t, c.after, cellsIn(t, m, Bin{0, 0x1000}))
			require.Equal(t, []int32{0xFE0}, cellsIn(t, m, Bin{0x1000, 0x1000}))
			requireIndexed(t, m)
		})
	}
}

// TestResizeOfUnroundedCell keeps data in a cell above 16 KiB that fits it,
// although Windows would have made the cell a power of two.
func TestResizeOfUnroundedCell(t *testing.T) {
	for _, c := range []struct {
		n     int
		done  bool
		after []int32
	}{
		{19996, true, []int32{-20000, -(0x7FE0 - 20000)}},
		{16381, true, []int32{-20000, -(0x7FE0 - 20000)}},
		{16380, false, []int32{-20000, -(0x7FE0 - 20000)}}, // too much of it would be unused
		{19997, false, []int32{-20000, -(0x7FE0 - 20000)}},
	} {
		data := pages(0x8000)
		layoutOfBin(t, data, 0, -20000, -(0x7FE0 - 20000))
		m := parse(t, data)
		done, err := m.resize(0x20, c.n)
		require.NoError(t, err)
		require.Equal(t, c.done, done, c.n)
		require.Equal(t, c.after, cellsIn(t, m, Bin{0, 0x8000}))
	}
}

// TestSlackRunsOut shortens the data of one cell after the other, until a 64th
// of the bins is unused.
func TestSlackRunsOut(t *testing.T) {
	data := pages(0x4000)
	var layout []int32
	for range 0x3FE0 / 32 {
		layout = append(layout, -32)
	}
	layoutOfBin(t, data, 0, layout...)
	m := parse(t, data)
	fit := 0
	for i := range layout {
		fits, err := m.resize(Offset(0x20+32*i), 12)
		require.NoError(t, err)
		if fits {
			fit++
			continue
		}
		break
	}
	require.Equal(t, 0x4000/64/16, fit)
	require.Equal(t, layout, cellsIn(t, m, Bin{0, 0x4000}))
	fits, err := m.resize(0x20, 28)
	require.NoError(t, err)
	require.True(t, fits, "what needs all of its cell needs no slack")
}

func TestResizeRefuses(t *testing.T) {
	m := parse(t, pages(0x1000))
	_, err := m.resize(0x20, 8)
	require.EqualError(t, err, "cell at 0x1020: is free, want an allocated cell")
	_, err = m.resize(0x21, 8)
	require.EqualError(t, err, "cell at 0x1021: no cell can start here")
	_, err = m.resize(0x20, 1<<20)
	require.ErrorIs(t, err, ErrTooLarge)
}
