package hivetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// samples are all hives without a fault.
func samples() map[string]Hive {
	return map[string]Hive{
		"NT4": NT4(), "Windows7": Windows7(), "Windows10": Windows10(), "Layered": Layered(),
		"NT31": NT31(1), "version 1.0": NT31(0), "Exotic": Exotic(), "Deep": Deep(505),
		"version 1.2": {Minor: 2, Root: Windows7().Root}, "version 1.4": {Minor: 4, Root: Windows10().Root},
	}
}

func TestSamplesAreSound(t *testing.T) {
	for name, hive := range samples() {
		t.Run(name, func(t *testing.T) {
			image := hive.Build()
			require.Empty(t, walk(image.Data))
			require.Equal(t, image.Data, hive.Build().Data, "the hive is not the same every time")
		})
	}
}

func TestPlaces(t *testing.T) {
	for name, hive := range samples() {
		t.Run(name, func(t *testing.T) {
			image := hive.Build()
			keys := 0
			hive.Keys(func(path string, key *Key) {
				keys++
				place := image.Key(path)
				require.Equal(t, "nk", string(image.Cell(place.Node)[:2]))
				require.Len(t, place.Subkeys, len(key.Subkeys))
				require.True(t, slices.IsSortedFunc(place.Subkeys, CompareNames))
				require.Equal(t, key.Class == "", place.Class == NIL)
				if key.Class != "" {
					require.Equal(t, Link(key.Class), image.Cell(place.Class)[:2*len(key.Class)])
				}
				for i := range key.Values {
					value := image.Value(path, key.Values[i].Name)
					require.Equal(t, key.Values[i].Data, readData(image, value, len(key.Values[i].Data)), "%s %s", path, value.Name)
				}
			})
			require.Len(t, image.Keys, keys)
		})
	}
}

// readData reads the data of a value through its place.
func readData(image *Image, value *ValuePlace, length int) []byte {
	switch {
	case length == 0:
		return nil
	case value.Data == NIL:
		return image.Cell(value.Record)[RecordData : RecordData+length]
	case value.List == NIL:
		return image.Cell(value.Data)[:length]
	}
	var data []byte
	for _, segment := range value.Segments {
		data = append(data, image.Cell(segment)[:min(SegmentData, length-len(data))]...)
	}
	return data
}

func TestSampleValues(t *testing.T) {
	for name, test := range map[string]struct {
		hive Hive
		path string
		text string
	}{
		"NT4":                    {NT4(), SubSystems, "SharedSection=1024,3072 Windows=On"},
		"NT4, second set":        {NT4(), SubSystems002, "SharedSection=1024,3072 Windows=On"},
		"Windows 7":              {Windows7(), SubSystems, "SharedSection=1024,20480,768 Windows=On"},
		"Windows 10":             {Windows10(), SubSystems, "SharedSection=1024,20480,768 Windows=On"},
		"Windows 10, other line": {Windows10With("x"), SubSystems, "x\x00"},
	} {
		value := test.hive.Key(test.path).Value(ValueWindows)
		require.EqualValues(t, TypeExpandSZ, value.Type, name)
		require.Contains(t, string(value.Data), string(Link(test.text)), name)
	}
	select1 := NT4()
	require.Equal(t, DWORD(2), select1.Key("Select").Value("LastKnownGood").Data)
}

func TestListKinds(t *testing.T) {
	for _, test := range []struct {
		minor    uint32
		list     string
		leafSize int
		subkeys  int
		want     string // signatures and counts of the leaves
		root     string // signature of the list that the key names
	}{
		{2, "", 0, 1, "li 1", "li"},
		{3, "", 0, 507, "lf 507", "lf"},
		{3, "", 0, 508, "li 507 li 1", "ri"},
		{4, "", 0, 2, "lf 2", "lf"},
		{5, "", 0, 507, "lh 507", "lh"},
		{5, "", 0, 508, "lh 507 lh 1", "ri"},
		{5, "", 0, 1014, "lh 507 lh 507", "ri"},
		{5, "li", 0, 3, "li 3", "li"},
		{3, "lf", 2, 3, "lf 2 lf 1", "ri"},
		{5, "", 1012, 1012, "lh 1012", "lh"},
	} {
		t.Run(fmt.Sprintf("minor %d, %q of %d, %d subkeys", test.minor, test.list, test.leafSize, test.subkeys), func(t *testing.T) {
			many := manyKeys("many", test.subkeys)
			many.List, many.LeafSize = test.list, test.leafSize
			image := Hive{Minor: test.minor, Root: many}.Build()
			place := image.Key("")
			var leaves []string
			for _, leaf := range place.Leaves {
				leaves = append(leaves, fmt.Sprintf("%s %d", image.Cell(leaf)[:2], image.U16(leaf, 2)))
			}
			require.Equal(t, test.want, strings.Join(leaves, " "))
			require.Equal(t, test.root, string(image.Cell(place.List)[:2]))
		})
	}
}

