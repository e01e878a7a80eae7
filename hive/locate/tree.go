package locate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

// Bounds of the work that a volume can cause. A Windows folder has thousands of
// names, a server thousands of users; only what somebody has prepared has more.
const (
	mostNames = 4 << 20 // that are read from folders, in all
	mostLinks = 40      // that follow each other
	nameBatch = 1024    // that are read from a folder at a time
)

// tree looks things up in a volume. Its paths are relative to the root and lead
// over no links.
type tree struct {
	root hivefile.Tree
	left int // names that may still be read
}

func newTree(root hivefile.Tree) *tree { return &tree{root: root, left: mostNames} }

// full is the path of something in the tree for messages.
func (t *tree) full(path string) string { return filepath.Join(t.root.Name(), path) }

// each calls visit for each name in a folder.
func (t *tree) each(folder string, visit func(name string)) error {
	dir, err := t.root.OpenFolder(folder)
	if err != nil {
		return err
	}
	defer dir.Close() // only read
	for {
		names, err := dir.Readdirnames(nameBatch)
		if t.left -= len(names); t.left < 0 {
			return fmt.Errorf("%s: %w", t.full(folder), ErrTooMany)
		}
		for _, name := range names {
			visit(name)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// lookUp returns, for each of the names, how it is spelled in a folder: not at
// all, once, or several times where the file system tells names apart by case.
func (t *tree) lookUp(folder string, names ...string) ([][]string, error) {
	found := make([][]string, len(names))
	err := t.each(folder, func(name string) {
		for i, wanted := range names {
			if len(found[i]) < mostSpellings && sameName(name, wanted) {
				found[i] = append(found[i], name)
			}
		}
	})
	return found, err
}

// mostSpellings of a name that are remembered, all of which go into a message.
const mostSpellings = 8

// sameName reports whether Windows takes a name in a folder for one that is
// looked for. Nearly all names that are looked for are ASCII, and no name of
// another length is the same as one of those.
func sameName(name, wanted string) bool {
	if strings.IndexFunc(wanted, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return hive.EqualNames(name, wanted)
	}
	return len(name) == len(wanted) && strings.EqualFold(name, wanted)
}

// entry returns the path of the one thing in a folder that has a name. It
// returns an error that wraps fs.ErrNotExist, an AmbiguousError, or the errors
// of follow.
func (t *tree) entry(folder, name string) (string, error) {
	found, err := t.lookUp(folder, name)
	if err != nil {
		return "", err
	}
	return t.only(folder, name, found[0])
}

// only returns the path of the one spelling that there is of a name.
func (t *tree) only(folder, name string, spellings []string) (string, error) {
	switch len(spellings) {
	case 0:
		return "", fmt.Errorf("%s: %w", t.full(filepath.Join(folder, name)), fs.ErrNotExist)
	case 1:
		return t.follow(filepath.Join(folder, spellings[0]))
	}
	return "", t.ambiguous("spelling of "+name, folder, spellings)
}

func (t *tree) ambiguous(what, folder string, names []string) error {
	e := &AmbiguousError{What: what}
	for _, name := range names {
		e.Paths = append(e.Paths, t.full(filepath.Join(folder, name)))
	}
	return e
}

// descend returns the path that leads from a folder over names, with the errors
// of entry.
func (t *tree) descend(path string, names ...string) (string, error) {
	var err error
	for _, name := range names {
		if path, err = t.entry(path, name); err != nil {
			return "", err
		}
	}
	return path, nil
}

// follow returns the path that a path leads to when all links are followed. So
// it can be handed to programs that know nothing of this tree. It returns
// ErrOutside and ErrLinkLoop, with the name of the link.
func (t *tree) follow(path string) (string, error) {
	names, links := components(path), 0
	path = "."
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if name == ".." {
			if path == "." {
				return "", fmt.Errorf("%w: it goes above %s", ErrOutside, t.root.Name())
			}
			path = filepath.Dir(path)
			continue
		}
		path = filepath.Join(path, name)
		target, err := t.readLink(path)
		if err != nil {
			return "", err
		}
		if target == "" {
			continue
		}
		if links++; links > mostLinks {
			return "", fmt.Errorf("%s: %w", t.full(path), ErrLinkLoop)
		}
		names = append(components(target), names...)
		path = filepath.Dir(path)
	}
	return path, nil
}

// readLink returns where a link leads, relative to its folder, or "" for what
// is no link.
func (t *tree) readLink(path string) (string, error) {
	info, err := t.root.Lstat(path)
	if err != nil {
		return "", err
	}
	// A junction is irregular in Go, and so are some things of Windows' that
	// lead elsewhere in ways that Readlink does not know.
	if info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) == 0 {
		return "", nil
	}
	target, err := t.root.Readlink(path)
	switch {
	case err != nil:
		return "", err
	case filepath.IsAbs(target), filepath.VolumeName(target) != "", target == "", os.IsPathSeparator(target[0]):
		return "", fmt.Errorf("%s: %w: it is absolute, %q", t.full(path), ErrOutside, target)
	}
	return target, nil
}

// components splits a path, without the names that lead nowhere. It does not
// take "x/.." for nothing, since x may be a link.
func components(path string) []string {
	names := strings.Split(filepath.ToSlash(path), "/")
	return slices.DeleteFunc(names, func(name string) bool { return name == "" || name == "." })
}
