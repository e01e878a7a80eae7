package patch

// Sizes above which a warning is due, in KB.
const (
	adviceInteractive    = 20480      // "do not exceed", Microsoft KB 947246
	adviceNoninteractive = 8192       // a public script
	adviceReservation    = 128 * 1024 // more than four times what any stock value reserves
	stockShared          = 1024       // the first number of every Windows
)

// section looks at the SharedSection token.
func (l *linter) section() {
	switch {
	case len(l.sections) == 0:
		l.add(codeMissing, "no SharedSection token")
		return
	case len(l.sections) > 1:
		l.add(codeDuplicate, "%d SharedSection tokens: csrss does not start, win32k uses the first",
			len(l.sections))
	}
	section := l.sections[0]
	if !section.HasValue {
		if !l.has(codeNoValue) {
			l.add(codeNoValue, "token %q has no value", section)
		}
		return
	}
	if !hasSecondNumber(section.Token) && !l.has(codeBlank, codeSeparator) {
		l.add(codeNoSecond, "nothing behind a first comma in %q: csrss does not start", section)
	}
	l.shared(section)
	l.interactive(section.B)
	l.noninteractive(section)
	l.notation(section)
	l.count(section)
	l.reach(section)
	l.reservation()
}

func (l *linter) shared(section Section) {
	switch a := section.A; {
	case l.has(codeQuotes):
	case a.Number<<10 == 0:
		l.add(codeSharedZero, "the first number, %q, reads as %d: no shared section, csrss does not start",
			a.Text, a.Number)
	case a.Number != stockShared:
		l.add(codeSharedSize, "the first number is %d; it is %d in every Windows and cures nothing",
			a.Number, stockShared)
	}
}

func (l *linter) interactive(b Field) {
	switch {
	case !b.Present || b.Text == "" && l.has(codeNoSecond, codeBlank):
	case b.Text == "":
		l.add(codeInteractiveEmpty, "the second number is empty: Windows takes %d", minimumInteractive)
	case b.HasNumber() && b.Number < minimumInteractive:
		l.add(codeInteractiveSmall, "interactive heap of %d KB: Windows takes %d", b.Number, minimumInteractive)
	case b.Number > adviceInteractive:
		l.add(codeInteractiveLarge, "interactive heap of %d KB; Microsoft advises no more than %d",
			b.Number, adviceInteractive)
	}
}

func (l *linter) noninteractive(section Section) {
	c := section.C
	switch {
	case !c.Present && section.B.HasNumber():
		l.add(codeNoninteractiveNone, "no third number: non-interactive desktops take the second, %d KB",
			max(minimumInteractive, section.B.Number))
	case !c.Present || c.Text == "" && l.has(codeStray):
	case c.Text == "":
		l.add(codeNoninteractiveVoid, "the third number is empty: Windows takes %d", minimumNoninteractive)
	case c.HasNumber() && c.Number < minimumNoninteractive:
		l.add(codeNoninteractiveLow, "non-interactive heap of %d KB: Windows takes %d",
			c.Number, minimumNoninteractive)
	case c.Number > adviceNoninteractive:
		l.add(codeNoninteractiveHigh, "non-interactive heap of %d KB; more than %d is not advised",
			c.Number, adviceNoninteractive)
	}
}

// notation looks at how the numbers are written.
func (l *linter) notation(section Section) {
	for _, field := range []Field{section.A, section.B, section.C} {
		if !field.Present {
			continue
		}
		if field.read.base != 10 && field.HasNumber() {
			l.add(codeNotation, "%q reads as %d", field.Text, field.Number)
		}
		if field.read.overflow {
			l.add(codeOverflow, "%q is too large and reads as %d", field.Text, field.Number)
		}
		trailing := field.trailing()
		switch {
		case field.Text == "" || l.has(codeQuotes, codeSeparator):
		case !field.HasNumber(): // a sign or a prefix alone has no trailing
			l.add(codeTrailing, "%q holds no number and reads as 0", field.Text)
		case trailing != "":
			l.add(codeTrailing, "%q reads as %d, %q is ignored", field.Text, field.Number, trailing)
		}
	}
}

// count looks for more fields than Windows has a meaning for.
func (l *linter) count(section Section) {
	switch n := len(section.fields); {
	case n <= 3:
	case hasThousands(section.fields):
		l.add(codeThousands, "%d numbers in %q, which looks like thousands separators: they read as %d, %d and %d",
			n, section, section.A.Number, section.B.Number, section.C.Number)
	default:
		l.add(codeExtra, "%d numbers in %q: what stands behind the third is ignored", n, section)
	}
}

// hasThousands recognises 1,024,20,480: a short number, then groups of one to
// three digits of which the first has three.
func hasThousands(fields []Field) bool {
	for _, field := range fields {
		digits := field.read.digits
		if digits == 0 || digits > 3 || digits != len(field.units) {
			return false
		}
	}
	return len(fields[1].units) == 3
}

// reach looks at what of the token win32k gets to see.
func (l *linter) reach(section Section) {
	heaps := l.value.Win32k()
	differ := heaps.InteractiveKB != nominalInteractive(section) ||
		heaps.NoninteractiveKB != nominalNoninteractive(section)
	length := section.End - section.Start
	switch {
	case section.End > valueWindow:
		l.add(codeWindow, "SharedSection ends at character %d and win32k reads only %d: the heaps are %d and %d KB",
			section.End, valueWindow, heaps.InteractiveKB, heaps.NoninteractiveKB)
	case heaps.Position >= 0 && heaps.Position != section.Start:
		l.add(codeEarlier, "win32k finds %q elsewhere, at character %d: the heaps are %d and %d KB",
			sectionKeyword, heaps.Position, heaps.InteractiveKB, heaps.NoninteractiveKB)
	case section.numbersEnd() > section.Start+tokenWindow:
		l.add(codeCut, "the token has %d characters and only %d are read, %q: the heaps are %d and %d KB",
			length, tokenWindow, heaps.Window, heaps.InteractiveKB, heaps.NoninteractiveKB)
	case length > tokenWindow:
		l.add(codeLong, "the token has %d characters and only %d are read", length, tokenWindow)
	}
	if differ && !l.has(codeBlank, codeStray, codeNoSecond, codeSeparator, codeCase, codeCut, codeWindow, codeEarlier) {
		l.add(codeEffective, "win32k takes heaps of %d and %d KB, not those of %q",
			heaps.InteractiveKB, heaps.NoninteractiveKB, section)
	}
}

// nominalInteractive is the size that the numbers of the token stand for.
func nominalInteractive(section Section) uint32 {
	return max(minimumInteractive, section.B.Number)
}

func nominalNoninteractive(section Section) uint32 {
	if !section.C.Present {
		return nominalInteractive(section)
	}
	return max(minimumNoninteractive, section.C.Number)
}

func (l *linter) reservation() {
	heaps := l.value.Win32k()
	budget := heaps.Budget(l.system)
	megabytes := (budget.ReservationKB + 512) / 1024
	switch {
	case budget.Wraps:
		l.add(codeWraps, "heaps of %d and %d KB wrap: together they need %d MB, and sizes are counted in 32 bits",
			heaps.InteractiveKB, heaps.NoninteractiveKB, megabytes)
	case budget.ReservationKB > adviceReservation:
		l.add(codeReservation, "Windows reserves %d MB for heaps of %d and %d KB when it starts; "+
			"where that fails it takes 512 and 128", megabytes, heaps.InteractiveKB, heaps.NoninteractiveKB)
	}
}
