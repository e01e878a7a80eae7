//go:build unix && !linux

package hivefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// Files without a name, reserving room and a rename that refuses to replace are
// used on Linux only.

func (f folder) saveUnnamed(content) error { return errNoUnnamed }

func (f folder) preallocate(*os.File, int64) error { return nil }

func renameNoReplace(int, string, string) error { return unix.ENOSYS }

func writeAll(file *os.File, data []byte) error {
	_, err := file.Write(data)
	return err
}
