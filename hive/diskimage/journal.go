package diskimage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// The journal of an image has what is needed to undo a write that was
// interrupted. Numbers are little-endian, offsets are those of the disk as its
// guest sees it, sums are SHA-256.
//
//	header, one sector, written when all the rest is on the disk: until then it
//	is zero, and the image has not been touched
//	  0x000  16  journalSignature
//	  0x010   4  version, 1
//	  0x014   4  number of records
//	  0x018   8  length of all that follows the header
//	  0x020  32  sum of all that follows the header
//	  0x040   8  size of the disk
//	  0x048   8  where the volume begins
//	  0x050  32  sum of the first sector of the volume
//	  0x070   8  where the header of the hive is on the disk
//	  0x078  32  sum of the old hive
//	  0x098  32  sum of the new hive
//	  0x0b8   2  length of the path of the hive, at most 292
//	  0x0ba   n  the path, UTF-8
//	  0x1e0  32  sum of all before it
//	the header of the hive while it is being written, one sector
//	records, the header of the hive the first
//	  0x00   8  where the bytes belong
//	  0x08   4  how many they are, at most 262144
//	  0x0c   4  zero
//	  0x10  32  sum of the 16 bytes before it and of all behind it
//	  0x30   n  the old bytes
//	         m  for each sector of the new bytes, 16 bytes of its sum
//
// The sums of the new bytes tell whether an image is the one that the journal
// was made for: each of its sectors must have the old bytes or the new ones.
const (
	journalSignature = "hivepatch undo\x00\x00"
	journalVersion   = 1
	journalSumAt     = sectorSize - sha256.Size
	journalNameAt    = 0xBA
	undoHeaderSize   = 48
	newSumSize       = 16
)

// Limits of a journal, which may be anything that somebody has put there.
const (
	maxRecords    = 1 << 20
	maxJournalLen = 5 << 30 / 2 // bytes; the largest hive, with the sums of its sectors
)

// ErrJournalFull is returned when so many places of a disk would have to be
// written that a journal has no room for them.
var ErrJournalFull = errors.New("too many places for a journal")

// ErrJournalExists is returned when there is a journal already: a write was
// interrupted, and Rollback comes first.
var ErrJournalExists = errors.New("there is a journal of an interrupted write")

// ErrForeignJournal is returned when a journal is not that of the image, or not
// a journal at all. It is never applied and never removed.
var ErrForeignJournal = errors.New("the journal does not belong to the image")

// ErrDamagedJournal is returned when a journal was complete once and is not any
// more. It is never applied and never removed.
var ErrDamagedJournal = errors.New("the journal is damaged")

// ErrNoJournal is returned by Rollback when there is no journal.
var ErrNoJournal = errors.New("there is no journal")

// JournalSuffix is what the name of a journal has behind that of the image.
const JournalSuffix = ".hivepatch-journal"

// JournalPath returns where the journal of an image lies: beside the image, to
// which a symbolic link leads. A device has none beside it.
func JournalPath(image string) (string, error) {
	real, err := filepath.EvalSymlinks(image)
	if err != nil {
		return "", err
	}
	return real + JournalSuffix, nil
}

// FindJournal reports whether there is a journal at a path. It returns
// ErrForeignJournal when what is there is no regular file, and the error of the
// operating system.
func FindJournal(path string) (bool, error) { return osFiles{}.find(path) }

// journalHeader is the first sector of a journal.
type journalHeader struct {
	records    uint32
	length     int64 // of all that follows the header
	sum        [sha256.Size]byte
	diskSize   int64
	volume     int64
	boot       [sha256.Size]byte
	hiveHeader int64
	old, new   [sha256.Size]byte
	name       string
}

