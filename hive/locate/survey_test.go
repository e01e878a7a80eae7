package locate

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

func TestSurveyListsEverything(t *testing.T) {
	v := openVolume(t, newVolume(t, windows10()))
	s := v.Survey()
	require.Empty(t, s.Problems)
	require.Equal(t, []Installation{{Path: "Windows"}, {Path: filepath.FromSlash("Windows.old/Windows"), Leftover: true}}, s.Installations)

	type line struct {
		kind   Kind
		origin Origin
		user   string
	}
	got := map[string]line{}
	for _, c := range s.Candidates {
		got[slashed(c.Path)] = line{c.Kind, c.Origin, c.User}
	}
	require.Equal(t, map[string]line{
		"Windows/System32/config/SYSTEM":                  {System, InUse, ""},
		"Windows/System32/config/SOFTWARE":                {Software, InUse, ""},
		"Windows/System32/config/SAM":                     {SAM, InUse, ""},
		"Windows/System32/config/SECURITY":                {Security, InUse, ""},
		"Windows/System32/config/DEFAULT":                 {Default, InUse, ""},
		"Windows/System32/config/COMPONENTS":              {Components, InUse, ""},
		"Windows/System32/config/RegBack/SYSTEM":          {System, RegBack, ""},
		"Windows/ServiceProfiles/LocalService/NTUSER.DAT": {NTUser, InUse, "LocalService"},
		"Boot/BCD":             {BCD, InUse, ""},
		"Users/Bob/NTUSER.DAT": {NTUser, InUse, "Bob"},
		"Users/Bob/AppData/Local/Microsoft/Windows/UsrClass.dat":                       {UsrClass, InUse, "Bob"},
		"Users/Default/NTUSER.DAT":                                                     {NTUser, InUse, "Default"},
		"Windows.old/Windows/System32/config/SYSTEM":                                   {System, WindowsOld, ""},
		"Windows.old/Users/Bob/NTUSER.DAT":                                             {NTUser, WindowsOld, "Bob"},
		"System Volume Information/_restore{1}/RP9/snapshot/_REGISTRY_MACHINE_SYSTEM":  {System, RestorePoint, ""},
		"System Volume Information/_restore{1}/RP10/snapshot/_REGISTRY_MACHINE_SYSTEM": {System, RestorePoint, ""},
	}, got)
}

func TestCopies(t *testing.T) {
	v := openVolume(t, newVolume(t, windows10(), files{"Windows/repair/system": systemHive(), "Windows/repair/sam": hiveNamed("SAM")}))
	var paths []string
	for _, c := range v.Copies(System) {
		paths = append(paths, slashed(c.Path))
	}
	require.Equal(t, []string{
		"Windows/repair/system",
		"Windows.old/Windows/System32/config/SYSTEM",
		"System Volume Information/_restore{1}/RP10/snapshot/_REGISTRY_MACHINE_SYSTEM",
		"System Volume Information/_restore{1}/RP9/snapshot/_REGISTRY_MACHINE_SYSTEM",
	}, paths, "the empty one in RegBack is of no use")
}

func TestSurveyTellsTheState(t *testing.T) {
	const config = "Windows/System32/config/"
	dirty := hivetest.DirtyWindows10()
	v := openVolume(t, newVolume(t, files{
		config + "SYSTEM": dirty.Primary, config + "SYSTEM.LOG1": dirty.Log1, config + "system.log2": dirty.Log2,
		config + "SOFTWARE": softwareHive(), config + "SAM": []byte("text"), config + "RegBack/SAM": {},
	}))
	states := map[string]Candidate{}
	for _, c := range v.Survey().Candidates {
		states[slashed(c.Path)] = c
	}
	system := states[config+"SYSTEM"]
	require.NoError(t, system.Err)
	require.Equal(t, int64(len(dirty.Primary)), system.Size)
	require.Contains(t, system.Dirty, "the sequence numbers differ")
	require.Equal(t, []LogFile{
		{filepath.FromSlash(config + "SYSTEM.LOG1"), int64(len(dirty.Log1))},
		{filepath.FromSlash(config + "system.log2"), int64(len(dirty.Log2))},
	}, system.Logs)

	software := states[config+"SOFTWARE"]
	require.NoError(t, software.Err)
	require.Empty(t, software.Dirty)
	require.Empty(t, software.Logs)

	require.ErrorContains(t, states[config+"SAM"].Err, "not a registry hive")
	require.ErrorContains(t, states[config+"RegBack/SAM"].Err, "since version 1803")
}

func TestSurveyOfRestorePointsTakesTheNewest(t *testing.T) {
	contents := files{}
	for i := range mostRestorePoints + 5 {
		contents["System Volume Information/_restore{1}/RP"+strconv.Itoa(i)+"/snapshot/_REGISTRY_MACHINE_SYSTEM"] = hiveNamed("SYSTEM")
	}
	s := openVolume(t, newVolume(t, contents)).Survey()
	require.Len(t, s.Candidates, mostRestorePoints)
	require.Contains(t, slashed(s.Candidates[0].Path), "/RP36/", "not RP9, which comes last by its letters")
}

func TestSurveyOfAFolderThatCannotBeRead(t *testing.T) {
	requireUnix(t)
	if os.Getuid() == 0 {
		t.Skip("root can read everything")
	}
	root := newVolume(t, windows10())
	closed := filepath.Join(root, "Users", "Bob")
	require.NoError(t, os.Chmod(closed, 0))
	defer os.Chmod(closed, 0o777)
	s := openVolume(t, root).Survey()
	require.Len(t, s.Problems, 1)
	require.ErrorIs(t, s.Problems[0], os.ErrPermission)
	require.Len(t, s.Installations, 2, "the rest is found all the same")
}
