package hive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// realHive is a real SYSTEM hive of 11.8 MB with 30,756 keys where there is
// one, else a built one.
func realHive(b *testing.B) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("HIVEPATCH_CORPUS"), "system/win7-x86/SYSTEM"))
	if err != nil {
		return hivetest.Windows10().Build().Data
	}
	return data
}

func BenchmarkOpen(b *testing.B) {
	data := realHive(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := hive.Open(data)
		require.NoError(b, err)
	}
}

// BenchmarkLookup looks up a key by a path of five components, in other case
// than stored.
func BenchmarkLookup(b *testing.B) {
	h, err := hive.Open(realHive(b))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := h.Key(`controlset001\CONTROL\session manager\SUBSYSTEMS\csrss`)
		if err != nil && !isNotFound(err) {
			b.Fatal(err)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	data := realHive(b)
	h, err := hive.Open(data)
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for k, err := range h.Walk() {
			require.NoError(b, err)
			readAll(k)
		}
	}
}

// mixes are distributions of the length of value data, and how many values
// there are.
var mixes = []struct {
	name   string
	values int
	length func(*rand.Rand) int
}{
	{"uniform", 5000, func(r *rand.Rand) int { return r.IntN(1000) }},
	{"registry", 5000, registryLength},
	{"large", 1000, func(r *rand.Rand) int { return r.IntN(40000) }},
	{"thousand", 1000, func(r *rand.Rand) int { return r.IntN(1000) }},
	{"few", 200, func(r *rand.Rand) int { return r.IntN(1000) }},
}

// registryLength is distributed as in a SYSTEM hive: many short strings,
// a few long ones, now and then a blob.
func registryLength(r *rand.Rand) int {
	switch n := r.IntN(1000); {
	case n < 300:
		return r.IntN(5)
	case n < 900:
		return 6 + 2*r.IntN(80)
	case n < 990:
		return r.IntN(1000)
	case n < 999:
		return r.IntN(8000)
	}
	return r.IntN(60000)
}

// BenchmarkEdits makes edits that each change the length of some value's data.
// The time of an edit must not grow with their number, and the file must not
// be much larger than what it holds: the cells in use and the headers. A file
// never gets smaller, so that what it held at most counts too (file/peak).
func BenchmarkEdits(b *testing.B) {
	for _, mix := range mixes {
		for _, n := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", mix.name, n), func(b *testing.B) {
				data := manyValues(mix.values, mix.length)
				var size, live, peak int
				for b.Loop() {
					b.StopTimer()
					h, err := hive.Open(bytes.Clone(data))
					require.NoError(b, err)
					edit := editor(b, h, mix.length)
					b.StartTimer()
					for i := range n {
						edit(i)
						if i%(n/100) == 0 {
							b.StopTimer()
							peak = max(peak, liveData(b, h.Bytes()))
							b.StartTimer()
						}
					}
					b.StopTimer()
					size, live = len(h.Bytes()), liveData(b, h.Bytes())
					b.StartTimer()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/edit")
				b.ReportMetric(float64(size)/float64(live), "file/live")
				b.ReportMetric(float64(size)/float64(max(peak, live)), "file/peak")
				b.ReportMetric(float64(size), "bytes")
			})
		}
	}
}

// manyValues is a hive of n values, 50 to a key.
func manyValues(n int, length func(*rand.Rand) int) []byte {
	random := rand.New(rand.NewPCG(11, 12))
	root := hivetest.Key{Name: "ROOT"}
	for i := range n / 50 {
		key := hivetest.Key{Name: fmt.Sprintf("Key%03d", i)}
		for j := range 50 {
			key.Values = append(key.Values, hivetest.Value{Name: fmt.Sprintf("Value%02d", j), Type: hivetest.TypeBinary, Data: hivetest.Noise(length(random), uint32(j))})
		}
		root.Subkeys = append(root.Subkeys, key)
	}
	return hivetest.Hive{Minor: 5, Root: root}.Build().Data
}

// editor returns a function that gives some value data of another length.
func editor(tb testing.TB, h *hive.Hive, length func(*rand.Rand) int) func(i int) {
	tb.Helper()
	random := rand.New(rand.NewPCG(13, 14))
	noise := hivetest.Noise(100_000, 1)
	var values []*hive.Value
	var lengths []int
	for k, err := range h.Walk() {
		require.NoError(tb, err)
		for v, err := range k.Values() {
			require.NoError(tb, err)
			values = append(values, v)
			lengths = append(lengths, len(dataOf(tb, v)))
		}
	}
	return func(i int) {
		at := random.IntN(len(values))
		n := length(random)
		if n == lengths[at] {
			n++
		}
		lengths[at] = n
		if err := values[at].SetData(hive.Binary, noise[i%1000:][:n], now); err != nil {
			tb.Fatal(err)
		}
	}
}

// liveData is what the cells in use need: themselves, the base block, and the
// headers of the bins.
func liveData(tb testing.TB, data []byte) int {
	tb.Helper()
	image := &hivetest.Image{Data: data}
	live := hivetest.BaseBlockSize + len(image.Bins())*hivetest.BinHeaderSize
	for _, cell := range image.Cells() {
		if cell.Allocated {
			live += int(cell.Size)
		}
	}
	return live
}
