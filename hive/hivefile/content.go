package hivefile

import (
	"io"
	"os"
)

// content is what a file is filled with.
type content interface {
	// size is the number of bytes, 0 where that is not known.
	size() int64
	writeTo(file *os.File) error
}

// whole is content that is in memory.
type whole []byte

func (w whole) size() int64                 { return int64(len(w)) }
func (w whole) writeTo(file *os.File) error { return writeAll(file, w) }

// stream is content that is made as it is written.
type stream func(out io.Writer) error

func (s stream) size() int64                 { return 0 }
func (s stream) writeTo(file *os.File) error { return s(file) }

// WriteNewFunc saves what write writes as the file at path, as WriteNew does
// with data that is in memory. The writer that it gets has no buffer. It must
// write the same when it is called again, which happens where a file system
// does not give a name to the first file. An error of write is returned as it
// is; there is no new file then.
func WriteNewFunc(path string, write func(out io.Writer) error, opts SaveOptions) error {
	out, err := newOutput(path, opts)
	if err != nil {
		return err
	}
	return out.save(stream(write))
}
