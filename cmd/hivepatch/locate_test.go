package main

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// snapshot is every file and link below a folder with what is in it.
func snapshot(t *testing.T, root string) map[string]string {
	contents := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			contents[path] = "-> " + target
			return err
		case entry.Type().IsRegular():
			data, err := os.ReadFile(path)
			contents[path] = string(data)
			return err
		}
		contents[path] = entry.Type().String()
		return nil
	}))
	return contents
}

// plant writes files and links, which begin with "-> ", below a folder.
func plant(t *testing.T, root string, contents map[string]string) {
	for path, data := range contents {
		full := filepath.Join(root, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o777))
		if target, ok := strings.CutPrefix(data, "-> "); ok {
			err := os.Symlink(target, full)
			if err == nil {
				_, err = os.Readlink(full) // Wine says that it has made one and has not
			}
			if err != nil {
				t.Skipf("no symbolic links here: %v", err)
			}
			continue
		}
		require.NoError(t, os.WriteFile(full, []byte(data), 0o666))
	}
}

// TestHostileVolumes: none of these volumes makes a command leave it, write, or
// hang, and each gives one clear error.
func TestHostileVolumes(t *testing.T) {
	const config = "Windows/System32/config/"
	hive := string(hivetest.Windows10().Build().Data)
	outside := t.TempDir()
	plant(t, outside, map[string]string{config + "SYSTEM": hive, "SYSTEM": hive, "hiberfil.sys": "wake"})
	twoSpellings := func(t *testing.T) {
		folder := t.TempDir()
		plant(t, folder, map[string]string{"a": ""})
		if _, err := os.Stat(filepath.Join(folder, "A")); err == nil {
			t.Skip("this file system does not tell names apart by case")
		}
	}
	for _, c := range []struct {
		name    string
		files   map[string]string
		code    int
		message string
		needs   func(t *testing.T)
	}{
		{"absolute link", map[string]string{config + "SYSTEM": "-> " + filepath.Join(outside, "SYSTEM")}, exitRefused, "the link leads out of the volume: it is absolute", nil},
		{"relative link out", map[string]string{config + "SYSTEM": "-> ../../../../" + filepath.Base(outside) + "/SYSTEM"}, exitRefused, "the link leads out of the volume: it goes above", nil},
		{"folder out", map[string]string{"Windows": "-> " + filepath.Join(outside, "Windows")}, exitRefused, "the link leads out of the volume", nil},
		{"link loop", map[string]string{"Windows": "-> WINNT", "WINNT": "-> Windows"}, exitRefused, "too many links follow each other", nil},
		{"link to itself", map[string]string{config + "SYSTEM": "-> SYSTEM"}, exitRefused, "too many links follow each other", nil},
		{"link to nothing", map[string]string{config + "SYSTEM": "-> nothing"}, exitFailed, "no such file", nil},
		{"log out", map[string]string{config + "SYSTEM": hive, config + "SYSTEM.LOG1": "-> " + filepath.Join(outside, "SYSTEM")}, exitFailed, "escapes", nil},
		{"folder SYSTEM", map[string]string{config + "SYSTEM/x": "", config + "SAM": hive}, exitRefused, "is a folder", nil},
		{"two spellings", map[string]string{config + "SYSTEM": hive, config + "system": hive}, exitRefused, "more than one spelling of SYSTEM", twoSpellings},
		{"two Windows", map[string]string{config + "SYSTEM": hive, "WINNT/system32/config/system": hive}, exitRefused, "more than one hive SYSTEM", nil},
		{"text for a hive", map[string]string{config + "SYSTEM": "text"}, exitFailed, "not a registry hive", nil},
		{"hibernation speaks from outside", map[string]string{config + "SYSTEM": hive, "hiberfil.sys": "-> " + filepath.Join(outside, "hiberfil.sys")}, exitRefused, "cannot be told whether Windows is hibernated", nil},
		{"nothing", map[string]string{"x": ""}, exitFailed, "there is no Windows and no hive in it", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.needs != nil {
				c.needs(t)
			}
			volume := t.TempDir()
			plant(t, volume, c.files)
			before, other := snapshot(t, volume), snapshot(t, outside)
			for _, args := range [][]string{
				{"patch", volume, "-o", filepath.Join(volume, "new"), "--noninteractive", "4096"},
				{"patch", volume, "--in-place", "--noninteractive", "4096"},
				{"set", volume, "Select", "Current", "1", "-o", filepath.Join(volume, "new")},
				{"recover", volume, "-o", filepath.Join(volume, "new")},
			} {
				r := program(args...)
				require.Equal(t, c.code, r.code, "%s: %s", args[0], r.stderr)
				require.Empty(t, r.stdout)
				require.Len(t, r.errorLines(), 1, r.stderr)
				require.Contains(t, r.stderr, c.message)
			}
			for _, args := range [][]string{{"locate", volume}, {"doctor", volume}, {"ls", volume, "--user", "Bob"}, {"get", volume, "Select"}} {
				r := program(args...)
				require.NotContains(t, r.stderr, "internal error")
				require.NotEqual(t, exitUsage, r.code)
			}
			require.True(t, maps.Equal(before, snapshot(t, volume)), "the volume has changed")
			require.True(t, maps.Equal(other, snapshot(t, outside)), "what lies outside has changed")
		})
	}
}

