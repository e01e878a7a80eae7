package patch

import (
	"bytes"
	"testing"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// BenchmarkApply loads a hive from memory and does the whole job on it: check,
// second opinion, edit, check, read-back, hashes. The one of Windows 7 is real
// and has 11.8 MB.
func BenchmarkApply(b *testing.B) {
	b.Run("nt4", func(b *testing.B) {
		benchmarkApply(b, hivetest.NT4().Build().Data)
	})
	b.Run("windows7", func(b *testing.B) {
		_, data := corpusFile(b, "system/win7-x86/SYSTEM")
		benchmarkApply(b, data)
	})
}

func benchmarkApply(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		file, err := hivefile.LoadStream(bytes.NewReader(data), tolerant)
		if err != nil {
			b.Fatal(err)
		}
		report, err := Apply(file, thirdNumber(4096))
		if err != nil || !report.Changed {
			b.Fatal(report, err)
		}
	}
}
