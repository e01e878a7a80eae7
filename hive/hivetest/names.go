package hivetest

import (
	"strings"
	"unicode/utf8"
)

// Units returns the UTF-16 code units of a name or text in WTF-8. A byte that
// belongs to no sequence becomes U+FFFD.
func Units(s string) []uint16 {
	units := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		if surrogate, ok := surrogateAt(s[i:]); ok {
			units = append(units, surrogate)
			i += 3
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if r > 0xFFFF {
			r -= 0x10000
			units = append(units, 0xD800|uint16(r>>10), 0xDC00|uint16(r&0x3FF))
			continue
		}
		units = append(units, uint16(r))
	}
	return units
}

// surrogateAt decodes the three bytes that WTF-8 gives an unpaired surrogate
// and that UTF-8 forbids.
func surrogateAt(s string) (uint16, bool) {
	if len(s) < 3 || s[0] != 0xED || s[1] < 0xA0 || s[1] > 0xBF || s[2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F), true
}

// FromUnits returns the WTF-8 form of UTF-16 code units, the inverse of Units.
func FromUnits(units []uint16) string {
	var text strings.Builder
	for i := 0; i < len(units); i++ {
		unit := units[i]
		high, low := unit&0xFC00 == 0xD800, i+1 < len(units) && units[i+1]&0xFC00 == 0xDC00
		switch {
		case high && low:
			i++
			text.WriteRune(0x10000 + rune(unit&0x3FF)<<10 + rune(units[i]&0x3FF))
		case unit&0xF800 == 0xD800:
			text.Write([]byte{0xED, 0x80 | byte(unit>>6)&0x3F, 0x80 | byte(unit)&0x3F})
		default:
			text.WriteRune(rune(unit))
		}
	}
	return text.String()
}

// NameHash returns the hash that an lh list stores beside the key of this name.
func NameHash(name string) uint32 {
	hash := uint32(0)
	for _, unit := range Units(name) {
		hash = 37*hash + uint32(Upcase(unit))
	}
	return hash
}

// NameHint returns the four bytes that an lf list stores beside the key of this
// name: its first four characters as they are stored. It is filled from the
// fourth one backwards and stops at the first that is no Latin-1 character.
func NameHint(name string) [4]byte {
	var hint [4]byte
	units := Units(name)
	for i := min(4, len(units)) - 1; i >= 0 && units[i] <= 0xFF; i-- {
		hint[i] = byte(units[i])
	}
	return hint
}

// CompareNames orders key names as subkey lists do: by upper-cased UTF-16 code
// units as unsigned numbers, the shorter first. Equal names give 0.
func CompareNames(a, b string) int {
	return compareUnits(Units(a), Units(b))
}

func compareUnits(a, b []uint16) int {
	for i := 0; i < min(len(a), len(b)); i++ {
		if x, y := Upcase(a[i]), Upcase(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// storedName returns the bytes of a name and whether they are Latin-1 rather
// than UTF-16LE.
func storedName(name string, wide bool) (stored []byte, latin1 bool) {
	units := Units(name)
	for _, unit := range units {
		wide = wide || unit > 0xFF
	}
	if wide {
		return utf16Bytes(units), false
	}
	for _, unit := range units {
		stored = append(stored, byte(unit))
	}
	return stored, true
}

func utf16Bytes(units []uint16) []byte {
	data := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return data
}

// Upcase returns the upper case of one UTF-16 code unit as Windows 10 knows it.
// Surrogates and units without upper case are returned as they are.
func Upcase(unit uint16) uint16 {
	low, high := 0, len(upcaseRanges)
	for low < high {
		middle := (low + high) / 2
		if upcaseRanges[middle].last < unit {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(upcaseRanges) {
		return unit
	}
	row := upcaseRanges[low]
	if unit < row.first || (unit-row.first)%row.step != 0 {
		return unit
	}
	return uint16(int(unit) + row.delta)
}
