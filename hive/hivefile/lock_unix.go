//go:build unix

package hivefile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// comeBack is how long a hive is waited for that is not there: rename leaves no
// moment without one.
const comeBack = 0

func openShared(path string) (*os.File, error) { return os.Open(path) }

// lockFile locks a file until it is closed. It returns errTaken when another
// program has it, and another error where the file system has no locks.
func lockFile(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return errTaken
		}
		return err
	}
}
