//go:build unix

package diskimage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func openFile(path string, to access, device bool) (*os.File, error) {
	flag := os.O_RDONLY
	if to == forWriting {
		flag = os.O_RDWR
		if device {
			flag |= exclusiveDevice
		}
	}
	file, err := os.OpenFile(path, flag, 0)
	if device && errors.Is(err, unix.EBUSY) {
		return nil, &InUseError{Path: path, By: "it is mounted, or a part of another device"}
	}
	return file, err
}

// lockFile returns what keeps the file from being locked.
func lockFile(file *os.File, to access) (by string) {
	how := unix.LOCK_SH
	if to == forWriting {
		how = unix.LOCK_EX
	}
	for {
		switch err := unix.Flock(int(file.Fd()), how|unix.LOCK_NB); {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return "another hivepatch, or a program that locks like it, is at work on it"
		}
		return ""
	}
}
