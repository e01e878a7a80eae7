package diskimage

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A VHD ends with a footer of one sector, in big-endian byte order. Images whose
// size grows begin with a copy of it. Virtual Hard Disk Image Format
// Specification, "Hard Disk Footer Format".
const (
	vhdFooterSize   = 512
	vhdCookie       = "conectix"
	vhdCurrentSize  = 48
	vhdDiskType     = 60
	vhdChecksum     = 64
	vhdFixed        = 2
	vhdDynamic      = 3
	vhdDifferencing = 4
)

// detectVHD returns FixedVHD, DynamicVHD or DifferencingVHD, or "" for an image
// that is no VHD. It returns a FormatError for a footer that has the cookie and
// is not right otherwise.
func detectVHD(image io.ReaderAt, size int64) (Format, error) {
	if size < vhdFooterSize {
		return "", nil
	}
	at := size - vhdFooterSize
	footer := make([]byte, vhdFooterSize)
	if err := readFull(image, footer, at); err != nil {
		return "", err
	}
	if string(footer[:len(vhdCookie)]) != vhdCookie {
		// A growing image whose end is lost still has the copy.
		if err := readFull(image, footer, 0); err != nil {
			return "", err
		}
		if at = 0; string(footer[:len(vhdCookie)]) != vhdCookie {
			return "", nil
		}
	}
	return checkVHD(footer, at, size)
}

func checkVHD(footer []byte, at, size int64) (Format, error) {
	wrong := func(format string, a ...any) (Format, error) {
		return "", &FormatError{Off: at, Struct: "VHD footer", Msg: fmt.Sprintf(format, a...)}
	}
	stored := binary.BigEndian.Uint32(footer[vhdChecksum:])
	if sum := vhdSum(footer); sum != stored {
		return wrong("checksum %#x, the bytes add up to %#x", stored, sum)
	}
	switch kind := binary.BigEndian.Uint32(footer[vhdDiskType:]); kind {
	case vhdFixed:
		if at == 0 {
			return wrong("a fixed disk has its footer at the end, where there is none")
		}
		if current := binary.BigEndian.Uint64(footer[vhdCurrentSize:]); current != uint64(at) {
			return wrong("the disk has %d bytes, the image has %d in front of its footer", current, at)
		}
		return FixedVHD, nil
	case vhdDynamic:
		return DynamicVHD, nil
	case vhdDifferencing:
		return DifferencingVHD, nil
	default:
		return wrong("disk type %d of an image of %d bytes", kind, size)
	}
}

// vhdSum is the complement of the sum of all bytes but those of the checksum.
func vhdSum(footer []byte) uint32 {
	sum := uint32(0)
	for i, b := range footer {
		if i < vhdChecksum || i >= vhdChecksum+4 {
			sum += uint32(b)
		}
	}
	return ^sum
}
