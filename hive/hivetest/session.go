package hivetest

import (
	"encoding/binary"
	"slices"
)

// Flush is one flush of a hive that Windows had open: what the hive was then,
// and which log got the entry.
type Flush struct {
	Hive []byte // complete and sound; its header numbers do not matter
	Log  int    // 1 or 2
}

// Session is what happened to a hive from the last time it was clean until the
// power went, as Windows 8.1 and later record it: each flush appends an entry
// to one of two logs, the primary gets the pages only when the logs are
// reconciled.
type Session struct {
	Before  []byte // the clean primary; its sequence number is that of the first entry
	Flushes []Flush

	// Reconciled is the number of flushes whose pages the primary already has
	// and whose entries the logs have lost, although the header of the primary
	// still names the first of them.
	Reconciled int

	Stale1, Stale2       []Entry // what an earlier use left behind the entries
	FileSize1, FileSize2 int     // zeros up to here
}

// DirtyHive is a hive that was not closed, with its logs.
type DirtyHive struct {
	Primary, Log1, Log2 []byte
	Entries             []Entry // in the order of their numbers
	Recovered           []byte  // the primary after replay, clean, with the numbers Windows gives it
}

// Dirty returns the files that the session left.
func (s Session) Dirty() DirtyHive {
	first := binary.LittleEndian.Uint32(s.Before[AtSequence1:])
	dirty := DirtyHive{Primary: slices.Clone(s.Before)}
	logs := [3][]Entry{}
	previous := s.Before
	for i, flush := range s.Flushes {
		entry := Diff(previous, flush.Hive, first+uint32(i))
		previous = flush.Hive
		if i < s.Reconciled {
			dirty.Primary = replay(dirty.Primary, entry)
			continue
		}
		dirty.Entries = append(dirty.Entries, entry)
		logs[flush.Log] = append(logs[flush.Log], entry)
	}
	dirty.Log1 = NewLog{Header: s.Before, Entries: logs[1], Stale: s.Stale1, FileSize: s.FileSize1}.Bytes()
	dirty.Log2 = NewLog{Header: s.Before, Entries: logs[2], Stale: s.Stale2, FileSize: s.FileSize2}.Bytes()

	dirty.Recovered = dirty.Primary
	for _, entry := range dirty.Entries {
		dirty.Recovered = replay(dirty.Recovered, entry)
	}
	next := first + uint32(len(s.Flushes))
	setNumbers(dirty.Recovered, next, next)
	setNumbers(dirty.Primary, first+1, first)
	return dirty
}

// replay returns the hive after an entry, in memory of its own.
func replay(hive []byte, entry Entry) []byte {
	end := BaseBlockSize + int(entry.BinsSize)
	hive = append(slices.Clone(hive), make([]byte, max(0, end-len(hive)))...)
	for _, page := range entry.Pages {
		copy(hive[FileOffset(page.Offset):], page.Data)
	}
	flags := binary.LittleEndian.Uint32(hive[AtFlags:])
	binary.LittleEndian.PutUint32(hive[AtFlags:], flags&^1|entry.Flags&1)
	binary.LittleEndian.PutUint32(hive[AtBinsSize:], entry.BinsSize)
	FixChecksum(hive)
	return hive
}

// setNumbers stores both sequence numbers and renews the checksum.
func setNumbers(hive []byte, sequence1, sequence2 uint32) {
	binary.LittleEndian.PutUint32(hive[AtSequence1:], sequence1)
	binary.LittleEndian.PutUint32(hive[AtSequence2:], sequence2)
	FixChecksum(hive)
}

// OldSession is one flush that Windows 8.0 or older did not finish: the log is
// complete, the primary has got some of the pages.
type OldSession struct {
	Before  []byte // the clean primary
	After   []byte // what the flush was to make of it
	Time    uint64 // FILETIME of the flush, for header, first bin and log
	Written int    // 4 KiB pages that reached the primary
	Type    uint32 // of the log; 0 stands for TypeDirtLog
}

// Dirty returns the files that the session left; there is no second log and
// there are no entries. The sequence numbers of Recovered follow that of the
// log by one. Windows 7 was seen to go further, because it flushes again.
func (s OldSession) Dirty() DirtyHive {
	number := binary.LittleEndian.Uint32(s.Before[AtSequence1:])
	recovered := &Image{Data: slices.Clone(s.After)}
	recovered.SetTimestamp(s.Time)
	recovered.SetSequences(number+2, number+2)

	pages := DirtPages(s.Before, recovered.Data)
	log := DirtLog{Type: s.Type, Sequence: number + 1, Timestamp: s.Time, Header: recovered.Data, Bins: liveBins(recovered.Data), Dirty: pages}

	primary := append(slices.Clone(s.Before), make([]byte, max(0, len(s.After)-len(s.Before)))...)
	copy(primary, recovered.Data[:BaseBlockSize]) // the header is written first
	written := 0
	for at := 0; at < len(pages)*sectorSize && written < s.Written; at += PageSize {
		if pages[at/sectorSize] {
			start, end := BaseBlockSize+at, BaseBlockSize+at+PageSize
			copy(primary[start:end], recovered.Data[start:])
			written++
		}
	}
	setNumbers(primary, number+1, number)
	return DirtyHive{Primary: primary, Log1: log.Bytes(), Log2: []byte{}, Recovered: recovered.Data}
}
