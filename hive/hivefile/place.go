package hivefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// Place is where a hive lies: in a file, in a file below a folder that is not
// left, in a stream, or in a file in the image of a disk. Whoever loads, edits
// and saves a hive need not know which.
type Place interface {
	// Name is what messages call the hive, such as its path.
	Name() string
	// Load reads the hive with its logs, and returns the errors of Load.
	Load(options LoadOptions) (*File, error)
	// Read reads the bytes of the hive alone, and returns the errors of ReadFile.
	Read() (*Source, error)
	// ReadLogs reads the logs beside the hive, and returns the errors of FindLogs
	// and ReadFile. A stream has none.
	ReadLogs() ([]*Source, error)
	// Lock keeps every other hivepatch from the hive until Close, and returns the
	// errors of LockHive. Where the hive is locked already, it does nothing.
	Lock(ctx context.Context, wait time.Duration) error
	// Save puts a hive that Load has returned, as it is in memory, in its place,
	// all or nothing, with the guarantees and errors of File.SaveInPlace.
	Save(ctx context.Context, file *File, options InPlaceOptions) (*Placed, error)
	// Close gives back what the place holds, a lock too. It can be called twice.
	Close() error
}

// FilePlace is the place of the hive file at path.
func FilePlace(path string) Place { return &filePlace{path: path} }

// TreePlace is the place of the hive file called name in a folder, tree, that
// Load and Read do not leave, as LoadIn does not. Name is the path of the folder
// and name, joined, and there the hive is saved.
func TreePlace(tree Tree, name string) Place {
	return &treePlace{filePlace{path: filepath.Join(tree.Name(), name)}, tree, name}
}

// StreamPlace is the place of a hive that is read from r once, by Load or Read.
// It has no lock and takes no hive: Lock and Save return ErrNotRegular.
func StreamPlace(name string, r io.Reader) Place { return &streamPlace{name, r} }

type filePlace struct {
	path string
	lock *Lock // nil where it is not locked
}

func (p *filePlace) Name() string                            { return p.path }
func (p *filePlace) Load(options LoadOptions) (*File, error) { return Load(p.path, options) }
func (p *filePlace) Read() (*Source, error)                  { return ReadFile(p.path) }

func (p *filePlace) ReadLogs() ([]*Source, error) {
	found, err := FindLogs(p.path)
	if err != nil {
		return nil, err
	}
	return readLogFiles(found, ReadFile)
}

func readLogFiles(found []LogFile, read reader) (logs []*Source, err error) {
	for _, log := range found {
		source, err := read(log.Path)
		if err != nil {
			return nil, fmt.Errorf("transaction log: %w", err)
		}
		logs = append(logs, source)
	}
	return logs, nil
}

func (p *filePlace) Lock(ctx context.Context, wait time.Duration) (err error) {
	if p.lock == nil {
		p.lock, err = LockHive(ctx, p.path, wait)
	}
	return err
}

func (p *filePlace) Save(ctx context.Context, file *File, options InPlaceOptions) (*Placed, error) {
	if options.Lock == nil {
		options.Lock = p.lock
	}
	return file.SaveInPlace(ctx, options)
}

func (p *filePlace) Close() error {
	if p.lock != nil {
		p.lock.Release()
		p.lock = nil
	}
	return nil
}

// treePlace is a file that is read without leaving a tree.
type treePlace struct {
	filePlace
	tree Tree
	name string
}

func (p *treePlace) Load(options LoadOptions) (*File, error) {
	return LoadIn(p.tree, p.name, options)
}

func (p *treePlace) Read() (*Source, error) { return ReadFileIn(p.tree, p.name) }

func (p *treePlace) ReadLogs() ([]*Source, error) { return ReadLogsIn(p.tree, p.name) }

type streamPlace struct {
	name string
	r    io.Reader // nil when it has been read
}

// errReadAlready is returned for the second reading of a stream.
var errReadAlready = errors.New("it has been read already")

func (p *streamPlace) Name() string { return p.name }

func (p *streamPlace) Load(options LoadOptions) (*File, error) {
	r, err := p.once()
	if err != nil {
		return nil, err
	}
	return LoadStream(r, options)
}

func (p *streamPlace) Read() (*Source, error) {
	r, err := p.once()
	if err != nil {
		return nil, err
	}
	return ReadStream(r)
}

func (p *streamPlace) ReadLogs() ([]*Source, error) { return nil, nil }

func (p *streamPlace) once() (io.Reader, error) {
	if p.r == nil {
		return nil, fmt.Errorf("%s: %w", p.name, errReadAlready)
	}
	r := p.r
	p.r = nil
	return r, nil
}

func (p *streamPlace) Lock(context.Context, time.Duration) error { return p.noPlace() }

func (p *streamPlace) Save(context.Context, *File, InPlaceOptions) (*Placed, error) {
	return nil, p.noPlace()
}

func (p *streamPlace) noPlace() error {
	return fmt.Errorf("%w: %s is a stream, in which no hive can be put", ErrNotRegular, p.name)
}

func (p *streamPlace) Close() error { return nil }
