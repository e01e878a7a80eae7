package check

import (
	"encoding/binary"

	"hivepatch/hive/internal/regf"
)

// Fields of the base block, as file offsets.
const (
	atSequence  = 0x04
	atTimestamp = 0x0C
	atMinor     = 0x18
	atCluster   = 0x2C
	atFlags     = 0x90
	atChecksum  = 0x1FC
)

// header checks the base block and the bytes after the last bin.
func (c *checker) header() {
	block := c.image.BaseBlock()
	at := func(file int64, code, format string, args ...any) {
		c.reportAt(rules[code].Level, code, file, format, args...)
	}
	switch c.minor {
	case 0, 1:
		at(atMinor, codeVersion, "version 1.%d can be read but not edited: its cells have the layout of Windows NT 3.1", c.minor)
	case 6:
		at(atMinor, codeVersion, "version 1.6 can be read but not edited: it is a patch over another hive")
	}
	if !block.ChecksumOK() {
		at(atChecksum, CodeChecksum, "checksum is %#08x, want %#08x", block.Checksum(), block.ComputedChecksum())
	}
	if block.Sequence1() != block.Sequence2() {
		at(atSequence, CodeSequence, "sequence numbers are %d and %d: the hive is dirty, Windows replays its logs over it", block.Sequence1(), block.Sequence2())
	}
	if block.Cluster() != 1 {
		at(atCluster, codeCluster, "cluster factor is %d, want 1", block.Cluster())
	}
	if flags := block.Flags(); block.GuidSignature() == "rmtm" && flags&^(regf.FlagTransactions|regf.FlagLayered) != 0 {
		at(atFlags, codeBlockFlags, "flags are %#x, only %#x are known", flags, regf.FlagTransactions|regf.FlagLayered)
	}
	c.image.Damage(func(damage *regf.FormatError) { c.reportError(damage) })
	for bin := range c.image.Bins {
		if bin.Start == 0 {
			c.timestamps(block.Timestamp(), c.image.BinTimestamp(bin))
		}
		break
	}
	if trailing := c.image.Trailing(); !zero(trailing) {
		at(int64(len(c.image.Bytes())-len(trailing)), codeTrailing, "%d bytes after the last bin are not zero; Windows ignores them", len(trailing))
	}
}

// timestamps compares the time stamp with its double in the first bin, by which
// a log of the old format is matched when the base block is lost. Sound hives
// are found in which the double was never set.
func (c *checker) timestamps(block, first uint64) {
	level := rules[codeTimestamp].Level
	if first == 0 {
		level = Warning
	}
	if first != block {
		c.reportAt(level, codeTimestamp, atTimestamp, "time stamp is %#x, but %#x in the first bin", block, first)
	}
}

func zero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
