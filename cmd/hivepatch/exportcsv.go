package main

import (
	"bufio"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"hivepatch/hive"
)

// csvHead names the columns of a table.
const csvHead = "key,name,type,size,value,data\r\n"

// csvExporter writes a table as RFC 4180 has it, a row for each key and each
// value, long data in parts.
type csvExporter struct {
	*exporter
	listing
}

// writeCSV writes the keys and values as a table.
func (e *exporter) writeCSV(out io.Writer) error {
	c := csvExporter{e, listing{buffer: bufio.NewWriterSize(out, listingBuffer)}}
	c.write([]byte(csvHead))
	err := e.each(func(key *hive.Key) error {
		path := quotedCSV(printablePath(key.Path()))
		c.write([]byte(path + ",," + keyColumn + ",,,\r\n"))
		for value, err := range key.Values() {
			if err == nil {
				err = c.writeValue(path, value)
			}
			if err != nil {
				if err = c.exporter.fail(err); err != nil {
					return err
				}
			}
		}
		return c.buffered()
	})
	if err != nil {
		return err
	}
	return c.buffer.Flush()
}

// buffered returns the error of writing so far: nothing is read for nobody.
func (l *listing) buffered() error {
	_, err := l.buffer.WriteString("")
	return err
}

// writeValue writes the row of a value, of a key whose path is quoted already.
func (c *csvExporter) writeValue(path string, value *hive.Value) error {
	pieces, err := value.DataPieces()
	if err != nil {
		return err
	}
	b := append(append(c.line[:0], path...), ',')
	b = append(append(b, quotedCSV(printableValueName(value.Name()))...), ',')
	b = append(append(b, typeName(value.Type())...), ',')
	b = strconv.AppendInt(b, int64(dataSize(pieces)), 10)
	c.line = append(b, ',', '"')
	c.write(c.line)
	if hasText(value.Type()) {
		c.textChunks(value.Type(), pieces, func(text []byte) {
			c.write([]byte(strings.ReplaceAll(string(text), `"`, `""`)))
		})
	}
	c.write([]byte(`",`))
	c.writeHex(pieces)
	c.write([]byte("\r\n"))
	return nil
}

// hasText reports whether data of a type is more than bytes.
func hasText(kind hive.Type) bool { return isTextType(kind) || isNumberType(kind) }

// textChunks calls write for data as get prints it, in parts.
func (l *listing) textChunks(kind hive.Type, pieces [][]byte, write func(text []byte)) {
	var b []byte
	for chunk := range rawChunks(kind, pieces) {
		if kind == hive.MultiSZ {
			b = appendListText(b[:0], chunk)
		} else {
			b = appendName(b[:0], chunk)
		}
		write(b)
	}
	if n := len(pieces); n > 0 && isTextType(kind) {
		write(appendOdd(b[:0], pieces[n-1]))
	}
}

// writeHex writes data in hexadecimal digits.
func (l *listing) writeHex(pieces [][]byte) {
	for chunk := range chunksOf(pieces) {
		l.line = hex.AppendEncode(l.line[:0], chunk)
		l.write(l.line)
	}
}

// quotedCSV returns a field of one line, in quotation marks where it needs them.
func quotedCSV(field string) string {
	if !strings.ContainsAny(field, `",`) && strings.TrimSpace(field) == field {
		return field
	}
	return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
}
