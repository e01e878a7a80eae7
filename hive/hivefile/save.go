package hivefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// SaveOptions says how WriteNew saves. The zero value creates a new file.
type SaveOptions struct {
	// Overwrite allows that an existing regular file is replaced. Its mode,
	// owner and attributes are not carried over.
	Overwrite bool
	// Perm holds the permission bits that the file gets, whatever the umask.
	// 0 stands for 0666 cut by the umask. Windows ignores it: there the file
	// inherits the access control list of its folder.
	Perm fs.FileMode
	// Inputs are the files that were read, hive and logs. None of them is ever
	// replaced.
	Inputs []*Source
}

// WriteNew saves data as the file at path, all or nothing: at any moment, and
// after a crash or a kill, path is what it was before or complete, and when
// WriteNew returns without an error it is complete on the disk. After an error
// there is no new file, an old one is as it was, and no temporary file is left.
// The one exception is an old file whose replacement succeeded but could not be
// made durable; the error says so.
//
// On Linux the data goes into a file without a name, which the kernel removes
// when the program dies, and gets its name at the end. Where a file system
// cannot do that, on other systems, and for an instant when an old file is
// replaced, the file has a temporary name in the same folder:
// .NAME.hivepatch-XXXXXXXXXX, with ten random letters and digits. If the
// program is killed, such a file may stay behind. It is never read, and may be
// deleted. On file systems that have neither hard links nor a rename that
// refuses to replace, a kill may also leave an empty file at path.
//
// It returns ErrIsInput when path leads to one of opts.Inputs by its spelling,
// a link, or a name that Windows would take for the same; ErrNotRegular when
// path is a folder, a device, a pipe or a symbolic link, which are neither
// replaced nor written through; ErrExists when it is there and opts.Overwrite
// does not allow to replace it; an error that is fs.ErrNotExist when its folder
// is missing; ErrInUse when Windows has it locked; and the error of the
// operating system otherwise.
func WriteNew(path string, data []byte, opts SaveOptions) error {
	out, err := newOutput(path, opts)
	if err != nil {
		return err
	}
	return out.save(whole(data))
}

// CheckNew returns the error with which WriteNew would fail for a file at path, as
// far as that can be known: it also makes an empty temporary file in the folder
// and removes it.
func CheckNew(path string, opts SaveOptions) error {
	out, err := newOutput(path, opts)
	if err != nil {
		return err
	}
	temp := filepath.Join(out.folder, out.tempName())
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &fs.PathError{Op: "create", Path: path, Err: errors.Unwrap(err)}
	}
	_ = file.Close() // nothing was written
	if err := os.Remove(temp); err != nil {
		return fmt.Errorf("a temporary file is left: %w", err)
	}
	return nil
}

// WriteStream writes data to out, which is meant to be the standard output. It
// returns ErrIsInput when out is one of inputs, which a shell can bring about
// by appending, and the error of out otherwise.
func WriteStream(out io.Writer, data []byte, inputs []*Source) error {
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		for _, input := range inputs {
			if input.is(info) {
				return fmt.Errorf("%w: %s", ErrIsInput, input.describe())
			}
		}
	}
	_, err := out.Write(data)
	return err
}

// output is a file to be saved, after the checks that need no writing.
type output struct {
	path    string // as given
	folder  string
	name    string // within folder
	replace bool   // there is an old file, and it may be replaced
	perm    fs.FileMode
}

func newOutput(path string, opts SaveOptions) (*output, error) {
	folder, name := filepath.Split(path)
	if folder == "" {
		folder = "."
	}
	out := &output{path: path, folder: folder, name: name, perm: opts.Perm.Perm()}
	if !validName(name) {
		return nil, fmt.Errorf("%w: output %q does not name a file", ErrNotRegular, path)
	}
	if err := out.checkFolder(opts.Inputs); err != nil {
		return nil, err
	}
	if err := out.checkOld(opts); err != nil {
		return nil, err
	}
	return out, nil
}

// validName refuses what is no name of a file in a folder: nothing, "." and
// "..", and on Windows devices (NUL, COM1) and alternate streams (name:stream).
func validName(name string) bool {
	return name != "" && name != "." && name != ".." && filepath.IsLocal(name)
}

// checkFolder requires that the folder is there, and that the output has not
// the name of an input beside it but for the case of its letters: on a volume
// of Windows that is the same file even where the running system has it apart.
func (o *output) checkFolder(inputs []*Source) error {
	info, err := os.Stat(o.folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("output folder is missing: %w", err)
	case err != nil:
		return fmt.Errorf("output folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("output folder %s is not a folder", o.folder)
	}
	for _, input := range inputs {
		if input.hasName(info, o.name) {
			return fmt.Errorf("%w: %s and %s are one name on a Windows volume", ErrIsInput, o.path, input.describe())
		}
	}
	return nil
}

// checkOld looks at what is at the path already.
func (o *output) checkOld(opts SaveOptions) error {
	info, err := os.Lstat(o.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	end := info // a link is refused in any case; where it leads decides why
	if info.Mode()&fs.ModeSymlink != 0 {
		if end, err = os.Stat(o.path); err != nil {
			end = info
		}
	}
	for _, input := range opts.Inputs {
		if input.is(end) {
			return fmt.Errorf("%w: %s is the same file as %s", ErrIsInput, o.path, input.describe())
		}
	}
	if err := requireRegular(o.path, info); err != nil {
		return err
	}
	if !opts.Overwrite {
		return fmt.Errorf("%w: %s", ErrExists, o.path)
	}
	o.replace = true
	return nil
}

// is reports whether info is the file that was read, or the one that has its
// path by now.
func (s *Source) is(info fs.FileInfo) bool {
	if s.Info != nil && os.SameFile(s.Info, info) {
		return true
	}
	if s.Path == "" {
		return false
	}
	now, err := os.Stat(s.Path)
	return err == nil && os.SameFile(now, info)
}

// hasName reports whether s is in the folder, under a name that Windows takes
// for the same as name.
func (s *Source) hasName(folder fs.FileInfo, name string) bool {
	if s.Path == "" {
		return false
	}
	paths := []string{s.Path}
	if info, err := os.Lstat(s.Path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(s.Path); err == nil {
			paths = append(paths, real)
		}
	}
	for _, path := range paths {
		dir, base := filepath.Split(path)
		if dir == "" {
			dir = "."
		}
		if !sameName(base, name) {
			continue
		}
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, folder) {
			return true
		}
	}
	return false
}

func (s *Source) describe() string {
	if s.Path == "" {
		return "the input"
	}
	return s.Path
}

// discard adds to err that the file name, which was to be removed, is still
// there because of removeErr, if it is.
func discard(err error, name string, removeErr error) error {
	if removeErr == nil {
		return err
	}
	return fmt.Errorf("%w (and %s is left: %w)", err, name, removeErr)
}

// appeared is the error for an output that was not there when it was checked.
func (o *output) appeared() error {
	return fmt.Errorf("%w: %s appeared while it was being saved", ErrExists, o.path)
}

// tempName returns a name that nobody can foresee, and that is not longer than
// any file system allows.
func (o *output) tempName() string {
	const most = 100 // bytes of the name; the whole is 22 longer
	name := o.name
	if len(name) > most {
		end := most
		for end > most-utf8.UTFMax && !utf8.RuneStart(name[end]) {
			end--
		}
		name = name[:end]
	}
	return "." + name + ".hivepatch-" + rand.Text()[:10]
}
