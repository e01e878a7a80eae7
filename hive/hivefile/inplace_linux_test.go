package hivefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/hivetest/volumes"
)

// belongings are what belongs to a file besides its contents.
type belongings struct {
	mode       os.FileMode
	uid, gid   uint32
	attributes map[string]string
}

func belongingsOf(t *testing.T, path string, names ...string) belongings {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	info, err := file.Stat()
	require.NoError(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	found := belongings{info.Mode(), stat.Uid, stat.Gid, map[string]string{}}
	listed, err := listedAttributes(file)
	require.NoError(t, err)
	for _, name := range append(listed, names...) {
		value, err := attribute(file, name)
		require.NoError(t, err)
		require.NotNil(t, value, name)
		found.attributes[name] = string(value)
	}
	return found
}

// A POSIX access control list: another user may read.
func accessList(user uint32) []byte {
	list := binary.LittleEndian.AppendUint32(nil, 2)
	for _, entry := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 6, ^uint32(0)}, {2, 4, user}, {4, 0, ^uint32(0)}, {0x10, 4, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		list = binary.LittleEndian.AppendUint16(list, entry.tag)
		list = binary.LittleEndian.AppendUint16(list, entry.perm)
		list = binary.LittleEndian.AppendUint32(list, entry.id)
	}
	return list
}

// TestKeep: owner, mode, access control list and extended attributes stay, in
// the hive and in its backup.
func TestKeep(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		for _, mode := range []os.FileMode{0o600, 0o644, 0o400, 0o666, 0o000} {
			t.Run(fmt.Sprintf("%s %o", way, mode), func(t *testing.T) {
				dir := folderOf(t, map[string][]byte{"SYSTEM": old})
				path := filepath.Join(dir, "SYSTEM")
				file := loadEdited(t, path, 100)
				if os.Geteuid() == 0 {
					require.NoError(t, os.Chown(path, 1234, 2345))
					require.NoError(t, unix.Setxattr(path, "trusted.note", []byte("t"), 0))
				} else if mode&0o600 != 0o600 {
					t.Skip("not readable and writable for this user")
				}
				require.NoError(t, unix.Setxattr(path, "user.note", []byte("hello"), 0))
				require.NoError(t, unix.Setxattr(path, "user.long", bytes.Repeat([]byte{1}, 1500), 0))
				require.NoError(t, unix.Setxattr(path, "user.empty", nil, 0))
				if mode == 0o644 {
					require.NoError(t, unix.Setxattr(path, "system.posix_acl_access", accessList(4321), 0))
				} else {
					require.NoError(t, os.Chmod(path, mode))
				}
				before := belongingsOf(t, path)
				defer unix.Umask(unix.Umask(0o077))
				placed, err := saveBy(file, InPlaceOptions{Time: placeTime}, by)
				require.NoError(t, err)
				require.Empty(t, placed.Warnings)
				require.Equal(t, before, belongingsOf(t, path))
				if mode != 0 {
					require.Equal(t, before, belongingsOf(t, placed.Backup))
				}
				requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old})
			})
		}
	}
}

// A hive with a second name keeps it: its pages are written.
func TestSecondName(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	dir := folderOf(t, map[string][]byte{"SYSTEM": old})
	path, second := filepath.Join(dir, "SYSTEM"), filepath.Join(dir, "second")
	require.NoError(t, os.Link(path, second))
	file := loadEdited(t, path, 100)
	placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
	require.NoError(t, err)
	require.Equal(t, WayPages, placed.Way)
	require.Contains(t, placed.WhyPages, "2 names")
	requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), "second": file.Hive.Bytes(), placeName: old})
}

