package regf

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// refusal is a cell that one of the constructors must not take. In want, %#x
// stands for the cell's file offset.
type refusal struct {
	name string
	n    int    // bytes of data that the cell holds: 4 more than a multiple of 8
	data []byte // what it begins with
	code string
	want string
}

func testRefusals(t *testing.T, read func(*Image, Offset) error, cases []refusal) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			image := hivetest.Windows7().Build()
			off := newCell(image, c.n, c.data)
			require.Len(t, image.Cell(uint32(off)), c.n)
			err := read(parse(t, image.Data), off)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			requireCorrupt(t, err, c.code, off.File(), fmt.Sprintf(c.want, off.File()))
		})
	}
	t.Run("free cell", func(t *testing.T) {
		image := hivetest.Windows7().Build()
		off := Offset(image.FreeCells()[0].Offset)
		requireCorrupt(t, read(parse(t, image.Data), off), CodeReference, off.File(), fmt.Sprintf("cell at %#x: is free, want an allocated cell", off.File()))
	})
	t.Run("no cell", func(t *testing.T) {
		m := parse(t, hivetest.Windows7().Build().Data)
		end := Offset(m.BinsSize()).File()
		requireCorrupt(t, read(m, NIL), CodeReference, NIL.File(), fmt.Sprintf("cell at 0x100000fff: lies behind the last bin, which ends at %#x", end))
	})
}

// bytesOf is a record of n bytes with a signature and a 16-bit number.
func bytesOf(n int, signature string, at int, number uint16) []byte {
	b := make([]byte, n)
	copy(b, signature)
	binary.LittleEndian.PutUint16(b[at:], number)
	return b
}

func TestKeyNodeRefuses(t *testing.T) {
	testRefusals(t, func(m *Image, off Offset) error { _, err := m.KeyNode(off); return err }, []refusal{
		{"too small", 68, bytesOf(68, "nk", 2, 0), CodeKeyNode, "nk at %#x: cell has 68 bytes, want at least 76"},
		{"just large enough", 76, bytesOf(76, "nk", 72, 0), "", ""},
		{"signature", 76, bytesOf(76, "vk", 72, 0), CodeKeyNode, `nk at %#x: signature is "vk", want "nk"`},
		{"half a signature", 76, bytesOf(76, "n\x00", 72, 0), CodeKeyNode, `nk at %#x: signature is "n\x00", want "nk"`},
		{"name fills the cell", 84, bytesOf(84, "nk", 72, 8), "", ""},
		{"name too long by one", 84, bytesOf(84, "nk", 72, 9), CodeKeyNode, "nk at %#x: name length 9 exceeds cell (84 bytes)"},
		{"name length absurd", 84, bytesOf(84, "nk", 72, 0xFFFF), CodeKeyNode, "nk at %#x: name length 65535 exceeds cell (84 bytes)"},
	})
}

func TestValueRecordRefuses(t *testing.T) {
	testRefusals(t, func(m *Image, off Offset) error { _, err := m.ValueRecord(off); return err }, []refusal{
		{"too small", 12, bytesOf(12, "vk", 2, 0), CodeValueRecord, "vk at %#x: cell has 12 bytes, want at least 20"},
		{"just large enough", 20, bytesOf(20, "vk", 2, 0), "", ""},
		{"signature", 20, bytesOf(20, "nk", 2, 0), CodeValueRecord, `vk at %#x: signature is "nk", want "vk"`},
		{"name fills the cell", 28, bytesOf(28, "vk", 2, 8), "", ""},
		{"name too long by one", 28, bytesOf(28, "vk", 2, 9), CodeValueRecord, "vk at %#x: name length 9 exceeds cell (28 bytes)"},
		{"name length absurd", 20, bytesOf(20, "vk", 2, 0xFFFF), CodeValueRecord, "vk at %#x: name length 65535 exceeds cell (20 bytes)"},
	})
}

