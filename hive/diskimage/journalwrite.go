package diskimage

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// journalWriter writes a journal. As long as it is not committed it says nothing.
type journalWriter struct {
	files   files
	path    string
	file    journalFile
	out     *bufio.Writer
	digest  hash.Hash
	length  int64
	records uint32
}

// createJournal creates a journal at path. It returns ErrJournalExists when
// there is one.
func createJournal(files files, path string) (*journalWriter, error) {
	file, err := files.create(path)
	if err != nil {
		return nil, err
	}
	return &journalWriter{
		files: files, path: path, file: file, digest: sha256.New(),
		out: bufio.NewWriterSize(io.NewOffsetWriter(file, sectorSize), copyUnit),
	}, nil
}

func (j *journalWriter) write(parts ...[]byte) error {
	for _, part := range parts {
		j.digest.Write(part)
		j.length += int64(len(part))
		if _, err := j.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// add adds bytes of the disk that are to be replaced.
func (j *journalWriter) add(offset int64, old, now []byte) error {
	if j.records++; j.records > maxRecords {
		return fmt.Errorf("%w: more than %d", ErrJournalFull, maxRecords)
	}
	head, tail := encodeUndoRecord(offset, old, now)
	return j.write(head, old, tail)
}

// commit brings the journal to the disk, and then its header, which makes it
// one. After that the image may be written to.
func (j *journalWriter) commit(header journalHeader) error {
	header.records, header.length = j.records, j.length
	j.digest.Sum(header.sum[:0])
	if err := j.out.Flush(); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	if err := j.files.syncFolder(j.path); err != nil {
		return err
	}
	if _, err := j.file.WriteAt(header.encode(), 0); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	return j.file.Close()
}

// abandon removes the journal, because of err.
func (j *journalWriter) abandon(err error) error {
	_ = j.file.Close() // nobody needs it
	if removeErr := j.files.remove(j.path); removeErr != nil {
		return fmt.Errorf("%w (and %s may be there still, which does no harm: %w)", err, j.path, removeErr)
	}
	return err
}

// journalFile is the file of a journal.
type journalFile interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Close() error
}

// files is where journals are kept.
type files interface {
	// find reports whether there is a journal.
	find(path string) (bool, error)
	// create returns ErrJournalExists where there is a file.
	create(path string) (journalFile, error)
	// open returns a file and how many bytes it has.
	open(path string) (journalFile, int64, error)
	// remove removes a file, and returns when it is gone from the disk.
	remove(path string) error
	// syncFolder brings the name of a file to the disk.
	syncFolder(path string) error
}
