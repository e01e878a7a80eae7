package locate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

func TestWindowsVersions(t *testing.T) {
	for _, c := range []struct {
		want   string
		values []hivetest.Value
	}{
		{"Windows NT 4.0 Service Pack 6 (4.0.1381)", []hivetest.Value{text("CurrentVersion", "4.0"), text("CurrentBuildNumber", "1381"), text("CSDVersion", "Service Pack 6")}},
		{"Microsoft Windows XP Service Pack 3 (5.1.2600)", []hivetest.Value{text("ProductName", "Microsoft Windows XP"), text("CurrentVersion", "5.1"), text("CurrentBuildNumber", "2600"), text("CSDVersion", "Service Pack 3")}},
		{"Windows 7 Professional (6.1.7601)", []hivetest.Value{text("ProductName", "Windows 7 Professional"), text("CurrentVersion", "6.1"), text("CurrentBuild", "7601")}},
		{"Windows 10 Pro 22H2 (10.0.19045.3803)", []hivetest.Value{
			text("ProductName", "Windows 10 Pro"), text("CurrentVersion", "6.3"), dword("CurrentMajorVersionNumber", 10), dword("CurrentMinorVersionNumber", 0),
			text("CurrentBuildNumber", "19045"), text("DisplayVersion", "22H2"), text("ReleaseId", "2009"), dword("UBR", 3803),
		}},
		{"Windows 11 Pro 23H2 (10.0.22631)", []hivetest.Value{
			text("ProductName", "Windows 10 Pro"), dword("CurrentMajorVersionNumber", 10), text("CurrentBuildNumber", "22631"), text("DisplayVersion", "23H2"),
		}},
		{"Windows 10 Pro (21999)", []hivetest.Value{text("ProductName", "Windows 10 Pro"), text("CurrentBuildNumber", "21999")}},
		{"Windows 11 Pro (22000)", []hivetest.Value{text("ProductName", "Windows 10 Pro"), text("CurrentBuildNumber", "22000")}},
		{"Windows Server 2022 Datacenter (20348)", []hivetest.Value{text("ProductName", "Windows Server 2022 Datacenter"), text("CurrentBuildNumber", "20348")}},
		{"", nil},
		{"", []hivetest.Value{dword("ProductName", 7), {Name: "CurrentBuildNumber", Type: hivetest.TypeBinary, Data: []byte{1}}}},
		{strings.Repeat("x", longestText/2), []hivetest.Value{text("ProductName", strings.Repeat("x", 10_000))}},
	} {
		t.Run(c.want, func(t *testing.T) {
			h, err := hive.Open(softwareHive(c.values...))
			require.NoError(t, err)
			f := &Facts{}
			f.AddSoftware(h)
			require.Equal(t, c.want, f.Windows())
			require.Empty(t, f.WinPE)
		})
	}
}

func TestFactsOfAnInstallation(t *testing.T) {
	const config = "Windows/System32/config/"
	v := openVolume(t, newVolume(t, files{
		config + "SYSTEM":   hivetest.NT4().Build().Data,
		config + "SOFTWARE": softwareHive(text("CurrentVersion", "4.0")),
	}))
	f := v.Facts(Installation{Path: "Windows"})
	require.Equal(t, &Facts{
		Product: "Windows NT 4.0", Version: "4.0", Role: "LanmanNT", ComputerName: "SAMPLE",
		ControlSets: []ControlSet{{"ControlSet001", []string{"current", "default"}}, {"ControlSet002", []string{"lastknowngood"}}},
	}, f)
}

func TestFactsReadThroughTheLogs(t *testing.T) {
	const config = "Windows/System32/config/"
	dirty := hivetest.DirtyWindows10()
	v := openVolume(t, newVolume(t, files{config + "SYSTEM": dirty.Primary, config + "SYSTEM.LOG1": dirty.Log1, config + "SYSTEM.LOG2": dirty.Log2}))
	f := v.Facts(Installation{Path: "Windows"})
	require.Empty(t, f.Problems)
	require.NotEmpty(t, f.ControlSets)
}

func TestFactsOfWindowsPE(t *testing.T) {
	system := hivetest.Windows10()
	control := system.Key(`ControlSet001\Control`)
	control.Subkeys = append(control.Subkeys, hivetest.Key{Name: "MiniNT"})
	for name, contents := range map[string]files{
		"MiniNT":    {"Windows/System32/config/SYSTEM": system.Build().Data},
		"key WinPE": {"Windows/System32/config/SOFTWARE": softwareWith([]hivetest.Key{{Name: "WinPE"}})},
		"edition":   {"Windows/System32/config/SOFTWARE": softwareHive(text("EditionID", "WindowsPE"))},
	} {
		t.Run(name, func(t *testing.T) {
			f := openVolume(t, newVolume(t, contents)).Facts(Installation{Path: "Windows"})
			require.NotEmpty(t, f.WinPE)
		})
	}
}

// TestFactsOfDamagedHives: whatever is wrong with a hive, the rest is told.
func TestFactsOfDamagedHives(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			h, err := hive.Open(mutation.Build().Data, hive.Tolerant(), hive.IgnoreDirty())
			if err != nil {
				return
			}
			f := &Facts{}
			f.AddSystem(h)
			f.AddSoftware(h)
			require.LessOrEqual(t, len(f.ControlSets), mostRead)
		})
	}
}

func TestFactsSayWhatCannotBeRead(t *testing.T) {
	const config = "Windows/System32/config/"
	v := openVolume(t, newVolume(t, files{config + "SYSTEM": systemHive(), config + "SOFTWARE": []byte("text")}))
	f := v.Facts(Installation{Path: "Windows"})
	require.Len(t, f.Problems, 1)
	require.Contains(t, f.Problems[0], "SOFTWARE")
	require.NotEmpty(t, f.ControlSets)

	large := filepath.Join(v.Path, config, "SOFTWARE")
	require.NoError(t, os.WriteFile(large, softwareHive(), 0o666))
	require.NoError(t, os.Truncate(large, largestHive+1))
	f = v.Facts(Installation{Path: "Windows"})
	require.Len(t, f.Problems, 1)
	require.Contains(t, f.Problems[0], "more than are read")
}

func TestFactsOfRealHives(t *testing.T) {
	corpus := os.Getenv("HIVEPATCH_CORPUS")
	if corpus == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	for _, c := range []struct {
		folder string
		sets   []string
		bits   int
		role   string
	}{
		{"system/nt4", []string{"ControlSet001", "ControlSet002"}, 32, "LanmanNT"},
		{"system/xp-sp3", []string{"ControlSet001", "ControlSet003"}, 32, "WinNT"},
		{"system/win7-x86", []string{"ControlSet001", "ControlSet002"}, 32, "WinNT"},
		{"system/win81-dirty-logs-lost", []string{"ControlSet001"}, 64, "WinNT"},
		{"system/win10-1709-dirty", []string{"ControlSet001"}, 64, "WinNT"},
	} {
		t.Run(c.folder, func(t *testing.T) {
			v := openVolume(t, filepath.Join(corpus, c.folder))
			require.Equal(t, ConfigFolder, v.Layout)
			f := v.Facts(Installation{Path: "."})
			require.Empty(t, f.Problems)
			require.NotEmpty(t, f.ComputerName)
			require.Equal(t, c.bits, f.Bits)
			require.Equal(t, c.role, f.Role)
			var sets []string
			for _, set := range f.ControlSets {
				sets = append(sets, set.Name)
			}
			require.Equal(t, c.sets, sets)
			require.Empty(t, f.WinPE)
		})
	}
}
