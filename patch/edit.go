package patch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

// Flags of the command line that override a refusal.
const (
	OverrideForce  = edit.OverrideForce
	OverrideRepair = "--repair"
)

// RefusedError is returned when a change would be unsafe.
type RefusedError = edit.RefusedError

// mendable is the refusal of what --repair mends.
func mendable(reason string) error {
	return &RefusedError{Reason: reason, Override: OverrideRepair, Effect: "allows that to be mended"}
}

// Size is a heap size that was asked for, or none.
type Size struct {
	KB    uint32
	Asked bool
}

// KB asks for a size.
func KB(size uint32) Size { return Size{KB: size, Asked: true} }

// differsFrom reports whether a field has to change. A field without digits
// reads as 0 but does not say so.
func (s Size) differsFrom(field Field) bool {
	return s.Asked && !(field.HasNumber() && field.Number == s.KB)
}

func (s Size) or(other Size) Size {
	if s.Asked {
		return s
	}
	return other
}

// Sizes is what the numbers of SharedSection are to be. A number that is not
// asked for stays as it is, and so does the absence of the third.
type Sizes struct {
	Shared         Size // A; refused without force where it differs
	Interactive    Size // B, 512 KB or more
	Noninteractive Size // C, 128 KB or more
}

// ParseSizes reads "A,B" or "A,B,C", decimal numbers of KB. It returns a
// [UsageError] for anything else.
func ParseSizes(text string) (Sizes, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 2 && len(fields) != 3 {
		return Sizes{}, &UsageError{fmt.Sprintf("%q is not A,B or A,B,C", text)}
	}
	var sizes Sizes
	for i, size := range []*Size{&sizes.Shared, &sizes.Interactive, &sizes.Noninteractive}[:len(fields)] {
		number, err := strconv.ParseUint(fields[i], 10, 32)
		if err != nil {
			return Sizes{}, &UsageError{fmt.Sprintf("%q in %q is not a number of KB", fields[i], text)}
		}
		*size = KB(uint32(number))
	}
	return sizes, nil
}

// UsageError is returned for a preset or sizes that cannot be understood.
type UsageError struct{ message string }

// Error returns the message.
func (e *UsageError) Error() string { return e.message }

// EditRequest is what is to be done to one value.
type EditRequest struct {
	Sizes  Sizes
	Preset Preset // applied first; a number in Sizes overrides it
	Repair bool   // mend what [Value.Mend] mends before anything else
	Force  bool   // go on where a [RefusedError] names [OverrideForce]
	System System // what is known of the Windows that reads the value
}

// Edited is a value after an edit.
type Edited struct {
	Value      Value
	Changed    bool      // the data or the type differs
	Sizes      Sizes     // what was asked for, with the preset worked out
	Mended     []Finding // what Repair mended
	Overridden []string  // the reasons for which it would have been refused without Force
	Findings   []Finding // what is to be said about the result
}

// Edit returns the value with the numbers that were asked for. It replaces
// digits in place, and appends ",C" where there is no third number; every other
// character stays. A number that is there already, in whatever notation, is
// left alone, and a value in which nothing changes keeps its bytes.
//
// The result must start Windows and give win32k the sizes asked for, by both
// models. Edit returns a [RefusedError] where it does not, where a minimum is
// undercut or the first number would change, and where the value is so broken
// that the numbers have no certain place.
func (v Value) Edit(request EditRequest) (Edited, error) {
	current, mended, err := v.prepare(request)
	if err != nil {
		return Edited{}, err
	}
	section := current.Sections()[0]
	sizes, err := request.resolve(section)
	if err != nil {
		return Edited{}, err
	}
	gate := gate{force: request.Force}
	if err := gate.checkSizes(section, sizes); err != nil {
		return Edited{}, err
	}
	result, err := current.replaceNumbers(section, sizes)
	if err != nil {
		return Edited{}, err
	}
	if result.isTooLong() {
		return Edited{}, result.checkCommandLine() // no reader takes it, not even this one
	}
	findings := result.Lint(request.System)
	if sizes != (Sizes{}) || request.Repair {
		if err := gate.verify(section, result, sizes, findings); err != nil {
			return Edited{}, err
		}
	}
	return Edited{
		Value: result, Changed: !result.equal(v), Sizes: sizes,
		Mended: mended, Overridden: gate.overridden, Findings: findings,
	}, nil
}

