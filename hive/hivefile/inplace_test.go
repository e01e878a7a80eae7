package hivefile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/internal/overwrite"
	"hivepatch/hive/txlog"
)

// placeTime is when the tests save.
var placeTime = time.Date(2026, 1, 31, 12, 0, 0, 999, time.UTC)

// placeName is the name of the backup of SYSTEM at that time.
const placeName = "SYSTEM.20260131T120000Z.bak"

// loadEdited loads the hive at path and puts a value of size bytes into it.
func loadEdited(t testing.TB, path string, size int) *File {
	t.Helper()
	file, err := Load(path, LoadOptions{})
	require.NoError(t, err)
	edit(t, file, size)
	return file
}

func edit(t testing.TB, file *File, size int) {
	t.Helper()
	root, err := file.Hive.Root()
	require.NoError(t, err)
	_, err = root.SetValue("placed", hive.Binary, bytes.Repeat([]byte{0xA5}, size), placeTime)
	require.NoError(t, err)
	file.Hive.Seal(placeTime)
}

// saved is the hive after loadEdited.
func saved(t testing.TB, data []byte, size int) []byte {
	t.Helper()
	file, err := LoadStream(bytes.NewReader(data), LoadOptions{})
	require.NoError(t, err)
	edit(t, file, size)
	return file.Hive.Bytes()
}

// writeDirty writes a hive that needs its logs, and returns what lies there.
func dirtyFiles(name string) map[string][]byte {
	dirty := hivetest.DirtyWindows10()
	return map[string][]byte{name: dirty.Primary, name + ".LOG1": dirty.Log1, name + ".LOG2": dirty.Log2}
}

// requireFiles is requireFolder that prints no contents.
func requireFiles(t testing.TB, dir string, want map[string][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want[entry.Name()], data), "%s is not what it should be", entry.Name())
	}
	require.Len(t, names, len(want), "%s", names)
}

// byPages has every save use the second way.
func byPages(r *replacement) error { return r.placePages("asked for by the test") }

// saveBy saves in the way given, nil for the best.
func saveBy(file *File, options InPlaceOptions, way func(r *replacement) error) (*Placed, error) {
	r := file.replacement(options)
	r.way = way
	return r.run(context.Background(), file.Path)
}

var placings = map[string]func(r *replacement) error{"best": nil, "pages": byPages}

func TestSaveInPlace(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		for name, size := range map[string]int{"same size": 100, "longer": 100_000} {
			t.Run(way+" "+name, func(t *testing.T) {
				dir := folderOf(t, map[string][]byte{"SYSTEM": old, "SYSTEM.LOG1": {}})
				path := filepath.Join(dir, "SYSTEM")
				file := loadEdited(t, path, size)
				placed, err := saveBy(file, InPlaceOptions{Time: placeTime}, by)
				require.NoError(t, err)
				want := Placed{Path: path, Way: WayReplace, Backup: filepath.Join(dir, placeName)}
				if by != nil {
					want.Way, want.WhyPages = WayPages, "asked for by the test"
				}
				require.Equal(t, want, *placed)
				requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old, "SYSTEM.LOG1": {}})
				again := loadEdited(t, path, 7)
				placed, err = saveBy(again, InPlaceOptions{Time: placeTime}, by)
				require.NoError(t, err)
				second := strings.Replace(placeName, "Z.", "Z-2.", 1)
				require.Equal(t, filepath.Join(dir, second), placed.Backup)
				requireFiles(t, dir, map[string][]byte{"SYSTEM": again.Hive.Bytes(), placeName: old, second: file.Hive.Bytes(), "SYSTEM.LOG1": {}})
			})
		}
	}
}

// A hive that becomes shorter keeps nothing of its end.
func TestSaveInPlaceShorter(t *testing.T) {
	long := saved(t, hivetest.Windows10().Build().Data, 300_000)
	for way, by := range placings {
		t.Run(way, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": long})
			file, err := Load(filepath.Join(dir, "SYSTEM"), LoadOptions{})
			require.NoError(t, err)
			root, err := file.Hive.Root()
			require.NoError(t, err)
			value, err := root.Value("placed")
			require.NoError(t, err)
			require.NoError(t, value.Delete(placeTime))
			file.Hive.Seal(placeTime)
			require.Less(t, len(file.Hive.Bytes()), len(long))
			_, err = saveBy(file, InPlaceOptions{Time: placeTime}, by)
			require.NoError(t, err)
			requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: long})
		})
	}
}

