//go:build unix

package hivefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// folder is the open folder of the output. Names are resolved relative to it,
// so that all steps meet the same folder even if it is renamed meanwhile.
type folder struct {
	*output
	dir *os.File
}

// errNoUnnamed is returned when a file without a name cannot be made or named
// here, for whatever reason.
var errNoUnnamed = errors.New("no files without a name")

func (o *output) save(c content) error {
	dir, err := os.Open(o.folder)
	if err != nil {
		return fmt.Errorf("output folder: %w", err)
	}
	defer dir.Close() // was synced where it matters
	f := folder{output: o, dir: dir}
	if err := f.saveUnnamed(c); !errors.Is(err, errNoUnnamed) {
		return err
	}
	return f.saveNamed(c)
}

// saveNamed saves by way of a file with a temporary name.
func (f folder) saveNamed(c content) error {
	temp := f.tempName()
	file, err := f.open(temp, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	info, err := f.fill(file, c)
	// Before renaming: file systems that lie on a Windows server insist. A close
	// that a signal interrupted has closed the file all the same.
	if closeErr := file.Close(); err == nil && !errors.Is(closeErr, unix.EINTR) {
		err = closeErr
	}
	if err != nil {
		return f.discard(err, temp)
	}
	return f.publish(temp, info)
}

// open opens name in the folder for writing. Where the permission is given, the
// file has 0600 until fill has written it; else it gets what the umask leaves.
func (f folder) open(name string, flags int) (*os.File, error) {
	mode := uint32(0o666)
	if f.perm != 0 {
		mode = 0o600
	}
	fd := -1
	err := f.call("create", func() (err error) {
		fd, err = unix.Openat(int(f.dir.Fd()), name, unix.O_WRONLY|unix.O_CLOEXEC|flags, mode)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.path), nil
}

// fill writes c and brings it to the disk.
func (f folder) fill(file *os.File, c content) (fs.FileInfo, error) {
	if size := c.size(); size > 0 {
		if err := f.preallocate(file, size); err != nil {
			return nil, err
		}
	}
	if err := c.writeTo(file); err != nil {
		return nil, err
	}
	if f.perm != 0 {
		// What cannot be done on a file system without modes is no failure: it
		// has the mode of its mount, or the narrower one it was created with.
		if err := file.Chmod(f.perm); err != nil && !isUnsupported(err) {
			return nil, err
		}
	}
	if err := file.Sync(); err != nil {
		return nil, err
	}
	return file.Stat()
}

// publish gives the complete file temp, described by info, its final name.
func (f folder) publish(temp string, info fs.FileInfo) error {
	if f.replace {
		err := f.call("replace", func() error {
			return unix.Renameat(int(f.dir.Fd()), temp, int(f.dir.Fd()), f.name)
		})
		if err != nil {
			return f.discard(err, temp)
		}
		return f.settle(info)
	}
	if err := f.renameNew(temp); err != nil {
		return f.discard(err, temp)
	}
	return f.settle(info)
}

// renameNew renames temp without ever replacing a file, with the first of three
// ways that the file system knows.
func (f folder) renameNew(temp string) error {
	fd := int(f.dir.Fd())
	err := f.call("rename", func() error { return renameNoReplace(fd, temp, f.name) })
	if err == nil || !isUnsupported(err) {
		return err
	}
	err = f.call("link", func() error { return unix.Linkat(fd, temp, fd, f.name, 0) })
	if err == nil {
		if err := f.remove(temp); err != nil {
			return f.discard(err, f.name)
		}
		return nil
	}
	if !isUnsupported(err) {
		return err
	}
	return f.renameOverPlaceholder(temp)
}

// renameOverPlaceholder makes sure that temp replaces nothing by creating an
// empty file with the name first, which fails if the name is taken. A kill in
// between leaves the empty file; overwriting somebody's file would be worse.
func (f folder) renameOverPlaceholder(temp string) error {
	placeholder, err := f.open(f.name, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	_ = placeholder.Close() // nothing was written
	err = f.call("rename", func() error {
		return unix.Renameat(int(f.dir.Fd()), temp, int(f.dir.Fd()), f.name)
	})
	if err != nil {
		return f.discard(err, f.name)
	}
	return nil
}

// settle brings the new name to the disk. If that fails, a new file is removed
// again, so that an error always means that there is none.
func (f folder) settle(info fs.FileInfo) error {
	err := f.dir.Sync()
	if err == nil || isUnsupported(err) {
		return nil // or a file system that does not sync folders
	}
	if f.replace {
		return fmt.Errorf("%s has been replaced, but may be the old file after a crash: %w", f.path, err)
	}
	if now, statErr := os.Lstat(f.path); statErr != nil || !os.SameFile(now, info) {
		return err // somebody else's by now
	}
	return f.discard(err, f.name)
}

// discard removes name because of err.
func (f folder) discard(err error, name string) error { return discard(err, name, f.remove(name)) }

func (f folder) remove(name string) error {
	return f.call("remove", func() error { return unix.Unlinkat(int(f.dir.Fd()), name, 0) })
}

// call does a system call, again as long as a signal interrupts it, and turns
// its error into one that names the output.
func (f folder) call(op string, system func() error) error {
	for {
		err := system()
		switch {
		case err == nil:
			return nil
		case err == unix.EINTR:
			continue
		case err == unix.EEXIST && op != "remove":
			return f.appeared()
		}
		return &fs.PathError{Op: op, Path: f.path, Err: err}
	}
}

// isUnsupported reports whether err is one of those with which file systems
// answer what they cannot do.
func isUnsupported(err error) bool {
	for _, no := range []error{unix.EPERM, unix.EINVAL, unix.ENOSYS, unix.ENOTSUP, unix.EOPNOTSUPP, unix.EMLINK} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// describeInUse does nothing here: no file is locked against reading.
func describeInUse(err error) error { return err }
