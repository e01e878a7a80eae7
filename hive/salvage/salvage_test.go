package salvage_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/salvage"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// requireClean requires that the check finds nothing of level F or L.
func requireClean(t *testing.T, data []byte) {
	t.Helper()
	check.Bytes(data, func(f check.Finding) {
		if f.Level == check.Fatal || f.Level == check.Limited {
			require.Fail(t, "the new hive is not sound", f.String())
		}
	})
}

// spoiled tells which bytes of a hive a mutation has changed or cut off.
type spoiled struct{ before, after []byte }

// cell reports whether a byte of the cell at off is not what it was.
func (s spoiled) cell(base *hivetest.Image, off uint32) bool {
	start := hivetest.FileOffset(off)
	size := int64(base.CellSize(off))
	if size < 0 {
		size = -size
	}
	end := start + size
	return end > int64(len(s.after)) || !bytes.Equal(s.before[start:end], s.after[start:end])
}

// TestMutations salvages each hive of the builder that has one fault. The new
// hive must be sound and have every key and value that the fault has not hit: a
// key whose record and those above it are as they were, and its values whose
// records, data and list are.
func TestMutations(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			base, mutant := mutation.Base(), mutation.Build().Data
			s := spoiled{base.Data, bytes.Clone(mutant)}
			h, report, err := salvage.Hive(mutant, salvage.Options{Time: now})
			if want := refusal(mutation.Name, base.Minor()); want != nil {
				require.ErrorIs(t, err, want)
				return
			}
			require.NoError(t, err)
			requireClean(t, h.Bytes())
			requireKept(t, base, s, h)
			require.Equal(t, countKeys(t, h), report.Keys)
		})
	}
}

// refusal is the error for what cannot be salvaged.
func refusal(mutation string, minor uint32) error {
	switch mutation {
	case "file-empty", "file-of-100-bytes", "file-of-text", "file-of-zeros", "file-is-a-new-log", "file-is-an-old-log", "file-of-a-base-block":
		return hive.ErrNotHive
	}
	if minor < 2 || minor == 6 {
		return hive.ErrReadOnly
	}
	return nil
}

func countKeys(t *testing.T, h *hive.Hive) (n int) {
	for _, err := range h.Walk() {
		require.NoError(t, err)
		n++
	}
	return n
}

