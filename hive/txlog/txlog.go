// Package txlog reads the transaction logs of a registry hive and plans how to
// recover the hive from them. It changes nothing: a [Plan] is a list of pages
// that point into the logs, for package hive to put into the image.
//
// # Formats
//
// Up to Windows 8.0 a log holds the dirty pages of one write, chosen by a
// bitmap; it is replaced by the next write. From Windows 8.1 on a log holds
// numbered entries, each with the pages of one flush and two hashes; the hive
// itself is left dirty for as long as an hour while entries collect. Both are
// described in the sections "Format of transaction log files" and "Dirty state
// of a hive" of the regf specification, https://github.com/msuhanov/regf.
//
// # Which files count
//
// A hive has either two logs, HIVE.LOG1 and HIVE.LOG2, or, on Windows XP and
// where a program asked for it, the single HIVE.LOG. Beside two logs a third
// one named .LOG is left over and usually empty. Finding the files is the
// caller's business; NewPlan goes by the end of [Log.Name], without regard to
// case:
//
//   - A valid .LOG1 or .LOG2 puts .LOG out of play.
//   - Of two logs with entries either may hold the beginning. When just one of
//     .LOG1 and .LOG2 is passed, and it has that format, NewPlan refuses. A
//     caller therefore passes a file of zero length as a Log without data, and
//     leaves out only what does not exist.
//   - Logs with other names, and those with [Log.Named], count as they are;
//     none of these rules looks at them.
package txlog

import (
	"errors"
	"strings"

	"hivepatch/hive/internal/regf"
)

// ErrClean is returned when the primary needs no recovery. Windows ignores the
// logs of such a hive, even entries that are newer.
var ErrClean = errors.New("hive is not dirty")

// ErrNoLogs is returned when the hive is dirty and none of the logs is valid:
// there are none, or they are empty or damaged at the start.
var ErrNoLogs = errors.New("no valid transaction log")

// ErrTorn is returned when a log that belongs to the hive breaks off: an entry
// with the number that comes next is there but damaged, or dirty pages are cut
// off. What was in it is lost, and what follows it cannot be applied.
var ErrTorn = errors.New("transaction log is torn")

// ErrNotApplicable is returned when logs are valid but do not belong to this
// state of the hive, or do not hold all that the recovered hive would need.
var ErrNotApplicable = errors.New("transaction logs do not apply to this hive")

// Format is the format of a log.
type Format byte

// Formats of a log.
const (
	FormatUnknown Format = iota
	FormatBitmap         // "DIRT": one bitmap of dirty pages, up to Windows 8.0
	FormatEntries        // "HvLE": numbered entries, Windows 8.1 and later
)

func (f Format) String() string {
	switch f {
	case FormatBitmap:
		return "bitmap"
	case FormatEntries:
		return "entries"
	}
	return "unknown"
}

// Log is a transaction log as it lies on the disk.
type Log struct {
	Name string // file name or path, for messages and for the rules on which files count
	Data []byte // the whole file; nothing here changes it

	// Named is set for a log that a user has picked by hand: it counts as it
	// is, whatever its name, and without a partner.
	Named bool
}

// Page is a run of bytes that a log holds for the hive.
type Page struct {
	Offset uint32 // where it goes, in bytes from the start of the hive bins data
	Data   []byte // part of the log's data, never empty
}

// Entry is what one flush wrote to a log. A log of FormatBitmap is one entry.
type Entry struct {
	Log        string // name of the log
	FileOffset int64  // where the entry begins in the log, in bytes
	Sequence   uint32 // number of the entry
	Flags      uint32 // flags of the base block at that time; only bit 0 is meant
	BinsSize   uint32 // length of the hive bins data at that time, in bytes: a multiple of 4096
	Pages      []Page // in the order in which they are to be written
}

// Skipped is a log that a plan leaves out.
type Skipped struct {
	Log    string // name of the log
	Reason string
}

// Plan says how to bring a dirty hive to the state of its last flush.
type Plan struct {
	Format Format

	// Header is nil when the primary's base block is good. Otherwise it is the
	// log's copy of its first 512 bytes, already made that of a primary with
	// the fields below; the rest of the base block is to be zero.
	Header []byte

	// Entries are to be applied in this order. Every page lies inside BinsSize:
	// what an entry held for bins that were gone in the end is left out.
	Entries []Entry

	BinsSize uint32 // length of the hive bins data after recovery, in bytes
	Flags    uint32 // flags of the base block after recovery

	// Sequence is the number for both fields of the base block after recovery,
	// as Windows chooses it. Whoever saves the hive, edited or not, must also
	// go beyond HighestSequence.
	Sequence uint32

	Skipped []Skipped // valid logs that were left out
	Logs    []Info    // what was found in each log, in the order in which they were passed
}

// Pages yields the place and bytes of every page of all entries, in the order
// in which they are to be written.
func (p *Plan) Pages(yield func(regf.Offset, []byte) bool) {
	for _, entry := range p.Entries {
		for _, page := range entry.Pages {
			if !yield(regf.Offset(page.Offset), page.Data) {
				return
			}
		}
	}
}

// Later returns the later of two sequence numbers. They wrap around after
// 32 bits, so the nearer way around decides.
func Later(a, b uint32) uint32 {
	if Before(a, b) {
		return b
	}
	return a
}

// Before reports whether a sequence number comes before another, across a wrap
// as well.
func Before(a, b uint32) bool { return int32(a-b) < 0 }

// slot is the part that a log plays by its name.
type slot byte

const (
	slotOther slot = iota
	slotSingle
	slotFirst
	slotSecond
)

func slotOf(name string) slot {
	upper := strings.ToUpper(name)
	switch {
	case strings.HasSuffix(upper, ".LOG"):
		return slotSingle
	case strings.HasSuffix(upper, ".LOG1"):
		return slotFirst
	case strings.HasSuffix(upper, ".LOG2"):
		return slotSecond
	}
	return slotOther
}

const (
	sectorSize  = 512 // unit of everything in a log
	headerSize  = regf.HeaderSize
	maxBinsSize = regf.MaxBinsSize
)

// binsSizeProblem says what is wrong with the length of hive bins data that a
// log claims, or "".
func binsSizeProblem(size uint32) string {
	switch {
	case size == 0:
		return "is 0"
	case size%regf.PageSize != 0:
		return "is not a multiple of 4096"
	case size >= maxBinsSize:
		return "reaches 2 GiB"
	}
	return ""
}
