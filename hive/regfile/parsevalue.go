package regfile

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// parseValue reads a line such as "name"=dword:00000001. The position is at the
// quotation mark or the @ that it begins with.
func (p *parser) parseValue(operation *Operation) error {
	if !p.inKey {
		return p.unexpected("a key in brackets before the first value")
	}
	if p.section == DeleteKey {
		return p.unexpected("no value below a key that is deleted")
	}
	operation.Kind, operation.Key = SetValue, p.key
	var err error
	if operation.Name, err = p.valueName(); err != nil {
		return err
	}
	p.skipBlanks()
	if !p.at('=') {
		return p.unexpected(`"=" behind the name of the value`)
	}
	p.offset++
	p.skipBlanks()
	if err := p.parseData(operation); err != nil {
		return err
	}
	if p.at('"') && p.text[p.offset-1] == ':' {
		return nil // hex:"next", for which reged has no line break where there are no bytes
	}
	return p.endOfEntry()
}

func (p *parser) valueName() (string, error) {
	begin := p.position
	p.offset++
	if p.text[begin.offset] == '@' {
		return "", nil
	}
	name, err := p.quoted(inName)
	if err == nil && isLonger(name, maxValueName) {
		p.position = begin
		err = p.tooLong("a value", maxValueName)
	}
	return string(name), err
}

// What quotes are around.
const (
	inName = true  // no line breaks, but units in hexadecimal digits
	inData = false // line breaks
)

// quoted reads a string; the position is behind its first quotation mark. What
// it returns is valid up to the next call.
func (p *parser) quoted(name bool) ([]byte, error) {
	begin := p.position
	if end := bytes.IndexAny(p.text[p.offset:], "\"\\\r\n"); end >= 0 && p.text[p.offset+end] == '"' {
		p.offset += end + 1
		return p.text[begin.offset : begin.offset+end], nil
	}
	text := p.scratch[:0]
	units := false
	for p.offset < len(p.text) {
		switch c := p.text[p.offset]; {
		case c == '"':
			p.offset++
			p.scratch = text
			if units {
				text = joinPairs(text)
			}
			return text, nil
		case c == '\\':
			unit, size := p.escape(name)
			if size == 0 {
				return nil, p.unexpected(`\\ for a backslash or \" for a quotation mark`)
			}
			units = units || size == valueEscapeLength
			text = appendUnit(text, unit)
			p.offset += size
		case (c == '\r' || c == '\n') && name:
			return nil, p.unexpected("a quotation mark at the end of the name")
		case c == '\r' || c == '\n':
			from := p.offset
			p.lineBreak()
			text = append(text, p.text[from:p.offset]...)
		default:
			text = append(text, c)
			p.offset++
		}
	}
	p.position = begin
	p.offset--
	return nil, p.unexpected("a quotation mark at the end of the string")
}

// escape reads the escape at the position and returns its length, 0 where it is
// none.
func (p *parser) escape(name bool) (unit uint16, size int) {
	rest := p.text[p.offset:]
	if len(rest) > 1 && (rest[1] == '\\' || rest[1] == '"') {
		return uint16(rest[1]), 2
	}
	if !name {
		return 0, 0
	}
	unit, ok := valueEscape(string(rest[:min(len(rest), valueEscapeLength)]))
	if !ok {
		return 0, 0
	}
	return unit, valueEscapeLength
}

// joinPairs makes one character of two surrogates that were escaped one by one.
func joinPairs(text []byte) []byte {
	return decodeUTF16(appendUTF16(nil, string(text)), binary.LittleEndian)
}

// parseData reads what stands behind the equals sign.
func (p *parser) parseData(operation *Operation) error {
	const wanted = `"text", dword:, hex:, hex(type): or -`
	switch {
	case p.at('-'):
		operation.Kind = DeleteValue
		p.offset++
		return nil
	case p.at('"'):
		return p.stringData(operation, typeSZ)
	case p.word("dword:"):
		return p.dwordData(operation)
	case p.word("hex:"):
		operation.Type = typeBinary
		return p.hexData(operation)
	case p.word("hex("):
		if err := p.dataType(operation); err != nil {
			return err
		}
		return p.hexData(operation)
	case p.word("str:"):
		if !p.at('"') {
			return p.unexpected("a quotation mark")
		}
		return p.stringData(operation, typeSZ)
	case p.word("str("):
		if err := p.dataType(operation); err != nil {
			return err
		}
		if !p.at('"') {
			return p.unexpected("a quotation mark")
		}
		return p.stringData(operation, operation.Type)
	}
	return p.unexpected(wanted)
}

// word skips a word in letters of either case, and reports whether it is there.
func (p *parser) word(word string) bool {
	rest := p.text[p.offset:]
	if len(rest) < len(word) || !strings.EqualFold(string(rest[:len(word)]), word) {
		return false
	}
	p.offset += len(word)
	return true
}

