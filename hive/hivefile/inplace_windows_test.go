package hivefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"hivepatch/hive/hivetest"
)

// Attributes of Windows stay, a read-only hive stays read-only.
func TestPlaceAttributes(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for name, want := range map[string]uint32{
		"none":      0,
		"hidden":    windows.FILE_ATTRIBUTE_HIDDEN | windows.FILE_ATTRIBUTE_SYSTEM,
		"read-only": windows.FILE_ATTRIBUTE_READONLY,
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			file := loadEdited(t, path, 100)
			require.NoError(t, setAttributes(path, want))
			before, err := attributesOf(path)
			require.NoError(t, err)
			require.Equal(t, want, before&want)
			placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
			require.NoError(t, err)
			require.Empty(t, placed.Warnings)
			for _, path := range []string{path, placed.Backup} {
				after, err := attributesOf(path)
				require.NoError(t, err)
				require.Equal(t, before, after, path)
			}
			requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old})
			for _, path := range []string{path, placed.Backup} {
				require.NoError(t, setAttributes(path, 0)) // else it cannot be removed
			}
		})
	}
}

// A hive that Windows has loaded is in use, whenever that turns out.
func TestPlaceInUse(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	t.Run("from the beginning", func(t *testing.T) {
		path := filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": old}), "SYSTEM")
		openAlone(t, path)
		_, err := LockHive(t.Context(), path, 0)
		require.ErrorIs(t, err, ErrInUse)
		_, err = Restore(t.Context(), path, RestoreOptions{})
		require.ErrorIs(t, err, ErrInUse)
	})
	t.Run("after it was loaded", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": old})
		path := filepath.Join(dir, "SYSTEM")
		file := loadEdited(t, path, 100)
		t.Run("open", func(t *testing.T) {
			openAlone(t, path)
			_, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
			require.ErrorIs(t, err, ErrInUse)
		})
		requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
	})
	t.Run("when it is replaced", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": old})
		path := filepath.Join(dir, "SYSTEM")
		r := loadEdited(t, path, 100).replacement(InPlaceOptions{Time: placeTime})
		var reader *os.File // shares reading and writing, but not that it is renamed
		r.before = func() (err error) { reader, err = os.Open(path); return err }
		_, err := r.run(t.Context(), path)
		require.ErrorIs(t, err, ErrInUse)
		require.NoError(t, reader.Close())
		requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
	})
}

