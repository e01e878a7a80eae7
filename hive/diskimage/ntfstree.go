package diskimage

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/internal/regf"
)

// mostLinks is how many links may follow each other on a path.
const mostLinks = 40

// mostKnown is how many names are remembered with what they stand for.
const mostKnown = 4096

// place is a name in a folder.
type place struct {
	folder int64 // number of its file record
	name   string
}

var _ hivefile.Tree = (*NTFS)(nil)

// Name is what messages call the volume.
func (n *NTFS) Name() string { return n.volume.String() }

// Lstat describes a file or folder, and a link as such. Like all of NTFS it
// returns an error that wraps fs.ErrNotExist for what is not there, a
// FormatError for damage, and ErrTooMuchWork.
func (n *NTFS) Lstat(name string) (fs.FileInfo, error) {
	info, err := n.lstat(name)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: n.full(name), Err: err}
	}
	return info, nil
}

func (n *NTFS) lstat(name string) (*fileInfo, error) {
	r, err := n.walk(components(name))
	if err != nil {
		return nil, err
	}
	return n.describe(filepath.Base(name), r)
}

// Readlink returns where a symbolic link or junction leads.
func (n *NTFS) Readlink(name string) (string, error) {
	r, err := n.walk(components(name))
	if err == nil {
		var target string
		if target, err = n.target(r); err == nil {
			return target, nil
		}
	}
	return "", &fs.PathError{Op: "readlink", Path: n.full(name), Err: err}
}

// full is the path of something on the volume for messages.
func (n *NTFS) full(name string) string { return filepath.Join(n.Name(), name) }

// components splits a path, without the names that lead nowhere.
func components(path string) []string {
	var names []string
	for name := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}

// walk returns the record of what a path from the root names. It follows no
// links.
func (n *NTFS) walk(names []string) (*record, error) {
	r, err := n.record(reference{number: recordRoot})
	for _, name := range names {
		if err != nil {
			return nil, err
		}
		if !r.folder || name == ".." {
			return nil, fs.ErrNotExist
		}
		var ref reference
		if ref, err = n.lookUp(r, name); err == nil {
			r, err = n.record(ref)
		}
	}
	return r, err
}

// lookUp finds a name in a folder: as it is spelled, else one that differs in
// case alone.
func (n *NTFS) lookUp(folder *record, name string) (reference, error) {
	at := place{folder.number, name}
	n.mutex.Lock()
	known, ok := n.known[at]
	n.mutex.Unlock()
	if ok {
		return known, nil
	}
	wanted, err := regf.NewName(name)
	if err != nil {
		return reference{}, fs.ErrNotExist // no name that a file can have
	}
	var exact, similar *reference
	err = n.eachName(folder, func(e entry) bool {
		switch {
		case e.name == name:
			exact = &e.reference
		case similar == nil && sameName(wanted, e.name):
			similar = &e.reference
		}
		return exact == nil
	})
	if exact == nil {
		exact = similar
	}
	switch {
	case err != nil:
		return reference{}, err
	case exact == nil:
		return reference{}, fs.ErrNotExist
	}
	n.remember(at, *exact)
	return *exact, nil
}

func sameName(wanted regf.Name, name string) bool {
	other, err := regf.NewName(name)
	return err == nil && wanted.Len() == other.Len() && wanted.Compare(other) == 0
}

func (n *NTFS) remember(at place, ref reference) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if len(n.known) >= mostKnown {
		clear(n.known)
	}
	n.known[at] = ref
}

// resolve returns the record that a path leads to over the links in it, as long
// as they stay on the volume, and the path without links.
func (n *NTFS) resolve(path string) (*record, *fileInfo, error) {
	left, walked, links := components(path), []string(nil), 0
	for {
		r, err := n.walk(walked)
		if err != nil {
			return nil, nil, err
		}
		info, err := n.describe(filepath.Base(path), r)
		if err != nil {
			return nil, nil, err
		}
		if info.mode&(fs.ModeSymlink|fs.ModeIrregular) != 0 {
			if links++; links > mostLinks {
				return nil, nil, fmt.Errorf("%w: more than %d links follow each other", fs.ErrInvalid, mostLinks)
			}
			target, err := n.target(r)
			if err == nil && len(walked) == 0 {
				err = r.wrong("the root of the volume is a link")
			}
			if err != nil {
				return nil, nil, err
			}
			if filepath.IsAbs(target) || filepath.VolumeName(target) != "" || strings.HasPrefix(target, string(filepath.Separator)) {
				return nil, nil, fmt.Errorf("%w: the link leads out of the volume, to %q", fs.ErrInvalid, target)
			}
			left = append(components(target), left...)
			walked = walked[:len(walked)-1]
			continue
		}
		if len(left) == 0 {
			return r, info, nil
		}
		if left[0] == ".." {
			if len(walked) == 0 {
				return nil, nil, fmt.Errorf("%w: the path leads out of the volume", fs.ErrInvalid)
			}
			walked, left = walked[:len(walked)-1], left[1:]
			continue
		}
		walked, left = append(walked[:len(walked):len(walked)], left[0]), left[1:]
	}
}

// OpenFolder opens a folder, to list it.
func (n *NTFS) OpenFolder(name string) (hivefile.TreeFolder, error) {
	r, info, err := n.resolve(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%w: it is no folder", fs.ErrInvalid)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: n.full(name), Err: err}
	}
	return &folder{volume: n, record: r, path: n.full(name)}, nil
}

// folder lists the names in a folder. They are read with the first call: they
// are no more than mostWork bytes have room for.
type folder struct {
	volume *NTFS
	record *record
	path   string
	read   bool
	names  []string
}

func (f *folder) Name() string { return f.path }
func (f *folder) Close() error { return nil }

func (f *folder) Readdirnames(most int) ([]string, error) {
	if !f.read {
		f.read = true
		err := f.volume.eachName(f.record, func(e entry) bool {
			f.names = append(f.names, e.name)
			return true
		})
		if err != nil {
			return nil, &fs.PathError{Op: "readdirnames", Path: f.path, Err: err}
		}
	}
	if len(f.names) == 0 {
		return nil, io.EOF
	}
	most = min(most, len(f.names))
	names := f.names[:most:most]
	f.names = f.names[most:]
	return names, nil
}
