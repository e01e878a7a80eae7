package patch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMend(t *testing.T) {
	for _, test := range []struct {
		name  string
		token string
		want  string // empty where nothing is mended
		codes []string
	}{
		{"nothing to do", stockToken, "", nil},
		{"two numbers", "SharedSection=1024,3072", "", nil},
		{"blank behind =", "SharedSection= 1024,20480,768", stockToken, []string{codeBlank}},
		{"blanks around =", "SharedSection = 1024,20480,768", stockToken, []string{codeNoValue}},
		{"no =", "SharedSection 1024,20480,768", stockToken, []string{codeNoValue}},
		{"no = and blanks", "SharedSection 1024, 20480, 768", stockToken, []string{codeNoValue}},
		{"blank before the first comma", "SharedSection=1024 ,20480,768", stockToken, []string{codeBlank}},
		{"blank before the second comma", "SharedSection=1024,20480 ,768", stockToken, []string{codeStray}},
		{"blanks around commas", "SharedSection=1024 , 20480 , 768", stockToken, []string{codeBlank}},
		{"many blanks", "SharedSection=1024,\t \r\n20480,  768", stockToken, []string{codeBlank}},
		{"fourth number", "SharedSection=1024,20480,768, 512", "SharedSection=1024,20480,768,512", []string{codeStray}},
		{"no comma says what it is", "SharedSection=1024,20480 768", "", nil},
		{"other token behind a comma", "SharedSection=1024,20480, foo", "", nil},
		{"known token behind a comma", "SharedSection=1024,20480,", "", nil},
		{"quotes with blanks", `SharedSection="1024, 20480, 768"`, stockToken, []string{codeBlank, codeQuotes}},
		{"quotes around each", `SharedSection="1024","20480","768"`, stockToken, []string{codeQuotes}},
		{"apostrophes", `SharedSection='1024,20480,768'`, stockToken, []string{codeQuotes}},
		{"quotes of a word processor", "SharedSection=\u201c1024,20480,768\u201d", stockToken, []string{codeQuotes}},
		{"quotes around the token", `"SharedSection=1024,20480,768"`, "", nil},
		{"quote between a comma and a blank", `SharedSection=1024,20480," 768`, stockToken, []string{codeStray, codeQuotes}},
		{"quote between a blank and a comma", `SharedSection=1024,20480 ",768"`, stockToken, []string{codeStray, codeQuotes}},
		{"quotes and no comma", `SharedSection=1024,20480" 768`, "SharedSection=1024,20480 768", []string{codeQuotes}},
		{"semicolons with blanks", "SharedSection=1024; 20480; 768", stockToken, []string{codeBlank, codeSeparator}},
		{"one semicolon", "SharedSection=1024,20480;768", stockToken, []string{codeSeparator}},
		{"everything", `sharedSECTION = "0x400; 20480; 768"`, "SharedSection=0x400,20480,768",
			[]string{codeNoValue, codeQuotes, codeSeparator, codeCase}},
		{"case alone", "SHAREDSECTION=1024,20480KB", "SharedSection=1024,20480KB", []string{codeCase}},
		{"case and no number", "sharedsection", "SharedSection", []string{codeCase}},
		{"units stay", "SharedSection=1024, 20480KB, 768KB", "", nil},
		{"first number missing", "SharedSection=, 20480,768", "SharedSection=,20480,768", []string{codeBlank}},
		{"nothing but a quote", `SharedSection="`, "SharedSection=", []string{codeQuotes}},
		{"comma behind the bare name", "SharedSection ,20480", "", nil},
		{"comma behind the bare name and a number", "SharedSection ,20480 768", "", nil},
		{"semicolon behind the bare name and a number", "SharedSection ;20480 =768", "", nil},
		{"two tokens", "sharedsection=1024, 20480,768 SharedSection=1", "", nil},
		{"hexadecimal", "SharedSection=0x400, 0x5000, 0x300", "SharedSection=0x400,0x5000,0x300", []string{codeBlank}},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := NewValue(line(test.token))
			mended, faults := value.Mend()
			if test.want == "" {
				require.Empty(t, faults)
				require.Equal(t, value, mended)
				return
			}
			require.Equal(t, line(test.want), mended.Text())
			require.Equal(t, test.codes, codesOf(faults))
			for _, fault := range faults {
				require.True(t, fault.Mendable)
			}
			again, faults := mended.Mend()
			require.Empty(t, faults)
			require.Equal(t, mended, again)
		})
	}
}

// What cannot be mended is left to the user with the reason.
func TestRepairRefuses(t *testing.T) {
	for _, test := range []struct {
		name, value, refused, override string
	}{
		{"unit behind a number", line("SharedSection=1024, 20480KB, 768KB"), "nothing behind a first comma", OverrideForce},
		{"no number at all", line("sharedsection"), "has no numbers", ""},
		{"no token", line(""), "no SharedSection token", ""},
		{"first number missing", line("SharedSection= ,20480,768"), "first number", OverrideForce},
		{"first number empty", line("SharedSection=,20480, 768"), "first number", OverrideForce},
		{"foreign text at the end", linePrefix + stockToken + " 5", "unknown token", OverrideForce},
	} {
		t.Run(test.name, func(t *testing.T) {
			operation{request: EditRequest{Repair: true}, refused: test.refused, override: test.override}.
				run(t, NewValue(test.value))
		})
	}
}

// A stray number stops csrss only where it ends the line.
func TestRepairStrayAtTheEnd(t *testing.T) {
	value := NewValue(linePrefix + "SharedSection=1024,20480, 768")
	require.False(t, value.CSRSS(System{}).Boots)
	require.Equal(t, []string{codeStray, codeUnknownLast}, codesOf(value.Lint(System{})))
	operation{request: EditRequest{Repair: true}, want: linePrefix + stockToken}.run(t, value)
}
