package hivefile

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// saveUnnamed saves by way of a file that has no name before it is complete, so
// that a kill leaves nothing behind. It returns errNoUnnamed, with nothing
// done, where that does not work.
func (f folder) saveUnnamed(c content) error {
	file, err := f.open(".", unix.O_TMPFILE)
	if err != nil {
		return errNoUnnamed // a named file has a better chance, or the better error
	}
	defer file.Close() // everything is synced by then; nothing is left that could fail
	info, err := f.fill(file, c)
	if err != nil {
		return err
	}
	if f.replace {
		// Linking cannot replace. The name is temporary for an instant only.
		temp := f.tempName()
		if err := f.link(file, temp); err != nil {
			return err
		}
		return f.publish(temp, info)
	}
	if err := f.link(file, f.name); err != nil {
		return err
	}
	return f.settle(info)
}

// link gives a name to a file that has none. The way by /proc is open to
// everybody, the other one to root, or since Linux 6.10 to whoever opened the
// file, also where /proc is not mounted.
func (f folder) link(file *os.File, name string) error {
	fd, dir := int(file.Fd()), int(f.dir.Fd())
	err := f.call("link", func() error {
		return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), dir, name, unix.AT_SYMLINK_FOLLOW)
	})
	if errors.Is(err, unix.ENOENT) {
		err = f.call("link", func() error { return unix.Linkat(fd, "", dir, name, unix.AT_EMPTY_PATH) })
	}
	if isUnsupported(err) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EACCES) {
		return errNoUnnamed
	}
	return err
}

// preallocate reserves size bytes for file. Writing is cheaper then, since the
// file system need not look for room page by page (3 ms instead of 4.5 ms of
// CPU for 12 MB on ext4), and a full disk shows before anything is written.
func (f folder) preallocate(file *os.File, size int64) error {
	err := f.call("allocate", func() error { return unix.Fallocate(int(file.Fd()), 0, 0, size) })
	for _, fatal := range []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG, unix.EIO} {
		if errors.Is(err, fatal) {
			return err
		}
	}
	return nil // or a file system that does not reserve
}

// directUnit is the number of bytes that writes past the page cache come in;
// every disk takes it.
const directUnit = 4096

// writeAll writes data past the page cache where that works: nobody is about
// to read the file, and to copy 12 MB into fresh pages costs 2 ms of CPU. Where
// the file system does not take that, or not for all of it, the rest is written
// as usual.
func writeAll(file *os.File, data []byte) error {
	whole := len(data) &^ (directUnit - 1)
	if whole == 0 || setDirect(file, true) != nil {
		_, err := file.Write(data)
		return err
	}
	written, err := file.Write(data[:whole])
	if err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	if err := setDirect(file, false); err != nil {
		return err
	}
	if written < len(data) {
		_, err = file.Write(data[written:])
	}
	return err
}

// setDirect switches writing past the page cache on or off.
func setDirect(file *os.File, on bool) error {
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	flags &^= unix.O_DIRECT
	if on {
		flags |= unix.O_DIRECT
	}
	_, err = unix.FcntlInt(file.Fd(), unix.F_SETFL, flags)
	return err
}

func renameNoReplace(dir int, from, to string) error {
	return unix.Renameat2(dir, from, dir, to, unix.RENAME_NOREPLACE)
}
