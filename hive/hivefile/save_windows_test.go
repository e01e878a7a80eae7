package hivefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

// openAlone opens path so that nobody else can, as Windows has its own hives.
func openAlone(t *testing.T, path string) {
	t.Helper()
	name, err := windows.UTF16PtrFromString(path)
	require.NoError(t, err)
	handle, err := windows.CreateFile(name, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = windows.CloseHandle(handle) })
}

func TestReadFileInUse(t *testing.T) {
	path := filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": oldBytes}), "SYSTEM")
	openAlone(t, path)
	_, err := ReadFile(path)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, "SYSTEM")
}

// Whether the old output is open for reading or for nobody else, it stays.
func TestWriteNewInUse(t *testing.T) {
	t.Run("shared for reading", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM.new": oldBytes})
		path := filepath.Join(dir, "SYSTEM.new")
		file, err := os.Open(path)
		require.NoError(t, err)
		err = WriteNew(path, newBytes, SaveOptions{Overwrite: true})
		require.Error(t, err)
		require.NotContains(t, err.Error(), ".hivepatch-")
		require.NoError(t, file.Close())
		requireFolder(t, dir, map[string][]byte{"SYSTEM.new": oldBytes})
	})
	t.Run("not shared", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM.new": oldBytes})
		path := filepath.Join(dir, "SYSTEM.new")
		t.Run("open", func(t *testing.T) {
			openAlone(t, path)
			require.Error(t, WriteNew(path, newBytes, SaveOptions{Overwrite: true}))
		})
		requireFolder(t, dir, map[string][]byte{"SYSTEM.new": oldBytes})
	})
}

func TestWriteNewLongPath(t *testing.T) {
	dir := t.TempDir()
	for range 8 {
		dir = filepath.Join(dir, strings.Repeat("d", 60))
	}
	require.NoError(t, os.MkdirAll(`\\?\`+dir, 0o755))
	for name, folder := range map[string]string{"plain": dir, "extended": `\\?\` + dir} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, name)
			require.NoError(t, WriteNew(path, oldBytes, SaveOptions{}))
			require.ErrorIs(t, WriteNew(path, newBytes, SaveOptions{}), ErrExists)
			require.NoError(t, WriteNew(path, newBytes, SaveOptions{Overwrite: true}))
			source := read(t, path)
			require.Equal(t, newBytes, source.Data)
			err := WriteNew(filepath.Join(dir, strings.ToUpper(name)), newBytes, SaveOptions{Overwrite: true, Inputs: []*Source{source}})
			require.ErrorIs(t, err, ErrIsInput)
		})
	}
}

func TestWriteNewRefusesWindowsNames(t *testing.T) {
	dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
	for _, name := range []string{"NUL", "nul", "COM1", "CONOUT$", "NUL.txt", "SYSTEM:stream", "new:stream"} {
		for _, path := range []string{name, filepath.Join(dir, name)} {
			require.ErrorIs(t, WriteNew(path, newBytes, SaveOptions{Overwrite: true}), ErrNotRegular, "%s", path)
		}
	}
	requireFolder(t, dir, map[string][]byte{"SYSTEM": oldBytes})
}

func TestExtendedPath(t *testing.T) {
	tests := []struct{ path, want string }{
		{`C:\config\SYSTEM`, `\\?\C:\config\SYSTEM`},
		{`C:/config/../SYSTEM`, `\\?\C:\SYSTEM`},
		{`\\server\share\SYSTEM`, `\\?\UNC\server\share\SYSTEM`},
		{`\\?\C:\config\SYSTEM`, `\\?\C:\config\SYSTEM`},
		{`\\?\UNC\server\share\SYSTEM`, `\\?\UNC\server\share\SYSTEM`},
		{`\\.\C:\SYSTEM`, `\\.\C:\SYSTEM`},
	}
	for _, test := range tests {
		path, err := ExtendedPath(test.path)
		require.NoError(t, err)
		require.Equal(t, test.want, windows.UTF16PtrToString(path))
	}
}
