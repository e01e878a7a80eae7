package hivefile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"hivepatch/hive"
	"hivepatch/hive/txlog"
)

// Recovery says what Load does with a dirty hive.
type Recovery int

const (
	// Recover applies the logs and fails when they do not allow it.
	Recover Recovery = iota
	// RecoverIfPossible applies the logs and otherwise opens the hive as it
	// is, for looking at it; File.Unrecovered then has the reason.
	RecoverIfPossible
	// IgnoreLogs opens the hive as it is. What was in the logs only is lost.
	IgnoreLogs
)

// LoadOptions says how Load reads a hive.
type LoadOptions struct {
	// Logs are the paths of the hive's logs, which then count whatever their
	// names. Where there are none, the logs beside the hive are taken; a stream
	// has none beside it.
	Logs     []string
	Recovery Recovery
	// Tolerant opens a hive whose bins are broken, for looking at it.
	Tolerant bool
	// NoDigest leaves File.SHA256 zero, for those who only read, or write a hive
	// that has nothing of the old one elsewhere: the digest takes longer than
	// the reading. SaveInPlace needs it.
	NoDigest bool
	// Room is the number of bytes by which the hive is expected to grow. It is
	// set aside up to a limit, and costs no memory before it is used.
	Room int
}

// File is a hive that was loaded, and what it was like on disk.
type File struct {
	Path string // as given; empty for a stream
	Hive *hive.Hive

	Size                 int64 // bytes
	SHA256               [sha256.Size]byte
	Sequence1, Sequence2 uint32 // as they stand in the file
	HeaderBad            bool   // they mean nothing: the header is damaged
	Dirty                string // why the hive on disk needs recovery; empty for a clean one
	Replayed             int    // log entries that were applied
	Unrecovered          error  // why a dirty hive was not recovered; nil when it was
	Logs                 []txlog.Info
	LeftOut              []string // paths of logs beside the hive that LoadOptions.Logs does not name

	// Sources are the files that were read: the hive, without its data, and
	// its logs.
	Sources []*Source
}

// Name is the path of the hive, "-" for a stream.
func (f *File) Name() string {
	if f.Path == "" {
		return "-"
	}
	return f.Path
}

// Load reads the hive at path with its logs. It returns the errors of ReadFile
// and FindLogs, hive.ErrNotHive, hive.ErrDirty for a dirty hive that cannot be
// recovered, and hive.ErrCorrupt for one that is broken after all.
func Load(path string, options LoadOptions) (*File, error) {
	source, err := readFile(path, options.Room)
	if err != nil {
		return nil, err
	}
	found, err := FindLogs(path)
	if err != nil {
		return nil, err
	}
	var beside []string
	for _, log := range found {
		beside = append(beside, log.Path)
	}
	return open(source, beside, ReadFile, options)
}

// LoadStream reads a hive from r to its end, and the logs that options name.
func LoadStream(r io.Reader, options LoadOptions) (*File, error) {
	source, err := ReadStream(r)
	if err != nil {
		return nil, err
	}
	return open(source, nil, nil, options)
}

// reader reads a file by a path.
type reader func(path string) (*Source, error)

// open opens the hive in source. The logs beside it are read by readBeside; the
// paths that options name are the user's, and mean what they always do.
func open(source *Source, beside []string, readBeside reader, options LoadOptions) (*File, error) {
	logPaths, readLog := beside, readBeside
	var leftPaths []string
	if len(options.Logs) > 0 {
		logPaths, readLog, leftPaths = options.Logs, ReadFile, beside
	}
	f := &File{
		Path:    source.Path,
		Size:    int64(len(source.Data)),
		Sources: []*Source{source},
	}
	if !options.NoDigest {
		f.SHA256 = sha256.Sum256(source.Data)
	}
	state, err := txlog.Examine(source.Data)
	if err != nil {
		return nil, err
	}
	f.Sequence1, f.Sequence2 = state.Sequence1, state.Sequence2
	f.HeaderBad, f.Dirty = state.HeaderBad, state.Reason
	half := RequireWhole(f.Name(), source.Data)
	if half != nil && options.Recovery != RecoverIfPossible {
		return nil, half
	}
	logs, err := f.readLogs(logPaths, readLog, len(options.Logs) > 0)
	if err != nil {
		return nil, err
	}
	var above []txlog.Log
	for _, path := range leftPaths {
		log, err := readBeside(path)
		if err != nil {
			return nil, fmt.Errorf("transaction log: %w", err)
		}
		above = append(above, txlog.Log{Name: log.Path, Data: log.Data})
		if !slices.ContainsFunc(f.Sources, func(s *Source) bool { return os.SameFile(s.Info, log.Info) }) && len(log.Data) > 0 {
			f.LeftOut = append(f.LeftOut, log.Path)
		}
	}
	data := source.Data
	source.Data = nil // the hive owns it, and may move it when it grows
	if err := f.openHive(data, logs, above, options); err != nil {
		return nil, err
	}
	if half != nil {
		f.Unrecovered = half
	}
	return f, nil
}

func (f *File) readLogs(paths []string, read reader, named bool) ([]txlog.Log, error) {
	var logs []txlog.Log
	for _, path := range paths {
		source, err := read(path)
		if err != nil {
			return nil, fmt.Errorf("transaction log: %w", err)
		}
		f.Sources = append(f.Sources, source)
		log := txlog.Log{Name: source.Path, Data: source.Data, Named: named}
		logs = append(logs, log)
		f.Logs = append(f.Logs, txlog.Inspect(log))
	}
	return logs, nil
}

func (f *File) openHive(data []byte, logs, above []txlog.Log, options LoadOptions) (err error) {
	open := []hive.Option{hive.WithLogs(logs...), hive.StayAbove(above...)}
	if options.Tolerant {
		open = append(open, hive.Tolerant())
	}
	if options.Recovery == IgnoreLogs {
		open = append(open, hive.IgnoreDirty())
		if f.Dirty != "" {
			f.Unrecovered = errors.New("the logs were ignored as asked")
		}
	}
	f.Hive, err = hive.Open(data, open...)
	if errors.Is(err, hive.ErrDirty) && options.Recovery == RecoverIfPossible {
		f.Unrecovered = err
		f.Hive, err = hive.Open(data, append(open, hive.IgnoreDirty())...)
	}
	if err == nil && f.Hive.Recovery() != nil {
		f.Replayed = len(f.Hive.Recovery().Entries)
	}
	return err
}
