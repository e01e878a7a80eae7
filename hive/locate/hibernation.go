package locate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hivepatch/hive/hivefile"
)

// hibernationFile is the file in the root of a volume that Windows writes its
// memory to when it hibernates or shuts down with Fast Startup.
const hibernationFile = "hiberfil.sys"

// hibernationHeader is how much of that file is looked at, in bytes: the page
// that its header fills. Windows makes no shorter file where it has its memory;
// one on another volume stands for a hibernated Windows that uses that volume.
const hibernationHeader = 4096

// HibernationError is returned for a volume whose Windows is not shut down: it
// has its memory in a file, the registry with it, and goes on from there when it
// starts.
type HibernationError struct {
	Path   string // of hiberfil.sys
	Reason string // what shows it
	// Unclear is set where the file is none that Windows is known to leave.
	Unclear bool
}

// Error says what is in the file and what would become of a change.
func (e *HibernationError) Error() string {
	if e.Unclear {
		return fmt.Sprintf("%s: %s: it cannot be told whether Windows is hibernated", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s: %s: Windows is hibernated, or was shut down with Fast Startup; it has the registry in memory and would undo any change to the hives, or mix with it", e.Path, e.Reason)
}

// Hint says what to do.
func (e *HibernationError) Hint() string {
	return "start this Windows once more and shut it down for good: shutdown /s /t 0, or Shift and Shut down"
}

// CheckHibernation returns a HibernationError where the Windows of the volume is
// hibernated, or may be. The file that tells lies in the root of the volume,
// which is looked for above a Windows folder as long as that lies on the same
// volume.
func (v *Volume) CheckHibernation() error {
	switch {
	case v.whole:
		return checkHibernation(v.tree)
	case v.Layout == WindowsFolder:
		return checkHibernationAbove(v.Path, 1)
	case v.Layout == ConfigFolder:
		return CheckHibernationOf(filepath.Join(v.Path, string(System)))
	}
	return checkHibernation(v.tree)
}

// CheckHibernationOf is CheckHibernation for a hive that is given by its path.
// One that does not lie in a Windows is a copy, and not held to anything.
func CheckHibernationOf(path string) error {
	folder, levels, ok := levelsBelowRoot(path)
	if !ok {
		return nil
	}
	return checkHibernationAbove(folder, levels)
}

// LiesInWindows reports whether a path is that of a hive in the folder config of
// a Windows, or in the folder of a user, and not that of a copy.
func LiesInWindows(path string) bool {
	_, _, ok := levelsBelowRoot(path)
	return ok
}

// Levels of folders from that of all users down to those of their hives.
var userLevels = map[Kind][]int{NTUser: {1}, UsrClass: {len(usrClassPath) + 1, len(legacyClass) + 1}}

// levelsBelowRoot returns the folder of a hive, and how many levels it lies
// below the root of its volume, and false for a hive that lies elsewhere.
func levelsBelowRoot(path string) (folder string, levels int, ok bool) {
	folder, err := realFolder(filepath.Dir(path))
	if err != nil {
		return "", 0, false
	}
	if sameName(filepath.Base(folder), "config") && sameName(filepath.Base(filepath.Dir(folder)), "System32") {
		return folder, 3, true
	}
	kind, _ := ParseKind(filepath.Base(path))
	for _, levels := range userLevels[kind] {
		users := folder
		for range levels {
			users = filepath.Dir(users)
		}
		if name := filepath.Base(users); sameName(name, "Users") || sameName(name, "Documents and Settings") {
			return folder, levels + 1, true
		}
	}
	return "", 0, false
}

func realFolder(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// checkHibernationAbove looks at the folder that lies some levels above one, if
// it is on the same volume.
func checkHibernationAbove(path string, levels int) error {
	folder, err := realFolder(path)
	if err != nil {
		return err
	}
	below, err := os.Stat(folder)
	if err != nil {
		return err
	}
	for range levels {
		folder = filepath.Dir(folder)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil // not even the user's to read: what is given stands for itself
	}
	defer root.Close() // only read
	above, err := root.Stat(".")
	if err != nil || !sameVolume(below, above) {
		return nil
	}
	return checkHibernation(newTree(hivefile.FolderTree(root)))
}

func checkHibernation(t *tree) error {
	path, err := t.entry(".", hibernationFile)
	switch {
	case err != nil && notThere(err):
		return nil
	case err != nil:
		return &HibernationError{Path: t.full(hibernationFile), Reason: err.Error(), Unclear: true}
	}
	info, err := t.root.Lstat(path)
	if err == nil && info.IsDir() {
		return nil // somebody keeps Windows from making the file
	}
	unclear := func(reason string) error {
		return &HibernationError{Path: t.full(path), Reason: reason, Unclear: true}
	}
	file, err := t.root.OpenFile(path)
	switch {
	case errors.Is(err, hivefile.ErrInUse):
		return nil // by the Windows that runs, whose own hives are in use too
	case err != nil:
		return unclear(err.Error())
	}
	defer file.Close() // only read
	header, err := io.ReadAll(io.LimitReader(file, hibernationHeader))
	if err != nil {
		return unclear(err.Error())
	}
	if len(header) < hibernationHeader {
		return &HibernationError{Path: t.full(path), Reason: fmt.Sprintf("its %d bytes stand for the memory of a Windows on another volume", len(header))}
	}
	return judgeHibernation(t.full(path), header)
}

// judgeHibernation tells by the first page of the file: "hibr" for memory that
// waits, "wake" when it has been loaded, zeros when there is none.
func judgeHibernation(path string, header []byte) error {
	switch signature := string(bytes.ToLower(header[:4])); signature {
	case "wake":
		return nil
	case "hibr", "rstr", "link", "horm":
		return &HibernationError{Path: path, Reason: fmt.Sprintf("it begins with %q", header[:4])}
	}
	if len(bytes.Trim(header, "\x00")) == 0 {
		return nil
	}
	return &HibernationError{Path: path, Reason: fmt.Sprintf("it begins with %q, which is none of hibr, wake and zeros", header[:4]), Unclear: true}
}
