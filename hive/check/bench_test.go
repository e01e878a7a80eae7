package check

import (
	"os"
	"path/filepath"
	"testing"
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
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		Bytes(data, func(Finding) {})
	}
}
