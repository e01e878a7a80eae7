package patch

import "slices"

// Names of the tokens that csrss knows, in lower case. It compares them
// without case.
const (
	nameObjectDirectory   = "objectdirectory"
	nameSharedSection     = "sharedsection"
	nameWindows           = "windows"
	nameSubSystemType     = "subsystemtype"
	nameServerDLL         = "serverdll"
	nameProfileControl    = "profilecontrol"
	nameMaxRequestThreads = "maxrequestthreads"
	nameRequestThreads    = "requestthreads" // old name
)

// Token is one part of the command line between blanks. There is no quoting
// and no escaping; any character up to U+0020 is a blank. Positions count
// UTF-16 units from the start of the value.
type Token struct {
	Start, End int
	Name       string // before the first "="
	Value      string // behind it
	HasValue   bool   // there is a "="

	units []uint16
}

// String returns the whole token.
func (t Token) String() string { return decode(t.units) }

// name returns the name as csrss compares it. Only ASCII letters fold: a long
// s or a Kelvin sign does not make a keyword.
func (t Token) name() string { return lowerASCII(t.Name) }

// value returns the units behind the first "=".
func (t Token) value() []uint16 { return t.units[t.valueStart()-t.Start:] }

func (t Token) valueStart() int {
	if i := slices.Index(t.units, '='); i >= 0 {
		return t.Start + i + 1
	}
	return t.End
}

func splitTokens(text []uint16) []Token {
	var tokens []Token
	for position := 0; position < len(text); {
		if isBlank(text[position]) {
			position++
			continue
		}
		end := position
		for end < len(text) && !isBlank(text[end]) {
			end++
		}
		tokens = append(tokens, newToken(text[position:end:end], position))
		position = end
	}
	return tokens
}

func newToken(units []uint16, start int) Token {
	t := Token{Start: start, End: start + len(units), units: units}
	name := units
	if i := slices.Index(units, '='); i >= 0 {
		t.HasValue = true
		t.Value = decode(units[i+1:])
		name = units[:i]
	}
	t.Name = decode(name)
	return t
}

// Field is one number of the SharedSection token. Positions count UTF-16 units
// from the start of the value.
type Field struct {
	Present    bool   // there is a field, be it empty
	Text       string // all of it
	Start, End int

	Number                 uint32 // what Windows reads, KB; 0 where there are no digits
	NumberStart, NumberEnd int    // sign, prefix and digits

	units []uint16
	read  number
}

// HasNumber reports whether the field holds at least one digit.
func (f Field) HasNumber() bool { return f.read.digits > 0 }

// trailing returns the characters behind the number, which Windows ignores.
func (f Field) trailing() string { return decode(f.units[f.read.end:]) }

// Section is the SharedSection token with its numbers. Windows gives no
// meaning to a fourth number or any behind it.
type Section struct {
	Token
	A, B, C Field // shared section, interactive heap, non-interactive heap

	fields []Field
}

// numbersEnd returns where the last of the three numbers ends. What follows
// means nothing.
func (s Section) numbersEnd() int { return max(s.A.NumberEnd, s.B.NumberEnd, s.C.NumberEnd) }

// Sections returns every token that csrss takes for SharedSection, in order. A
// sound value has one.
func (v Value) Sections() []Section {
	var found []Section
	for i := range v.tokens {
		if v.isSection(i) {
			found = append(found, newSection(v.tokens[i]))
		}
	}
	return found
}

// isSection leaves out the first token, which is the program.
func (v Value) isSection(i int) bool {
	return i > 0 && v.tokens[i].name() == nameSharedSection
}

func newSection(t Token) Section {
	s := Section{Token: t}
	if !t.HasValue {
		return s
	}
	start := t.valueStart()
	for _, units := range splitFields(t.value()) {
		s.fields = append(s.fields, newField(units, start))
		start += len(units) + 1
	}
	for i, field := range []*Field{&s.A, &s.B, &s.C} {
		if i < len(s.fields) {
			*field = s.fields[i]
		}
	}
	return s
}

// splitFields splits at commas; there is always one field more than commas.
func splitFields(units []uint16) [][]uint16 {
	var fields [][]uint16
	for {
		comma := slices.Index(units, ',')
		if comma < 0 {
			return append(fields, units)
		}
		fields = append(fields, units[:comma])
		units = units[comma+1:]
	}
}

func newField(units []uint16, start int) Field {
	read := readNumber(units)
	return Field{
		Present: true, Text: decode(units), Start: start, End: start + len(units),
		Number: read.value, NumberStart: start + read.start, NumberEnd: start + read.end,
		units: units, read: read,
	}
}

// lowerASCII folds ASCII letters and leaves every other character alone.
func lowerASCII(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}
