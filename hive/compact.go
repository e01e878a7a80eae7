package hive

import (
	"bytes"
	"time"

	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// Compact returns a new hive with the content of h and no free space: names,
// classes, values, flags, times and security descriptors are the same, keys and
// values lie in the order in which Windows puts them when it reorganises a hive.
// The base block is that of h, sealed as Seal does with the time t; a hive that
// is compact already and clean keeps its own, so that nothing changes.
//
// Compact repairs nothing. It returns a FormatError where it meets damage, and
// an error that wraps ErrReadOnly or ErrTooLarge. Damage that loses nothing may
// pass: check the hive before. h stays as it is, and the new hive shares no
// memory with it. The two together need twice the memory of h, at most.
func (h *Hive) Compact(t time.Time) (*Hive, error) {
	if err := h.Editable(); err != nil {
		return nil, err
	}
	image, err := h.image.Compact()
	if err != nil {
		return nil, err
	}
	compact := &Hive{image: image, recovery: h.recovery, recovered: h.recovered, floor: h.floor, hasFloor: h.hasFloor}
	compact.edited = h.edited || !bytes.Equal(h.Bytes(), compact.Bytes())
	compact.Seal(t)
	compact.image, err = regf.Parse(image.Bytes()) // with an empty list of changes
	return compact, err
}

// SameContent returns nil when h and other hold the same keys and values, in the
// same order: names, classes, flags, times, security descriptors, types and
// data. The error names the first difference, or is a FormatError. Where cells
// lie, what is free, and the base block do not count.
func (h *Hive) SameContent(other *Hive) error { return regf.SameContent(h.image, other.image) }

// NextSequence is the sequence number that Seal gives to a hive that was edited:
// above every number in the hive and its logs.
func (h *Hive) NextSequence() uint32 {
	block := h.image.BaseBlock()
	sequence := txlog.Later(block.Sequence1(), block.Sequence2()) + 1
	if h.hasFloor {
		sequence = txlog.Later(sequence, h.floor+1)
	}
	return sequence
}
