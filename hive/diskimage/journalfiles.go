package diskimage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hivepatch/hive/hivefile"
)

// osFiles are the files of the operating system.
type osFiles struct{}

func (osFiles) find(path string) (bool, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: %s is no regular file", ErrForeignJournal, path)
	}
	return true, nil
}

// create makes a file that nobody else may read: it has parts of a registry.
func (osFiles) create(path string) (journalFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: %s", ErrJournalExists, path)
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (f osFiles) open(path string) (journalFile, int64, error) {
	switch found, err := f.find(path); {
	case err != nil:
		return nil, 0, err
	case !found:
		return nil, 0, fmt.Errorf("%w: %s", ErrNoJournal, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close() // only read
		return nil, 0, err
	}
	return file, info.Size(), nil
}

func (f osFiles) remove(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return f.syncFolder(path)
}

func (osFiles) syncFolder(path string) error { return hivefile.SyncFolder(filepath.Dir(path)) }
