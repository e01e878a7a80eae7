package regfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Encoding is how the characters of a file are stored.
type Encoding int

// Encodings.
const (
	UTF16LE     Encoding = iota // what regedit writes in version 5
	UTF16BE                     // read only
	UTF8                        // without a byte order mark when written
	Windows1252                 // read only: 8-bit text that is not UTF-8
	Mixed                       // read only: UTF-8 beside names in Latin-1
)

// ErrMixed is the reason of a SyntaxError for a file that has characters in UTF-8
// and others that are not.
var ErrMixed = errors.New("more than one encoding")

var encodingNames = [...]string{"UTF-16LE", "UTF-16BE", "UTF-8", "Windows-1252", "mixed"}

// Encodings returns all encodings.
func Encodings() []Encoding { return []Encoding{UTF16LE, UTF16BE, UTF8, Windows1252, Mixed} }

// String names the encoding, such as "UTF-16LE".
func (e Encoding) String() string {
	if e >= 0 && int(e) < len(encodingNames) {
		return encodingNames[e]
	}
	return fmt.Sprintf("Encoding(%d)", int(e))
}

// guess tells the encoding of a file, and returns the length of its byte order
// mark.
func guess(data []byte) (encoding Encoding, mark int) {
	encoding, mark = detect(data)
	if encoding == UTF8 && mark == 0 {
		if bad, other := invalidUTF8(data); bad >= 0 && !other {
			encoding = Windows1252
		}
	}
	return encoding, mark
}

// decode returns the text of a file in WTF-8, without the byte order mark. It
// returns a SyntaxError where the text has NUL characters or is cut off, and
// where it is not in the encoding.
func decode(data []byte, encoding Encoding, mark int) ([]byte, error) {
	data = data[mark:]
	var text []byte
	switch encoding {
	case UTF16LE:
		text = decodeUTF16(data, binary.LittleEndian)
	case UTF16BE:
		text = decodeUTF16(data, binary.BigEndian)
	case Windows1252:
		text = decodeWindows1252(data)
	case Mixed:
		text = decodeMixed(data)
	default:
		text = data
		if bad, other := invalidUTF8(data); bad >= 0 {
			return nil, notUTF8(data, bad, other)
		}
	}
	if nul := bytes.IndexByte(text, 0); nul >= 0 {
		return nil, errorAt(text, nul, "a NUL character", "text")
	}
	if encoding <= UTF16BE && len(data)%2 != 0 {
		return nil, errorAt(text, len(text), "half a character of "+encoding.String(), "a whole one: the file is cut off")
	}
	return text, nil
}

// notUTF8 is the error of a byte of a text in UTF-8; other says that there are
// characters of several bytes elsewhere in the text.
func notUTF8(text []byte, bad int, other bool) error {
	err := errorAt(text, bad, fmt.Sprintf("the byte %#02x", text[bad]), "UTF-8 as in the rest of the file")
	if other {
		err.reason = ErrMixed
	}
	return err
}

// detect tells the encoding from the byte order mark, or from the first letter,
// and returns the length of the mark. Windows-1252 looks like UTF-8 here.
func detect(data []byte) (encoding Encoding, mark int) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return UTF16LE, 2
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return UTF16BE, 2
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return UTF8, 3
	case len(data) >= 2 && data[0] != 0 && data[1] == 0:
		return UTF16LE, 0
	case len(data) >= 2 && data[0] == 0 && data[1] != 0:
		return UTF16BE, 0
	}
	return UTF8, 0
}

// decodeUTF16 leaves out half a character at the end.
func decodeUTF16(data []byte, order binary.ByteOrder) []byte {
	text := make([]byte, 0, len(data)/2+len(data)/16)
	for i := 0; i+1 < len(data); i += 2 {
		unit := rune(order.Uint16(data[i:]))
		if unit < utf8.RuneSelf {
			text = append(text, byte(unit))
			continue
		}
		if utf16.IsSurrogate(unit) && i+3 < len(data) {
			if r := utf16.DecodeRune(unit, rune(order.Uint16(data[i+2:]))); r != utf8.RuneError {
				text = utf8.AppendRune(text, r)
				i += 2
				continue
			}
		}
		text = appendUnit(text, uint16(unit))
	}
	return text
}

