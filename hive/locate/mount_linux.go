package locate

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// ReadOnly reports whether the volume that a path lies on is mounted read-only.
// It returns the error of the operating system when that cannot be told.
func ReadOnly(path string) (bool, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return false, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return stat.Flags&unix.ST_RDONLY != 0, nil
}

// sameVolume reports whether two files lie on one volume.
func sameVolume(a, b fs.FileInfo) bool {
	first, ok := a.Sys().(*syscall.Stat_t)
	second, also := b.Sys().(*syscall.Stat_t)
	return ok && also && first.Dev == second.Dev
}
