package diskimage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// serverFolders is what the names of folders begin with in which disks are served.
const serverFolders = "hivepatch-disk-"

// makeServerFolder makes a folder for a disk, below temp or where the system has
// what is temporary, and removes what a hivepatch that was killed has left there.
// The lock on it says that somebody is at work with it, until it is closed.
func makeServerFolder(temp string) (folder string, lock *os.File, err error) {
	if temp == "" {
		temp = os.TempDir()
	}
	removeOrphans(temp)
	for {
		if folder, err = os.MkdirTemp(temp, serverFolders); err != nil {
			return "", nil, err
		}
		// Until it is locked, it looks like one that was left, and another
		// hivepatch may remove it.
		if lock, err = lockFolder(folder); err == nil {
			return folder, lock, nil
		}
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EWOULDBLOCK) {
			return "", nil, errors.Join(err, os.Remove(folder))
		}
	}
}

// lockFolder locks a folder that is still there and is ours. It returns
// unix.EWOULDBLOCK where somebody else has the lock.
func lockFolder(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	folder := os.NewFile(uintptr(fd), path)
	var opened, named unix.Stat_t
	err = errors.Join(unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB), unix.Fstat(fd, &opened))
	if err == nil {
		err = unix.Lstat(path, &named)
	}
	switch {
	case err != nil:
	case opened.Ino != named.Ino || opened.Dev != named.Dev:
		err = unix.ENOENT
	case int(opened.Uid) != os.Geteuid():
		err = unix.EPERM
	default:
		return folder, nil
	}
	_ = folder.Close() // only read
	return nil, err
}

// removeOrphans removes folders whose hivepatch is no more. It does what it can:
// nobody has asked for it.
func removeOrphans(temp string) {
	entries, err := os.ReadDir(temp)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), serverFolders) {
			removeOrphan(filepath.Join(temp, entry.Name()))
		}
	}
}

func removeOrphan(path string) {
	folder, err := lockFolder(path)
	if err != nil {
		return
	}
	defer folder.Close()
	var above, file unix.Stat_t
	if unix.Fstat(int(folder.Fd()), &above) != nil {
		return
	}
	disk := filepath.Join(path, diskName)
	switch err := unix.Lstat(disk, &file); {
	case errors.Is(err, unix.ENOTCONN):
		_ = unmount(disk)
	case err == nil && file.Dev != above.Dev:
		return // QEMU has not ended yet
	}
	// No more than what was made, whatever else lies in it.
	_ = os.Remove(disk)
	_ = os.Remove(path)
}
