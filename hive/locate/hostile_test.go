package locate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
)

// links are symbolic links by their paths, with what they lead to.
type links map[string]string

func newLinks(t *testing.T, root string, links links) {
	t.Helper()
	for path, target := range links {
		full := filepath.Join(root, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o777))
		requireLink(t, target, full)
	}
}

// requireLink makes a symbolic link, or skips the test. Wine says that it has
// made one and has not.
func requireLink(t *testing.T, target, path string) {
	t.Helper()
	err := os.Symlink(target, path)
	if err == nil {
		_, err = os.Readlink(path)
	}
	if err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// outside is a folder beside the volume that nothing may lead to. Its hives are
// sound: that they are not found is no accident.
func outside(t *testing.T) string {
	return newVolume(t, windows10())
}

func TestLinksOutOfTheVolumeAreNotFollowed(t *testing.T) {
	const config = "Windows/System32/config"
	other := outside(t)
	for _, c := range []struct {
		name   string
		files  files
		links  links
		query  Query
		want   error
		target string
	}{
		{"absolute link for the hive", nil, links{config + "/SYSTEM": filepath.Join(other, config, "SYSTEM")}, Query{}, ErrOutside, ""},
		{"absolute link into the volume itself", files{"SYSTEM": systemHive()}, links{config + "/SYSTEM": "/SYSTEM"}, Query{}, ErrOutside, ""},
		{"absolute link for config", nil, links{config: filepath.Join(other, config)}, Query{}, ErrOutside, ""},
		{"absolute link for Windows", nil, links{"Windows": filepath.Join(other, "Windows")}, Query{}, ErrOutside, ""},
		{"relative link above the volume", nil, links{config + "/SYSTEM": "../../../../" + filepath.Base(other) + "/" + config + "/SYSTEM"}, Query{}, ErrOutside, ""},
		{"relative link above the volume and back", files{"SYSTEM": systemHive()}, links{config + "/SYSTEM": "../../../../VOLUME/SYSTEM"}, Query{}, ErrOutside, ""},
		{"link to a link that leads out", nil, links{config + "/SYSTEM": "other", config + "/other": filepath.Join(other, config, "SYSTEM")}, Query{}, ErrOutside, ""},
		{"absolute link for a user", nil, links{"Users/Bob": filepath.Join(other, "Users", "Bob")}, Query{User: "Bob"}, ErrOutside, ""},
		{"link to itself", nil, links{config + "/SYSTEM": "SYSTEM"}, Query{}, ErrLinkLoop, ""},
		{"two links that lead to each other", nil, links{"Windows": "WINNT", "WINNT": "Windows"}, Query{}, ErrLinkLoop, ""},
		{"link that grows as it is followed", nil, links{config + "/SYSTEM": "SYSTEM/SYSTEM/SYSTEM"}, Query{}, ErrLinkLoop, ""},
		{"link to the folder that it lies in", nil, links{"Windows/System32": "."}, Query{}, nil, ""},
		{"link to nothing", nil, links{config + "/SYSTEM": "nothing"}, Query{}, fs.ErrNotExist, ""},
		{"from within the Windows folder", nil, links{"Windows/System32/config/SYSTEM": "../../../SYSTEM"}, Query{}, ErrOutside, "Windows"},
		{"from within the folder config", files{"Windows/other": systemHive(), config + "/SAM": hiveNamed("SAM")}, links{config + "/SYSTEM": "../../other"}, Query{}, ErrOutside, config},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := newVolume(t, c.files)
			links := links{}
			for path, target := range c.links {
				links[path] = strings.ReplaceAll(target, "VOLUME", filepath.Base(root))
			}
			newLinks(t, root, links)
			v := openVolume(t, filepath.Join(root, c.target))
			found, err := v.Find(c.query)
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			if found != nil {
				_, err = v.Load(found, hivefile.LoadOptions{})
				require.Error(t, err)
			}
			for _, candidate := range v.Survey().Candidates {
				require.True(t, candidate.Err != nil || candidate.Kind == SAM, candidate.Path)
			}
		})
	}
}

func TestLinksWithinTheVolumeAreFollowed(t *testing.T) {
	const config = "Windows/System32/config"
	for _, c := range []struct {
		name  string
		links links
		query Query
		want  string
	}{
		{"hive", links{config + "/SYSTEM": "../../../store/SYSTEM"}, Query{}, "store/SYSTEM"},
		{"folder", links{config: "../../store"}, Query{}, "store/SYSTEM"},
		{"link to a link", links{config: "../../a", "a": "b", "b": "./store/."}, Query{}, "store/SYSTEM"},
		{"two Windows folders that are one", links{"Windows/System32/config": "../../store", "WINNT": "Windows"}, Query{}, "store/SYSTEM"},
		{"folder of all users", links{"Documents and Settings": "people"}, Query{User: "Bob"}, "people/Bob/NTUSER.DAT"},
		{"folder of all users, twice", links{"Documents and Settings": "people", "Users": "people"}, Query{User: "Bob"}, "people/Bob/NTUSER.DAT"},
		{"folder of a user", links{"Users/Bob": "../people/Bob"}, Query{User: "Bob"}, "people/Bob/NTUSER.DAT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := newVolume(t, files{"store/SYSTEM": systemHive(), "people/Bob/NTUSER.DAT": hiveNamed("Bob")})
			newLinks(t, root, c.links)
			v := openVolume(t, root)
			found, err := v.Find(c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, slashed(found.Path), "the path leads over no link")
			_, err = v.Load(found, hivefile.LoadOptions{})
			require.NoError(t, err)
		})
	}
}

