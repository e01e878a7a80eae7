package sddl

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// parser reads a text from left to right.
type parser struct {
	text string
	at   int // bytes read
}

func (p *parser) errorAt(offset int, format string, args ...any) error {
	return &SyntaxError{Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// skip goes past a word that stands next, and reports whether it does.
func (p *parser) skip(word string) bool {
	if len(p.text)-p.at < len(word) || !equalFold(p.text[p.at:p.at+len(word)], word) {
		return false
	}
	p.at += len(word)
	return true
}

// expect goes past a character that must stand next.
func (p *parser) expect(c byte, why string) error {
	if p.peek() != c || p.at == len(p.text) {
		return p.errorAt(p.at, "found %s, want %q %s", p.found(p.at), c, why)
	}
	p.at++
	return nil
}

// blanks goes past blanks and line ends.
func (p *parser) blanks() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// word returns the next letters and digits, at most that many.
func (p *parser) word(most int) string {
	end := p.at
	for end < len(p.text) && end-p.at < most && (isDigit(p.text[end], 10) || isLetter(p.text[end])) {
		end++
	}
	if end == p.at && end < len(p.text) {
		end++
	}
	return p.text[p.at:end]
}

// found is what a message says that it has found at an offset.
func (p *parser) found(offset int) string {
	const most = 12 // bytes that are enough to recognize a place
	if offset >= len(p.text) {
		return "the end"
	}
	return fmt.Sprintf("%q", p.text[offset:min(offset+most, len(p.text))])
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// equalFold compares words of ASCII without regard to case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || !isLetter(x)) {
			return false
		}
	}
	return true
}

// descriptor reads the whole text.
func (p *parser) descriptor() (*descriptor, error) {
	d := &descriptor{}
	for p.blanks(); p.at < len(p.text); p.blanks() {
		start := p.at
		var err error
		var again bool
		switch {
		case p.skip("O:"):
			again = d.owner != nil
			d.owner, err = p.sid()
		case p.skip("G:"):
			again = d.group != nil
			d.group, err = p.sid()
		case p.skip("D:"):
			again = d.dacl != nil
			d.control |= daclPresent
			d.dacl, err = p.list(&d.control, daclFlags)
		case p.skip("S:"):
			again = d.sacl != nil
			d.control |= saclPresent
			d.sacl, err = p.list(&d.control, saclFlags)
		default:
			return nil, p.errorAt(start, "found %s, want O:, G:, D: or S:", p.found(start))
		}
		if err != nil {
			return nil, err
		}
		if again {
			return nil, p.errorAt(start, "%s stands there a second time", p.text[start:start+2])
		}
	}
	if d.owner == nil && d.group == nil && d.dacl == nil && d.sacl == nil {
		return nil, p.errorAt(p.at, "the text is empty")
	}
	return d, nil
}

// list reads the flags and entries of an access list.
func (p *parser) list(control *uint16, flags listFlags) (*list, error) {
	start := p.at
	l := &list{}
	for p.listFlag(control, flags) {
	}
	l.null = p.skip(nullList)
	size := listHeader
	for p.blanks(); p.peek() == '('; p.blanks() {
		if l.null {
			return nil, p.errorAt(p.at, "a list with %s has no entries", nullList)
		}
		at := p.at
		e, err := p.entry()
		if err != nil {
			return nil, err
		}
		if size += e.size(); size > maxListSize {
			return nil, p.errorAt(at, "the list has more than %d bytes with this entry", maxListSize)
		}
		l.entries = append(l.entries, e)
	}
	if c := p.peek(); c != 0 && (p.at+1 == len(p.text) || p.text[p.at+1] != ':') {
		return nil, p.errorAt(p.at, "found %s, want %s", p.found(p.at), p.wantInList(start))
	}
	return l, nil
}

// wantInList says what may stand in a list that began at start.
func (p *parser) wantInList(start int) string {
	if p.at > start && p.text[p.at-1] == ')' {
		return "an entry in parentheses, or the next part"
	}
	return "the flags P, AR, AI or " + nullList + ", or an entry in parentheses"
}

// listFlag reads a flag of a list where one stands next.
func (p *parser) listFlag(control *uint16, flags listFlags) bool {
	for _, flag := range flags {
		if p.skip(flag.text) {
			*control |= flag.control
			return true
		}
	}
	return false
}

// entry reads an entry with its parentheses.
func (p *parser) entry() (e entry, err error) {
	p.at++ // the parenthesis
	if e.kind, err = p.kind(); err != nil {
		return e, err
	}
	flags, err := p.words(entryFlags, "flag of an entry")
	if err != nil {
		return e, err
	}
	e.flags = byte(flags)
	if err = p.expect(';', "behind the flags"); err != nil {
		return e, err
	}
	if e.mask, err = p.rights(e.kind); err != nil {
		return e, err
	}
	if err = p.expect(';', "behind the rights"); err != nil {
		return e, err
	}
	if e.object, err = p.guid(e.kind, "behind the object GUID"); err != nil {
		return e, err
	}
	if e.inherited, err = p.guid(e.kind, "behind the inherited object GUID"); err != nil {
		return e, err
	}
	if e.trustee, err = p.sid(); err != nil {
		return e, err
	}
	if e.kind == typeAttribute {
		if e.attribute, err = p.attributeField(); err != nil {
			return e, err
		}
	}
	return e, p.expect(')', "at the end of the entry")
}

// kind reads the type of an entry and the semicolon behind it.
func (p *parser) kind() (byte, error) {
	start := p.at
	end := strings.IndexByte(p.text[start:], ';')
	if end < 0 {
		return 0, p.errorAt(start, "found %s, want the type of an entry and a semicolon", p.found(start))
	}
	text := p.text[start : start+end]
	p.at = start + end + 1
	for _, kind := range kinds {
		if equalFold(text, kind.text) {
			return kind.number, nil
		}
	}
	for _, kind := range callbackKinds {
		if kind.text != "" && equalFold(text, kind.text) {
			return 0, p.errorAt(start, "entries of type %s carry a condition, which is not supported", kind.text)
		}
	}
	return 0, p.errorAt(start, "%s begins with no known type of an entry, such as A, D or AU", p.found(start))
}

// guid reads a GUID, or nothing, and the semicolon behind it.
func (p *parser) guid(kind byte, where string) ([]byte, error) {
	const length = 36
	start := p.at
	if p.peek() == ';' {
		p.at++
		return nil, nil
	}
	if !isObject(kind) {
		return nil, p.errorAt(start, "found %s, want ';': entries of this type have no GUIDs", p.found(start))
	}
	text := p.text[start:min(start+length, len(p.text))]
	guid, ok := parseGUID(text)
	if !ok {
		return nil, p.errorAt(start, "found %s, want a GUID such as 00112233-4455-6677-8899-aabbccddeeff", p.found(start))
	}
	p.at += length
	return guid, p.expect(';', where)
}

func parseGUID(text string) ([]byte, bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, false
	}
	guid, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(guid) != guidSize {
		return nil, false
	}
	binary.LittleEndian.PutUint32(guid, binary.BigEndian.Uint32(guid))
	binary.LittleEndian.PutUint16(guid[4:], binary.BigEndian.Uint16(guid[4:]))
	binary.LittleEndian.PutUint16(guid[6:], binary.BigEndian.Uint16(guid[6:]))
	return guid, true
}
