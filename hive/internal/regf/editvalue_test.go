package regf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// edited is a hive of one key with the values a, v and z, stored one behind
// the other. The cells of v's data lie between those of the others.
func edited(minor uint32, data []byte) *hivetest.Image {
	neighbour := func(name string, seed uint32) hivetest.Value {
		return hivetest.Value{Name: name, Type: hivetest.TypeBinary, Data: hivetest.Noise(100, seed)}
	}
	return hivetest.Hive{Minor: minor, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{
		neighbour("a", 1), {Name: "v", Type: hivetest.TypeBinary, Data: data}, neighbour("z", 2),
	}}}.Build()
}

// setData sets the data of v and requires that it can be read back, that the
// other values are as before, and that all cells are accounted for.
func setData(t testing.TB, m *Image, kind uint32, data []byte) {
	t.Helper()
	root := node(t, m)
	require.NoError(t, m.SetValueData(root.Offset, record(t, m, root, "v").Offset, kind, data))
	root = node(t, m)
	v := record(t, m, root, "v")
	require.Equal(t, kind, v.Type())
	require.Equal(t, uint32(len(data)), v.DataLength())
	require.Equal(t, len(data) <= MaxInlineData, v.Inline())
	require.True(t, bytes.Equal(data, must(m.ValueData(v))))
	require.True(t, bytes.Equal(hivetest.Noise(100, 1), must(m.ValueData(record(t, m, root, "a")))))
	require.True(t, bytes.Equal(hivetest.Noise(100, 2), must(m.ValueData(record(t, m, root, "z")))))
	requireIndexed(t, m)
	requireNoOrphans(t, m)
}

// requireNoOrphans requires that the cells of the root key, its security, its
// value list, the values and their data are all that is allocated.
func requireNoOrphans(t testing.TB, m *Image) {
	t.Helper()
	used := map[Offset]bool{}
	root := node(t, m)
	used[root.Offset], used[root.Security()], used[root.ValueList()] = true, true, true
	list := must(m.ValueList(root))
	for i := range list.Len() {
		v := must(m.ValueRecord(list.At(i)))
		used[v.Offset] = true
		if v.Inline() {
			continue
		}
		used[v.Data()] = true
		if m.segmented(v.DataLength()) {
			d := must(m.BigData(v.Data()))
			used[d.List()] = true
			segments := must(m.Segments(d, v.DataLength()))
			for j := range segments.Len() {
				used[segments.At(j)] = true
			}
		}
	}
	allocated := map[Offset]bool{}
	for bin := range m.Bins {
		for cell := range m.Cells(bin) {
			if cell.Allocated {
				allocated[cell.Offset] = true
			}
		}
	}
	require.Equal(t, used, allocated)
}

// TestEveryLengthToEvery takes a value through all pairs of lengths around
// those where its place changes.
func TestEveryLengthToEvery(t *testing.T) {
	lengths := []int{0, 1, 4, 5, 12, 13, 4096, 16343, 16344, 16345, 16380, 16381, 2 * 16344, 2*16344 + 1, 100000}
	for _, minor := range []uint32{2, 3, 4, 5} {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			for _, from := range lengths {
				for _, to := range lengths {
					m := parse(t, edited(minor, hivetest.Noise(from, 3)).Data)
					setData(t, m, 3, hivetest.Noise(to, 4))
					setData(t, m, 1, hivetest.Noise(from, 5))
				}
			}
		})
	}
}

func TestFieldsOfAnEdit(t *testing.T) {
	for _, c := range []struct {
		data         []byte
		length, cell uint32 // cell only where it is inline
	}{
		{nil, 0x80000000, 0}, {[]byte{1}, 0x80000001, 1}, {[]byte{1, 2}, 0x80000002, 0x0201},
		{[]byte{1, 2, 3}, 0x80000003, 0x030201}, {[]byte{1, 2, 3, 4}, 0x80000004, 0x04030201}, {[]byte{1, 2, 3, 4, 5}, 5, 0},
	} {
		image := edited(5, hivetest.Noise(40, 1))
		place := image.Value("", "v")
		m := parse(t, image.Data)
		setData(t, m, 0xFFFF0001, c.data)
		image.Data = m.data
		require.Equal(t, c.length, image.U32(place.Record, hivetest.RecordDataLength))
		if c.length > 4 && len(c.data) <= 4 {
			require.Equal(t, c.cell, image.U32(place.Record, hivetest.RecordData))
		}
		require.Equal(t, uint32(0xFFFF0001), image.U32(place.Record, hivetest.RecordType))
	}
}

