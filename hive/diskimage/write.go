package diskimage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"path/filepath"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/internal/overwrite"
	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// Replacement is a hive that is to take the place of the one that lies on a
// disk, in the bytes that hold that one: no structure of the file system
// changes.
//
// The file keeps its size. A hive that has grown uses what the file has behind
// its last bin; where that is not enough, it is refused. Behind a hive that has
// become shorter the old bytes stay, which Windows never looks at: the length in
// its header says where the bins end.
type Replacement struct {
	Disk Disk
	// Volume is where the volume with the file begins on the disk, in bytes.
	// Its first sector tells it from other volumes.
	Volume int64
	Name   string // path of the file in the volume, for people

	Extents []Extent // of the file, in order; the last may reach beyond its end
	Size    int64    // bytes that the file has
	// Valid is how many bytes of the file were ever written. What comes after
	// them reads as zeros whatever is on the disk.
	Valid  int64
	SHA256 [sha256.Size]byte // of the whole file, as it was loaded

	New     []byte // the hive, with sequence numbers beyond those of its logs
	Journal string // path of the journal, see JournalPath

	files files // nil for those of the operating system
}

// Written is what was written to a disk.
type Written struct {
	Extents []Extent // in the order of the file; empty when nothing had to change
	Bytes   int64    // in them
}

// GrowError is returned when a hive does not fit into the file that it is to
// replace, because that would change the file system.
type GrowError struct {
	Name       string
	Have, Want int64 // bytes
}

// Error says how much is missing.
func (e *GrowError) Error() string {
	return fmt.Sprintf("%s would have to grow: it has room for %d bytes and the hive has %d; files in an image keep their size", e.Name, e.Have, e.Want)
}

// ErrReadBack is returned when a disk does not give back what was written to
// it. What it had before is written again.
var ErrReadBack = errors.New("the image does not give back what was written")

// copyUnit is the number of bytes that are read, compared and written at a time.
const copyUnit = 256 << 10

// Write writes the pages of the hive that differ, in the order in which Windows
// writes a hive: a header that says that it is being written, the pages, and the
// header of a hive that is complete, each on the disk before the next. Before
// the first of them all that they replace is in the journal and on the disk, and
// the journal is removed after the last: a crash at any point leaves the old
// hive, the new one, or a journal from which Rollback restores the old one. Where
// there is nothing to change, nothing is touched.
//
// Once it has begun to write it does not heed ctx any more. It returns a
// GrowError, hivefile.ErrModified when the file is not what was loaded,
// ErrJournalExists, a LayoutError, ErrReadBack, and the error of the disk or the
// operating system otherwise: the disk is then as it was. A
// hivefile.HalfWrittenError means that it is not, and that the journal is left.
func (r *Replacement) Write(ctx context.Context) (*Written, error) {
	if r.files == nil {
		r.files = osFiles{}
	}
	w, err := r.newWriter()
	if err != nil {
		return nil, err
	}
	if err := w.record(ctx); err != nil {
		return nil, w.abandon(err)
	}
	if w.journal == nil {
		return &Written{}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, w.abandon(err)
	}
	header, err := w.header()
	if err == nil {
		err = w.journal.commit(header)
	}
	if err != nil {
		return nil, w.abandon(err)
	}
	if err := w.replace(); err != nil {
		return nil, w.takeBack(err)
	}
	if err := r.files.remove(r.Journal); err != nil {
		return nil, fmt.Errorf("%s is written, but its journal may be there still, which the next command removes: %w", r.Name, err)
	}
	written := &Written{}
	for _, p := range w.pieces {
		written.Extents = append(written.Extents, Extent{p.disk, int64(p.length)})
		written.Bytes += int64(p.length)
	}
	return written, nil
}

// piece is a run of bytes of the file that lies in one run on the disk.
type piece struct {
	disk, file int64 // offsets in bytes
	length     int
}

