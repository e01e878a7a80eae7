package regfile

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"unicode/utf8"
)

// The first lines of both versions.
const (
	header4 = "REGEDIT4"
	header5 = "Windows Registry Editor Version 5.00"
)

// Limits of the registry for names, in UTF-16 units.
const (
	maxKeyName   = 255
	maxValueName = 16383
)

// maxLevels is the number of names that a path can have: the registry allows
// 512, and the root of a file may have two names.
const maxLevels = 512 + 2

// File is a .reg file.
type File struct {
	Version  int // 4 or 5
	Encoding Encoding

	text []byte // in WTF-8
	body position
}

// position is a place in a text.
type position struct {
	offset int
	line   int // counted from 1
	start  int // offset at which the line begins
}

// Parse reads the encoding and the first line of a file; Operations reads the
// rest. data must not be changed as long as the File is in use. Parse returns a
// SyntaxError.
func Parse(data []byte) (*File, error) {
	encoding, mark := guess(data)
	return parse(data, encoding, mark)
}

// ParseAs is Parse for a file whose encoding is known. A byte order mark of that
// encoding is skipped.
func ParseAs(data []byte, encoding Encoding) (*File, error) {
	found, mark := detect(data)
	if found != encoding && (found != UTF8 || encoding != Mixed) {
		mark = 0
	}
	return parse(data, encoding, mark)
}

func parse(data []byte, encoding Encoding, mark int) (*File, error) {
	text, err := decode(data, encoding, mark)
	if err != nil {
		return nil, err
	}
	f := &File{Version: 5, Encoding: encoding, text: text}
	p := parser{text: text, position: position{line: 1}}
	p.skipToEntry()
	switch rest := p.text[p.offset:]; {
	case bytes.HasPrefix(rest, []byte(header5)):
		p.offset += len(header5)
	case bytes.HasPrefix(rest, []byte(header4)):
		p.offset += len(header4)
		f.Version = 4
	default:
		return nil, p.unexpected(`"` + header5 + `" or "` + header4 + `" in the first line`)
	}
	if err := p.endOfEntry(); err != nil {
		return nil, err
	}
	f.body = p.position
	return f, nil
}

// Size is the length of the text in UTF-8, in bytes.
func (f *File) Size() int { return len(f.text) }

// Operations iterates over what the file asks for, in its order. It ends with
// the first error, a SyntaxError. The time it takes is linear in the length of
// the file.
func (f *File) Operations() iter.Seq2[Operation, error] {
	return func(yield func(Operation, error) bool) {
		p := parser{text: f.text, position: f.body, ansi: f.Version == 4}
		for {
			operation, err := p.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Operation{}, err)
				return
			case !yield(operation, nil):
				return
			}
		}
	}
}

// parser reads entries from a text in WTF-8.
type parser struct {
	text []byte
	position
	ansi bool // bytes of strings are Windows-1252

	key     string // that values belong to
	section Kind   // CreateKey or DeleteKey, what the last key in brackets was for
	inKey   bool   // there was one
	scratch []byte // for the bytes of one value
}

// next reads an entry. It returns io.EOF at the end.
func (p *parser) next() (Operation, error) {
	p.skipToEntry()
	if p.offset == len(p.text) {
		return Operation{}, io.EOF
	}
	operation := Operation{Line: p.line, Column: p.column(p.offset)}
	var err error
	switch p.text[p.offset] {
	case '[':
		err = p.parseKey(&operation)
	case '"', '@':
		err = p.parseValue(&operation)
	default:
		err = p.unexpected(`a key in brackets, a value as in "name"=, a comment behind ; or an empty line`)
	}
	return operation, err
}

// skipToEntry skips empty lines and comments.
func (p *parser) skipToEntry() {
	for p.offset < len(p.text) {
		switch p.text[p.offset] {
		case ' ', '\t':
			p.offset++
		case '\r', '\n':
			p.lineBreak()
		case ';':
			p.offset += len(p.restOfLine())
		default:
			return
		}
	}
}

// lineBreak skips the line break that is at the position.
func (p *parser) lineBreak() {
	if p.text[p.offset] == '\r' && p.offset+1 < len(p.text) && p.text[p.offset+1] == '\n' {
		p.offset++
	}
	p.offset++
	p.line++
	p.start = p.offset
}

// restOfLine returns what is left of the line, without its end.
func (p *parser) restOfLine() []byte {
	rest := p.text[p.offset:]
	for i, c := range rest {
		if c == '\r' || c == '\n' {
			return rest[:i]
		}
	}
	return rest
}

func (p *parser) skipBlanks() {
	for p.offset < len(p.text) && (p.text[p.offset] == ' ' || p.text[p.offset] == '\t') {
		p.offset++
	}
}

// at reports whether the character at the position is c.
func (p *parser) at(c byte) bool { return p.offset < len(p.text) && p.text[p.offset] == c }

// atLineEnd reports whether the line, or the text, ends here.
func (p *parser) atLineEnd() bool {
	return p.offset == len(p.text) || p.text[p.offset] == '\r' || p.text[p.offset] == '\n'
}

// endOfEntry requires that nothing but a comment follows in the line.
func (p *parser) endOfEntry() error {
	p.skipBlanks()
	if p.atLineEnd() || p.at(';') {
		p.offset += len(p.restOfLine())
		return nil
	}
	return p.unexpected("the end of the line")
}

// column returns the column of an offset in the current line.
func (p *parser) column(offset int) int { return columnOf(p.text[p.start:offset]) }

// columnOf returns the column behind a text, counted from 1 in characters.
func columnOf(before []byte) int {
	column := 1
	for _, c := range before {
		if c&0xC0 != 0x80 { // not inside of a character
			column++
		}
	}
	return column
}

// unexpected is the error of finding something else than wanted.
func (p *parser) unexpected(expected string) error {
	return &SyntaxError{Line: p.line, Column: p.column(p.offset), Found: p.found(), Expected: expected}
}

// found describes what is at the position, briefly.
func (p *parser) found() string {
	const most = 30 // bytes
	rest := p.text[p.offset:]
	switch {
	case len(rest) == 0:
		return "the end of the file"
	case rest[0] == '\r' || rest[0] == '\n':
		return "the end of the line"
	}
	if end := bytes.IndexAny(rest[:min(len(rest), most)], "\r\n"); end >= 0 {
		return "\"" + string(rest[:end]) + "\""
	}
	if len(rest) <= most {
		return "\"" + string(rest) + "\""
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(rest[end]) {
		end--
	}
	return "\"" + string(rest[:end]) + "…\""
}

// errorAt is the error of a place in a text that could not be split into lines.
func errorAt(text []byte, offset int, found, expected string) *SyntaxError {
	p := parser{text: text, position: position{line: 1}}
	for i := 0; i < offset; {
		if c := text[i]; c == '\r' || c == '\n' {
			p.offset = i
			p.lineBreak()
			i = p.offset
			continue
		}
		i++
	}
	return &SyntaxError{Line: p.line, Column: p.column(max(offset, p.start)), Found: found, Expected: expected}
}
