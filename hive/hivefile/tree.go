package hivefile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Tree is a folder with all that lies below it, wherever that is: in a file
// system of the running machine, or in the image of a disk. Names are relative
// to it and in the form of package path/filepath; "." is the folder itself.
//
// Nobody vouches for what is in it. No name and no link leads out of a Tree: it
// fails to open what one that does is the way to. Errors of what is not there
// wrap fs.ErrNotExist.
type Tree interface {
	// Name is what messages call the tree, such as its path. Joined with a name
	// in it, it is what they call that.
	Name() string
	// Lstat describes what has a name, and not what that leads to where it is a
	// link. All that leads elsewhere has fs.ModeSymlink or fs.ModeIrregular.
	Lstat(name string) (fs.FileInfo, error)
	// Readlink returns where a link leads: from the folder that it is in, or as
	// an absolute path of package path/filepath.
	Readlink(name string) (string, error)
	// OpenFile opens a regular file for reading, over links that stay in the
	// tree. It returns ErrNotRegular for anything else, without waiting for the
	// other end of a pipe, and ErrInUse when Windows has the file locked.
	OpenFile(name string) (TreeFile, error)
	// OpenFolder opens a folder, to list it, over links that stay in the tree.
	// It returns an error for anything else.
	OpenFolder(name string) (TreeFolder, error)
}

// TreeFile is a regular file in a Tree.
type TreeFile interface {
	fs.File
	io.ReaderAt
}

// TreeFolder is a folder in a Tree.
type TreeFolder interface {
	// Name is what messages call the folder.
	Name() string
	// Readdirnames returns at most n names, n being positive, in any order, and
	// io.EOF when there are no more, as that of os.File does.
	Readdirnames(n int) ([]string, error)
	io.Closer
}

// FolderTree is the Tree below a folder of the running machine. It does not
// close root, and can be used as long as that is open.
func FolderTree(root *os.Root) Tree { return folderTree{root} }

// folderTree leaves it to os.Root that nothing leads out of it.
type folderTree struct{ *os.Root }

func (t folderTree) OpenFile(name string) (TreeFile, error) {
	file, err := t.open(name, requireRegular)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (t folderTree) OpenFolder(name string) (TreeFolder, error) {
	folder, err := t.open(name, requireListable)
	if err != nil {
		return nil, err
	}
	return folder, nil
}

func requireListable(path string, info fs.FileInfo) error {
	if !info.IsDir() {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	return nil
}

// open opens what is called name, if it passes require, which is asked before,
// because opening a device may do something, and afterwards: name may become a
// pipe at the last moment.
func (t folderTree) open(name string, require func(path string, info fs.FileInfo) error) (*os.File, error) {
	path := filepath.Join(t.Name(), name)
	info, err := t.Stat(name)
	if err != nil {
		return nil, describeInUse(err)
	}
	if err := require(path, info); err != nil {
		return nil, err
	}
	file, err := t.Root.OpenFile(name, os.O_RDONLY|doNotWait, 0)
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