// writer is a Replacement at work.
type writer struct {
	*Replacement
	layout    placement
	oldHeader [overwrite.HeaderSize]byte
	journal   *journalWriter // nil as long as no difference was found
	pieces    []piece        // that differ; the header is the first
	marked    []byte         // the header while it is being written
}

func (r *Replacement) newWriter() (*writer, error) {
	if _, err := regf.NewBaseBlock(r.New); err != nil || len(r.New) < regf.BaseBlockSize {
		return nil, fmt.Errorf("%w: only a hive can be written", regf.ErrNotHive)
	}
	if int64(len(r.New)) > r.Size {
		return nil, &GrowError{Name: r.Name, Have: r.Size, Want: int64(len(r.New))}
	}
	layout, err := newPlacement(r.Extents, min(r.Size, r.Valid), r.Disk.Size())
	if err != nil {
		return nil, err
	}
	w := &writer{Replacement: r, layout: layout}
	if min(r.Size, r.Valid) < regf.BaseBlockSize {
		return nil, &LayoutError{Msg: fmt.Sprintf("%s has %d bytes on the disk, fewer than the header of a hive", r.Name, r.Valid)}
	}
	if err := layout.readAt(r.Disk, w.oldHeader[:], 0); err != nil {
		return nil, err
	}
	return w, hivefile.RequireWhole(r.Name, w.oldHeader[:])
}

// record reads the file, which must be what was loaded, and notes in the journal
// what is to be replaced.
func (w *writer) record(ctx context.Context) error {
	digest := sha256.New()
	buffer := make([]byte, copyUnit)
	for start := int64(0); start < w.Size; start += copyUnit {
		if err := ctx.Err(); err != nil {
			return err
		}
		old := buffer[:min(copyUnit, w.Size-start)]
		if err := w.readOld(old, start); err != nil {
			return err
		}
		digest.Write(old)
		if err := w.compare(old, start); err != nil {
			return err
		}
	}
	if !bytes.Equal(w.oldHeader[:], w.New[:overwrite.HeaderSize]) {
		if err := w.begin(); err != nil {
			return err
		}
	}
	return w.requireSame(digest)
}

func (w *writer) requireSame(digest hash.Hash) error {
	if sum := digest.Sum(nil); !bytes.Equal(sum, w.SHA256[:]) {
		return fmt.Errorf("%w: %s has the SHA-256 %x, had %x", hivefile.ErrModified, w.Name, sum, w.SHA256)
	}
	return nil
}

// readOld reads what the file reads as.
func (w *writer) readOld(p []byte, start int64) error {
	stored := p[:max(0, min(int64(len(p)), w.Valid-start))]
	clear(p[len(stored):])
	return w.layout.readAt(w.Disk, stored, start)
}

// compare notes the pages in which the old and the new hive differ. The header
// is no page.
func (w *writer) compare(old []byte, start int64) error {
	if start >= int64(len(w.New)) {
		return nil
	}
	now := w.New[start:min(start+int64(len(old)), int64(len(w.New)))]
	old = old[:len(now)]
	for _, run := range overwrite.Differences(old, now) {
		from, to := start+int64(run.From), start+int64(run.To)
		if from == 0 {
			if from = overwrite.HeaderSize; bytes.Equal(old[from:overwrite.PageSize], now[from:overwrite.PageSize]) {
				from = overwrite.PageSize
			}
		}
		if end := min(to, w.Valid); end < to {
			if !bytes.Equal(old[max(from, end)-start:to-start], now[max(from, end)-start:to-start]) {
				return &GrowError{Name: w.Name, Have: w.Valid, Want: int64(len(w.New))}
			}
			to = end
		}
		if from >= to {
			continue
		}
		if err := w.note(from, to, old[from-start:to-start]); err != nil {
			return err
		}
	}
	return nil
}

