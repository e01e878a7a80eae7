package main

import (
	"bytes"
	"io"
	"iter"
	"regexp"
	"unicode/utf8"

	"hivepatch/hive"
	"hivepatch/hive/escape"
)

// matcher tells whether a text has what the user looks for.
type matcher struct {
	upper  []byte         // the pattern in upper case, where there is no expression
	regexp *regexp.Regexp // or nil
	text   *matcherText
}

// matcherText is room for text that is looked at.
type matcherText struct{ upper []byte }

// newMatcher returns a matcher for a pattern as typed.
func newMatcher(pattern string, isRegexp bool) (matcher, error) {
	if isRegexp {
		// Not (?i) before the pattern alone: that of "a|b" would be of a.
		expression, err := regexp.Compile("(?i:" + pattern + ")")
		if err != nil {
			return matcher{}, regexpError(pattern, err)
		}
		return matcher{regexp: expression}, nil
	}
	text, err := escape.Decode(pattern)
	if err != nil {
		return matcher{}, usagef("PATTERN %s", err)
	}
	return matcher{upper: hive.AppendUpper(nil, text), text: &matcherText{}}, nil
}

// regexpError is the error for a bad expression, without what newMatcher has
// put around it.
func regexpError(pattern string, err error) error {
	if _, own := regexp.Compile(pattern); own != nil {
		err = own
	}
	return usagef("PATTERN: %s", err)
}

// matches reports whether a text in WTF-8 has the pattern in it.
func (m matcher) matches(text string) bool {
	if m.regexp != nil {
		return m.regexp.MatchString(text)
	}
	m.text.upper = hive.AppendUpper(m.text.upper[:0], text)
	return bytes.Contains(m.text.upper, m.upper)
}

// matchesChunks is matches for a text that comes in parts.
func (m matcher) matchesChunks(chunks iter.Seq[string]) bool {
	if m.regexp != nil {
		return m.matchesRegexp(chunks)
	}
	if len(m.upper) == 0 {
		return true
	}
	tail := m.text.upper[:0]
	for chunk := range chunks {
		seen := hive.AppendUpper(tail, chunk)
		if bytes.Contains(seen, m.upper) {
			m.text.upper = seen
			return true
		}
		// A match may begin in what is left and end in the next part.
		tail = append(seen[:0], seen[max(0, len(seen)-len(m.upper)+1):]...)
	}
	m.text.upper = tail
	return false
}

// matchesRegexp looks at a text that comes in one part, as nearly all do, at
// once, which is faster.
func (m matcher) matchesRegexp(chunks iter.Seq[string]) bool {
	first, parts := "", 0
	for chunk := range chunks {
		if parts++; parts > 1 {
			break
		}
		first = chunk
	}
	if parts <= 1 {
		return m.regexp.MatchString(first)
	}
	next, stop := iter.Pull(chunks)
	defer stop()
	return m.regexp.MatchReader(&chunkReader{next: next})
}

// chunkReader reads the characters of a text that comes in parts.
type chunkReader struct {
	text string
	next func() (string, bool)
}

// ReadRune returns the next character.
func (r *chunkReader) ReadRune() (rune, int, error) {
	for r.text == "" {
		var ok bool
		if r.text, ok = r.next(); !ok {
			return 0, 0, io.EOF
		}
	}
	character, size := utf8.DecodeRuneInString(r.text)
	r.text = r.text[size:]
	return character, size, nil
}
