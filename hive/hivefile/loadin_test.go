package hivefile

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// newTree makes a folder with a dirty hive and its logs in a folder in it,
// and a folder beside it with others.
func newTree(t *testing.T) (tree Tree, inside, outside string) {
	t.Helper()
	base := t.TempDir()
	inside, outside = filepath.Join(base, "inside"), filepath.Join(base, "outside")
	dirty := hivetest.DirtyWindows10()
	for path, data := range map[string][]byte{
		filepath.Join(inside, "config", "SYSTEM"):      dirty.Primary,
		filepath.Join(inside, "config", "system.log1"): dirty.Log1,
		filepath.Join(inside, "config", "SYSTEM.LOG2"): dirty.Log2,
		filepath.Join(outside, "SYSTEM"):               dirty.Primary,
		filepath.Join(outside, "SYSTEM.LOG1"):          dirty.Log1,
		filepath.Join(outside, "SYSTEM.LOG2"):          dirty.Log2,
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, data, 0o666))
	}
	root, err := os.OpenRoot(inside)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	return FolderTree(root), inside, outside
}

func requireSymlink(t *testing.T, target, path string) {
	t.Helper()
	err := os.Symlink(target, path)
	if err == nil {
		_, err = os.Readlink(path) // Wine says that it has made one and has not
	}
	if err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func TestLoadInReadsWhatLoadReads(t *testing.T) {
	tree, inside, _ := newTree(t)
	path := filepath.Join(inside, "config", "SYSTEM")
	want, err := Load(path, LoadOptions{})
	require.NoError(t, err)
	got, err := LoadIn(tree, filepath.Join("config", "SYSTEM"), LoadOptions{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(want.Hive.Bytes(), got.Hive.Bytes()))
	require.Equal(t, path, got.Path)
	require.Equal(t, want.SHA256, got.SHA256)
	require.Equal(t, want.Replayed, got.Replayed)
	require.Equal(t, want.Logs, got.Logs, "the logs have the same names")
	require.Len(t, got.Sources, 3)
	for i := range got.Sources {
		require.Equal(t, want.Sources[i].Path, got.Sources[i].Path)
		require.True(t, os.SameFile(want.Sources[i].Info, got.Sources[i].Info))
	}
}

func TestLoadInTakesTheUsersLogsFromAnywhere(t *testing.T) {
	tree, inside, outside := newTree(t)
	logs := []string{filepath.Join(outside, "SYSTEM.LOG1"), filepath.Join(outside, "SYSTEM.LOG2")}
	file, err := LoadIn(tree, filepath.Join("config", "SYSTEM"), LoadOptions{Logs: logs})
	require.NoError(t, err)
	require.Positive(t, file.Replayed)
	require.Equal(t, logs[0], file.Logs[0].Name)
	require.Equal(t, []string{filepath.Join(inside, "config", "system.log1"), filepath.Join(inside, "config", "SYSTEM.LOG2")}, file.LeftOut)
}

func TestLoadInDoesNotLeaveTheTree(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, inside, outside string){
		"hive": func(t *testing.T, in, out string) {
			requireSymlink(t, filepath.Join(out, "SYSTEM"), filepath.Join(in, "it"))
		},
		"relative link": func(t *testing.T, in, _ string) {
			requireSymlink(t, filepath.Join("..", "outside", "SYSTEM"), filepath.Join(in, "it"))
		},
		"link to a link": func(t *testing.T, in, out string) {
			requireSymlink(t, out, filepath.Join(in, "o"))
			requireSymlink(t, filepath.Join("o", "SYSTEM"), filepath.Join(in, "it"))
		},
		"loop": func(t *testing.T, in, _ string) { requireSymlink(t, "it", filepath.Join(in, "it")) },
		"absolute inside": func(t *testing.T, in, _ string) {
			requireSymlink(t, filepath.Join(in, "config", "SYSTEM"), filepath.Join(in, "it"))
		},
		"log": func(t *testing.T, in, out string) {
			data, err := os.ReadFile(filepath.Join(out, "SYSTEM"))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(in, "it"), data, 0o666))
			requireSymlink(t, filepath.Join(out, "SYSTEM.LOG1"), filepath.Join(in, "it.LOG1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree, inside, outside := newTree(t)
			prepare(t, inside, outside)
			_, err := LoadIn(tree, "it", LoadOptions{Recovery: RecoverIfPossible})
			require.Error(t, err)
		})
	}
	tree, _, _ := newTree(t)
	_, err := LoadIn(tree, filepath.Join("..", "outside", "SYSTEM"), LoadOptions{})
	require.ErrorContains(t, err, "escapes")
}

func TestLoadInFollowsLinksWithinTheTree(t *testing.T) {
	tree, inside, _ := newTree(t)
	requireSymlink(t, "config", filepath.Join(inside, "it"))
	file, err := LoadIn(tree, filepath.Join("it", "SYSTEM"), LoadOptions{})
	require.NoError(t, err)
	require.Positive(t, file.Replayed)
}

func TestFolderTreeOpensFilesAndFolders(t *testing.T) {
	tree, inside, _ := newTree(t)
	_, err := tree.OpenFile("config")
	require.ErrorIs(t, err, ErrNotRegular)
	require.EqualError(t, err, "not a regular file: "+filepath.Join(inside, "config")+" is a folder")
	_, err = tree.OpenFolder(filepath.Join("config", "SYSTEM"))
	require.Error(t, err)
	_, err = tree.OpenFile("nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = FindLogsIn(tree, filepath.Join("nowhere", "SYSTEM"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
