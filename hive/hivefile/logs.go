package hivefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// LogFile is a transaction log that lies beside a hive.
type LogFile struct {
	Name string // as the folder spells it
	Path string // folder and name, for ReadFile
}

// logSuffixes are the endings of the logs of a hive, in the order in which
// FindLogs returns them. The third belongs to hives with a single log.
var logSuffixes = [...]string{".LOG1", ".LOG2", ".LOG"}

// folderBatch is the number of names that are read from a folder at a time.
const folderBatch = 1024

// FindLogs lists the logs of the hive at path: the files in its folder with the
// same name and the ending .LOG1, .LOG2 or .LOG, in any case, because Windows
// does not tell names apart by case. A .LOG beside a .LOG1 or .LOG2 is a
// leftover from before there were two logs and is left out. Where path is a
// symbolic link and no logs lie beside the link, those beside the file that it
// leads to are taken. The logs may be empty; they are not opened.
//
// It returns ErrAmbiguousLog when two names differ in case alone, and the error
// of the operating system when the folder cannot be listed.
func FindLogs(path string) ([]LogFile, error) {
	logs, err := findLogsBeside(path, openFolder)
	if err != nil || len(logs) > 0 {
		return logs, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || filepath.Clean(real) == filepath.Clean(path) {
		return nil, nil // a hive that is not there is the business of whoever reads it
	}
	return findLogsBeside(real, openFolder)
}

func openFolder(path string) (TreeFolder, error) { return os.Open(path) }

// findLogsBeside lists the logs in the folder of path, which open opens.
func findLogsBeside(path string, open func(folder string) (TreeFolder, error)) ([]LogFile, error) {
	folder := filepath.Dir(path)
	names, err := logNames(folder, filepath.Base(path), open)
	if err != nil {
		return nil, err
	}
	var logs []LogFile
	for i, name := range names {
		isSingle := i == len(names)-1
		if name == "" || isSingle && len(logs) > 0 {
			continue
		}
		logs = append(logs, LogFile{Name: name, Path: filepath.Join(folder, name)})
	}
	return logs, nil
}

// logNames returns the name in a folder, which open opens, for each of
// logSuffixes, or "".
func logNames(folder, base string, open func(folder string) (TreeFolder, error)) (names [len(logSuffixes)]string, err error) {
	dir, err := open(folder)
	if err != nil {
		return names, fmt.Errorf("cannot look for logs: %w", err)
	}
	defer dir.Close() // only read
	var wanted [len(logSuffixes)]string
	for i, suffix := range logSuffixes {
		wanted[i] = base + suffix
	}
	for {
		batch, err := dir.Readdirnames(folderBatch)
		for _, name := range batch {
			if !endsAsLog(name) {
				continue
			}
			for i := range wanted {
				if !sameName(name, wanted[i]) {
					continue
				}
				if names[i] != "" {
					return names, fmt.Errorf("%w: %s and %s in %s", ErrAmbiguousLog, names[i], name, filepath.Clean(dir.Name()))
				}
				names[i] = name
			}
		}
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return names, fmt.Errorf("cannot look for logs: %w", err)
		}
	}
}

// endsAsLog tells most other names apart at little cost, in a folder with many:
// only these characters are the last of one of logSuffixes, whatever the case.
func endsAsLog(name string) bool {
	switch name[max(0, len(name)-1):] { // an image may have a name that is empty
	case "1", "2", "g", "G":
		return true
	}
	return false
}

// sameName reports whether Windows would take a and b for the same name. Names
// that are no UTF-8 can only come from elsewhere; theirs must agree but for the
// case of ASCII letters, since EqualFold holds all broken bytes for equal.
func sameName(a, b string) bool {
	if utf8.ValidString(a) && utf8.ValidString(b) {
		return strings.EqualFold(a, b)
	}
	return asciiLower(a) == asciiLower(b)
}

func asciiLower(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}
