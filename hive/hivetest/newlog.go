package hivetest

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Sizes and types of transaction logs.
const (
	LogHeaderSize   = 512
	EntryHeaderSize = 40

	TypeDirtLog = 1 // bitmap of pages, Windows XP to 8.0
	TypeNTLog   = 2 // the same before Windows XP
	TypeHvLELog = 6 // entries, Windows 8.1 and later
)

// Offsets in a log entry.
const (
	EntrySize     = 4
	EntryFlags    = 8
	EntrySequence = 12
	EntryBinsSize = 16
	EntryCount    = 20
	EntryHash1    = 24
	EntryHash2    = 32
	EntryPages    = 40
)

// Page is a run of bytes that an entry writes to the bins.
type Page struct {
	Offset uint32
	Data   []byte
}

// Entry is one entry of a log of the new format: the pages of one flush.
type Entry struct {
	Sequence uint32
	Flags    uint32
	BinsSize uint32
	Pages    []Page
}

// Diff returns the entry that Windows writes when it flushes a hive that was
// before and is after: every page that differs, the first page always, with
// neighbours as one run. A page that before did not have counts as different.
func Diff(before, after []byte, sequence uint32) Entry {
	entry := Entry{
		Sequence: sequence,
		Flags:    binary.LittleEndian.Uint32(after[AtFlags:]) & 1,
		BinsSize: binary.LittleEndian.Uint32(after[AtBinsSize:]),
	}
	old := liveBins(before)
	now := liveBins(after)
	for at := 0; at < len(now); at += PageSize {
		page := now[at : at+PageSize]
		if at > 0 && at < len(old) && bytes.Equal(page, old[at:at+PageSize]) {
			continue
		}
		last := len(entry.Pages) - 1
		if last >= 0 && int(entry.Pages[last].Offset)+len(entry.Pages[last].Data) == at {
			entry.Pages[last].Data = append(entry.Pages[last].Data, page...)
			continue
		}
		entry.Pages = append(entry.Pages, Page{Offset: uint32(at), Data: slices.Clone(page)})
	}
	return entry
}

// liveBins returns the bins of a hive without what trails them.
func liveBins(hive []byte) []byte {
	return hive[BaseBlockSize : BaseBlockSize+binary.LittleEndian.Uint32(hive[AtBinsSize:])]
}

// Bytes returns the entry as it is written at an offset of the log: with both
// hashes, and zeros up to a file offset that is a multiple of 4096.
func (e Entry) Bytes(at int) []byte {
	data := make([]byte, EntryHeaderSize)
	copy(data, "HvLE")
	binary.LittleEndian.PutUint32(data[EntryFlags:], e.Flags)
	binary.LittleEndian.PutUint32(data[EntrySequence:], e.Sequence)
	binary.LittleEndian.PutUint32(data[EntryBinsSize:], e.BinsSize)
	binary.LittleEndian.PutUint32(data[EntryCount:], uint32(len(e.Pages)))
	for _, page := range e.Pages {
		data = binary.LittleEndian.AppendUint32(data, page.Offset)
		data = binary.LittleEndian.AppendUint32(data, uint32(len(page.Data)))
	}
	for _, page := range e.Pages {
		data = append(data, page.Data...)
	}
	data = append(data, make([]byte, -(at+len(data))&(PageSize-1))...)
	binary.LittleEndian.PutUint32(data[EntrySize:], uint32(len(data)))
	FixEntryHashes(data)
	return data
}

// FixEntryHashes stores both hashes of the entry at the start of data. An entry
// whose size does not fit gets only the one over its header.
func FixEntryHashes(data []byte) {
	if size := binary.LittleEndian.Uint32(data[EntrySize:]); size >= EntryPages && int64(size) <= int64(len(data)) {
		binary.LittleEndian.PutUint64(data[EntryHash1:], Marvin32(data[EntryPages:size]))
	}
	binary.LittleEndian.PutUint64(data[EntryHash2:], Marvin32(data[:EntryHash2]))
}

// NewLog is a transaction log of the new format.
type NewLog struct {
	Header   []byte  // base block of the hive; the log's own fields are set by Bytes
	Entries  []Entry // the first one gives the log its sequence number
	Stale    []Entry // what an earlier use of the file left behind the entries
	FileSize int     // zeros up to here
}

// Bytes returns the file. A log without entries is empty.
func (l NewLog) Bytes() []byte {
	if len(l.Entries) == 0 {
		return []byte{}
	}
	first := l.Entries[0]
	data := logHeader(l.Header, TypeHvLELog, first.Sequence, first.BinsSize)
	for _, entry := range slices.Concat(l.Entries, l.Stale) {
		data = append(data, entry.Bytes(len(data))...)
	}
	if len(data) < l.FileSize {
		data = append(data, make([]byte, l.FileSize-len(data))...)
	}
	return data
}

// EntryOffsets returns where the entries of a log begin, up to the first that
// has no entry's signature or runs past the end.
func EntryOffsets(log []byte) []int {
	var offsets []int
	for at := LogHeaderSize; at+EntryHeaderSize <= len(log) && string(log[at:at+4]) == "HvLE"; {
		offsets = append(offsets, at)
		size := int64(binary.LittleEndian.Uint32(log[at+EntrySize:]))
		if size < LogHeaderSize || int64(at)+size > int64(len(log)) {
			break
		}
		at += int(size)
	}
	return offsets
}

// logHeader returns the first sector of a log: the base block with another type
// and numbers of its own.
func logHeader(base []byte, kind, sequence, binsSize uint32) []byte {
	header := slices.Clone(base[:LogHeaderSize])
	binary.LittleEndian.PutUint32(header[AtSequence1:], sequence)
	binary.LittleEndian.PutUint32(header[AtSequence2:], sequence)
	binary.LittleEndian.PutUint32(header[AtType:], kind)
	binary.LittleEndian.PutUint32(header[AtBinsSize:], binsSize)
	FixChecksum(header)
	return header
}
