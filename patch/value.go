package patch

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf16"
)

// Registry types that the value may have.
const (
	typeString       = 1 // REG_SZ
	typeExpandString = 2 // REG_EXPAND_SZ
)

// Value is the data of the registry value that starts the Windows subsystem.
// It is never changed: [Value.Edit] and [Value.Mend] return another one.
//
// The text is kept as UTF-16 units and not as a Go string, because everything
// that matters is counted in them (win32k looks at 606 units of the value and
// at 32 of the token), and because units carry an unpaired surrogate through
// without a second encoding.
type Value struct {
	kind   uint32
	data   []byte   // as stored
	text   []uint16 // up to the first NUL
	ending ending
	tokens []Token
}

// ending is what follows the text. Both readers stop at the first NUL, so that
// nothing in it can change a number; but what the session manager does with
// characters behind a NUL is not known.
type ending struct {
	nuls   int  // NULs
	hidden int  // units other than NUL behind the first NUL
	odd    bool // one byte more than whole units
}

// maximumText is the most characters that a command line can have: a Windows
// string counts its bytes in 16 bits. What is longer is no command line, and
// the part beyond is not split into tokens, which bounds the memory.
const maximumText = 32766

// ParseValue reads the data of a registry value of the given type. It never
// fails: what is wrong is reported by [Value.Lint], so that it can be shown.
// The NUL may be missing or repeated and the length may be odd. The data is
// copied.
func ParseValue(kind uint32, data []byte) Value {
	v := Value{kind: kind, data: bytes.Clone(data)}
	units := make([]uint16, min(len(data)/2, maximumText+1))
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	v.text = units
	v.ending.odd = len(data)%2 != 0
	if end := slices.Index(units, 0); end >= 0 {
		v.text = units[:end:end]
		v.ending.nuls, v.ending.hidden = countEnding(data[2*end:])
	}
	v.tokens = splitTokens(v.text)
	return v
}

// countEnding looks at the bytes from the first NUL on.
func countEnding(data []byte) (nuls, hidden int) {
	for ; len(data) >= 2; data = data[2:] {
		if data[0] == 0 && data[1] == 0 {
			nuls++
		} else {
			hidden++
		}
	}
	return nuls, hidden
}

// NewValue makes a value of type REG_EXPAND_SZ from text, with one NUL behind
// it.
func NewValue(text string) Value {
	return newValue(typeExpandString, utf16.Encode([]rune(text)))
}

func newValue(kind uint32, text []uint16) Value {
	data := make([]byte, 0, 2*len(text)+2)
	for _, unit := range text {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return ParseValue(kind, append(data, 0, 0))
}

// Type returns the registry type, 2 (REG_EXPAND_SZ) in a sound hive. Only
// [Value.Mend] changes it.
func (v Value) Type() uint32 { return v.kind }

// Data returns the bytes to store: those that were parsed or, in a value that
// an edit has made, the text in UTF-16LE with exactly one NUL. The caller must
// not modify them.
func (v Value) Data() []byte { return v.data }

// Text returns the characters up to the first NUL, for showing: an unpaired
// surrogate comes out as U+FFFD. The lossless form is [Value.Data].
func (v Value) Text() string { return decode(v.text) }

// Tokens returns the parts of the command line between blanks; the first is
// the path of the program. The caller must not modify them.
func (v Value) Tokens() []Token { return v.tokens }

// isString reports whether the type is one that can hold a command line.
func (v Value) isString() bool {
	return v.kind == typeString || v.kind == typeExpandString
}

// isTooLong reports whether the text is longer than a command line can be.
func (v Value) isTooLong() bool { return len(v.text) > maximumText }

// equal compares what the registry stores.
func (v Value) equal(other Value) bool {
	return v.kind == other.kind && bytes.Equal(v.data, other.data)
}

func decode(units []uint16) string { return string(utf16.Decode(units)) }
