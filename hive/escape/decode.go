// Package escape writes names, paths and text of hives, strings in WTF-8, so that
// they fit a line, do nothing to a terminal, and can be typed again: what cannot
// be printed becomes \x00 to \x1f, \x7f, \u0085, \ud800 or \U000e0001, with small
// digits, and any other backslash stands for itself.
package escape

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode replaces what Leading knows. It returns an error when the text
// is not WTF-8.
func Decode(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		if unit, size := Leading(text[i:]); size > 0 {
			writeCharacter(&b, unit)
			i += size
			continue
		}
		size := characterLength(text[i:])
		if r, _ := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return "", fmt.Errorf("is not valid UTF-8 at byte %d", i)
		}
		b.WriteString(text[i : i+size])
		i += size
	}
	return b.String(), nil
}

// Leading reads the escape that a text begins with, and returns its
// length, 0 where there is none. Only what Text writes is an escape, and
// \x5c: in Runtimes\x86 and C:\users the backslash is one.
func Leading(text string) (character rune, size int) {
	if len(text) < 4 || text[0] != '\\' {
		return 0, 0
	}
	switch text[1] {
	case 'x':
		size = 4
	case 'u':
		size = 6
	case 'U':
		size = 10
	}
	if size == 0 || len(text) < size || !isLowerHex(text[2:size]) {
		return 0, 0
	}
	number, err := strconv.ParseUint(text[2:size], 16, 32)
	if err != nil {
		return 0, 0
	}
	if character = rune(number); isEscaped(character, size) {
		return character, size
	}
	return 0, 0
}

// isEscaped reports whether a character is written as an escape of that size.
func isEscaped(character rune, size int) bool {
	switch size {
	case 4:
		return character < ' ' || character == 0x7F || character == '\\'
	case 6:
		return character >= 0x80 && !strconv.IsGraphic(character) // as no surrogate is
	}
	return character > 0xFFFF && character <= utf8.MaxRune && !strconv.IsGraphic(character)
}

func isLowerHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// writeCharacter writes a character in WTF-8.
func writeCharacter(b *strings.Builder, character rune) {
	if character >= 0xD800 && character <= 0xDFFF {
		b.Write([]byte{0xED, 0x80 | byte(character>>6)&0x3F, 0x80 | byte(character)&0x3F})
		return
	}
	b.WriteRune(character)
}
