package locate

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// files are the files of a volume by their paths, with slashes.
type files map[string][]byte

// newVolume makes a volume in a temporary folder.
func newVolume(t *testing.T, volumes ...files) string {
	t.Helper()
	root := t.TempDir()
	for _, contents := range volumes {
		for _, path := range slices.Sorted(maps.Keys(contents)) {
			full := filepath.Join(root, filepath.FromSlash(path))
			require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o777))
			require.NoError(t, os.WriteFile(full, contents[path], 0o666))
		}
	}
	return root
}

func openVolume(t *testing.T, path string) *Volume {
	t.Helper()
	v, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

// systemHive is built once for all tests, none of which may change it.
var systemHive = sync.OnceValue(func() []byte { return hivetest.Windows10().Build().Data })

// hiveNamed is a small hive that knows its own name.
func hiveNamed(name string) []byte {
	return hivetest.Hive{Minor: 5, Sequence1: 1, Sequence2: 1, FileName: name, Root: hivetest.Key{Name: name}}.Build().Data
}

func text(name, value string) hivetest.Value {
	return hivetest.Value{Name: name, Type: hivetest.TypeSZ, Data: hivetest.SZ(value)}
}

func dword(name string, n uint32) hivetest.Value {
	return hivetest.Value{Name: name, Type: hivetest.TypeDWORD, Data: hivetest.DWORD(n)}
}

// softwareHive is a SOFTWARE with these values where Windows describes itself.
func softwareHive(values ...hivetest.Value) []byte { return softwareWith(nil, values...) }

func softwareWith(below []hivetest.Key, values ...hivetest.Value) []byte {
	return hivetest.Hive{Minor: 5, Sequence1: 7, Sequence2: 7, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "Microsoft", Subkeys: []hivetest.Key{
			{Name: "Windows NT", Subkeys: []hivetest.Key{{Name: "CurrentVersion", Values: values, Subkeys: below}}},
		}},
	}}}.Build().Data
}

// windows10 is a volume with one Windows and all that may lie around it.
func windows10() files {
	const config = "Windows/System32/config/"
	return files{
		config + "SYSTEM":         systemHive(),
		config + "SOFTWARE":       softwareHive(text("ProductName", "Windows 10 Pro")),
		config + "SAM":            hiveNamed("SAM"),
		config + "SECURITY":       hiveNamed("SECURITY"),
		config + "DEFAULT":        hiveNamed("DEFAULT"),
		config + "COMPONENTS":     hiveNamed("COMPONENTS"),
		config + "SYSTEM.LOG1":    {},
		config + "SYSTEM.LOG2":    {},
		config + "RegBack/SYSTEM": {},
		"Windows/ServiceProfiles/LocalService/NTUSER.DAT": hiveNamed("LocalService"),
		"Boot/BCD":             hiveNamed("BCD"),
		"Users/Bob/NTUSER.DAT": hiveNamed("Bob"),
		"Users/Bob/AppData/Local/Microsoft/Windows/UsrClass.dat":                       hiveNamed("Bob's classes"),
		"Users/Default/NTUSER.DAT":                                                     hiveNamed("Default"),
		"Users/desktop.ini":                                                            []byte("[.ShellClassInfo]"),
		"Windows.old/Windows/System32/config/SYSTEM":                                   hivetest.Windows7().Build().Data,
		"Windows.old/Users/Bob/NTUSER.DAT":                                             hiveNamed("old Bob"),
		"System Volume Information/_restore{1}/RP9/snapshot/_REGISTRY_MACHINE_SYSTEM":  hivetest.NT4().Build().Data,
		"System Volume Information/_restore{1}/RP10/snapshot/_REGISTRY_MACHINE_SYSTEM": hivetest.NT4().Build().Data,
	}
}

func requireUnix(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such files")
	}
}

// requireTwoSpellings skips the test where names that differ in case alone are
// the same.
func requireTwoSpellings(t *testing.T, folder string) {
	t.Helper()
	probe := filepath.Join(folder, "probe")
	require.NoError(t, os.WriteFile(probe, nil, 0o666))
	defer os.Remove(probe)
	if _, err := os.Lstat(filepath.Join(folder, "PROBE")); err == nil {
		t.Skip("this file system does not tell names apart by case")
	}
}

func slashed(path string) string { return filepath.ToSlash(path) }
