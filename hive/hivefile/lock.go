package hivefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrLocked is returned when another hivepatch is at work on the same hive and
// does not end in the time that was given it.
var ErrLocked = errors.New("another hivepatch is at work on the hive")

// Lock keeps every other hivepatch away from a hive. It is on the hive itself,
// so that no file lies beside it that a kill could leave, and ends with the
// program at the latest. Programs that know nothing of it are not kept away.
type Lock struct {
	path string   // of the hive, where its links lead
	file *os.File // the hive
	next *os.File // the file that has replaced it, locked too; or nil
	// unsupported is why the file system does not lock.
	unsupported error
}

// firstPause and longestPause are the times between two attempts to lock.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = 100 * time.Millisecond
)

// LockHive locks the hive at path, following symbolic links, for whoever is to
// load, edit and save it. While another one has it, it waits as long as wait
// says and no longer than ctx allows, and on Windows a moment for a hive that is
// not there, since it may be being replaced. It returns ErrLocked when that was in
// vain, ErrNotRegular when path is no file, ErrInUse when the running Windows
// has the hive, the error of ctx, and that of the operating system otherwise.
func LockHive(ctx context.Context, path string, wait time.Duration) (*Lock, error) {
	switch real, err := followLinks(path); {
	case err == nil:
		path = real
	case !errors.Is(err, fs.ErrNotExist): // else it may come back
		return nil, describeInUse(err)
	}
	deadline, patience := time.Now().Add(wait), time.Now().Add(comeBack)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		lock, err := tryLock(path)
		now := time.Now()
		left := deadline.Sub(now)
		switch {
		case lock != nil:
			return lock, nil
		case err == nil: // another program has it
			patience = now.Add(comeBack)
		case errors.Is(err, fs.ErrNotExist) && now.Before(patience):
			left = patience.Sub(now)
		default:
			return nil, describeInUse(err)
		}
		if left <= 0 {
			return nil, fmt.Errorf("%w: %s", ErrLocked, path)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}

// followLinks returns where a path leads whose last element is a symbolic link:
// that file is replaced, not the link.
func followLinks(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, err
	}
	return filepath.EvalSymlinks(path)
}

// tryLock returns nil while another program has the hive, and when the file
// that it had to wait for has been replaced by another.
func tryLock(path string) (*Lock, error) {
	// Before opening: opening a pipe would wait for its other end.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := requireRegular(path, info); err != nil {
		return nil, err
	}
	file, err := openShared(path)
	if err != nil {
		return nil, err
	}
	lock := &Lock{path: path, file: file}
	switch err := lockFile(file); {
	case errors.Is(err, errTaken):
		_ = file.Close() // was not even read
		return nil, nil
	case err != nil:
		lock.unsupported = err
	}
	if err := lock.requireSame(); errors.Is(err, ErrModified) {
		_ = file.Close()
		return nil, nil
	} else if err != nil {
		_ = file.Close()
		return nil, err
	}
	return lock, nil
}

// errTaken is returned by lockFile when another program has the lock.
var errTaken = errors.New("locked by another program")

// requireSame requires that the file that is locked is the one at the path.
func (l *Lock) requireSame() error {
	locked, err := l.file.Stat()
	if err != nil {
		return err
	}
	now, err := os.Lstat(l.path)
	if err != nil {
		return err
	}
	if !os.SameFile(locked, now) {
		return fmt.Errorf("%w: another file is at %s", ErrModified, l.path)
	}
	return nil
}

// pass has the lock go on to the file that is about to replace the hive, before
// it does where that is possible: others try to lock it as soon as it has the
// name. It takes the file over.
func (l *Lock) pass(next *os.File) {
	if errors.Is(lockFile(next), errTaken) { // where there are no locks, there were none before
		_ = next.Close() // another one was faster, and has it
		return
	}
	l.next = next
}

// keep takes back what pass did with a file that has not replaced the hive.
func (l *Lock) keep() {
	if l.next != nil {
		_ = l.next.Close() // nobody needs it
		l.next = nil
	}
}

// Release ends the lock.
func (l *Lock) Release() {
	_ = l.file.Close() // was only read
	if l.next != nil {
		_ = l.next.Close() // was synced
	}
}
