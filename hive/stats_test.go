package hive_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// statsOf counts a hive in which all can be read.
func statsOf(t testing.TB, data []byte, most int) *hive.Stats {
	t.Helper()
	return open(t, data).Stats(most, func(err error) { require.NoError(t, err) })
}

// total is what the allocated cells are used for.
func total(u hive.Use) (sum hive.CellCount) {
	for _, used := range []hive.CellCount{
		u.Keys, u.SubkeyLists, u.Values, u.ValueLists, u.Data, u.BigData, u.Classes, u.Security, u.Lost,
	} {
		sum.Cells += used.Cells
		sum.Bytes += used.Bytes
	}
	return sum
}

// The counts are those of the literal that the hive was built from.
func TestStatsOfSamples(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			literal := sample.hive()
			keys, values, classes, bytes := 0, 0, 0, int64(0)
			literal.Keys(func(_ string, key *hivetest.Key) {
				keys++
				if key.Class != "" {
					classes++
				}
				for _, value := range key.Values {
					values++
					bytes += int64(len(value.Data))
				}
			})
			data := literal.Build().Data
			stats := statsOf(t, data, 3)
			require.Equal(t, keys, stats.Keys)
			require.Equal(t, values, stats.Values)
			require.Equal(t, classes, stats.Classes)
			require.Equal(t, bytes, stats.DataBytes)
			require.Equal(t, keys, stats.Use.Keys.Cells)
			require.Equal(t, values, stats.Use.Values.Cells)
			require.Zero(t, stats.Use.Lost)
			require.Zero(t, stats.BadBytes)
			requireSums(t, stats, data)
		})
	}
}

// requireSums requires that every byte of a hive is counted once.
func requireSums(t testing.TB, stats *hive.Stats, data []byte) {
	t.Helper()
	const binHeader = 32
	require.Equal(t, stats.Allocated, total(stats.Use))
	require.Equal(t, stats.BinBytes, stats.Allocated.Bytes+stats.Free.Bytes+int64(stats.Bins)*binHeader)
	require.Equal(t, int64(len(data)), hive.BaseBlockSize+stats.BinBytes+stats.Trailing)
	var free hive.CellCount
	for i, class := range stats.FreeSizes {
		free.Cells += class.Cells
		free.Bytes += class.Bytes
		require.LessOrEqual(t, class.Bytes, class.UpTo*int64(class.Cells))
		require.True(t, i == 0 || stats.FreeSizes[i-1].UpTo < class.UpTo)
	}
	require.Equal(t, stats.Free, free)
	typed, bytes := 0, int64(0)
	for _, kind := range stats.Types {
		typed += kind.Values
		bytes += kind.Bytes
	}
	require.Equal(t, stats.Values, typed)
	require.Equal(t, stats.DataBytes, bytes)
}

func TestStatsRanks(t *testing.T) {
	value := func(name string, size int) hivetest.Value {
		return hivetest.Value{Name: name, Type: hivetest.TypeBinary, Data: make([]byte, size)}
	}
	data := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "root", Subkeys: []hivetest.Key{
		{Name: "a", Values: []hivetest.Value{value("1", 10), value("2", 20000), value("3", 10)}},
		{Name: "b", Values: []hivetest.Value{value("4", 30)}, Subkeys: []hivetest.Key{{Name: "c"}}},
		{Name: "d", Values: []hivetest.Value{value("5", 0)}},
	}}}.Build().Data
	stats := statsOf(t, data, 2)
	require.Equal(t, []hive.ValueRank{{"a", "2", hive.Binary, 20000}, {"b", "4", hive.Binary, 30}}, stats.LargestValues)
	require.Equal(t, []hive.KeyRank{{"", 3}, {"b", 1}}, stats.MostSubkeys)
	require.Equal(t, []hive.KeyRank{{"a", 3}, {"b", 1}}, stats.MostValues, "the first of equals")
	require.Equal(t, 3, stats.Depth)
	require.Equal(t, 1, stats.BigValues)
	require.Equal(t, 2, stats.Use.BigData.Cells)
	require.Equal(t, []hive.TypeCount{{hive.Binary, 5, 20050}}, stats.Types)
	all := statsOf(t, data, 100)
	require.Len(t, all.LargestValues, 5)
	require.Equal(t, "5", all.LargestValues[4].Name)
	require.Empty(t, statsOf(t, data, 0).LargestValues)
}

func TestStatsOfDamage(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			h, err := hive.Open(mutation.Build().Data, hive.Tolerant(), hive.IgnoreDirty())
			if err != nil {
				require.ErrorIs(t, err, hive.ErrNotHive)
				return
			}
			requireStats(t, h)
		})
	}
	t.Run("list of values of two keys", func(t *testing.T) {
		damage := 0
		mutant := mutant(t, "value-list-shared-by-two-keys")
		open(t, mutant).Stats(1, func(err error) {
			require.ErrorContains(t, err, "has the list of values at 0x")
			damage++
		})
		require.Equal(t, 1, damage)
	})
	t.Run("lost cell", func(t *testing.T) {
		require.Equal(t, 1, statsOf(t, mutant(t, "cell-unreferenced"), 1).Use.Lost.Cells)
	})
}

func mutant(t *testing.T, name string) []byte {
	t.Helper()
	for _, mutation := range hivetest.Mutations() {
		if mutation.Name == name {
			return mutation.Build().Data
		}
	}
	require.Fail(t, "no mutation "+name)
	return nil
}

