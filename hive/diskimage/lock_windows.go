package diskimage

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"hivepatch/hive/hivefile"
)

// openFile opens an image so that nobody else may write to it, which Windows
// sees to for all programs. It returns an InUseError when another program has
// it open already in a way that does not allow that.
func openFile(path string, to access, _ bool) (*os.File, error) {
	name, err := hivefile.ExtendedPath(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	rights, share := uint32(windows.GENERIC_READ), uint32(windows.FILE_SHARE_READ)
	if to == forWriting {
		rights, share = windows.GENERIC_READ|windows.GENERIC_WRITE, 0
	}
	handle, err := windows.CreateFile(name, rights, share, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, &InUseError{Path: path, By: "another program has it open"}
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// lockFile and lockBytes have nothing left to do.

func lockFile(*os.File, access) string  { return "" }
func lockBytes(*os.File, access) string { return "" }
