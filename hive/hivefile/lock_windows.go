package hivefile

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// comeBack is how long a hive is waited for that is not there: ReplaceFileW takes
// the name away from the old file before it gives it to the new one.
const comeBack = time.Second

// openShared opens a file for reading and lets others read, write, rename and
// replace it all the same.
func openShared(path string) (*os.File, error) {
	name, err := ExtendedPath(path)
	if err != nil {
		return nil, err
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// lockFile locks a file until it is closed. It returns errTaken when another
// program has it, and another error where the file system has no locks.
//
// Windows denies others to read what is locked, so that is one byte far behind
// the end of every hive.
func lockFile(file *os.File) error {
	place := windows.Overlapped{OffsetHigh: 0x7FFFFFFF}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return errTaken
	}
	return err
}