// Nothing to change means nothing touched.
func TestSaveInPlaceUnchanged(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		t.Run(way, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			before, err := os.Stat(path)
			require.NoError(t, err)
			file, err := Load(path, LoadOptions{})
			require.NoError(t, err)
			placed, err := saveBy(file, InPlaceOptions{Time: placeTime, Backup: filepath.Join(dir, "backup")}, by)
			require.NoError(t, err)
			require.Equal(t, Placed{Path: path, Way: WayNone}, *placed)
			after, err := os.Stat(path)
			require.NoError(t, err)
			require.True(t, os.SameFile(before, after))
			require.Equal(t, before.ModTime(), after.ModTime())
			requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
		})
	}
}

func TestSaveInPlaceBackup(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		t.Run(way+" named", func(t *testing.T) {
			dir, other := folderOf(t, map[string][]byte{"SYSTEM": old}), t.TempDir()
			path := filepath.Join(dir, "SYSTEM")
			for _, backup := range []string{filepath.Join(dir, "before"), filepath.Join(other, "before")} {
				require.NoError(t, os.WriteFile(path, old, 0o644))
				file := loadEdited(t, path, 100)
				placed, err := saveBy(file, InPlaceOptions{Time: placeTime, Backup: backup}, by)
				require.NoError(t, err)
				require.Equal(t, backup, placed.Backup)
				kept, err := os.ReadFile(backup)
				require.NoError(t, err)
				require.True(t, bytes.Equal(old, kept))
			}
			requireFiles(t, dir, map[string][]byte{"SYSTEM": saved(t, old, 100), "before": old})
			requireFiles(t, other, map[string][]byte{"before": old})
		})
		t.Run(way+" is there", func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old, "before": oldBytes})
			path := filepath.Join(dir, "SYSTEM")
			for _, backup := range []string{filepath.Join(dir, "before"), path} {
				_, err := saveBy(loadEdited(t, path, 100), InPlaceOptions{Time: placeTime, Backup: backup}, by)
				require.ErrorIs(t, err, ErrExists)
			}
			requireFiles(t, dir, map[string][]byte{"SYSTEM": old, "before": oldBytes})
		})
		t.Run(way+" cannot be made", func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			_, err := saveBy(loadEdited(t, filepath.Join(dir, "SYSTEM"), 100), InPlaceOptions{Backup: filepath.Join(dir, "missing", "before")}, by)
			require.ErrorIs(t, err, os.ErrNotExist)
			requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
		})
		t.Run(way+" none", func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			file := loadEdited(t, filepath.Join(dir, "SYSTEM"), 100)
			placed, err := saveBy(file, InPlaceOptions{Time: placeTime, NoBackup: true}, by)
			require.NoError(t, err)
			require.Empty(t, placed.Backup)
			require.Empty(t, placed.Warnings)
			requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes()})
		})
	}
}

// The logs of a dirty hive are kept with it, under names by which they are
// found; emptying those beside the hive comes last.
func TestSaveInPlaceDirty(t *testing.T) {
	for way, by := range placings {
		for _, clean := range []bool{false, true} {
			t.Run(way, func(t *testing.T) {
				files := dirtyFiles("SYSTEM")
				dir := folderOf(t, files)
				path := filepath.Join(dir, "SYSTEM")
				file := loadEdited(t, path, 100)
				placed, err := saveBy(file, InPlaceOptions{Time: placeTime, CleanLogs: clean}, by)
				require.NoError(t, err)
				require.Equal(t, []string{filepath.Join(dir, placeName+".LOG1"), filepath.Join(dir, placeName+".LOG2")}, placed.KeptLogs)
				want := map[string][]byte{
					"SYSTEM": file.Hive.Bytes(), "SYSTEM.LOG1": files["SYSTEM.LOG1"], "SYSTEM.LOG2": files["SYSTEM.LOG2"],
					placeName: files["SYSTEM"], placeName + ".LOG1": files["SYSTEM.LOG1"], placeName + ".LOG2": files["SYSTEM.LOG2"],
				}
				if clean {
					want["SYSTEM.LOG1"], want["SYSTEM.LOG2"] = nil, nil
					require.Equal(t, []string{path + ".LOG1", path + ".LOG2"}, placed.CleanedLogs)
				}
				requireFiles(t, dir, want)
				// The backup opens as the hive did.
				backup, err := Load(placed.Backup, LoadOptions{})
				require.NoError(t, err)
				require.Equal(t, file.Replayed, backup.Replayed)
				// The logs are no use to the new hive, nor to one that is being written.
				again, err := Load(path, LoadOptions{})
				require.NoError(t, err)
				require.Empty(t, again.Dirty)
			})
		}
	}
}

