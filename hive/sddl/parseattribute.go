package sddl

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// attributeField reads the last field of a resource attribute entry:
// ;("name",type,flags,value,…)
func (p *parser) attributeField() (*attribute, error) {
	if err := p.expect(';', "before the attribute"); err != nil {
		return nil, err
	}
	p.blanks()
	if err := p.expect('(', "before the attribute"); err != nil {
		return nil, err
	}
	a := &attribute{}
	var err error
	if a.name, err = p.attributeName(); err != nil {
		return nil, err
	}
	if err := p.expect(',', "behind the name"); err != nil {
		return nil, err
	}
	if a.kind, err = p.attributeType(); err != nil {
		return nil, err
	}
	if err := p.expect(',', "behind the type"); err != nil {
		return nil, err
	}
	start := p.at
	flags, err := parseNumber(p.item(), 32)
	if err != nil {
		return nil, p.errorAt(start, "found %s, want the flags of the attribute as a number", p.found(start))
	}
	a.flags = uint32(flags)
	size := a.size()
	for p.peek() == ',' {
		p.at++
		at := p.at
		value, err := p.attributeValue(a.kind)
		if err != nil {
			return nil, err
		}
		if size += 4 + a.valueSize(value); size > maxListSize {
			return nil, p.errorAt(at, "the attribute has more than %d bytes with this value", maxListSize)
		}
		a.values = append(a.values, value)
	}
	return a, p.expect(')', "at the end of the attribute")
}

// item returns the characters up to the next comma or parenthesis.
func (p *parser) item() string {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != ',' && p.text[p.at] != ')' {
		p.at++
	}
	return p.text[start:p.at]
}

// quoted returns what stands between two quotation marks, and where it starts.
func (p *parser) quoted(what string) (text string, start int, err error) {
	if err := p.expect('"', "before "+what); err != nil {
		return "", 0, err
	}
	start = p.at
	end := strings.IndexByte(p.text[start:], '"')
	if end < 0 {
		return "", 0, p.errorAt(start-1, "the quotation mark has no partner")
	}
	p.at = start + end + 1
	return p.text[start : start+end], start, nil
}

func (p *parser) attributeName() ([]byte, error) {
	text, start, err := p.quoted("the name of the attribute")
	if err != nil {
		return nil, err
	}
	var name []byte
	for i := 0; i < len(text); i++ {
		unit := uint64(text[i])
		if text[i] == '%' {
			if unit, err = strconv.ParseUint(text[min(i+1, len(text)):min(i+5, len(text))], 16, 16); err != nil || i+5 > len(text) || unit == 0 {
				return nil, p.errorAt(start+i, "a percent sign in a name begins a character: %%0001 to %%ffff")
			}
			i += 4
		} else if !isNameUnit(uint16(unit)) {
			return nil, p.errorAt(start+i, "character %q in a name must be written as %%%04x", text[i], unit)
		}
		name = binary.LittleEndian.AppendUint16(name, uint16(unit))
	}
	if name == nil {
		return nil, p.errorAt(start, "the attribute has no name")
	}
	return name, nil
}

func (p *parser) attributeType() (uint16, error) {
	for _, known := range attributeTypes {
		if p.skip(known.text) {
			return uint16(known.value), nil
		}
	}
	return 0, p.errorAt(p.at, "found %s, want TI, TU, TS, TD, TX or TB", p.found(p.at))
}

func (p *parser) attributeValue(kind uint16) ([]byte, error) {
	start := p.at
	switch kind {
	case attributeString:
		text, start, err := p.quoted("a text")
		if err != nil {
			return nil, err
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\uFFFD") {
			return nil, p.errorAt(start, "the text is not valid UTF-8 or holds a character that cannot be stored")
		}
		var value []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			value = binary.LittleEndian.AppendUint16(value, unit)
		}
		return value, nil
	case attributeSID:
		return p.sid()
	case attributeOctets:
		if err := p.expect('#', "before octets"); err != nil {
			return nil, err
		}
		value, err := hex.DecodeString(p.item())
		if err != nil {
			return nil, p.errorAt(start, "found %s, want pairs of hexadecimal digits", p.found(start))
		}
		return value, nil
	case attributeInt:
		number, err := strconv.ParseInt(p.item(), 10, 64)
		if err != nil {
			return nil, p.errorAt(start, "found %s, want a number of 64 bits with a sign", p.found(start))
		}
		return binary.LittleEndian.AppendUint64(nil, uint64(number)), nil
	}
	limit := ^uint64(0)
	if kind == attributeBool {
		limit = 1
	}
	number, err := parseNumber(p.item(), 64)
	if err != nil || number > limit {
		return nil, p.errorAt(start, "found %s, want a number of at most %d", p.found(start), limit)
	}
	return binary.LittleEndian.AppendUint64(nil, number), nil
}
