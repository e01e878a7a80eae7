package txlog

import (
	"fmt"

	"hivepatch/hive/internal/regf"
)

// Info says what a log holds.
type Info struct {
	Name   string
	Size   int64  // length of the file in bytes; 0 is normal and means that there is nothing to apply
	Format Format // as the header says, even if the log is not valid

	// Problem says why the log is not valid and holds nothing to apply; it is
	// "" for a valid log, and the fields below are set only then.
	Problem string

	Timestamp uint64 // FILETIME in the header; from Windows 8.1 on it is not kept up
	Base      uint32 // sequence number in the header: that of the first entry
	BinsSize  uint32 // length of the hive bins data in the header, in bytes
	Entries   int    // number of sound entries; 0 or 1 for FormatBitmap
	First     uint32 // number of the first entry, when there are entries
	Last      uint32 // number of the last entry, when there are entries
	Stop      Stop
}

// Valid reports whether the log's header is sound, so that the log counts.
func (i Info) Valid() bool { return i.Problem == "" }

// Empty reports whether the log is a file of zero length.
func (i Info) Empty() bool { return i.Size == 0 }

// Stop says where and why the reading of a log ended.
type Stop struct {
	Offset int64  // offset in the log, in bytes
	Reason string // normally the end of the log, or what an earlier use left in the file
	Torn   bool   // whether something that should follow is there but damaged
}

// Inspect reads a log, whether or not it belongs to any hive. The time and
// memory it takes are bounded by the log's length, whatever the log claims.
func Inspect(log Log) Info { return parse(log).info }

// HighestSequence returns the latest sequence number in the logs: of the
// headers that are valid and of all entries with a sound header, applied or
// not, remnants of earlier uses included. It returns false when there is none.
//
// A hive that is saved with a number beyond it, and beyond its own, is safe
// from its logs for good: as it is clean they are ignored now, and when Windows
// makes it dirty again, what it writes begins at that number, so that older
// logs are recognised as such.
func HighestSequence(logs []Log) (uint32, bool) {
	var highest uint32
	found := false
	take := func(sequence uint32) {
		if found {
			sequence = Later(highest, sequence)
		}
		highest, found = sequence, true
	}
	for _, log := range logs {
		header, format, problem := parseHeader(log.Data)
		if problem == "" {
			take(header.Sequence1())
		}
		if format == FormatBitmap {
			continue // what looks like entries there is data of the hive
		}
		for _, entry := range soundHeaders(log.Data) {
			take(entry.sequence())
		}
	}
	return highest, found
}

// parsed is a log with all that could be read from it.
type parsed struct {
	log     Log
	slot    slot
	info    Info
	header  regf.BaseBlock
	entries []Entry
}

func parse(log Log) parsed {
	p := parsed{log: log, info: Info{Name: log.Name, Size: int64(len(log.Data))}}
	if !log.Named {
		p.slot = slotOf(log.Name)
	}
	p.header, p.info.Format, p.info.Problem = parseHeader(log.Data)
	if p.info.Problem != "" {
		return p
	}
	p.info.Timestamp = p.header.Timestamp()
	p.info.Base = p.header.Sequence1()
	p.info.BinsSize = p.header.BinsSize()
	if p.info.Format == FormatEntries {
		p.entries, p.info.Stop = readEntries(log, p.info.Base)
	} else {
		var entry Entry
		entry, p.info.Stop = readBitmap(log, p.header)
		if len(entry.Pages) > 0 {
			p.entries = []Entry{entry}
		}
	}
	if n := len(p.entries); n > 0 {
		p.info.Entries, p.info.First, p.info.Last = n, p.entries[0].Sequence, p.entries[n-1].Sequence
	}
	return p
}

// parseHeader reads the log's copy of the base block. problem is "" when the
// log is valid.
func parseHeader(data []byte) (header regf.BaseBlock, format Format, problem string) {
	if len(data) == 0 {
		return nil, FormatUnknown, "empty"
	}
	header, err := regf.NewBaseBlock(data)
	if err != nil {
		return nil, FormatUnknown, fmt.Sprintf("no header: %d bytes that begin with %q, want at least %d and \"regf\"",
			len(data), data[:min(len(data), 4)], headerSize)
	}
	header = header[:headerSize:headerSize]
	switch header.Type() {
	case regf.TypeDirtLog, regf.TypeNTLog:
		format = FormatBitmap
	case regf.TypeHvLELog:
		format = FormatEntries
	default:
		return header, FormatUnknown, fmt.Sprintf("type at 0x1c is %d, want %d, %d or %d",
			header.Type(), regf.TypeDirtLog, regf.TypeNTLog, regf.TypeHvLELog)
	}
	if problem = headerProblem(header); problem != "" {
		return header, format, problem
	}
	if format == FormatBitmap {
		return header, format, bitmapProblem(data, header)
	}
	if smallest := headerSize + entryHeaderSize; len(data) <= smallest {
		return header, format, fmt.Sprintf("%d bytes, want more than %d", len(data), smallest)
	}
	return header, format, ""
}

// headerProblem says what is wrong with the header of a log of either format,
// or "".
func headerProblem(header regf.BaseBlock) string {
	switch {
	case !header.ChecksumOK():
		return fmt.Sprintf("checksum at 0x1fc is %#08x, want %#08x", header.Checksum(), header.ComputedChecksum())
	case header.Sequence1() != header.Sequence2():
		return fmt.Sprintf("sequence numbers are %d and %d: the log was never completed", header.Sequence1(), header.Sequence2())
	case header.Major() != 1:
		return fmt.Sprintf("major version at 0x14 is %d, want 1", header.Major())
	case header.Format() != 1:
		return fmt.Sprintf("format at 0x20 is %d, want 1", header.Format())
	}
	return ""
}
