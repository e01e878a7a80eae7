package txlog

import (
	"encoding/binary"
	"fmt"
	"slices"

	"hivepatch/hive/internal/regf"
)

// State says whether a primary needs recovery, and why.
type State struct {
	Reason    string // why the hive is dirty; "" when it is clean
	HeaderBad bool   // whether the base block cannot be trusted and must come from a log

	Sequence1, Sequence2 uint32 // as they stand in the file; meaningless when HeaderBad
}

// Dirty reports whether the hive must be recovered before its data can be
// relied on.
func (s State) Dirty() bool { return s.Reason != "" }

// Examine looks at the header of a primary: see "Dirty state of a hive" in the
// regf specification. A header with a wrong checksum or signature makes the
// hive dirty; the recovered one comes from a log. Examine returns an error that
// hive.ErrNotHive matches when primary is no hive at all: shorter than 512
// bytes, without signature and first bin, or a transaction log.
func Examine(primary []byte) (State, error) {
	block, err := regf.NewBaseBlock(primary)
	_, hasBin := firstBin(primary)
	switch {
	case err != nil && !hasBin:
		return State{}, err
	case err != nil:
		return State{HeaderBad: true, Reason: fmt.Sprintf("the header is destroyed: it begins with %q, want \"regf\"", primary[:4])}, nil
	case block.Type() != regf.TypePrimary && (block.ChecksumOK() || !hasBin):
		return State{}, fmt.Errorf("%w: type at 0x1c is %d, want %d (%d, %d and %d are transaction logs)", regf.ErrNotHive,
			block.Type(), regf.TypePrimary, regf.TypeDirtLog, regf.TypeNTLog, regf.TypeHvLELog)
	}
	state := State{Sequence1: block.Sequence1(), Sequence2: block.Sequence2()}
	switch {
	case !block.ChecksumOK():
		state.HeaderBad = true
		state.Reason = fmt.Sprintf("the header is damaged: checksum at 0x1fc is %#08x, want %#08x", block.Checksum(), block.ComputedChecksum())
	case state.Sequence1 != state.Sequence2:
		state.Reason = fmt.Sprintf("the sequence numbers differ: %d and %d", state.Sequence1, state.Sequence2)
	}
	return state, nil
}

// timestamps returns the time stamps that tell in which write a primary was
// left. The header has it; the first bin keeps a double, which Windows goes by
// when the header is bad. That double is still the old one if the write came no
// further than the header, so the one left in a damaged header is trusted too:
// that it equals a log's by accident is out of the question.
func (s State) timestamps(primary []byte) []uint64 {
	if !s.HeaderBad {
		return []uint64{regf.BaseBlock(primary).Timestamp()}
	}
	var stamps []uint64
	if bin, ok := firstBin(primary); ok {
		stamps = append(stamps, binary.LittleEndian.Uint64(bin[20:]))
	}
	if block, err := regf.NewBaseBlock(primary); err == nil && block.Timestamp() != 0 && !slices.Contains(stamps, block.Timestamp()) {
		stamps = append(stamps, block.Timestamp())
	}
	return stamps
}

// firstBin returns the header of the first bin, if there is one.
func firstBin(primary []byte) ([]byte, bool) {
	const end = regf.BaseBlockSize + regf.BinHeaderSize
	if len(primary) < end || string(primary[regf.BaseBlockSize:][:4]) != "hbin" {
		return nil, false
	}
	return primary[regf.BaseBlockSize:end:end], true
}
