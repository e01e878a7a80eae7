package regfile

import "unicode/utf8"

// Columns at which regedit breaks lists of bytes: behind the first comma that
// is not before column fullLine. Each line but the first is indented.
const (
	fullLine = 77
	indent   = 2
)

// bytes writes data as a list of bytes. begin is where the entry begins in the
// buffer.
func (w *Writer) bytes(kind uint32, data []byte, begin int) {
	w.ascii("hex")
	if kind != typeBinary {
		w.ascii("(")
		w.number(kind, 1)
		w.ascii(")")
	}
	w.ascii(":")
	if len(data) == 0 {
		return
	}
	column := w.columns(begin)
	for len(data) > 0 {
		count := 1
		if column < fullLine {
			count = (fullLine - column + 2) / 3
		}
		count = min(count, len(data))
		w.hexLine(data[:count])
		if data = data[count:]; len(data) > 0 {
			w.ascii(`,\`)
			w.lineBreak()
			w.ascii("  ")
		}
		w.spill()
		column = indent
	}
}

// columns is the number of columns that the buffer fills from begin on.
func (w *Writer) columns(begin int) int {
	if w.wide {
		return (len(w.buffer) - begin) / 2
	}
	return utf8.RuneCount(w.buffer[begin:])
}

// hexLine writes bytes with commas in between.
func (w *Writer) hexLine(data []byte) {
	if !w.wide {
		for i, c := range data {
			if i > 0 {
				w.buffer = append(w.buffer, ',')
			}
			w.buffer = append(w.buffer, lowerDigits[c>>4], lowerDigits[c&0xF])
		}
		return
	}
	w.buffer = append(w.buffer, lowerDigits[data[0]>>4], 0, lowerDigits[data[0]&0xF], 0)
	for _, c := range data[1:] {
		w.buffer = append(w.buffer, ',', 0, lowerDigits[c>>4], 0, lowerDigits[c&0xF], 0)
	}
}

const lowerDigits = "0123456789abcdef"
