package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
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
	for name, begin := range map[string]string{"UNC": `\\`, "extended UNC": `\\?\UNC\`} {
		if share := shareOf(t); share != "" {
			folders[name] = begin + share
		}
	}
	return folders
}

// shareOf makes a folder on a share of this machine and returns its path without
// what UNC paths begin with, or "" where there is no share. Wine has those that
// are folders in its own folder, and a Windows gives an administrator its drives.
func shareOf(t *testing.T) string {
	t.Helper()
	const server = "localhost"
	if wine, ok := strings.CutPrefix(os.Getenv("WINECONFIGDIR"), `\??\`); ok {
		shares := filepath.Join(wine, "dosdevices", "unc", server)
		require.NoError(t, os.MkdirAll(shares, 0o777))
		folder, err := os.MkdirTemp(shares, "hivepatch-test-")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
		return server + `\` + filepath.Base(folder)
	}
	share := server + `\` + strings.Replace(t.TempDir(), ":", "$", 1)
	if _, err := os.Stat(`\\` + share); err != nil {
		t.Logf("no paths of shares: %v", err)
		return ""
	}
	return share
}

// ofShares are warnings of Wine, which does not tell where the volume of a share
// begins.
var ofShares = regexp.MustCompile(`(?m)^hivepatch: warning: GetVolumePathName .*localhost.*\n`)

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
				require.Empty(t, ofShares.ReplaceAllString(r.stderr, ""), "%q", args)
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
