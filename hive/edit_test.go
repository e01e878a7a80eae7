package hive_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/txlog"
)

// requireEdit sets a value's data and requires that just this value, and the
// time of its key, are not as before; that check finds nothing new; and that
// the list of changes is right. The hive is sealed and opened again after it.
func requireEdit(t testing.TB, original []byte, h *hive.Hive, v *hive.Value, kind hive.Type, data []byte) {
	t.Helper()
	before := content(t, h)
	sound := findings(original)
	require.NoError(t, v.SetData(kind, data, now))
	require.Equal(t, kind, v.Type())
	require.True(t, bytes.Equal(data, dataOf(t, v)))
	require.Equal(t, now, v.Key().LastWriteTime())
	requireOnly(t, before, content(t, h), v)
	requireNoWorse(t, withDirt(sound), h.Bytes())
	requireChanges(t, original, h)

	sealed := open(t, seal(t, h))
	requireOnly(t, before, content(t, sealed), v)
	requireNoWorse(t, sound, sealed.Bytes())
}

// seal returns what Seal would make of the hive, and leaves it as it is.
func seal(t testing.TB, h *hive.Hive) []byte {
	t.Helper()
	copied := open(t, h.Bytes(), hive.IgnoreDirty())
	copied.Seal(now)
	return copied.Bytes()
}

// withDirt adds the finding about the checksum, which an edit leaves to Seal.
func withDirt(sound map[string]int) map[string]int {
	more := map[string]int{"F checksum ": 1}
	for finding, count := range sound {
		more[finding] += count
	}
	return more
}

// lengths are around those where data changes its place.
var lengths = []int{0, 1, 4, 5, 40, 4096, 16344, 16345, 16381, 40000, 200000}

// TestTransitions takes a value from each kind of place to each, in all
// versions that can be edited: inline, in a cell, and in segments or, before
// version 1.4, in a large cell.
func TestTransitions(t *testing.T) {
	for _, minor := range []uint32{2, 3, 4, 5} {
		base := versioned(hivetest.Windows7(), minor)
		for _, from := range lengths {
			t.Run(fmt.Sprintf("1.%d from %d", minor, from), func(t *testing.T) {
				base := base
				key := base.Key(hivetest.SubSystems)
				key.SetValue(hivetest.Value{Name: "Test", Type: hivetest.TypeBinary, Data: hivetest.Noise(from, 1)})
				image := base.Build()
				require.Empty(t, findings(image.Data))
				for _, to := range lengths {
					h := open(t, image.Data)
					requireEdit(t, image.Data, h, value(t, h, hivetest.SubSystems, "Test"), hive.MultiSZ, hivetest.Noise(to, 2))
				}
			})
		}
	}
}

// TestTrailingBytes makes hives grow whose files do not end with the last bin.
func TestTrailingBytes(t *testing.T) {
	for _, trailing := range []int{0, 1, 1000, 4095, 4096, 4097, 70000} {
		base := hivetest.NT4()
		base.Trailing = trailing
		image := base.Build()
		h := open(t, image.Data)
		requireEdit(t, image.Data, h, value(t, h, hivetest.SubSystems, "Windows"), hive.ExpandSZ, hivetest.Noise(30000, 1))
		bins := int(hivetest.FileOffset(image.BinsSize()))
		require.Len(t, h.Bytes(), max(bins+0x9000, len(image.Data)), "a cell of 32 KiB needs a bin of 9 pages")
		require.True(t, bytes.Equal(image.Data[min(bins+0x9000, len(image.Data)):], h.Bytes()[bins+0x9000:]), "bytes behind the new bin stay")
	}
}

