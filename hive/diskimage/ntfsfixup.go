package diskimage

import (
	"encoding/binary"
	"fmt"
)

// fixupStride is what NTFS protects against torn writes, in bytes, whatever the
// size of a sector: the last two bytes of each stride hold a number that all
// strides share, and an array in the header holds what belongs there.
const fixupStride = 512

// applyFixups checks a record of several strides and puts the bytes back. at is
// where the record is, for messages.
func applyFixups(record []byte, signature string, at int64) error {
	wrong := func(format string, a ...any) error {
		return &FormatError{Off: at, Struct: signature + " record", Msg: fmt.Sprintf(format, a...)}
	}
	if string(record[:4]) != signature {
		return wrong("it begins with %q", record[:4])
	}
	array := int(binary.LittleEndian.Uint16(record[4:]))
	count := int(binary.LittleEndian.Uint16(record[6:]))
	strides := len(record) / fixupStride
	if count != strides+1 {
		return wrong("%d fixups, expected %d", count, strides+1)
	}
	if array < 8 || array%2 != 0 || array+2*count > fixupStride-2 {
		return wrong("the fixups are at %#x, which is outside the first sector", array)
	}
	for i := range strides {
		end := record[(i+1)*fixupStride-2:]
		if end[0] != record[array] || end[1] != record[array+1] {
			return wrong("sector %d of it was not written with the others", i)
		}
		copy(end[:2], record[array+2+2*i:])
	}
	return nil
}
