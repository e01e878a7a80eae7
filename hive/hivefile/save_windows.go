package hivefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// save writes a file with a temporary name and renames it. MoveFileEx replaces
// in one step. ReplaceFile would carry over the attributes and the access
// control list of the old file, but takes two, between which there is no file.
func (o *output) save(c content) error {
	temp := filepath.Join(o.folder, o.tempName())
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return o.describeError(err)
	}
	err = fill(file, c)
	if err == nil {
		err = o.publish(temp)
	}
	if err != nil {
		return discard(o.describeError(err), temp, os.Remove(temp))
	}
	return nil
}

// fill writes c, brings it to the disk and closes the file, since an open
// file cannot be renamed.
func fill(file *os.File, c content) error {
	err := c.writeTo(file)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// publish gives the complete file temp its final name. Windows returns when
// that is on the disk.
func (o *output) publish(temp string) error {
	from, err := ExtendedPath(temp)
	if err != nil {
		return err
	}
	to, err := ExtendedPath(o.path)
	if err != nil {
		return err
	}
	flags := uint32(windows.MOVEFILE_WRITE_THROUGH)
	if o.replace {
		flags |= windows.MOVEFILE_REPLACE_EXISTING
	}
	err = move(from, to, flags)
	if errors.Is(err, fs.ErrExist) {
		return o.appeared()
	}
	if err != nil {
		return &fs.PathError{Op: "rename", Path: o.path, Err: err}
	}
	return nil
}

// move renames, and tries again for half a second where another program has
// one of the files open: virus scanners and indexers look at every new file.
func move(from, to *uint16, flags uint32) error {
	for wait := time.Millisecond; ; wait *= 2 {
		err := windows.MoveFileEx(from, to, flags)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || wait > 256*time.Millisecond {
			return err
		}
		time.Sleep(wait)
	}
}

// ExtendedPath returns the absolute form of path that is free of the limit of
// 260 characters. It returns the error of the operating system.
func ExtendedPath(path string) (*uint16, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(path, `\\?\`), strings.HasPrefix(path, `\\.\`):
	case strings.HasPrefix(path, `\\`):
		path = `\\?\UNC\` + path[2:]
	default:
		path = `\\?\` + path
	}
	return windows.UTF16PtrFromString(path)
}

// describeError names the output instead of the temporary file, which means
// nothing to the user.
func (o *output) describeError(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		pathError.Path = o.path
	}
	return describeInUse(err)
}

// describeInUse adds ErrInUse to the errors that mean it.
func describeInUse(err error) error {
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return err
}

func writeAll(file *os.File, data []byte) error {
	_, err := file.Write(data)
	return err
}
