package regf

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Types of a base block (field at 0x1C).
const (
	TypePrimary = 0
	TypeDirtLog = 1 // log with a bitmap of dirty pages, Windows XP to 8.0
	TypeNTLog   = 2 // the same before Windows XP
	TypeHvLELog = 6 // log of entries, Windows 8.1 and later
)

// Flags of a base block (field at 0x90).
const (
	FlagTransactions = 0x1 // the kernel transaction manager held the hive
	FlagLayered      = 0x2 // differencing hive (minor version 6)
)

// BaseBlock is a view of the first bytes of a hive or log, at least HeaderSize
// of them.
type BaseBlock []byte

// NewBaseBlock returns the view of the base block at the start of data, which
// may be a primary or a log. It returns ErrNotHive when data is shorter than
// HeaderSize or the signature is not "regf". Nothing else is checked.
func NewBaseBlock(data []byte) (BaseBlock, error) {
	if len(data) < HeaderSize {
		return nil, fmt.Errorf("%w: %d bytes, a base block has at least %d", ErrNotHive, len(data), HeaderSize)
	}
	if string(data[:4]) != "regf" {
		return nil, fmt.Errorf("%w: signature at 0x0 is %q, want \"regf\"", ErrNotHive, data[:4])
	}
	return BaseBlock(data[:min(len(data), BaseBlockSize):min(len(data), BaseBlockSize)]), nil
}

func (b BaseBlock) u32(off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }
func (b BaseBlock) u64(off int) uint64 { return binary.LittleEndian.Uint64(b[off:]) }

// Sequence1 is the primary sequence number, raised when a write begins.
func (b BaseBlock) Sequence1() uint32 { return b.u32(0x04) }

// Sequence2 is the secondary sequence number, made equal to the first when a
// write is complete.
func (b BaseBlock) Sequence2() uint32 { return b.u32(0x08) }

// Timestamp is the FILETIME of the last write: 100 ns since 1601, UTC.
func (b BaseBlock) Timestamp() uint64 { return b.u64(0x0C) }

// Major is the major version, 1 in every hive.
func (b BaseBlock) Major() uint32 { return b.u32(0x14) }

// Minor is the minor version, 0 to 6.
func (b BaseBlock) Minor() uint32 { return b.u32(0x18) }

// Type is TypePrimary or one of the log types.
func (b BaseBlock) Type() uint32 { return b.u32(0x1C) }

// Format is 1 in every hive.
func (b BaseBlock) Format() uint32 { return b.u32(0x20) }

// RootCell is the offset of the root key's cell.
func (b BaseBlock) RootCell() Offset { return Offset(b.u32(0x24)) }

// BinsSize is the length of all bins in bytes.
func (b BaseBlock) BinsSize() uint32 { return b.u32(0x28) }

// Cluster is the sector size of the disk divided by 512; 1 in practice.
func (b BaseBlock) Cluster() uint32 { return b.u32(0x2C) }

// FileName is the tail of the path the hive had, 31 UTF-16 units at most. It
// is there for debugging only.
func (b BaseBlock) FileName() string {
	units := make([]uint16, 0, 32)
	for off := 0x30; off < 0x70; off += 2 {
		unit := binary.LittleEndian.Uint16(b[off:])
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	return StringFromUnits(units)
}

// Flags has FlagTransactions and FlagLayered. Before Windows Vista the field
// was reserved and may hold garbage.
func (b BaseBlock) Flags() uint32 { return b.u32(0x90) }

// GuidSignature is "rmtm" where the transaction manager's GUIDs are in use.
func (b BaseBlock) GuidSignature() string { return string(b[0xA4:0xA8]) }

// Checksum is the stored checksum.
func (b BaseBlock) Checksum() uint32 { return b.u32(0x1FC) }

// ComputedChecksum is the checksum that the first 508 bytes should have: their
// 32-bit words XORed, with the results 0 and 0xFFFFFFFF replaced.
func (b BaseBlock) ComputedChecksum() uint32 {
	var sum uint32
	for off := 0; off < 0x1FC; off += 4 {
		sum ^= b.u32(off)
	}
	switch sum {
	case 0:
		return 1
	case 0xFFFFFFFF:
		return 0xFFFFFFFE
	}
	return sum
}

// ChecksumOK reports whether the stored checksum is the computed one.
func (b BaseBlock) ChecksumOK() bool { return b.Checksum() == b.ComputedChecksum() }

// Dirty reports whether Windows would run recovery before using the hive: the
// sequence numbers differ or the checksum is wrong.
func (b BaseBlock) Dirty() bool { return b.Sequence1() != b.Sequence2() || !b.ChecksumOK() }

// FixChecksum stores the computed checksum.
func (b BaseBlock) FixChecksum() { binary.LittleEndian.PutUint32(b[0x1FC:], b.ComputedChecksum()) }

// validatePrimary checks the fields without which the rest of a primary cannot
// be read: type, versions and format. Sequence numbers and checksum are the
// business of recovery and not looked at.
func (b BaseBlock) validatePrimary() error {
	bad := func(off int64, format string, args ...any) error {
		return fmt.Errorf("%w: %w", ErrNotHive, &FormatError{Code: CodeNotHive, Off: off, Struct: "base block", Msg: fmt.Sprintf(format, args...)})
	}
	switch {
	case b.Type() == TypeDirtLog, b.Type() == TypeNTLog, b.Type() == TypeHvLELog:
		return bad(0x1C, "type is %d: this is a transaction log, not a hive", b.Type())
	case b.Type() != TypePrimary:
		return bad(0x1C, "type is %d, want 0", b.Type())
	case b.Major() != 1:
		return bad(0x14, "major version is %d, want 1", b.Major())
	case b.Minor() > 6:
		return bad(0x18, "minor version is %d, want 0 to 6", b.Minor())
	case b.Format() != 1:
		return bad(0x20, "format is %d, want 1", b.Format())
	}
	return nil
}

// epochOffset is the time from 1601 to 1970 in units of 100 ns.
const epochOffset = 116444736000000000

// lastSecond keeps the arithmetic of Filetime inside int64; it is in the year
// 30,000.
const lastSecond = 9e11

// Filetime converts t to 100 ns units since 1601, UTC. Times before 1601 give
// 0, those past the year 30,000 are cut off there.
func Filetime(t time.Time) uint64 {
	if t.Unix() > lastSecond {
		t = time.Unix(lastSecond, 0)
	}
	if t.Unix() < -lastSecond {
		return 0
	}
	ticks := t.Unix()*1e7 + int64(t.Nanosecond())/100 + epochOffset
	if ticks < 0 {
		return 0
	}
	return uint64(ticks)
}

// Time converts a FILETIME to UTC. Values past the year 30000 are cut off there.
func Time(filetime uint64) time.Time {
	const limit = 9e18 // keeps the arithmetic inside int64
	ticks := int64(min(filetime, limit)) - epochOffset
	return time.Unix(ticks/1e7, ticks%1e7*100).UTC()
}
