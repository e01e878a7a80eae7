package hivefile

import (
	"errors"
	"fmt"
	"path/filepath"

	"hivepatch/hive/internal/overwrite"
)

// ErrHalfWritten is returned for a hive that lies there half written, because a
// save by pages was interrupted. Restore mends it.
var ErrHalfWritten = errors.New("the hive is half written")

// HalfWrittenError is ErrHalfWritten with what is known.
type HalfWrittenError struct {
	Path   string
	Backup string // path of the backup, or its name beside the hive; empty when it is not known
	Err    error  // why the save ended; nil when it is an earlier one
}

// Error says what happened and which file has the old hive.
func (e *HalfWrittenError) Error() string {
	text := fmt.Sprintf("%v: %s", ErrHalfWritten, e.Path)
	if e.Backup != "" {
		text += fmt.Sprintf(", the old one is %s", e.Backup)
	}
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + ": a save was interrupted"
}

// Unwrap returns ErrHalfWritten and the cause.
func (e *HalfWrittenError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrHalfWritten}
	}
	return []error{ErrHalfWritten, e.Err}
}

// RequireWhole returns a HalfWrittenError when data, the contents of the file at
// path or at least the first 512 bytes of them, is a hive that a save has left
// half written.
func RequireWhole(path string, data []byte) error {
	if mark, ok := overwrite.ReadMark(data); ok {
		return &HalfWrittenError{Path: path, Backup: mark.Backup}
	}
	return nil
}

// isBeside reports whether a mark names the backup as one in the folder of the
// hive. Only such a name is followed: the mark comes from a file that may lie.
func isBeside(backup string) bool {
	return backup != "" && filepath.Base(backup) == backup && validName(backup)
}
