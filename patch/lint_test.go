package patch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What public scripts and documents have written, with the consequence.
func TestPublishedFaults(t *testing.T) {
	lost := strings.Replace(lineTail, "Windows=On", "Windows On", 1)
	for _, test := range []struct {
		name     string
		value    string
		system   System
		boots    bool
		code     string
		mended   string // what --repair makes of it, empty where it refuses
		override string // of an edit of the third number, "-" where it is allowed
	}{
		{name: "blank behind the first comma", value: line("SharedSection=1024, 12288,512"),
			code: codeBlank, mended: line("SharedSection=1024,12288,512"), override: OverrideRepair},
		{name: "blanks behind both commas", value: line("SharedSection=1024, 20480, 768"),
			code: codeBlank, mended: line(stockToken), override: OverrideRepair},
		{name: "line wrapped behind =", value: line("SharedSection=\r\n1024,3072,512"),
			code: codeBlank, mended: line("SharedSection=1024,3072,512"), override: OverrideRepair},
		{name: "no second number", value: line("SharedSection=1024"), code: codeNoSecond, override: OverrideRepair},
		{name: "comma at the end", value: line("SharedSection=1024,"), code: codeNoSecond, override: OverrideRepair},
		{name: "no number", value: line("SharedSection="), code: codeNoSecond, override: OverrideRepair},
		{name: "no token", value: linePrefix + strings.TrimSpace(lineTail), code: codeMissing},
		{name: "behind ServerDll", value: linePrefix + strings.TrimSpace(lineTail) + " " + stockToken,
			code: codeOrder, override: OverrideForce},
		{name: "two tokens", value: line(stockToken + " " + stockToken), code: codeDuplicate},
		{name: "quotes", value: line(`SharedSection="1024,20480,768"`),
			code: codeQuotes, mended: line(stockToken), override: OverrideRepair},
		{name: "semicolons", value: line(`SharedSection=1024;20480;768`),
			code: codeSeparator, mended: line(stockToken), override: OverrideRepair},
		{name: "value replaced", value: "Windows SharedSection=1024,20480,20480", code: codeImage},
		{name: "value replaced by numbers", value: "SharedSection=2048,4096,2048", code: codeImage},
		{name: "lost =", value: linePrefix + stockToken + lost, code: codeParameter, override: OverrideForce},
		{name: "unknown last token", value: line(stockToken) + " foo", code: codeUnknownLast, override: OverrideForce},
		{name: "Windows 7 line on Windows 8", value: linePrefix + stockToken + lineTail7,
			system: System{Build: 9200}, code: codeConsoleGone, override: OverrideForce},
		{name: "Windows 10 line on XP", value: linePrefix + stockToken + lineTail,
			system: System{Build: 2600}, boots: true, code: codeSideBySide, override: OverrideForce},
		{name: "Windows 10 line on Windows 7", value: linePrefix + stockToken + lineTail,
			system: System{Build: 7601}, boots: true, code: codeConsoleMissing, override: OverrideForce},
		{name: "expanded in WinPE", value: strings.Replace(line(stockToken), "%SystemRoot%", `X:\Windows`, 1),
			boots: true, code: codeImagePath, override: OverrideForce},
		{name: "percent signs of a batch file", value: "%" + strings.Replace(line(stockToken), "t%", "t%%", 1),
			boots: true, code: codeImagePath, override: OverrideForce},
		{name: "PowerShell variable", value: strings.Replace(line(stockToken), "%SystemRoot%", `$env:SystemRoot`, 1),
			boots: true, code: codeImagePath, override: OverrideForce},
		{name: "expanded", value: strings.Replace(line(stockToken), "%SystemRoot%", `C:\WINDOWS`, 1),
			boots: true, code: codeImageUnusual, mended: "same", override: "-"},
		{name: "lower-case keyword", value: line("sharedsection=1024,20480,768"),
			boots: true, code: codeCase, mended: line(stockToken), override: OverrideRepair},
		{name: "thousands separators", value: line("SharedSection=1,024,20,480,768"),
			boots: true, code: codeThousands, mended: "same", override: "-"},
		{name: "MaxRequestThreads without =16", value: strings.TrimSuffix(line(stockToken), "=16"),
			boots: true, code: codeThreads, mended: "same", override: "-"},
		{name: "no = in prose", value: line("SharedSection 1024,20480,768"),
			code: codeNoValue, mended: line(stockToken), override: OverrideRepair},
		{name: "no number and no =", value: line("SharedSection"), code: codeNoValue},
		{name: "ServerDll without number", value: strings.Replace(line(stockToken), "basesrv,1", "basesrv,", 1),
			code: codeServerSyntax, override: OverrideForce},
		{name: "broken ServerDll line", value: strings.Replace(line(stockToken), "basesrv,1", "basesrv,\n1", 1),
			code: codeServerSyntax, override: OverrideForce},
		{name: "keyword in another token", value: line("MySharedSection=1,2000,3000 " + stockToken),
			boots: true, code: codeEarlier, override: OverrideForce},
		{name: "third number of a neighbour", value: line("SharedSection=1,600 X=a,700"),
			boots: true, code: codeEffective, mended: "", override: "-"},
		{name: "privilege as fourth number", value: line("SharedSection=1024,20480,768,SeDebugPrivilege"),
			boots: true, code: codeLong, mended: "same", override: "-"},
		{name: "digits behind 2^32", value: line("SharedSection=1024,4294987776,768"),
			boots: true, code: codeOverflow, override: OverrideForce},
		{name: "no digits", value: line("SharedSection=1024,20480,H680"),
			boots: true, code: codeTrailing, mended: "same", override: "-"},
		{name: "no ObjectDirectory", value: `%SystemRoot%\system32\csrss.exe ` + stockToken + lineTail,
			boots: true, code: codeObjectDirectory, mended: "same", override: "-"},
		{name: "ObjectDirectory behind", value: `%SystemRoot%\system32\csrss.exe ` + stockToken + ` ObjectDirectory=\Windows` + lineTail,
			boots: true, code: codeObjectDirectory, mended: "same", override: "-"},
		{name: "nothing", value: "", code: codeImage},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := NewValue(test.value)
			require.Equal(t, test.boots, value.CSRSS(test.system).Boots)
			findings := value.Lint(test.system)
			require.Contains(t, codesOf(findings), test.code)
			for _, finding := range findings {
				require.NotEmpty(t, finding.Source)
				require.NotEmpty(t, finding.Message)
			}

			edited, err := value.Edit(EditRequest{Repair: true, System: test.system})
			var refused *RefusedError
			switch test.mended {
			case "":
				require.ErrorAs(t, err, &refused)
				require.NotEqual(t, OverrideRepair, refused.Override)
			case "same":
				require.NoError(t, err)
				require.False(t, edited.Changed)
				require.Equal(t, value, edited.Value)
			default:
				require.NoError(t, err)
				require.Equal(t, test.mended, edited.Value.Text())
				require.NotEmpty(t, edited.Mended)
				require.True(t, edited.Value.CSRSS(System{}).Boots)
				again, err := edited.Value.Edit(EditRequest{Repair: true})
				require.NoError(t, err)
				require.False(t, again.Changed)
			}

			edited, err = value.Edit(EditRequest{Sizes: sizes(0, 640), System: test.system})
			if test.override == "-" {
				require.NoError(t, err)
				require.EqualValues(t, 640, edited.Value.Win32k().NoninteractiveKB)
				return
			}
			require.ErrorAs(t, err, &refused)
			require.Equal(t, test.override, refused.Override, refused.Reason)
			if test.override == OverrideForce {
				request := EditRequest{Sizes: sizes(0, 640), System: test.system, Force: true}
				edited, err = value.Edit(request)
				require.NoError(t, err)
				require.EqualValues(t, 640, edited.Value.Sections()[0].C.Number)
				require.NotEmpty(t, edited.Overridden)
			}
		})
	}
}

