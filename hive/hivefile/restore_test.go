package hivefile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/internal/overwrite"
)

// restoreTime is when the tests restore, and restoreName the backup of that time.
var restoreTime = placeTime.Add(time.Hour)

const restoreName = "SYSTEM.20260131T130000Z.bak"

// Saving and restoring a hive, clean or dirty, gives back every byte; restoring
// once more undoes that.
func TestRestore(t *testing.T) {
	for name, files := range map[string]map[string][]byte{
		"clean":           {"SYSTEM": hivetest.Windows10().Build().Data, "SYSTEM.LOG1": {}},
		"clean, old logs": {"SYSTEM": hivetest.Windows10().Build().Data, "SYSTEM.LOG1": dirtyFiles("x")["x.LOG1"][:512]},
		"dirty":           dirtyFiles("SYSTEM"),
	} {
		for _, clean := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := folderOf(t, files)
				path := filepath.Join(dir, "SYSTEM")
				_, err := loadEdited(t, path, 100).SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime, CleanLogs: clean})
				require.NoError(t, err)
				saved := folderBytes(t, dir)
				dry, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime, DryRun: true})
				require.NoError(t, err)
				require.True(t, dry.Changed)
				requireFiles(t, dir, saved)

				restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
				require.NoError(t, err)
				require.True(t, restored.Changed)
				require.False(t, restored.Mended || restored.Created)
				require.Equal(t, filepath.Join(dir, placeName), restored.From)
				require.Equal(t, filepath.Join(dir, restoreName), restored.Backup)
				require.Empty(t, restored.Warnings)
				now := folderBytes(t, dir)
				for name, data := range files {
					require.True(t, bytes.Equal(data, now[name]), name)
				}
				require.True(t, bytes.Equal(saved["SYSTEM"], now[restoreName]))

				again, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime.Add(time.Hour)})
				require.NoError(t, err)
				require.Equal(t, filepath.Join(dir, restoreName), again.From)
				now = folderBytes(t, dir)
				require.True(t, bytes.Equal(saved["SYSTEM"], now["SYSTEM"]))
			})
		}
	}
}

func folderBytes(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, entry := range entries {
		files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
	}
	return files
}

// What is as it is in the backup is left alone.
func TestRestoreNothing(t *testing.T) {
	files := dirtyFiles("SYSTEM")
	for name, data := range dirtyFiles(placeName) {
		files[name] = data
	}
	dir := folderOf(t, files)
	path := filepath.Join(dir, "SYSTEM")
	before, err := os.Stat(path)
	require.NoError(t, err)
	restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
	require.NoError(t, err)
	require.False(t, restored.Changed)
	require.Equal(t, WayNone, restored.Way)
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	requireFiles(t, dir, files)

	// Its logs alone may be other ones.
	require.NoError(t, os.WriteFile(path+".LOG1", nil, 0o644))
	restored, err = Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
	require.NoError(t, err)
	require.True(t, restored.Changed)
	require.Equal(t, []string{path + ".LOG1"}, restored.LogsPut)
	now := folderBytes(t, dir)
	require.True(t, bytes.Equal(files["SYSTEM.LOG1"], now["SYSTEM.LOG1"]))
	require.Empty(t, now[restoreName+".LOG1"])
	require.Contains(t, now, restoreName+".LOG1")
}

// The logs of a hive that Windows has used after the backup are emptied, since
// their numbers go beyond that of the restored hive, and kept with its backup.
func TestRestoreOlder(t *testing.T) {
	old := hivetest.Windows10() // sequence numbers below those of the dirty one
	literal := old.Build()
	literal.SetSequences(3, 3)
	files := dirtyFiles("SYSTEM")
	files[placeName] = literal.Data
	dir := folderOf(t, files)
	path := filepath.Join(dir, "SYSTEM")
	restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
	require.NoError(t, err)
	require.Equal(t, []string{path + ".LOG1", path + ".LOG2"}, restored.LogsGone)
	requireFiles(t, dir, map[string][]byte{
		"SYSTEM": literal.Data, "SYSTEM.LOG1": nil, "SYSTEM.LOG2": nil, placeName: literal.Data,
		restoreName: files["SYSTEM"], restoreName + ".LOG1": files["SYSTEM.LOG1"], restoreName + ".LOG2": files["SYSTEM.LOG2"],
	})
}

func TestRestoreMissing(t *testing.T) {
	dir := folderOf(t, dirtyFiles(placeName))
	path := filepath.Join(dir, "SYSTEM")
	restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
	require.NoError(t, err)
	require.True(t, restored.Created && restored.Changed)
	require.Empty(t, restored.Backup)
	want := dirtyFiles(placeName)
	for name, data := range dirtyFiles("SYSTEM") {
		want[name] = data
	}
	requireFiles(t, dir, want)
}

