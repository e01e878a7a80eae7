package hivefile

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// LoadIn reads the hive called name in root, with its logs, as Load does with a
// path. No symbolic link or junction leads out of root, neither from the hive
// nor from the logs beside it; those are looked for beside name itself, which
// should therefore lead over no link. Paths in the result begin with the path
// of root. LoadOptions.Logs are paths of the user's own and not held to root.
//
// It returns the errors of Load; a link that leads out of root is an error of
// the operating system's kind.
func LoadIn(root *os.Root, name string, options LoadOptions) (*File, error) {
	source, err := ReadFileIn(root, name)
	if err != nil {
		return nil, err
	}
	found, err := FindLogsIn(root, name)
	if err != nil {
		return nil, err
	}
	var beside []string
	for _, log := range found {
		beside = append(beside, log.Path)
	}
	return open(source, beside, func(log string) (*Source, error) { return ReadFileIn(root, log) }, options)
}

// ReadFileIn reads the regular file called name in root, as ReadFile does with
// a path, and returns its errors. Path is that of root and name, joined.
func ReadFileIn(root *os.Root, name string) (*Source, error) {
	file, err := OpenFileIn(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // nothing was written that a failure could lose
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	data, err := readRegular(file, info, MaxSize)
	if err != nil {
		return nil, describeInUse(err)
	}
	return &Source{Path: filepath.Join(root.Name(), name), Data: data, Info: info}, nil
}

// OpenFileIn opens the regular file called name in root for reading. It returns
// ErrNotRegular for anything else, without waiting for the other end of a pipe
// even if name becomes one at the last moment, ErrInUse when Windows has the
// file locked, and the error of the operating system otherwise.
func OpenFileIn(root *os.Root, name string) (*os.File, error) {
	return openIn(root, name, requireRegular)
}

// OpenFolderIn opens the folder called name in root, to list it. It returns the
// error of the operating system for anything else, and does not wait either.
func OpenFolderIn(root *os.Root, name string) (*os.File, error) {
	return openIn(root, name, func(path string, info fs.FileInfo) error {
		if !info.IsDir() {
			return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	})
}

// openIn opens what is called name in root, if it passes require, which is
// asked before, because opening a device may do something, and afterwards.
func openIn(root *os.Root, name string, require func(path string, info fs.FileInfo) error) (*os.File, error) {
	path := filepath.Join(root.Name(), name)
	info, err := root.Stat(name)
	if err != nil {
		return nil, describeInUse(err)
	}
	if err := require(path, info); err != nil {
		return nil, err
	}
	file, err := root.OpenFile(name, os.O_RDONLY|doNotWait, 0)
	if err != nil {
		return nil, describeInUse(err)
	}
	if info, err = file.Stat(); err == nil {
		err = require(path, info)
	}
	if err != nil {
		_ = file.Close() // it was not read
		return nil, err
	}
	return file, nil
}

// FindLogsIn lists the logs of the hive called name in root, as FindLogs does
// with a path, and returns its errors. The paths are below root.
func FindLogsIn(root *os.Root, name string) ([]LogFile, error) {
	return findLogsBeside(name, func(folder string) (*os.File, error) { return OpenFolderIn(root, folder) })
}
