package regf

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

func TestChangesNone(t *testing.T) {
	m := parse(t, hivetest.Windows10().Build().Data)
	require.Empty(t, m.Changes())
	off := Offset(0x20)
	m.write(off.File(), bytes.Clone(m.data[off.File():off.File()+80]))
	require.Empty(t, m.Changes(), "the same bytes again")
	m.write(off.File()+8, []byte{1, 2, 3})
	require.NotEmpty(t, m.Changes())
	m.write(off.File()+8, must(Parse(hivetest.Windows10().Build().Data)).data[off.File()+8:off.File()+11])
	require.Empty(t, m.Changes(), "and back")
}

// TestChangeRuns writes single bytes into one large cell and looks at how they
// are put together.
func TestChangeRuns(t *testing.T) {
	const cell = BaseBlockSize + 0x24 // its data
	for _, c := range []struct {
		name  string
		bytes []int64 // from the start of the data
		want  []Change
	}{
		{"one", []int64{0}, []Change{{cell, 1, "data"}}},
		{"neighbours", []int64{0, 1, 2}, []Change{{cell, 3, "data"}}},
		{"8 equal bytes between", []int64{0, 9}, []Change{{cell, 10, "data"}}},
		{"9 equal bytes between", []int64{0, 10}, []Change{{cell, 1, "data"}, {cell + 10, 1, "data"}}},
		{"over the end of a page", []int64{0xFDB, 0xFDC}, []Change{{0x1FFF, 2, "data"}}},
		{"near the end of a page", []int64{0xFD8, 0xFE1}, []Change{{0x1FFC, 10, "data"}}},
		{"in two pages", []int64{0xFD8, 0xFE2}, []Change{{0x1FFC, 1, "data"}, {0x2006, 1, "data"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := pages(0x3000)
			layoutOfBin(t, data, 0, -0x2FE0)
			m := parse(t, data)
			for _, at := range c.bytes {
				m.write(cell+at, []byte{0xFF})
			}
			require.Equal(t, c.want, m.Changes())
		})
	}
}

// TestChangesNeverReachOverStructures writes the whole file anew.
func TestChangesNeverReachOverStructures(t *testing.T) {
	data := pages(0x1000, 0x1000)
	layoutOfBin(t, data, 0, -0x100, 0x40, -(0xFE0 - 0x140))
	data = append(data, make([]byte, 10)...)
	m := parse(t, data)
	inverted := bytes.Clone(data)
	for i := range inverted {
		inverted[i] ^= 0xFF
	}
	for _, part := range []struct{ from, to int64 }{ // all but what makes it a hive, and the sizes of cells
		{0x04, 0x14}, {0x24, 0x28}, {0x2C, 0x1000}, {0x100C, 0x1020}, {0x1024, 0x1120}, {0x1124, 0x1160}, {0x1164, 0x2000}, {0x2024, 0x300A},
	} {
		m.write(part.from, inverted[part.from:part.to])
	}
	m.writeU32(blockBinsSize, 0x2000)
	require.Equal(t, []Change{
		{0x04, 4, "base block: sequence 1"},
		{0x08, 4, "base block: sequence 2"},
		{0x0C, 8, "base block: time stamp"},
		{0x24, 4, "base block"},
		{0x2C, 0x90 - 0x2C, "base block"},
		{0x90, 4, "base block: flags"},
		{0x94, 0x1FC - 0x94, "base block"},
		{0x1FC, 4, "base block: checksum"},
		{0x200, 0xE00, "base block"},
		{0x100C, 20, "bin header"},
		{0x1024, 0x100 - 4, "data"},
		{0x1124, 0x40 - 4, "free cell"},
		{0x1164, 0x2000 - 0x1164, "data"},
		{0x2024, 0xFDC, "free cell"},
		{0x3000, 10, "after the last bin"},
	}, m.Changes())
}

func TestChangesInDamage(t *testing.T) {
	data := pages(0x1000, 0x2000)
	put(data, 0x1000, 0)
	put(data, 0x20, 4)
	m := parse(t, data)
	m.write(0x1030, []byte{1})
	m.write(0x2FFF, []byte{1, 1})
	require.Equal(t, []Change{{0x1030, 1, "damaged cells"}, {0x2FFF, 1, "damaged bin"}, {0x3000, 1, "damaged bin"}}, m.Changes())
}

// TestChangeNames changes one byte of each kind of structure of a built hive.
func TestChangeNames(t *testing.T) {
	image := hivetest.Windows10().Build()
	value := image.Value(hivetest.SubSystems, hivetest.ValueWindows)
	wide := image.Key(hivetest.Windows10Wide)
	for _, c := range []struct {
		cell uint32
		at   int
		want string
	}{
		{image.Key(hivetest.SubSystems).Node, hivetest.NodeTime, "key SubSystems"},
		{wide.Node, hivetest.NodeTime, "key Служба"},
		{value.Record, hivetest.RecordType, "value Windows"},
		{image.Value(hivetest.Windows10Values, "").Record, hivetest.RecordType, "value @"},
		{value.Data, 0, "data"},
		{image.Key("").List, 4, "subkey list lh"},
		{image.Key(hivetest.Windows10ManyKeys).List, 4, "subkey list ri"},
		{image.Securities[0].Cell, hivetest.SecurityReferences, "security descriptor"},
		{image.Key(hivetest.Windows10Values).ValueList, 0, "data"},
		{image.FreeCells()[0].Offset, 0, "free cell"},
	} {
		m := parse(t, image.Data)
		at := hivetest.FileOffset(c.cell) + 4 + int64(c.at)
		m.write(at, []byte{m.data[at] ^ 0xFF})
		require.Equal(t, []Change{{at, 1, c.want}}, m.Changes())
	}
}