// A backup that a killed save has left is the hive itself: it becomes a backup
// of this one, or a file of its own.
func TestLeftover(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	const earlier = "SYSTEM.20250131T120000Z.bak"
	for way, by := range placings {
		t.Run(way, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			require.NoError(t, os.Link(path, filepath.Join(dir, earlier)))
			file := loadEdited(t, path, 100)
			placed, err := saveBy(file, InPlaceOptions{Time: placeTime}, by)
			require.NoError(t, err)
			if by == nil {
				require.Equal(t, WayReplace, placed.Way)
				require.Equal(t, filepath.Join(dir, earlier), placed.Backup)
				requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), earlier: old})
				return
			}
			requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), earlier: old, placeName: old})
		})
	}
}

// TestPlaceRefusals plays file systems that cannot do one thing or another.
func TestPlaceRefusals(t *testing.T) {
	requireStrace(t)
	for _, test := range []struct {
		name   string
		inject []string
		pages  bool
	}{
		{"no files without a name", []string{"linkat:error=ENOENT:when=2+"}, false},
		{"no links", []string{"linkat:error=EPERM"}, false},
		{"no links, other error", []string{"linkat:error=ENOSYS"}, false},
		{"nothing reserved", []string{"fallocate:error=EOPNOTSUPP"}, false},
		{"folders not synced", []string{"fsync:error=EINVAL:when=2+"}, false},
		{"no locks", []string{"flock:error=ENOLCK"}, false},
		{"no attributes", []string{"flistxattr:error=EOPNOTSUPP"}, false},
		{"the hive is a mount point", []string{"renameat:error=EBUSY"}, true},
		{"the hive is protected", []string{"renameat:error=EPERM"}, true},
		{"mode not kept", []string{"fchmod:error=EPERM"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPlacer(t, "best", filepath.Join(t.TempDir(), "files"))
			p.fill(t)
			got := p.run(t, test.inject...)
			require.Zero(t, got.exit, got.text)
			require.Contains(t, got.trace, "(INJECTED)")
			require.Equal(t, stateNew, p.state(t))
			backups, temporary := p.rest(t)
			require.Len(t, backups, 1)
			require.Empty(t, temporary)
			require.Equal(t, test.pages, strings.Contains(got.trace, `SYSTEM", O_RDWR`), got.trace)
		})
	}
}

// A disk without room, whatever for, leaves all as it was.
func TestPlaceDiskFull(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	old := hivetest.Windows10().Build().Data
	for _, options := range []string{"size=700k", "nr_inodes=2"} {
		for way, by := range placings {
			t.Run(options+" "+way, func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, options))
				defer unix.Unmount(dir, unix.MNT_DETACH)
				path := filepath.Join(dir, "SYSTEM")
				require.NoError(t, os.WriteFile(path, old, 0o640))
				before, err := os.Stat(path)
				require.NoError(t, err)
				_, err = saveBy(loadEdited(t, path, 900_000), InPlaceOptions{Time: placeTime}, by)
				require.ErrorIs(t, err, unix.ENOSPC)
				requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
				after, err := os.Stat(path)
				require.NoError(t, err)
				require.True(t, os.SameFile(before, after))
				require.Equal(t, before.ModTime(), after.ModTime())
			})
		}
	}
}

func TestPlaceReadOnlyMount(t *testing.T) {
	if !ownMounts(t) {
		return
	}
	old := hivetest.Windows10().Build().Data
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	path := filepath.Join(dir, "SYSTEM")
	require.NoError(t, os.WriteFile(path, old, 0o640))
	file := loadEdited(t, path, 100)
	require.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for _, backup := range []string{"", filepath.Join(t.TempDir(), "backup")} {
		_, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime, Backup: backup})
		require.ErrorIs(t, err, unix.EROFS)
		require.ErrorContains(t, err, path+": read-only file system")
		requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
		if backup != "" {
			require.NoFileExists(t, backup)
		}
	}
	_, err := Restore(t.Context(), path, RestoreOptions{})
	require.ErrorIs(t, err, ErrNoBackup)
}

