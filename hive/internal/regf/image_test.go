package regf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// pages returns a hive whose bins have these sizes, each with one free cell.
func pages(sizes ...uint32) []byte {
	data := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}.Build().Data[:BaseBlockSize:BaseBlockSize]
	start := uint32(0)
	for _, size := range sizes {
		bin := make([]byte, size)
		copy(bin, "hbin")
		binary.LittleEndian.PutUint32(bin[4:], start)
		binary.LittleEndian.PutUint32(bin[8:], size)
		binary.LittleEndian.PutUint32(bin[BinHeaderSize:], size-BinHeaderSize)
		data = append(data, bin...)
		start += size
	}
	binary.LittleEndian.PutUint32(data[0x28:], start)
	hivetest.FixChecksum(data)
	return data
}

// put stores a number at a byte of the bins.
func put(data []byte, off int, n uint32) {
	binary.LittleEndian.PutUint32(data[BaseBlockSize+off:], n)
}

func damageOf(m *Image) []string {
	var damage []string
	m.Damage(func(e *FormatError) { damage = append(damage, e.Code+": "+e.Error()) })
	return damage
}

func TestBinChain(t *testing.T) {
	all := []Bin{{0, 0x1000}, {0x1000, 0x2000}, {0x3000, 0x1000}, {0x4000, 0x1000}}
	for _, c := range []struct {
		name   string
		damage func(data []byte) []byte
		bins   []Bin
		want   []string
	}{
		{"sound", func(b []byte) []byte { return b }, all, nil},
		{"signature", func(b []byte) []byte { put(b, 0x1000, 0x6E696268+1<<24); return b }, []Bin{all[0], all[2], all[3]},
			[]string{`bin-chain: bin at 0x2000: signature is "hbio", want "hbin"`}},
		{"signature of the first", func(b []byte) []byte { put(b, 0, 0); return b }, all[1:],
			[]string{`bin-chain: bin at 0x1000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"signature of the last", func(b []byte) []byte { put(b, 0x4000, 0); return b }, all[:3],
			[]string{`bin-chain: bin at 0x5000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"offset", func(b []byte) []byte { put(b, 0x3004, 0x2000); return b }, []Bin{all[0], all[1], all[3]},
			[]string{`bin-chain: bin at 0x4000: header says the bin is at 0x3000, want 0x4000`}},
		{"size 0", func(b []byte) []byte { put(b, 0x3008, 0); return b }, []Bin{all[0], all[1], all[3]},
			[]string{`bin-chain: bin at 0x4000: size is 0x0, want a multiple of 0x1000 that ends by 0x6000`}},
		{"size not in pages", func(b []byte) []byte { put(b, 0x1008, 0x1800); return b }, []Bin{all[0], all[2], all[3]},
			[]string{`bin-chain: bin at 0x2000: size is 0x1800, want a multiple of 0x1000 that ends by 0x6000`}},
		{"size up to the end", func(b []byte) []byte { put(b, 0x3008, 0x2000); return b }, []Bin{all[0], all[1], {0x3000, 0x2000}}, nil},
		{"size beyond the end", func(b []byte) []byte { put(b, 0x3008, 0x3000); return b }, []Bin{all[0], all[1], all[3]},
			[]string{`bin-chain: bin at 0x4000: size is 0x3000, want a multiple of 0x1000 that ends by 0x6000`}},
		{"size that overflows", func(b []byte) []byte { put(b, 0x3008, 0xFFFFF000); return b }, []Bin{all[0], all[1], all[3]},
			[]string{`bin-chain: bin at 0x4000: size is 0xfffff000, want a multiple of 0x1000 that ends by 0x6000`}},
		{"size too small", func(b []byte) []byte { put(b, 0x1008, 0x1000); return b }, []Bin{all[0], {0x1000, 0x1000}, all[2], all[3]},
			[]string{`bin-chain: bin at 0x3000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"two runs", func(b []byte) []byte { put(b, 0, 0); put(b, 0x3000, 0); return b }, []Bin{all[1], all[3]},
			[]string{`bin-chain: bin at 0x1000: signature is "\x00\x00\x00\x00", want "hbin"`, `bin-chain: bin at 0x4000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"neighbours are one run", func(b []byte) []byte { put(b, 0x1000, 0); put(b, 0x3000, 0); return b }, []Bin{all[0], all[3]},
			[]string{`bin-chain: bin at 0x2000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"a bin inside the damage is found", func(b []byte) []byte {
			put(b, 0x1000, 0)
			copy(b[BaseBlockSize+0x2000:], "hbin")
			put(b, 0x2004, 0x2000)
			put(b, 0x2008, 0x1000)
			return b
		}, []Bin{all[0], {0x2000, 0x1000}, all[2], all[3]},
			[]string{`bin-chain: bin at 0x2000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"zeroed", func(b []byte) []byte { clear(b[BaseBlockSize:]); return b }, nil,
			[]string{`bin-chain: bin at 0x1000: signature is "\x00\x00\x00\x00", want "hbin"`}},
		{"file cut between bins", func(b []byte) []byte { return b[:0x5000] }, all[:3],
			[]string{"bins-size: base block at 0x28: length of the bins is 0x5000, but the file holds only 0x4000 bytes of them"}},
		{"file cut inside a bin", func(b []byte) []byte { return b[:0x3000] }, all[:1],
			[]string{"bins-size: base block at 0x28: length of the bins is 0x5000, but the file holds only 0x2000 bytes of them", `bin-chain: bin at 0x2000: size is 0x2000, want a multiple of 0x1000 that ends by 0x3000`}},
		{"file cut inside a page", func(b []byte) []byte { return b[:0x5FFF] }, all[:3],
			[]string{"bins-size: base block at 0x28: length of the bins is 0x5000, but the file holds only 0x4fff bytes of them"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := c.damage(pages(0x1000, 0x2000, 0x1000, 0x1000))
			m, err := Parse(data)
			require.NoError(t, err)
			require.Equal(t, c.bins, slices.Collect(m.Bins))
			require.Equal(t, c.want, damageOf(m))
		})
	}
}

func TestBinsSize(t *testing.T) {
	for _, c := range []struct {
		name     string
		declared uint32
		used     uint32
		want     []string
	}{
		{"all", 0x3000, 0x3000, nil},
		{"bytes trail", 0x2000, 0x2000, nil},
		{"0", 0, 0, []string{"bins-size: base block at 0x28: length of the bins is 0"}},
		{"1", 1, 0, []string{"bins-size: base block at 0x28: length of the bins is 0x1, want a multiple of 0x1000"}},
		{"not in pages", 0x2FFF, 0x2000, []string{"bins-size: base block at 0x28: length of the bins is 0x2fff, want a multiple of 0x1000"}},
		{"past the file", 0x4000, 0x3000, []string{"bins-size: base block at 0x28: length of the bins is 0x4000, but the file holds only 0x3000 bytes of them"}},
		{"largest", 0x7FFFF000, 0x3000, []string{"bins-size: base block at 0x28: length of the bins is 0x7ffff000, but the file holds only 0x3000 bytes of them"}},
		{"2 GiB", 1 << 31, 0x3000, []string{"bins-size: base block at 0x28: length of the bins is 0x80000000, want less than 0x80000000"}},
		{"4 GiB", math.MaxUint32 &^ 0xFFF, 0x3000, []string{"bins-size: base block at 0x28: length of the bins is 0xfffff000, want less than 0x80000000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := pages(0x1000, 0x1000, 0x1000)
			binary.LittleEndian.PutUint32(data[0x28:], c.declared)
			before := bytes.Clone(data)
			m, err := Parse(data)
			require.NoError(t, err)
			require.Equal(t, c.used, m.BinsSize())
			require.Equal(t, c.want, damageOf(m))
			require.Equal(t, before[BaseBlockSize+c.used:], m.Trailing())
			require.Equal(t, before, m.Bytes(), "reading changes nothing")
		})
	}
}

func TestTrailingBytes(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 5000} {
		tail := hivetest.Noise(n, 1)
		m, err := Parse(append(pages(0x1000), tail...))
		require.NoError(t, err)
		require.Empty(t, damageOf(m))
		require.True(t, bytes.Equal(tail, m.Trailing()))
		require.Equal(t, uint32(0x1000), m.BinsSize())
	}
}

func TestCell(t *testing.T) {
	const first = 0x1000 + BinHeaderSize // in a bin of two pages
	signed := func(n int32) uint32 { return uint32(n) }
	for _, c := range []struct {
		name string
		at   Offset // of the cell
		size uint32 // stored there
		want string // error; empty where the cell is sound
		code string
	}{
		{"smallest", first, signed(-8), "", ""},
		{"whole bin", first, signed(-0x1FE0), "", ""},
		{"last in its bin", 0x2FF8, signed(-8), "", ""},
		{"free", first, 0x1FE0, "cell at 0x2020: is free, want an allocated cell", CodeReference},
		{"size 0", first, 0, "cell at 0x2020: size is 0, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"size -1", first, signed(-1), "cell at 0x2020: size is -1, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"size -4", first, signed(-4), "cell at 0x2020: size is -4, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"size -12", first, signed(-12), "cell at 0x2020: size is -12, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"free, size 12", first, 12, "cell at 0x2020: size is 12, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"one unit too long", first, signed(-0x1FE8), "cell at 0x2020: size is -8168, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"last, one unit too long", 0x2FF8, signed(-16), "cell at 0x3ff8: size is -16, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"free, beyond the bin", first, 0x2000, "cell at 0x2020: size is 8192, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"most negative", first, 1 << 31, "cell at 0x2020: size is -2147483648, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"most positive", first, math.MaxInt32 &^ 7, "cell at 0x2020: size is 2147483640, want a multiple of 8 that ends by 0x4000", CodeCellSize},
		{"bin header", 0x1000, 0, "cell at 0x2000: no cell can start here", CodeReference},
		{"last bytes of the bin header", 0x1018, 0, "cell at 0x2018: no cell can start here", CodeReference},
		{"unaligned", first + 4, signed(-8), "cell at 0x2024: no cell can start here", CodeReference},
		{"unaligned by one", first + 1, signed(-8), "cell at 0x2021: no cell can start here", CodeReference},
		{"damaged bin", 0x3020, signed(-8), "cell at 0x4020: lies in a damaged bin", CodeReference},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := append(pages(0x1000, 0x2000, 0x1000), make([]byte, 64)...)
			put(data, 0x3000, 0)
			if c.size != 0 || c.at == first {
				put(data, int(c.at), c.size)
			}
			m, err := Parse(data)
			require.NoError(t, err)
			cell, err := m.Cell(c.at)
			if c.want != "" {
				requireCorrupt(t, err, c.code, c.at.File(), c.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, cell, int(-int32(c.size))-CellHeaderSize)
			require.Equal(t, len(cell), cap(cell), "no way out of the cell")
			require.Same(t, &data[c.at.File()+CellHeaderSize], &cell[0])
		})
	}
}

func TestCellBehindTheBins(t *testing.T) {
	m := parse(t, append(pages(0x1000), make([]byte, 4096)...))
	for _, off := range []Offset{0x1000, 0x1020, 0x7FFFFFF8, 0x80000020, NIL, NIL - 7} {
		_, err := m.Cell(off)
		requireCorrupt(t, err, CodeReference, BaseBlockSize+int64(off), (&FormatError{Off: off.File(), Struct: "cell", Msg: "lies behind the last bin, which ends at 0x2000"}).Error())
	}
}

// TestOldCells reads cells as versions 1.0 and 1.1 have them: in units of 16
// bytes, with the offset of the cell before behind the size.
func TestOldCells(t *testing.T) {
	data := pages(0x1000)
	binary.LittleEndian.PutUint32(data[0x18:], 1)
	put(data, 0x20, neg(32))
	put(data, 0x40, neg(24))
	m := parse(t, data)
	cell, err := m.Cell(0x20)
	require.NoError(t, err)
	require.Len(t, cell, 24)
	_, err = m.Cell(0x40)
	requireCorrupt(t, err, CodeCellSize, 0x1040, "cell at 0x1040: size is -24, want a multiple of 16 that ends by 0x2000")
	put(m.data, 0x40, 8)
	_, err = m.Cell(0x40)
	requireCorrupt(t, err, CodeCellSize, 0x1040, "cell at 0x1040: size is 8, want a multiple of 16 that ends by 0x2000")
}

func TestCells(t *testing.T) {
	image := hivetest.Windows10().Build()
	m := parse(t, image.Data)
	var cells []hivetest.CellAt
	for bin := range m.Bins {
		for cell, err := range m.Cells(bin) {
			require.NoError(t, err)
			cells = append(cells, hivetest.CellAt{Offset: uint32(cell.Offset), Size: cell.Size, Allocated: cell.Allocated})
		}
	}
	require.Equal(t, image.Cells(), cells)
}

func TestCellsEndAtDamage(t *testing.T) {
	for _, size := range []uint32{0, 4, 12, 0x1000, 1 << 31, math.MaxUint32} {
		data := pages(0x1000, 0x1000)
		put(data, 0x20, neg(64))
		put(data, 0x60, size)
		m := parse(t, data)
		var cells []CellHeader
		var failed []error
		for cell, err := range m.Cells(Bin{0, 0x1000}) {
			if err != nil {
				failed = append(failed, err)
				continue
			}
			cells = append(cells, cell)
		}
		require.Equal(t, []CellHeader{{0x20, 64, true}}, cells)
		require.Len(t, failed, 1)
		damage, ok := errors.AsType[*FormatError](failed[0])
		require.True(t, ok)
		require.Equal(t, CodeCellSize, damage.Code)
		require.Equal(t, int64(0x1060), damage.Off)
	}
}

func TestIterationsStopWhenTold(t *testing.T) {
	m := parse(t, pages(0x1000, 0x1000))
	for bin := range m.Bins {
		require.Equal(t, Offset(0), bin.Start)
		for range m.Cells(bin) {
			break
		}
		break
	}
}

// neg is the stored size of an allocated cell.
func neg(size uint32) uint32 { return -size }