func TestMaximumIsNeverLowered(t *testing.T) {
	m := parse(t, edited(5, hivetest.Noise(40, 1)).Data)
	for _, c := range []struct{ length, want int }{{99, 100}, {101, 101}, {20000, 20000}, {5, 20000}, {0, 20000}} {
		setData(t, m, 3, hivetest.Noise(c.length, 1))
		require.Equal(t, uint32(c.want), node(t, m).MaxValueDataLen())
	}
}

// TestPlaces follows the cell of the data through edits.
func TestPlaces(t *testing.T) {
	image := edited(5, hivetest.Noise(60, 1)) // a cell of 64
	before := Offset(image.Value("", "v").Data)
	cell := func(m *Image) (Offset, uint32) {
		v := record(t, m, node(t, m), "v")
		size, _, err := m.CellSize(v.Data())
		require.NoError(t, err)
		return v.Data(), size
	}
	t.Run("in place", func(t *testing.T) {
		for _, n := range []int{60, 59, 53} {
			m := parse(t, image.Data)
			setData(t, m, 3, hivetest.Noise(n, 9))
			at, size := cell(m)
			require.Equal(t, before, at)
			require.Equal(t, uint32(64), size)
			require.Equal(t, make([]byte, 60-n), must(m.Cell(at))[n:], "nothing of the old data is left")
		}
	})
	t.Run("leaves a little unused, and uses it again", func(t *testing.T) {
		m := parse(t, image.Data)
		for _, n := range []int{20, 60} {
			setData(t, m, 3, hivetest.Noise(n, 9))
			at, size := cell(m)
			require.Equal(t, before, at)
			require.Equal(t, uint32(64), size)
			require.Equal(t, make([]byte, 60-n), must(m.Cell(at))[n:], "nothing of the old data is left")
		}
		require.Equal(t, len(image.Data), len(m.data))
	})
	t.Run("gives back what it does not need, and grows into it again", func(t *testing.T) {
		m := parse(t, image.Data)
		m.slack = m.BinsSize() / slackShare // as after many edits
		setData(t, m, 3, hivetest.Noise(20, 9))
		at, size := cell(m)
		require.Equal(t, before, at, "its own place is the best fit")
		require.Equal(t, uint32(24), size)
		require.Equal(t, uint32(40), m.free.at(at+24))
		for _, n := range []int{21, 37, 60} {
			setData(t, m, 3, hivetest.Noise(n, 9))
			at, size = cell(m)
			require.Equal(t, before, at)
			require.Equal(t, must(cellSize(n)), size)
		}
		require.Zero(t, m.free.at(at+64))
		require.Equal(t, len(image.Data), len(m.data))
	})
	t.Run("moves to the best fit", func(t *testing.T) {
		image := image.Clone()
		small, large := image.Allocate(68), image.Allocate(100)
		keep := image.Allocate(4)
		image.Free(small)
		m := parse(t, image.Data)
		root := node(t, m)
		require.NoError(t, m.SetValueData(root.Offset, record(t, m, root, "v").Offset, 3, hivetest.Noise(64, 9)))
		at, size := cell(m)
		require.Equal(t, Offset(small), at)
		require.Equal(t, uint32(72), size)
		require.Equal(t, uint32(64), m.free.at(before), "the old cell is free")
		require.NotZero(t, large+keep)
	})
	t.Run("moves to a new bin", func(t *testing.T) {
		m := parse(t, image.Data)
		setData(t, m, 3, hivetest.Noise(16000, 9))
		at, _ := cell(m)
		require.Equal(t, Offset(image.BinsSize()+BinHeaderSize), at)
		require.Equal(t, image.BinsSize()+0x4000, m.BinsSize())
	})
}

func TestOnlyTheTypeChanges(t *testing.T) {
	for _, n := range []int{0, 4, 5, 100, 16344, 16345, 40000} {
		image := edited(5, hivetest.Noise(n, 1))
		m := parse(t, image.Data)
		setData(t, m, 7, hivetest.Noise(n, 1))
		require.Equal(t, []Change{{hivetest.FileOffset(image.Value("", "v").Record) + 4 + hivetest.RecordType, 1, "value v"}}, m.Changes())
	}
}