func TestSecurityRecordRefuses(t *testing.T) {
	sk := func(n int, length uint32) []byte {
		b := bytesOf(n, "sk", 2, 0)
		binary.LittleEndian.PutUint32(b[16:], length)
		return b
	}
	read := func(m *Image, off Offset) error {
		s, err := m.SecurityRecord(off)
		if err == nil {
			_, err = s.Descriptor()
		}
		return err
	}
	testRefusals(t, read, []refusal{
		{"too small", 12, bytesOf(12, "sk", 2, 0), CodeDescriptor, "sk at %#x: cell has 12 bytes, want at least 20"},
		{"just large enough", 20, sk(20, 0), "", ""},
		{"signature", 20, bytesOf(20, "ks", 2, 0), CodeSecurityReference, `sk at %#x: signature is "ks", want "sk"`},
		{"descriptor fills the cell", 44, sk(44, 24), "", ""},
		{"descriptor too long by one", 44, sk(44, 25), CodeDescriptor, "sk at %#x: descriptor length 25 exceeds cell (44 bytes)"},
		{"descriptor length absurd", 44, sk(44, math.MaxUint32), CodeDescriptor, "sk at %#x: descriptor length 4294967295 exceeds cell (44 bytes)"},
		{"descriptor length that overflows", 44, sk(44, math.MaxUint32-19), CodeDescriptor, "sk at %#x: descriptor length 4294967276 exceeds cell (44 bytes)"},
	})
}

func TestSubkeyListRefuses(t *testing.T) {
	testRefusals(t, func(m *Image, off Offset) error { _, err := m.SubkeyList(off); return err }, []refusal{
		{"signature", 12, bytesOf(12, "lx", 2, 1), CodeSubkeyList, `subkey list at %#x: signature is "lx", want li, lf, lh or ri`},
		{"a key", 84, bytesOf(84, "nk", 2, 1), CodeSubkeyList, `subkey list at %#x: signature is "nk", want li, lf, lh or ri`},
		{"li empty", 4, bytesOf(4, "li", 2, 0), CodeSubkeyList, "li at %#x: list is empty"},
		{"lf empty", 4, bytesOf(4, "lf", 2, 0), CodeSubkeyList, "lf at %#x: list is empty"},
		{"lh empty", 4, bytesOf(4, "lh", 2, 0), CodeSubkeyList, "lh at %#x: list is empty"},
		{"ri empty", 4, bytesOf(4, "ri", 2, 0), CodeSubkeyList, "ri at %#x: list is empty"},
		{"li without room", 4, bytesOf(4, "li", 2, 1), CodeSubkeyListSize, "li at %#x: cell has 4 bytes, want 8 for 1 entries"},
		{"li fits", 20, bytesOf(20, "li", 2, 4), "", ""},
		{"li too long", 20, bytesOf(20, "li", 2, 5), CodeSubkeyListSize, "li at %#x: cell has 20 bytes, want 24 for 5 entries"},
		{"lf fits", 20, bytesOf(20, "lf", 2, 2), "", ""},
		{"lf too long", 20, bytesOf(20, "lf", 2, 3), CodeSubkeyListSize, "lf at %#x: cell has 20 bytes, want 28 for 3 entries"},
		{"lh fits", 20, bytesOf(20, "lh", 2, 2), "", ""},
		{"lh too long", 20, bytesOf(20, "lh", 2, 3), CodeSubkeyListSize, "lh at %#x: cell has 20 bytes, want 28 for 3 entries"},
		{"ri fits", 20, bytesOf(20, "ri", 2, 4), "", ""},
		{"ri too long", 20, bytesOf(20, "ri", 2, 5), CodeSubkeyListSize, "ri at %#x: cell has 20 bytes, want 24 for 5 entries"},
		{"count absurd", 20, bytesOf(20, "lh", 2, 0xFFFF), CodeSubkeyListSize, "lh at %#x: cell has 20 bytes, want 524284 for 65535 entries"},
	})
}

func TestBigDataRefuses(t *testing.T) {
	testRefusals(t, func(m *Image, off Offset) error { _, err := m.BigData(off); return err }, []refusal{
		{"too small", 4, bytesOf(4, "db", 2, 2), CodeBigData, "db at %#x: cell has 4 bytes, want at least 8"},
		{"large enough", 12, bytesOf(12, "db", 2, 2), "", ""},
		{"signature", 12, bytesOf(12, "bd", 2, 2), CodeBigData, `db at %#x: signature is "bd", want "db"`},
	})
}