func TestRestoreRefused(t *testing.T) {
	hiveData := hivetest.Windows10().Build()
	damaged := hiveData.Clone()
	damaged.Put32(damaged.Key("Setup").Node, hivetest.NodeParent, 0x7FFFFFF0)
	damaged.Data[4096] = 'x' // the signature of the first bin
	half := bytes.Clone(hiveData.Data)
	copy(half, overwrite.MarkedHeader(half[:overwrite.HeaderSize], 9, overwrite.Mark{Old: [32]byte{1}, Backup: "../" + placeName}))
	now := saved(t, hiveData.Data, 10)
	for name, test := range map[string]struct {
		files  map[string][]byte
		backup string
		want   error
		forced bool // Force overrides it
	}{
		"no backup":             {map[string][]byte{"SYSTEM": now}, "", ErrNoBackup, false},
		"missing":               {map[string][]byte{"SYSTEM": now}, "missing", os.ErrNotExist, false},
		"no hive":               {map[string][]byte{"SYSTEM": now, placeName: oldBytes}, "", hive.ErrNotHive, false},
		"empty":                 {map[string][]byte{"SYSTEM": now, placeName: nil}, "", hive.ErrNotHive, false},
		"damaged":               {map[string][]byte{"SYSTEM": now, placeName: damaged.Data}, "", ErrUnsound, true},
		"without its logs":      {map[string][]byte{"SYSTEM": now, placeName: dirtyFiles("x")["x"]}, "", hive.ErrDirty, true},
		"half written":          {map[string][]byte{"SYSTEM": now, placeName: half}, "", ErrHalfWritten, false},
		"half-written, a lie":   {map[string][]byte{"SYSTEM": half, placeName: now}, "", ErrNoBackup, false},
		"half-written, renamed": {map[string][]byte{"SYSTEM": half}, "", ErrNoBackup, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, test.files)
			options := RestoreOptions{Time: restoreTime}
			if test.backup != "" {
				options.Backup = filepath.Join(dir, test.backup)
			}
			_, err := Restore(t.Context(), filepath.Join(dir, "SYSTEM"), options)
			require.ErrorIs(t, err, test.want)
			requireFiles(t, dir, test.files)
			options.Force = true
			_, err = Restore(t.Context(), filepath.Join(dir, "SYSTEM"), options)
			if !test.forced {
				require.Error(t, err)
				requireFiles(t, dir, test.files)
				return
			}
			require.NoError(t, err)
			require.True(t, bytes.Equal(test.files[placeName], folderBytes(t, dir)["SYSTEM"]))
		})
	}
}

// A half-written hive is mended from the backup that it names, whatever else is
// newer; by any way; and no backup of it is made.
func TestRestoreHalfWritten(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	next := saved(t, old, 50_000)
	for _, renamed := range []bool{false, true} {
		dir := folderOf(t, map[string][]byte{"SYSTEM": old})
		path := filepath.Join(dir, "SYSTEM")
		interruptPages(t, path, next)
		require.ErrorIs(t, RequireWhole(path, folderBytes(t, dir)["SYSTEM"]), ErrHalfWritten)
		name := placeName
		if renamed {
			name = "SYSTEM.20200101T000000Z.bak"
			require.NoError(t, os.Rename(filepath.Join(dir, placeName), filepath.Join(dir, name)))
		}
		newer := saved(t, old, 9)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "SYSTEM.20300131T120000Z.bak"), newer, 0o644))

		// It can be looked at, and nothing else is done with it.
		for _, recovery := range []Recovery{Recover, IgnoreLogs} {
			_, err := Load(path, LoadOptions{Recovery: recovery, Tolerant: true})
			require.ErrorIs(t, err, ErrHalfWritten)
		}
		file, err := Load(path, LoadOptions{Recovery: RecoverIfPossible, Tolerant: true})
		require.NoError(t, err)
		require.ErrorIs(t, file.Unrecovered, ErrHalfWritten)
		file.Hive.Seal(placeTime)
		_, err = file.SaveInPlace(t.Context(), InPlaceOptions{Time: restoreTime})
		require.ErrorIs(t, err, ErrHalfWritten)

		restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
		require.NoError(t, err)
		require.True(t, restored.Mended)
		require.Empty(t, restored.Backup)
		require.Equal(t, filepath.Join(dir, name), restored.From)
		requireFiles(t, dir, map[string][]byte{"SYSTEM": old, name: old, "SYSTEM.20300131T120000Z.bak": newer})
	}
}

// interruptPages leaves the hive at path half written.
func interruptPages(t *testing.T, path string, next []byte) {
	t.Helper()
	lock, err := LockHive(t.Context(), path, 0)
	require.NoError(t, err)
	defer lock.Release()
	r := &replacement{options: InPlaceOptions{Time: placeTime}, data: next, lock: lock, placed: &Placed{}}
	_, err = r.examine()
	require.NoError(t, err)
	require.NoError(t, r.keepOld(true))
	backup, err := os.Open(r.placed.Backup)
	require.NoError(t, err)
	defer backup.Close()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer file.Close()
	w, err := r.newPageWriter(file, backup)
	require.NoError(t, err)
	for _, step := range []func() error{w.grow, w.begin, w.pages} {
		require.NoError(t, step())
	}
}