func TestDataPlaces(t *testing.T) {
	for _, test := range []struct {
		minor    uint32
		length   int
		cell     int32 // size of the data cell, 0 when inline
		segments int
	}{
		{5, 0, 0, 0}, {5, 1, 0, 0}, {5, 4, 0, 0}, {5, 5, -16, 0}, {5, 12, -16, 0}, {5, 13, -24, 0},
		{5, 16343, -16352, 0}, {5, 16344, -16352, 0}, {5, 16345, -16, 2}, {5, 2 * 16344, -16, 2}, {5, 2*16344 + 1, -16, 3},
		{4, 16345, -16, 2}, {3, 16344, -16352, 0}, {3, 16345, -16352, 0}, {3, 16380, -16384, 0}, {3, 16381, -32768, 0}, {3, 40000, -65536, 0},
	} {
		data := Noise(test.length, 1)
		image := Hive{Minor: test.minor, Root: Key{Name: "r", Values: []Value{blob("v", data)}}}.Build()
		require.Empty(t, walk(image.Data), test)
		value := image.Value("", "v")
		require.Len(t, value.Segments, test.segments, test)
		if test.cell == 0 {
			require.EqualValues(t, uint32(NIL), value.Data, test)
			require.EqualValues(t, uint32(test.length)|Inline, image.U32(value.Record, RecordDataLength), test)
			continue
		}
		require.Equal(t, test.cell, image.CellSize(value.Data), test)
		require.Equal(t, data, readData(image, value, test.length), test)
		for _, segment := range value.Segments {
			require.EqualValues(t, -16352, image.CellSize(segment), test)
		}
	}
}

func TestOldCells(t *testing.T) {
	image := NT31(1).Build()
	bin := image.Data[BaseBlockSize:]
	require.EqualValues(t, uint32(NIL), (&Image{Data: bin}).Header32(0x24), "the first cell has none before it")
	root := image.Key("")
	require.EqualValues(t, 0x20, root.Node)
	require.Equal(t, Link("System"), image.Cell(root.Node)[NodeName:NodeName+12])
	require.Zero(t, image.U16(root.Node, NodeFlags)&KeyCompName)
	for _, cell := range image.Cells() {
		require.Zero(t, cell.Size%16)
	}
}

func TestBaseBlock(t *testing.T) {
	hive := Hive{Minor: 3, Sequence1: 7, Sequence2: 6, Timestamp: 0x0123456789ABCDEF, FileName: strings.Repeat("x", 40) + "SYSTEM", Trailing: 100}
	hive.Root.Name = "root"
	image := hive.Build()
	require.EqualValues(t, 7, image.Header32(AtSequence1))
	require.EqualValues(t, 6, image.Header32(AtSequence2))
	require.Equal(t, uint32(0x89ABCDEF), image.Header32(AtTimestamp))
	require.Equal(t, image.Data[AtTimestamp:AtTimestamp+8], image.Data[BaseBlockSize+20:BaseBlockSize+28])
	require.Equal(t, append(Link(strings.Repeat("x", 25)+"SYSTEM"), 0, 0), image.Data[0x30:0x70])
	require.Len(t, image.Data, BaseBlockSize+4096+100)
	require.NotContains(t, image.Data[BaseBlockSize+4096:], byte(0))
	require.EqualValues(t, 4096, image.BinsSize())
}

func TestBuildRefusesWhatCannotBeStored(t *testing.T) {
	for name, root := range map[string]Key{
		"siblings of one name": {Subkeys: []Key{{Name: "Straße"}, {Name: "STRAßE"}}},
		"list kind":            {Subkeys: []Key{{Name: "a"}}, List: "lx"},
		"name":                 {Name: strings.Repeat("x", 1<<16)},
	} {
		require.Panics(t, func() { Hive{Minor: 5, Root: root}.Build() }, name)
	}
	require.PanicsWithValue(t, "hivetest: leaf of 65536 entries", func() { new(builder).leaf("lh", make([]string, 1<<16), nil, 0) })
	image := Windows7().Build()
	require.Panics(t, func() { image.Key("none") })
	require.Panics(t, func() { image.Value("Select", "none") })
}

