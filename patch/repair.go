package patch

import (
	"fmt"
	"slices"
	"unicode/utf16"
)

// mending is a value with what can be mended in it without knowing which
// Windows it belongs to. Nothing outside the SharedSection token is touched
// but the type and the ending, and no number is made up.
type mending struct {
	value       Value
	faults      []Finding
	first, last int // tokens that were joined to SharedSection: first <= i < last
}

// Mend returns the value with the faults mended that can be mended without a
// template of the whole command line: blanks among the numbers of
// SharedSection, a lost or displaced "=", semicolons, quotes, the case of the
// keyword, type REG_SZ, and the ending. The findings name them; where there
// are none the value is returned as it is. What cannot be mended stays:
// [Value.Lint] of the result tells.
func (v Value) Mend() (Value, []Finding) {
	m := v.mend()
	return m.value, m.faults
}

func (v Value) mend() mending {
	m := mending{value: v}
	if v.checkCommandLine() != nil || len(v.Sections()) != 1 {
		return m
	}
	kind, text := v.kind, v.text
	if kind == typeString {
		kind = typeExpandString
		m.add(codeType, "type REG_SZ instead of REG_EXPAND_SZ")
	}
	m.mendEnding()
	text = m.mendSection(text)
	if len(m.faults) > 0 {
		m.value = newValue(kind, text)
	}
	return m
}

// blocking returns the first fault that must be mended before a number can be
// changed. Only the missing NUL is none: every edit adds it.
func (m mending) blocking() (Finding, bool) {
	for _, fault := range m.faults {
		if fault.Code != codeUnterminated {
			return fault, true
		}
	}
	return Finding{}, false
}

func (m *mending) add(code, format string, args ...any) {
	fault := newFinding(code, fmt.Sprintf(format, args...))
	fault.Mendable = true
	m.faults = append(m.faults, fault)
}

func (m *mending) mendEnding() {
	switch ending := m.value.ending; {
	case ending.hidden > 0:
		m.add(codeHidden, "%d characters behind the terminating NUL", ending.hidden)
	case ending.nuls == 0:
		m.add(codeUnterminated, "no terminating NUL: win32k does not see the last character")
	}
}

// mendSection rewrites the token and the strays behind it.
func (m *mending) mendSection(text []uint16) []uint16 {
	tokens := m.value.tokens
	at := 1
	for !m.value.isSection(at) {
		at++
	}
	token := tokens[at]
	joined, last := joinStrays(tokens, at)
	whole := newToken(joined, token.Start)
	numbers := plainNumbers(whole.value())
	if whole.HasValue && isNumberList(numbers) {
		m.first, m.last = at+1, last
		m.describe(token, whole)
		token = newToken(slices.Concat(joined[:len(joined)-len(whole.value())], numbers), token.Start)
	}
	if token.Name != sectionKeyword {
		m.add(codeCase, "%q: win32k finds only %q", token.Name, sectionKeyword)
		token.units = slices.Concat(utf16.Encode([]rune(sectionKeyword)), token.units[len(sectionKeyword):])
	}
	return slices.Concat(text[:token.Start], token.units, text[tokens[max(at, m.last-1)].End:])
}

// describe lists what is wrong with the numbers; joined is the token with its
// strays, not yet cleaned of quotes and semicolons.
func (m *mending) describe(token, joined Token) {
	if m.first < m.last {
		switch {
		case !token.HasValue:
			m.add(codeNoValue, `blank between "SharedSection" and its numbers: csrss sees no value`)
		case !hasSecondNumber(token):
			m.add(codeBlank, "blank among the numbers: csrss sees only %q and does not start", token)
		default:
			m.add(codeStray, "blank among the numbers: the token ends at %q", token)
		}
	}
	if slices.ContainsFunc(joined.value(), isQuote) {
		m.add(codeQuotes, "quotes in %q: the numbers do not start with a digit", joined)
	}
	if slices.Contains(joined.value(), ';') {
		m.add(codeSeparator, "semicolons in %q: only commas separate numbers", joined)
	}
}

// joinStrays returns the token with those behind it that belong to its
// numbers, and the index of the first token that does not. A stray belongs
// when the parts meet at a separator, quotes left out of account, and consist
// of nothing but numbers; "1024,20480 768" stays as it is, because no comma
// says what 768 is.
func joinStrays(tokens []Token, at int) (joined []uint16, last int) {
	joined, last = slices.Clone(tokens[at].units), at+1
	switch {
	case !tokens[at].HasValue && (last == len(tokens) || !isLostValue(tokens[last].units)):
		return joined, last
	case !tokens[at].HasValue:
		if tokens[last].units[0] != '=' {
			joined = append(joined, '=')
		}
		joined = append(joined, tokens[last].units...)
		last++
	case !isNumberList(plainNumbers(tokens[at].value())):
		return joined, last
	}
	for ; last < len(tokens); last++ {
		stray := tokens[last].units
		if !isNumberList(plainNumbers(stray)) || !meetsStray(joined, stray) {
			break
		}
		joined = append(joined, stray...)
	}
	return joined, last
}

// isLostValue reports whether a token behind a bare name is its value: numbers
// with the "=" in front of them or without.
func isLostValue(units []uint16) bool {
	if units[0] == '=' {
		return isNumberList(plainNumbers(units[1:]))
	}
	return isDigit(units[0]) && isNumberList(plainNumbers(units))
}

// meetsStray reports whether one part ends, or the other begins, with what can
// only stand before or between numbers.
func meetsStray(part, stray []uint16) bool {
	last := len(part) - 1
	for last >= 0 && isQuote(part[last]) {
		last--
	}
	first := slices.IndexFunc(stray, func(unit uint16) bool { return !isQuote(unit) })
	return last >= 0 && separates(part[last]) || first >= 0 && separates(stray[first])
}

func separates(unit uint16) bool { return unit == ',' || unit == ';' || unit == '=' }

// plainNumbers drops quotes and turns semicolons into commas.
func plainNumbers(units []uint16) []uint16 {
	var plain []uint16
	for _, unit := range units {
		switch {
		case isQuote(unit):
		case unit == ';':
			plain = append(plain, ',')
		default:
			plain = append(plain, unit)
		}
	}
	return plain
}

// isQuote knows the typewriter's quotes and those of word processors.
func isQuote(unit uint16) bool {
	switch unit {
	case '"', '\'', 0x2018, 0x2019, 0x201C, 0x201D:
		return true
	}
	return false
}

// isNumberList reports whether the fields between commas are numbers or
// empty. A sign or a prefix alone will do, because an edit puts digits in its
// place: what is a list before an edit is one behind it.
func isNumberList(units []uint16) bool {
	for _, field := range splitFields(units) {
		if readNumber(field).end < len(field) {
			return false
		}
	}
	return true
}
