package sddl

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Types of the values of a resource attribute (MS-DTYP 2.4.10.1).
const (
	attributeInt    = 0x01
	attributeUint   = 0x02
	attributeString = 0x03
	attributeSID    = 0x05
	attributeBool   = 0x06
	attributeOctets = 0x10
)

// attributeTypes are the types with their words.
var attributeTypes = []word{
	{"TI", attributeInt}, {"TU", attributeUint}, {"TS", attributeString},
	{"TD", attributeSID}, {"TB", attributeBool}, {"TX", attributeOctets},
}

// attributeHeader is the number of bytes before the offsets of the values.
const attributeHeader = 16

// attribute is what a resource attribute entry holds behind its SID.
type attribute struct {
	name   []byte // UTF-16LE without its end
	kind   uint16
	flags  uint32
	values [][]byte // numbers of 8 bytes, UTF-16LE, SIDs or octets
}

// decodeAttribute reads an attribute; b is all that follows the SID.
func decodeAttribute(b []byte) (*attribute, error) {
	if len(b) < attributeHeader {
		return nil, unsound("its attribute has %d bytes, want at least %d", len(b), attributeHeader)
	}
	a := &attribute{kind: binary.LittleEndian.Uint16(b[4:]), flags: binary.LittleEndian.Uint32(b[8:])}
	count := binary.LittleEndian.Uint32(b[12:])
	if uint64(count)*4 > uint64(len(b)-attributeHeader) {
		return nil, unsound("its attribute has %d bytes, too few for %d values", len(b), count)
	}
	if a.word() == "" {
		return nil, fmt.Errorf("%w: its attribute is of the unknown type %#x", ErrInexpressible, a.kind)
	}
	var err error
	if a.name, err = terminated(b, binary.LittleEndian.Uint32(b)); err != nil {
		return nil, err
	}
	room := len(b) // values that overlap could come to any size
	for i := range count {
		value, err := a.value(b, binary.LittleEndian.Uint32(b[attributeHeader+4*i:]))
		if err != nil {
			return nil, err
		}
		if room -= len(value); room < 0 {
			return nil, unsound("the values of its attribute overlap")
		}
		a.values = append(a.values, value)
	}
	return a, nil
}

// word is the word for the type of the attribute, "" when there is none.
func (a *attribute) word() string {
	for _, known := range attributeTypes {
		if known.value == uint32(a.kind) {
			return known.text
		}
	}
	return ""
}

// value reads the value at an offset of b.
func (a *attribute) value(b []byte, off uint32) ([]byte, error) {
	switch a.kind {
	case attributeString:
		return terminated(b, off)
	case attributeSID, attributeOctets:
		if uint64(off)+4 > uint64(len(b)) {
			return nil, unsound("a value of its attribute is at %d of %d bytes", off, len(b))
		}
		length, rest := binary.LittleEndian.Uint32(b[off:]), b[off+4:]
		if uint64(length) > uint64(len(rest)) {
			return nil, unsound("a value of its attribute has %d bytes of %d", length, len(rest))
		}
		return a.checkSID(rest[:length])
	}
	if uint64(off)+8 > uint64(len(b)) {
		return nil, unsound("a value of its attribute is at %d of %d bytes", off, len(b))
	}
	return b[off : off+8], nil
}

func (a *attribute) checkSID(value []byte) ([]byte, error) {
	if a.kind != attributeSID {
		return value, nil
	}
	sid, err := cutSID(value)
	if err != nil {
		return nil, unsound("a SID of its attribute %s", err)
	}
	return sid, nil
}

// terminated returns the UTF-16LE text at an offset, up to its NUL.
func terminated(b []byte, off uint32) ([]byte, error) {
	for end := uint64(off); end+2 <= uint64(len(b)); end += 2 {
		if b[end] == 0 && b[end+1] == 0 {
			return b[off:end], nil
		}
	}
	return nil, unsound("a text of its attribute at %d has no end", off)
}

// size is the length of the attribute in bytes, a multiple of 4.
func (a *attribute) size() int {
	size := attributeHeader + 4*len(a.values) + align(len(a.name)+2)
	for _, value := range a.values {
		size += a.valueSize(value)
	}
	return size
}

func (a *attribute) valueSize(value []byte) int {
	switch a.kind {
	case attributeString:
		return align(len(value) + 2)
	case attributeSID, attributeOctets:
		return align(4 + len(value))
	}
	return 8
}

func align(size int) int { return (size + 3) &^ 3 }

// append appends the bytes of the attribute.
func (a *attribute) append(b []byte) []byte {
	start := len(b)
	off := attributeHeader + 4*len(a.values)
	b = binary.LittleEndian.AppendUint32(b, uint32(off))
	b = binary.LittleEndian.AppendUint16(b, a.kind)
	b = append(b, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, a.flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(a.values)))
	off += align(len(a.name) + 2)
	for _, value := range a.values {
		b = binary.LittleEndian.AppendUint32(b, uint32(off))
		off += a.valueSize(value)
	}
	b = pad(append(append(b, a.name...), 0, 0), start)
	for _, value := range a.values {
		switch a.kind {
		case attributeString:
			b = append(append(b, value...), 0, 0)
		case attributeSID, attributeOctets:
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(value))), value...)
		default:
			b = append(b, value...)
		}
		b = pad(b, start)
	}
	return b
}

// pad appends zeros until what stands behind start is a multiple of 4.
func pad(b []byte, start int) []byte {
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// inexpressible says what the text of the attribute cannot carry, "" for
// nothing: within its quotes the language has no escapes.
func (a *attribute) inexpressible() string {
	if len(a.name) == 0 {
		return "an attribute without a name"
	}
	for _, value := range a.values {
		switch {
		case a.kind == attributeBool && binary.LittleEndian.Uint64(value) > 1:
			return fmt.Sprintf("the boolean value %d", binary.LittleEndian.Uint64(value))
		case a.kind == attributeString:
			text := decodeUTF16(value)
			if strings.ContainsRune(text, '"') || strings.ContainsRune(text, utf8.RuneError) {
				return "a text with a quotation mark, an unpaired surrogate or U+FFFD"
			}
		}
	}
	return ""
}

func decodeUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// appendText appends the attribute as text, without its parentheses.
func (a *attribute) appendText(text []byte) []byte {
	text = append(text, '"')
	for i := 0; i < len(a.name); i += 2 {
		if unit := binary.LittleEndian.Uint16(a.name[i:]); isNameUnit(unit) {
			text = append(text, byte(unit))
		} else {
			text = fmt.Appendf(text, "%%%04x", unit)
		}
	}
	text = fmt.Appendf(text, `",%s,%#x`, a.word(), a.flags)
	for _, value := range a.values {
		text = append(text, ',')
		switch a.kind {
		case attributeInt:
			text = strconv.AppendInt(text, int64(binary.LittleEndian.Uint64(value)), 10)
		case attributeUint, attributeBool:
			text = strconv.AppendUint(text, binary.LittleEndian.Uint64(value), 10)
		case attributeString:
			text = append(append(append(text, '"'), decodeUTF16(value)...), '"')
		case attributeSID:
			text = appendSID(text, value)
		case attributeOctets:
			text = hex.AppendEncode(append(text, '#'), value)
		}
	}
	return text
}

// isNameUnit reports whether a UTF-16 unit stands for itself in a name.
func isNameUnit(unit uint16) bool {
	return unit < 0x80 && (isLetter(byte(unit)) || isDigit(byte(unit), 10) || strings.IndexByte("#$'*+-./:;?@[\\]^_`{}~", byte(unit)) >= 0)
}
