package hivefile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Backup is a file that a hive was kept as.
type Backup struct {
	Path   string
	Time   time.Time // UTC, in whole seconds
	Number int       // 1, or more where several have the same time
}

const (
	backupTime   = "20060102T150405Z"
	backupSuffix = ".bak"
)

// backupName is the name of the backup of a hive, the number-th of its time.
func backupName(hive string, t time.Time, number int) string {
	name := hive + "." + t.UTC().Format(backupTime)
	if number > 1 {
		name += "-" + strconv.Itoa(number)
	}
	return name + backupSuffix
}

// ParseBackupName tells from the name of a backup, without its folder, the name
// of the hive. Path is left empty.
func ParseBackupName(name string) (hive string, backup Backup, ok bool) {
	rest := len(name) - len(backupSuffix)
	if rest < 0 || !strings.EqualFold(name[rest:], backupSuffix) {
		return "", Backup{}, false
	}
	rest = strings.LastIndexByte(name[:rest], '.') // before the time
	if rest < 1 {
		return "", Backup{}, false
	}
	stamp, digits, numbered := strings.Cut(name[rest+1:len(name)-len(backupSuffix)], "-")
	number := 1
	if numbered {
		var err error
		if number, err = strconv.Atoi(digits); err != nil || number < 2 || strconv.Itoa(number) != digits {
			return "", Backup{}, false
		}
	}
	t, err := time.Parse(backupTime, strings.ToUpper(stamp))
	if err != nil {
		return "", Backup{}, false
	}
	return name[:rest], Backup{Time: t, Number: number}, true
}

// FindBackups lists the backups beside the hive at path, the newest first,
// following symbolic links. The hive itself need not be there. It returns the
// error of the operating system when the folder cannot be listed.
func FindBackups(path string) ([]Backup, error) {
	if real, err := followLinks(path); err == nil {
		path = real
	}
	folder, base := filepath.Split(path)
	if folder == "" {
		folder = "."
	}
	dir, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot look for backups: %w", err)
	}
	defer dir.Close() // only read
	var found []Backup
	for {
		names, err := dir.Readdirnames(folderBatch)
		for _, name := range names {
			if hive, backup, ok := ParseBackupName(name); ok && sameName(hive, base) {
				backup.Path = filepath.Join(folder, name)
				found = append(found, backup)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cannot look for backups: %w", err)
		}
	}
	slices.SortFunc(found, func(a, b Backup) int {
		if order := b.Time.Compare(a.Time); order != 0 {
			return order
		}
		if a.Number != b.Number {
			return b.Number - a.Number
		}
		return strings.Compare(a.Path, b.Path)
	})
	return found, nil
}

// keepOld makes the backup and brings it to the disk. copied says that it must
// be a file of its own, because the hive will be written to.
func (r *replacement) keepOld(copied bool) error {
	keep := r.linkHive
	if copied {
		keep = r.copyHive
	}
	if r.options.Backup != "" {
		return r.keepAs(r.options.Backup, keep)
	}
	if !copied && len(r.logs) == 0 {
		if path, err := r.adopt(); err != nil || path != "" {
			r.placed.Backup = path
			return err
		}
	}
	_, err := r.freeName(func(path string) error { return r.keepAs(path, keep) })
	return err
}

// freeName calls try with one name for a backup beside the hive after the other,
// and returns the first for which it does not return ErrExists.
func (r *replacement) freeName(try func(path string) error) (string, error) {
	for number := 1; ; number++ {
		path := filepath.Join(r.folder(), backupName(filepath.Base(r.lock.path), r.options.Time, number))
		if err := try(path); !errors.Is(err, ErrExists) {
			return path, err
		}
	}
}

