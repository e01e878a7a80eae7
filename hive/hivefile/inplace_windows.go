package hivefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// keptAttributes are those that a program can set and a user may have set.
const keptAttributes = windows.FILE_ATTRIBUTE_READONLY | windows.FILE_ATTRIBUTE_HIDDEN | windows.FILE_ATTRIBUTE_SYSTEM |
	windows.FILE_ATTRIBUTE_ARCHIVE | windows.FILE_ATTRIBUTE_NOT_CONTENT_INDEXED

// place puts the new hive in place by ReplaceFileW, which keeps the access
// control list, the time of creation, the short name and the streams, or, where
// the file system does not know that, by pages.
func (r *replacement) place() error {
	err := r.placeFile()
	if isRefusal(err) {
		why := err.Error()
		if err := r.takeBack(nil); err != nil {
			return err
		}
		return r.placePages(why)
	}
	return err
}

// isRefusal reports whether err is one with which file systems answer what they
// cannot do.
func isRefusal(err error) bool {
	for _, no := range []error{windows.ERROR_NOT_SUPPORTED, windows.ERROR_INVALID_FUNCTION, windows.ERROR_CALL_NOT_IMPLEMENTED, windows.ERROR_NOT_SAME_DEVICE} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

func (r *replacement) placeFile() error {
	r.placed.Way = WayReplace
	folder, name := filepath.Split(r.lock.path)
	if folder == "" {
		folder = "."
	}
	out := &output{path: r.lock.path, folder: folder, name: name, replace: true}
	temp := filepath.Join(folder, out.tempName())
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return out.describeError(err)
	}
	if err := fill(file, whole(r.data)); err != nil {
		return discard(out.describeError(err), temp, os.Remove(temp))
	}
	if err := r.exchange(out, temp); err != nil {
		removeErr := os.Remove(temp)
		if errors.Is(removeErr, fs.ErrNotExist) {
			removeErr = nil
		}
		return discard(out.describeError(err), temp, removeErr)
	}
	return nil
}

// exchange has temp replace the hive, which becomes the backup. Windows replaces
// no file that is read-only: that is set again afterwards.
func (r *replacement) exchange(out *output, temp string) error {
	backup, err := r.reserve(out)
	if err != nil {
		return err
	}
	attributes, err := attributesOf(r.lock.path)
	if err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return err
	}
	if attributes&windows.FILE_ATTRIBUTE_READONLY != 0 {
		if err := setAttributes(r.lock.path, attributes&^windows.FILE_ATTRIBUTE_READONLY); err != nil {
			return err
		}
	}
	if err := replaceFile(r.lock.path, temp, backup); err != nil {
		_ = setAttributes(r.lock.path, attributes) // what it was, where it was changed
		return err
	}
	if next, err := openShared(r.lock.path); err == nil {
		r.lock.pass(next) // its logs may still be emptied
	}
	if err := setAttributes(r.lock.path, attributes); err != nil {
		r.warn("the new hive has not the attributes %#x of the old one: %v", attributes, err)
	}
	if r.placed.Backup == backup {
		_ = setAttributes(backup, attributes) // it had them before
	} else if err := os.Remove(backup); err != nil {
		r.warn("the old hive is left as %s: %v", backup, err)
	}
	return nil
}

// reserve returns the name in its folder that the old hive is to get. Where no
// backup is wanted there, that name is for a moment only, and is that of a backup
// all the same: should the program die in that moment, Restore finds it. What is
// half written is no backup.
func (r *replacement) reserve(out *output) (string, error) {
	switch {
	case r.mending:
		return filepath.Join(out.folder, out.tempName()), nil
	case r.options.NoBackup:
		return r.freeName(requireNone)
	case r.options.Backup != "":
		if err := r.keepOld(true); err != nil { // it may lie on another volume
			return "", err
		}
		return r.freeName(requireNone)
	}
	return r.freeName(func(path string) error {
		err := r.keepAs(path, func(string) error { return nil })
		if err == nil {
			// Until it has replaced the hive there is no such file to take back.
			r.made = r.made[:len(r.made)-1]
		}
		return err
	})
}

// replaceFile calls ReplaceFileW, which takes two steps: the old file gets the
// name backup, and then the new one the name of the old.
func replaceFile(path, next, backup string) error {
	var names [3]*uint16
	for i, name := range []string{path, next, backup} {
		var err error
		if names[i], err = ExtendedPath(name); err != nil {
			return err
		}
	}
	replace := windows.NewLazySystemDLL("kernel32.dll").NewProc("ReplaceFileW")
	return replaceBy(func() error {
		done, _, err := replace.Call(uintptr(unsafe.Pointer(names[0])), uintptr(unsafe.Pointer(names[1])), uintptr(unsafe.Pointer(names[2])), 0, 0, 0)
		runtime.KeepAlive(names)
		if done != 0 {
			return nil
		}
		return err
	}, path, backup)
}

// replaceBy calls replace, which is ReplaceFileW, and mends what its errors leave.
// It tries again for half a second where another program has one of the files
// open: virus scanners and indexers look at every new file.
func replaceBy(replace func() error, path, backup string) error {
	for wait := time.Millisecond; ; wait *= 2 {
		err := replace()
		if err == nil {
			return nil
		}
		err = &fs.PathError{Op: "replace", Path: path, Err: err}
		if errors.Is(err, windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT_2) {
			return moveBack(err, path, backup)
		}
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_UNABLE_TO_REMOVE_REPLACED) || errors.Is(err, windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT)
		if !busy || wait > 256*time.Millisecond {
			return err // with nothing done, since a backup was asked for
		}
		time.Sleep(wait)
	}
}

// moveBack gives the old file its name back, because the second step failed.
func moveBack(err error, path, backup string) error {
	old, nameErr := ExtendedPath(backup)
	if nameErr != nil {
		return nameErr
	}
	name, nameErr := ExtendedPath(path)
	if nameErr != nil {
		return nameErr
	}
	if backErr := move(old, name, windows.MOVEFILE_WRITE_THROUGH); backErr != nil {
		return &HalfWrittenError{Path: path, Backup: backup, Err: fmt.Errorf("%w; the old file could not be moved back: %w", err, backErr)}
	}
	return err
}

func attributesOf(path string) (uint32, error) {
	name, err := ExtendedPath(path)
	if err != nil {
		return 0, err
	}
	attributes, err := windows.GetFileAttributes(name)
	if err != nil {
		return 0, &fs.PathError{Op: "read the attributes", Path: path, Err: err}
	}
	return attributes & keptAttributes, nil
}

func setAttributes(path string, attributes uint32) error {
	name, err := ExtendedPath(path)
	if err != nil {
		return err
	}
	if attributes == 0 {
		attributes = windows.FILE_ATTRIBUTE_NORMAL
	}
	if err := windows.SetFileAttributes(name, attributes); err != nil {
		return &fs.PathError{Op: "set the attributes", Path: path, Err: err}
	}
	return nil
}

// keep sets the attributes of Windows that from has. The access control list is
// that of the folder, as with every file that is made there.
func keep(from, to *os.File) error {
	attributes, err := attributesOf(from.Name())
	if err != nil {
		return err
	}
	return setAttributes(to.Name(), attributes&^windows.FILE_ATTRIBUTE_READONLY)
}

// names is the number of names that a file has, as far as that matters here.
func names(fs.FileInfo) uint64 { return 1 }

// SyncFolder does nothing: Windows brings names to the disk with what they name.
func SyncFolder(string) error { return nil }
