package patch

// number is what the two readers make of the characters at some place. Both
// convert with the base-0 rules of RtlUnicodeStringToInteger, which the
// conformance tests of Wine pin down: leading blanks, one sign, a lower-case
// prefix 0x, 0o or 0b, then digits up to the first character that is none.
// There is no error: no digits give 0 and the result wraps at 2^32.
type number struct {
	value      uint32
	start, end int    // the sign, the prefix and the digits
	digits     int    // how many digits there are
	base       uint32 // 2, 8, 10 or 16
	overflow   bool   // the digits stand for 2^32 or more
}

// readNumber converts the number at the start of text.
func readNumber(text []uint16) number {
	position := 0
	for position < len(text) && isBlank(text[position]) {
		position++
	}
	n := number{start: position, base: 10}
	negative := false
	if position < len(text) && (text[position] == '+' || text[position] == '-') {
		negative = text[position] == '-'
		position++
	}
	if base := prefixBase(text[position:]); base != 0 {
		n.base = base
		position += 2
	}
	for position < len(text) {
		digit := digitValue(text[position])
		if digit >= n.base {
			break
		}
		wide := uint64(n.value)*uint64(n.base) + uint64(digit)
		n.overflow = n.overflow || wide > 0xFFFFFFFF
		n.value = uint32(wide)
		n.digits++
		position++
	}
	n.end = position
	if negative {
		n.value = -n.value
	}
	return n
}

// prefixBase returns the base that a prefix names, 0 where there is none. A
// leading 0 alone does not mean octal.
func prefixBase(text []uint16) uint32 {
	if len(text) < 2 || text[0] != '0' {
		return 0
	}
	switch text[1] {
	case 'x':
		return 16
	case 'o':
		return 8
	case 'b':
		return 2
	}
	return 0
}

// digitValue returns the worth of a digit or letter, 99 for all else.
func digitValue(unit uint16) uint32 {
	switch {
	case unit >= '0' && unit <= '9':
		return uint32(unit - '0')
	case unit >= 'a' && unit <= 'z':
		return uint32(unit-'a') + 10
	case unit >= 'A' && unit <= 'Z':
		return uint32(unit-'A') + 10
	}
	return 99
}

// isBlank reports whether a character separates tokens: the space and every
// control character do.
func isBlank(unit uint16) bool { return unit <= ' ' }

func isDigit(unit uint16) bool { return unit >= '0' && unit <= '9' }