// appendUnit appends a unit that is no half of a pair in WTF-8: an unpaired
// surrogate as three bytes in the pattern of UTF-8, which strict UTF-8 forbids.
func appendUnit(text []byte, unit uint16) []byte {
	if utf16.IsSurrogate(rune(unit)) {
		return append(text, 0xE0|byte(unit>>12), 0x80|byte(unit>>6)&0x3F, 0x80|byte(unit)&0x3F)
	}
	return utf8.AppendRune(text, rune(unit))
}

// firstUnit decodes the first character of a text in WTF-8 and returns its
// length; the second unit is 0 for a character that has one alone. A byte that
// is no text becomes U+FFFD.
func firstUnit(text string) (first, second uint16, size int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && size <= 1 && isSurrogate(text):
		return 0xD000 | uint16(text[1]&0x3F)<<6 | uint16(text[2]&0x3F), 0, 3
	case r > 0xFFFF:
		high, low := utf16.EncodeRune(r)
		return uint16(high), uint16(low), size
	}
	return uint16(r), 0, size
}

// isSurrogate reports whether a text in WTF-8 begins with an unpaired surrogate.
func isSurrogate(text string) bool {
	return len(text) >= 3 && text[0] == 0xED && text[1]&0xE0 == 0xA0 && text[2]&0xC0 == 0x80
}

// appendUTF16 appends a text in WTF-8 as UTF-16LE.
func appendUTF16(b []byte, text string) []byte {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			b = append(b, c, 0)
			i++
			continue
		}
		first, second, size := firstUnit(text[i:])
		b = binary.LittleEndian.AppendUint16(b, first)
		if second != 0 {
			b = binary.LittleEndian.AppendUint16(b, second)
		}
		i += size
	}
	return b
}

// invalidUTF8 returns the offset of the first byte that is not valid UTF-8, -1
// where all are, and whether there are characters of several bytes that are:
// text in Windows-1252 hardly ever has any.
func invalidUTF8(text []byte) (bad int, other bool) {
	bad = -1
	if utf8.Valid(text) {
		return bad, false
	}
	for i := 0; i < len(text) && (bad < 0 || !other); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			if bad < 0 {
				bad = i
			}
		case size > 1:
			other = true
		}
		i += size
	}
	return bad, other
}

// decodeWindows1252 decodes as Windows does, which has characters for the five
// bytes that are not assigned too.
func decodeWindows1252(data []byte) []byte {
	text := make([]byte, 0, len(data)+len(data)/8)
	for _, c := range data {
		text = utf8.AppendRune(text, windows1252(c))
	}
	return text
}

// upper1252 are the characters of the bytes from 0x80 to 0x9F, where
// Windows-1252 differs from Latin-1.
var upper1252 = [32]rune{
	0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
	0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
}

// decodeMixed decodes what reged writes: strings in UTF-8, and names as they are
// stored, which may be Latin-1. Each run between the characters that end a name
// is UTF-8 where it can be, and else Latin-1.
func decodeMixed(data []byte) []byte {
	text := make([]byte, 0, len(data)+len(data)/8)
	for len(data) > 0 {
		end := bytes.IndexAny(data, "\\\"\r\n")
		if end < 0 {
			end = len(data) - 1
		}
		run := data[:end+1]
		data = data[end+1:]
		if utf8.Valid(run) {
			text = append(text, run...)
			continue
		}
		for _, c := range run {
			text = utf8.AppendRune(text, rune(c))
		}
	}
	return text
}

func windows1252(c byte) rune {
	if c >= 0x80 && c < 0xA0 {
		return upper1252[c-0x80]
	}
	return rune(c)
}
