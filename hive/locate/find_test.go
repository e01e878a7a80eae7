package locate

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

func TestFindSystemInEveryLayout(t *testing.T) {
	for _, c := range []struct {
		name, path string // of SYSTEM
		target     string
		layout     Layout
	}{
		{"Windows 10", "Windows/System32/config/SYSTEM", "", VolumeRoot},
		{"Windows XP", "WINDOWS/system32/config/system", "", VolumeRoot},
		{"Windows NT", "WINNT/system32/config/system", "", VolumeRoot},
		{"second installation of its kind", "WINDOWS.0/system32/config/system", "", VolumeRoot},
		{"any case", "wInDoWs/SYSTEM32/CONFIG/System", "", VolumeRoot},
		{"Windows folder", "Windows/System32/config/SYSTEM", "Windows", WindowsFolder},
		{"Windows folder of any name", "NT/System32/config/SYSTEM", "NT", WindowsFolder},
		{"folder config", "Windows/System32/config/SYSTEM", "Windows/System32/config", ConfigFolder},
		{"folder of any name with hives", "backup/SYSTEM", "backup", ConfigFolder},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := newVolume(t, files{c.path: systemHive()})
			v := openVolume(t, filepath.Join(root, c.target))
			require.Equal(t, c.layout, v.Layout)
			found, err := v.Find(Query{})
			require.NoError(t, err)
			require.Equal(t, System, found.Kind)
			require.Equal(t, InUse, found.Origin)
			require.Equal(t, filepath.Join(root, c.path), v.FullPath(found.Path), "the path is spelled as on the volume")

			file, err := v.Load(found, hivefile.LoadOptions{})
			require.NoError(t, err)
			require.True(t, bytes.Equal(systemHive(), file.Hive.Bytes()))
			require.Equal(t, filepath.Join(root, c.path), file.Path)
		})
	}
}

func TestFindEveryKind(t *testing.T) {
	v := openVolume(t, newVolume(t, windows10()))
	for _, c := range []struct {
		query Query
		want  string
	}{
		{Query{}, "Windows/System32/config/SYSTEM"},
		{Query{Kind: System}, "Windows/System32/config/SYSTEM"},
		{Query{Kind: Software}, "Windows/System32/config/SOFTWARE"},
		{Query{Kind: SAM}, "Windows/System32/config/SAM"},
		{Query{Kind: Security}, "Windows/System32/config/SECURITY"},
		{Query{Kind: Default}, "Windows/System32/config/DEFAULT"},
		{Query{Kind: Components}, "Windows/System32/config/COMPONENTS"},
		{Query{Kind: BCD}, "Boot/BCD"},
		{Query{User: "Bob"}, "Users/Bob/NTUSER.DAT"},
		{Query{User: "bOB", Kind: NTUser}, "Users/Bob/NTUSER.DAT"},
		{Query{User: "bob", Kind: UsrClass}, "Users/Bob/AppData/Local/Microsoft/Windows/UsrClass.dat"},
		{Query{User: "default"}, "Users/Default/NTUSER.DAT"},
		{Query{User: "LocalService"}, "Windows/ServiceProfiles/LocalService/NTUSER.DAT"},
	} {
		t.Run(c.want, func(t *testing.T) {
			found, err := v.Find(c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, slashed(found.Path))
		})
	}
}

func TestFindUsersOfOldVersions(t *testing.T) {
	for _, c := range []struct {
		name, path string
		query      Query
	}{
		{"Windows XP", "Documents and Settings/Bob/NTUSER.DAT", Query{User: "Bob"}},
		{"classes of Windows XP", "Documents and Settings/Bob/Local Settings/Application Data/Microsoft/Windows/UsrClass.dat", Query{User: "Bob", Kind: UsrClass}},
		{"Windows NT", "WINDOWS/Profiles/Bob/ntuser.dat", Query{User: "Bob"}},
		{"the system itself", "WINDOWS/system32/config/systemprofile/NTUSER.DAT", Query{User: "systemprofile"}},
		{"name in another script", "Users/Зоя/NTUSER.DAT", Query{User: "зОЯ"}},
		{"boot partition", "EFI/Microsoft/Boot/BCD", Query{Kind: BCD}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := openVolume(t, newVolume(t, files{c.path: hiveNamed("it"), "WINDOWS/system32/config/system": systemHive()}))
			found, err := v.Find(c.query)
			require.NoError(t, err)
			require.Equal(t, c.path, slashed(found.Path))
		})
	}
}

func TestFindNeverTakesCopies(t *testing.T) {
	for name, contents := range map[string]files{
		"leftover":      {"Windows.old/Windows/System32/config/SYSTEM": systemHive()},
		"RegBack":       {"Windows/System32/config/RegBack/SYSTEM": systemHive()},
		"repair":        {"WINNT/repair/system": systemHive(), "WINNT/system32/config/software": hiveNamed("software")},
		"restore point": {"System Volume Information/_restore{1}/RP1/snapshot/_REGISTRY_MACHINE_SYSTEM": systemHive()},
	} {
		t.Run(name, func(t *testing.T) {
			root := newVolume(t, contents)
			v := openVolume(t, root)
			_, err := v.Find(Query{})
			missing := &NotFoundError{}
			require.ErrorAs(t, err, &missing)
			require.NotEmpty(t, missing.Found, "what there is instead is named")
			require.EqualError(t, err, root+": there is no hive SYSTEM")
		})
	}
}

