//go:build unix && !linux

package hivefile

import (
	"os"
	"syscall"
)

// keep gives file to the owner and the mode that from has. Extended attributes
// are kept on Linux only.
func keep(from, to *os.File) error {
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := to.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return err
		}
	}
	return to.Chmod(info.Mode())
}

func ownAttribute(*os.File) (string, error) { return "", nil }

func attributesOutOfReach(*os.File) string { return "" }

func (f folder) openUnnamed() (*os.File, error) { return nil, errNoUnnamed }

func (f folder) link(*os.File, string) error { return errNoUnnamed }
