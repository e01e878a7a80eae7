package diskimage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrNoFolder is returned for a write to a block device without a path for its
// journal: what lies beside a device is gone when the machine starts again.
var ErrNoFolder = errors.New("a block device has no folder for the journal")

// AccessOptions says how an image is opened by those who find, read and write
// the hives in it.
type AccessOptions struct {
	// Write opens the image for writing as well.
	Write bool
	// Journal is the path of the journal. Where it is empty, that is
	// JournalPath; for a block device there is then none.
	Journal string
	// NoRollback refuses an image with a journal of an interrupted write.
	NoRollback bool
	// Force rolls back too where somebody has written to the image since.
	Force bool
	// AnyFolder is that of QEMUOptions.
	AnyFolder bool
	// Wait is how long to wait for another program that has the image.
	Wait time.Duration
}

// Access is an image that is open and locked, and in which no write has been
// interrupted.
type Access struct {
	*Image
	// Journal is the path for a journal, empty for none.
	Journal string
	// RolledBack is what became of an interrupted write that was found; nil for
	// none.
	RolledBack *RolledBack
}

// OpenAccess opens an image. Where it finds the journal of an interrupted write,
// it rolls that back first. It returns ErrJournalExists where that is not
// allowed, ErrInUse, the errors of Open, OpenQEMU and Rollback, and the error of
// ctx.
func OpenAccess(ctx context.Context, path string, options AccessOptions) (*Access, error) {
	a := &Access{}
	var err error
	if a.Journal, err = journalFor(path, options.Journal); err != nil {
		return nil, err
	}
	for {
		// Another hivepatch may be at work right now: its journal goes with its
		// lock. So the lock comes first, and then the question.
		left, err := a.left()
		if err != nil {
			return nil, err
		}
		if left && options.NoRollback {
			return nil, fmt.Errorf("%w: %s", ErrJournalExists, a.Journal)
		}
		write := options.Write || left
		if a.Image, err = openWaiting(ctx, path, Options{Write: write}, options); err != nil {
			if left && errors.Is(err, fs.ErrPermission) {
				return nil, fmt.Errorf("%w: %s: it cannot be rolled back: %w", ErrJournalExists, a.Journal, err)
			}
			return nil, err
		}
		left, err = a.left()
		if err == nil && left && !options.NoRollback && write {
			a.RolledBack, err = Rollback(ctx, a.Disk(), a.Journal, RollbackOptions{Force: options.Force})
			left = false
		}
		if err == nil && !left {
			return a, nil
		}
		_ = a.Close() // nothing was written that is not on the disk
		if err != nil {
			return nil, err
		}
	}
}

// left reports whether there is a journal.
func (a *Access) left() (bool, error) {
	if a.Journal == "" {
		return false, nil
	}
	return FindJournal(a.Journal)
}

// journalFor is the path of the journal of an image, "" for none.
func journalFor(path, journal string) (string, error) {
	if journal != "" {
		return journal, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", nil
	}
	return JournalPath(path)
}

// Times between two attempts to open an image that another program has.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = 100 * time.Millisecond
)

// openAny opens an image itself or, where its format does not hold the disk byte
// for byte, through QEMU.
func openAny(ctx context.Context, path string, options Options, anyFolder bool) (*Image, error) {
	image, err := Open(path, options)
	unsupported, ok := errors.AsType[*UnsupportedError](err)
	if !ok || unsupported.Format.QEMU() == "" {
		return image, err
	}
	server, err := OpenQEMU(ctx, path, unsupported.Format, QEMUOptions{Write: options.Write, AnyFolder: anyFolder})
	if err != nil {
		return nil, err
	}
	image = OpenDisk(path, server.Disk())
	image.format, image.server = unsupported.Format, server
	return image, nil
}

// openWaiting opens an image as soon as nobody else has it.
func openWaiting(ctx context.Context, path string, options Options, access AccessOptions) (*Image, error) {
	deadline := time.Now().Add(access.Wait)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		image, err := openAny(ctx, path, options, access.AnyFolder)
		left := time.Until(deadline)
		if !errors.Is(err, ErrInUse) || left <= 0 {
			return image, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}
