package diskimage

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Outcome is what became of a write that a journal was left of.
type Outcome string

const (
	// OutcomeUntouched: it had not begun, or what it had written is not on the
	// disk.
	OutcomeUntouched Outcome = "untouched"
	// OutcomeRolledBack: the disk is what it was before.
	OutcomeRolledBack Outcome = "rolled-back"
	// OutcomeComplete: it was complete, and stays.
	OutcomeComplete Outcome = "complete"
)

// RolledBack is what Rollback has done.
type RolledBack struct {
	Journal string
	Outcome Outcome
	Name    string // of the hive; empty for a journal that was not finished
	Bytes   int64  // written to the disk
	// Old and New are the SHA-256 of the hive before and after the write.
	Old, New [sha256.Size]byte
}

// RollbackOptions says how Rollback rolls back.
type RollbackOptions struct {
	// Force writes the old bytes too where the disk has others than the journal
	// knows of.
	Force bool
	// Undo takes back a write too that was complete.
	Undo bool
}

// ErrImageChanged is returned when a disk has been written to since the write
// that its journal is of: it has bytes in their places that are neither the old
// nor the new ones. RollbackOptions.Force writes the old bytes all the same.
var ErrImageChanged = errors.New("the image has been written to since")

// Rollback makes a disk what it was before a write that was interrupted, from
// the journal at a path, and removes that. It may be interrupted at any point
// itself, and begins again then. A write that turns out to be complete stays.
//
// It returns ErrNoJournal, ErrForeignJournal, ErrDamagedJournal,
// ErrImageChanged, the error of ctx as long as nothing was written, and that of
// the disk or the operating system otherwise. The journal is still there then.
func Rollback(ctx context.Context, disk Disk, journal string, options RollbackOptions) (*RolledBack, error) {
	r := rollback{ctx: ctx, disk: disk, files: osFiles{}, path: journal, options: options}
	return r.run()
}

// rollback is a Rollback at work.
type rollback struct {
	ctx     context.Context
	disk    Disk
	files   files
	path    string
	options RollbackOptions

	file   journalFile
	header journalHeader
	marked []byte // the header of the hive while it was being written
	found  survey
	result RolledBack
}

func (r *rollback) run() (*RolledBack, error) {
	size := int64(0)
	var err error
	if r.file, size, err = r.files.open(r.path); err != nil {
		return nil, err
	}
	r.result.Journal = r.path
	err = r.work(size)
	_ = r.file.Close() // only read
	if err != nil {
		return nil, err
	}
	if err := r.files.remove(r.path); err != nil {
		return nil, err
	}
	return &r.result, nil
}

func (r *rollback) work(size int64) (err error) {
	r.header, err = readJournalHeader(r.file, size)
	if errors.Is(err, errUnfinished) {
		r.result.Outcome = OutcomeUntouched
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (%s)", err, r.path)
	}
	if err := r.header.requireDisk(r.disk); err != nil {
		return fmt.Errorf("%w (%s)", err, r.path)
	}
	r.result.Name, r.result.Old, r.result.New = r.header.name, r.header.old, r.header.new
	if err := r.survey(); err != nil {
		return fmt.Errorf("%w (%s)", err, r.path)
	}
	return r.decide()
}

// survey is what the disk has in the places of the journal.
type survey struct {
	notOld, notNew int // sectors
	pagesNotOld    int // without the header of the hive
	unknown        int64
	unknownAt      int64
	marked         bool // the hive is marked as being written
}

// survey checks all of the journal and looks at what is in its places.
func (r *rollback) survey() error {
	digest := sha256.New()
	body := io.NewSectionReader(r.file, sectorSize, r.header.length)
	var places []Extent
	err := r.each(io.TeeReader(body, digest), func(rec undoRecord) error {
		places = append(places, Extent{rec.offset, int64(len(rec.old))})
		return r.look(rec)
	})
	if err != nil {
		return err
	}
	switch {
	case !bytes.Equal(digest.Sum(nil), r.header.sum[:]):
		return fmt.Errorf("%w: its sum is wrong", ErrDamagedJournal)
	case places[0] != Extent{r.header.hiveHeader, sectorSize}:
		return fmt.Errorf("%w: the header of the hive is not its first record", ErrDamagedJournal)
	}
	if err := requireApart(places); err != nil {
		return fmt.Errorf("%w: %w", ErrDamagedJournal, err)
	}
	if r.found.unknown > 0 && !r.options.Force {
		return fmt.Errorf("%w: %d sectors, at %#x the first, have bytes that it does not know", ErrImageChanged, r.found.unknown, r.found.unknownAt)
	}
	return nil
}

