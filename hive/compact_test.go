package hive_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// requireCompact compacts h and requires all that a compact hive is: the content
// is the same, the check finds nothing, and nothing is left to do a second
// time.
func requireCompact(t *testing.T, h *hive.Hive) *hive.Hive {
	t.Helper()
	before := bytes.Clone(h.Bytes())
	compact, err := h.Compact(now)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, h.Bytes()), "the hive itself has changed")
	require.NoError(t, h.SameContent(compact))
	require.Equal(t, content(t, h), content(t, compact))
	check.Bytes(compact.Bytes(), func(f check.Finding) {
		require.Fail(t, f.String())
	})
	again, err := compact.Compact(now.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, bytes.Equal(compact.Bytes(), again.Bytes()), "compacting twice is not the same as once")
	require.Empty(t, compact.Changes())
	return compact
}

func TestCompactSamples(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			h := open(t, sample.hive().Build().Data)
			if !sample.edits {
				_, err := h.Compact(now)
				require.ErrorIs(t, err, hive.ErrReadOnly)
				return
			}
			compact := requireCompact(t, h)
			require.LessOrEqual(t, len(compact.Bytes()), len(h.Bytes()))
			first, second := compact.Sequences()
			old, _ := h.Sequences()
			require.Equal(t, old+1, first)
			require.Equal(t, first, second)
			require.True(t, compact.Clean())
			requireHeader(t, h.Bytes(), compact.Bytes())
		})
	}
}

// requireHeader requires that the base block is kept but for what Seal sets and
// the length of the bins.
func requireHeader(t *testing.T, before, after []byte) {
	t.Helper()
	kept := func(data []byte) []byte {
		block := bytes.Clone(data[:hive.BaseBlockSize])
		for _, field := range [][2]int{{hivetest.AtSequence1, hivetest.AtTimestamp + 8}, {hivetest.AtRootCell, hivetest.AtRootCell + 8}, {hivetest.AtChecksum, hivetest.AtChecksum + 4}} {
			clear(block[field[0]:field[1]])
		}
		return block
	}
	require.True(t, bytes.Equal(kept(before), kept(after)), "the base block has changed")
}

// TestCompactMutations compacts hives with one fault each: those that have a
// fault of level F or L in the tree are refused or mended, and a hive that comes
// out is sound.
func TestCompactMutations(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			data := mutation.Build().Data
			h, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
			if err != nil {
				return
			}
			compact, err := h.Compact(now)
			if err != nil {
				require.False(t, sound(data) && h.Editable() == nil, "a sound hive is refused: %v", err)
				return
			}
			check.Bytes(compact.Bytes(), func(f check.Finding) {
				grave := f.Level == check.Fatal || f.Level == check.Limited
				require.False(t, grave && !keptFaults[mutation.Name], f.String())
			})
		})
	}
}

// TestCompactRefusesOverlaps: no byte is copied twice, so that a small hive
// cannot come out large.
func TestCompactRefusesOverlaps(t *testing.T) {
	first := hivetest.Noise(60, 1)
	binary.LittleEndian.PutUint32(first[20:], 0xFFFFFFE8) // the header of a cell of 24 bytes, inside the data
	built := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{
		{Name: "first", Type: 3, Data: first}, {Name: "second", Type: 3, Data: hivetest.Noise(16, 2)},
	}}}.Build().Data
	const valueName, valueData = 20, 8 // in the record of a value
	reference := bytes.Index(built, []byte("second")) - valueName + valueData
	cell := uint32(bytes.Index(built, first) - 4 - 4096)
	for name, to := range map[string]uint32{"the same cell": cell, "a cell inside it": cell + 24} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(built)
			binary.LittleEndian.PutUint32(data[reference:], to)
			_, err := open(t, data).Compact(now)
			require.ErrorIs(t, err, hive.ErrCorrupt)
			require.ErrorContains(t, err, "another record has already")
		})
	}
}

// keptFaults are faults that Compact does not see, because they lose nothing:
// the check, which is to come before it, refuses these hives.
var keptFaults = map[string]bool{
	"clustering-factor-0":   true,
	"clustering-factor-8":   true,
	"backslash-in-key-name": true,
	"link-with-two-values":  true,
	"link-value-misnamed":   true,
}

func sound(data []byte) bool {
	ok := true
	check.Bytes(data, func(f check.Finding) {
		ok = ok && f.Level != check.Fatal && f.Level != check.Limited
	})
	return ok
}