// The hive may be written to, its folder not: with a backup elsewhere the pages
// can be written.
func TestPlaceDenied(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	old := hivetest.Windows10().Build().Data
	t.Run("read-only file", func(t *testing.T) {
		for way, by := range placings {
			dir := folderOf(t, map[string][]byte{"SYSTEM": old})
			path := filepath.Join(dir, "SYSTEM")
			require.NoError(t, os.Chmod(path, 0o444))
			_, err := saveBy(loadEdited(t, path, 100), InPlaceOptions{Time: placeTime}, by)
			require.ErrorIs(t, err, os.ErrPermission, way)
			require.ErrorContains(t, err, path)
			requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
		}
	})
	t.Run("read-only folder", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": old})
		path := filepath.Join(dir, "SYSTEM")
		require.NoError(t, os.Chmod(dir, 0o500))
		defer os.Chmod(dir, 0o700)
		file := loadEdited(t, path, 100)
		_, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
		require.ErrorIs(t, err, os.ErrPermission)
		requireFiles(t, dir, map[string][]byte{"SYSTEM": old})
		backup := filepath.Join(t.TempDir(), "backup")
		placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Backup: backup})
		require.NoError(t, err)
		require.Equal(t, WayPages, placed.Way)
		require.Contains(t, placed.WhyPages, "permission denied")
		requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes()})
		requireFiles(t, filepath.Dir(backup), map[string][]byte{"backup": old})
	})
}

// Two programs never write at once: each adds a value of its own to what the
// others have made, and none is lost.
func TestTwoWriters(t *testing.T) {
	old := hivetest.Windows10().Build().Data
	dir := folderOf(t, map[string][]byte{"SYSTEM": old})
	path := filepath.Join(dir, "SYSTEM")
	const writers = 12
	results := make(chan error)
	for i := range writers {
		go func() {
			results <- func() error {
				lock, err := LockHive(t.Context(), path, time.Minute)
				if err != nil {
					return err
				}
				defer lock.Release()
				file, err := Load(path, LoadOptions{})
				if err != nil {
					return err
				}
				root, err := file.Hive.Root()
				if err != nil {
					return err
				}
				if _, err = root.SetValue(fmt.Sprint("writer ", i), hive.DWord, []byte{1, 2, 3, 4}, placeTime); err != nil {
					return err
				}
				file.Hive.Seal(placeTime)
				way := func(r *replacement) error { return r.place() }
				if i%2 == 1 {
					way = byPages
				}
				_, err = saveBy(file, InPlaceOptions{Time: placeTime, Lock: lock}, way)
				return err
			}()
		}()
	}
	for range writers {
		require.NoError(t, <-results)
	}
	file, err := Load(path, LoadOptions{})
	require.NoError(t, err)
	root, err := file.Hive.Root()
	require.NoError(t, err)
	for i := range writers {
		_, err := root.Value(fmt.Sprint("writer ", i))
		require.NoError(t, err)
	}
	backups, err := FindBackups(path)
	require.NoError(t, err)
	require.Len(t, backups, writers)
}

// ntfsNames are the attributes that every file on NTFS has by ntfs-3g.
var ntfsNames = []string{"system.ntfs_acl", "system.ntfs_attrib", "system.ntfs_crtime"}

// An access control list that no file gets by itself, in the form of NTFS: the
// administrators own it, and only the system may do anything.
func ntfsAccessList(t *testing.T) []byte {
	return hivetest.Descriptor(hivetest.SID(5, 32, 544), hivetest.SID(5, 18))
}

