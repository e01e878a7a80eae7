package sddl

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// alias is a short name for an account.
type alias struct{ text, sid string }

// aliases are the short names of accounts that are the same on all machines.
var aliases = []alias{
	{"AA", "S-1-5-32-579"},
	{"AC", "S-1-15-2-1"},
	{"AN", "S-1-5-7"},
	{"AO", "S-1-5-32-548"},
	{"AS", "S-1-18-1"},
	{"AU", "S-1-5-11"},
	{"BA", "S-1-5-32-544"},
	{"BG", "S-1-5-32-546"},
	{"BO", "S-1-5-32-551"},
	{"BU", "S-1-5-32-545"},
	{"CD", "S-1-5-32-574"},
	{"CG", "S-1-3-1"},
	{"CO", "S-1-3-0"},
	{"CY", "S-1-5-32-569"},
	{"ED", "S-1-5-9"},
	{"ER", "S-1-5-32-573"},
	{"ES", "S-1-5-32-576"},
	{"HA", "S-1-5-32-578"},
	{"HI", "S-1-16-12288"},
	{"IS", "S-1-5-32-568"},
	{"IU", "S-1-5-4"},
	{"LS", "S-1-5-19"},
	{"LU", "S-1-5-32-559"},
	{"LW", "S-1-16-4096"},
	{"ME", "S-1-16-8192"},
	{"MP", "S-1-16-8448"},
	{"MS", "S-1-5-32-577"},
	{"MU", "S-1-5-32-558"},
	{"NO", "S-1-5-32-556"},
	{"NS", "S-1-5-20"},
	{"NU", "S-1-5-2"},
	{"OW", "S-1-3-4"},
	{"PO", "S-1-5-32-550"},
	{"PS", "S-1-5-10"},
	{"PU", "S-1-5-32-547"},
	{"RA", "S-1-5-32-575"},
	{"RC", "S-1-5-12"},
	{"RD", "S-1-5-32-555"},
	{"RE", "S-1-5-32-552"},
	{"RM", "S-1-5-32-580"},
	{"RU", "S-1-5-32-554"},
	{"SI", "S-1-16-16384"},
	{"SO", "S-1-5-32-549"},
	{"SS", "S-1-18-2"},
	{"SU", "S-1-5-6"},
	{"SY", "S-1-5-18"},
	{"UD", "S-1-5-84-0-0-0-0-0"},
	{"WD", "S-1-1-0"},
	{"WR", "S-1-5-33"},
}

// domainAliases are the short names of accounts of a domain or machine, with
// the last part of their SID.
var domainAliases = []alias{
	{"AP", "525"}, {"CA", "517"}, {"CN", "522"}, {"DA", "512"}, {"DC", "515"},
	{"DD", "516"}, {"DG", "514"}, {"DU", "513"}, {"EA", "519"}, {"EK", "527"},
	{"KA", "526"}, {"LA", "500"}, {"LG", "501"}, {"PA", "520"}, {"RO", "498"},
	{"RS", "553"}, {"SA", "518"},
}

// cutSID returns the SID that b begins with. The error completes a sentence
// about the account.
func cutSID(b []byte) ([]byte, error) {
	if len(b) < sidHeader {
		return nil, fmt.Errorf("has %d bytes, want at least %d", len(b), sidHeader)
	}
	size := sidHeader + 4*int(b[1])
	switch {
	case b[0] != 1:
		return nil, fmt.Errorf("has revision %d, want 1", b[0])
	case b[1] > maxAuthority:
		return nil, fmt.Errorf("has %d parts, want at most %d", b[1], maxAuthority)
	case size > len(b):
		return nil, fmt.Errorf("has %d bytes, want %d", len(b), size)
	}
	return b[:size:size], nil
}

// appendSID appends a SID that cutSID has cut, by its alias where it has one.
func appendSID(text []byte, sid []byte) []byte {
	start := len(text)
	text = appendNumericSID(text, sid)
	for _, alias := range aliases {
		if alias.sid == string(text[start:]) {
			return append(text[:start], alias.text...)
		}
	}
	return text
}

func appendNumericSID(text []byte, sid []byte) []byte {
	var authority uint64
	for _, b := range sid[2:sidHeader] {
		authority = authority<<8 | uint64(b)
	}
	text = append(text, "S-1-"...)
	if authority >= 1<<32 {
		text = fmt.Appendf(text, "%#012x", authority)
	} else {
		text = strconv.AppendUint(text, authority, 10)
	}
	for rest := sid[sidHeader:]; len(rest) > 0; rest = rest[4:] {
		text = append(text, '-')
		text = strconv.AppendUint(text, uint64(binary.LittleEndian.Uint32(rest)), 10)
	}
	return text
}

// sid reads an account: a SID or an alias.
func (p *parser) sid() ([]byte, error) {
	start := p.at
	if p.skip("S-") {
		return p.numericSID(start)
	}
	word := p.word(2)
	if len(word) < 2 {
		return nil, p.errorAt(start, "found %s, want an account: S-1-… or an alias such as BA", p.found(start))
	}
	for _, alias := range aliases {
		if equalFold(word, alias.text) {
			p.at = start + 2
			sub := parser{text: alias.sid, at: 2}
			return sub.numericSID(0)
		}
	}
	for _, alias := range domainAliases {
		if equalFold(word, alias.text) {
			return nil, p.errorAt(start, "alias %s stands for an account of a domain or machine that the hive does not name: write it as S-1-5-21-…-%s", alias.text, alias.sid)
		}
	}
	return nil, p.errorAt(start, "%q is no known alias of an account; write S-1-…", word)
}

// numericSID reads a SID that starts at start, behind "S-".
func (p *parser) numericSID(start int) ([]byte, error) {
	if !p.skip("1-") {
		return nil, p.errorAt(p.at, "found %s, want revision 1 of a SID", p.found(p.at))
	}
	authority, err := p.sidNumber(1<<48 - 1)
	if err != nil {
		return nil, err
	}
	sid := binary.BigEndian.AppendUint64(nil, authority)
	sid[0], sid[1] = 1, 0
	for p.peek() == '-' {
		p.at++
		if sid[1] == maxAuthority {
			return nil, p.errorAt(start, "SID has more than %d parts behind its authority", maxAuthority)
		}
		number, err := p.sidNumber(1<<32 - 1)
		if err != nil {
			return nil, err
		}
		sid = binary.LittleEndian.AppendUint32(sid, uint32(number))
		sid[1]++
	}
	return sid, nil
}

// sidNumber reads a decimal number, or a hexadecimal one behind 0x. A letter
// before a colon is the next part of the descriptor and no digit.
func (p *parser) sidNumber(limit uint64) (uint64, error) {
	start, base := p.at, 10
	if p.skip("0x") {
		base = 16
	}
	digits := p.at
	for p.at < len(p.text) && isDigit(p.text[p.at], base) && !(p.at+1 < len(p.text) && p.text[p.at+1] == ':') {
		p.at++
	}
	if digits == p.at {
		return 0, p.errorAt(p.at, "found %s, want a number of a SID", p.found(p.at))
	}
	number, err := strconv.ParseUint(p.text[digits:p.at], base, 64)
	if err != nil || number > limit {
		return 0, p.errorAt(start, "number %s of a SID exceeds %d", p.text[start:p.at], limit)
	}
	return number, nil
}

func isDigit(c byte, base int) bool {
	return c >= '0' && c <= '9' || base == 16 && (c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')
}
