package regf

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireIndexed requires that the cells fill the bins, that no two free ones
// are neighbours, and that the index of free cells, if there is one, has just
// those.
func requireIndexed(t testing.TB, m *Image) {
	t.Helper()
	free := map[Offset]uint32{}
	for bin := range m.Bins {
		wasFree := false
		for cell, err := range m.Cells(bin) {
			require.NoError(t, err)
			if !cell.Allocated {
				require.False(t, wasFree, "free neighbours at %#x", cell.Offset)
				free[cell.Offset] = cell.Size
			}
			wasFree = !cell.Allocated
		}
	}
	if m.free == nil {
		return // not needed so far
	}
	require.Equal(t, len(free), m.free.live)
	indexed := map[Offset]uint32{}
	for start := range m.free.starts.Without(nil) {
		off := Offset(8 * start)
		indexed[off] = m.u32(off)
		require.True(t, m.free.ends.Has((uint32(off)+m.u32(off))/8), "end of %#x", off)
	}
	require.Equal(t, free, indexed)
	ends := 0
	for range m.free.ends.Without(nil) {
		ends++
	}
	require.Equal(t, len(free), ends)
}

// TestAllocatorAgainstModel allocates, resizes and releases cells at random.
// Each keeps its bytes; each new one is in the smallest free cell that holds
// it, and a bin is added only when there is none.
func TestAllocatorAgainstModel(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	m := parse(t, pages(0x1000, 0x3000))
	type cell struct {
		off  Offset
		data []byte
	}
	var cells []cell
	length := func() int {
		switch random.IntN(20) {
		case 0:
			return random.IntN(40000)
		case 1, 2, 3:
			return random.IntN(4000)
		}
		return random.IntN(200)
	}
	smallest := func(size uint32) (best uint32) {
		for bin := range m.Bins {
			for c := range m.Cells(bin) {
				if !c.Allocated && c.Size >= size && (best == 0 || c.Size < best) {
					best = c.Size
				}
			}
		}
		return best
	}
	for step := range 3000 {
		switch op := random.IntN(10); {
		case op < 5 || len(cells) == 0:
			n := length()
			size := must(cellSize(n))
			best, before := smallest(size), m.BinsSize()
			data := bytes.Repeat([]byte{byte(step) | 1}, n)
			off, err := m.store(NIL, data, caption{what: "test"})
			require.NoError(t, err)
			require.Equal(t, best == 0, m.BinsSize() > before, "a new bin only when it must be")
			if best > 0 {
				taken := size
				if rest := off + Offset(size); m.free.at(rest) > 0 {
					taken += m.free.at(rest)
				}
				require.Equal(t, best, taken, "best fit")
			}
			cells = append(cells, cell{off, data})
		case op < 8:
			i := random.IntN(len(cells))
			data := bytes.Repeat([]byte{byte(step) | 1}, length())
			off, err := m.store(cells[i].off, data, caption{what: "test"})
			require.NoError(t, err)
			cells[i] = cell{off, data}
		default:
			i := random.IntN(len(cells))
			require.NoError(t, m.release(cells[i].off))
			cells[i] = cells[len(cells)-1]
			cells = cells[:len(cells)-1]
		}
		if step%50 == 0 {
			requireIndexed(t, m)
			unused := uint32(0)
			for _, c := range cells {
				got, err := m.Cell(c.off)
				require.NoError(t, err)
				require.True(t, bytes.Equal(c.data, got[:len(c.data)]))
				require.Empty(t, bytes.Trim(got[len(c.data):], "\x00"), "slack is empty")
				require.GreaterOrEqual(t, uint32(len(got)+CellHeaderSize), must(cellSize(len(c.data))))
				unused += uint32(len(got)+CellHeaderSize) - must(cellSize(len(c.data)))
			}
			require.LessOrEqual(t, unused, m.BinsSize()/slackShare)
		}
	}
}

// TestIndexForgetsStaleEntries takes the larger part of a free cell and gives
// it back, so often that the list for the rest, of a size that nobody asks for,
// would grow without end.
func TestIndexForgetsStaleEntries(t *testing.T) {
	data := pages(0x1000)
	layoutOfBin(t, data, 0, 72, -(0xFE0 - 72))
	m := parse(t, data)
	for range 300000 {
		off, err := m.allocate(44, nil, caption{what: "a"})
		require.NoError(t, err)
		require.Equal(t, uint32(24), m.free.at(off+48))
		require.NoError(t, m.release(off))
	}
	require.Less(t, m.free.listed, 1<<17)
	require.Less(t, cap(m.free.small[24/8]), 1<<18)
	requireIndexed(t, m)
	require.Equal(t, uint32(72), m.free.at(0x20))
}