// TestManyEdits makes edits of random lengths to random values of each sample.
func TestManyEdits(t *testing.T) {
	for _, sample := range samples {
		if !sample.edits {
			continue
		}
		t.Run(sample.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, 8))
			image := sample.hive().Build()
			h := open(t, image.Data)
			var values []*hive.Value
			for k, err := range h.Walk() {
				require.NoError(t, err)
				for v, err := range k.Values() {
					require.NoError(t, err)
					values = append(values, v)
				}
			}
			sound := findings(image.Data)
			want := map[*hive.Value][]byte{}
			for i := range 300 {
				v := values[random.IntN(len(values))]
				want[v] = hivetest.Noise(lengths[random.IntN(len(lengths)-1)]+random.IntN(30), uint32(i))
				require.NoError(t, v.SetData(v.Type(), want[v], now))
				if i%30 == 0 {
					requireChanges(t, image.Data, h)
					requireNoWorse(t, withDirt(sound), h.Bytes())
				}
			}
			h.Seal(now)
			requireChanges(t, image.Data, h)
			requireNoWorse(t, sound, h.Bytes())
			again := open(t, h.Bytes())
			for v, data := range want {
				require.True(t, bytes.Equal(data, dataOf(t, v)))
				found := value(t, again, v.Key().Path(), v.Name())
				require.True(t, bytes.Equal(data, dataOf(t, found)), "%s|%s", v.Key().Path(), v.Name())
			}
		})
	}
}

// TestFileStaysSmall makes so many edits of so many lengths that the hive would
// be full of holes if nothing was done about them.
func TestFileStaysSmall(t *testing.T) {
	for _, mix := range mixes {
		t.Run(mix.name, func(t *testing.T) {
			before := manyValues(mix.values, mix.length)
			h := open(t, bytes.Clone(before))
			edit := editor(t, h, mix.length)
			for i := range 20000 {
				edit(i)
				if i%500 == 0 {
					require.Less(t, len(h.Bytes()), liveData(t, h.Bytes())*110/100, "after %d edits", i)
				}
			}
			requireNoWorse(t, withDirt(findings(before)), h.Bytes())
			requireChanges(t, before, h)
		})
	}
}

// TestExactChanges looks at the whole list of changes of small edits.
func TestExactChanges(t *testing.T) {
	image := hivetest.NT4().Build()
	place := image.Value(hivetest.SubSystems, "Windows")
	old := dataOf(t, value(t, open(t, image.Data), hivetest.SubSystems, "Windows"))
	time := hivetest.FileOffset(image.Key(hivetest.SubSystems).Node) + 4 + hivetest.NodeTime
	data := hivetest.FileOffset(place.Data) + 4
	record := hivetest.FileOffset(place.Record) + 4

	t.Run("one character", func(t *testing.T) {
		h := open(t, image.Data)
		at := bytes.Index(old, []byte("3\x000\x007\x002\x00"))
		edited := bytes.Clone(old)
		edited[at] = '4'
		require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.ExpandSZ, edited, now))
		require.ElementsMatch(t, []hive.Change{{Offset: time, Length: 7, What: "key SubSystems"}, {Offset: data + int64(at), Length: 1, What: "data of value Windows"}}, h.Changes())
	})
	t.Run("type", func(t *testing.T) {
		h := open(t, image.Data)
		require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.SZ, old, now))
		require.ElementsMatch(t, []hive.Change{{Offset: time, Length: 7, What: "key SubSystems"}, {Offset: record + hivetest.RecordType, Length: 1, What: "value Windows"}}, h.Changes())
	})
	t.Run("sealed", func(t *testing.T) {
		h := open(t, image.Data)
		require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.SZ, old, now))
		h.Seal(now)
		var names []string
		for _, change := range h.Changes() {
			names = append(names, change.What)
		}
		require.ElementsMatch(t, []string{
			"base block: sequence 1", "base block: sequence 2", "base block: time stamp", "base block: checksum", "bin header", "key SubSystems", "value Windows",
		}, names)
	})
	t.Run("the same again", func(t *testing.T) {
		h := open(t, image.Data)
		require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.ExpandSZ, bytes.Clone(old), now))
		require.Empty(t, h.Changes())
		require.False(t, h.Modified())
		h.Seal(now)
		require.True(t, bytes.Equal(image.Data, h.Bytes()))
	})
}