// Values of real installations: nothing is said about them but which Windows
// they belong to and what the third number is.
func TestStockValues(t *testing.T) {
	tailNT := strings.Replace(lineTail7, " ServerDll=sxssrv,4", "", 1)
	for _, test := range []struct {
		name   string
		value  string
		system System
		codes  []string
	}{
		{"NT 4.0", linePrefix + "SharedSection=1024,3072" + tailNT, System{}, []string{codeNoninteractiveNone, codeConsoleOld}},
		{"NT 4.0 with its build", linePrefix + "SharedSection=1024,3072" + tailNT, System{1381, 32}, []string{codeNoninteractiveNone}},
		{"XP", linePrefix + "SharedSection=1024,3072,512" + tailNT, System{2600, 32}, []string{}},
		{"Windows 7", linePrefix + "SharedSection=1024,12288,512" + lineTail7, System{7601, 32}, []string{}},
		{"Windows 7, unknown", linePrefix + "SharedSection=1024,12288,512" + lineTail7, System{}, []string{codeConsoleOld}},
		{"Windows 8.1", line(stockToken), System{9600, 64}, []string{}},
		{"Windows 10", line(stockToken), System{}, []string{}},
		{"Windows 11", line(stockToken), System{26100, 64}, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := NewValue(test.value)
			require.Equal(t, test.codes, codesOf(value.Lint(test.system)))
			require.True(t, value.CSRSS(test.system).Boots)
		})
	}
}

