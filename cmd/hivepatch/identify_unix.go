//go:build unix

package main

import "golang.org/x/sys/unix"

// fileIdentity tells files apart, whatever their names.
type fileIdentity struct{ device, number uint64 }

// identify returns the identity of the file that a path leads to, nil where it
// leads to none.
func identify(path string) any {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return nil
	}
	return fileIdentity{uint64(stat.Dev), stat.Ino}
}