func TestSetDataKeepsACopy(t *testing.T) {
	for _, n := range []int{3, 100, 20000} {
		h := open(t, hivetest.Windows7().Build().Data)
		v := value(t, h, hivetest.SubSystems, "Windows")
		data := hivetest.Noise(n, 1)
		require.NoError(t, v.SetData(hive.Binary, data, now))
		clear(data)
		read := dataOf(t, v)
		require.Equal(t, hivetest.Noise(n, 1), read)
		clear(read)
		require.Equal(t, hivetest.Noise(n, 1), dataOf(t, v))
	}
}

// TestValuesOutliveEdits uses keys and values from before an edit after it, as
// the hive has grown and moved.
func TestValuesOutliveEdits(t *testing.T) {
	h := open(t, hivetest.Windows7().Build().Data)
	v := value(t, h, hivetest.SubSystems, "Windows")
	other := value(t, h, hivetest.SubSystems, "Required")
	was := dataOf(t, other)
	require.NoError(t, v.SetData(hive.Binary, hivetest.Noise(500000, 1), now))
	require.NoError(t, v.SetData(hive.Binary, hivetest.Noise(10, 2), now.Add(time.Hour)))
	require.Equal(t, hivetest.Noise(10, 2), dataOf(t, v))
	require.Equal(t, was, dataOf(t, other))
	require.Equal(t, now.Add(time.Hour), v.Key().LastWriteTime())
	require.Equal(t, "Windows", v.Name())
	_, err := v.Key().Subkey("none")
	require.ErrorIs(t, err, hive.ErrNotFound)
}

func TestReadOnlyVersions(t *testing.T) {
	for _, sample := range samples {
		if sample.edits {
			continue
		}
		image := sample.hive().Build()
		h := open(t, image.Data)
		v := value(t, h, "Select", "Current")
		err := v.SetData(hive.DWord, hivetest.DWORD(9), now)
		require.ErrorIs(t, err, hive.ErrReadOnly)
		require.ErrorContains(t, err, fmt.Sprintf("1.%d", image.Minor()))
		require.True(t, bytes.Equal(image.Data, h.Bytes()))
		h.Seal(now)
		require.True(t, bytes.Equal(image.Data, h.Bytes()))
	}
}

func TestTooLarge(t *testing.T) {
	image := hivetest.NT4().Build()
	h := open(t, image.Data)
	v := value(t, h, hivetest.SubSystems, "Windows")
	err := v.SetData(hive.Binary, make([]byte, 1<<20-3), now)
	require.ErrorIs(t, err, hive.ErrTooLarge)
	require.NotErrorIs(t, err, hive.ErrCorrupt)
	require.True(t, bytes.Equal(image.Data, h.Bytes()))
	h.Seal(now)
	require.True(t, bytes.Equal(image.Data, h.Bytes()), "nothing was edited")
	requireEdit(t, image.Data, h, v, hive.Binary, hivetest.Noise(1<<20-4, 1))
}

// TestFailedEditsChangeNothing tries to edit values of every damaged hive: all
// of the key that has the damage, and some of the others.
func TestFailedEditsChangeNothing(t *testing.T) {
	refused := 0
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			h, err := hive.Open(mutation.Build().Data, hive.Tolerant(), hive.IgnoreDirty())
			if err != nil {
				return
			}
			var values []*hive.Value
			others := 0
			for k := range h.Walk() {
				if k == nil || others > 5 && k.Path() != mutation.Path {
					continue
				}
				for v := range k.Values() {
					if v != nil {
						values = append(values, v)
						others++
					}
				}
			}
			for i, v := range values {
				for _, n := range []int{2, 50, 20000} {
					before, changes := bytes.Clone(h.Bytes()), h.Changes()
					if err := v.SetData(hive.Binary, hivetest.Noise(n, uint32(i)), now); err == nil {
						continue
					}
					refused++
					require.True(t, bytes.Equal(before, h.Bytes()))
					require.Equal(t, changes, h.Changes())
				}
			}
		})
	}
	require.Greater(t, refused, 50)
}