func TestFindWhatIsNotThere(t *testing.T) {
	empty := openVolume(t, newVolume(t))
	_, err := empty.Find(Query{})
	require.EqualError(t, err, empty.Path+": there is no Windows and no hive in it")

	v := openVolume(t, newVolume(t, windows10()))
	_, err = v.Find(Query{User: "Eve"})
	missing := &NotFoundError{}
	require.ErrorAs(t, err, &missing)
	require.EqualError(t, err, v.Path+`: there is no NTUSER.DAT of a user "Eve"`)

	_, err = Open(filepath.Join(v.Path, "nowhere"))
	require.ErrorContains(t, err, "cannot open the folder")
}

func TestFindRefusesToGuess(t *testing.T) {
	const config = "/System32/config/"
	for _, c := range []struct {
		name  string
		paths []string
		query Query
		want  []string // named in the error
	}{
		{"two installations", []string{"Windows" + config + "SYSTEM", "WINNT" + config + "SYSTEM"}, Query{},
			[]string{"Windows" + config + "SYSTEM", "WINNT" + config + "SYSTEM"}},
		{"two boot configurations", []string{"Boot/BCD", "EFI/Microsoft/Boot/BCD"}, Query{Kind: BCD},
			[]string{"Boot/BCD", "EFI/Microsoft/Boot/BCD"}},
		{"two users", []string{"Users/Bob/NTUSER.DAT", "Documents and Settings/Bob/NTUSER.DAT"}, Query{User: "Bob"},
			[]string{"Users/Bob/NTUSER.DAT", "Documents and Settings/Bob/NTUSER.DAT"}},
		{"two spellings of SYSTEM", []string{"Windows" + config + "SYSTEM", "Windows" + config + "system"}, Query{},
			[]string{"Windows" + config + "SYSTEM", "Windows" + config + "system"}},
		{"two spellings of config", []string{"Windows" + config + "SYSTEM", "Windows/System32/Config/SYSTEM"}, Query{},
			[]string{"Windows/System32/config", "Windows/System32/Config"}},
		{"two spellings of Windows", []string{"Windows" + config + "SYSTEM", "WINDOWS" + config + "SYSTEM"}, Query{},
			[]string{"Windows", "WINDOWS"}},
		{"two spellings beside a sound one", []string{"Windows" + config + "SYSTEM", "WINNT" + config + "SYSTEM", "winnt" + config + "SYSTEM"}, Query{},
			[]string{"WINNT", "winnt"}},
		{"two spellings of a user", []string{"Users/Bob/NTUSER.DAT", "Users/bob/NTUSER.DAT"}, Query{User: "bob"},
			[]string{"Users/Bob/NTUSER.DAT", "Users/bob/NTUSER.DAT"}},
		{"two spellings in the folder config", []string{"SYSTEM", "system"}, Query{}, []string{"SYSTEM", "system"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			contents := files{}
			for _, path := range c.paths {
				contents[path] = systemHive()
			}
			root := t.TempDir()
			requireTwoSpellings(t, root)
			v := openVolume(t, newVolume(t, contents))
			_, err := v.Find(c.query)
			ambiguous := &AmbiguousError{}
			require.ErrorAs(t, err, &ambiguous)
			var want []string
			for _, path := range c.want {
				want = append(want, filepath.Join(v.Path, path))
			}
			require.ElementsMatch(t, want, ambiguous.Paths)
			for _, path := range want {
				require.ErrorContains(t, err, path)
			}
		})
	}
}

func TestFindDoesNotPassOverWhatIsNoHive(t *testing.T) {
	const path = "Windows/System32/config/SYSTEM"
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "it is empty", nil},
		{"text", "not a registry hive", bytes.Repeat([]byte("text "), 2000)},
		{"log", "not a registry hive", hivetest.DirtyWindows10().Log1},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := openVolume(t, newVolume(t, files{path: c.data}))
			found, err := v.Find(Query{})
			require.ErrorContains(t, err, c.want)
			_, err = v.Load(found, hivefile.LoadOptions{})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestParseKind(t *testing.T) {
	for text, want := range map[string]Kind{
		"SYSTEM": System, "system": System, "Software": Software, "sam": SAM, "bcd": BCD, "COMPONENTS": Components,
		"ntuser": NTUser, "NTUSER.DAT": NTUser, "UsrClass": UsrClass, "USRCLASS.DAT": UsrClass,
	} {
		kind, ok := ParseKind(text)
		require.True(t, ok, text)
		require.Equal(t, want, kind)
	}
	for _, text := range []string{"", "SYSTEM.LOG1", "SYSTEM ", "HKLM", "ntuser.da"} {
		_, ok := ParseKind(text)
		require.False(t, ok, text)
	}
}