// requireNone returns ErrExists where there is a file at path.
func requireNone(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrExists, path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// keepAs makes the backup at path. Its logs come first, so that a backup that
// is there has them.
func (r *replacement) keepAs(path string, keep func(path string) error) error {
	if err := requireNone(path); err != nil {
		return err
	}
	mark := len(r.made)
	kept, err := r.keepLogs(path)
	if err == nil {
		err = keep(path)
	}
	if err == nil {
		r.note(path)
		err = SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		for _, log := range r.made[mark:] {
			err = discard(err, log, os.Remove(log))
		}
		r.made = r.made[:mark]
		return err
	}
	r.placed.Backup, r.placed.KeptLogs = path, kept
	return nil
}

// KeepOld saves a hive as it was on disk when f was loaded from it, old, as the
// backup at path, and the logs of a dirty one as PATH.LOG1 and so on, whose
// paths it returns: all or nothing. It returns ErrModified when old is not what
// was loaded, and the errors of WriteNew.
func (f *File) KeepOld(old *Source, path string) (keptLogs []string, err error) {
	r := f.replacement(InPlaceOptions{})
	r.placed = &Placed{}
	if is := (fingerprint{int64(len(old.Data)), sha256.Sum256(old.Data)}); is != *r.expected {
		return nil, fmt.Errorf("%w: %s", ErrModified, old.Path)
	}
	err = r.keepAs(path, func(path string) error {
		return WriteNew(path, old.Data, SaveOptions{Perm: old.Perm(), Inputs: r.inputs})
	})
	return r.placed.KeptLogs, err
}

// linkHive gives the old hive a second name, which it keeps when it is replaced.
func (r *replacement) linkHive(path string) error {
	err := os.Link(r.lock.path, path)
	switch {
	case err == nil:
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("%w: %s", ErrExists, path)
	case isRefusal(err):
		return r.copyHive(path)
	default:
		return err
	}
	linked, err := os.Lstat(path)
	if err == nil && !os.SameFile(linked, r.info) {
		err = fmt.Errorf("%w: another file is at %s", ErrModified, r.lock.path)
	}
	if err != nil {
		return discard(err, path, os.Remove(path))
	}
	return nil
}

// copyHive copies the old hive, with its attributes as far as they can be kept.
func (r *replacement) copyHive(path string) error {
	return r.copyTo(path, SaveOptions{Inputs: r.inputs})
}

func (r *replacement) copyTo(path string, options SaveOptions) error {
	options.Perm = r.info.Mode().Perm() | 0o400
	var lost error
	err := WriteNewFunc(path, func(out io.Writer) error {
		hash := sha256.New()
		size, err := copyFile(io.MultiWriter(out, hash), r.lock.file)
		if err != nil {
			return err
		}
		copied := fingerprint{size: size}
		hash.Sum(copied.sum[:0])
		if copied != r.old {
			return fmt.Errorf("%w: %s was written to while it was being copied", ErrModified, r.lock.path)
		}
		if file, ok := out.(*os.File); ok {
			lost = keep(r.lock.file, file)
		}
		return nil
	}, options)
	if err == nil && lost != nil {
		r.warn("the backup has not all attributes of the hive: %v", lost)
	}
	return err
}

// keepLogs copies the logs of a dirty hive to where those of its backup belong.
func (r *replacement) keepLogs(backup string) (kept []string, err error) {
	for i, suffix := range logSlots(r.logs) {
		if suffix == "" {
			continue
		}
		path := backup + suffix
		if err := WriteNew(path, r.logs[i].Data, SaveOptions{Perm: r.logs[i].Perm(), Inputs: r.inputs}); err != nil {
			return nil, err
		}
		r.note(path)
		kept = append(kept, path)
	}
	return kept, nil
}

// logSlots returns the ending for the copy of each log: its own, or where it has
// none of those by which logs are found, one that is free. It is empty where
// there is none, which happens with logs that could not be a hive's together.
func logSlots(logs []*Source) []string {
	slots := make([]string, len(logs))
	free := slices.Clone(logSuffixes[:])
	take := func(log int, at int) {
		slots[log] = free[at]
		free = slices.Delete(free, at, at+1)
	}
	for i, log := range logs {
		at := slices.IndexFunc(free, func(suffix string) bool {
			return len(log.Path) > len(suffix) && strings.EqualFold(log.Path[len(log.Path)-len(suffix):], suffix)
		})
		if at >= 0 {
			take(i, at)
		}
	}
	for i := range logs {
		switch {
		case slots[i] != "" || len(free) == 0:
		case len(logs) == 1:
			take(i, len(free)-1) // one that has no other beside it
		default:
			take(i, 0)
		}
	}
	return slots
}

// leftovers are the backups that are the hive itself under a second name: a save
// that was killed before it replaced the hive has left them.
func (r *replacement) leftovers() ([]string, error) {
	if names(r.info) < 2 {
		return nil, nil
	}
	backups, err := FindBackups(r.lock.path)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, backup := range backups {
		if info, err := os.Lstat(backup.Path); err == nil && os.SameFile(info, r.info) {
			found = append(found, backup.Path)
		}
	}
	return found, nil
}

// adopt returns the newest leftover, which is as good a backup as a new one, or
// "".
func (r *replacement) adopt() (string, error) {
	found, err := r.leftovers()
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], SyncFolder(r.folder())
}

// separate makes leftovers files of their own, because the hive will be written
// to, and with it what is but another name of it.
func (r *replacement) separate() error {
	found, err := r.leftovers()
	if err != nil {
		return err
	}
	for _, path := range found {
		if err := r.copyTo(path, SaveOptions{Overwrite: true}); err != nil {
			return err
		}
	}
	return nil
}