func TestPlaceLongPath(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	dir := t.TempDir()
	for range 8 {
		dir = filepath.Join(dir, strings.Repeat("d", 60))
	}
	require.NoError(t, os.MkdirAll(`\\?\`+dir, 0o755))
	for name, folder := range map[string]string{"plain": dir, "extended": `\\?\` + dir} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, old, 0o644))
		file := loadEdited(t, path, 100)
		placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
		require.NoError(t, err)
		require.Equal(t, old, read(t, placed.Backup).Data)
		require.Equal(t, file.Hive.Bytes(), read(t, path).Data)
	}
}

// Of the errors of ReplaceFileW, all leave the old hive where it was.
func TestReplaceFileErrors(t *testing.T) {
	t.Run("nothing to replace it with", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
		err := replaceFile(filepath.Join(dir, "SYSTEM"), filepath.Join(dir, "missing"), filepath.Join(dir, "backup"))
		require.ErrorIs(t, err, os.ErrNotExist)
		requireFiles(t, dir, map[string][]byte{"SYSTEM": oldBytes})
	})
	t.Run("the new file is in use", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes, "new": newBytes})
		t.Run("open", func(t *testing.T) {
			openAlone(t, filepath.Join(dir, "new"))
			require.Error(t, replaceFile(filepath.Join(dir, "SYSTEM"), filepath.Join(dir, "new"), filepath.Join(dir, "backup")))
		})
		requireFiles(t, dir, map[string][]byte{"SYSTEM": oldBytes, "new": newBytes})
	})
}

// The three errors of ReplaceFileW that no other call has, each with what it
// leaves: with the first two the old file where it was, with the third only its
// name as a backup.
func TestReplaceFileHalfWay(t *testing.T) {
	files := func(t *testing.T) (dir, path, backup string) {
		dir = folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
		return dir, filepath.Join(dir, "SYSTEM"), filepath.Join(dir, "backup")
	}
	for _, busy := range []error{windows.ERROR_UNABLE_TO_REMOVE_REPLACED, windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT} {
		t.Run(fmt.Sprintf("%d, and then none", busy), func(t *testing.T) {
			_, path, backup := files(t)
			calls := 0
			require.NoError(t, replaceBy(func() error {
				if calls++; calls < 4 {
					return busy
				}
				return nil
			}, path, backup))
			require.Equal(t, 4, calls)
		})
		t.Run(fmt.Sprintf("%d for good", busy), func(t *testing.T) {
			dir, path, backup := files(t)
			err := replaceBy(func() error { return busy }, path, backup)
			require.ErrorIs(t, err, busy)
			require.NotErrorIs(t, err, ErrHalfWritten)
			requireFiles(t, dir, map[string][]byte{"SYSTEM": oldBytes})
		})
	}
	halfWay := func(path, backup string) error {
		return errors.Join(os.Rename(path, backup), windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT_2)
	}
	t.Run("1177: the old file gets its name back", func(t *testing.T) {
		dir, path, backup := files(t)
		err := replaceBy(func() error { return halfWay(path, backup) }, path, backup)
		require.ErrorIs(t, err, windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT_2)
		require.NotErrorIs(t, err, ErrHalfWritten)
		requireFiles(t, dir, map[string][]byte{"SYSTEM": oldBytes})
	})
	t.Run("1177, and the name is taken", func(t *testing.T) {
		dir, path, backup := files(t)
		err := replaceBy(func() error {
			return errors.Join(halfWay(path, backup), os.WriteFile(path, newBytes, 0o666))
		}, path, backup)
		half, ok := errors.AsType[*HalfWrittenError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, backup, half.Backup)
		requireFiles(t, dir, map[string][]byte{"SYSTEM": newBytes, "backup": oldBytes})
	})
}

// ReplaceFileW takes two steps. Whoever dies between them leaves the old hive
// under the name that it gets by the first, where Restore finds it, also when it
// was not to be kept.
func TestPlaceKilledBetween(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for name, options := range map[string]InPlaceOptions{
		"backup":    {Time: placeTime},
		"elsewhere": {Time: placeTime, Backup: filepath.Join(t.TempDir(), "backup")},
		"none":      {Time: placeTime, NoBackup: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			r := loadEdited(t, path, 100).replacement(options)
			died := errors.New("killed")
			r.way = func(r *replacement) error {
				between, err := r.reserve(&output{path: path, folder: dir, name: "SYSTEM", replace: true})
				require.NoError(t, err)
				require.NoError(t, os.Rename(path, between))
				return died
			}
			_, err := r.run(t.Context(), path)
			require.ErrorIs(t, err, died)
			require.NoFileExists(t, path)
			restored, err := Restore(t.Context(), path, RestoreOptions{})
			require.NoError(t, err)
			require.True(t, restored.Created)
			require.Equal(t, old, read(t, path).Data)
		})
	}
}

// A hive that is not there for a moment, because another program is replacing
// it, is waited for; one that does not come back is told as missing.
func TestLockHiveComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "SYSTEM")
	require.NoError(t, os.WriteFile(path+".away", []byte("regf"), 0o666))
	_, err := LockHive(t.Context(), path, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	back := make(chan error, 1)
	time.AfterFunc(comeBack/5, func() { back <- os.Rename(path+".away", path) })
	lock, err := LockHive(t.Context(), path, 0)
	require.NoError(t, err)
	require.NoError(t, <-back)
	lock.Release()
}
