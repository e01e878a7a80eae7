package hivefile

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// errReadOnlyVolume is the error of the operating system for that.
const errReadOnlyVolume = windows.ERROR_WRITE_PROTECT

// requireWritable requires that the user may write to the hive. What is marked
// as read-only may be replaced all the same.
func requireWritable(path string) error {
	attributes, err := attributesOf(path)
	if err != nil {
		return err
	}
	access := uint32(windows.FILE_WRITE_DATA)
	if attributes&windows.FILE_ATTRIBUTE_READONLY != 0 {
		access = windows.FILE_WRITE_ATTRIBUTES
	}
	return requireAccess(path, access)
}

// requireWritableFolder requires that the user may make files in a folder.
func requireWritableFolder(path string) error {
	const addFile = windows.FILE_WRITE_DATA // what that right is called of a folder
	return requireAccess(path, addFile)
}

// requireAccess opens what is at path for access and does nothing with it.
func requireAccess(path string, access uint32) error {
	name, err := ExtendedPath(path)
	if err != nil {
		return err
	}
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	handle, err := windows.CreateFile(name, access, shared, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	_ = windows.CloseHandle(handle) // nothing was done with it
	return nil
}
