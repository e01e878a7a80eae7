package hivefile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hivepatch/hive/internal/overwrite"
)

// ErrModified is returned when a hive is not what it was when it was loaded:
// another program has written to it, or has put another file in its place.
var ErrModified = errors.New("the hive has changed since it was loaded")

// InPlaceOptions says how a hive is replaced where it lies.
type InPlaceOptions struct {
	// Backup is the path for the old hive. Where it is empty, that becomes
	// NAME.YYYYMMDDTHHMMSSZ.bak beside the hive, from Time, and
	// NAME.YYYYMMDDTHHMMSSZ-2.bak and so on where there is such a file. No
	// backup is ever replaced.
	Backup   string
	NoBackup bool
	Time     time.Time
	// CleanLogs empties the transaction logs beside the hive after it is safe.
	CleanLogs bool
	// Lock is the caller's, taken before the hive was loaded. Where it is nil,
	// the hive is locked while it is replaced, and Wait is how long to wait for
	// another hivepatch.
	Lock *Lock
	Wait time.Duration
}

// Way is the way in which a hive was put in place.
type Way string

const (
	// WayNone: nothing was to be done, and nothing was touched.
	WayNone Way = "none"
	// WayReplace: a new file, complete on the disk, has taken the place of the
	// old one in one step, with its owner and attributes.
	WayReplace Way = "replace"
	// WayPages: the changed pages were written into the file, its header last.
	WayPages Way = "pages"
	// WayImage: the changed pages were written into the image of a disk, to where
	// the file lies in it, its header last.
	WayImage Way = "image"
)

// Placed is what became of a hive that was replaced where it lies.
type Placed struct {
	Path        string // of the hive, where its links lead
	Way         Way
	WhyPages    string   // why not WayReplace
	Backup      string   // path of the old hive; empty for none
	KeptLogs    []string // paths of the copies of its logs
	CleanedLogs []string // paths of the logs that were emptied
	Warnings    []string
}

// SaveInPlace puts the hive, as it is in memory, in place of the file that it
// was loaded from: all or nothing, like WriteNew. The old file stays as a
// backup, and so do the logs of a dirty hive and those that are emptied, as
// BACKUP.LOG1 and so on. Where the hive is as it is on disk, it is not touched,
// and no backup is made; logs are emptied all the same where that is asked for.
//
// The new file gets the mode, the owner and the extended attributes of the old
// one, those of NTFS among them, on Windows its access control list and
// attributes. Where that or the replacing itself is refused by the file system,
// the pages that have changed are written into the old file, in the order in
// which Windows does it, after the backup is safe. That can be interrupted half
// way: the hive is then marked, and Restore puts it back.
//
// The hive must have been loaded with its digest. SaveInPlace returns
// ErrModified when the hive on disk is not the one that was loaded;
// ErrLocked; ErrExists when there is a file at options.Backup; ErrInUse when the
// running Windows has the hive; ErrHalfWritten when it could neither write the
// hive nor take back what was written; ErrNotRegular for a stream; and the
// error of the operating system otherwise. All of them but ErrHalfWritten mean
// that the hive is as it was, with the exception that WriteNew has too.
func (f *File) SaveInPlace(ctx context.Context, options InPlaceOptions) (*Placed, error) {
	if f.Path == "" {
		return nil, fmt.Errorf("%w: a stream has no place", ErrNotRegular)
	}
	return f.replacement(options).run(ctx, f.Path)
}

func (f *File) replacement(options InPlaceOptions) *replacement {
	r := &replacement{options: options, data: f.Hive.Bytes(), expected: &fingerprint{f.Size, f.SHA256}, inputs: f.Sources}
	var logs []*Source
	if len(f.Logs) < len(f.Sources) {
		logs = f.Sources[1 : 1+len(f.Logs)]
	}
	filled := slices.ContainsFunc(logs, func(log *Source) bool { return len(log.Data) > 0 })
	if f.Dirty != "" || options.CleanLogs && filled {
		r.logs = logs
	}
	return r
}

// fingerprint tells the contents of one file from those of another.
type fingerprint struct {
	size int64
	sum  [sha256.Size]byte
}

// replacement is a hive on its way into its place.
type replacement struct {
	options  InPlaceOptions
	data     []byte
	expected *fingerprint // of the old hive; nil for whatever it is
	logs     []*Source    // to be kept with the backup
	inputs   []*Source
	mending  bool // the old hive may be half written, and is then not worth a backup
	// before is done when the backup is safe, before the hive is replaced, and
	// undo takes that back.
	before, undo func() error
	way          func(r *replacement) error // nil for the best

	lock   *Lock
	old    fingerprint
	info   fs.FileInfo // of the old hive
	made   []string    // files to remove when it fails
	placed *Placed
}

// run replaces the hive at path.
func (r *replacement) run(ctx context.Context, path string) (*Placed, error) {
	r.lock = r.options.Lock
	if r.lock == nil {
		var err error
		if r.lock, err = LockHive(ctx, path, r.options.Wait); err != nil {
			return nil, err
		}
		defer r.lock.Release()
	}
	r.placed = &Placed{Path: r.lock.path, Way: WayNone}
	if err := r.replace(ctx); err != nil {
		return nil, describeInUse(err)
	}
	if r.options.CleanLogs {
		// The hive is in place: what happens here makes it no worse.
		cleaned, err := CleanLogs(r.lock.path)
		r.placed.CleanedLogs = cleaned
		if err != nil {
			r.warn("the logs were not emptied: %v", err)
		}
	}
	return r.placed, nil
}