func TestBoundaries(t *testing.T) {
	pad := func(end int) string {
		return linePrefix + strings.Repeat("x", end-len(linePrefix)-len(stockToken)-1) + " " + stockToken + lineTail
	}
	for _, test := range []struct {
		name   string
		value  string
		code   string
		found  bool
		heaps  [2]uint32
		system System
	}{
		{"511", line("SharedSection=1024,511,768"), codeInteractiveSmall, true, [2]uint32{512, 768}, System{}},
		{"512", line("SharedSection=1024,512,768"), codeInteractiveSmall, false, [2]uint32{512, 768}, System{}},
		{"513", line("SharedSection=1024,513,768"), codeInteractiveSmall, false, [2]uint32{513, 768}, System{}},
		{"127", line("SharedSection=1024,512,127"), codeNoninteractiveLow, true, [2]uint32{512, 128}, System{}},
		{"128", line("SharedSection=1024,512,128"), codeNoninteractiveLow, false, [2]uint32{512, 128}, System{}},
		{"129", line("SharedSection=1024,512,129"), codeNoninteractiveLow, false, [2]uint32{512, 129}, System{}},
		{"20479", line("SharedSection=1024,20479,768"), codeInteractiveLarge, false, [2]uint32{20479, 768}, System{}},
		{"20480", line("SharedSection=1024,20480,768"), codeInteractiveLarge, false, [2]uint32{20480, 768}, System{}},
		{"20481", line("SharedSection=1024,20481,768"), codeInteractiveLarge, true, [2]uint32{20481, 768}, System{}},
		{"8191", line("SharedSection=1024,512,8191"), codeNoninteractiveHigh, false, [2]uint32{512, 8191}, System{}},
		{"8192", line("SharedSection=1024,512,8192"), codeNoninteractiveHigh, false, [2]uint32{512, 8192}, System{}},
		{"8193", line("SharedSection=1024,512,8193"), codeNoninteractiveHigh, true, [2]uint32{512, 8193}, System{}},
		{"1023", line("SharedSection=1023,512,768"), codeSharedSize, true, [2]uint32{512, 768}, System{}},
		{"1024", line("SharedSection=1024,512,768"), codeSharedSize, false, [2]uint32{512, 768}, System{}},
		{"1025", line("SharedSection=1025,512,768"), codeSharedSize, true, [2]uint32{512, 768}, System{}},
		{"31 characters", line("SharedSection=1024,104857,65536"), codeCut, false, [2]uint32{104857, 65536}, System{}},
		{"32 characters", line("SharedSection=1024,1048576,65536"), codeCut, false, [2]uint32{1048576, 65536}, System{}},
		{"33 characters", line("SharedSection=1024,1048576,655360"), codeCut, true, [2]uint32{1048576, 65536}, System{}},
		{"cut without effect", line("SharedSection=00001024,20480,00099"), codeCut, true, [2]uint32{20480, 128}, System{}},
		{"character 605", pad(605), codeWindow, false, [2]uint32{20480, 768}, System{}},
		{"character 606", pad(606), codeWindow, false, [2]uint32{20480, 768}, System{}},
		{"character 607", pad(607), codeWindow, true, [2]uint32{20480, 128}, System{}},
		{"reservation of 2^32 - 1 KB", line("SharedSection=1024,4192735,128"), codeWraps, false, [2]uint32{4192735, 128}, System{}},
		{"reservation of 2^32", line("SharedSection=1024,4192736,128"), codeWraps, true, [2]uint32{4192736, 128}, System{}},
		{"reservation of 2^32, 32 bits", line("SharedSection=1024,4192736,128"), codeWraps, false, [2]uint32{4192736, 128}, System{Bits: 32}},
		{"reservation of 128 MB", line("SharedSection=1024,123104,768"), codeReservation, false, [2]uint32{123104, 768}, System{}},
		{"reservation above 128 MB", line("SharedSection=1024,123105,768"), codeReservation, true, [2]uint32{123105, 768}, System{}},
		{"groups of three", line("SharedSection=1,024,20,480"), codeThousands, true, [2]uint32{512, 128}, System{}},
		{"group of two", line("SharedSection=1,24,20,480"), codeThousands, false, [2]uint32{512, 128}, System{}},
		{"group of four", line("SharedSection=1,024,2048,1"), codeThousands, false, [2]uint32{512, 2048}, System{}},
		{"prefix alone", line("SharedSection=1024,0b"), codeTrailing, true, [2]uint32{512, 512}, System{}},
		{"prefix and digit", line("SharedSection=1024,0b1"), codeTrailing, false, [2]uint32{512, 512}, System{}},
		{"sign alone", line("SharedSection=1024,-"), codeTrailing, true, [2]uint32{512, 512}, System{}},
		{"build 5999", line(stockToken), codeSideBySide, true, [2]uint32{20480, 768}, System{Build: 5999}},
		{"build 6000", line(stockToken), codeSideBySide, false, [2]uint32{20480, 768}, System{Build: 6000}},
		{"build 9199", line(stockToken), codeConsoleMissing, true, [2]uint32{20480, 768}, System{Build: 9199}},
		{"build 9200", line(stockToken), codeConsoleMissing, false, [2]uint32{20480, 768}, System{Build: 9200}},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := NewValue(test.value)
			require.Equal(t, test.found, slices.Contains(codesOf(value.Lint(test.system)), test.code))
			heaps := value.Win32k()
			require.Equal(t, test.heaps, [2]uint32{heaps.InteractiveKB, heaps.NoninteractiveKB})
		})
	}
}

