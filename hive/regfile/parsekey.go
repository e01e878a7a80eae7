package regfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// parseKey reads a line such as [HKEY_LOCAL_MACHINE\SOFTWARE\Name]. The
// position is at its bracket.
func (p *parser) parseKey(operation *Operation) error {
	line := p.restOfLine()
	end := bytes.LastIndexByte(line, ']')
	if end < 0 {
		p.offset += len(line)
		return p.unexpected(`"]" at the end of the key`)
	}
	name := line[1:end]
	if comment := bracketBeforeComment(name); comment >= 0 {
		p.offset += 1 + comment
		return p.unexpected(`no bracket before a semicolon but the last one of the line; \\u005d is a bracket in a name`)
	}
	p.offset++
	if bytes.HasPrefix(name, []byte("-")) {
		operation.Kind = DeleteKey
		name = name[1:]
		p.offset++
	}
	key, err := p.path(string(name))
	if err != nil {
		return err
	}
	operation.Key = key
	p.key, p.section, p.inKey = key, operation.Kind, true
	p.offset += len(name) + 1
	return p.endOfEntry()
}

// bracketBeforeComment finds a bracket that a semicolon follows. Where the name
// of the key ends would then be a guess.
func bracketBeforeComment(name []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(name[from:], ']')
		if i < 0 {
			return -1
		}
		i += from
		blanks := 1
		for i+blanks < len(name) && (name[i+blanks] == ' ' || name[i+blanks] == '\t') {
			blanks++
		}
		if i+blanks < len(name) && name[i+blanks] == ';' {
			return i
		}
		from = i + blanks
	}
}

// path reads the path of a key, which begins at the position. Other programs
// write a backslash in front of a path without a root, and behind that of a
// root.
func (p *parser) path(text string) (string, error) {
	if text == "" {
		return "", p.unexpected("the name of a key")
	}
	if trimmed := strings.TrimSuffix(text, `\`); trimmed != "" {
		text = trimmed
		if strings.HasSuffix(text, `\`) {
			p.offset += len(text)
			return "", p.unexpected(`the name of a key; a backslash between names is not doubled`)
		}
	}
	var path []byte
	for start, level := 0, 1; start < len(text); level++ {
		end := start + nameLength(text[start:])
		if level > maxLevels {
			p.offset += start
			return "", p.unexpected(fmt.Sprintf("at most %d names in the path of a key", maxLevels))
		}
		if start == end && start > 0 {
			p.offset += start
			return "", p.unexpected(`the name of a key; a backslash between names is not doubled`)
		}
		from := len(path)
		path = appendKeyName(path, text[start:end])
		if isLonger(path[from:], maxKeyName) {
			p.offset += start
			return "", p.tooLong("a key", maxKeyName)
		}
		if end < len(text) {
			path = append(path, '\\')
		}
		start = end + 1
	}
	return string(path), nil
}

// nameLength is the length of the name at the start of a path: up to a
// backslash that begins no escape.
func nameLength(path string) int {
	for i := 0; i < len(path); i++ {
		if path[i] != '\\' {
			continue
		}
		if _, ok := keyEscape(path[i:]); !ok {
			return i
		}
		i += keyEscapeLength - 1
	}
	return len(path)
}

// appendKeyName appends a name of a path with its escapes replaced.
func appendKeyName(path []byte, name string) []byte {
	if strings.IndexByte(name, '\\') < 0 {
		return append(path, name...)
	}
	var units []byte
	for i := 0; i < len(name); {
		if unit, ok := keyEscape(name[i:]); ok {
			units = binary.LittleEndian.AppendUint16(units, unit)
			i += keyEscapeLength
			continue
		}
		_, _, size := firstUnit(name[i:])
		units = appendUTF16(units, name[i:i+size])
		i += size
	}
	return append(path, decodeUTF16(units, binary.LittleEndian)...)
}

// isLonger reports whether a text in WTF-8 has more UTF-16 units than most.
func isLonger(text []byte, most int) bool {
	if len(text) <= most {
		return false
	}
	units := 0
	for _, c := range text {
		if c&0xC0 != 0x80 {
			units++
		}
		if c >= 0xF0 { // a pair
			units++
		}
	}
	return units > most
}

// tooLong is the error of a name that the registry cannot hold.
func (p *parser) tooLong(what string, most int) error {
	return p.unexpected(fmt.Sprintf("at most %d characters in the name of %s", most, what))
}

// Lengths of escapes.
const (
	valueEscapeLength = len(`\u0000`)
	keyEscapeLength   = len(`\\u0000`)
)

// keyEscape reads the escape \\uXXXX that a text begins with. A backslash, which
// separates names, cannot be in one.
func keyEscape(text string) (unit uint16, ok bool) {
	if len(text) < keyEscapeLength || text[0] != '\\' {
		return 0, false
	}
	unit, ok = valueEscape(text[1:])
	return unit, ok && unit != '\\'
}

// valueEscape reads the escape \uXXXX that a text begins with.
func valueEscape(text string) (unit uint16, ok bool) {
	if len(text) < valueEscapeLength || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for i := 2; i < valueEscapeLength; i++ {
		digit := hexDigits[text[i]]
		if digit > 0xF {
			return 0, false
		}
		unit = unit<<4 | uint16(digit)
	}
	return unit, true
}