// begin opens the journal, with the header as the first that it holds.
func (w *writer) begin() (err error) {
	if w.journal != nil {
		return nil
	}
	if w.journal, err = createJournal(w.files, w.Journal); err != nil {
		return err
	}
	w.marked = overwrite.MarkedHeader(w.New[:overwrite.HeaderSize], w.sequence(), overwrite.Mark{Old: w.SHA256, Backup: filepath.Base(w.Journal)})
	if err := w.journal.write(w.marked); err != nil {
		return err
	}
	return w.note(0, overwrite.HeaderSize, w.oldHeader[:])
}

// sequence returns a number that is beyond those of both hives, and of the logs
// too, because the new one has one that is.
func (w *writer) sequence() uint32 {
	now := regf.BaseBlock(w.New)
	highest := txlog.Later(now.Sequence1(), now.Sequence2())
	if old, err := regf.NewBaseBlock(w.oldHeader[:]); err == nil && old.ChecksumOK() {
		highest = txlog.Later(highest, txlog.Later(old.Sequence1(), old.Sequence2()))
	}
	return highest + 1
}

// note adds bytes of the file that differ.
func (w *writer) note(from, to int64, old []byte) error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.layout.each(from, to, func(p piece) error {
		w.pieces = append(w.pieces, p)
		at := p.file - from
		return w.journal.add(p.disk, old[at:at+int64(p.length)], w.New[p.file:p.file+int64(p.length)])
	})
}

// header is what the journal says of itself and of the disk.
func (w *writer) header() (journalHeader, error) {
	boot, err := bootSum(w.Disk, w.Volume)
	return journalHeader{
		diskSize: w.Disk.Size(), volume: w.Volume, boot: boot, hiveHeader: w.pieces[0].disk,
		old: w.SHA256, new: sha256.Sum256(w.New), name: w.Name,
	}, err
}

// replace writes the new hive. Nothing else changes a disk.
func (w *writer) replace() error {
	steps := []func() error{
		func() error { return put(w.Disk, w.marked, w.pieces[0].disk) },
		w.writePages,
		func() error { return put(w.Disk, w.New[:overwrite.HeaderSize], w.pieces[0].disk) },
		w.readBack,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func put(disk Disk, data []byte, offset int64) error {
	if _, err := disk.WriteAt(data, offset); err != nil {
		return err
	}
	return disk.Sync()
}

func (w *writer) writePages() error {
	if len(w.pieces) == 1 {
		return nil
	}
	for _, p := range w.pieces[1:] {
		if _, err := w.Disk.WriteAt(w.New[p.file:p.file+int64(p.length)], p.disk); err != nil {
			return err
		}
	}
	return w.Disk.Sync()
}

func (w *writer) readBack() error {
	buffer := make([]byte, copyUnit)
	for _, p := range w.pieces {
		got := buffer[:p.length]
		if err := readFull(w.Disk, got, p.disk); err != nil {
			return err
		}
		if !bytes.Equal(got, w.New[p.file:p.file+int64(p.length)]) {
			return fmt.Errorf("%w: %d bytes at %#x", ErrReadBack, p.length, p.disk)
		}
	}
	return nil
}

// abandon gives up, because of err, before the disk was touched.
func (w *writer) abandon(err error) error {
	if w.journal == nil {
		return err
	}
	return w.journal.abandon(err)
}

// takeBack makes the disk what it was, because of err.
func (w *writer) takeBack(err error) error {
	// The user's wish to stop is no reason to leave an image half written. A
	// sector of which a part was written is neither old nor new.
	options := RollbackOptions{Undo: true, Force: true}
	back := rollback{ctx: context.Background(), disk: w.Disk, files: w.files, path: w.Journal, options: options}
	if _, backErr := back.run(); backErr != nil {
		return &hivefile.HalfWrittenError{Path: w.Name, Backup: w.Journal, Err: fmt.Errorf("%w; not taken back: %w", err, backErr)}
	}
	return err
}
