package txlog

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/internal/regf"
)

// What follows builds the smallest hives and logs that the rules tell apart.
// The bins are filled with a letter each, so that a test can see which page
// came from where.

const page = regf.PageSize

func put32(b []byte, off int, v uint32) { binary.LittleEndian.PutUint32(b[off:], v) }
func put64(b []byte, off int, v uint64) { binary.LittleEndian.PutUint64(b[off:], v) }

// header makes the first 512 bytes of a hive or log.
func header(kind, sequence1, sequence2, binsSize uint32, timestamp uint64) []byte {
	b := make([]byte, 512)
	copy(b, "regf")
	put32(b, 0x04, sequence1)
	put32(b, 0x08, sequence2)
	put64(b, 0x0C, timestamp)
	put32(b, 0x14, 1)
	put32(b, 0x18, 5)
	put32(b, 0x1C, kind)
	put32(b, 0x20, 1)
	put32(b, 0x24, 0x20)
	put32(b, 0x28, binsSize)
	put32(b, 0x2C, 1)
	regf.BaseBlock(b).FixChecksum()
	return b
}

// hive makes a primary with the given number of one-page bins.
func hive(sequence1, sequence2 uint32, pages int, timestamp uint64) []byte {
	b := make([]byte, 4096+pages*page)
	copy(b, header(regf.TypePrimary, sequence1, sequence2, uint32(pages*page), timestamp))
	for i := range pages {
		bin := b[4096+i*page:][:page]
		copy(bin, bytes.Repeat([]byte{'.'}, page))
		copy(bin, "hbin")
		put32(bin, 4, uint32(i*page))
		put32(bin, 8, page)
	}
	if pages > 0 {
		put64(b, 4096+20, timestamp)
	}
	return b
}

func fill(offset uint32, letter byte, size int) Page {
	return Page{Offset: offset, Data: bytes.Repeat([]byte{letter}, size)}
}

// entry makes a log entry with both hashes right.
func entry(sequence, binsSize uint32, pages ...Page) []byte {
	b := make([]byte, entryHeaderSize)
	for _, p := range pages {
		b = binary.LittleEndian.AppendUint32(b, p.Offset)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	}
	for _, p := range pages {
		b = append(b, p.Data...)
	}
	b = append(b, make([]byte, -len(b)&511)...)
	copy(b, "HvLE")
	put32(b, 4, uint32(len(b)))
	put32(b, 12, sequence)
	put32(b, 16, binsSize)
	put32(b, 20, uint32(len(pages)))
	fixHashes(b)
	return b
}

func fixHashes(entry []byte) []byte {
	put64(entry, 24, marvin32(hashSeed, entry[40:]))
	return fixHeaderHash(entry)
}

func fixHeaderHash(entry []byte) []byte {
	put64(entry, 32, marvin32(hashSeed, entry[:32]))
	return entry
}

// change returns entry with a field changed and the header's hash right again.
func change(entry []byte, off int, v uint32) []byte {
	b := bytes.Clone(entry)
	put32(b, off, v)
	return fixHeaderHash(b)
}

// spoil returns entry with one bit changed and no hash mended.
func spoil(entry []byte, off int) []byte {
	b := bytes.Clone(entry)
	b[off] ^= 0x10
	return b
}

// newLog makes a log of the new format.
func newLog(name string, base uint32, parts ...[]byte) Log {
	return Log{Name: name, Data: append(header(regf.TypeHvLELog, base, base, 4*page, 0), bytes.Join(parts, nil)...)}
}

// run makes the entries from first to last, each of which sets page 1 to a
// letter of its own: 'A' for first, and so on.
func run(first, last uint32) []byte {
	var b []byte
	for sequence := first; sequence != last+1; sequence++ {
		b = append(b, entry(sequence, 4*page, fill(page, 'A'+byte(sequence-first), page))...)
	}
	return b
}

// oldLog makes a log of the old format in which the given 512-byte pages are
// dirty, each filled with the letter.
func oldLog(name string, sequence uint32, timestamp uint64, binsSize uint32, letter byte, dirty ...int) Log {
	bitmap := make([]byte, binsSize/bitmapUnit)
	for _, i := range dirty {
		bitmap[i/8] |= 1 << (i % 8)
	}
	b := header(regf.TypeDirtLog, sequence, sequence, binsSize, timestamp)
	b = append(b, "DIRT"...)
	b = append(b, bitmap...)
	b = append(b, make([]byte, -len(b)&511)...)
	for range dirty {
		b = append(b, bytes.Repeat([]byte{letter}, 512)...)
	}
	return Log{Name: name, Data: b}
}

// badHeader returns the hive with a header whose checksum is wrong.
func badHeader(hive []byte) []byte {
	b := bytes.Clone(hive)
	b[0x1FC] ^= 0xFF
	return b
}

// apply carries out a plan in the plainest way.
func apply(t testing.TB, primary []byte, plan *Plan) []byte {
	t.Helper()
	image := bytes.Clone(primary)
	if need := 4096 + int(plan.BinsSize); len(image) < need {
		image = append(image, make([]byte, need-len(image))...)
	}
	if plan.Header != nil {
		require.Len(t, plan.Header, 512)
		clear(image[:4096])
		copy(image, plan.Header)
	}
	for _, entry := range plan.Entries {
		for _, p := range entry.Pages {
			copy(image[4096+int(p.Offset):4096+int(plan.BinsSize)], p.Data)
		}
	}
	put32(image, 0x04, plan.Sequence)
	put32(image, 0x08, plan.Sequence)
	put32(image, 0x28, plan.BinsSize)
	put32(image, 0x90, plan.Flags)
	regf.BaseBlock(image).FixChecksum()
	return image
}

// letters returns the first letter that each page of bins data is filled with,
// past the header of an untouched bin.
func letters(image []byte) string {
	var s []byte
	for off := 4096 + 64; off < len(image); off += page {
		s = append(s, image[off])
	}
	return string(s)
}

func sequences(entries []Entry) []uint32 {
	var s []uint32
	for _, e := range entries {
		s = append(s, e.Sequence)
	}
	return s
}