func requireKept(t *testing.T, base *hivetest.Image, s spoiled, h *hive.Hive) {
	original, err := hive.Open(bytes.Clone(base.Data), hive.IgnoreDirty(), hive.Tolerant())
	require.NoError(t, err)
	for path, place := range base.Keys {
		if hit(base, s, path) || strings.Count(path, `\`) >= hive.MaxDepth-1 {
			continue
		}
		want, err := original.Key(path)
		if err != nil {
			continue
		}
		got, err := h.Key(path)
		if err != nil {
			t.Errorf("key %.200q: %.200v", path, err)
			continue
		}
		require.Equal(t, want.LastWriteTime(), got.LastWriteTime())
		if place.ValueList == hivetest.NIL || s.cell(base, place.ValueList) {
			continue
		}
		for _, v := range place.Values {
			cells := append([]uint32{v.Record}, v.Segments...)
			for _, c := range []uint32{v.Data, v.List} {
				if c != hivetest.NIL && c != 0 {
					cells = append(cells, c)
				}
			}
			bad := false
			for _, c := range cells {
				bad = bad || s.cell(base, c)
			}
			if bad {
				continue
			}
			wantValue, err := want.Value(v.Name)
			require.NoError(t, err)
			gotValue, err := got.Value(v.Name)
			if err != nil && impossible[v.Name] == path {
				continue
			}
			if err != nil {
				t.Errorf("key %q: %v", path, err)
				continue
			}
			a, err := wantValue.Data()
			require.NoError(t, err)
			b, err := gotValue.Data()
			require.NoError(t, err)
			if !bytes.Equal(a, b) || wantValue.Type() != gotValue.Type() {
				t.Errorf("value %q of %q differs", v.Name, path)
			}
		}
	}
}

// impossible are values, by name, of the key with that path, that a sound hive
// cannot have: the second value of a symbolic link, big data before version 1.4,
// and data of more than a cell holds.
var impossible = map[string]string{
	"Start": hivetest.Windows10Link,
	"Big":   "DISK",
	"Huge":  "DISK",
}

// hit reports whether the record of a key or of one above it was changed.
func hit(base *hivetest.Image, s spoiled, path string) bool {
	for {
		if s.cell(base, base.Keys[path].Node) {
			return true
		}
		if path == "" {
			return false
		}
		path = path[:max(0, strings.LastIndexByte(path, '\\'))]
	}
}

// TestSalvageRootNames keeps a root whatever its name, which has no meaning.
func TestSalvageRootNames(t *testing.T) {
	for _, name := range []string{`back\slash`, strings.Repeat("x", 300), "ключ"} {
		base := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: name}}.Build()
		h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
		require.NoError(t, err)
		require.Empty(t, report.Findings)
		root, err := h.Root()
		require.NoError(t, err)
		require.Equal(t, name, root.Name())
	}
}

// TestSalvageContainer puts what has lost its way up below a key of its own, and
// finds that key again when the new hive is salvaged.
func TestSalvageContainer(t *testing.T) {
	base := hivetest.Windows10().Build()
	path := `ControlSet001\Control\Lsa`
	copy(base.Cell(base.Key(path).Node), "XX")
	h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
	require.NoError(t, err)
	requireClean(t, h.Bytes())
	container, err := h.Key(salvage.Container)
	require.NoError(t, err)
	var names []string
	for key, err := range container.Subkeys() {
		require.NoError(t, err)
		names = append(names, key.Name()[:strings.Index(key.Name(), " @0x")])
	}
	require.Equal(t, base.Key(path).Subkeys, names)
	require.Equal(t, len(names), report.Counts[salvage.Guessed])
	_, err = h.Key(path)
	require.ErrorIs(t, err, hive.ErrNotFound)

	again, report, err := salvage.Hive(bytes.Clone(h.Bytes()), salvage.Options{Time: now})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.NoError(t, h.SameContent(again))
}

// TestSalvageContainerTwin: where two keys have the name of the container, all
// below both is kept.
func TestSalvageContainerTwin(t *testing.T) {
	twin := salvage.Container[:len(salvage.Container)-1] + "X"
	base := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: salvage.Container, Subkeys: []hivetest.Key{{Name: "kept"}}}, {Name: twin, Subkeys: []hivetest.Key{{Name: "too"}}},
	}}}.Build()
	leaf := base.Key("").Leaves[0]
	const hash = 8 // of the first entry; the next one's is 8 bytes on
	of := base.U32(leaf, hash)
	base.Put32(leaf, hash, of^1)
	base.Put32(leaf, hash+8, of)
	copy(base.Cell(base.Key(twin).Node)[hivetest.NodeName:], salvage.Container)
	h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
	require.NoError(t, err)
	requireClean(t, h.Bytes())
	require.Equal(t, report.Keys, countKeys(t, h))
	var names []string
	for key, err := range h.Walk() {
		require.NoError(t, err)
		names = append(names, key.Name())
	}
	require.Contains(t, names, "kept")
	require.Contains(t, names, "too")
}

// TestSalvageLongName: a name that is longer than its parent can say is cut.
func TestSalvageLongName(t *testing.T) {
	for length, cut := range map[int]bool{256: false, 0x7FFF: false, 0x8000: true, 65_000: true} {
		base := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{{Name: strings.Repeat("a", length)}}}}.Build()
		h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
		require.NoError(t, err)
		requireClean(t, h.Bytes())
		require.Equal(t, 2, report.Keys)
		require.Equal(t, cut, len(report.Findings) > 0, "%d: %v", length, report.Findings)
	}
}

// TestSalvageManyForeignEntries: what a list names over and over costs no more
// than its entries.
func TestSalvageManyForeignEntries(t *testing.T) {
	const children, entries = 3000, 49_000
	a := hivetest.Key{Name: "a", List: "li", LeafSize: 60_000}
	for i := range children {
		a.Subkeys = append(a.Subkeys, hivetest.Key{Name: fmt.Sprintf("%05d", i)})
	}
	base := hivetest.Hive{Minor: 3, Root: hivetest.Key{
		Name:    "ROOT",
		Subkeys: []hivetest.Key{a, {Name: "b", Subkeys: []hivetest.Key{{Name: "c"}}}},
		Values:  []hivetest.Value{{Name: "list", Type: 3, Data: make([]byte, 4+4*entries)}},
	}}.Build()
	list, foreign := base.Value("", "list").Data, base.Key(`b\c`).Node
	cell := base.Cell(list)
	copy(cell, "li")
	binary.LittleEndian.PutUint16(cell[2:], entries)
	for i := range entries {
		binary.LittleEndian.PutUint32(cell[4+4*i:], foreign)
	}
	base.Put32(base.Key("a").Node, hivetest.NodeList, list)
	h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
	require.NoError(t, err)
	requireClean(t, h.Bytes())
	require.Equal(t, children+4, report.Keys, "all that named the key as their parent")
}

// TestSalvageDeleted leaves out keys that were deleted: nothing leads to them,
// and the list of their parent is whole.
func TestSalvageDeleted(t *testing.T) {
	base := hivetest.Windows10().Build()
	root := base.Key("")
	stray := base.Allocate(90)
	copy(base.Cell(stray), base.Cell(base.Key("WPA").Node)[:79])
	base.Put32(stray, hivetest.NodeParent, root.Node)
	copy(base.Cell(stray)[hivetest.NodeName:], "old")
	h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
	require.NoError(t, err)
	requireClean(t, h.Bytes())
	require.Len(t, report.Findings, 1)
	require.Equal(t, salvage.LeftOut, report.Findings[0].Fate)
	require.Equal(t, "old", report.Findings[0].Path)
	_, err = h.Key("old")
	require.ErrorIs(t, err, hive.ErrNotFound)
}

// TestSalvageSequence gives the new hive the number that is asked for.
func TestSalvageSequence(t *testing.T) {
	for want, asked := range map[uint32]uint32{1623: 0, 5000: 5000} {
		h, _, err := salvage.Hive(hivetest.Windows10().Build().Data, salvage.Options{Time: now, Sequence: asked})
		require.NoError(t, err)
		first, second := h.Sequences()
		require.Equal(t, want, first)
		require.Equal(t, want, second)
		require.True(t, h.Clean())
	}
}

// TestSalvageCutOff salvages a file that ends inside of a record or of data: no
// part of it counts, since zeros are not what stood there.
func TestSalvageCutOff(t *testing.T) {
	original := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "a", Values: []hivetest.Value{{Name: "whole", Type: 4, Data: []byte{1, 0, 0, 0}}, {Name: "v", Type: 3, Data: hivetest.Noise(1000, 1)}}},
		{Name: "long name of a key", Class: "class"},
	}}}.Build()
	end := hivetest.BaseBlockSize + int(original.BinsSize())
	for cut := hivetest.BaseBlockSize + 512; cut < end; cut += 7 {
		h, _, err := salvage.Hive(bytes.Clone(original.Data[:cut]), salvage.Options{Time: now})
		require.NoError(t, err)
		requireClean(t, h.Bytes())
		for key, err := range h.Walk() {
			require.NoError(t, err)
			_, known := original.Keys[key.Path()]
			require.True(t, known, "a key %q when cut at %#x", key.Path(), cut)
			for value, err := range key.Values() {
				require.NoError(t, err)
				data, err := value.Data()
				require.NoError(t, err)
				if value.Name() == "v" {
					require.Equal(t, hivetest.Noise(1000, 1), data, "cut at %#x", cut)
				}
			}
			if class, err := key.Class(); err == nil && class != "" {
				require.Equal(t, "class", class)
			}
		}
	}
}

// TestSalvageForeignEntry: an entry of a list that leads to a key elsewhere, by
// the hash of another name, is damaged; the key that it led to is found.
func TestSalvageForeignEntry(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		base := hivetest.Hive{Minor: minor, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
			{Name: "first", Subkeys: []hivetest.Key{{Name: "middle", Subkeys: []hivetest.Key{{Name: "leaf"}}}}},
			{Name: "second"},
		}}}.Build()
		original, err := hive.Open(bytes.Clone(base.Data))
		require.NoError(t, err)
		base.Put32(base.Key("").List, 4, base.Key(`first\middle\leaf`).Node)
		h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
		require.NoError(t, err)
		require.NoError(t, original.SameContent(h))
		require.NotZero(t, report.Counts[salvage.Lost])
		require.NotZero(t, report.Counts[salvage.Guessed])
	}
}

// TestSalvageTellsOfLosses: what is not in the new hive, or not certain, is told,
// with its number where that is known.
func TestSalvageTellsOfLosses(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(base *hivetest.Image)
		fate  salvage.Fate
		want  string
	}{
		"root": {func(base *hivetest.Image) { copy(base.Cell(base.Key("").Node), "XX") },
			salvage.Lost, `root key at 0x1020: it cannot be read and was made anew: signature is "XX", want "nk"`},
		"two subkeys": {func(base *hivetest.Image) {
			copy(base.Cell(base.Key("a").Node), "XX")
			copy(base.Cell(base.Key("b").Node), "XX")
		}, salvage.Lost, `want "nk"; 2 of its keys cannot be read`},
		"more values than the list has room for": {func(base *hivetest.Image) { base.Put32(base.Key("a").Node, hivetest.NodeValues, 30) },
			salvage.Lost, `the key says it has 30 values, its list has 1`},
		"name": {func(base *hivetest.Image) { copy(base.Cell(base.Key("b").Node)[hivetest.NodeName:], "c") },
			salvage.Guessed, `the hash in the list is not that of its name: one of the two is damaged`},
	} {
		t.Run(name, func(t *testing.T) {
			base := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
				{Name: "a", Values: []hivetest.Value{{Name: "v", Type: 4, Data: []byte{1, 0, 0, 0}}}}, {Name: "b"},
			}}}.Build()
			test.spoil(base)
			h, report, err := salvage.Hive(base.Data, salvage.Options{Time: now})
			require.NoError(t, err)
			requireClean(t, h.Bytes())
			found := false
			for _, f := range report.Findings {
				found = found || f.Fate == test.fate && strings.Contains(f.String(), test.want)
			}
			require.True(t, found, "%v", report.Findings)
		})
	}
}
