package hivefile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hivepatch/hive/check"
	"hivepatch/hive/internal/overwrite"
)

// ErrNoBackup is returned when there is no backup to restore a hive from.
var ErrNoBackup = errors.New("no backup of the hive")

// ErrUnsound is returned when a backup breaks rules of level F.
var ErrUnsound = errors.New("the backup is damaged")

// RestoreOptions says how a hive is restored.
type RestoreOptions struct {
	// Backup is the path of the file to restore from, with its logs beside it.
	// Where it is empty, that is the one that a half-written hive names, or the
	// newest beside the hive.
	Backup string
	// Force restores a backup that breaks rules of level F, or is dirty and
	// cannot be recovered from its logs.
	Force bool
	// DryRun has everything done but writing.
	DryRun bool
	Time   time.Time     // for the name of the backup of what is replaced
	Wait   time.Duration // how long to wait for another hivepatch
}

// Restored is what became of a hive that was restored.
type Restored struct {
	Placed            // Backup is what the hive was until now, empty for none
	From     string   // path of the backup
	Size     int64    // of the backup in bytes
	SHA256   [32]byte // of the backup
	Dirty    string   // why the backup needs its logs; empty for a clean one
	Counts   map[check.Level]int
	Changed  bool     // the hive or its logs are not what they were; in a dry run: would not be
	Mended   bool     // the hive was half written
	Created  bool     // there was no hive
	LogsPut  []string // paths of the logs that were put back
	LogsGone []string // paths of the logs that were emptied, since they belong to the later hive
}

// Restore puts a hive and its logs back as they are in a backup, all or nothing,
// in the way that SaveInPlace has. What was there until then becomes a backup
// itself, with its logs, unless it was half written. The logs of a later hive,
// which could be applied to the restored one some day, are emptied.
//
// It returns ErrNoBackup; hive.ErrNotHive, hive.ErrDirty and ErrUnsound for a
// backup that is no sound hive, of which options.Force overrides the last two;
// and the errors of SaveInPlace, of which ErrReadOnlyVolume comes before the
// backup is read.
func Restore(ctx context.Context, path string, options RestoreOptions) (*Restored, error) {
	if real, err := followLinks(path); err == nil {
		path = real
	}
	r := &restorer{options: options, path: path, result: &Restored{Placed: Placed{Path: path, Way: WayNone}}}
	lock, err := LockHive(ctx, path, options.Wait)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.result.Created = true
	case err != nil:
		return nil, err
	default:
		defer lock.Release()
	}
	r.lock = lock
	if err := r.choose(); err != nil {
		return nil, err
	}
	if err := r.requirePlace(); err != nil {
		return nil, err
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := r.planLogs(); err != nil {
		return nil, err
	}
	if err := r.put(ctx); err != nil {
		return nil, describeInUse(err)
	}
	return r.result, nil
}

// restorer is a hive on its way back.
type restorer struct {
	options RestoreOptions
	path    string
	lock    *Lock // nil where there is no hive
	result  *Restored

	backup   *File
	data     []byte
	logs     []logChange
	later    bool // the logs beside the hive go beyond the backup
	besides  []*Source
	finished int // how many of logs are done
}

// choose finds the backup.
func (r *restorer) choose() error {
	var half overwrite.Mark
	if r.lock != nil {
		var header [overwrite.HeaderSize]byte
		n, _ := r.lock.file.ReadAt(header[:], 0) // fewer are no mark
		half, r.result.Mended = overwrite.ReadMark(header[:n])
	}
	r.result.From = r.options.Backup
	if r.options.Backup != "" {
		return nil
	}
	backups, err := FindBackups(r.path)
	if err != nil {
		return err
	}
	if r.result.Mended {
		r.result.From, err = r.named(half, backups)
		return err
	}
	if len(backups) == 0 {
		return fmt.Errorf("%w: there is no %s beside %s", ErrNoBackup, filepath.Base(r.path)+".*"+backupSuffix, r.path)
	}
	r.result.From = backups[0].Path
	return nil
}

// requirePlace requires, before the backup is read, that it can be put in place.
func (r *restorer) requirePlace() error {
	switch {
	case r.options.DryRun:
		return nil
	case r.result.Created:
		return RequireFolder(r.path)
	case r.result.Mended: // of which no backup is made
		return describeReadOnly(describeInUse(requireWritable(r.path)))
	}
	return InPlaceOptions{}.requirePath(r.path)
}

