package hivefile

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"unicode/utf8"

	"hivepatch/hive/internal/regf"
)

// ErrHalfWritten is returned for a hive that lies there half written, because a
// save by pages was interrupted. Restore mends it.
var ErrHalfWritten = errors.New("the hive is half written")

// HalfWrittenError is ErrHalfWritten with what is known.
type HalfWrittenError struct {
	Path   string
	Backup string // path of the backup, or its name beside the hive; empty when it is not known
	Err    error  // why the save ended; nil when it is an earlier one
}

// Error says what happened and which file has the old hive.
func (e *HalfWrittenError) Error() string {
	text := fmt.Sprintf("%v: %s", ErrHalfWritten, e.Path)
	if e.Backup != "" {
		text += fmt.Sprintf(", the old one is %s", e.Backup)
	}
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + ": a save was interrupted"
}

// Unwrap returns ErrHalfWritten and the cause.
func (e *HalfWrittenError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrHalfWritten}
	}
	return []error{ErrHalfWritten, e.Err}
}

// RequireWhole returns a HalfWrittenError when data, the contents of the file at
// path or at least the first 512 bytes of them, is a hive that a save has left
// half written.
func RequireWhole(path string, data []byte) error {
	if mark, ok := readMark(data); ok {
		return &HalfWrittenError{Path: path, Backup: mark.backup}
	}
	return nil
}

// The header of a hive that is being written says so: its sequence numbers
// differ, as while Windows writes, and in a place that Windows leaves unused it
// has this mark. All that is in the first sector, which a disk writes whole.
//
//	0xc0   8  markSignature
//	0xc8  32  SHA-256 of the old hive
//	0xe8   2  length of the name
//	0xea   n  name of the backup in the folder of the hive, or its path
const (
	markSignature = "hivepat\x01"
	markAt        = 0xC0
	markName      = markAt + len(markSignature) + sha256.Size + 2
	markEnd       = 0x1FC // the checksum
	markedSize    = regf.HeaderSize
)

// mark is what the header of a half-written hive tells.
type mark struct {
	old    [sha256.Size]byte // SHA-256 of the old hive
	backup string            // empty where it was too long
}

// markedHeader makes, of the header of the new hive, that of one that is being
// written. Its sequence numbers begin at sequence, which is beyond those of the
// logs, so that none of them is ever applied to it.
func markedHeader(header []byte, sequence uint32, m mark) []byte {
	marked := make([]byte, markedSize)
	copy(marked, header)
	binary.LittleEndian.PutUint32(marked[4:], sequence+1)
	binary.LittleEndian.PutUint32(marked[8:], sequence)
	clear(marked[markAt:markEnd])
	copy(marked[markAt:], markSignature)
	copy(marked[markAt+len(markSignature):], m.old[:])
	if len(m.backup) <= markEnd-markName {
		binary.LittleEndian.PutUint16(marked[markName-2:], uint16(len(m.backup)))
		copy(marked[markName:], m.backup)
	}
	regf.BaseBlock(marked).FixChecksum()
	return marked
}

// readMark reads the mark in the first bytes of a hive, if there is one.
func readMark(data []byte) (mark, bool) {
	block, err := regf.NewBaseBlock(data)
	if err != nil || !block.ChecksumOK() || block.Sequence1() == block.Sequence2() ||
		string(block[markAt:markAt+len(markSignature)]) != markSignature {
		return mark{}, false
	}
	var m mark
	copy(m.old[:], block[markAt+len(markSignature):])
	length := int(binary.LittleEndian.Uint16(block[markName-2:]))
	if length <= markEnd-markName && utf8.Valid(block[markName:markName+length]) {
		m.backup = string(block[markName : markName+length])
	}
	return m, true
}

// beside reports whether the backup is named as one in the folder of the hive.
// Only such a name is followed: the mark comes from a file that may lie.
func (m mark) beside() bool {
	return m.backup != "" && filepath.Base(m.backup) == m.backup && validName(m.backup)
}