// TestLinkPutThereAfterwards: whoever changes the volume between the search and
// the reading gets nowhere either.
func TestLinkPutThereAfterwards(t *testing.T) {
	const path = "Windows/System32/config/SYSTEM"
	other := outside(t)
	for name, swap := range map[string]func(root string) error{
		"hive": func(root string) error {
			return errors.Join(os.Remove(filepath.Join(root, path)), os.Symlink(filepath.Join(other, path), filepath.Join(root, path)))
		},
		"folder": func(root string) error {
			return errors.Join(os.Rename(filepath.Join(root, "Windows"), filepath.Join(root, "old")), os.Symlink(filepath.Join(other, "Windows"), filepath.Join(root, "Windows")))
		},
		"log": func(root string) error {
			return os.Symlink(filepath.Join(other, path), filepath.Join(root, path+".LOG1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := newVolume(t, files{path: systemHive()})
			newLinks(t, root, links{"probe": "x"})
			v := openVolume(t, root)
			found, err := v.Find(Query{})
			require.NoError(t, err)
			require.NoError(t, swap(root))
			_, err = v.Load(found, hivefile.LoadOptions{})
			require.ErrorContains(t, err, "escapes")
		})
	}
}

func TestFoldersInPlaceOfHives(t *testing.T) {
	const config = "Windows/System32/config"
	root := newVolume(t, files{config + "/SYSTEM/inside": nil, config + "/SAM": hiveNamed("SAM")})
	v := openVolume(t, root)
	_, err := v.Find(Query{})
	require.ErrorIs(t, err, hivefile.ErrNotRegular)
	require.EqualError(t, err, "not a regular file: "+filepath.Join(root, config, "SYSTEM")+" is a folder")
	_, err = v.Find(Query{Kind: SAM})
	require.NoError(t, err)
}

func TestFilesInPlaceOfFolders(t *testing.T) {
	for _, path := range []string{"Windows", "Windows/System32", "Windows/System32/config", "Users", "Users/Bob", "Boot", "System Volume Information"} {
		t.Run(path, func(t *testing.T) {
			v := openVolume(t, newVolume(t, files{path: []byte("a file")}))
			for _, query := range []Query{{}, {User: "Bob"}, {User: "Bob", Kind: UsrClass}, {Kind: BCD}} {
				_, err := v.Find(query)
				require.Error(t, err)
			}
			require.Empty(t, v.Survey().Candidates)
		})
	}
}

func TestFolderWithThousandsOfNames(t *testing.T) {
	root := newVolume(t, windows10())
	config := filepath.Join(root, "Windows", "System32", "config")
	for i := range 2000 {
		file, err := os.OpenFile(filepath.Join(config, "file"+strconv.Itoa(i)), os.O_CREATE, 0o666)
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	v := openVolume(t, root)
	found, err := v.Find(Query{Kind: SAM})
	require.NoError(t, err)
	require.Equal(t, "SAM", filepath.Base(found.Path))
	require.Empty(t, v.Survey().Problems)
}

// TestWorkIsBounded: a volume whose folders have more names than the bound gives
// an error and not an endless search.
func TestWorkIsBounded(t *testing.T) {
	v := openVolume(t, newVolume(t, windows10()))
	v.tree.left = 3
	_, err := v.Find(Query{})
	require.ErrorIs(t, err, ErrTooMany)
	s := v.Survey()
	require.Len(t, s.Problems, 1, "which is told once")
	require.ErrorIs(t, s.Problems[0], ErrTooMany)
}

func TestManyInstallationsAreBounded(t *testing.T) {
	contents := files{}
	for i := range 100 {
		contents["WINDOWS."+strconv.Itoa(i)+"/System32/config/SYSTEM"] = hiveNamed("SYSTEM")
		contents["Windows.old."+strconv.Itoa(i)+"/Windows/System32/config/SYSTEM"] = hiveNamed("SYSTEM")
	}
	s := openVolume(t, newVolume(t, contents)).Survey()
	require.LessOrEqual(t, len(s.Installations), mostInstallations)
	require.NotEmpty(t, s.Problems)
}