// named finds the backup that a half-written hive names: by its name, or where
// it was renamed, by its contents.
func (r *restorer) named(half overwrite.Mark, backups []Backup) (string, error) {
	var paths []string
	if isBeside(half.Backup) {
		paths = append(paths, filepath.Join(filepath.Dir(r.path), half.Backup))
	}
	for _, backup := range backups {
		paths = append(paths, backup.Path)
	}
	for _, path := range paths {
		if sum, err := hashFile(path); err == nil && sum == half.Old {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w beside it: %w", ErrNoBackup, &HalfWrittenError{Path: r.path, Backup: half.Backup})
}

func hashFile(path string) (sum [sha256.Size]byte, err error) {
	info, err := os.Stat(path)
	if err == nil {
		err = requireRegular(path, info)
	}
	if err != nil {
		return sum, err
	}
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer file.Close() // only read
	hash := sha256.New()
	_, err = copyFile(hash, file)
	hash.Sum(sum[:0])
	return sum, err
}

// load reads the backup and requires that it is a sound hive.
func (r *restorer) load() error {
	options := LoadOptions{Tolerant: true}
	if r.options.Force {
		options.Recovery = RecoverIfPossible
	}
	file, err := Load(r.result.From, options)
	if err != nil {
		return fmt.Errorf("backup %s: %w", r.result.From, err)
	}
	r.backup = file
	r.result.Size, r.result.SHA256, r.result.Dirty = file.Size, file.SHA256, file.Dirty
	r.result.Counts = map[check.Level]int{}
	var first *check.Finding
	check.Bytes(file.Hive.Bytes(), func(f check.Finding) {
		if r.result.Counts[f.Level]++; f.Level == check.Fatal && first == nil {
			first = &f
		}
	})
	if first != nil && !r.options.Force {
		return fmt.Errorf("%w: %s: %s", ErrUnsound, r.result.From, first)
	}
	file.Hive = nil // recovery may have changed it
	source, err := ReadFile(r.result.From)
	if err != nil {
		return err
	}
	if sha256.Sum256(source.Data) != file.SHA256 {
		return fmt.Errorf("%w: %s", ErrChanged, r.result.From)
	}
	r.data = source.Data
	return RequireWhole(r.result.From, r.data)
}

// put does all that is left, or just looks whether there is something to do.
func (r *restorer) put(ctx context.Context) error {
	if r.result.Created {
		r.result.Changed = true
		if r.options.DryRun {
			return nil
		}
		return r.create()
	}
	p := &replacement{
		options: InPlaceOptions{Time: r.options.Time}, data: r.data, inputs: r.backup.Sources, mending: r.result.Mended,
		lock: r.lock, placed: &r.result.Placed, before: r.putLogs, undo: r.takeLogsBack,
	}
	if len(r.logs) > 0 || r.later {
		p.logs = r.besides
	}
	same, err := p.examine()
	if err != nil {
		return err
	}
	r.result.Changed = !same || len(r.logs) > 0
	if !same && p.logs == nil {
		if p.logs, err = r.neededLogs(p); err != nil {
			return err
		}
	}
	switch {
	case r.options.DryRun || !r.result.Changed:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case same:
		if err = p.keepOld(true); err == nil {
			err = p.prepare()
		}
	default:
		err = p.place()
	}
	if err != nil {
		return p.takeBack(err)
	}
	r.emptyLater(same)
	return nil
}

// neededLogs returns the logs of the hive that is replaced, if it needs them.
func (r *restorer) neededLogs(p *replacement) ([]*Source, error) {
	if p.mending || requireClean(r.path) == nil {
		return nil, nil
	}
	return r.besides, nil
}

// giveUp makes the logs, because of err, what they were.
func (r *restorer) giveUp(err error) error {
	if backErr := r.takeLogsBack(); backErr != nil {
		return fmt.Errorf("%w; %w", err, backErr)
	}
	return err
}

// create puts a hive where there is none: its logs first, which mean nothing
// without it.
func (r *restorer) create() error {
	if err := r.putLogs(); err != nil {
		return r.giveUp(err)
	}
	from, err := os.Open(r.result.From)
	if err != nil {
		return r.giveUp(err)
	}
	defer from.Close() // only read
	r.result.Way = WayReplace
	var lost error
	err = WriteNewFunc(r.path, func(out io.Writer) error {
		if _, err := out.Write(r.data); err != nil {
			return err
		}
		if file, ok := out.(*os.File); ok {
			lost = keep(from, file)
		}
		return nil
	}, SaveOptions{Perm: r.backup.Sources[0].Perm(), Inputs: r.backup.Sources})
	if err != nil {
		return r.giveUp(err)
	}
	if lost != nil {
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf("the hive has not all attributes of the backup: %v", lost))
	}
	r.emptyLater(false)
	return nil
}