// TestRewriteOfSegments keeps the segments where the new data needs as many.
func TestRewriteOfSegments(t *testing.T) {
	image := edited(5, hivetest.Noise(2*16344, 1))
	place := image.Value("", "v")
	m := parse(t, image.Data)
	setData(t, m, 3, hivetest.Noise(16345, 2))
	d := must(m.BigData(Offset(place.Data)))
	require.Equal(t, Offset(place.List), d.List())
	segments := must(m.Segments(d, 16345))
	require.Equal(t, []Offset{Offset(place.Segments[0]), Offset(place.Segments[1])}, []Offset{segments.At(0), segments.At(1)})
	require.True(t, bytes.Equal(hivetest.Noise(2*16344, 1)[16345:], must(m.Cell(segments.At(1)))[1:16344]), "nothing is touched without need")
	require.Equal(t, len(image.Data), len(m.data))
}

// TestShortLastSegment gives a value more data whose last segment has a cell
// that is just large enough, which Windows does not do but reads.
func TestShortLastSegment(t *testing.T) {
	for _, behind := range []int{0, 16384} { // bytes free behind the short cell
		image := edited(5, hivetest.Noise(16345, 1))
		place := image.Value("", "v")
		short := image.Allocate(8)
		image.Free(place.Segments[1])
		if behind == 0 {
			image.Allocate(4) // in the way
		} else {
			image.Free(short)
			short = image.Allocate(8)
		}
		copy(image.Cell(short), hivetest.Noise(16345, 1)[16344:])
		image.Put32(place.List, 4, short)
		m := parse(t, image.Data)
		root := node(t, m)
		require.True(t, bytes.Equal(hivetest.Noise(16345, 1), must(m.ValueData(record(t, m, root, "v")))))
		for _, n := range []int{16346, 30000, 2 * 16344} {
			require.NoError(t, m.SetValueData(root.Offset, record(t, m, root, "v").Offset, 3, hivetest.Noise(n, 7)), "%d bytes", n)
			require.True(t, bytes.Equal(hivetest.Noise(n, 7), must(m.ValueData(record(t, m, root, "v")))))
		}
		requireIndexed(t, m)
	}
}

