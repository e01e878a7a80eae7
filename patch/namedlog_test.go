package patch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// TestOneNamedLog patches with one of two logs named: the result must be safe
// from the other one all the same.
func TestOneNamedLog(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	path := filepath.Join(t.TempDir(), "SYSTEM")
	require.NoError(t, os.WriteFile(path, dirty.Primary, 0o600))
	require.NoError(t, os.WriteFile(path+".LOG1", dirty.Log1, 0o600))
	require.NoError(t, os.WriteFile(path+".LOG2", dirty.Log2, 0o600))
	for _, name := range []string{".LOG1", ".LOG2"} {
		file, err := hivefile.Load(path, hivefile.LoadOptions{Logs: []string{path + name}})
		require.NoError(t, err)
		report, err := Apply(file, defaultRequest(t))
		require.NoError(t, err)
		require.Greater(t, report.SequenceAfter, uint32(1625), "the last entry of LOG2")
		require.Contains(t, strings.Join(report.Warnings, "\n"), "was not named with --log and is left out")
	}
}
