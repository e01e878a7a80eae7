package main

import (
	"bufio"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"

	"hivepatch/hive"
)

// xmlExporter writes keys as elements within those of the keys above, long data
// in parts.
type xmlExporter struct {
	jsonExporter // which reads the keys
	open         int
}

// writeXML writes the keys in XML, with all that the hive has of them.
func (e *exporter) writeXML(out io.Writer) error {
	x := xmlExporter{jsonExporter: jsonExporter{e, listing{buffer: bufio.NewWriterSize(out, listingBuffer)}}}
	x.write([]byte(xml.Header + "<hive>\n"))
	top := len(pathNames(e.key.Path()))
	err := e.each(func(key *hive.Key) error {
		x.closeTo(len(pathNames(key.Path())) - top)
		if err := x.writeKey(key); err != nil {
			return err
		}
		return x.buffered()
	})
	if err != nil {
		return err
	}
	x.closeTo(0)
	x.write([]byte("</hive>\n"))
	return x.buffer.Flush()
}

// closeTo closes elements of keys until that many are open.
func (x *xmlExporter) closeTo(open int) {
	for ; x.open > open; x.open-- {
		x.write([]byte("</key>\n"))
	}
}

// writeKey writes the opening of a key and its values.
func (x *xmlExporter) writeKey(key *hive.Key) error {
	k, err := x.readKey(key)
	if err != nil {
		return err
	}
	x.open++
	x.write([]byte("<key"))
	x.attribute("name", printableName(k.Name))
	if x.open == 1 {
		x.attribute("path", printablePath(k.Path))
	}
	x.attribute("last_write", string(appendTime(nil, k.LastWrite)))
	x.attribute("flags", fmt.Sprint(uint16(k.Flags)))
	for _, optional := range []struct{ name, text string }{
		{"class", printableName(k.Class)}, {"security", hex.EncodeToString(k.Security)}, {"sddl", printable(k.SDDL)},
	} {
		if optional.text != "" {
			x.attribute(optional.name, optional.text)
		}
	}
	if k.UserFlags != 0 {
		x.attribute("user_flags", fmt.Sprint(k.UserFlags))
	}
	if k.Err != nil {
		x.attribute("error", printable(k.Err.Error()))
	}
	x.write([]byte(">\n"))
	for value, err := range key.Values() {
		if err == nil {
			err = x.writeValue(value)
		}
		if err != nil {
			if err = x.exporter.fail(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeValue writes a value. It returns the error of reading the data, which is
// in the result too.
func (x *xmlExporter) writeValue(value *hive.Value) error {
	pieces, err := value.DataPieces()
	x.write([]byte("<value"))
	x.attribute("name", printableValueName(value.Name()))
	x.attribute("type", typeName(value.Type()))
	if err != nil {
		x.attribute("error", printable(err.Error()))
		x.write([]byte("/>\n"))
		return err
	}
	x.attribute("size", fmt.Sprint(dataSize(pieces)))
	if hasText(value.Type()) {
		x.write([]byte(` text="`))
		x.textChunks(value.Type(), pieces, x.escaped)
		x.write([]byte(`"`))
	}
	x.write([]byte(">"))
	x.writeHex(pieces)
	x.write([]byte("</value>\n"))
	return nil
}

func (x *xmlExporter) attribute(name, text string) {
	x.write([]byte(" " + name + `="`))
	x.escaped([]byte(text))
	x.write([]byte(`"`))
}

// escaped writes text in an attribute. What XML has no characters for, such as
// NUL and unpaired surrogates, cannot be printed, and is escaped already.
func (x *xmlExporter) escaped(text []byte) { _ = xml.EscapeText(x.buffer, text) }
