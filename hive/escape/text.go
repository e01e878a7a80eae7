package escape

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text makes one line of a text that may hold anything: names of keys,
// values and files come from hives that nobody vouches for. Control characters
// could otherwise move the cursor or make a second line; they, unpaired
// surrogates and bytes that are no text become \x.. and \u.... .
func Text(text string) string {
	if isPrintable(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1 && IsSurrogate(text):
			fmt.Fprintf(&b, `\u%04x`, 0xD000|uint32(text[1]&0x3F)<<6|uint32(text[2]&0x3F))
			size = 3
		case r == utf8.RuneError && size == 1, r < ' ', r == 0x7F:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case strconv.IsGraphic(r):
			b.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		text = text[size:]
	}
	return b.String()
}

func isPrintable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !strconv.IsGraphic(r) {
			return false
		}
	}
	return true
}

// IsSurrogate reports whether a text begins with an unpaired surrogate, which
// WTF-8 writes as UTF-8 would if it were a character.
func IsSurrogate(text string) bool {
	return len(text) >= 3 && text[0] == 0xED && text[1] >= 0xA0 && text[1] <= 0xBF && text[2]&0xC0 == 0x80
}
