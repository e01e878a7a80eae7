//go:build unix

package hivefile

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// errReadOnlyVolume is the error of the operating system for that.
const errReadOnlyVolume = unix.EROFS

// requireWritable requires that the user may write to the hive: renaming another
// file over it would not ask for that.
func requireWritable(path string) error { return requireAccess(path, unix.W_OK) }

// requireWritableFolder requires that the user may make files in a folder.
func requireWritableFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "write", Path: path, Err: syscall.ENOTDIR}
	}
	return requireAccess(path, unix.W_OK|unix.X_OK)
}

func requireAccess(path string, mode uint32) error {
	err := repeat(func() error { return unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS) })
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}