// TestCompactData keeps data of the lengths at which it is stored in another way.
func TestCompactData(t *testing.T) {
	lengths := map[uint32][]int{
		3: {0, 1, 3, 4, 5, 8, 16343, 16344, 16345, 20000, 1<<20 - 5, 1<<20 - 4},
		5: {0, 1, 3, 4, 5, 8, 16343, 16344, 16345, 2*16344 - 1, 2 * 16344, 2*16344 + 1, 1 << 20, 3 << 20},
	}
	for minor, list := range lengths {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			root := hivetest.Key{Name: "ROOT"}
			for _, n := range list {
				root.Values = append(root.Values, hivetest.Value{Name: fmt.Sprint(n), Type: 3, Data: hivetest.Noise(n, uint32(n))})
			}
			requireCompact(t, open(t, hivetest.Hive{Minor: minor, Root: root}.Build().Data))
		})
	}
}

// TestCompactLists makes lists of subkeys of the lengths at which they are cut,
// in all their kinds.
func TestCompactLists(t *testing.T) {
	for _, minor := range []uint32{2, 3, 4, 5} {
		for _, n := range []int{0, 1, 506, 507, 508, 1011, 1012, 1013, 1014, 1015, 2024, 2025, 3000} {
			t.Run(fmt.Sprintf("1.%d/%d", minor, n), func(t *testing.T) {
				root := hivetest.Key{Name: "ROOT"}
				for i := range n {
					root.Subkeys = append(root.Subkeys, hivetest.Key{Name: fmt.Sprintf("key %05d", i)})
				}
				requireCompact(t, open(t, hivetest.Hive{Minor: minor, Root: root}.Build().Data))
			})
		}
	}
}

// TestCompactKeepsForeignOrder: the order of names that another Windows puts into
// another order stays as it is. The check warns of it, and no more.
func TestCompactKeepsForeignOrder(t *testing.T) {
	swapped := func(first, second string) *hive.Hive {
		image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{{Name: first}, {Name: second}}}}.Build()
		entries := image.Cell(image.Key("").List)[4:20]
		copy(entries, append(bytes.Clone(entries[8:]), entries[:8]...))
		check.Bytes(image.Data, func(f check.Finding) {
			require.Equal(t, first == "ƀ", f.Level == check.Warning, f.String())
		})
		return open(t, image.Data)
	}
	h := swapped("ƀ", "ɓ")
	compact, err := h.Compact(now)
	require.NoError(t, err)
	require.NoError(t, h.SameContent(compact))
	_, err = swapped("a", "b").Compact(now)
	require.ErrorIs(t, err, hive.ErrCorrupt)
}

// TestCompactNormalizes gives what is stored in an odd way the form of Windows,
// and drops what does not belong to the hive.
func TestCompactNormalizes(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Trailing: 8192, Root: hivetest.Key{
		Name: "ROOT", VolatileCount: 7, ListSlack: 100,
		Values: []hivetest.Value{
			{Name: "wide", WideName: true, Type: 1, Data: hivetest.SZ("x")},
			{Name: "direct", Type: 4, Data: []byte{1, 2, 3, 4}, Direct: true},
			{Name: "slack", Type: 3, Data: hivetest.Noise(100, 1), Slack: 5000},
		},
		Subkeys: []hivetest.Key{{Name: "Latin", WideName: true, AccessBits: 2, UserFlags: 0x21, Hole: 3000, Flags: 0x1000}},
	}}.Build()
	image.Allocate(500) // that nothing refers to
	h := open(t, image.Data)
	compact := requireCompact(t, h)
	require.Len(t, compact.Bytes(), 8192)
}

// TestCompactKeepsTombstones keeps a mark of values that means something in
// layered hives only, which are not compacted, also where Windows sets no flag.
func TestCompactKeepsTombstones(t *testing.T) {
	image := hivetest.Windows10().Build()
	for _, name := range []string{"", "2 bytes"} {
		record := image.Value(hivetest.Windows10Values, name).Record
		image.Put16(record, hivetest.RecordFlags, image.U16(record, hivetest.RecordFlags)|hivetest.ValueTombstone)
	}
	h := open(t, image.Data)
	compact, err := h.Compact(now)
	require.NoError(t, err)
	require.NoError(t, h.SameContent(compact))
	require.Equal(t, findings(h.Bytes()), findings(compact.Bytes()))
}

// TestCompactJoinsDescriptors keeps one of equal descriptors.
func TestCompactJoinsDescriptors(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		if mutation.Name == "descriptors-equal" {
			data := mutation.Build().Data
			compact := requireCompact(t, open(t, data))
			count := func(data []byte) int { return bytes.Count(data, []byte("sk\x00\x00")) }
			require.Equal(t, count(data)-1, count(compact.Bytes()))
			return
		}
	}
	t.Fatal("no such mutation")
}