func TestSegmentsRefuse(t *testing.T) {
	image := hivetest.Windows7().Build()
	list := newCell(image, 12, words(0x20, 0x20, 0x20))
	two := newCell(image, 12, append(bytesOf(4, "db", 2, 2), words(uint32(list))...))
	four := newCell(image, 12, append(bytesOf(4, "db", 2, 4), words(uint32(list))...))
	none := newCell(image, 12, append(bytesOf(4, "db", 2, 2), words(0xFFFFFFFF)...))
	m := parse(t, image.Data)
	segments := func(off Offset, length uint32) (OffsetList, error) {
		d, err := m.BigData(off)
		require.NoError(t, err)
		return m.Segments(d, length)
	}
	for _, length := range []uint32{16345, 2 * 16344} {
		found, err := segments(two, length)
		require.NoError(t, err)
		require.Equal(t, 2, found.Len())
	}
	for _, c := range []struct {
		name   string
		db     Offset
		length uint32
		at     Offset
		want   string
	}{
		{"one too many", two, 16344, two, "db at %#x: has 2 segments, want 1 for 16344 bytes"},
		{"one too few", two, 2*16344 + 1, two, "db at %#x: has 2 segments, want 3 for 32689 bytes"},
		{"length absurd", two, 1<<31 - 1, two, "db at %#x: has 2 segments, want 131393 for 2147483647 bytes"},
		{"list too short", four, 4 * 16344, list, "segment list at %#x: cell has 12 bytes, want 16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := segments(c.db, c.length)
			requireCorrupt(t, err, CodeBigData, c.at.File(), fmt.Sprintf(c.want, c.at.File()))
		})
	}
	_, err := segments(none, 16345)
	require.ErrorContains(t, err, "lies behind the last bin")
	found, err := segments(two, 16345)
	require.NoError(t, err)
	_, err = m.Segment(found, 0, 16345)
	root, _ := m.Cell(0x20)
	requireCorrupt(t, err, CodeBigData, 0x1020, fmt.Sprintf("segment at 0x1020: cell has %d bytes, want 16344", len(root)))
	last, err := m.Segment(found, 1, 16345)
	require.NoError(t, err)
	require.Equal(t, []byte("n"), last)
}

func TestClassNameRefuses(t *testing.T) {
	read := func(length uint16, cell func(*hivetest.Image) Offset) (string, error) {
		image := hivetest.Windows7().Build()
		off := cell(image)
		root := image.Key("").Node
		image.Put16(root, hivetest.NodeClassLength, length)
		image.Put32(root, hivetest.NodeClass, uint32(off))
		m := parse(t, image.Data)
		class, err := m.ClassName(node(t, m))
		return class, err
	}
	stored := func(image *hivetest.Image) Offset {
		return newCell(image, 12, []byte("C\x00l\x00a\x00s\x00s\x00\x00\x00"))
	}
	nothing := func(*hivetest.Image) Offset { return NIL }

	class, err := read(10, stored)
	require.NoError(t, err)
	require.Equal(t, "Class", class)
	class, err = read(11, stored)
	require.NoError(t, err)
	require.Equal(t, "Class", class, "an odd byte is no character")
	class, err = read(12, stored)
	require.NoError(t, err)
	require.Equal(t, "Class\x00", class)
	class, err = read(0, nothing)
	require.NoError(t, err)
	require.Empty(t, class)
	_, err = read(13, stored)
	requireCorrupt(t, err, CodeClass, 0x1020, "nk at 0x1020: class name length 13 exceeds cell (12 bytes)")
	_, err = read(0xFFFF, stored)
	requireCorrupt(t, err, CodeClass, 0x1020, "nk at 0x1020: class name length 65535 exceeds cell (12 bytes)")
	_, err = read(2, nothing)
	require.ErrorContains(t, err, "lies behind the last bin")
}

func TestValueListRefuses(t *testing.T) {
	read := func(count uint32, flags uint16) (OffsetList, error) {
		image := hivetest.Windows7().Build()
		off := newCell(image, 12, words(1, 2, 3))
		root := image.Key("").Node
		image.Put16(root, hivetest.NodeFlags, image.U16(root, hivetest.NodeFlags)|flags)
		image.Put32(root, hivetest.NodeValues, count)
		image.Put32(root, hivetest.NodeValueList, uint32(off))
		m := parse(t, image.Data)
		list, err := m.ValueList(node(t, m))
		return list, err
	}
	list, err := read(3, 0)
	require.NoError(t, err)
	require.Equal(t, 3, list.Len())
	require.Equal(t, Offset(3), list.At(2))
	list, err = read(0, 0)
	require.NoError(t, err)
	require.Zero(t, list.Len())
	list, err = read(math.MaxUint32, hivetest.KeyPredefHandle)
	require.NoError(t, err)
	require.Zero(t, list.Len(), "the count is a handle")
	for _, count := range []uint32{4, 1 << 30, 1<<30 + 1, math.MaxUint32} {
		_, err := read(count, 0)
		requireCorrupt(t, err, CodeValueList, 0x1020, fmt.Sprintf("nk at 0x1020: %d values exceed the cell of their list (12 bytes)", count))
	}
}

