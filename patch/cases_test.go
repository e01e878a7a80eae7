package patch

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// line puts a token into the command line of Windows 8 and later.
func line(token string) string { return linePrefix + token + lineTail }

// codesOf returns the codes of findings in order.
func codesOf(findings []Finding) []string {
	codes := []string{}
	for _, finding := range findings {
		codes = append(codes, finding.Code)
	}
	return codes
}

// sizes asks for a second and a third number, 0 for none.
func sizes(interactive, noninteractive uint32) Sizes {
	var s Sizes
	if interactive != 0 {
		s.Interactive = KB(interactive)
	}
	if noninteractive != 0 {
		s.Noninteractive = KB(noninteractive)
	}
	return s
}

// operation is one edit with its outcome: the text that comes out, or the
// reason of the refusal and what overrides it.
type operation struct {
	name     string
	request  EditRequest
	want     string
	refused  string // part of the reason
	override string
}

func (o operation) run(t *testing.T, value Value) Edited {
	t.Helper()
	before := slices.Clone(value.Data())
	edited, err := value.Edit(o.request)
	require.Equal(t, before, value.Data(), "the value itself never changes")
	if o.refused != "" {
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		require.Contains(t, refused.Reason, o.refused)
		require.Equal(t, o.override, refused.Override)
		return edited
	}
	require.NoError(t, err)
	require.Equal(t, o.want, edited.Value.Text())
	require.Equal(t, edited.Changed, o.want != value.Text() || value.Type() != edited.Value.Type())
	return edited
}