func TestSaveInPlaceModified(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	other := saved(t, old, 50)
	for way, by := range placings {
		for name, change := range map[string]func(path string) error{
			"written to": func(path string) error { return os.WriteFile(path, other, 0o644) },
			"replaced": func(path string) error {
				if err := os.Rename(path, path+".old"); err != nil {
					return err
				}
				return os.WriteFile(path, other, 0o644)
			},
		} {
			t.Run(way+" "+name, func(t *testing.T) {
				dir := folderOf(t, map[string][]byte{"SYSTEM": old})
				path := filepath.Join(dir, "SYSTEM")
				file := loadEdited(t, path, 100)
				require.NoError(t, change(path))
				_, err := saveBy(file, InPlaceOptions{Time: placeTime}, by)
				require.ErrorIs(t, err, ErrModified)
				want := map[string][]byte{"SYSTEM": other}
				if name == "replaced" {
					want["SYSTEM.old"] = old
				}
				requireFiles(t, dir, want)
			})
		}
	}
}

// What happens between the look at the hive and its replacing is noticed too.
func TestSaveInPlaceModifiedLate(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		t.Run(way, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			file := loadEdited(t, path, 100)
			r := &replacement{options: InPlaceOptions{Time: placeTime}, data: file.Hive.Bytes(), expected: &fingerprint{file.Size, file.SHA256}, way: by}
			r.before = func() error { return os.WriteFile(path, oldBytes, 0o644) }
			_, err := r.run(t.Context(), path)
			require.ErrorIs(t, err, ErrModified)
			requireFiles(t, dir, map[string][]byte{"SYSTEM": oldBytes})
		})
	}
}

func TestSaveInPlaceRefused(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	t.Run("stream", func(t *testing.T) {
		file, err := LoadStream(bytes.NewReader(old), LoadOptions{})
		require.NoError(t, err)
		_, err = file.SaveInPlace(t.Context(), InPlaceOptions{})
		require.ErrorIs(t, err, ErrNotRegular)
	})
	t.Run("gone", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": old})
		file := loadEdited(t, filepath.Join(dir, "SYSTEM"), 100)
		require.NoError(t, os.Remove(file.Path))
		_, err := file.SaveInPlace(t.Context(), InPlaceOptions{})
		require.ErrorIs(t, err, os.ErrNotExist)
		requireFiles(t, dir, map[string][]byte{})
	})
	t.Run("cancelled", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": old})
		file := loadEdited(t, filepath.Join(dir, "SYSTEM"), 100)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := file.SaveInPlace(ctx, InPlaceOptions{})
		require.ErrorIs(t, err, context.Canceled)
		requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
	})
}

// A symbolic link stays one, and the file that it leads to is replaced.
func TestSaveInPlaceLink(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	dir, links := folderOf(t, map[string][]byte{"SYSTEM": old}), t.TempDir()
	link := filepath.Join(links, "link")
	symlink(t, filepath.Join(dir, "SYSTEM"), link)
	file := loadEdited(t, link, 100)
	placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
	require.NoError(t, err)
	require.Equal(t, "SYSTEM", filepath.Base(placed.Path))
	requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old})
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
}

