package main

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"hivepatch/hive"
	"hivepatch/hive/escape"
)

// jsonHelp is the schema of keys and values in JSON, a contract with scripts. It
// is one for all commands and is in the help of get.
const jsonHelp = `In JSON a KEY has these members:

   path        names from below the root with \ between them, "" for the root
   name        the last of them; for the root its own
   last_write  RFC 3339 in UTC with seven decimals, which is all that a hive has
   flags       as stored: 4 root, 8 must not be deleted, 16 symbolic link, 32 name
               in Latin-1, 64 predefined handle
   user_flags  bits for 32-bit applications, virtualization and debugging, where
               there are any
   class       class name, "" for none
   security    security descriptor as hexadecimal digits, where asked for
   sddl        the same as text, or null where it cannot be written so
   error       why something of the key could not be read, where that is so
   values      list of VALUEs, where asked for

and a VALUE these:

   name        "" for the default value
   type        as ls prints it, such as "expand_sz", or "0x12" for type 18
   size        number of bytes of the data
   value       text without the NULs at its end, list of texts, or number, as the
               type has it; null for bytes, and for a number of wrong length
   data        the data exactly, as hexadecimal digits
   error       why the data could not be read; size, value and data are null then

Names and texts are not escaped otherwise than JSON does. Unpaired surrogates,
which they may have, are \ud800 to \udfff.`

// valueJSON is a value in JSON.
type valueJSON struct {
	Name string // WTF-8
	Type hive.Type
	Data []byte
	Err  error // of reading the data
}

// keyJSON is a key in JSON.
type keyJSON struct {
	Path, Name  string // WTF-8
	LastWrite   time.Time
	Flags       hive.KeyFlags
	UserFlags   uint16 // left out when 0
	Class       string
	Security    []byte // left out when nil
	SDDL        string // "" where it cannot be written
	Values      []valueJSON
	LeaveValues bool // leave Values out
	Err         error
}

// MarshalJSON returns the value in JSON.
func (v valueJSON) MarshalJSON() ([]byte, error) { return v.append(nil), nil }

// append appends the value in JSON.
func (v valueJSON) append(b []byte) []byte {
	b = v.appendHead(b)
	if v.Err != nil {
		b = append(b, `,"size":null,"value":null,"data":null,"error":`...)
		b = appendJSONString(b, v.Err.Error())
		return append(b, '}')
	}
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, int64(len(v.Data)), 10)
	b = append(b, `,"value":`...)
	b = appendTyped(b, v.Type, v.Data)
	b = append(b, `,"data":"`...)
	b = hex.AppendEncode(b, v.Data)
	return append(b, `"}`...)
}

// appendHead appends the name and the type, for more to follow.
func (v valueJSON) appendHead(b []byte) []byte {
	b = append(b, `{"name":`...)
	b = appendJSONString(b, v.Name)
	b = append(b, `,"type":`...)
	return appendJSONString(b, typeName(v.Type))
}

// appendTyped appends data as its type has it.
func appendTyped(b []byte, kind hive.Type, data []byte) []byte {
	switch kind {
	case hive.SZ, hive.ExpandSZ, hive.Link:
		return appendJSONString(b, hive.DecodeText(trimNULs(data[:len(data)&^1])))
	case hive.MultiSZ:
		b = append(b, '[')
		for i, text := range textList(data) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONString(b, text)
		}
		return append(b, ']')
	}
	if number, ok := dataNumber(kind, data); ok {
		return strconv.AppendUint(b, number, 10)
	}
	return append(b, "null"...)
}

// MarshalJSON returns the key in JSON.
func (k keyJSON) MarshalJSON() ([]byte, error) { return k.append(nil), nil }

// append appends the key in JSON.
func (k keyJSON) append(b []byte) []byte {
	b = k.appendHead(b)
	if k.LeaveValues {
		return append(b, '}')
	}
	b = append(b, `,"values":[`...)
	for i, value := range k.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = value.append(b)
	}
	return append(b, "]}"...)
}

// appendHead appends all but the values and the brace at the end, for more to
// follow.
func (k keyJSON) appendHead(b []byte) []byte {
	b = append(b, `{"path":`...)
	b = appendJSONString(b, k.Path)
	b = append(b, `,"name":`...)
	b = appendJSONString(b, k.Name)
	b = append(b, `,"last_write":"`...)
	b = appendTime(b, k.LastWrite)
	b = append(b, `","flags":`...)
	b = strconv.AppendUint(b, uint64(k.Flags), 10)
	if k.UserFlags != 0 {
		b = strconv.AppendUint(append(b, `,"user_flags":`...), uint64(k.UserFlags), 10)
	}
	b = append(b, `,"class":`...)
	b = appendJSONString(b, k.Class)
	if k.Security != nil {
		b = append(b, `,"security":"`...)
		b = hex.AppendEncode(b, k.Security)
		b = append(b, `","sddl":`...)
		if k.SDDL == "" {
			b = append(b, "null"...)
		} else {
			b = appendJSONString(b, k.SDDL)
		}
	}
	if k.Err != nil {
		b = append(b, `,"error":`...)
		b = appendJSONString(b, k.Err.Error())
	}
	return b
}

// appendTime appends a time as exactly as a hive has it, in steps of 100
// nanoseconds.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.0000000Z")
}

// wtfString is a string in WTF-8 that keeps its unpaired surrogates in JSON,
// where encoding/json would replace them.
type wtfString string

// MarshalJSON returns the string in JSON.
func (s wtfString) MarshalJSON() ([]byte, error) { return appendJSONString(nil, string(s)), nil }

// appendJSONString appends a string in WTF-8 as JSON has it. Bytes that are not
// WTF-8 become the replacement character.
func appendJSONString(b []byte, text string) []byte {
	return append(appendJSONText(append(b, '"'), text), '"')
}

// appendJSONText is appendJSONString without the quotation marks.
func appendJSONText(b []byte, text string) []byte {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			b = appendJSONByte(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			b = appendJSONRune(b, text[i:i+size], r)
		case escape.IsSurrogate(text[i:]):
			size = 3
			unit := 0xD000 | uint16(text[i+1]&0x3F)<<6 | uint16(text[i+2]&0x3F)
			b = appendJSONUnit(b, unit)
		default:
			b = append(b, `\ufffd`...)
		}
		i += size
	}
	return b
}

func appendJSONByte(b []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c >= ' ' && c != 0x7F:
		return append(b, c)
	case c == '\n':
		return append(b, '\\', 'n')
	case c == '\r':
		return append(b, '\\', 'r')
	case c == '\t':
		return append(b, '\\', 't')
	}
	return appendJSONUnit(b, uint16(c))
}

// appendJSONRune appends a character beyond ASCII. What could move the cursor
// of a terminal is escaped.
func appendJSONRune(b []byte, encoded string, r rune) []byte {
	if r <= 0xFFFF && !strconv.IsGraphic(r) {
		return appendJSONUnit(b, uint16(r))
	}
	return append(b, encoded...)
}

func appendJSONUnit(b []byte, unit uint16) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}
