package txlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
)

// A log entry: signature, size, flags, sequence number, bins size and number of
// pages, four bytes each; hash of what follows the header, hash of the first
// 32 bytes; then offset and size of each page, then the pages without gaps.
const (
	entrySignature  = "HvLE"
	entryHeaderSize = 40
	entryHashed     = 32 // bytes of the header that its own hash covers
	entryReference  = 8
	entryMinSize    = sectorSize
)

// entryHeader is a view of the fixed part of a log entry.
type entryHeader []byte

// entryAt returns the header at offset off, or nil when there is none: too few
// bytes or another signature.
func entryAt(data []byte, off int64) entryHeader {
	if int64(len(data))-off < entryHeaderSize || string(data[off:off+4]) != entrySignature {
		return nil
	}
	return entryHeader(data[off : off+entryHeaderSize : off+entryHeaderSize])
}

func (h entryHeader) u32(off int) uint32 { return binary.LittleEndian.Uint32(h[off:]) }

func (h entryHeader) size() uint32       { return h.u32(4) }
func (h entryHeader) flags() uint32      { return h.u32(8) }
func (h entryHeader) sequence() uint32   { return h.u32(12) }
func (h entryHeader) binsSize() uint32   { return h.u32(16) }
func (h entryHeader) pageCount() uint32  { return h.u32(20) }
func (h entryHeader) bodyHash() uint64   { return binary.LittleEndian.Uint64(h[24:]) }
func (h entryHeader) headerHash() uint64 { return binary.LittleEndian.Uint64(h[32:]) }

// sound reports whether the header's own hash is right: the log's writer made
// it, whatever became of the pages.
func (h entryHeader) sound() bool { return marvin32(hashSeed, h[:entryHashed]) == h.headerHash() }

// readEntries reads the entries of a log whose header is valid. They begin in
// the second sector, follow one another without gaps and are numbered from base
// on. Reading ends at the first that does not fit, with the reason: normally
// the end of the file, or what an earlier use of the file left behind.
func readEntries(log Log, base uint32) ([]Entry, Stop) {
	var entries []Entry
	off, expected := int64(sectorSize), base
	for {
		if stop, ended := endOfEntries(log.Data, off, expected); ended {
			return entries, stop
		}
		entry, size, err := readEntry(log, off)
		if err != nil {
			return entries, Stop{Offset: off, Torn: true, Reason: fmt.Sprintf("entry %d: %v", expected, err)}
		}
		entries = append(entries, entry)
		off += size
		expected++
	}
}

// endOfEntries reports whether the entry with the expected number is missing at
// off. It tells a log that simply ends, or goes on with remnants of an earlier
// use, from one in which the expected entry has been damaged.
func endOfEntries(data []byte, off int64, expected uint32) (Stop, bool) {
	stop := Stop{Offset: off}
	if off >= int64(len(data)) {
		stop.Reason = "end of the log"
		return stop, true
	}
	header := entryAt(data, off)
	switch {
	case header == nil && bytes.HasPrefix(data[off:], []byte(entrySignature)):
		stop.Reason = fmt.Sprintf("entry %d: the log ends inside its header", expected)
		stop.Torn = true
	case header == nil:
		stop.Reason = fmt.Sprintf("no entry follows: want signature %q", entrySignature)
	case header.sequence() == expected:
		return Stop{}, false
	case !header.sound():
		stop.Reason = fmt.Sprintf("entry %d: sequence number is %d and the header's hash is wrong", expected, header.sequence())
		stop.Torn = true
	case Before(header.sequence(), expected):
		stop.Reason = fmt.Sprintf("remnant of an earlier use: entry %d, want %d", header.sequence(), expected)
	default:
		stop.Reason = fmt.Sprintf("remnant of another use: entry %d, want %d", header.sequence(), expected)
	}
	return stop, true
}

// readEntry reads the entry at off, where a header is, and returns its size.
func readEntry(log Log, off int64) (Entry, int64, error) {
	header := entryAt(log.Data, off)
	if !header.sound() {
		return Entry{}, 0, fmt.Errorf("hash of the header is %#016x, want %#016x",
			header.headerHash(), marvin32(hashSeed, header[:entryHashed]))
	}
	size, rest := header.size(), int64(len(log.Data))-off
	switch {
	case size < entryMinSize || size%sectorSize != 0:
		return Entry{}, 0, fmt.Errorf("size is %d, want a multiple of %d", size, sectorSize)
	case int64(size) > rest:
		return Entry{}, 0, fmt.Errorf("size is %d, but the log holds only %d more bytes", size, rest)
	}
	body := log.Data[off+entryHeaderSize : off+int64(size)]
	if sum := marvin32(hashSeed, body); sum != header.bodyHash() {
		return Entry{}, 0, fmt.Errorf("hash of the pages is %#016x, want %#016x", header.bodyHash(), sum)
	}
	if problem := binsSizeProblem(header.binsSize()); problem != "" {
		return Entry{}, 0, fmt.Errorf("size of the hive bins data, %#x, %s", header.binsSize(), problem)
	}
	pages, err := readPages(body, header.pageCount(), header.binsSize())
	if err != nil {
		return Entry{}, 0, err
	}
	return Entry{
		Log:        log.Name,
		FileOffset: off,
		Sequence:   header.sequence(),
		Flags:      header.flags(),
		BinsSize:   header.binsSize(),
		Pages:      pages,
	}, int64(size), nil
}

// readPages reads the page references at the start of body and the pages after
// them. All of them are checked before any is used, as an entry counts as a
// whole or not at all.
func readPages(body []byte, count, binsSize uint32) ([]Page, error) {
	if count == 0 {
		return nil, fmt.Errorf("number of pages is 0")
	}
	if uint64(count)*entryReference > uint64(len(body)) {
		return nil, fmt.Errorf("number of pages is %d, which %d bytes cannot hold", count, len(body))
	}
	references, data := body[:count*entryReference], body[count*entryReference:]
	pages := make([]Page, 0, count)
	for ; len(references) > 0; references = references[entryReference:] {
		offset := binary.LittleEndian.Uint32(references)
		size := binary.LittleEndian.Uint32(references[4:])
		switch {
		case size == 0:
			return nil, fmt.Errorf("page for offset %#x has size 0", offset)
		case uint64(offset)+uint64(size) > uint64(binsSize):
			return nil, fmt.Errorf("page of %#x bytes for offset %#x lies outside the hive bins data of %#x bytes", size, offset, binsSize)
		case uint64(size) > uint64(len(data)):
			return nil, fmt.Errorf("page of %#x bytes for offset %#x: the entry holds only %#x more", size, offset, len(data))
		}
		pages = append(pages, Page{Offset: offset, Data: data[:size:size]})
		data = data[size:]
	}
	return pages, nil
}

// soundHeaders yields every entry header in data, with its offset, that is
// where an entry may begin and whose hash is right: those of remnants too. The
// pages are not looked at.
func soundHeaders(data []byte) iter.Seq2[int64, entryHeader] {
	return func(yield func(int64, entryHeader) bool) {
		for off := int64(sectorSize); off < int64(len(data)); off += sectorSize {
			if header := entryAt(data, off); header != nil && header.sound() && !yield(off, header) {
				return
			}
		}
	}
}
