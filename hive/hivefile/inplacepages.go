package hivefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hivepatch/hive/internal/overwrite"
	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// placePages writes the hive into the old file, because of why.
func (r *replacement) placePages(why string) error {
	r.placed.Way, r.placed.WhyPages = WayPages, why
	if _, err := regf.NewBaseBlock(r.data); err != nil || len(r.data) < overwrite.PageSize {
		return fmt.Errorf("%w: only a hive can be written by pages", regf.ErrNotHive)
	}
	file, err := os.OpenFile(r.lock.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close() // was synced
	if r.mending {
		return r.mendPages(file)
	}
	if err := r.separate(); err != nil {
		return err
	}
	if err := r.keepOld(true); err != nil {
		return err
	}
	backup, err := os.Open(r.placed.Backup)
	if err != nil {
		return err
	}
	defer backup.Close() // only read
	if err := r.prepare(); err != nil {
		return err
	}
	w, err := r.newPageWriter(file, backup)
	if err != nil {
		return err
	}
	if err := w.write(); err != nil {
		return err
	}
	if r.options.NoBackup {
		r.dropBackup(backup)
	}
	return nil
}

// dropBackup removes a backup that was for the time of writing only.
func (r *replacement) dropBackup(backup *os.File) {
	_ = backup.Close() // Windows does not remove what is open
	r.placed.Backup, r.placed.KeptLogs = "", nil
	for _, path := range r.made {
		if err := os.Remove(path); err != nil {
			r.warn("the backup that was made for the time of writing is left: %v", err)
		}
	}
	_ = SyncFolder(r.folder()) // else it is still there after a crash, which does no harm
}

// mendPages writes over a half-written hive, which has its backup already.
func (r *replacement) mendPages(file *os.File) error {
	if err := r.prepare(); err != nil {
		return err
	}
	w, err := r.newPageWriter(file, file)
	if err != nil {
		return err
	}
	if old, ok := overwrite.ReadMark(w.oldHeader[:]); ok {
		w.mark = old
	}
	if err := w.forward(); err != nil {
		return &HalfWrittenError{Path: r.lock.path, Backup: w.mark.Backup, Err: err}
	}
	return nil
}

// pageWriter makes the new hive of the old one within its file. At any moment
// the header tells what the file is: the old hive, the new one, or neither.
type pageWriter struct {
	file      *os.File
	path      string
	old       io.ReaderAt // what the file was before
	oldSize   int64
	oldHeader [overwrite.HeaderSize]byte
	oldTime   time.Time
	begun     bool   // the header says that it is being written
	data      []byte // what it shall be
	sequence  uint32 // beyond those of the hives and the logs
	mark      overwrite.Mark
	backup    string
}

func (r *replacement) newPageWriter(file *os.File, old io.ReaderAt) (*pageWriter, error) {
	w := &pageWriter{
		file: file, path: r.lock.path, old: old, oldSize: r.old.size, oldTime: r.info.ModTime(), data: r.data,
		backup: r.placed.Backup, mark: overwrite.Mark{Old: r.old.sum, Backup: r.placed.Backup},
	}
	if here, err := os.Stat(r.folder()); err == nil && w.backup != "" {
		if there, err := os.Stat(filepath.Dir(w.backup)); err == nil && os.SameFile(here, there) {
			w.mark.Backup = filepath.Base(w.backup)
		} else if absolute, err := filepath.Abs(w.backup); err == nil {
			w.mark.Backup = absolute
		}
	}
	if n, err := old.ReadAt(w.oldHeader[:], 0); n < len(w.oldHeader) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var err error
	w.sequence, err = r.sequenceBeyond(w.oldHeader[:])
	return w, err
}

// sequenceBeyond returns a number that is beyond those of both hives and of the
// logs: none of these is ever applied to what is written under it.
func (r *replacement) sequenceBeyond(oldHeader []byte) (uint32, error) {
	highest := regf.BaseBlock(r.data).Sequence1()
	numbers := []uint32{regf.BaseBlock(r.data).Sequence2()}
	if block, err := regf.NewBaseBlock(oldHeader); err == nil && block.ChecksumOK() {
		numbers = append(numbers, block.Sequence1(), block.Sequence2())
	}
	logs, err := readLogsBeside(r.lock.path)
	if err != nil {
		return 0, err
	}
	if number, ok := txlog.HighestSequence(logs); ok {
		numbers = append(numbers, number)
	}
	for _, number := range numbers {
		highest = txlog.Later(highest, number)
	}
	return highest + 1, nil
}

// write writes the new hive, and takes back what it has written when it fails.
func (w *pageWriter) write() error {
	err := w.forward()
	if err == nil {
		return nil
	}
	backErr := w.back()
	switch {
	case backErr == nil:
		return err
	case !w.begun:
		// The old header does not reach to what has been added.
		return fmt.Errorf("%w (and %s is left longer than it was, which does no harm: %w)", err, w.path, backErr)
	}
	return &HalfWrittenError{Path: w.path, Backup: w.backup, Err: fmt.Errorf("%w; not taken back: %w", err, backErr)}
}

// forward writes in the order of Windows: a header that says that the hive is
// being written, the pages, and the header of a hive that is complete, each on
// the disk before the next. What the hive grows by comes before all of these,
// where the old header does not reach: that is when a disk turns out to be full.
func (w *pageWriter) forward() error {
	steps := []func() error{w.grow, w.begin, w.pages, w.end}
	if int64(len(w.data)) < w.oldSize {
		steps = append(steps, w.cut)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (w *pageWriter) grow() error {
	if int64(len(w.data)) <= w.oldSize {
		return nil
	}
	return w.put(w.data[w.oldSize:], w.oldSize)
}

func (w *pageWriter) begin() error {
	w.begun = true
	return w.put(overwrite.MarkedHeader(w.data[:overwrite.HeaderSize], w.sequence, w.mark), 0)
}

func (w *pageWriter) end() error { return w.put(w.data[:overwrite.HeaderSize], 0) }

func (w *pageWriter) cut() error {
	if err := w.file.Truncate(int64(len(w.data))); err != nil {
		return err
	}
	return w.file.Sync()
}

func (w *pageWriter) put(data []byte, offset int64) error {
	if _, err := w.file.WriteAt(data, offset); err != nil {
		return err
	}
	return w.file.Sync()
}

// pages writes what differs behind the header, up to the end of the shorter of
// both hives.
func (w *pageWriter) pages() error {
	err := w.eachDifference(func(offset int64, _, now []byte) error {
		if offset == 0 { // the header comes last
			now, offset = now[overwrite.HeaderSize:], overwrite.HeaderSize
		}
		_, err := w.file.WriteAt(now, offset)
		return err
	})
	if err != nil {
		return err
	}
	return w.file.Sync()
}

// eachDifference calls do with the runs of pages in which the hives differ, of
// copyUnit bytes at most. The header and what only one of them has are left out.
func (w *pageWriter) eachDifference(do func(offset int64, old, now []byte) error) error {
	end := min(int64(len(w.data)), w.oldSize)
	buffer := make([]byte, copyUnit)
	for start := int64(0); start < end; start += copyUnit {
		now := w.data[start:min(start+copyUnit, end)]
		old := buffer[:len(now)]
		if n, err := w.old.ReadAt(old, start); n < len(old) {
			return err
		}
		if start == 0 {
			copy(old[:min(overwrite.HeaderSize, len(old))], now) // the header is no page
		}
		for _, run := range overwrite.Differences(old, now) {
			if err := do(start+int64(run.From), old[run.From:run.To], now[run.From:run.To]); err != nil {
				return err
			}
		}
	}
	return nil
}

// back makes the file what it was, in the same order, from the backup.
func (w *pageWriter) back() error {
	if w.begun {
		if err := w.begin(); err != nil {
			return err
		}
		if err := w.backPages(); err != nil {
			return err
		}
	}
	if err := w.file.Truncate(w.oldSize); err != nil {
		return err
	}
	if w.begun {
		if err := w.file.Sync(); err != nil {
			return err
		}
		if err := w.put(w.oldHeader[:min(w.oldSize, overwrite.HeaderSize)], 0); err != nil {
			return err
		}
	}
	_ = os.Chtimes(w.path, time.Time{}, w.oldTime) // the contents are what they were, with this time or another
	return nil
}

func (w *pageWriter) backPages() error {
	err := w.eachDifference(func(offset int64, old, _ []byte) error {
		if offset == 0 { // the header comes last
			old, offset = old[overwrite.HeaderSize:], overwrite.HeaderSize
		}
		_, err := w.file.WriteAt(old, offset)
		return err
	})
	if err != nil || w.oldSize <= int64(len(w.data)) {
		return err
	}
	// The end, which may have been cut off.
	_, err = copyFile(io.NewOffsetWriter(w.file, int64(len(w.data))), io.NewSectionReader(w.old, int64(len(w.data)), w.oldSize-int64(len(w.data))))
	return err
}