// dataType reads the hexadecimal digits of a type up to the colon.
func (p *parser) dataType(operation *Operation) error {
	number, digits := p.hexNumber()
	if digits == 0 || digits > 8 {
		p.offset -= digits
		return p.unexpected("a type of 1 to 8 hexadecimal digits")
	}
	if !p.word("):") {
		return p.unexpected(`"):" behind the type`)
	}
	operation.Type = number
	return nil
}

// hexNumber reads hexadecimal digits. A number of more than 8 is wrong.
func (p *parser) hexNumber() (number uint32, digits int) {
	for p.offset < len(p.text) && hexDigits[p.text[p.offset]] <= 0xF {
		number = number<<4 | uint32(hexDigits[p.text[p.offset]])
		p.offset++
		digits++
	}
	return number, digits
}

func (p *parser) dwordData(operation *Operation) error {
	p.skipBlanks()
	number, digits := p.hexNumber()
	if digits == 0 || digits > 8 {
		p.offset -= digits
		return p.unexpected("1 to 8 hexadecimal digits")
	}
	operation.Type = typeDWord
	operation.Data = binary.LittleEndian.AppendUint32(nil, number)
	return nil
}

// stringData reads a string in quotes, the first of which is at the position.
func (p *parser) stringData(operation *Operation, kind uint32) error {
	begin := p.position
	p.offset++
	text, err := p.quoted(inData)
	if err != nil {
		return err
	}
	operation.Type = kind
	operation.Data = append(appendUTF16(make([]byte, 0, 2*len(text)+2), string(text)), 0, 0)
	if p.line > begin.line {
		return p.endOfString(begin)
	}
	return nil
}

// endOfString requires that the line ends behind a string of several lines. If
// it does not, what is wrong is most likely where the string begins: its closing
// quotation mark is missing there, and another one was found further down.
func (p *parser) endOfString(begin position) error {
	if err := p.endOfEntry(); err != nil {
		p.position = begin
		return p.unexpected("a quotation mark at the end of the string")
	}
	return nil
}

// hexDigits has the values of hexadecimal digits, 0xFF for all else.
var hexDigits = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xFF
	}
	for i := range 10 {
		table['0'+i] = byte(i)
	}
	for i := range 6 {
		table['a'+i], table['A'+i] = byte(10+i), byte(10+i)
	}
	return table
}()

// hexData reads a list of bytes, which may go on in the lines that follow.
func (p *parser) hexData(operation *Operation) error {
	data := p.scratch[:0]
	if err := p.skipContinuation(); err != nil {
		return err
	}
	for !p.atLineEnd() && !p.at(';') && (!p.at('"') || p.text[p.offset-1] != ':') {
		if len(data) > 0 {
			if !p.at(',') {
				return p.unexpected("a comma between two bytes")
			}
			p.offset++
			if err := p.skipContinuation(); err != nil {
				return err
			}
		}
		if !p.atHexByte() {
			return p.unexpected("two hexadecimal digits")
		}
		data = append(data, hexDigits[p.text[p.offset]]<<4|hexDigits[p.text[p.offset+1]])
		p.offset += 2
		if !p.at(',') {
			if err := p.skipContinuation(); err != nil {
				return err
			}
		}
	}
	p.scratch = data
	if p.ansi && (operation.Type == typeSZ || operation.Type == typeExpandSZ || operation.Type == typeMultiSZ) {
		operation.Data = wide(data)
	} else {
		operation.Data = append([]byte{}, data...)
	}
	return nil
}

func (p *parser) atHexByte() bool {
	return p.offset+1 < len(p.text) && hexDigits[p.text[p.offset]] <= 0xF && hexDigits[p.text[p.offset+1]] <= 0xF
}

// skipContinuation skips blanks, and line breaks behind a backslash, with the
// comments and empty lines that may stand before the bytes go on.
func (p *parser) skipContinuation() error {
	for p.offset < len(p.text) {
		switch p.text[p.offset] {
		case ' ', '\t':
			p.offset++
		case '\\':
			p.offset++
			p.skipBlanks()
			if p.at(';') {
				p.offset += len(p.restOfLine())
			}
			if !p.atLineEnd() || p.offset == len(p.text) {
				return p.unexpected("the end of the line behind a backslash, and more bytes below")
			}
			if p.skipToEntry(); p.offset == len(p.text) {
				return p.unexpected("the bytes that a backslash above announces")
			}
		default:
			return nil
		}
	}
	return nil
}

// wide converts the bytes of a string to UTF-16.
func wide(data []byte) []byte {
	units := make([]byte, 0, 2*len(data))
	for _, c := range data {
		units = binary.LittleEndian.AppendUint16(units, uint16(windows1252(c)))
	}
	return units
}
