package locate

import (
	"io/fs"

	"golang.org/x/sys/windows"

	"hivepatch/hive/hivefile"
)

// ReadOnly reports whether the volume that a path lies on is read-only. It
// returns the error of the operating system when that cannot be told.
func ReadOnly(path string) (bool, error) {
	name, err := hivefile.ExtendedPath(path)
	if err != nil {
		return false, err
	}
	root := make([]uint16, len(windows.UTF16PtrToString(name))+2)
	if err := windows.GetVolumePathName(name, &root[0], uint32(len(root))); err != nil {
		return false, &fs.PathError{Op: "GetVolumePathName", Path: path, Err: err}
	}
	var flags uint32
	if err := windows.GetVolumeInformation(&root[0], nil, 0, nil, nil, &flags, nil, 0); err != nil {
		return false, &fs.PathError{Op: "GetVolumeInformation", Path: path, Err: err}
	}
	return flags&windows.FILE_READ_ONLY_VOLUME != 0, nil
}

// sameVolume takes the folder above one for part of the same volume: what is
// mounted in a folder is reached through a link there, which is resolved before.
func sameVolume(_, _ fs.FileInfo) bool { return true }
