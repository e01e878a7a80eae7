package check

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"hivepatch/hive/hivetest"
)

// BenchmarkWindows7 checks a real hive of 11.8 MB with 30,756 keys.
func BenchmarkWindows7(b *testing.B) {
	corpus := os.Getenv("HIVEPATCH_CORPUS")
	if corpus == "" {
		b.Skip("HIVEPATCH_CORPUS names no folder of real hives")
	}
	data, err := os.ReadFile(filepath.Join(corpus, "system/win7-x86/SYSTEM"))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkCheck(b, data)
}

// BenchmarkSize checks hives of one make and growing size: the time per byte
// should not grow with them.
func BenchmarkSize(b *testing.B) {
	for _, megabytes := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("%dMB", megabytes), func(b *testing.B) {
			benchmarkCheck(b, syntheticHive(megabytes<<20))
		})
	}
}

func benchmarkCheck(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		Bytes(data, func(Finding) {})
	}
}

// syntheticHive builds a hive of about that many bytes: groups of a hundred
// keys, each with twenty values of mixed length.
func syntheticHive(size int) []byte {
	const keySize, group = 3100, 100 // bytes that a key takes with its values
	var groups []hivetest.Key
	for keys := 0; keys*keySize < size; keys += group {
		parent := hivetest.Key{Name: fmt.Sprintf("Group %06d", keys)}
		for i := range group {
			parent.Subkeys = append(parent.Subkeys, syntheticKey(keys+i))
		}
		groups = append(groups, parent)
	}
	return hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: groups}}.Build().Data
}

func syntheticKey(n int) hivetest.Key {
	key := hivetest.Key{Name: fmt.Sprintf("Key %08d", n)}
	for i := range 20 {
		key.Values = append(key.Values, hivetest.Value{
			Name: fmt.Sprintf("Value number %d", i),
			Type: hivetest.TypeBinary,
			Data: make([]byte, 5*i+n%7*10),
		})
	}
	return key
}