// TestLocateJSON: the members of the object are a contract with scripts.
func TestLocateJSON(t *testing.T) {
	volume := t.TempDir()
	plant(t, volume, map[string]string{"Windows/System32/config/SYSTEM": string(hivetest.NT4().Build().Data), "hiberfil.sys": "hibr"})
	r := program("locate", volume, "--json")
	require.Equal(t, exitDone, r.code, r.stderr)
	var l struct {
		Target, Layout string
		ReadOnly       bool `json:"read_only"`
		Hibernation    *struct {
			Path, Reason string
			Unclear      bool
		}
		Installations []struct {
			Path, Windows string
			Leftover      bool
			Computer      string `json:"computer_name"`
			ControlSets   []struct {
				Name  string
				Roles []string
			} `json:"control_sets"`
			Problems []string
		}
		Hives []struct {
			Kind, User, Origin, Installation, Path, Dirty, Problem string
			Size                                                   int64
			Clean                                                  bool
			Logs                                                   []struct{ Path string }
		}
		Warnings []string
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &l))
	require.Equal(t, volume, l.Target)
	require.Equal(t, "volume", l.Layout)
	require.Equal(t, filepath.Join(volume, "hiberfil.sys"), l.Hibernation.Path)
	require.Len(t, l.Installations, 1)
	require.Equal(t, "SAMPLE", l.Installations[0].Computer)
	require.Equal(t, []string{"current", "default"}, l.Installations[0].ControlSets[0].Roles)
	require.Len(t, l.Hives, 1)
	require.Equal(t, filepath.Join(volume, "Windows", "System32", "config", "SYSTEM"), l.Hives[0].Path)
	require.Equal(t, "in-use", l.Hives[0].Origin)
	require.True(t, l.Hives[0].Clean)
	require.NotNil(t, l.Hives[0].Logs)
	require.NotNil(t, l.Warnings)
}

// TestWinPEIsWarnedOf: its registry is not that of the machine.
func TestWinPEIsWarnedOf(t *testing.T) {
	pe := hivetest.Windows10()
	control := pe.Key(`ControlSet001\Control`)
	control.Subkeys = append(control.Subkeys, hivetest.Key{Name: "MiniNT"})
	volume := t.TempDir()
	const path = "Windows/System32/config/SYSTEM"
	plant(t, volume, map[string]string{path: string(pe.Build().Data), "SYSTEM": string(pe.Build().Data)})
	const warning = "belongs to a Windows PE"
	for _, target := range []string{volume, filepath.Join(volume, path)} {
		require.Contains(t, program("patch", target, "--dry-run").stderr, warning)
		require.Contains(t, program("get", target, "Select").stderr, warning)
		require.NotContains(t, program("get", target, "Select", "-q").stderr, warning)
		require.Contains(t, program("doctor", target).stdout, "this is a Windows PE")
	}
	require.Contains(t, program("locate", volume).stderr, warning)
	require.NotContains(t, program("get", filepath.Join(volume, "SYSTEM"), "Select").stderr, warning, "a copy may be for anything")
}
