package hivefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"hivepatch/hive/internal/memory"
)

// MaxSize is the largest hive or log that is read, in bytes: the base block,
// 2 GiB of bins, which is all that a cell offset can reach, and 64 MiB that may
// follow the last bin.
const MaxSize int64 = 4096 + 1<<31 + 64<<20

// newBuffer returns a zeroed buffer of size bytes with room behind it: a hive
// that grows by an eighth, or some bins, or by what is asked for, stays where it
// is and is not in memory twice.
func newBuffer(size, room int) []byte {
	return memory.New(size, size+max(size/8, 256<<10, min(room, mostRoom)))
}

// mostRoom is what room there is at most for the asking, in bytes. It costs no
// memory before it is used, but addresses.
const mostRoom = 64 << 20

// streamChunk is how much of a stream of unknown length is read at a time, in
// bytes.
const streamChunk = 1 << 20

// Source is a file or stream that has been read to its end.
type Source struct {
	Path string      // as it was given; empty for a stream
	Data []byte      // all of its contents; the caller may change them
	Info fs.FileInfo // which file it is; nil for a stream that is no regular file
}

// Perm is the permission for a file made from s: that of s, without execution
// and without writing for others, which file systems that know no modes report
// for everything, and with reading and writing for the owner, so that a hive
// taken from a read-only medium can be used. It is 0, which stands for the
// default, where s is no file.
func (s *Source) Perm() fs.FileMode {
	if s.Info == nil {
		return 0
	}
	return s.Info.Mode().Perm()&0o664 | 0o600
}

// ReadFile reads the regular file at path, following symbolic links. It returns
// ErrNotRegular for anything else, ErrTooLarge when the file is longer than
// MaxSize, ErrChanged when it was written to meanwhile, ErrInUse when Windows
// has it locked, and the error of the operating system otherwise.
func ReadFile(path string) (*Source, error) { return readFile(path, 0) }

// readFile is ReadFile with so many bytes of room behind the data, if that is
// more than usual.
func readFile(path string, room int) (*Source, error) {
	// Before opening: opening a pipe would wait for its other end, and opening
	// a device may do something.
	info, err := os.Stat(path)
	if err != nil {
		return nil, describeInUse(err)
	}
	if err := requireRegular(path, info); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, describeInUse(err)
	}
	defer file.Close() // nothing was written that a failure could lose
	return readOpen(path, file, room)
}

// readOpen reads the file that was opened at path, if it is a regular one,
// with room as readFile has it.
func readOpen(path string, file fs.File, room int) (*Source, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := requireRegular(path, info); err != nil {
		return nil, err
	}
	data, err := readRegular(path, file, info, MaxSize, room)
	if err != nil {
		return nil, describeInUse(err)
	}
	return &Source{Path: path, Data: data, Info: info}, nil
}

// ReadStream reads r to its end. Where r is an *os.File that stands for a
// regular file, such as a redirected standard input, Info tells which, so that
// the file cannot become the output. It returns ErrNotRegular when r is a
// folder, ErrTooLarge when there is more than MaxSize, and the error of r
// otherwise.
func ReadStream(r io.Reader) (*Source, error) {
	source := &Source{}
	var expected int64
	if file, ok := r.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return nil, requireRegular("the input", info)
		}
		if info.Mode().IsRegular() {
			source.Info = info
			expected = info.Size()
			if expected > bounded(MaxSize) {
				return nil, tooLarge("the input", expected, MaxSize)
			}
		}
	}
	data, err := readStream(r, expected, MaxSize)
	if err != nil {
		return nil, err
	}
	source.Data = data
	return source, nil
}

func requireRegular(path string, info fs.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
		return nil
	case info.IsDir():
		return fmt.Errorf("%w: %s is a folder", ErrNotRegular, path)
	default:
		return fmt.Errorf("%w: %s is %s", ErrNotRegular, path, describeMode(info.Mode()))
	}
}

func describeMode(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// readRegular reads the file described by info into one buffer of exactly its
// size, with room behind it. The size is that of a file that is really there, and bounded by limit.
func readRegular(path string, file fs.File, info fs.FileInfo, limit int64, room int) ([]byte, error) {
	size := info.Size()
	if size > bounded(limit) {
		return nil, tooLarge(path, size, limit)
	}
	data := newBuffer(int(size), room)
	if _, err := io.ReadFull(file, data); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: %s has become shorter than %d bytes", ErrChanged, path, size)
	} else if err != nil {
		return nil, err
	}
	after, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if after.Size() != size || !after.ModTime().Equal(info.ModTime()) {
		return nil, fmt.Errorf("%w: %s had %d bytes of %s, then %d of %s", ErrChanged, path,
			size, info.ModTime().UTC(), after.Size(), after.ModTime().UTC())
	}
	return data, nil
}

// readStream reads r to its end, in pieces, because only the end tells how long
// a stream is; one buffer that grows would need three times the memory while it
// is copied. The first piece has room for expected bytes and one more, so that
// a right guess needs no copy.
func readStream(r io.Reader, expected, limit int64) ([]byte, error) {
	limit = bounded(limit)
	var pieces [][]byte
	total := int64(0)
	for size := max(expected+1, streamChunk); ; size = streamChunk {
		piece := newBuffer(int(min(size, limit+1-total)), 0)
		n, err := io.ReadFull(r, piece)
		pieces = append(pieces, piece[:n])
		total += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return join(pieces, int(total)), nil
		case err != nil:
			return nil, err
		case total > limit:
			return nil, tooLarge("the input", total, limit)
		}
	}
}

func join(pieces [][]byte, total int) []byte {
	if len(pieces[0]) == total {
		return pieces[0]
	}
	data := newBuffer(total, 0)
	n := 0
	for _, piece := range pieces {
		n += copy(data[n:], piece)
	}
	return data
}

// bounded is limit, or 1 GiB where an int has 32 bits: the address space does
// not hold more, and a failed allocation cannot be caught.
func bounded(limit int64) int64 {
	if math.MaxInt == math.MaxInt32 {
		return min(limit, 1<<30)
	}
	return limit
}

func tooLarge(name string, size, limit int64) error {
	return fmt.Errorf("%w: %s has at least %d bytes, the limit is %d", ErrTooLarge, name, size, bounded(limit))
}