// prepare refuses what cannot be edited and mends the value when asked to.
func (v Value) prepare(request EditRequest) (Value, []Finding, error) {
	if err := v.checkEditable(); err != nil {
		return v, nil, err
	}
	m := v.mend()
	if request.Repair {
		return m.value, m.faults, m.value.checkNumbers()
	}
	if fault, found := m.blocking(); found {
		return v, nil, mendable(fault.Message)
	}
	if err := v.checkNumbers(); err != nil {
		return v, nil, err
	}
	reader := v.CSRSS(request.System)
	switch section := v.Sections()[0]; {
	case reader.Boots || request.Force:
		return v, nil, nil
	case !hasSecondNumber(section.Token):
		reason := fmt.Sprintf("Windows does not start with %q: it needs an interactive size", section)
		return v, nil, mendable(reason)
	}
	return v, nil, &RefusedError{
		Reason:   "Windows does not start with this value: " + reader.Why,
		Override: OverrideForce,
	}
}

// resolve works the preset out and puts the explicit sizes over it.
func (r EditRequest) resolve(section Section) (Sizes, error) {
	sizes, err := r.Preset.Sizes(section)
	if err != nil {
		return Sizes{}, err
	}
	return Sizes{
		Shared:         r.Sizes.Shared.or(sizes.Shared),
		Interactive:    r.Sizes.Interactive.or(sizes.Interactive),
		Noninteractive: r.Sizes.Noninteractive.or(sizes.Noninteractive),
	}, nil
}

// checkCommandLine refuses what is no command line of csrss. The right one
// depends on the build, which a SYSTEM hive does not hold.
func (v Value) checkCommandLine() error {
	switch {
	case !v.isString():
		return &RefusedError{Reason: fmt.Sprintf("type %s, want REG_EXPAND_SZ", hive.Type(v.kind))}
	case v.isTooLong():
		return &RefusedError{Reason: fmt.Sprintf("more than %d characters, too long for a command line", maximumText)}
	case !v.runsCSRSS():
		return &RefusedError{Reason: fmt.Sprintf("not a command line of csrss.exe: %.60q", v.Text())}
	}
	return nil
}

func (v Value) checkEditable() error {
	if err := v.checkCommandLine(); err != nil {
		return err
	}
	switch n := len(v.Sections()); n {
	case 0:
		return &RefusedError{Reason: "no SharedSection token"}
	case 1:
		return nil
	default:
		return &RefusedError{Reason: fmt.Sprintf("%d SharedSection tokens; which of them is meant is not known", n)}
	}
}

// checkNumbers refuses a token without numbers, which is left when it cannot
// be mended.
func (v Value) checkNumbers() error {
	if section := v.Sections()[0]; !section.HasValue {
		return &RefusedError{Reason: fmt.Sprintf("token %q has no numbers", section)}
	}
	return nil
}

// replaceNumbers writes the numbers that differ.
func (v Value) replaceNumbers(section Section, sizes Sizes) (Value, error) {
	text, changed := slices.Clone(v.text), false
	if sizes.Noninteractive.Asked && !section.B.Present && !sizes.Interactive.Asked {
		return v, &RefusedError{Reason: "there is no second number, and a third cannot stand without it"}
	}
	// From the back, so that the positions before it hold.
	for _, number := range []struct {
		field Field
		size  Size
	}{{section.C, sizes.Noninteractive}, {section.B, sizes.Interactive}, {section.A, sizes.Shared}} {
		field := number.field
		if !number.size.differsFrom(field) {
			continue
		}
		digits := strconv.FormatUint(uint64(number.size.KB), 10)
		start, end := field.NumberStart, field.NumberEnd
		if !field.Present {
			start, end, digits = section.End, section.End, ","+digits
		}
		text = slices.Replace(text, start, end, utf16.Encode([]rune(digits))...)
		changed = true
	}
	if !changed {
		return v, nil
	}
	return newValue(v.kind, text), nil
}