// TestEditsOfCorpus edits values of every real hive that can be edited and is
// sound so far as its bins go.
func TestEditsOfCorpus(t *testing.T) {
	corpus(t, func(t *testing.T, path string, data []byte) {
		h, err := hive.Open(bytes.Clone(data), hive.WithLogs(logsBeside(t, path)...))
		if err != nil || h.Editable() != nil {
			t.Skip("cannot be edited")
		}
		sound := findings(h.Bytes())
		if levels(sound)["F"] > 0 {
			t.Skip("is damaged")
		}
		var values []*hive.Value
		for k, err := range h.Walk() {
			require.NoError(t, err)
			for v, err := range k.Values() {
				require.NoError(t, err)
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			t.Skip("has no values")
		}
		random := rand.New(rand.NewPCG(9, 10))
		want := map[*hive.Value][]byte{}
		before := content(t, h)
		for i := range 200 {
			v := values[random.IntN(len(values))]
			want[v] = hivetest.Noise(lengths[random.IntN(len(lengths))]+random.IntN(9), uint32(i))
			require.NoError(t, v.SetData(v.Type(), want[v], now))
		}
		h.Seal(now)
		requireChanges(t, data, h)
		requireNoWorse(t, sound, h.Bytes())
		requireOnly(t, before, content(t, open(t, h.Bytes())), slices.Collect(maps.Keys(want))...)
		for v, data := range want {
			require.True(t, bytes.Equal(data, dataOf(t, v)))
		}
	})
}

func logsBeside(t *testing.T, path string) []txlog.Log {
	var logs []txlog.Log
	for _, name := range []string{path + ".LOG1", path + ".LOG2"} {
		if data, err := os.ReadFile(name); err == nil {
			logs = append(logs, txlog.Log{Name: name, Data: data})
		}
	}
	return logs
}

func levels(found map[string]int) map[string]int {
	counts := map[string]int{}
	for finding, count := range found {
		counts[finding[:1]] += count
	}
	return counts
}

// TestSelfReference refuses to edit data that a damaged record keeps in itself,
// or in two segments at once, and leaves the hive as it was.
func TestSelfReference(t *testing.T) {
	sample := hivetest.Windows10()
	sample.Key("Select").SetValue(hivetest.Value{Name: "big", Type: hivetest.TypeBinary, Data: make([]byte, 40000)})
	image := sample.Build()
	big, small := image.Value("Select", "big"), image.Value(hivetest.SubSystems, hivetest.ValueWindows)
	for name, damage := range map[string]func(*hivetest.Image) (path, value string){
		"data is the record": func(m *hivetest.Image) (string, string) {
			m.Put32(small.Record, hivetest.RecordData, small.Record)
			m.Put32(small.Record, hivetest.RecordDataLength, 8)
			return hivetest.SubSystems, hivetest.ValueWindows
		},
		"a segment named twice": func(m *hivetest.Image) (string, string) {
			m.Put32(big.List, 8, big.Segments[1])
			return "Select", "big"
		},
		"first segment named last": func(m *hivetest.Image) (string, string) {
			m.Put32(big.List, 8, big.Segments[0])
			return "Select", "big"
		},
	} {
		t.Run(name, func(t *testing.T) {
			mutant := image.Clone()
			path, name := damage(mutant)
			h := open(t, bytes.Clone(mutant.Data))
			v := value(t, h, path, name)
			require.ErrorIs(t, v.SetData(hive.Binary, bytes.Repeat([]byte("x"), 200), now), hive.ErrCorrupt)
			require.True(t, bytes.Equal(mutant.Data, h.Bytes()))
		})
	}
}
