package regf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of names, in UTF-16 units.
const (
	MaxKeyName   = 255
	MaxValueName = 16383
)

// Name is the stored name of a key or value: Latin-1 bytes, or UTF-16LE.
// Windows stores Latin-1, which it calls compressed, where every unit fits.
type Name struct {
	Raw    []byte
	Latin1 bool
}

// IsExotic reports whether a name has characters that upper-case tables of
// different Windows begin to differ in: an order or hash that is wrong for such
// a name may be right by another table.
func (n Name) IsExotic() bool {
	if n.Latin1 {
		return false
	}
	for i := range n.Len() {
		if n.Unit(i) >= 0x180 {
			return true
		}
	}
	return false
}

// NewName encodes s, a string in WTF-8, as Windows would store it. It returns
// an error when s is not WTF-8.
func NewName(s string) (Name, error) {
	if isASCII(s) {
		return Name{Raw: []byte(s), Latin1: true}, nil
	}
	units, err := UnitsFromString(s)
	if err != nil {
		return Name{}, err
	}
	wide := false
	for _, unit := range units {
		wide = wide || unit > 0xFF
	}
	if wide {
		raw := make([]byte, 0, 2*len(units))
		for _, unit := range units {
			raw = binary.LittleEndian.AppendUint16(raw, unit)
		}
		return Name{Raw: raw}, nil
	}
	raw := make([]byte, len(units))
	for i, unit := range units {
		raw[i] = byte(unit)
	}
	return Name{Raw: raw, Latin1: true}, nil
}

func (n Name) clone() Name { return Name{Raw: bytes.Clone(n.Raw), Latin1: n.Latin1} }

// Len returns the number of UTF-16 units.
func (n Name) Len() int {
	if n.Latin1 {
		return len(n.Raw)
	}
	return len(n.Raw) / 2
}

// Unit returns the i-th UTF-16 unit.
func (n Name) Unit(i int) uint16 {
	if n.Latin1 {
		return uint16(n.Raw[i])
	}
	return uint16(n.Raw[2*i]) | uint16(n.Raw[2*i+1])<<8
}

// String returns the name in WTF-8, in which unpaired surrogates survive.
func (n Name) String() string {
	if n.Latin1 && isASCII(n.Raw) {
		return string(n.Raw)
	}
	var b strings.Builder
	for i := 0; i < n.Len(); i++ {
		unit := n.Unit(i)
		if utf16.IsSurrogate(rune(unit)) && i+1 < n.Len() {
			if r := utf16.DecodeRune(rune(unit), rune(n.Unit(i+1))); r != utf8.RuneError {
				b.WriteRune(r)
				i++
				continue
			}
		}
		writeUnit(&b, unit)
	}
	return b.String()
}

// Compare orders names as Windows sorts subkeys: by upper-cased units as
// unsigned numbers, the shorter first on a tie.
func (n Name) Compare(other Name) int {
	if n.Latin1 && other.Latin1 {
		return compareLatin1(n.Raw, other.Raw)
	}
	for i := range min(n.Len(), other.Len()) {
		a, b := n.Unit(i), other.Unit(i)
		if a == b {
			continue
		}
		if a, b = Upcase(a), Upcase(b); a != b {
			return int(a) - int(b)
		}
	}
	return n.Len() - other.Len()
}

// sketch is a number in the order of names: where the numbers of two names
// differ, Compare tells the same of the names. It has a byte for each of the
// first eight units, up to one that does not fit.
func (n Name) sketch() (sketch uint64) {
	const tooLarge = 0xFF
	for i := range min(8, n.Len()) {
		unit := min(Upcase(n.Unit(i)), tooLarge)
		sketch |= uint64(unit) << (56 - 8*i)
		if unit == tooLarge {
			break
		}
	}
	return sketch
}

// EqualNames reports whether Windows takes two names, strings in WTF-8, for the
// same. What is not WTF-8 is the name of nothing.
func EqualNames(a, b string) bool {
	first, err := NewName(a)
	if err != nil {
		return false
	}
	second, err := NewName(b)
	return err == nil && first.Compare(second) == 0
}

func compareLatin1(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if x, y := upcaseLatin1[a[i]], upcaseLatin1[b[i]]; x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// Hash is the hash that lh lists keep: h = h*37 + upper-cased unit, modulo 2^32.
func (n Name) Hash() uint32 {
	var h uint32
	if n.Latin1 {
		for _, c := range n.Raw {
			h = h*37 + uint32(upcaseLatin1[c])
		}
		return h
	}
	for i := range n.Len() {
		h = h*37 + uint32(Upcase(n.Unit(i)))
	}
	return h
}

// Hint is the hint that lf lists keep: the first four characters in stored
// case, zero-padded, or zeros where one of them does not fit a byte.
func (n Name) Hint() [4]byte {
	var hint [4]byte
	for i := range min(4, n.Len()) {
		unit := n.Unit(i)
		if unit > 0xFF {
			return [4]byte{}
		}
		hint[i] = byte(unit)
	}
	return hint
}

func isASCII[T []byte | string](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// writeUnit appends a unit that is no half of a pair. An unpaired surrogate is
// written as three bytes in the pattern of UTF-8, which strict UTF-8 forbids
// and WTF-8 defines.
func writeUnit(b *strings.Builder, unit uint16) {
	if !utf16.IsSurrogate(rune(unit)) {
		b.WriteRune(rune(unit))
		return
	}
	b.Write([]byte{0xE0 | byte(unit>>12), 0x80 | byte(unit>>6)&0x3F, 0x80 | byte(unit)&0x3F})
}

// StringFromUnits encodes UTF-16 units as WTF-8.
func StringFromUnits(units []uint16) string {
	raw := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	return Name{Raw: raw}.String()
}

// UnitsFromString decodes WTF-8 to UTF-16 units. It returns an error when s
// holds bytes that are not WTF-8.
func UnitsFromString(s string) ([]uint16, error) {
	units := make([]uint16, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			if !isSurrogateWTF8(s[i:]) {
				return nil, fmt.Errorf("name is not valid UTF-8 at byte %d", i)
			}
			units = append(units, 0xD000|uint16(s[i+1]&0x3F)<<6|uint16(s[i+2]&0x3F))
			i += 3
			continue
		}
		units = utf16.AppendRune(units, r)
		i += size
	}
	return units, nil
}

func isSurrogateWTF8(s string) bool {
	return len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80
}
