package diskimage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

// Place is where the hive called name lies in a volume, which is one of the
// image that a has opened. It is locked, and can be saved, where the image was
// opened for writing. Close does not close the image.
func (a *Access) Place(volume *NTFS, name string) hivefile.Place {
	return &hivePlace{access: a, volume: volume, name: name}
}

type hivePlace struct {
	access *Access
	volume *NTFS
	name   string
}

func (p *hivePlace) Name() string { return filepath.Join(p.volume.Name(), p.name) }

func (p *hivePlace) Load(options hivefile.LoadOptions) (*hivefile.File, error) {
	file, err := hivefile.LoadIn(p.volume, p.name, options)
	if err != nil {
		return nil, p.explain(err)
	}
	image, err := p.imageSource()
	if err != nil {
		return nil, err
	}
	file.Sources = append(file.Sources, image)
	return file, nil
}

// explain says of a file that is no hive, because it is too short for one, that
// it could not be written in place either.
func (p *hivePlace) explain(err error) error {
	if !errors.Is(err, hive.ErrNotHive) {
		return err
	}
	if _, mapErr := p.volume.Map(p.name); errors.Is(mapErr, ErrResident) {
		return fmt.Errorf("%w: %w", err, ErrResident)
	}
	return err
}

// imageSource is the image itself, which no output may replace.
func (p *hivePlace) imageSource() (*hivefile.Source, error) {
	info, err := os.Stat(p.access.Path())
	return &hivefile.Source{Path: p.access.Path(), Info: info}, err
}

func (p *hivePlace) Read() (*hivefile.Source, error) { return hivefile.ReadFileIn(p.volume, p.name) }

func (p *hivePlace) ReadLogs() ([]*hivefile.Source, error) {
	return hivefile.ReadLogsIn(p.volume, p.name)
}

// Lock has nothing to do: whoever has opened the image for writing has it alone.
func (p *hivePlace) Lock(context.Context, time.Duration) error { return nil }

func (p *hivePlace) Close() error { return nil }

// Save writes the pages of the hive that differ into the image, to where the
// file lies in it. A backup is made only where options name one: the journal is
// what makes up for an interrupted write. It returns the errors of NTFS.Map and
// Replacement.Write, ErrNoFolder, and hivefile.ErrExists for a backup that is
// there.
func (p *hivePlace) Save(ctx context.Context, file *hivefile.File, options hivefile.InPlaceOptions) (*hivefile.Placed, error) {
	placed := &hivefile.Placed{Path: p.Name(), Way: hivefile.WayNone}
	replacement, err := p.replacement(file)
	if err != nil {
		return nil, err
	}
	if options.Backup != "" {
		same, err := p.keep(placed, file, options.Backup)
		if err != nil || same {
			return placed, err
		}
	}
	written, err := replacement.Write(ctx)
	if err != nil {
		return nil, discardBackup(placed, fmt.Errorf("%s: %w", p.volume.Name(), err))
	}
	if len(written.Extents) > 0 {
		placed.Way = hivefile.WayImage
	}
	return placed, nil
}

// keep saves the hive as it is in the image at path, with the logs of a dirty
// one, and reports whether it is what it should become already.
func (p *hivePlace) keep(placed *hivefile.Placed, file *hivefile.File, path string) (same bool, err error) {
	old, err := p.Read()
	if err != nil {
		return false, err
	}
	if bytes.Equal(old.Data, file.Hive.Bytes()) {
		return true, nil
	}
	if placed.KeptLogs, err = file.KeepOld(old, path); err == nil {
		placed.Backup = path
	}
	return false, err
}

// discardBackup removes, because of err, the backup of a hive that is as it was.
func discardBackup(placed *hivefile.Placed, err error) error {
	if placed.Backup == "" || errors.Is(err, hivefile.ErrHalfWritten) {
		return err
	}
	for _, path := range append(placed.KeptLogs, placed.Backup) {
		if removeErr := os.Remove(path); removeErr != nil {
			err = fmt.Errorf("%w (and %s is left: %w)", err, path, removeErr)
		}
	}
	return err
}

func (p *hivePlace) replacement(file *hivefile.File) (*Replacement, error) {
	if p.access.Journal == "" {
		return nil, fmt.Errorf("%s: %w", p.access.Path(), ErrNoFolder)
	}
	at, err := p.volume.Map(p.name)
	if err != nil {
		return nil, err
	}
	return &Replacement{
		Disk: p.access.Disk(), Volume: p.volume.Volume().Offset, Name: filepath.ToSlash(p.name),
		Extents: at.Extents, Size: at.Size, Valid: at.Initialized, SHA256: file.SHA256,
		New: file.Hive.Bytes(), Journal: p.access.Journal,
	}, nil
}
