package diff

import (
	"bytes"
	"fmt"
	"testing"

	"hivepatch/hive/hivetest"
)

// BenchmarkWindows7 compares a real hive of 11.8 MB, with 30,756 keys, with a
// copy of itself.
func BenchmarkWindows7(b *testing.B) {
	data := corpusFile(b, "system/win7-x86/SYSTEM")
	first, second := open(b, data), open(b, bytes.Clone(data))
	for name, compare := range map[string]Aspects{"names and data": 0, "all": All} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range Hives(first, second, Options{Compare: compare}) {
					b.Fatal("a difference", err)
				}
			}
		})
	}
}

// BenchmarkOnlyB compares hives of growing size with an empty one, one key
// with that many subkeys: the time per key should not grow with them.
func BenchmarkOnlyB(b *testing.B) {
	empty := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}
	for _, count := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			full := empty
			for i := range count {
				full.Root.Subkeys = append(full.Root.Subkeys, hivetest.Key{Name: fmt.Sprintf("Key %08d", i)})
			}
			first, second := build(b, empty), build(b, full)
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for _, err := range Hives(first, second, Options{}) {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
				if found != count {
					b.Fatal(found)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/key")
		})
	}
}