// each calls do with the records of a journal, whose body is r.
func (r *rollback) each(body io.Reader, do func(undoRecord) error) error {
	buffered := bufio.NewReaderSize(body, copyUnit)
	r.marked = make([]byte, sectorSize)
	if _, err := io.ReadFull(buffered, r.marked); err != nil {
		return fmt.Errorf("%w: %w", ErrDamagedJournal, err)
	}
	for range r.header.records {
		rec, err := readUndoRecord(buffered, r.header.diskSize)
		if err != nil {
			return err
		}
		if err := do(rec); err != nil {
			return err
		}
	}
	if n, _ := buffered.Discard(1); n > 0 {
		return fmt.Errorf("%w: it goes on behind its records", ErrDamagedJournal)
	}
	return nil
}

// look compares the disk with one record.
func (r *rollback) look(rec undoRecord) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	have := make([]byte, len(rec.old))
	if err := readFull(r.disk, have, rec.offset); err != nil {
		return err
	}
	sums := newSums(have)
	for i := range sectorsOf(len(have)) {
		from, to := i*sectorSize, min((i+1)*sectorSize, len(have))
		at := rec.offset + int64(from)
		isOld := bytes.Equal(have[from:to], rec.old[from:to])
		isNew := bytes.Equal(sums[i*newSumSize:][:newSumSize], rec.newSums[i*newSumSize:][:newSumSize])
		isHeader := at == r.header.hiveHeader
		if isHeader {
			r.found.marked = bytes.Equal(have[from:to], r.marked)
		}
		r.found.add(at, isOld, isNew, isHeader)
	}
	return nil
}

func (s *survey) add(at int64, isOld, isNew, isHeader bool) {
	if !isOld {
		s.notOld++
		if !isHeader {
			s.pagesNotOld++
		}
	}
	if !isNew {
		s.notNew++
	}
	if !isOld && !isNew && !(isHeader && s.marked) {
		if s.unknown == 0 {
			s.unknownAt = at
		}
		s.unknown++
	}
}

// decide does what is to be done. What is read may not be on the disk yet, and
// the journal goes only when it is.
func (r *rollback) decide() error {
	switch {
	case r.found.notOld == 0:
		r.result.Outcome = OutcomeUntouched
		return r.disk.Sync()
	case r.found.notNew == 0 && !r.options.Undo:
		r.result.Outcome = OutcomeComplete
		return r.disk.Sync()
	}
	r.result.Outcome = OutcomeRolledBack
	return r.restore()
}

// restore writes the old bytes, in the order in which the new ones were written:
// as long as not all of them are there, the header says that the hive is being
// written.
func (r *rollback) restore() error {
	if r.found.pagesNotOld > 0 && !r.found.marked {
		if err := put(r.disk, r.marked, r.header.hiveHeader); err != nil {
			return err
		}
	}
	var header []byte
	err := r.each(io.NewSectionReader(r.file, sectorSize, r.header.length), func(rec undoRecord) error {
		if rec.offset == r.header.hiveHeader {
			header = rec.old
			return nil
		}
		return r.putBack(rec)
	})
	if err != nil {
		return err
	}
	if err := r.disk.Sync(); err != nil {
		return err
	}
	r.result.Bytes += int64(len(header))
	return put(r.disk, header, r.header.hiveHeader)
}

// putBack writes the old bytes of a record where the disk has others: one that
// is full may not have room for those that it has.
func (r *rollback) putBack(rec undoRecord) error {
	have := make([]byte, len(rec.old))
	if err := readFull(r.disk, have, rec.offset); err != nil {
		return err
	}
	for from := 0; from < len(have); from += sectorSize {
		to := min(from+sectorSize, len(have))
		if bytes.Equal(have[from:to], rec.old[from:to]) {
			continue
		}
		for to < len(have) && !bytes.Equal(have[to:min(to+sectorSize, len(have))], rec.old[to:min(to+sectorSize, len(have))]) {
			to = min(to+sectorSize, len(have))
		}
		if _, err := r.disk.WriteAt(rec.old[from:to], rec.offset+int64(from)); err != nil {
			return err
		}
		r.result.Bytes += int64(to - from)
		from = to - sectorSize
	}
	return nil
}
