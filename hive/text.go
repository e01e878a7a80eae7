package hive

import (
	"encoding/binary"
	"unicode/utf8"

	"hivepatch/hive/internal/regf"
)

// EqualNames reports whether Windows takes two names, strings in WTF-8, for the
// same: it upper-cases each UTF-16 unit by a table that knows no language. What
// is not WTF-8 is the name of nothing.
func EqualNames(a, b string) bool { return regf.EqualNames(a, b) }

// DecodeText decodes text in UTF-16LE, such as the data of a REG_SZ, to WTF-8.
// NULs are characters like others; an odd byte at the end is left out.
func DecodeText(data []byte) string { return regf.Name{Raw: data}.String() }

// EncodeText encodes a string in WTF-8 as UTF-16LE, without a NUL at its end.
// It returns an error that says at which byte the string is not WTF-8.
func EncodeText(text string) ([]byte, error) {
	units, err := regf.UnitsFromString(text)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data, nil
}

// AppendUpper appends a string in WTF-8 as Windows upper-cases names, unit by
// unit. Two names are equal when their upper cases are the same bytes; bytes
// that are not WTF-8 stay as they are.
func AppendUpper(b []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= utf8.RuneSelf {
			return appendUpperWide(b, text[i:])
		}
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

func appendUpperWide(b []byte, text string) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1, r > 0xFFFF:
			// Halves of pairs, also lone ones, are their own upper case.
			b = append(b, text[:size]...)
		default:
			b = utf8.AppendRune(b, rune(regf.Upcase(uint16(r))))
		}
		text = text[size:]
	}
	return b
}