// Every rule has a code of its own, and a value that breaks it.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range Rules() {
		require.False(t, seen[rule.Code], rule.Code)
		require.NotEmpty(t, rule.Source)
		require.NotEmpty(t, rule.Summary)
		seen[rule.Code] = true
	}
	broken := []Value{
		ParseValue(typeString, NewValue(line(stockToken)).Data()),
		NewValue(strings.Repeat("x ", 20000)),
		ParseValue(typeExpandString, slices.Concat(NewValue(line(stockToken)).Data(), encode("x"))),
		ParseValue(typeExpandString, encode(line(stockToken))),
		ParseValue(typeExpandString, append(NewValue(line(stockToken)).Data(), 0)),
		NewValue("Windows " + stockToken),
		NewValue(strings.Replace(line(stockToken), "%SystemRoot%", `x:\Windows`, 1)),
		NewValue(strings.Replace(line(stockToken), "%SystemRoot%", `\SystemRoot`, 1)),
		NewValue(`%SystemRoot%\system32\csrss.exe ServerDll=basesrv ` + stockToken),
		NewValue(linePrefix + stockToken + lineTail7),
		NewValue(line(stockToken + " foo")), NewValue(line(stockToken) + " foo"),
		NewValue(strings.Replace(line(stockToken), "s=On", "s On", 1)),
		NewValue(strings.TrimSuffix(line(stockToken), "=16")),
		NewValue(line("")), NewValue(line(stockToken + " " + stockToken)),
		NewValue(line("MySharedSection=1,2,3 " + stockToken)), NewValue(line("SharedSection=1,600 X=a,700")),
		NewValue(line(strings.Repeat("x", 600) + " " + stockToken)),
	}
	for _, numbers := range []string{
		"=1024, 20480,768", "=1024,20480, 768", " =1024,20480,768", `="1024,2048"`, "=1024;2048", "=1024",
		"=1024,1048576,655360", "=1024,20480,768,SeDebugPrivilege", "=1,024,20,480", "=1024,20480,768,1", "=0,20480",
		"=1,,", "=1024,1,1", "=1024,20481,20481", "=0x400,20480KB", "=1024,4294967296", "=1024,-1",
	} {
		broken = append(broken, NewValue(line("SharedSection"+numbers)))
	}
	broken = append(broken, NewValue(line("sharedsection=1024,2048")))
	found := map[string]bool{}
	for _, value := range broken {
		for _, build := range []uint32{0, 2600, 19045} {
			for _, finding := range value.Lint(System{Build: build}) {
				require.True(t, seen[finding.Code], finding.Code)
				found[finding.Code] = true
			}
		}
	}
	require.Empty(t, LintSiblings([]string{"Debug", "Windows", "Kmode"}))
	found[LintSiblings([]string{"Debug", "sharedSection"})[0].Code] = true
	// The safety net below all other rules; nothing is known to fall into it.
	require.False(t, found[codeCSRSS])
	found[codeCSRSS] = true
	for _, rule := range Rules() {
		require.True(t, found[rule.Code], rule.Code)
	}
}

func TestFindingJSON(t *testing.T) {
	data, err := json.Marshal(newFinding(codeThreads, "text"))
	require.NoError(t, err)
	require.JSONEq(t, `{"code":"max-request-threads","severity":"warning","message":"text",`+
		`"source":"Microsoft Q256137","mendable":false}`, string(data))
	require.Equal(t, "info warning error severity 7",
		fmt.Sprint(SeverityInfo, " ", SeverityWarning, " ", SeverityError, " ", Severity(7)))
}
