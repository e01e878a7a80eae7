package patch

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSharedSection feeds any data and any request to the grammar, the models
// and the edit. seed data is a whole value; text is used in place of the token
// of a sound value too, so that the fuzzer need not invent the line around it.
func FuzzSharedSection(f *testing.F) {
	for _, token := range []string{
		stockToken, "SharedSection=1024,3072", "SharedSection=1024, 20480,768", "SharedSection=1024",
		"SharedSection=1024,20480,", "sharedsection=0x400;0x5000;\"768\"", "SharedSection =1,024,20,480,768",
		"SharedSection=1024,-1,768KB,5", "SharedSection=1024,20480 X=a,7", "MySharedSection=1,2 " + stockToken,
		"SharedSection=0x00000400,0x00010000,0x00001000", stockToken + " " + stockToken, "SharedSection 1024 , 0x",
	} {
		f.Add(encode(token), true, uint32(1024), uint32(0), uint32(1024), byte(0b100))
		f.Add(NewValue(line(token)).Data(), false, uint32(0), uint32(640), uint32(512), byte(0b11110))
	}
	f.Fuzz(func(t *testing.T, data []byte, inLine bool, shared, interactive, noninteractive uint32, flags byte) {
		if inLine {
			data = slices.Concat(encode(linePrefix), data, NewValue(lineTail).Data())
		}
		kind := uint32(typeExpandString)
		if flags&0b1000000 != 0 {
			kind = typeString
		}
		value := ParseValue(kind, data)
		checkParse(t, value, data)
		checkFindings(t, value)
		mended, _ := value.Mend()
		_, left := mended.Mend()
		require.Empty(t, left)

		request := EditRequest{Repair: flags&0b1000 != 0, Force: flags&0b10000 != 0}
		for i, size := range []*Size{&request.Sizes.Shared, &request.Sizes.Interactive, &request.Sizes.Noninteractive} {
			*size = Size{[]uint32{shared, interactive, noninteractive}[i], flags&(1<<i) != 0}
		}
		edited, err := value.Edit(request)
		require.Equal(t, data, value.Data())
		if err != nil {
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.False(t, request.Force && refused.Override == OverrideForce, "force overrides it: %s", err)
			require.False(t, request.Repair && refused.Override == OverrideRepair, "repair overrides it: %s", err)
			return
		}
		checkEdited(t, value, edited, request)
	})
}

// checkParse proves that printing what was parsed gives the same back.
func checkParse(t *testing.T, value Value, data []byte) {
	require.Equal(t, data, value.Data())
	var printed []uint16
	onlyBlanks := true
	for _, token := range value.Tokens() {
		gap := value.text[len(printed):token.Start]
		onlyBlanks = onlyBlanks && !slices.ContainsFunc(gap, func(unit uint16) bool { return !isBlank(unit) })
		onlyBlanks = onlyBlanks && !slices.ContainsFunc(token.units, isBlank)
		printed = append(append(printed, gap...), token.units...)
	}
	require.True(t, onlyBlanks)
	var stored []byte
	for _, unit := range append(printed, value.text[len(printed):]...) {
		stored = binary.LittleEndian.AppendUint16(stored, unit)
	}
	require.True(t, bytes.HasPrefix(data, stored))
	for _, section := range value.Sections() {
		rest := section.value()
		for _, field := range section.fields {
			require.Equal(t, field.units, rest[:len(field.units)])
			require.Equal(t, field.units, value.text[field.Start:field.End])
			rest = rest[min(len(rest), len(field.units)+1):]
		}
		require.Empty(t, rest)
	}
}

// checkFindings proves that nothing that goes wrong goes unsaid.
func checkFindings(t *testing.T, value Value) {
	for _, system := range []System{{}, {2600, 32}, {7601, 64}, {19045, 64}} {
		findings := value.Lint(system)
		worst := SeverityInfo
		for _, finding := range findings {
			require.NotEmpty(t, finding.Source, finding.Code)
			require.NotEqual(t, codeCSRSS, finding.Code, finding.Message)
			worst = max(worst, finding.Severity)
		}
		if !value.CSRSS(system).Boots {
			require.Equal(t, SeverityError, worst)
		}
		heaps := value.Win32k()
		require.GreaterOrEqual(t, heaps.InteractiveKB, uint32(minimumInteractive))
		require.GreaterOrEqual(t, heaps.NoninteractiveKB, uint32(minimumNoninteractive))
		for _, section := range value.Sections() {
			same := heaps.InteractiveKB == section.B.Number && (heaps.NoninteractiveKB == section.C.Number || !section.C.Present)
			require.True(t, same || worst > SeverityInfo)
		}
	}
}

func checkEdited(t *testing.T, value Value, edited Edited, request EditRequest) {
	result := edited.Value
	require.Equal(t, edited.Changed, !result.equal(value))
	before, _ := value.Mend()
	if !request.Repair {
		require.Empty(t, edited.Mended)
		before = value
	}
	section := result.Sections()[0]
	require.Equal(t, surroundings(before), surroundings(result))
	asked := request.Sizes
	if !asked.Shared.Asked {
		require.Equal(t, before.Sections()[0].A, section.A)
	}
	numbers := []Field{section.A, section.B, section.C}
	heaps := result.Win32k()
	effective := []uint32{section.A.Number, heaps.InteractiveKB, heaps.NoninteractiveKB}
	for i, size := range []Size{asked.Shared, asked.Interactive, asked.Noninteractive} {
		if size.Asked {
			require.Equal(t, size.KB, numbers[i].Number)
			require.True(t, request.Force || effective[i] == size.KB)
		}
	}
	if !request.Force {
		require.Empty(t, edited.Overridden)
		require.True(t, result.CSRSS(System{}).Boots)
		require.Equal(t, section.A.Number, result.CSRSS(System{}).SharedKB)
	}
	if edited.Changed {
		require.Equal(t, newValue(result.kind, result.text).Data(), result.Data(), "one NUL, even length")
	}
	again, err := result.Edit(request)
	require.NoError(t, err)
	require.False(t, again.Changed)
}

// surroundings is the text without the three numbers and without the comma
// that an edit puts before a number of its own.
func surroundings(value Value) []uint16 {
	section := value.Sections()[0]
	text := slices.Clone(value.text)
	for i, field := range []Field{section.C, section.B, section.A} {
		if !field.Present {
			continue
		}
		text = slices.Delete(text, field.NumberStart, field.NumberEnd)
		if i < 2 && len(field.trailing()) == 0 && len(section.fields) <= 3 {
			text = slices.Delete(text, field.NumberStart-1, field.NumberStart)
		}
	}
	return text
}
