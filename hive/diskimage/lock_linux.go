package diskimage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// exclusiveDevice makes opening a block device fail that is mounted.
const exclusiveDevice = unix.O_EXCL

// QEMU tells others by locks on single bytes of an image what it does with it,
// and what it lets nobody else do: byte heldAt+n for what it does, refusedAt+n
// for what others may not do.
const (
	heldAt    = 100
	refusedAt = 200

	qemuReads   = 0 // and wants what it reads to make sense
	qemuWrites  = 1
	qemuResizes = 3
)

// lockBytes takes the locks that QEMU would take, and returns what keeps them
// from being taken.
func lockBytes(file *os.File, to access) (by string) {
	own := []int64{heldAt + qemuReads, refusedAt + qemuWrites, refusedAt + qemuResizes}
	others := []span{{heldAt + qemuWrites, 1}, {heldAt + qemuResizes, 1}, {refusedAt + qemuReads, 1}}
	if to == forWriting {
		own = append(own, heldAt+qemuWrites, refusedAt+qemuReads)
		others = []span{{0, 0}} // nobody may have any lock
	}
	for _, at := range own {
		lock := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: at, Len: 1}
		if err := ofd(file, unix.F_OFD_SETLK, &lock); isTaken(err) {
			return fmt.Sprintf("another program has a lock on its byte %d", at)
		}
	}
	for _, bytes := range others {
		lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: bytes.from, Len: bytes.length}
		if err := ofd(file, unix.F_OFD_GETLK, &lock); err == nil && lock.Type != unix.F_UNLCK {
			return describeLock(lock)
		}
	}
	if to == forWriting {
		return loopDevice(file)
	}
	return ""
}

// span is a run of bytes that may be locked; a length of 0 reaches to the end.
type span struct{ from, length int64 }

func ofd(file *os.File, command int, lock *unix.Flock_t) error {
	for {
		if err := unix.FcntlFlock(file.Fd(), command, lock); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func isTaken(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) }

func describeLock(lock unix.Flock_t) string {
	if lock.Start >= heldAt && lock.Start < heldAt+64 || lock.Start >= refusedAt && lock.Start < refusedAt+64 {
		return byQEMU
	}
	if lock.Pid > 0 {
		return fmt.Sprintf("process %d has a lock on it", lock.Pid)
	}
	return "another program has a lock on it"
}

// loopDevice returns which loop device has the file, if one has: the kernel
// takes no locks for it.
func loopDevice(file *os.File) (by string) {
	own, err := file.Stat()
	if err != nil {
		return ""
	}
	backing, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return ""
	}
	for _, name := range backing {
		path, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if info, err := os.Stat(strings.TrimSuffix(string(path), "\n")); err == nil && os.SameFile(own, info) {
			return "it is the loop device " + filepath.Base(filepath.Dir(filepath.Dir(name)))
		}
	}
	return ""
}
