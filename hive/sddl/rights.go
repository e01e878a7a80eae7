package sddl

import "strconv"

// word is a number with the word for it.
type word struct {
	text  string
	value uint32
}

// entryFlags are the flags of an entry (MS-DTYP 2.4.4.1), in the order in which
// Windows writes them.
var entryFlags = []word{
	{"OI", 0x01}, {"CI", 0x02}, {"NP", 0x04}, {"IO", 0x08}, {"ID", 0x10}, {"CR", 0x20}, {"SA", 0x40}, {"FA", 0x80},
}

// wholeRights are words for several rights at once. Only a mask that equals one
// is written so. KX, which comes last, has the rights of KR.
var wholeRights = []word{
	{"KA", 0x000F003F}, {"KR", 0x00020019}, {"KW", 0x00020006},
	{"FA", 0x001F01FF}, {"FR", 0x00120089}, {"FW", 0x00120116}, {"FX", 0x001200A0},
	{"KX", 0x00020019},
}

// singleRights are words for one right each, in the order in which Windows
// writes them.
var singleRights = []word{
	{"CC", 0x00000001}, {"DC", 0x00000002}, {"LC", 0x00000004}, {"SW", 0x00000008},
	{"RP", 0x00000010}, {"WP", 0x00000020}, {"DT", 0x00000040}, {"LO", 0x00000080},
	{"CR", 0x00000100},
	{"SD", 0x00010000}, {"RC", 0x00020000}, {"WD", 0x00040000}, {"WO", 0x00080000},
	{"GA", 0x10000000}, {"GX", 0x20000000}, {"GW", 0x40000000}, {"GR", 0x80000000},
}

// labelRights are the words of a mandatory label.
var labelRights = []word{{"NW", 1}, {"NR", 2}, {"NX", 4}}

// rightsOf are the words for single rights in entries of a type.
func rightsOf(kind byte) []word {
	if kind == typeMandatoryLabel {
		return labelRights
	}
	return singleRights
}

// appendRights appends an access mask: in words where there is one for each
// right, else as a number. No rights are no text.
func appendRights(text []byte, kind byte, mask uint32) []byte {
	if kind != typeMandatoryLabel {
		for _, whole := range wholeRights {
			if whole.value == mask {
				return append(text, whole.text...)
			}
		}
	}
	start := len(text)
	text, left := appendWords(text, rightsOf(kind), mask)
	if left != 0 {
		text = append(text[:start], "0x"...)
		text = strconv.AppendUint(text, uint64(mask), 16)
	}
	return text
}

// appendWords appends the words for the bits of a number, and returns the bits
// that have none.
func appendWords(text []byte, words []word, value uint32) ([]byte, uint32) {
	for _, word := range words {
		if value&word.value != 0 {
			text = append(text, word.text...)
			value &^= word.value
		}
	}
	return text, value
}

// rights reads an access mask up to the semicolon behind it.
func (p *parser) rights(kind byte) (uint32, error) {
	start := p.at
	if c := p.peek(); c >= '0' && c <= '9' {
		for p.at < len(p.text) && p.text[p.at] != ';' && p.text[p.at] != ')' {
			p.at++
		}
		mask, err := parseNumber(p.text[start:p.at], 32)
		if err != nil {
			return 0, p.errorAt(start, "rights %s are no number of 32 bits", p.found(start))
		}
		return uint32(mask), nil
	}
	words := rightsOf(kind)
	if kind != typeMandatoryLabel {
		words = append(words[:len(words):len(words)], wholeRights...)
	}
	return p.words(words, "right")
}

// words reads words up to a semicolon and joins what they stand for.
func (p *parser) words(words []word, what string) (uint32, error) {
	var value uint32
	for c := p.peek(); c != ';' && c != ')' && c != 0; c = p.peek() {
		found := false
		for _, word := range words {
			if found = p.skip(word.text); found {
				value |= word.value
				break
			}
		}
		if !found {
			return 0, p.errorAt(p.at, "%q is no known %s", p.word(2), what)
		}
	}
	return value, nil
}

// parseNumber reads an unsigned number: hexadecimal behind 0x, octal behind 0,
// else decimal.
func parseNumber(text string, bits int) (uint64, error) {
	switch {
	case len(text) > 2 && equalFold(text[:2], "0x"):
		return strconv.ParseUint(text[2:], 16, bits)
	case len(text) > 1 && text[0] == '0':
		return strconv.ParseUint(text[1:], 8, bits)
	}
	return strconv.ParseUint(text, 10, bits)
}
