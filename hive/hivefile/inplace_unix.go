//go:build unix

package hivefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// refusedError is why a file cannot be replaced by another one here, although
// it might be written to. Nothing has been done then.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// refusal makes a refusedError of an error of the file system that means that.
func refusal(err error) error {
	if isRefusal(err) {
		return &refusedError{err}
	}
	return err
}

// isRefusal reports whether err is one with which file systems answer what they
// cannot do, or not here, or not for this user.
func isRefusal(err error) bool {
	for _, no := range []error{unix.EACCES, unix.EXDEV, unix.EBUSY, unix.EOVERFLOW} {
		if errors.Is(err, no) {
			return true
		}
	}
	return isUnsupported(err)
}

// place puts the new hive in place in the first of the two ways that is possible.
func (r *replacement) place() error {
	if err := requireWritable(r.lock.path); err != nil {
		return err
	}
	why, err := r.whyPages()
	if err == nil && why == "" {
		err = r.placeFile()
		if refused, ok := errors.AsType[*refusedError](err); ok {
			why, err = refused.Error(), r.takeBack(nil)
		}
	}
	if err != nil || why == "" {
		return err
	}
	return r.placePages(why)
}

// repeat does a system call again as long as a signal interrupts it.
func repeat(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// whyPages says why the hive cannot be replaced by another file, as far as that
// can be told without trying, or "".
func (r *replacement) whyPages() (string, error) {
	if kind := attributesOutOfReach(r.lock.file); kind != "" {
		return "the attributes that Windows keeps for the hive cannot be reached through " + kind, nil
	}
	switch name, err := ownAttribute(r.lock.file); {
	case err != nil:
		return "", err
	case name != "":
		return "the hive has the attribute " + name + ", which no other file can have", nil
	}
	count := names(r.info)
	if count < 2 {
		return "", nil
	}
	own, err := r.leftovers()
	if err != nil || count == uint64(1+len(own)) {
		return "", err
	}
	return fmt.Sprintf("the hive has %d names, and would keep one of them only", count), nil
}

// names is the number of names that a file has.
func names(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

// placeFile replaces the hive by a new file. It returns a refusedError when the
// file system does not let it, or does not let the new file have all that the
// old one has.
func (r *replacement) placeFile() error {
	r.placed.Way = WayReplace
	folder, name := filepath.Split(r.lock.path)
	if folder == "" {
		folder = "."
	}
	dir, err := os.Open(folder)
	if err != nil {
		return refusal(err)
	}
	defer dir.Close() // was synced
	f := openedFolder(dir, r.lock.path, folder, name)
	file, temp, err := r.newFile(f)
	if err != nil {
		return err
	}
	if err := r.exchange(f, file, temp); err != nil {
		return err
	}
	if err := f.dir.Sync(); err != nil && !isUnsupported(err) {
		r.made = nil // the backup is what remains of the old hive
		return fmt.Errorf("%s has been replaced, but may be the old file after a crash: %w", r.lock.path, err)
	}
	return nil
}

func openedFolder(dir *os.File, path, folderPath, name string) folder {
	return folder{output: &output{path: path, folder: folderPath, name: name, replace: true, perm: 0o600}, dir: dir}
}

// newFile makes a file that is complete, with all that belongs to the old one,
// and is on the disk. It has a temporary name, or none yet.
func (r *replacement) newFile(f folder) (file *os.File, temp string, err error) {
	file, err = f.openUnnamed()
	if err != nil {
		return r.newNamedFile(f)
	}
	if err := r.fill(f, file); err != nil {
		_ = file.Close() // nobody needs it
		return nil, "", err
	}
	return file, "", nil
}

func (r *replacement) newNamedFile(f folder) (file *os.File, temp string, err error) {
	temp = f.tempName()
	if file, err = f.open(temp, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW); err != nil {
		return nil, "", refusal(err)
	}
	if err := r.fill(f, file); err != nil {
		_ = file.Close() // nobody needs it
		return nil, "", f.discard(err, temp)
	}
	return file, temp, nil
}

func (r *replacement) fill(f folder, file *os.File) error {
	if err := f.preallocate(file, int64(len(r.data))); err != nil {
		return err
	}
	if err := writeAll(file, r.data); err != nil {
		return err
	}
	if err := keep(r.lock.file, file); err != nil {
		return refusal(err)
	}
	return file.Sync()
}

// exchange makes the backup and has the new file, complete by now, replace the
// hive. The lock takes over the file, or it is closed.
func (r *replacement) exchange(f folder, file *os.File, temp string) error {
	if !r.options.NoBackup && !r.mending {
		if err := r.keepOld(false); err != nil {
			return f.abandon(err, file, temp)
		}
	}
	if temp == "" {
		name := f.tempName()
		switch err := f.link(file, name); {
		case errors.Is(err, errNoUnnamed):
			_ = file.Close() // another one takes its place
			if file, temp, err = r.newNamedFile(f); err != nil {
				return err
			}
		case err != nil:
			return f.abandon(err, file, temp)
		default:
			temp = name
		}
	}
	if err := r.prepare(); err != nil {
		return f.abandon(err, file, temp)
	}
	r.lock.pass(file)
	dir := int(f.dir.Fd())
	err := f.call("replace", func() error { return unix.Renameat(dir, temp, dir, f.name) })
	if err != nil {
		r.lock.keep()
		return f.discard(refusal(err), temp)
	}
	return nil
}

// abandon gives up, because of err, a file that is not to replace the hive.
func (f folder) abandon(err error, file *os.File, temp string) error {
	_ = file.Close() // nobody needs it
	if temp == "" {
		return err
	}
	return f.discard(err, temp)
}

// SyncFolder brings the names in a folder to the disk, where that can be asked
// for. It returns the error of the operating system.
func SyncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close() // only read
	if err := dir.Sync(); err != nil && !isUnsupported(err) {
		return err
	}
	return nil
}
