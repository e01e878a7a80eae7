package hivefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// ErrReadOnlyVolume is returned when a file is to be written on a volume that is
// mounted read-only.
var ErrReadOnlyVolume = errors.New("the volume is mounted read-only")

// RequireFolder requires that the user may make a file in the folder of path. It
// is asked before the work begins, and writes nothing. It returns an error that
// is fs.ErrNotExist when there is no such folder, ErrReadOnlyVolume, one that is
// fs.ErrPermission, and the error of the operating system otherwise.
func RequireFolder(path string) error {
	err := requireWritableFolder(filepath.Dir(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("output folder is missing: %w", err)
	case err != nil:
		return fmt.Errorf("output folder: %w", describeReadOnly(err))
	}
	return nil
}

// RequirePlace requires that the user may replace the hive at a place: write to
// it, and make files where its backup goes. It is asked before the work begins,
// and writes nothing. It returns ErrReadOnlyVolume, an error that is
// fs.ErrPermission, ErrInUse when the running Windows has the hive, and the
// error of the operating system otherwise. A place that is no file of the
// running machine is not asked.
func (o InPlaceOptions) RequirePlace(place Place) error {
	switch place.(type) {
	case *filePlace, *treePlace:
		return o.requirePath(place.Name())
	}
	return nil
}

func (o InPlaceOptions) requirePath(path string) error {
	real, err := followLinks(path)
	if err == nil {
		path, err = real, requireWritable(real)
	}
	// A hive that is not there may come back until it is locked: see comeBack.
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return describeReadOnly(describeInUse(err))
	}
	// Even a hive that is written to page by page has a backup for that time. In
	// the folder of a hive whose backup goes elsewhere, there may be no files.
	backup := path
	if o.Backup != "" {
		backup = o.Backup
	}
	if err := requireWritableFolder(filepath.Dir(backup)); err != nil {
		return fmt.Errorf("folder for the backup: %w", describeReadOnly(err))
	}
	return nil
}

// describeReadOnly adds ErrReadOnlyVolume to the errors that mean it.
func describeReadOnly(err error) error {
	if errors.Is(err, errReadOnlyVolume) {
		return fmt.Errorf("%w: %w", ErrReadOnlyVolume, err)
	}
	return err
}