// TestCompactOrder writes down in which order the cells of a small hive come.
func TestCompactOrder(t *testing.T) {
	big := hivetest.Noise(20000, 1)
	h := open(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "a", Class: "class", Values: []hivetest.Value{
			{Name: "v1", Type: 1, Data: hivetest.SZ("text")}, {Name: "v2", Type: 4, Data: []byte{1, 0, 0, 0}}, {Name: "v3", Type: 3, Data: big},
		}, Subkeys: []hivetest.Key{{Name: "a1"}, {Name: "a2"}}},
		{Name: "b", Security: hivetest.ReadableDescriptor(), Values: []hivetest.Value{{Name: "w", Type: 1, Data: hivetest.SZ("ww")}}},
	}}}.Build().Data)
	compact := requireCompact(t, h)
	require.Equal(t, []string{
		"nk ROOT", "sk",
		"nk a", "class of a", "vk v1", "data of v1", "values of a", "vk v2", "vk v3", "db of v3", "segments of v3",
		"subkeys of ROOT",
		"nk a1", "subkeys of a", "nk a2",
		"nk b", "sk", "vk w", "data of w", "values of b",
		"free", "data of v3", "data of v3",
	}, cellNames(t, compact.Bytes()))
}

// cellNames names the cells of a hive in the order of the file.
func cellNames(t *testing.T, data []byte) (names []string) {
	u32 := func(at int64) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	known := map[uint32]string{}
	h := open(t, data)
	for key, err := range h.Walk() {
		require.NoError(t, err)
		at := key.Offset() + 4
		name := "ROOT"
		if key.Path() != "" {
			name = key.Name()
		}
		known[uint32(key.Offset()-4096)] = "nk " + name
		known[u32(at+28)] = "subkeys of " + name
		known[u32(at+40)] = "values of " + name
		known[u32(at+44)] = "sk"
		known[u32(at+48)] = "class of " + name
		for value, err := range key.Values() {
			require.NoError(t, err)
			record := value.Offset() + 4
			known[uint32(value.Offset()-4096)] = "vk " + value.Name()
			length, cell := u32(record+4), u32(record+8)
			if length >= 1<<31 {
				continue
			}
			known[cell] = "data of " + value.Name()
			if length <= 16344 {
				continue
			}
			known[cell] = "db of " + value.Name()
			list := u32(int64(cell) + 4100 + 4)
			known[list] = "segments of " + value.Name()
			for i := range int64(2) {
				known[u32(int64(list)+4100+4*i)] = "data of " + value.Name()
			}
		}
	}
	for bin := int64(4096); bin < int64(len(data)); bin += int64(u32(bin + 8)) {
		for cell := bin + 32; cell < bin+int64(u32(bin+8)); {
			size := int64(int32(u32(cell)))
			if size > 0 {
				names = append(names, "free")
			} else {
				size = -size
				names = append(names, known[uint32(cell-4096)])
			}
			cell += size
		}
	}
	return names
}

// TestCompactRealHives compacts every real hive that is sound.
func TestCompactRealHives(t *testing.T) {
	eachRealHive(t, func(t *testing.T, data []byte) {
		h, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
		require.NoError(t, err)
		compact, err := h.Compact(now)
		if err != nil {
			require.False(t, sound(h.Bytes()) && h.Editable() == nil && h.Clean(), "%v", err)
			return
		}
		require.NoError(t, h.SameContent(compact))
		check.Bytes(compact.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
		require.Less(t, freeBytes(compact.Bytes()), 4096+len(data)/1000)
	})
}

func eachRealHive(t *testing.T, visit func(t *testing.T, data []byte)) {
	root := os.Getenv("HIVEPATCH_CORPUS")
	if root == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(entry.Name(), ".LOG") || filepath.Ext(path) == ".md" {
			return err
		}
		t.Run(path[len(root)+1:], func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			visit(t, data)
		})
		return nil
	}))
}

// freeBytes is the length of all free cells.
func freeBytes(data []byte) (free int) {
	for bin := 4096; bin < len(data); bin += int(binary.LittleEndian.Uint32(data[bin+8:])) {
		for cell, end := bin+32, bin+int(binary.LittleEndian.Uint32(data[bin+8:])); cell < end; {
			size := int(int32(binary.LittleEndian.Uint32(data[cell:])))
			free += max(0, size)
			cell += max(size, -size)
		}
	}
	return free
}

// TestCompactOrderOfWindows compacts a hive that Windows 10 had reorganised. The
// first cells, which have not moved since, come to lie where Windows had put
// them.
func TestCompactOrderOfWindows(t *testing.T) {
	root := os.Getenv("HIVEPATCH_CORPUS")
	if root == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	data, err := os.ReadFile(filepath.Join(root, "system/win10-1709-dirty/SYSTEM"))
	require.NoError(t, err)
	h := open(t, data, hive.IgnoreDirty())
	compact, err := h.Compact(now)
	require.NoError(t, err)
	cells := func(data []byte) (list []string) {
		for cell := 4096 + 32; cell < 4096+0x1b10; { // then Windows goes on with keys that it needs to start
			if (cell-4096)%4096 == 0 {
				cell += 32
			}
			size := int(int32(binary.LittleEndian.Uint32(data[cell:])))
			list = append(list, fmt.Sprintf("%#x %d %q", cell, size, data[cell+4:cell+6]))
			cell += max(size, -size)
		}
		return list
	}
	want := cells(data)
	require.Greater(t, len(want), 85)
	require.Equal(t, want, cells(compact.Bytes()))
}

