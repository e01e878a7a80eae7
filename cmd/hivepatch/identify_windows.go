package main

import (
	"os"

	"golang.org/x/sys/windows"

	"hivepatch/hive/hivefile"
)

// fileIdentity tells files apart, whatever their names.
type fileIdentity struct{ volume, high, low uint32 }

// identify returns the identity of the file that a path leads to, nil where it
// leads to none.
func identify(path string) any {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return nil
	}
	name, err := hivefile.ExtendedPath(path)
	if err != nil {
		return nil
	}
	const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	file, err := windows.CreateFile(name, 0, all, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(file) // only looked at
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(file, &info); err != nil {
		return nil
	}
	return fileIdentity{info.VolumeSerialNumber, info.FileIndexHigh, info.FileIndexLow}
}