func (r *replacement) replace(ctx context.Context) error {
	same, err := r.examine()
	if err != nil || same {
		return err
	}
	if r.lock.unsupported != nil {
		r.warn("the file system has no locks, and nothing keeps another hivepatch away: %v", r.lock.unsupported)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	place := (*replacement).place
	if r.way != nil {
		place = r.way
	}
	if err := place(r); err != nil {
		return r.takeBack(err)
	}
	return nil
}

func (r *replacement) warn(format string, args ...any) {
	r.placed.Warnings = append(r.placed.Warnings, fmt.Sprintf(format, args...))
}

// examine reads the old hive: it must be what it is expected to be. It reports
// whether it is what it should become already.
func (r *replacement) examine() (same bool, err error) {
	if err := r.lock.requireSame(); err != nil {
		return false, err
	}
	if r.info, err = r.lock.file.Stat(); err != nil {
		return false, err
	}
	if err := requireRegular(r.lock.path, r.info); err != nil {
		return false, err
	}
	hash := sha256.New()
	compared := &comparer{rest: r.data}
	r.old.size, err = copyFile(io.MultiWriter(hash, compared), r.lock.file)
	if err != nil {
		return false, err
	}
	hash.Sum(r.old.sum[:0])
	if r.expected != nil && r.old != *r.expected {
		return false, fmt.Errorf("%w: %s has %d bytes with the SHA-256 %x, had %d with %x", ErrModified, r.lock.path,
			r.old.size, r.old.sum, r.expected.size, r.expected.sum)
	}
	if compared.same && len(compared.rest) == 0 {
		return true, nil
	}
	if unfinished := r.unfinished(); unfinished != nil && !r.mending {
		return false, unfinished
	}
	return false, nil
}

// unfinished is the error for a hive that a save has left half written, or nil.
func (r *replacement) unfinished() error {
	var header [overwrite.HeaderSize]byte
	n, _ := r.lock.file.ReadAt(header[:], 0) // fewer are no mark
	mark, ok := overwrite.ReadMark(header[:n])
	if !ok {
		return nil
	}
	return &HalfWrittenError{Path: r.lock.path, Backup: mark.Backup}
}

// comparer compares what is written to it.
type comparer struct {
	rest []byte
	same bool
	odd  bool // a difference was found
}

func (c *comparer) Write(p []byte) (int, error) {
	if !c.odd && len(p) <= len(c.rest) && bytes.Equal(p, c.rest[:len(p)]) {
		c.rest, c.same = c.rest[len(p):], true
	} else {
		c.odd, c.same = true, false
	}
	return len(p), nil
}

// copyUnit is the number of bytes that are copied at a time.
const copyUnit = 256 << 10

// copyFile copies a file from its beginning to its end, wherever it is read
// else. It returns the number of bytes.
func copyFile(to io.Writer, file io.ReaderAt) (int64, error) {
	buffer := make([]byte, copyUnit)
	for offset := int64(0); ; {
		n, err := file.ReadAt(buffer, offset)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return offset, err
			}
		}
		offset += int64(n)
		if errors.Is(err, io.EOF) {
			return offset, nil
		}
		if err != nil {
			return offset, err
		}
	}
}

// requireUntouched requires, just before it is replaced, that nobody has
// written to the hive since it was examined.
func (r *replacement) requireUntouched() error {
	if err := r.lock.requireSame(); err != nil {
		return err
	}
	now, err := r.lock.file.Stat()
	if err != nil {
		return err
	}
	if now.Size() != r.info.Size() || !now.ModTime().Equal(r.info.ModTime()) {
		return fmt.Errorf("%w: %s was written to while it was being replaced", ErrModified, r.lock.path)
	}
	return nil
}

// note notes a file that is to go if the hive cannot be replaced.
func (r *replacement) note(path string) { r.made = append(r.made, path) }

// takeBack removes, because of err, what was made beside the hive. Where the
// hive is half written, its backup must stay.
func (r *replacement) takeBack(err error) error {
	if errors.Is(err, ErrHalfWritten) {
		return err
	}
	if r.undo != nil {
		if undoErr := r.undo(); undoErr != nil {
			r.made = nil // the copies are what there is
			return fmt.Errorf("%w; %w", err, undoErr)
		}
	}
	for _, path := range r.made {
		if removeErr := os.Remove(path); !errors.Is(removeErr, fs.ErrNotExist) {
			err = discard(err, path, removeErr)
		}
	}
	r.made = nil
	r.placed.Backup, r.placed.KeptLogs = "", nil
	return err
}

// prepare does what comes between the backup and the replacing.
func (r *replacement) prepare() error {
	if r.before != nil {
		if err := r.before(); err != nil {
			return err
		}
	}
	return r.requireUntouched()
}

// folder is the folder of the hive.
func (r *replacement) folder() string { return filepath.Dir(r.lock.path) }
