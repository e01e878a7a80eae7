// Package locate finds the registry hives of a Windows that lies in a folder:
// the root of its volume, its Windows folder, or the folder config in that.
//
//	volume, err := locate.Open("/mnt/win")
//	defer volume.Close()
//	candidate, err := volume.Find(locate.Query{Kind: locate.System})
//	file, err := volume.Load(candidate, hivefile.LoadOptions{})
//
// Nobody vouches for the volume. Everything is reached through a hivefile.Tree:
// no symbolic link and no junction leads out of the folder that was given, the
// number of names that are looked at is bounded, and what is no regular file is
// never opened. The volume may as well be one in the image of a disk: New takes
// any Tree. Where a name has two spellings, which a file system that tells
// them apart by case can hold, both are named and neither is taken.
//
// Names are compared as Windows does, without regard to case.
package locate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hivepatch/hive/hivefile"
)

// Layout is what kind of folder was given.
type Layout string

// Kinds of folders.
const (
	VolumeRoot    Layout = "volume"  // the root of a volume
	WindowsFolder Layout = "windows" // the folder that Windows lies in
	ConfigFolder  Layout = "config"  // the folder of the hives themselves
)

// Volume is a folder in which hives are looked for.
type Volume struct {
	Path   string // as given; the name of a tree
	Layout Layout

	tree   *tree
	whole  bool      // nothing of the volume lies above the tree
	folder io.Closer // that Open has opened; nil for none
}

// Open opens a folder and finds out which kind it is. It returns the error of
// the operating system when there is no such folder.
func Open(path string) (*Volume, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the folder: %w", err)
	}
	v := New(hivefile.FolderTree(root))
	v.folder, v.whole = root, false
	return v, nil
}

// New finds out what kind of folder the root of a tree is, above which there is
// nothing more of its volume. It is used as long as the Volume is; Close does not
// close it.
func New(root hivefile.Tree) *Volume {
	v := &Volume{Path: root.Name(), tree: newTree(root), whole: true}
	v.Layout = v.layout()
	return v
}

// Close closes the folder that Open has opened.
func (v *Volume) Close() error {
	if v.folder == nil {
		return nil
	}
	return v.folder.Close()
}

// layout tells the kinds of folders apart by what is in them. What cannot be
// read, or has two spellings, is found again and reported by those who look for
// hives.
func (v *Volume) layout() Layout {
	installations, _ := v.installations()
	for _, i := range installations {
		if !i.Leftover && v.hasConfig(i.Path) {
			return VolumeRoot
		}
	}
	if v.hasConfig(".") {
		return WindowsFolder
	}
	for _, kind := range configKinds {
		if found, err := v.tree.lookUp(".", string(kind)); err == nil && v.isConfigFile(found[0]) {
			return ConfigFolder
		}
	}
	return VolumeRoot
}

func (v *Volume) hasConfig(windows string) bool {
	_, err := v.tree.descend(windows, configPath...)
	return err == nil || errors.As(err, new(*AmbiguousError))
}

// isConfigFile reports whether there is a file, and no folder, of a name that a
// hive in config has: a volume may well have a folder named System.
func (v *Volume) isConfigFile(names []string) bool {
	for _, name := range names {
		if info, err := v.tree.root.Lstat(name); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

// FullPath is the path of something in the volume, beginning with that of the
// volume.
func (v *Volume) FullPath(path string) string { return filepath.Join(v.Path, path) }

// Tree is what the paths of candidates are in.
func (v *Volume) Tree() hivefile.Tree { return v.tree.root }

// Load reads the hive that a candidate is, with its logs. It never follows a
// link out of the volume, even if one has been put there since the candidate
// was found. It returns the candidate's Err, and the errors of hivefile.LoadIn.
func (v *Volume) Load(c *Candidate, options hivefile.LoadOptions) (*hivefile.File, error) {
	if c.Err != nil {
		return nil, c.Err
	}
	return hivefile.LoadIn(v.tree.root, c.Path, options)
}