func TestValueDataRefuses(t *testing.T) {
	vk := func(length, data uint32) []byte { return append([]byte("vk\x00\x00"), words(length, data, 0, 0)...) }
	image := hivetest.Windows7().Build()
	data := newCell(image, 20, []byte("twenty bytes of data"))
	free := Offset(image.FreeCells()[0].Offset)
	for _, c := range []struct {
		name   string
		record []byte
		want   string // in data, or in the error when at is set
		at     Offset
		code   string
	}{
		{"inline 0", vk(0x80000000, 0), "", 0, ""},
		{"inline 4", vk(0x80000004, 0x64636261), "abcd", 0, ""},
		{"inline 5", vk(0x80000005, 0), "vk at %#x: inline data has 5 bytes, want at most 4", NIL, CodeInlineLength},
		{"inline absurd", vk(0xFFFFFFFF, 0), "vk at %#x: inline data has 2147483647 bytes, want at most 4", NIL, CodeInlineLength},
		{"empty", vk(0, 0xFFFFFFFF), "", 0, ""},
		{"empty with a cell", vk(0, 0x20), "", 0, ""},
		{"all", vk(20, uint32(data)), "twenty bytes of data", 0, ""},
		{"some", vk(6, uint32(data)), "twenty", 0, ""},
		{"one too many", vk(21, uint32(data)), "vk at %#x: data length 21 exceeds cell (20 bytes)", NIL, CodeValueData},
		{"as much as a cell holds", vk(16344, uint32(data)), "vk at %#x: data length 16344 exceeds cell (20 bytes)", NIL, CodeValueData},
		{"no big data", vk(16345, uint32(data)), `db at %#x: signature is "tw", want "db"`, data, CodeBigData},
		{"beyond the hive", vk(0x7FFFFFFF, uint32(data)), "vk at %#x: data length 2147483647 exceeds the hive (16384 bytes)", NIL, CodeBigData},
		{"free cell", vk(20, uint32(free)), "cell at %#x: is free, want an allocated cell", free, CodeReference},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := image.Clone()
			off := newCell(image, 20, c.record)
			at := c.at
			if at == NIL {
				at = off
			} else if c.code == CodeReference {
				at = Offset(image.FreeCells()[0].Offset)
				image.Put32(uint32(off), hivetest.RecordData, uint32(at))
			}
			m := parse(t, image.Data)
			v, err := m.ValueRecord(off)
			require.NoError(t, err)
			got, err := m.ValueData(v)
			if c.code == "" {
				require.NoError(t, err)
				require.Equal(t, c.want, string(got))
				require.Equal(t, len(got), cap(got), "no way behind the data")
				return
			}
			requireCorrupt(t, err, c.code, at.File(), fmt.Sprintf(c.want, at.File()))
		})
	}
}

// TestHostileLengthsTakeNoMemory reads everything that a number in the file
// could blow up.
func TestHostileLengthsTakeNoMemory(t *testing.T) {
	image := hivetest.Windows10().Build()
	place := image.Value(hivetest.Windows10BigData, "AppCompatCache")
	big := image.Key(hivetest.Windows10BigData).Node
	image.Put32(place.Record, hivetest.RecordDataLength, 0x7FFFFFFF)
	image.Put32(big, hivetest.NodeValues, 0x3FFFFFFF)
	image.Put32(image.Key("").Node, hivetest.NodeSubkeys, math.MaxUint32)
	image.Put16(image.Key("").Node, hivetest.NodeClassLength, 0xFFFE)
	image.Put16(uint32(image.Key("").List), 2, 0xFFFF)
	image.SetHeader32(hivetest.AtBinsSize, 0xFFFFF000)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := Parse(image.Data)
	require.NoError(t, err)
	v, err := m.ValueRecord(Offset(place.Record))
	require.NoError(t, err)
	_, err = m.ValueData(v)
	require.ErrorIs(t, err, ErrCorrupt)
	k, err := m.KeyNode(Offset(big))
	require.NoError(t, err)
	_, err = m.ValueList(k)
	require.ErrorIs(t, err, ErrCorrupt)
	root := node(t, m)
	_, err = m.ClassName(root)
	require.ErrorIs(t, err, ErrCorrupt)
	for _, err := range m.Subkeys(root) {
		require.ErrorIs(t, err, ErrCorrupt)
	}
	_, _, err = m.FindSubkey(root, name(t, "Select"))
	require.ErrorIs(t, err, ErrCorrupt)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10))
}
