package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLostHiveHasBackup: a program that dies while Windows replaces a hive can
// leave its backup alone. Whoever looks for the hive is told what puts it back.
func TestLostHiveHasBackup(t *testing.T) {
	root := t.TempDir()
	config := filepath.Join(root, "WINNT", "system32", "config")
	require.NoError(t, os.MkdirAll(config, 0o777))
	hive, backup := filepath.Join(config, "system"), filepath.Join(config, "system.20260131T120000Z.bak")
	require.NoError(t, os.WriteFile(backup, nt4Hive(), 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(config, "sam"), nt4Hive(), 0o666))
	hint := "hivepatch: hint: there is a backup of it: " + commandLine([]string{programName, "restore", hive}) + " puts it back\n"
	for _, target := range []string{hive, config, root} {
		for _, args := range [][]string{
			{"patch", target, "--in-place"}, {"patch", target, "-o", filepath.Join(root, "new")}, {"set", target, "Select", "Current", "2", "--in-place"},
			{"show", target}, {"check", target}, {"info", target}, {"get", target, "Select"}, {"doctor", target}, {"restore", target, "--dry-run"},
		} {
			if target == hive && args[0] == "restore" {
				continue // which does it
			}
			r := program(args...)
			require.Equal(t, exitFailed, r.code, "%q: %s", args, r.stderr)
			require.Contains(t, r.stderr, hint, "%q", args)
		}
	}
	require.Equal(t, exitFailed, program("show", filepath.Join(config, "software")).code)
	require.NotContains(t, program("show", filepath.Join(config, "software")).stderr, "hint")

	require.Equal(t, exitDone, program("restore", hive).code)
	now, err := os.ReadFile(hive)
	require.NoError(t, err)
	require.Equal(t, nt4Hive(), now)
}