// requireStats requires that what is counted fits what is there, whatever the
// hive says.
func requireStats(t *testing.T, h *hive.Hive) {
	stats := h.Stats(5, func(err error) { require.ErrorIs(t, err, hive.ErrCorrupt) })
	require.Equal(t, stats.Allocated, total(stats.Use))
	require.GreaterOrEqual(t, stats.Use.Lost.Cells, 0)
	require.LessOrEqual(t, stats.Allocated.Bytes+stats.Free.Bytes, stats.BinBytes)
	require.LessOrEqual(t, stats.BinBytes+stats.Trailing, int64(len(h.Bytes())))
	require.GreaterOrEqual(t, stats.Use.Lost.Bytes, int64(0))
	require.GreaterOrEqual(t, stats.Keys, stats.Use.Keys.Cells)
	require.GreaterOrEqual(t, stats.BadBytes, int64(0))
	require.LessOrEqual(t, len(stats.LargestValues), 5)
}

func FuzzStats(f *testing.F) {
	addHives(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > largestInput {
			t.Skip()
		}
		h, err := hive.Open(bytes.Clone(data), hive.Tolerant(), hive.IgnoreDirty())
		if err != nil {
			return
		}
		requireStats(t, h)
		h.Header()
		require.True(t, bytes.Equal(data, h.Bytes()))
	})
}

// A real hive has what two other programs count in it.
func TestStatsOfRealHive(t *testing.T) {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	data, err := os.ReadFile(filepath.Join(folder, "system/win7-x86/SYSTEM"))
	require.NoError(t, err)
	stats := statsOf(t, data, 1)
	require.Equal(t, 30756, stats.Keys)
	require.Equal(t, 73456, stats.Values)
	require.Equal(t, 14, stats.Classes)
	require.Equal(t, 8, stats.BigValues)
	require.Equal(t, []hive.KeyRank{{`ControlSet001\Control\CriticalDeviceDatabase`, 2548}}, stats.MostSubkeys)
	requireSums(t, stats, data)
}

func BenchmarkStats(b *testing.B) {
	data := realHive(b)
	h := open(b, data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		h.Stats(5, func(err error) { require.NoError(b, err) })
	}
}

func TestHeader(t *testing.T) {
	t.Run("Windows 10", func(t *testing.T) {
		header := open(t, hivetest.Windows10().Build().Data).Header()
		require.EqualValues(t, 1, header.Major)
		require.EqualValues(t, 5, header.Minor)
		require.EqualValues(t, 1622, header.Sequence1)
		require.True(t, header.ChecksumOK)
		require.True(t, header.LastWritten.IsZero())
		require.Equal(t, "2017-11-10T08:55:00.136Z", header.LastReorganized.Format("2006-01-02T15:04:05.999999999Z"))
		require.Equal(t, `stemRoot\System32\Config\SYSTEM`, header.FileName)
		require.Equal(t, hive.FlagTransactions, header.Flags)
		require.Regexp(t, `^\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}$`, header.TM)
		require.False(t, header.OfflineLibrary)
	})
	t.Run("GUID", func(t *testing.T) {
		h := hivetest.Windows10()
		h.RmID = [16]byte{0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF}
		require.Equal(t, "{00112233-4455-6677-8899-aabbccddeeff}", open(t, h.Build().Data).Header().RM)
	})
	t.Run("before Vista", func(t *testing.T) {
		// What it has at the place of the flags and GUIDs is garbage.
		header := open(t, hivetest.NT4().Build().Data).Header()
		require.Equal(t, "2002-06-11T00:00:00Z", header.LastWritten.Format("2006-01-02T15:04:05.999999999Z"))
		require.Zero(t, header.Flags)
		require.Empty(t, header.RM+header.Log+header.TM)
		require.True(t, header.LastReorganized.IsZero())
	})
	for name, at := range map[string]int{"offline library of Windows 8": 0xB0, "offline library of Windows 7": 0xA8} {
		t.Run(name, func(t *testing.T) {
			data := hivetest.Windows10().Build().Data
			copy(data[at:], "OfRg\x01\x00\x00\x00")
			header := open(t, data, hive.IgnoreDirty()).Header()
			require.True(t, header.OfflineLibrary)
			require.False(t, header.ChecksumOK)
			require.Equal(t, at == 0xA8, header.LastReorganized.IsZero())
		})
	}
}

// What a hive consists of, and where its bytes go.
func ExampleHive_Stats() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	stats := h.Stats(1, func(err error) { log.Print(err) })
	fmt.Printf("%d keys, %d values, %d security descriptors\n", stats.Keys, stats.Values, stats.Descriptors)
	fmt.Printf("%d of %d bytes free, the largest cell has %d\n", stats.Free.Bytes, stats.BinBytes, stats.Largest)
	largest := stats.LargestValues[0]
	fmt.Printf("%s of %d bytes: %s of %s\n", largest.Type, largest.Size, largest.Name, largest.Path)
	// Output:
	// 114 keys, 326 values, 3 security descriptors
	// 8616 of 45056 bytes free, the largest cell has 4064
	// REG_BINARY of 1244 bytes: Information of DISK
}

// What the header of a hive says.
func ExampleHive_Header() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	header := h.Header()
	fmt.Printf("%d.%d %s %s\n", header.Major, header.Minor, header.FileName, header.LastWritten.Format("2006-01-02"))
	// Output: 1.3 SYSTEM 2002-06-11
}
