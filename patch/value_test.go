package patch

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokens(t *testing.T) {
	value := NewValue("  csrss.exe\tA=b=c\u00a0d \x01 SharedSection=1024,0x200,,768x\r\n=5 Windows ")
	var got []string
	for _, token := range value.Tokens() {
		require.Equal(t, token.String(), decode(value.text[token.Start:token.End]))
		got = append(got, token.String())
	}
	require.Equal(t, []string{
		"csrss.exe", "A=b=c\u00a0d", "SharedSection=1024,0x200,,768x", "=5", "Windows",
	}, got)
	require.Equal(t, Token{Start: 12, End: 19, Name: "A", Value: "b=c\u00a0d", HasValue: true,
		units: value.tokens[1].units}, value.Tokens()[1])
	require.False(t, value.Tokens()[4].HasValue)

	section := value.Sections()[0]
	require.Equal(t, 22, section.Start)
	require.Equal(t, []uint32{1024, 512, 0}, []uint32{section.A.Number, section.B.Number, section.C.Number})
	require.True(t, section.C.Present)
	require.False(t, section.C.HasNumber())
	require.Len(t, section.fields, 4)
	for _, field := range section.fields {
		require.Equal(t, field.Text, decode(value.text[field.Start:field.End]))
	}
	require.Equal(t, "0x200", decode(value.text[section.B.NumberStart:section.B.NumberEnd]))
	require.Equal(t, "768", decode(value.text[section.fields[3].NumberStart:section.fields[3].NumberEnd]))
	require.Equal(t, "x", section.fields[3].trailing())
}

// Names fold as ASCII: the long s and the Kelvin sign are other letters, and
// the first token is the program whatever it is called.
func TestSectionNames(t *testing.T) {
	for name, want := range map[string]int{
		"SharedSection=1,2": 1, "SHAREDSECTION=1,2": 1, "sharedsection=1,2": 1,
		"\u017fharedSection=1,2": 0, "SharedSectionX=1,2": 0, "XSharedSection=1,2": 0, `"SharedSection=1,2"`: 0,
	} {
		t.Run(name, func(t *testing.T) {
			require.Len(t, NewValue("csrss.exe "+name).Sections(), want)
			require.Empty(t, NewValue(name).Sections())
		})
	}
}

// Characters outside ASCII and unpaired surrogates come through an edit.
func TestUnpairedSurrogates(t *testing.T) {
	data := encode(linePrefix + "\u00e4=\u20ac\U0001F600")
	data = binary.LittleEndian.AppendUint16(data, 0xD800)
	data = append(data, encode(" SharedSection=1024,20480,768")...)
	data = binary.LittleEndian.AppendUint16(data, 0xDC00)
	rest := append(encode(lineTail), 0, 0)

	edited, err := ParseValue(typeExpandString, slices.Concat(data, rest)).Edit(EditRequest{Sizes: sizes(0, 1024)})
	require.NoError(t, err)
	want := slices.Concat(data[:len(data)-8], encode("1024"), data[len(data)-2:], rest)
	require.Equal(t, want, edited.Value.Data())
}

func TestTypes(t *testing.T) {
	for _, test := range []struct {
		kind     uint32
		name     string
		override string
	}{
		{0, "REG_NONE", ""}, {1, "REG_SZ", OverrideRepair}, {3, "REG_BINARY", ""},
		{4, "REG_DWORD", ""}, {7, "REG_MULTI_SZ", ""}, {8, "REG_RESOURCE_LIST", ""}, {0xFFFFFFFF, "0xffffffff", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := ParseValue(test.kind, NewValue(line(stockToken)).Data())
			require.Equal(t, test.kind, value.Type())
			require.Equal(t, []string{codeType}, codesOf(value.Lint(System{})))
			for _, force := range []bool{false, true} {
				operation{
					request: EditRequest{Sizes: sizes(0, 1024), Force: force},
					refused: test.name, override: test.override,
				}.run(t, value)
			}
		})
	}
	edited, err := ParseValue(typeString, NewValue(line(stockToken)).Data()).Edit(EditRequest{Repair: true})
	require.NoError(t, err)
	require.True(t, edited.Changed)
	require.EqualValues(t, typeExpandString, edited.Value.Type())
	require.Equal(t, NewValue(line(stockToken)).Data(), edited.Value.Data())
}

// The text that is kept and the tokens are bounded, whatever the data.
func TestLongValue(t *testing.T) {
	for _, test := range []struct {
		length  int
		tooLong bool
	}{{32765, false}, {32766, false}, {32767, true}, {400000, true}} {
		text := line(stockToken) + " " + strings.Repeat("x", test.length)
		text = text[:test.length-len(" ProfileControl=Off MaxRequestThreads=1")] + " ProfileControl=Off MaxRequestThreads=1"
		value := NewValue(text)
		require.Equal(t, test.tooLong, value.isTooLong(), test.length)
		require.Equal(t, !test.tooLong, value.CSRSS(System{}).Boots)
		require.LessOrEqual(t, len(value.text), maximumText+1)
		require.Len(t, value.Data(), 2*test.length+2)
		if test.tooLong {
			operation{request: EditRequest{Sizes: sizes(0, 1024), Force: true}, refused: "too long"}.run(t, value)
			require.Contains(t, codesOf(value.Lint(System{})), codeLength)
		}
	}
}

// Nothing makes an edit that leads to a value which is too long.
func TestEditMakesTooLong(t *testing.T) {
	for length, fits := range map[int]bool{32761: true, 32762: false, 32766: false} { // ",1024" is added
		text := line("SharedSection=1024,20480") + " ProfileControl="
		text += strings.Repeat("x", length-len(text))
		request := EditRequest{Sizes: Sizes{Noninteractive: KB(1024)}, Force: true}
		edited, err := NewValue(text).Edit(request)
		if !fits {
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, "32766 characters")
			continue
		}
		require.NoError(t, err)
		again, err := edited.Value.Edit(request)
		require.NoError(t, err)
		require.False(t, again.Changed)
	}
}

func TestParseValueCopies(t *testing.T) {
	data := NewValue(line(stockToken)).Data()
	copied := slices.Clone(data)
	value := ParseValue(typeExpandString, copied)
	clear(copied)
	require.Equal(t, data, value.Data())
}

// Without a NUL win32k loses the last character, which matters only where the
// token ends the value.
func TestUnterminated(t *testing.T) {
	text := `csrss.exe ObjectDirectory=\Windows ` + stockToken
	for _, test := range []struct {
		name   string
		ending []byte
		want   uint32
	}{{"with NUL", []byte{0, 0}, 768}, {"without", nil, 128}, {"odd", []byte{0}, 128}} {
		t.Run(test.name, func(t *testing.T) {
			value := ParseValue(typeExpandString, append(encode(text), test.ending...))
			require.Equal(t, test.want, value.Win32k().NoninteractiveKB)
			require.Equal(t, test.want != 768, slices.Contains(codesOf(value.Lint(System{})), codeEffective))
		})
	}
	edited, err := ParseValue(typeExpandString, encode(text)).Edit(EditRequest{Repair: true})
	require.NoError(t, err)
	require.EqualValues(t, 768, edited.Value.Win32k().NoninteractiveKB)
}