// encode returns the sector. A name that is too long loses its beginning.
func (h journalHeader) encode() []byte {
	b := []byte(journalSignature)
	b = binary.LittleEndian.AppendUint32(b, journalVersion)
	b = binary.LittleEndian.AppendUint32(b, h.records)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.length))
	b = append(b, h.sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.diskSize))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.volume))
	b = append(b, h.boot[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.hiveHeader))
	b = append(b, h.old[:]...)
	b = append(b, h.new[:]...)
	name := h.name
	for len(name) > journalSumAt-journalNameAt {
		_, size := utf8.DecodeRuneInString(name)
		name = name[size:]
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	b = append(b, make([]byte, journalSumAt-len(b))...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// errUnfinished is returned for a journal whose header was not written.
var errUnfinished = errors.New("the journal was not finished")

// readJournalHeader reads the header of a journal of so many bytes. It returns
// errUnfinished, ErrForeignJournal, or ErrDamagedJournal.
func readJournalHeader(file io.ReaderAt, size int64) (h journalHeader, err error) {
	var b [sectorSize]byte
	n, err := file.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	switch {
	case b == [sectorSize]byte{}:
		return h, errUnfinished
	case n < sectorSize || string(b[:len(journalSignature)]) != journalSignature:
		return h, fmt.Errorf("%w: it is not a journal", ErrForeignJournal)
	case [sha256.Size]byte(b[journalSumAt:]) != sha256.Sum256(b[:journalSumAt]):
		return h, fmt.Errorf("%w: the sum of its header is wrong", ErrDamagedJournal)
	}
	if version := binary.LittleEndian.Uint32(b[0x10:]); version != journalVersion {
		return h, fmt.Errorf("%w: its version is %d, want %d", ErrForeignJournal, version, journalVersion)
	}
	h.decode(b[:])
	return h, h.check(size)
}

func (h *journalHeader) decode(b []byte) {
	h.records = binary.LittleEndian.Uint32(b[0x14:])
	h.length = int64(binary.LittleEndian.Uint64(b[0x18:]))
	copy(h.sum[:], b[0x20:])
	h.diskSize = int64(binary.LittleEndian.Uint64(b[0x40:]))
	h.volume = int64(binary.LittleEndian.Uint64(b[0x48:]))
	copy(h.boot[:], b[0x50:])
	h.hiveHeader = int64(binary.LittleEndian.Uint64(b[0x70:]))
	copy(h.old[:], b[0x78:])
	copy(h.new[:], b[0x98:])
	length := min(int(binary.LittleEndian.Uint16(b[0xB8:])), journalSumAt-journalNameAt)
	h.name = strings.ToValidUTF8(string(b[journalNameAt:journalNameAt+length]), "�")
}

func (h *journalHeader) check(size int64) error {
	switch {
	case h.length < sectorSize || h.length > maxJournalLen || h.length != size-sectorSize:
		return fmt.Errorf("%w: it has %d bytes behind its header, want %d", ErrDamagedJournal, size-sectorSize, h.length)
	case h.records < 1 || h.records > maxRecords:
		return fmt.Errorf("%w: it has %d records, want 1 to %d", ErrDamagedJournal, h.records, maxRecords)
	}
	return nil
}

// requireDisk requires that the disk is the one that the journal was made for,
// as far as its size and its volume tell.
func (h *journalHeader) requireDisk(disk Disk) error {
	if size := disk.Size(); size != h.diskSize {
		return fmt.Errorf("%w: the disk has %d bytes, had %d", ErrForeignJournal, size, h.diskSize)
	}
	boot, err := bootSum(disk, h.volume)
	if err != nil {
		return err
	}
	if boot != h.boot {
		return fmt.Errorf("%w: another volume begins at %#x", ErrForeignJournal, h.volume)
	}
	return nil
}

// bootSum is the sum of the first sector of a volume, which has its serial
// number.
func bootSum(disk Disk, volume int64) (sum [sha256.Size]byte, err error) {
	if volume < 0 || volume > disk.Size()-sectorSize {
		return sum, &LayoutError{fmt.Sprintf("no volume can begin at %#x of a disk of %d bytes", volume, disk.Size())}
	}
	var boot [sectorSize]byte
	if err := readFull(disk, boot[:], volume); err != nil {
		return sum, err
	}
	return sha256.Sum256(boot[:]), nil
}

// newSums returns the sums of the sectors of data.
func newSums(data []byte) []byte {
	var sums []byte
	for len(data) > 0 {
		n := min(sectorSize, len(data))
		sum := sha256.Sum256(data[:n])
		sums = append(sums, sum[:newSumSize]...)
		data = data[n:]
	}
	return sums
}

// sectorsOf is the number of sectors that so many bytes fill or begin.
func sectorsOf(length int) int { return (length + sectorSize - 1) / sectorSize }

// undoRecord is one run of bytes of the disk in a journal.
type undoRecord struct {
	offset  int64
	old     []byte
	newSums []byte
}

// encodeUndoRecord returns the record without its old bytes, which belong between
// both parts.
func encodeUndoRecord(offset int64, old, now []byte) (head, tail []byte) {
	head = binary.LittleEndian.AppendUint64(nil, uint64(offset))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(old)))
	head = binary.LittleEndian.AppendUint32(head, 0)
	tail = newSums(now)
	return append(head, sumOf(head, old, tail)...), tail
}

func sumOf(parts ...[]byte) []byte {
	digest := sha256.New()
	for _, part := range parts {
		digest.Write(part)
	}
	return digest.Sum(nil)
}

// readUndoRecord reads the next record of a journal for a disk of so many bytes.
func readUndoRecord(r io.Reader, diskSize int64) (undoRecord, error) {
	var head [undoHeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return undoRecord{}, fmt.Errorf("%w: it ends within a record", ErrDamagedJournal)
	}
	offset, length := binary.LittleEndian.Uint64(head[:]), binary.LittleEndian.Uint32(head[8:])
	if length < 1 || length > copyUnit || offset%sectorSize != 0 || offset > uint64(diskSize) || uint64(length) > uint64(diskSize)-offset {
		return undoRecord{}, fmt.Errorf("%w: it has %d bytes for %#x of a disk of %d", ErrDamagedJournal, length, offset, diskSize)
	}
	body := make([]byte, int(length)+newSumSize*sectorsOf(int(length)))
	if _, err := io.ReadFull(r, body); err != nil {
		return undoRecord{}, fmt.Errorf("%w: it ends within a record", ErrDamagedJournal)
	}
	found := undoRecord{offset: int64(offset), old: body[:length], newSums: body[length:]}
	if !bytes.Equal(head[16:], sumOf(head[:16], body)) {
		return undoRecord{}, fmt.Errorf("%w: the sum of the record for %#x is wrong", ErrDamagedJournal, offset)
	}
	return found, nil
}