// The rows of spellings that public scripts, documents and questions show,
// each with what Windows makes of it and what an edit must do.
func TestCases(t *testing.T) {
	set := func(interactive, noninteractive uint32) EditRequest {
		return EditRequest{Sizes: sizes(interactive, noninteractive)}
	}
	repair := EditRequest{Repair: true}
	for _, test := range []struct {
		name                        string
		value                       string
		kind                        uint32 // REG_EXPAND_SZ by default
		system                      System
		boots                       bool
		interactive, noninteractive uint32
		codes                       []string
		operations                  []operation
	}{
		{
			name: "01 stock", value: line(stockToken),
			boots: true, interactive: 20480, noninteractive: 768,
			operations: []operation{{name: "nothing", want: line(stockToken)}},
		},
		{
			name: "02 no third number", value: line("SharedSection=1024,3072"),
			boots: true, interactive: 3072, noninteractive: 3072, codes: []string{codeNoninteractiveNone},
		},
		{
			name: "03 append the third", value: line("SharedSection=1024,3072"),
			boots: true, interactive: 3072, noninteractive: 3072, codes: []string{codeNoninteractiveNone},
			operations: []operation{
				{name: "512", request: set(0, 512), want: line("SharedSection=1024,3072,512")},
				{name: "both", request: set(4096, 512), want: line("SharedSection=1024,4096,512")},
				{name: "that of the second", request: set(0, 3072), want: line("SharedSection=1024,3072,3072")},
			},
		},
		{
			name: "04 larger third", value: line(stockToken),
			boots: true, interactive: 20480, noninteractive: 768,
			operations: []operation{
				{name: "4096", request: set(0, 4096), want: line("SharedSection=1024,20480,4096")},
			},
		},
		{
			name: "05 larger second", value: line(stockToken),
			boots: true, interactive: 20480, noninteractive: 768,
			operations: []operation{
				{name: "65536", request: set(65536, 0), want: line("SharedSection=1024,65536,768")},
			},
		},
		{
			name: "06 blank behind the first comma", value: line("SharedSection=1024, 20480,768"),
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeBlank},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "blank among", override: OverrideRepair},
				{name: "force", request: EditRequest{Sizes: sizes(0, 1024), Force: true},
					refused: "blank among", override: OverrideRepair},
				{name: "repair", request: repair, want: line(stockToken)},
				{name: "repair and set", request: EditRequest{Sizes: sizes(0, 1024), Repair: true},
					want: line("SharedSection=1024,20480,1024")},
			},
		},
		{
			name: "07 blank behind the second comma", value: line("SharedSection=1024,20480, 768"),
			boots: true, interactive: 20480, noninteractive: 768, codes: []string{codeStray},
			operations: []operation{
				{name: "repair", request: repair, want: line(stockToken)},
				{name: "set", request: set(0, 1024), refused: "blank among", override: OverrideRepair},
			},
		},
		{
			name: "08 no comma", value: line("SharedSection=1024"),
			boots: false, interactive: 512, noninteractive: 128, codes: []string{codeNoSecond},
			operations: []operation{
				{name: "repair", request: repair, refused: "nothing behind a first comma", override: OverrideForce},
				{name: "third", request: set(0, 512), refused: "needs an interactive size", override: OverrideRepair},
				{name: "repair and third", request: EditRequest{Sizes: sizes(0, 512), Repair: true},
					refused: "no second number"},
				{name: "repair and both", request: EditRequest{Sizes: sizes(3072, 512), Repair: true},
					want: line("SharedSection=1024,3072,512")},
			},
		},
		{
			name: "09 empty third", value: line("SharedSection=1024,20480,"),
			boots: true, interactive: 20480, noninteractive: 128, codes: []string{codeNoninteractiveVoid},
			operations: []operation{
				{name: "set", request: set(0, 512), want: line("SharedSection=1024,20480,512")},
				{name: "repair makes no number up", request: repair, want: line("SharedSection=1024,20480,")},
			},
		},
		{
			name: "10 empty second", value: line("SharedSection=1024,,768"),
			boots: true, interactive: 512, noninteractive: 768, codes: []string{codeInteractiveEmpty},
			operations: []operation{
				{name: "set", request: set(20480, 0), want: line(stockToken)},
				{name: "third alone", request: set(0, 1024), want: line("SharedSection=1024,,1024")},
			},
		},
		{
			name: "11 keyword in lower case", value: line("sharedsection=1024,20480,768"),
			boots: true, interactive: 512, noninteractive: 128, codes: []string{codeCase},
			operations: []operation{
				{name: "repair", request: repair, want: line(stockToken)},
				{name: "set", request: set(0, 1024), refused: "sharedsection", override: OverrideRepair},
			},
		},
		{
			name: "12 third below the minimum", value: line("SharedSection=1024,20480,64"),
			boots: true, interactive: 20480, noninteractive: 128, codes: []string{codeNoninteractiveLow},
			operations: []operation{
				{name: "set", request: set(0, 64), refused: "below the minimum", override: OverrideForce},
				{name: "force", request: EditRequest{Sizes: sizes(0, 64), Force: true},
					want: line("SharedSection=1024,20480,64")},
			},
		},
		{
			name: "13 both below the minimum", value: line("SharedSection=1024,256,64"),
			boots: true, interactive: 512, noninteractive: 128,
			codes: []string{codeInteractiveSmall, codeNoninteractiveLow},
		},
		{
			name: "14 hexadecimal", value: line("SharedSection=0x400,0x5000,0x300"),
			boots: true, interactive: 20480, noninteractive: 768,
			codes: []string{codeNotation, codeNotation, codeNotation},
			operations: []operation{
				{name: "set", request: set(0, 1024), want: line("SharedSection=0x400,0x5000,1024")},
				{name: "same", request: set(20480, 768), want: line("SharedSection=0x400,0x5000,0x300")},
			},
		},
		{
			name: "15 hexadecimal and too long", value: line("SharedSection=0x00000400,0x00010000,0x00001000"),
			boots: true, interactive: 512, noninteractive: 512,
			codes: []string{codeInteractiveLarge, codeNotation, codeNotation, codeNotation, codeCut},
			operations: []operation{
				{name: "same number", request: set(0, 4096), refused: "end at character 46", override: OverrideForce},
				{name: "both short", request: EditRequest{Sizes: Sizes{Interactive: KB(512), Noninteractive: KB(512)}},
					want: line("SharedSection=0x00000400,512,512")},
			},
		},
		{
			name: "16 exactly 32 characters", value: line("SharedSection=1024,1048576,65536"),
			boots: true, interactive: 1048576, noninteractive: 65536,
			codes: []string{codeInteractiveLarge, codeNoninteractiveHigh, codeReservation},
		},
		{
			name: "17 cut at 32 characters", value: line("SharedSection=1024,10485760,65536"),
			boots: true, interactive: 10485760, noninteractive: 6553,
			codes:      []string{codeInteractiveLarge, codeNoninteractiveHigh, codeCut, codeWraps},
			operations: []operation{{name: "nothing", want: line("SharedSection=1024,10485760,65536")}},
		},
		{
			name: "18 unit behind the numbers", value: line("SharedSection=1024,20480KB,768KB"),
			boots: true, interactive: 20480, noninteractive: 768, codes: []string{codeTrailing, codeTrailing},
			operations: []operation{
				{name: "set", request: set(0, 1024), want: line("SharedSection=1024,20480KB,1024KB")},
			},
		},
		{
			name: "19 thousands separators", value: line("SharedSection=1,024,20,480,768"),
			boots: true, interactive: 512, noninteractive: 128,
			codes: []string{codeSharedSize, codeInteractiveSmall, codeNoninteractiveLow, codeThousands},
		},
		{
			name: "20 four numbers", value: line("SharedSection=1024,20480,768,512"),
			boots: true, interactive: 20480, noninteractive: 768, codes: []string{codeExtra},
			operations: []operation{
				{name: "set", request: set(0, 1024), want: line("SharedSection=1024,20480,1024,512")},
			},
		},
		{
			name: "21 two tokens", value: line(stockToken + " SharedSection=1024,20480,4096"),
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeDuplicate},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "2 SharedSection tokens"},
				{name: "nothing", refused: "2 SharedSection tokens"},
				{name: "repair", request: repair, refused: "2 SharedSection tokens"},
				{name: "force", request: EditRequest{Force: true, Repair: true}, refused: "2 SharedSection tokens"},
			},
		},
		{
			name: "22 quotes", value: line(`SharedSection="1024,20480,768"`),
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeQuotes},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "quotes", override: OverrideRepair},
				{name: "repair", request: repair, want: line(stockToken)},
			},
		},
		{
			name: "23 no shared section", value: line("SharedSection=0,20480,768"),
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeSharedZero},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "does not start", override: OverrideForce},
				{name: "repair", request: repair, refused: "first number", override: OverrideForce},
				{name: "first number", request: EditRequest{Sizes: Sizes{Shared: KB(1024)}, Force: true},
					want: line(stockToken)},
			},
		},
		{
			name: "24 negative", value: line("SharedSection=1024,-1,768"),
			boots: true, interactive: 4294967295, noninteractive: 768,
			codes: []string{codeInteractiveLarge, codeWraps},
			operations: []operation{
				{name: "set", request: set(20480, 0), want: line(stockToken)},
				{name: "leave it", request: set(0, 1024), refused: "wrap", override: OverrideForce},
			},
		},
		{
			name: "25 blank before the equals sign", value: line("SharedSection =1024,20480,768"),
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeNoValue},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "csrss sees no value", override: OverrideRepair},
				{name: "repair", request: repair, want: line(stockToken)},
			},
		},
		{
			name: "26 command line destroyed", value: "Windows SharedSection=1024,20480,20480", kind: typeString,
			boots: false, interactive: 20480, noninteractive: 20480,
			codes: []string{codeType, codeNoninteractiveHigh, codeReservation, codeImage, codeObjectDirectory},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "not a command line"},
				{name: "repair", request: repair, refused: "not a command line"},
				{name: "force", request: EditRequest{Force: true, Repair: true}, refused: "not a command line"},
			},
		},
		{
			name:  "27 parameter without value",
			value: linePrefix + stockToken + strings.Replace(lineTail, "Windows=On", "Windows On", 1),
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeUnknown, codeParameter},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "null pointer", override: OverrideForce},
				{name: "nothing", refused: "null pointer", override: OverrideForce},
				{name: "repair", request: repair, refused: "null pointer", override: OverrideForce},
				{name: "force", request: EditRequest{Sizes: sizes(0, 4096), Force: true},
					want: linePrefix + "SharedSection=1024,20480,4096" +
						strings.Replace(lineTail, "Windows=On", "Windows On", 1)},
			},
		},
		{
			name: "28 unknown last token", value: line(stockToken) + " foo",
			boots: false, interactive: 20480, noninteractive: 768, codes: []string{codeUnknownLast},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: `"foo"`, override: OverrideForce},
				{name: "repair", request: repair, refused: `"foo"`, override: OverrideForce},
			},
		},
		{
			name: "29 MaxRequestThreads without number", value: strings.TrimSuffix(line(stockToken), "=16"),
			boots: true, interactive: 20480, noninteractive: 768, codes: []string{codeThreads},
			operations: []operation{
				{name: "set", request: set(0, 1024),
					want: strings.TrimSuffix(line("SharedSection=1024,20480,1024"), "=16")},
			},
		},
		{
			name: "30 console server on Windows 8", value: linePrefix + stockToken + lineTail7,
			system: System{Build: 9200},
			boots:  false, interactive: 20480, noninteractive: 768, codes: []string{codeConsoleGone},
			operations: []operation{
				{name: "set", request: EditRequest{Sizes: sizes(0, 1024), System: System{Build: 9200}},
					refused: "ConServerDllInitialization", override: OverrideForce},
			},
		},
		{
			name: "30 console server on Windows 7", value: linePrefix + stockToken + lineTail7,
			system: System{Build: 7601}, boots: true, interactive: 20480, noninteractive: 768,
		},
		{
			name: "31 beyond the window", value: linePrefix + strings.Repeat("x", 600) + " " + stockToken + lineTail,
			boots: true, interactive: 512, noninteractive: 128, codes: []string{codeWindow, codeUnknown},
			operations: []operation{
				{name: "set", request: set(0, 1024), refused: "reads only 606", override: OverrideForce},
			},
		},
		{
			name: "33 what is there already", value: line(stockToken),
			boots: true, interactive: 20480, noninteractive: 768,
			operations: []operation{
				{name: "third", request: set(0, 768), want: line(stockToken)},
				{name: "all", request: EditRequest{Sizes: Sizes{KB(1024), KB(20480), KB(768)}}, want: line(stockToken)},
			},
		},
		{
			name: "34 first number", value: line(stockToken),
			boots: true, interactive: 20480, noninteractive: 768,
			operations: []operation{
				{name: "set", request: EditRequest{Sizes: Sizes{Shared: KB(2048)}},
					refused: `"1024" does not become 2048`, override: OverrideForce},
				{name: "force", request: EditRequest{Sizes: Sizes{Shared: KB(2048)}, Force: true},
					want: line("SharedSection=2048,20480,768")},
				{name: "force nothing", request: EditRequest{Sizes: Sizes{Shared: KB(0)}, Force: true},
					want: line("SharedSection=0,20480,768")},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := NewValue(test.value)
			if test.kind != 0 {
				value = ParseValue(test.kind, value.Data())
			}
			reader := value.CSRSS(test.system)
			require.Equal(t, test.boots, reader.Boots, reader.Why)
			heaps := value.Win32k()
			require.Equal(t, test.interactive, heaps.InteractiveKB)
			require.Equal(t, test.noninteractive, heaps.NoninteractiveKB)
			want := append([]string{}, test.codes...)
			require.Equal(t, want, codesOf(value.Lint(test.system)))
			for _, operation := range test.operations {
				t.Run(operation.name, func(t *testing.T) { operation.run(t, value) })
			}
		})
	}
}
