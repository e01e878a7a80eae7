package locate

import (
	"bytes"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
)

// mapTree is a tree that lies in no folder of the machine.
type mapTree struct{ files fstest.MapFS }

func newMapTree(volumes ...files) mapTree {
	t := mapTree{fstest.MapFS{}}
	for _, contents := range volumes {
		for path, data := range contents {
			t.files[path] = &fstest.MapFile{Data: data}
		}
	}
	return t
}

func (t mapTree) Name() string { return "disk.img" }

func (t mapTree) Lstat(name string) (fs.FileInfo, error) { return t.files.Stat(slashed(name)) }

func (t mapTree) Readlink(name string) (string, error) {
	return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
}

func (t mapTree) OpenFile(name string) (hivefile.TreeFile, error) {
	info, err := t.Lstat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, hivefile.ErrNotRegular
	}
	return mapFile{bytes.NewReader(t.files[slashed(name)].Data), info}, nil
}

func (t mapTree) OpenFolder(name string) (hivefile.TreeFolder, error) {
	entries, err := t.files.ReadDir(slashed(name))
	if err != nil {
		return nil, err
	}
	folder := &mapFolder{name: filepath.Join(t.Name(), name)}
	for _, entry := range entries {
		folder.names = append(folder.names, entry.Name())
	}
	return folder, nil
}

type mapFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f mapFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f mapFile) Close() error               { return nil }

type mapFolder struct {
	name  string
	names []string
}

func (f *mapFolder) Name() string { return f.name }
func (f *mapFolder) Close() error { return nil }
func (f *mapFolder) Readdirnames(n int) ([]string, error) {
	if len(f.names) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.names))
	names := f.names[:n]
	f.names = f.names[n:]
	return names, nil
}

// TestNewFindsWhatOpenFinds: a tree that is none of the machine's gives the same
// as the same files in a folder.
func TestNewFindsWhatOpenFinds(t *testing.T) {
	want := openVolume(t, newVolume(t, windows10()))
	got := New(newMapTree(windows10()))
	require.Equal(t, "disk.img", got.Path)
	require.Equal(t, want.Layout, got.Layout)
	paths := func(s *Survey) (paths []string) {
		for _, c := range s.Candidates {
			paths = append(paths, c.Path)
		}
		slices.Sort(paths)
		return paths
	}
	require.Equal(t, paths(want.Survey()), paths(got.Survey()))
	require.Empty(t, got.Survey().Problems)

	candidate, err := got.Find(Query{})
	require.NoError(t, err)
	require.Len(t, candidate.Logs, 2)
	file, err := got.Load(candidate, hivefile.LoadOptions{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(systemHive(), file.Hive.Bytes()))
	require.Equal(t, filepath.Join("disk.img", "Windows", "System32", "config", "SYSTEM"), file.Path)
	require.Equal(t, want.Facts(Installation{Path: "Windows"}), got.Facts(Installation{Path: "Windows"}))
	require.NoError(t, got.Close())
}

// TestNewLooksAtNothingElse: whether Windows is hibernated is told by the tree
// alone, whatever lies around a folder of the name that it has.
func TestNewLooksAtNothingElse(t *testing.T) {
	t.Chdir(newVolume(t, files{"hiberfil.sys": hibernated("hibr"), "disk.img/System32/config/SYSTEM": systemHive()}))
	for _, prefix := range []string{"Windows/System32/config/", "System32/config/", ""} {
		v := New(newMapTree(files{prefix + "SYSTEM": systemHive()}))
		require.NoError(t, v.CheckHibernation(), prefix)
		err := New(newMapTree(files{prefix + "SYSTEM": systemHive(), "hiberfil.sys": hibernated("hibr")})).CheckHibernation()
		require.ErrorAs(t, err, new(*HibernationError), prefix)
		require.True(t, strings.HasPrefix(err.Error(), filepath.Join("disk.img", "hiberfil.sys")), err)
	}
}