// TestSameContent finds one difference in anything that a hive holds.
func TestSameContent(t *testing.T) {
	tests := []struct {
		name   string
		change func(h *hivetest.Hive)
	}{
		{"key is missing", func(h *hivetest.Hive) { h.Root.DeleteSubkey("WPA") }},
		{"value is missing", func(h *hivetest.Hive) { h.Key("RNG").DeleteValue("Seed") }},
		{"data", func(h *hivetest.Hive) { h.Key("RNG").Value("Seed").Data[63] ^= 1 }},
		{"big data", func(h *hivetest.Hive) {
			data := h.Key(hivetest.Windows10BigData).Value("AppCompatCache").Data
			data[len(data)-1] ^= 1
		}},
		{"type", func(h *hivetest.Hive) { h.Key("RNG").Value("Seed").Type = 1 }},
		{"name of a value in another case", func(h *hivetest.Hive) { h.Key("RNG").Value("Seed").Name = "SEED" }},
		{"name of a key in another case", func(h *hivetest.Hive) { h.Key("RNG").Name = "Rng" }},
		{"order of values", func(h *hivetest.Hive) {
			v := h.Key("Select").Values
			v[0], v[1] = v[1], v[0]
		}},
		{"class", func(h *hivetest.Hive) { h.Key(hivetest.Windows10Class).Class = "other" }},
		{"time", func(h *hivetest.Hive) { h.Key("WPA").Time = hivetest.LastWritten + 1 }},
		{"flags", func(h *hivetest.Hive) { h.Key("WPA").Flags = 0x1000 }},
		{"user flags", func(h *hivetest.Hive) { h.Key("WPA").UserFlags = 1 }},
		{"access bits", func(h *hivetest.Hive) { h.Key("WPA").AccessBits = 1 }},
		{"security", func(h *hivetest.Hive) { h.Key("WPA").Security = hivetest.ReadableDescriptor() }},
	}
	original := open(t, hivetest.Windows10().Build().Data)
	require.NoError(t, original.SameContent(open(t, hivetest.Windows10().Build().Data)))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			other := hivetest.Windows10()
			test.change(&other)
			require.Error(t, original.SameContent(open(t, other.Build().Data)))
			require.Error(t, open(t, other.Build().Data).SameContent(original))
		})
	}
}

// FuzzCompact compacts anything. What comes out is sound and has the content of
// what went in.
func FuzzCompact(f *testing.F) {
	f.Add(hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Class: "c", Values: []hivetest.Value{{Name: "v", Type: 1, Data: hivetest.SZ("x")}}, Subkeys: []hivetest.Key{{Name: "a"}, {Name: "b"}}}}.Build().Data)
	f.Add(hivetest.Hive{Minor: 3, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{{Name: "v", Type: 3, Data: hivetest.Noise(40, 1)}}}}.Build().Data)
	f.Add(hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{{Name: "v", Type: 3, Data: hivetest.Noise(17000, 1)}}}}.Build().Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
		if err != nil {
			return
		}
		wasSound := sound(h.Bytes())
		compact, err := h.Compact(now)
		if err != nil {
			require.False(t, wasSound && h.Editable() == nil, "a sound hive is refused: %v", err)
			return
		}
		require.NoError(t, h.SameContent(compact))
		if wasSound {
			require.True(t, sound(compact.Bytes()))
		}
	})
}

// BenchmarkCompact compacts hives of one make and growing size: the time per
// byte should not grow with them.
func BenchmarkCompact(b *testing.B) {
	for _, keys := range []int{1_000, 16_000} {
		parent := hivetest.Key{Name: "ROOT"}
		for i := range keys {
			key := hivetest.Key{Name: fmt.Sprintf("key %06d", i)}
			for j := range 10 {
				key.Values = append(key.Values, hivetest.Value{Name: fmt.Sprintf("value %d", j), Type: 3, Data: hivetest.Noise(8*j, uint32(i))})
			}
			parent.Subkeys = append(parent.Subkeys, key)
		}
		data := hivetest.Hive{Minor: 5, Root: parent}.Build().Data
		h, err := hive.Open(data)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("%d keys", keys), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := h.Compact(now)
				require.NoError(b, err)
			}
		})
	}
}
