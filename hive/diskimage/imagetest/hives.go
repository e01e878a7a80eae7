package imagetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Hives returns SYSTEM hives, the shorter one first: real ones from the folder
// HIVEPATCH_CORPUS, or those in testdata where that is not set. The folder of
// the module is given relative to the test.
func Hives(t testing.TB, module string) (small, large []byte) {
	t.Helper()
	paths := []string{filepath.Join(module, "testdata/nt4/SYSTEM"), filepath.Join(module, "testdata/win10/SYSTEM")}
	if corpus := os.Getenv("HIVEPATCH_CORPUS"); corpus != "" {
		paths = []string{filepath.Join(corpus, "system/nt4/system"), filepath.Join(corpus, "system/win7-x86/SYSTEM")}
	}
	small, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	large, err = os.ReadFile(paths[1])
	require.NoError(t, err)
	return small, large
}
