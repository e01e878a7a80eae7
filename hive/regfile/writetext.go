package regfile

import (
	"encoding/binary"
	"unicode/utf8"
)

// textKind says what may stand in a text as it is.
type textKind int

const (
	valueText   textKind = iota // the name of a value, in quotes
	keyText                     // the path of a key, in brackets
	commentText                 // what cannot stand there becomes a question mark
)

// name writes the name of a value and the equals sign.
func (w *Writer) name(name string) {
	if name == "" {
		w.ascii("@=")
		return
	}
	w.ascii(`"`)
	w.plain(name, valueText)
	w.ascii(`"=`)
}

// plain writes a text in WTF-8 with its escapes.
func (w *Writer) plain(text string, kind textKind) {
	odd := &w.odd[kind]
	for i := 0; i < len(text); {
		end := i
		for end < len(text) && !odd[text[end]] {
			end++
		}
		w.ascii(text[i:end])
		if i = end; i < len(text) {
			i += w.oddCharacter(text[i:], kind)
		}
	}
}

// findOdd finds the bytes that cannot always stand in a text as they are.
func (w *Writer) findOdd() {
	for kind := range w.odd {
		odd := &w.odd[kind]
		for c := range odd {
			odd[c] = c >= utf8.RuneSelf || !w.wide && (c < ' ' && c != '\t' || c == 0x7F)
		}
		odd[0], odd['\r'], odd['\n'] = true, true, true
	}
	w.odd[valueText]['\\'], w.odd[valueText]['"'] = true, true
	w.odd[keyText][']'] = true
}

// oddCharacter writes the character that a text begins with, and returns its
// length.
func (w *Writer) oddCharacter(text string, kind textKind) (size int) {
	first, second, size := firstUnit(text)
	switch {
	case first == '\\' || first == '"':
		w.ascii(`\` + text[:1])
	case first == ']' && bracketBeforeComment([]byte(text)) != 0:
		w.ascii("]")
	case first < utf8.RuneSelf, !w.wide && isHidden(first, second):
		w.escape(first, kind)
	case !w.wide:
		w.buffer = append(w.buffer, text[:size]...)
	default:
		w.buffer = binary.LittleEndian.AppendUint16(w.buffer, first)
		if second != 0 {
			w.buffer = binary.LittleEndian.AppendUint16(w.buffer, second)
		}
	}
	return size
}

// isHidden reports whether a character above ASCII cannot stand in a file for
// people: an unpaired surrogate, which UTF-8 has no form for, or a control
// character.
func isHidden(first, second uint16) bool {
	return second == 0 && (first >= 0xD800 && first < 0xE000 || first < 0xA0)
}

// escape writes a UTF-16 unit that cannot stand in a text as it is.
func (w *Writer) escape(unit uint16, kind textKind) {
	switch kind {
	case commentText:
		w.ascii("?")
		return
	case keyText:
		w.ascii(`\`)
	}
	w.ascii(`\u`)
	w.number(uint32(unit), 4)
}

// isText reports whether data, of REG_SZ, is written as text in quotes: it is
// UTF-16 with one NUL, at its end, in one line.
func (w *Writer) isText(data []byte) bool {
	if len(data) < 2 || len(data)%2 != 0 || data[len(data)-2] != 0 || data[len(data)-1] != 0 {
		return false
	}
	var before uint16
	for i := 0; i < len(data)-2; i += 2 {
		unit := binary.LittleEndian.Uint16(data[i:])
		if unit == 0 || unit == '\r' || unit == '\n' {
			return false
		}
		if !w.wide {
			// The one below the other is a pair.
			high, low := before&0xFC00 == 0xD800, unit&0xFC00 == 0xDC00
			if high != low || unit < ' ' && unit != '\t' || unit >= 0x7F && unit < 0xA0 {
				return false
			}
			if before = unit; low {
				before = 0
			}
		}
	}
	return before&0xFC00 != 0xD800
}

// quote writes data that isText has accepted.
func (w *Writer) quote(data []byte) {
	w.ascii(`"`)
	if data = data[:len(data)-2]; w.wide {
		w.quoteWide(data)
	} else {
		w.quoteUTF8(data)
	}
	w.ascii(`"`)
}

func (w *Writer) quoteWide(data []byte) {
	from := 0
	for i := 0; i < len(data); i += 2 {
		if c := data[i]; (c == '\\' || c == '"') && data[i+1] == 0 {
			w.buffer = append(append(w.buffer, data[from:i]...), '\\', 0)
			from = i
		}
	}
	w.buffer = append(w.buffer, data[from:]...)
}

func (w *Writer) quoteUTF8(data []byte) {
	for i := 0; i < len(data); i += 2 {
		unit := rune(binary.LittleEndian.Uint16(data[i:]))
		switch {
		case unit == '\\' || unit == '"':
			w.buffer = append(w.buffer, '\\', byte(unit))
		case unit < utf8.RuneSelf:
			w.buffer = append(w.buffer, byte(unit))
		case unit&0xFC00 == 0xD800:
			i += 2
			low := rune(binary.LittleEndian.Uint16(data[i:]))
			w.buffer = utf8.AppendRune(w.buffer, 0x10000+(unit-0xD800)<<10+(low-0xDC00))
		default:
			w.buffer = utf8.AppendRune(w.buffer, unit)
		}
	}
}