func TestHelpers(t *testing.T) {
	require.Equal(t, []byte{'a', 0, 0, 0}, SZ("a"))
	require.Equal(t, []byte{'a', 0, 0, 0, 'b', 0, 0, 0, 0, 0}, MultiSZ("a", "b"))
	require.Equal(t, []byte{0, 0}, MultiSZ())
	require.Equal(t, []byte{4, 3, 2, 1}, DWORD(0x01020304))
	require.Equal(t, []byte{8, 7, 6, 5, 4, 3, 2, 1}, QWORD(0x0102030405060708))
	require.Equal(t, LastWritten, Filetime(time.Date(2002, time.June, 11, 0, 0, 0, 0, time.UTC)))
	require.EqualValues(t, 1, Filetime(time.Date(1601, time.January, 1, 0, 0, 0, 100, time.UTC)))
	require.Equal(t, len(ClosedDescriptor()), len(ReadableDescriptor()))
	require.Empty(t, badDescriptor(DefaultDescriptor()))
}

func TestLiteralEdits(t *testing.T) {
	hive := Windows7()
	key := hive.Key(`controlset001\control\SESSION MANAGER\subsystems`)
	key.SetValue(dword("windows", 1))
	key.SetValue(dword("New", 2))
	key.DeleteValue("debug")
	hive.Root.DeleteSubkey("setup")
	require.Nil(t, key.Value("Debug"))
	require.Equal(t, DWORD(1), key.Value(ValueWindows).Data)
	require.Len(t, key.Values, 6)
	require.Nil(t, hive.Root.Subkey("Setup"))
	require.Panics(t, func() { hive.Key(`Setup\x`) })
	original := Windows7()
	require.NotNil(t, original.Root.Subkey("Setup"), "samples share nothing")
}

// TestEdits changes an image many times and looks after each that it is sound
// and holds what it ought to.
func TestEdits(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		hive := Windows7()
		hive.Minor, hive.Trailing = minor, 6000
		hive.Root.Subkeys = append(hive.Root.Subkeys, manyKeys("Many", 505))
		image := hive.Build()
		before := slices.Clone(image.Data)
		clone := image.Clone()
		data := map[string][]byte{}
		for i := range 60 {
			name := fmt.Sprintf("v%d", i%7)
			data[name] = Noise(i*i*13%40000, uint32(i))
			image.SetValue("Setup", blob(name, data[name]), LastWritten+uint64(i))
			if i%10 == 0 {
				image.AddKey(`ControlSet001\Services`, Key{
					Name: fmt.Sprintf("driver%d", 100-i), Class: "class", Security: ReadableDescriptor(), Hole: 16,
					Values: []Value{dword("Start", 1)}, Subkeys: []Key{{Name: "Parameters"}},
				}, LastWritten)
			}
			require.Empty(t, walk(image.Data), "edit %d", i)
			for name, want := range data {
				require.True(t, bytes.Equal(want, readData(image, image.Value("Setup", name), len(want))), name)
			}
		}
		for i := range 3 {
			image.AddKey("Many", Key{Name: fmt.Sprintf("k%d", i)}, LastWritten)
			require.Empty(t, walk(image.Data))
		}
		require.Equal(t, "ri", string(image.Cell(image.Key("Many").List)[:2]))
		require.Equal(t, before, clone.Data, "a clone shares bytes")
		require.Len(t, clone.Key("Setup").Values, 3, "a clone shares places")
		require.Panics(t, func() { image.AddKey("ControlSet001", Key{Name: "SERVICES"}, 0) })
	}
	require.Panics(t, func() { NT31(1).Build().Allocate(8) })
}

// TestEditsTakeTheTrailingBytes: a new bin lies over what trailed the last one.
func TestEditsTakeTheTrailingBytes(t *testing.T) {
	hive := Hive{Minor: 5, Root: Key{Name: "r"}, Trailing: 5000}
	image := hive.Build()
	rest := slices.Clone(image.Data[2*4096+4096:])
	image.AddBin(4096)
	require.Len(t, image.Data, 2*4096+5000)
	require.Equal(t, rest, image.Data[3*4096:])
	image.AddBin(4096)
	require.Len(t, image.Data, 4*4096)
	require.Empty(t, walk(image.Data))
}
