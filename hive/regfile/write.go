package regfile

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"
)

// Writer writes a file of version 5, in one of two forms.
//
// With UTF16LE it is the form of regedit, byte for byte but for one thing: a byte
// order mark, lines that end with CR LF, lists of bytes broken before column 80,
// and text in quotes for what is a string of type REG_SZ. Where a string has
// line breaks in it regedit writes them as they are, which not every program
// can read, and which do not survive a conversion of line ends; such a string is
// a list of bytes here.
//
// With UTF8 it is for people and for programs that know UTF-8 alone: no byte
// order mark, lines that end with LF, and strings with any control character as
// lists of bytes.
//
// A Writer collects what it writes; Flush must be called at the end.
type Writer struct {
	out     io.Writer
	buffer  []byte
	wide    bool // UTF-16
	pending bool // an empty line is to come before the next key
	err     error
	odd     [3][256]bool // bytes that plain cannot copy, by kind of text
}

// bufferSize is how many bytes are collected before they are written. One entry
// can be longer.
const bufferSize = 1 << 17

// NewWriter returns a Writer with the encoding UTF16LE or UTF8, and writes the
// first line.
func NewWriter(out io.Writer, encoding Encoding) *Writer {
	w := &Writer{out: out, wide: encoding != UTF8, buffer: make([]byte, 0, bufferSize+bufferSize/8)}
	w.findOdd()
	if w.wide {
		w.buffer = append(w.buffer, 0xFF, 0xFE)
	}
	w.ascii(header5)
	w.lineBreak()
	w.pending = true
	return w
}

// Comment writes a line of a comment. What follows it is for keys: it stands
// behind an empty line.
func (w *Writer) Comment(text string) {
	w.emptyLine()
	w.ascii("; ")
	w.plain(text, commentText)
	w.lineBreak()
}

// CreateKey begins a key, to which the values belong that are written next. Its
// path with its root, as in Operation, may come in several parts.
func (w *Writer) CreateKey(path ...string) { w.key("[", path) }

// DeleteKey writes that a key is to be deleted.
func (w *Writer) DeleteKey(path ...string) { w.key("[-", path) }

func (w *Writer) key(bracket string, path []string) {
	w.emptyLine()
	w.pending = true
	w.ascii(bracket)
	if len(path) > 0 && strings.HasPrefix(path[0], "-") {
		w.escape('-', keyText)
		path = append([]string{path[0][1:]}, path[1:]...)
	}
	for i, part := range path {
		if i > 0 {
			w.ascii(`\`)
		}
		w.plain(part, keyText)
	}
	w.ascii("]")
	w.lineBreak()
	w.spill()
}

// emptyLine writes the empty line that separates keys.
func (w *Writer) emptyLine() {
	if w.pending {
		w.lineBreak()
	}
	w.pending = false
}

// DeleteValue writes that a value of the current key is to be deleted.
func (w *Writer) DeleteValue(name string) {
	w.name(name)
	w.ascii("-")
	w.lineBreak()
	w.spill()
}

// SetValue writes a value of the current key, in the first of these forms that
// gives type and data back: text in quotes for REG_SZ, dword: for REG_DWORD,
// hex: for REG_BINARY, and hex(type): for all.
func (w *Writer) SetValue(name string, kind uint32, data []byte) {
	begin := len(w.buffer)
	w.name(name)
	switch {
	case kind == typeSZ && w.isText(data):
		w.quote(data)
	case kind == typeDWord && len(data) == 4:
		w.ascii("dword:")
		w.number(binary.LittleEndian.Uint32(data), 8)
	default:
		w.bytes(kind, data, begin)
	}
	w.lineBreak()
	w.spill()
}

// Flush writes what is left, with the empty line that regedit ends a file with.
// It returns the first error of writing.
func (w *Writer) Flush() error {
	w.emptyLine()
	w.write()
	return w.err
}

func (w *Writer) write() {
	if w.err == nil && len(w.buffer) > 0 {
		_, w.err = w.out.Write(w.buffer)
	}
	w.buffer = w.buffer[:0]
}

// spill writes the buffer out when it is full.
func (w *Writer) spill() {
	if len(w.buffer) >= bufferSize {
		w.write()
	}
}

// Err returns the first error of writing, so that long work can end early.
func (w *Writer) Err() error { return w.err }

func (w *Writer) lineBreak() {
	if w.wide {
		w.buffer = append(w.buffer, '\r', 0, '\n', 0)
	} else {
		w.buffer = append(w.buffer, '\n')
	}
}

// ascii writes a text of ASCII characters.
func (w *Writer) ascii(text string) {
	if !w.wide {
		w.buffer = append(w.buffer, text...)
		return
	}
	begin := len(w.buffer)
	w.buffer = slices.Grow(w.buffer, 2*len(text))[:begin+2*len(text)]
	units := w.buffer[begin:]
	for ; len(text) >= 4; text, units = text[4:], units[8:] {
		// Four at a time: most of a file are names.
		four := uint64(text[0]) | uint64(text[1])<<16 | uint64(text[2])<<32 | uint64(text[3])<<48
		binary.LittleEndian.PutUint64(units, four)
	}
	for i := range len(text) {
		binary.LittleEndian.PutUint16(units[2*i:], uint16(text[i]))
	}
}

// number writes a number in at least so many hexadecimal digits.
func (w *Writer) number(n uint32, digits int) {
	var text [8]byte
	i := len(text)
	for n != 0 || digits > 0 {
		i--
		text[i] = lowerDigits[n&0xF]
		n >>= 4
		digits--
	}
	w.ascii(string(text[i:]))
}
