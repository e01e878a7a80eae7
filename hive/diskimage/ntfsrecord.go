package diskimage

import (
	"encoding/binary"
	"fmt"
)

// Numbers of file records that are the same on every volume.
const (
	recordMFT    = 0
	recordLog    = 2
	recordVolume = 3
	recordRoot   = 5
)

// reference names a file record: its number, and how often it has been used for
// another file, 0 where that is not known.
type reference struct {
	number   int64
	sequence uint16
}

func parseReference(b []byte) reference {
	stored := binary.LittleEndian.Uint64(b)
	return reference{int64(stored & (1<<48 - 1)), uint16(stored >> 48)}
}

// record is a file record, with its fixups applied.
type record struct {
	reference
	at         int64 // from the beginning of the disk
	folder     bool
	base       reference // of the file that the record belongs to
	attributes []attribute
}

// Offsets in a file record, and its flags.
const (
	recordSequence   = 16
	recordAttributes = 20
	recordFlags      = 22
	recordUsed       = 24
	recordBase       = 32
	leastRecordUsed  = 42
	flagInUse        = 1
	flagFolder       = 2
)

// record reads the file record that is referred to. It returns a FormatError
// for one that is damaged, not in use, or used for another file since.
func (n *NTFS) record(ref reference) (*record, error) {
	off := ref.number * n.recordSize
	if ref.number < 0 || off/n.recordSize != ref.number || off+n.recordSize > n.mft.size {
		return nil, &FormatError{Off: n.base + n.mft.size, Struct: "MFT",
			Msg: fmt.Sprintf("file record %d is outside the table, which has %d", ref.number, n.mft.size/n.recordSize)}
	}
	b := make([]byte, n.recordSize)
	at, err := n.readStream(n.mft, b, off)
	if err != nil {
		return nil, err
	}
	r, err := parseRecord(b, ref.number, at)
	if err != nil {
		return nil, err
	}
	if ref.sequence != 0 && ref.sequence != r.sequence {
		return nil, r.wrong("its sequence number is %d, what refers to it has %d", r.sequence, ref.sequence)
	}
	return r, nil
}

func (r *record) wrong(format string, a ...any) error {
	return &FormatError{Off: r.at, Struct: fmt.Sprintf("file record %d", r.number), Msg: fmt.Sprintf(format, a...)}
}

func parseRecord(b []byte, number, at int64) (*record, error) {
	if err := applyFixups(b, "FILE", at); err != nil {
		return nil, err
	}
	r := &record{reference: reference{number, binary.LittleEndian.Uint16(b[recordSequence:])}, at: at}
	flags := binary.LittleEndian.Uint16(b[recordFlags:])
	if flags&flagInUse == 0 {
		return nil, r.wrong("it is not in use")
	}
	r.folder = flags&flagFolder != 0
	r.base = parseReference(b[recordBase:])
	used := binary.LittleEndian.Uint32(b[recordUsed:])
	if used < leastRecordUsed || used > uint32(len(b)) {
		return nil, r.wrong("%d bytes are used, expected %d to %d", used, leastRecordUsed, len(b))
	}
	first := uint32(binary.LittleEndian.Uint16(b[recordAttributes:]))
	if first < leastRecordUsed || first > used {
		return nil, r.wrong("its attributes are at %#x, expected %#x to %#x", first, leastRecordUsed, used)
	}
	var err error
	r.attributes, err = r.parseAttributes(b[first:used])
	return r, err
}
