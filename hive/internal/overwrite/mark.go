package overwrite

import (
	"crypto/sha256"
	"encoding/binary"
	"unicode/utf8"

	"hivepatch/hive/internal/regf"
)

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
)

// HeaderSize is the length of a header with a mark, in bytes: one sector.
const HeaderSize = regf.HeaderSize

// MaxBackup is the longest name of a backup that a mark can tell, in bytes.
const MaxBackup = markEnd - markName

// Mark is what the header of a half-written hive tells.
type Mark struct {
	Old    [sha256.Size]byte // SHA-256 of the old hive
	Backup string            // what has the old hive; empty where the name was too long
}

// MarkedHeader makes, of the header of the new hive, that of one that is being
// written. Its sequence numbers begin at sequence, which is beyond those of the
// logs, so that none of them is ever applied to it.
func MarkedHeader(header []byte, sequence uint32, m Mark) []byte {
	marked := make([]byte, HeaderSize)
	copy(marked, header)
	binary.LittleEndian.PutUint32(marked[4:], sequence+1)
	binary.LittleEndian.PutUint32(marked[8:], sequence)
	clear(marked[markAt:markEnd])
	copy(marked[markAt:], markSignature)
	copy(marked[markAt+len(markSignature):], m.Old[:])
	if len(m.Backup) <= MaxBackup {
		binary.LittleEndian.PutUint16(marked[markName-2:], uint16(len(m.Backup)))
		copy(marked[markName:], m.Backup)
	}
	regf.BaseBlock(marked).FixChecksum()
	return marked
}

// ReadMark reads the mark in the first bytes of a hive, if there is one.
func ReadMark(data []byte) (Mark, bool) {
	block, err := regf.NewBaseBlock(data)
	if err != nil || !block.ChecksumOK() || block.Sequence1() == block.Sequence2() ||
		string(block[markAt:markAt+len(markSignature)]) != markSignature {
		return Mark{}, false
	}
	var m Mark
	copy(m.Old[:], block[markAt+len(markSignature):])
	length := int(binary.LittleEndian.Uint16(block[markName-2:]))
	if length <= MaxBackup && utf8.Valid(block[markName:markName+length]) {
		m.Backup = string(block[markName : markName+length])
	}
	return m, true
}
