package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// windowsFolders are the ways of Windows to write the path of a folder, by what
// is special about them. Each is a folder of its own.
func windowsFolders(t *testing.T) map[string]string {
	t.Helper()
	long := t.TempDir()
	for range 8 {
		long = filepath.Join(long, strings.Repeat("d", 60))
	}
	folders := map[string]string{
		"drive letter":          t.TempDir(),
		"slashes":               filepath.ToSlash(t.TempDir()),
		"blanks":                filepath.Join(t.TempDir(), "Documents and Settings", " of all"),
		"Unicode":               filepath.Join(t.TempDir(), "Größe Ωμέγα Привет 日本 \U0001F5DD"),
		"per cent signs":        filepath.Join(t.TempDir(), "%SystemRoot%", "%TEMP%"),
		"extended":              `\\?\` + t.TempDir(),
		"extended with Unicode": `\\?\` + filepath.Join(t.TempDir(), "Größe"),
		"longer than 260":       long,
		"extended and longer":   `\\?\` + filepath.Join(long, "extended"),
	}
	for name, folder := range folders {
		require.NoError(t, os.MkdirAll(folder, 0o777), name)
	}
	// Wine has no shares; a Windows gives its own drives to an administrator.
	share := t.TempDir()
	for name, unc := range map[string]string{"UNC": `\\localhost\`, "extended UNC": `\\?\UNC\localhost\`} {
		unc += strings.Replace(share, ":", "$", 1)
		if _, err := os.Stat(unc); err == nil {
			folders[name] = unc
		} else {
			t.Logf("%s: not here: %v", name, err)
		}
	}
	return folders
}

// TestWindowsPaths: every way to write a path does for reading, writing, in
// place, for backups, and for the folder of a Windows.
func TestWindowsPaths(t *testing.T) {
	for name, folder := range windowsFolders(t) {
		t.Run(name, func(t *testing.T) {
			join := func(names ...string) string { return folder + `\` + strings.Join(names, `\`) }
			old := hivetest.NT4().Build().Data
			require.NoError(t, os.MkdirAll(join("Windows", "System32", "config"), 0o777))
			hive := join("Windows", "System32", "config", "SYSTEM")
			require.NoError(t, os.WriteFile(hive, old, 0o666))
			does := func(args ...string) string {
				t.Helper()
				r := program(args...)
				require.Equal(t, exitDone, r.code, "%q: %s", args, r.stderr)
				require.Empty(t, r.stderr, "%q", args)
				return r.stdout
			}
			require.Contains(t, does("show", hive), "1024,3072")
			require.Contains(t, does("doctor", folder), "computer:  SAMPLE")
			require.Contains(t, does("locate", folder), "SAMPLE")
			does("patch", hive, "-o", join("new"))
			does("patch", hive, "-o", join("new"), "--overwrite")
			require.Equal(t, exitRefused, program("patch", hive, "-o", strings.ToUpper(hive), "--overwrite").code, "it is the input itself")

			does("patch", hive, "--in-place", "--backup", join("backup"))
			kept, err := os.ReadFile(join("backup"))
			require.NoError(t, err)
			require.True(t, string(old) == string(kept))
			require.Contains(t, does("show", hive), "1024,3072,512")
			does("restore", hive, "--backup", join("backup"))
			does("patch", folder, "--in-place")
			does("restore", folder)
			now, err := os.ReadFile(hive)
			require.NoError(t, err)
			require.True(t, string(old) == string(now))

			var listed []struct{ Path string }
			require.NoError(t, json.Unmarshal([]byte(does("restore", hive, "--list", "--json")), &listed))
			require.Len(t, listed, 3)
			does("restore", listed[0].Path)
		})
	}
}
