package regf

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// crowd is a hive of one key with n values, of which the data has any length up
// to most, and those lengths.
func crowd(minor uint32, n, most int) (*hivetest.Image, []int) {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	root := hivetest.Key{Name: "ROOT"}
	lengths := make([]int, n)
	for i := range n {
		lengths[i] = random.IntN(most)
		root.Values = append(root.Values, hivetest.Value{Name: fmt.Sprintf("v%04d", i), Type: hivetest.TypeBinary, Data: hivetest.Noise(lengths[i], uint32(i))})
	}
	return hivetest.Hive{Minor: minor, Root: root}.Build(), lengths
}

// edits makes n edits of random values, and keeps count of the lengths. It
// returns how often other data was moved.
func edits(t testing.TB, m *Image, lengths []int, n, most int, random *rand.Rand) (moves int) {
	t.Helper()
	root := node(t, m)
	for range n {
		i := random.IntN(len(lengths))
		lengths[i] = random.IntN(most)
		m.compaction.edits++
		before := m.compaction.edits
		v := must(m.ValueList(node(t, m))).At(i)
		require.NoError(t, m.SetValueData(root.Offset, v, 3, hivetest.Noise(lengths[i], uint32(i))))
		if m.compaction.edits <= before {
			moves++
		}
	}
	return moves
}

func requireCrowd(t testing.TB, m *Image, lengths []int) {
	t.Helper()
	list := must(m.ValueList(node(t, m)))
	for i, n := range lengths {
		require.True(t, bytes.Equal(hivetest.Noise(n, uint32(i)), must(m.ValueData(must(m.ValueRecord(list.At(i)))))))
	}
	requireIndexed(t, m)
	requireNoOrphans(t, m)
}

func TestCompaction(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		for _, most := range []int{300, 1000, 20000} {
			t.Run(fmt.Sprintf("1.%d up to %d", minor, most), func(t *testing.T) {
				image, lengths := crowd(minor, 200, most)
				m := parse(t, image.Data)
				random := rand.New(rand.NewPCG(2, 3))
				moves := 0
				for range 20 {
					moves += edits(t, m, lengths, 200, most, random)
					requireCrowd(t, m, lengths)
				}
				require.True(t, moves > 0 || most > 1000)
				requireCrowd(t, parse(t, m.data), lengths)
			})
		}
	}
}

// TestFewEditsMoveNothing makes as many edits as a job does that has a purpose:
// the data of no other value moves, however crowded the hive is.
func TestFewEditsMoveNothing(t *testing.T) {
	image, lengths := crowd(5, 200, 1000)
	m := parse(t, image.Data)
	random := rand.New(rand.NewPCG(4, 5))
	root := node(t, m)
	list := must(m.ValueList(root))
	for range fewEdits {
		i := random.IntN(len(lengths))
		before := make([]Offset, len(lengths))
		for j := range before {
			before[j] = must(m.ValueRecord(list.At(j))).Data()
		}
		lengths[i] = random.IntN(1000)
		require.NoError(t, m.SetValueData(root.Offset, list.At(i), 3, hivetest.Noise(lengths[i], uint32(i))))
		list = must(m.ValueList(node(t, m)))
		for j := range before {
			if j != i {
				require.Equal(t, before[j], must(m.ValueRecord(list.At(j))).Data())
			}
		}
	}
	requireCrowd(t, m, lengths)
}

// crowded returns a hive in which the next edit of 999 bytes moves other data.
func crowded(t testing.TB) (*Image, []int) {
	image, lengths := crowd(5, 200, 1000)
	m := parse(t, image.Data)
	random := rand.New(rand.NewPCG(6, 7))
	edits(t, m, lengths, 2*fewEdits, 1000, random)
	for !m.worthCompacting(999) {
		edits(t, m, lengths, 1, 1000, random)
	}
	return m, lengths
}

func TestCompactionSparesABin(t *testing.T) {
	m, lengths := crowded(t)
	size := m.BinsSize()
	root := node(t, m)
	lengths[7] = 999
	require.NoError(t, m.SetValueData(root.Offset, must(m.ValueList(root)).At(7), 3, hivetest.Noise(999, 7)))
	require.Equal(t, size, m.BinsSize())
	requireCrowd(t, m, lengths)
	for _, change := range m.Changes() {
		require.NotEqual(t, "data", change.What, "moved data keeps its name")
	}
}

// TestCompactionIsUndone moves data for an edit that then fails.
func TestCompactionIsUndone(t *testing.T) {
	m, lengths := crowded(t)
	before, changes := bytes.Clone(m.data), m.Changes()
	root := node(t, m)
	list := must(m.ValueList(root))
	err := m.SetValueData(root.Offset, root.Offset, 3, hivetest.Noise(999, 7)) // no value
	require.ErrorIs(t, err, ErrCorrupt)
	require.True(t, bytes.Equal(before, m.data))
	require.Equal(t, changes, m.Changes())
	require.NoError(t, m.SetValueData(root.Offset, list.At(7), 3, hivetest.Noise(lengths[7], 7)))
	requireCrowd(t, m, lengths)
}

func TestNoCompactionWhereFreeCellsAreLeft(t *testing.T) {
	m, _ := crowded(t)
	m.LeaveFreeCells()
	require.False(t, m.worthCompacting(999))
}

// TestCompactionLeavesSharedData edits two values in place that name one cell,
// as in a damaged hive: it is not taken from either.
func TestCompactionLeavesSharedData(t *testing.T) {
	m, _ := crowded(t)
	list := must(m.ValueList(node(t, m)))
	a, b := must(m.ValueRecord(list.At(1))), must(m.ValueRecord(list.At(2)))
	m.compaction.done(a.Offset)
	m.compaction.done(b.Offset)
	m.writeU32(m.field(b.Offset, valueDataLength), 8)
	m.writeU32(m.field(a.Offset, valueDataLength), 8)
	cell, err := m.allocate(8, []byte("together"), "test")
	require.NoError(t, err)
	m.writeU32(m.field(a.Offset, valueData), uint32(cell))
	m.writeU32(m.field(b.Offset, valueData), uint32(cell))
	require.NoError(t, m.compact())
	for _, v := range []Offset{a.Offset, b.Offset} {
		record := must(m.ValueRecord(v))
		require.Equal(t, cell, record.Data())
		require.Equal(t, []byte("together"), must(m.ValueData(record)))
	}
}
