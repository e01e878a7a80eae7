package patch

import (
	"fmt"
	"slices"
	"unicode/utf16"
)

// Limits of win32k's reader, observed on Windows 10 and 11. The minimum of the
// third number is also documented (Microsoft Q142676).
const (
	valueWindow           = 606 // characters of the value that are read
	tokenWindow           = 32  // characters looked at from the keyword on
	minimumInteractive    = 512 // KB
	minimumNoninteractive = 128 // KB
	sectionKeyword        = "SharedSection"
)

// Win32k is what win32k makes of the value: the sizes of the desktop heaps.
type Win32k struct {
	InteractiveKB    uint32 // each desktop of an interactive window station, 512 or more
	NoninteractiveKB uint32 // each desktop of the others, 128 or more
	Position         int    // where it found the keyword, in UTF-16 units; -1 where it did not
	Window           string // the characters that it looked at
	Why              string // where the numbers come from
}

// Win32k runs the model of win32k on the value: the observed behaviour of
// Windows 10 and 11, which Microsoft has not confirmed. It differs from csrss
// in every respect: the keyword is searched with case, anywhere, even inside
// another token; blanks do not end the text; only 606 characters of the value
// and 32 from the keyword on exist.
func (v Value) Win32k() Win32k {
	result := Win32k{
		InteractiveKB: minimumInteractive, NoninteractiveKB: minimumNoninteractive, Position: -1,
	}
	text := v.visible()
	result.Position = indexUnits(text, utf16.Encode([]rune(sectionKeyword)))
	if result.Position < 0 {
		result.Why = "keyword not found"
		return result
	}
	window := text[result.Position:]
	window = window[:min(len(window), tokenWindow)]
	result.Window = decode(window)
	comma := slices.Index(window, ',')
	if comma < 0 {
		result.Why = "no comma in the characters looked at"
		return result
	}
	second := window[comma+1:]
	result.InteractiveKB = max(minimumInteractive, readNumber(second).value)
	result.NoninteractiveKB = result.InteractiveKB
	result.Why = fmt.Sprintf("parsed %q", result.Window)
	if comma = slices.Index(second, ','); comma >= 0 {
		result.NoninteractiveKB = max(minimumNoninteractive, readNumber(second[comma+1:]).value)
	}
	return result
}

// visible returns the characters that exist for win32k. It overwrites the last
// unit that it has read with a NUL, which costs a value without one its last
// character.
func (v Value) visible() []uint16 {
	text := v.text
	if v.ending.nuls == 0 && len(text) > 0 {
		text = text[:len(text)-1]
	}
	return text[:min(len(text), valueWindow)]
}

func indexUnits(text, wanted []uint16) int {
	for start := 0; start+len(wanted) <= len(text); start++ {
		if slices.Equal(text[start:start+len(wanted)], wanted) {
			return start
		}
	}
	return -1
}