// TestPlaceNTFS: access control list, attributes, time of creation and streams
// stay the same on NTFS, in both ways.
func TestPlaceNTFS(t *testing.T) {
	volume := volumes.NTFS(t, 16<<20)
	old := hivetest.Windows10().Build().Data
	for way, by := range placings {
		t.Run(way, func(t *testing.T) {
			dir := filepath.Join(volume, way)
			require.NoError(t, os.Mkdir(dir, 0o755))
			path := filepath.Join(dir, "SYSTEM")
			require.NoError(t, os.WriteFile(path, old, 0o644))
			require.NoError(t, unix.Setxattr(path, "system.ntfs_acl", ntfsAccessList(t), 0))
			require.NoError(t, unix.Setxattr(path, "system.ntfs_attrib", []byte{0x26, 0, 0, 0}, 0)) // hidden, system, archive
			require.NoError(t, unix.Setxattr(path, "system.ntfs_crtime", []byte{1, 2, 3, 4, 5, 6, 0xC0, 1}, 0))
			require.NoError(t, unix.Setxattr(path, "user.stream", []byte("a stream"), 0))
			before := belongingsOf(t, path, ntfsNames...)
			require.Len(t, before.attributes, 4)
			file := loadEdited(t, path, 50_000)
			placed, err := saveBy(file, InPlaceOptions{Time: placeTime}, by)
			require.NoError(t, err)
			require.Empty(t, placed.Warnings)
			if by == nil {
				require.Equal(t, WayReplace, placed.Way)
			}
			require.Equal(t, before, belongingsOf(t, path, ntfsNames...))
			require.Equal(t, before, belongingsOf(t, placed.Backup, ntfsNames...))
			requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old})

			restored, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
			require.NoError(t, err)
			require.True(t, restored.Changed)
			require.Equal(t, before, belongingsOf(t, path, ntfsNames...))
			require.True(t, bytes.Equal(old, mustRead(t, path)))
		})
	}
	// As every hive has that Windows itself made: its name is a short one too.
	t.Run("short name", func(t *testing.T) {
		dir := filepath.Join(volume, "short name")
		require.NoError(t, os.Mkdir(dir, 0o755))
		path := filepath.Join(dir, "SYSTEM")
		require.NoError(t, os.WriteFile(path, old, 0o644))
		require.NoError(t, unix.Setxattr(path, "system.ntfs_acl", ntfsAccessList(t), 0))
		require.NoError(t, unix.Setxattr(path, "system.ntfs_attrib", []byte{0x26, 0, 0, 0}, 0))
		rest := belongingsOf(t, path, ntfsNames...)
		require.NoError(t, unix.Setxattr(path, "system.ntfs_dos_name", []byte("SYSTEM"), 0))
		before := belongingsOf(t, path, append(ntfsNames, "system.ntfs_dos_name")...)
		file := loadEdited(t, path, 50_000)
		placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
		require.NoError(t, err)
		require.Equal(t, WayPages, placed.Way)
		require.Contains(t, placed.WhyPages, "system.ntfs_dos_name")
		require.Empty(t, placed.Warnings, "that the backup has another name is no news")
		require.Equal(t, before, belongingsOf(t, path, append(ntfsNames, "system.ntfs_dos_name")...))
		require.Equal(t, rest, belongingsOf(t, placed.Backup, ntfsNames...))
		requireFiles(t, dir, map[string][]byte{"SYSTEM": file.Hive.Bytes(), placeName: old})
	})
	t.Run("object identifier", func(t *testing.T) {
		path := filepath.Join(volume, "SYSTEM")
		require.NoError(t, os.WriteFile(path, old, 0o644))
		require.NoError(t, unix.Setxattr(path, "system.ntfs_object_id", bytes.Repeat([]byte{7}, 16), 0))
		file := loadEdited(t, path, 50_000)
		placed, err := file.SaveInPlace(t.Context(), InPlaceOptions{Time: placeTime})
		require.NoError(t, err)
		require.Equal(t, WayPages, placed.Way)
		require.Contains(t, placed.WhyPages, "system.ntfs_object_id")
		require.True(t, bytes.Equal(file.Hive.Bytes(), mustRead(t, path)))
	})
}

// TestPlaceNTFSKilled kills the program at every system call on NTFS.
func TestPlaceNTFSKilled(t *testing.T) {
	if raceDetector() {
		t.Skip("hundreds of processes that do one thing at a time: runs without the race detector only")
	}
	requireStrace(t)
	volume := volumes.NTFS(t, 16<<20)
	for _, way := range []string{"best", "pages", "restore"} {
		t.Run(way, func(t *testing.T) {
			newPlacer(t, way, filepath.Join(volume, way)).strike(t, "signal=KILL")
		})
	}
}
