package hive_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// 13: a walk from a key that was obtained before all cells moved.
func TestWalkFromKeyAfterTidy(t *testing.T) {
	for length := range 40 {
		before := hivetest.Key{Name: "0", Subkeys: numberedKeys(300, "x%03d"+strings.Repeat("y", length))}
		m := hivetest.Key{Name: "m", Subkeys: []hivetest.Key{{Name: "b", Subkeys: numberedKeys(600, "k%03d")}}}
		h := open(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{before, m}}}.Build().Data)
		b := mustGet(h.Key(`m\b`))
		for sub, err := range mustGet(h.Key("0")).Subkeys() {
			require.NoError(t, err)
			require.NoError(t, sub.Delete(now))
		}
		h.Seal(now)
		keys := 0
		for k, err := range b.Walk() {
			require.NoError(t, err, "after %d keys, name length %d", keys, length)
			_ = k
			keys++
		}
		require.Equal(t, 601, keys)
	}
}
