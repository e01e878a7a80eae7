package hivefile

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// BenchmarkSaveInPlace loads, edits and saves hives as small as that of NT 4,
// in both ways and without a backup. Most of it is waiting for the disk.
func BenchmarkSaveInPlace(b *testing.B) {
	old := hivetest.NT4().Build().Data
	for name, bench := range map[string]struct {
		way      func(r *replacement) error
		noBackup bool
	}{"replace": {nil, false}, "no backup": {nil, true}, "pages": {byPages, false}} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			var made atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					path := filepath.Join(dir, fmt.Sprint("SYSTEM", made.Add(1)))
					require.NoError(b, os.WriteFile(path, old, 0o644))
					_, err := saveBy(loadEdited(b, path, 100), InPlaceOptions{Time: placeTime, NoBackup: bench.noBackup}, bench.way)
					require.NoError(b, err)
				}
			})
		})
	}
}
