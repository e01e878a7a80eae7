package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

func TestRegRoot(t *testing.T) {
	keys := func(names ...string) hivetest.Hive {
		h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}
		for _, name := range names {
			h.Root.Subkeys = append(h.Root.Subkeys, hivetest.Key{Name: name})
		}
		return h
	}
	for _, test := range []struct {
		name, want string
		hive       hivetest.Hive
	}{
		{"SYSTEM of Windows NT", `HKEY_LOCAL_MACHINE\SYSTEM`, hivetest.NT4()},
		{"SYSTEM of Windows 10", `HKEY_LOCAL_MACHINE\SYSTEM`, hivetest.Windows10()},
		{"user", `HKEY_CURRENT_USER`, keys("control panel", "ENVIRONMENT", "Software")},
		{"boot configuration", `HKEY_LOCAL_MACHINE\BCD00000000`, keys("Description", "Objects")},
		{"half of a kind", "", keys("Control Panel", "Software")},
		{"two kinds", "", keys("Select", "Description", "Objects")},
		{"empty", "", keys()},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, err := hive.Open(test.hive.Build().Data)
			require.NoError(t, err)
			root, ok := regRoot(h)
			require.Equal(t, test.want, root)
			require.Equal(t, test.want != "", ok)
		})
	}
}

func TestBelowRoot(t *testing.T) {
	for _, test := range []struct {
		path, prefix, want string
		outside            bool
	}{
		{path: `HKEY_LOCAL_MACHINE\SYSTEM\Select`, prefix: `HKEY_LOCAL_MACHINE\SYSTEM`, want: "Select"},
		{path: `hklm\system\Select\A`, prefix: `HKEY_LOCAL_MACHINE\SYSTEM`, want: `Select\A`},
		{path: `HKEY_LOCAL_MACHINE\SYSTEM`, prefix: `HKLM\System`, want: ""},
		{path: `HKCU\a`, prefix: `HKEY_CURRENT_USER`, want: "a"},
		{path: `Any\place\a`, prefix: `any\PLACE`, want: "a"},
		{path: `HKLM\SYSTEM2`, prefix: `HKLM\SYSTEM`, outside: true},
		{path: `HKLM`, prefix: `HKLM\SYSTEM`, outside: true},
		{path: `HKU\SYSTEM\a`, prefix: `HKLM\SYSTEM`, outside: true},
		{path: `SYSTEM\a`, prefix: `HKLM\SYSTEM`, outside: true},
	} {
		t.Run(test.path, func(t *testing.T) {
			got, err := belowRoot(test.path, test.prefix)
			require.Equal(t, test.outside, err != nil)
			require.Equal(t, test.want, got)
		})
	}
}

func TestHiveRoot(t *testing.T) {
	for path, want := range map[string]string{
		`HKLM\SYSTEM\Select`:      `HKEY_LOCAL_MACHINE\SYSTEM`,
		`hku\S-1-5-21\Software`:   `HKEY_USERS\S-1-5-21`,
		`HKEY_CURRENT_USER\a\b`:   `HKEY_CURRENT_USER`,
		`HKEY_LOCAL_MACHINE`:      "",
		`HKEY_SOMETHING\SYSTEM\a`: "",
		`\Select`:                 "",
	} {
		t.Run(path, func(t *testing.T) {
			root, ok := hiveRoot(path)
			require.Equal(t, want, root)
			require.Equal(t, want != "", ok)
		})
	}
}