// While one has the hive, another waits, and edits what the first one has made.
func TestLockHive(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		t.Run(way, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			first, err := LockHive(t.Context(), path, 0)
			require.NoError(t, err)
			defer first.Release()
			_, err = LockHive(t.Context(), path, 0)
			require.ErrorIs(t, err, ErrLocked)
			require.ErrorContains(t, err, path)
			_, err = LockHive(t.Context(), path, 20*time.Millisecond)
			require.ErrorIs(t, err, ErrLocked)
			cancelled, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = LockHive(cancelled, path, time.Hour)
			require.ErrorIs(t, err, context.Canceled)
			_, err = loadEdited(t, path, 10).SaveInPlace(t.Context(), InPlaceOptions{})
			require.ErrorIs(t, err, ErrLocked)

			done := make(chan error)
			go func() {
				second, err := LockHive(t.Context(), path, time.Minute)
				if err == nil {
					defer second.Release()
					var file *File
					if file, err = Load(path, LoadOptions{}); err == nil {
						var root *hive.Key
						root, err = file.Hive.Root()
						if _, missing := root.Value("placed"); missing != nil {
							err = errors.Join(err, missing)
						}
					}
				}
				done <- err
			}()
			time.Sleep(30 * time.Millisecond)
			file := loadEdited(t, path, 100)
			_, err = saveBy(file, InPlaceOptions{Time: placeTime, Lock: first}, by)
			require.NoError(t, err)
			if by == nil && first.next != nil {
				// The file that has replaced the hive is locked as well.
				_, err = LockHive(t.Context(), path, 0)
				require.ErrorIs(t, err, ErrLocked)
			}
			select {
			case err := <-done:
				if first.next != nil {
					require.Fail(t, "the second did not wait", "%v", err)
				}
				require.NoError(t, err)
				done = nil
			default:
			}
			first.Release()
			if done != nil {
				require.NoError(t, <-done)
			}
			requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old})
		})
	}
}

func TestCleanLogs(t *testing.T) {
	clean := hivetest.Windows10().Build().Data
	dirty := dirtyFiles("SYSTEM")
	with := func(hive []byte) map[string][]byte {
		return map[string][]byte{"SYSTEM": hive, "SYSTEM.LOG1": dirty["SYSTEM.LOG1"], "system.log2": {}, "SYSTEM.LOG": []byte("x"), "SYSTEM.LOG3": []byte("x")}
	}
	half := bytes.Clone(clean)
	copy(half, overwrite.MarkedHeader(clean[:overwrite.HeaderSize], 9, overwrite.Mark{}))
	for name, test := range map[string]struct {
		hive []byte
		want error
	}{
		"clean":        {clean, nil},
		"dirty":        {dirty["SYSTEM"], hive.ErrDirty},
		"half written": {half, ErrHalfWritten},
		"no hive":      {make([]byte, 9000), hive.ErrNotHive},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, with(test.hive))
			path := filepath.Join(dir, "SYSTEM")
			cleaned, err := CleanLogs(path)
			want := with(test.hive)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			} else {
				require.NoError(t, err)
				require.Equal(t, []string{path + ".LOG1", path + ".LOG"}, cleaned)
				want["SYSTEM.LOG1"], want["SYSTEM.LOG"] = nil, nil
			}
			requireFiles(t, dir, want)
		})
	}
}

// A half-written hive is dirty for everybody, no log can be applied to it, and
// its mark is read back.
func TestMark(t *testing.T) {
	clean := hivetest.Windows10().Build().Data
	for name, backup := range map[string]string{"beside": placeName, "elsewhere": "/backups/SYSTEM", "none": "", "longest": strings.Repeat("x", overwrite.MaxBackup)} {
		t.Run(name, func(t *testing.T) {
			want := overwrite.Mark{Old: [32]byte{1, 2, 3}, Backup: backup}
			half := bytes.Clone(clean)
			copy(half, overwrite.MarkedHeader(clean[:overwrite.HeaderSize], 77, want))
			state, err := txlog.Examine(half)
			require.NoError(t, err)
			require.True(t, state.Dirty())
			require.False(t, state.HeaderBad)
			require.Equal(t, []uint32{78, 77}, []uint32{state.Sequence1, state.Sequence2})
			got, ok := overwrite.ReadMark(half)
			require.True(t, ok)
			require.Equal(t, want, got)
			require.Equal(t, name == "beside" || name == "longest", isBeside(got.Backup))
			err = RequireWhole("SYSTEM", half)
			require.ErrorIs(t, err, ErrHalfWritten)
		})
	}
	t.Run("too long a name", func(t *testing.T) {
		got, ok := overwrite.ReadMark(overwrite.MarkedHeader(clean[:overwrite.HeaderSize], 1, overwrite.Mark{Backup: strings.Repeat("x", overwrite.MaxBackup+1)}))
		require.True(t, ok)
		require.Empty(t, got.Backup)
	})
	t.Run("none", func(t *testing.T) {
		for _, data := range [][]byte{nil, clean, clean[:100], dirtyFiles("x")["x"]} {
			require.NoError(t, RequireWhole("SYSTEM", data))
		}
	})
	t.Run("lies", func(t *testing.T) {
		for _, name := range []string{"../SYSTEM", "..", ".", "/etc/passwd"} {
			require.False(t, isBeside(name), name)
		}
	})
}