// TestEditRefuses damages the cells of the old data, or asks for too much: the
// image stays as it was.
func TestEditRefuses(t *testing.T) {
	type place = hivetest.ValuePlace
	const big = 3 * 16344
	sound := func(*hivetest.Image, *place) {}
	for _, c := range []struct {
		name    string
		minor   uint32
		from    int
		damage  func(*hivetest.Image, *place)
		to      int
		want    string
		tooLong bool
	}{
		{"1 MiB in version 1.3", 3, 10, sound, 1<<20 - 3, "too large for the format: a cell holds at most 1048572 bytes, want 1048573", true},
		{"1 MiB in version 1.2, from inline", 2, 4, sound, 1 << 20, "too large for the format: a cell holds at most 1048572 bytes, want 1048576", true},
		{"data is free", 5, 100, func(i *hivetest.Image, p *place) { i.Free(p.Data) }, 200, "is free", false},
		{"data is free, to inline", 5, 100, func(i *hivetest.Image, p *place) { i.Free(p.Data) }, 2, "is free already", false},
		{"data is free, to segments", 5, 100, func(i *hivetest.Image, p *place) { i.Free(p.Data) }, big, "is free already", false},
		{"data beyond the bins", 5, 100, func(i *hivetest.Image, p *place) { i.Put32(p.Record, 8, 0x7FFFFFF0) }, 200, "lies behind the last bin", false},
		{"no signature", 5, big, func(i *hivetest.Image, p *place) { i.Put16(p.Data, 0, 0) }, 5, `signature is "\x00\x00", want "db"`, false},
		{"no signature, as many segments", 5, big, func(i *hivetest.Image, p *place) { i.Put16(p.Data, 0, 0) }, big - 1, `signature is "\x00\x00", want "db"`, false},
		{"too few segments", 5, big, func(i *hivetest.Image, p *place) { i.Put16(p.Data, 2, 2) }, 5, "has 2 segments, want 3", false},
		{"too few segments, as many wanted", 5, big, func(i *hivetest.Image, p *place) { i.Put16(p.Data, 2, 2) }, big - 1, "has 2 segments, want 3", false},
		{"list is free", 5, big, func(i *hivetest.Image, p *place) { i.Free(p.List) }, 5, "is free, want an allocated cell", false},
		{"last segment is free", 5, big, func(i *hivetest.Image, p *place) { i.Free(p.Segments[2]) }, 5, "is free already", false},
		{"last segment is free, as many", 5, big, func(i *hivetest.Image, p *place) { i.Free(p.Segments[2]) }, big - 1, "is free already", false},
		{"equal segments", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.List, 8, p.Segments[0]) }, 5, "is free already", false},
		{"equal segments, as many", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.List, 8, p.Segments[0]) }, big - 1, "is free already", false},
		{"equal neighbours, as many", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.List, 4, p.Segments[0]) }, big - 1, "is free already", false},
		{"segment is the list", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.List, 8, p.List) }, 5, "is free already", false},
		{"segment is the list, as many", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.List, 8, p.List) }, big - 1, "is free already", false},
		{"segment is the record, as many", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.List, 8, p.Data) }, big - 1, "is free already", false},
		{"list is the record", 5, big, func(i *hivetest.Image, p *place) { i.Put32(p.Data, 4, p.Data) }, 5, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := edited(c.minor, hivetest.Noise(c.from, 1))
			value := image.Value("", "v")
			c.damage(image, value)
			m := parse(t, image.Data)
			root := node(t, m)
			err := m.SetValueData(root.Offset, Offset(value.Record), 3, hivetest.Noise(c.to, 2))
			require.ErrorContains(t, err, c.want)
			if c.tooLong {
				require.ErrorIs(t, err, ErrTooLarge)
			} else {
				require.ErrorIs(t, err, ErrCorrupt)
			}
			require.True(t, bytes.Equal(image.Data, m.data))
			require.Empty(t, m.Changes())

			// The image goes on as if nothing had been.
			other := Offset(image.Value("", "a").Record)
			require.NoError(t, m.SetValueData(root.Offset, other, 3, hivetest.Noise(3000, 5)))
			require.True(t, bytes.Equal(hivetest.Noise(3000, 5), must(m.ValueData(must(m.ValueRecord(other))))))
		})
	}
}

func TestLongestValues(t *testing.T) {
	m := parse(t, edited(5, nil).Data)
	where, err := m.layoutOf(65535 * 16344)
	require.NoError(t, err)
	require.Equal(t, segmented, where)
	_, err = m.layoutOf(65535*16344 + 1)
	require.EqualError(t, err, "too large for the format: value data has at most 1071104040 bytes, want 1071104041")
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = m.layoutOf(math.MaxInt)
	require.ErrorIs(t, err, ErrTooLarge)

	m = parse(t, edited(3, nil).Data)
	setData(t, m, 3, hivetest.Noise(1<<20-4, 1))
	require.Equal(t, -int32(1<<20), int32(binary.LittleEndian.Uint32(m.data[record(t, m, node(t, m), "v").Data().File():])))
}

func TestEditOfWhatIsNoValue(t *testing.T) {
	m := parse(t, edited(5, hivetest.Noise(100, 1)).Data)
	before := bytes.Clone(m.data)
	root := node(t, m)
	v := record(t, m, root, "v").Offset
	require.ErrorIs(t, m.SetValueData(root.Offset, root.Offset, 3, []byte("data")), ErrCorrupt)
	require.ErrorIs(t, m.SetValueData(root.Offset, NIL, 3, []byte("data")), ErrCorrupt)
	require.ErrorIs(t, m.SetValueData(v, v, 3, hivetest.Noise(20000, 1)), ErrCorrupt, "no key")
	require.True(t, bytes.Equal(before, m.data))
}

// TestLabelsOfAnEdit names what was written after what it was written for.
func TestLabelsOfAnEdit(t *testing.T) {
	image := edited(5, hivetest.Noise(100, 1))
	image.AddBin(0x9000)
	m := parse(t, image.Data)
	setData(t, m, 3, hivetest.Noise(20000, 2))
	names := map[string]bool{}
	for _, change := range m.Changes() {
		names[change.What] = true
	}
	require.Equal(t, map[string]bool{
		"data of value v": true, "segments of data of value v": true, "big data of value v": true, "value v": true, "key ROOT": true, "free cell": true,
	}, names)
}
