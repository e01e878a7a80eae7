package patch

import "fmt"

// Severity says what a finding means for the machine.
type Severity byte

const (
	// SeverityInfo is worth knowing and wrong in no way.
	SeverityInfo Severity = iota
	// SeverityWarning does not stop Windows but is hardly what somebody wanted.
	SeverityWarning
	// SeverityError means that Windows does not start or that it does not use
	// the numbers as they stand.
	SeverityError
)

// String returns "info", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case SeverityInfo:
		return "info"
	case SeverityWarning:
		return "warning"
	case SeverityError:
		return "error"
	}
	return fmt.Sprintf("severity %d", byte(s))
}

// MarshalText makes the severity a word in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one remark on a value.
type Finding struct {
	Code     string   `json:"code"` // stable, one of [Rules]
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Source   string   `json:"source"`   // who says so
	Mendable bool     `json:"mendable"` // [Value.Mend] mends it
}

// Rule is one thing that [Value.Lint] or [LintSiblings] looks for.
type Rule struct {
	Code     string
	Severity Severity
	Source   string
	Summary  string
}

// Rules returns every rule. The caller must not modify the result.
func Rules() []Rule { return rules }

// newFinding fills in what the rule of that code says.
func newFinding(code, message string) Finding {
	finding := Finding{Code: code, Message: message}
	for _, rule := range rules {
		if rule.Code == code {
			finding.Severity, finding.Source = rule.Severity, rule.Source
		}
	}
	return finding
}

const (
	codeType               = "value-type"
	codeLength             = "value-length"
	codeHidden             = "value-hidden-text"
	codeUnterminated       = "value-unterminated"
	codeEnding             = "value-ending"
	codeImage              = "image-not-csrss"
	codeImagePath          = "image-path"
	codeImageUnusual       = "image-unusual"
	codeObjectDirectory    = "object-directory"
	codeParameter          = "parameter-without-value"
	codeServerSyntax       = "server-dll-syntax"
	codeConsoleGone        = "console-server-gone"
	codeConsoleMissing     = "console-server-missing"
	codeConsoleOld         = "console-server-old"
	codeSideBySide         = "sxssrv-unknown"
	codeThreads            = "max-request-threads"
	codeUnknown            = "unknown-token"
	codeUnknownLast        = "unknown-last-token"
	codeMissing            = "section-missing"
	codeDuplicate          = "section-duplicate"
	codeOrder              = "section-order"
	codeNoValue            = "section-without-value"
	codeBlank              = "section-blank"
	codeStray              = "section-stray-number"
	codeSeparator          = "section-separator"
	codeQuotes             = "section-quotes"
	codeCase               = "section-case"
	codeNoSecond           = "section-no-second-number"
	codeCut                = "section-cut"
	codeLong               = "section-long"
	codeWindow             = "section-window"
	codeEarlier            = "section-keyword-earlier"
	codeThousands          = "section-thousands"
	codeExtra              = "section-extra-numbers"
	codeSharedZero         = "shared-zero"
	codeSharedSize         = "shared-size"
	codeInteractiveEmpty   = "interactive-empty"
	codeInteractiveSmall   = "interactive-minimum"
	codeInteractiveLarge   = "interactive-large"
	codeNoninteractiveNone = "noninteractive-absent"
	codeNoninteractiveVoid = "noninteractive-empty"
	codeNoninteractiveLow  = "noninteractive-minimum"
	codeNoninteractiveHigh = "noninteractive-large"
	codeNotation           = "number-notation"
	codeTrailing           = "number-trailing-text"
	codeOverflow           = "number-overflow"
	codeWraps              = "reservation-wraps"
	codeReservation        = "reservation-large"
	codeEffective          = "effective-sizes"
	codeCSRSS              = "csrss"
	codeSibling            = "sibling-value"
)

const (
	sourceObserved = "observed behaviour of Windows 10 and 11, unconfirmed"
	sourceReactOS  = "ReactOS csrsrv and observed behaviour of Windows 10 and 11, unconfirmed"
	sourceInferred = "inferred, no report known"
	sourceReports  = "public reports"
	sourceKB947246 = "Microsoft KB 947246"
	sourceQ142676  = "Microsoft Q142676"
	sourceNumbers  = "Wine ntdll conformance tests"
)

var rules = []Rule{
	{codeType, SeverityError, sourceInferred, "the type is not REG_EXPAND_SZ, so that %SystemRoot% stays as it is"},
	{codeLength, SeverityError, sourceInferred, "longer than a Windows command line can be"},
	{codeHidden, SeverityWarning, sourceInferred, "characters behind the terminating NUL"},
	{codeUnterminated, SeverityWarning, sourceObserved, "no terminating NUL: win32k loses the last character"},
	{codeEnding, SeverityInfo, sourceObserved, "several NULs or an odd length; harmless"},
	{codeImage, SeverityError, sourceReports, "the command line does not run csrss.exe"},
	{codeImagePath, SeverityError, sourceInferred, "the path of csrss.exe does not exist when Windows starts"},
	{codeImageUnusual, SeverityWarning, sourceInferred, "the path of csrss.exe is not the stock one"},
	{codeMissing, SeverityError, sourceReactOS, "no SharedSection token"},
	{codeDuplicate, SeverityError, sourceReactOS, "two SharedSection tokens"},
	{codeNoValue, SeverityError, sourceReactOS, `SharedSection without "="`},
	{codeBlank, SeverityError, "Microsoft KB 947246 prints it; " + sourceReactOS, "a blank before the second number"},
	{codeStray, SeverityWarning, sourceObserved, "a blank behind the second number"},
	{codeSeparator, SeverityError, sourceObserved, "semicolons instead of commas"},
	{codeQuotes, SeverityError, sourceNumbers, "quotes are ordinary characters: the first number reads as 0"},
	{codeCase, SeverityWarning, sourceObserved, "win32k looks for the keyword with case"},
	{codeNoSecond, SeverityError, sourceReactOS, "nothing behind the first comma, or no comma"},
	{codeSharedZero, SeverityError, sourceObserved, "the first number is 0 or none"},
	{codeSharedSize, SeverityWarning, sourceInferred, "the first number is not 1024, as in every Windows"},
	{codeInteractiveEmpty, SeverityWarning, sourceObserved, "the second number is empty and reads as 512"},
	{codeInteractiveSmall, SeverityWarning, sourceObserved, "the second number is below 512"},
	{codeInteractiveLarge, SeverityWarning, sourceKB947246, "the second number is above 20480"},
	{codeNoninteractiveNone, SeverityInfo, sourceQ142676, "no third number: it is that of the second"},
	{codeNoninteractiveVoid, SeverityWarning, sourceObserved, "the third number is empty and reads as 128"},
	{codeNoninteractiveLow, SeverityWarning, sourceQ142676, "the third number is below 128"},
	{codeNoninteractiveHigh, SeverityWarning, sourceReports, "the third number is above 8192"},
	{codeNotation, SeverityInfo, sourceNumbers, "a number that is not decimal"},
	{codeTrailing, SeverityWarning, sourceNumbers, "text behind or instead of a number"},
	{codeOverflow, SeverityError, sourceNumbers, "a number of 2^32 or more"},
	{codeThousands, SeverityWarning, sourceReports, "thousands separators"},
	{codeExtra, SeverityWarning, sourceObserved, "more than three numbers; the rest is ignored"},
	{codeCut, SeverityError, sourceObserved, "a number does not end within the 32 characters of the token that are read"},
	{codeLong, SeverityWarning, sourceObserved, "text behind the numbers exceeds the 32 characters of the token that are read"},
	{codeWindow, SeverityError, sourceObserved, "the token does not end within the first 606 characters"},
	{codeEarlier, SeverityError, sourceObserved, "the keyword stands inside another token before"},
	{codeEffective, SeverityError, sourceObserved, "win32k does not use the numbers of the token"},
	{codeWraps, SeverityError, sourceInferred, "the heaps together do not fit in 32 bits"},
	{codeReservation, SeverityWarning, sourceObserved, "the heaps reserved at start-up exceed 128 MB"},
	{codeObjectDirectory, SeverityWarning, sourceReactOS, "ObjectDirectory does not come before SharedSection"},
	{codeOrder, SeverityError, sourceReactOS, "ServerDll comes before SharedSection"},
	{codeServerSyntax, SeverityError, sourceReactOS, "ServerDll without a server number"},
	{codeConsoleGone, SeverityError, sourceReports, "ConServerDllInitialization on Windows 8 or later"},
	{codeConsoleMissing, SeverityError, sourceInferred, "no ConServerDllInitialization on Windows 7 or earlier"},
	{codeConsoleOld, SeverityInfo, sourceReports, "ConServerDllInitialization: right up to Windows 7 only"},
	{codeSideBySide, SeverityError, sourceInferred, "sxssrv on a Windows before Vista"},
	{codeParameter, SeverityError, sourceObserved, `Windows without "="`},
	{codeThreads, SeverityWarning, "Microsoft Q256137", `MaxRequestThreads without "=16": NT 4.0 hangs`},
	{codeUnknown, SeverityWarning, sourceObserved, "a token that csrss does not know"},
	{codeUnknownLast, SeverityError, sourceObserved, "an unknown token with no good one behind it"},
	{codeCSRSS, SeverityError, sourceReactOS, "csrss does not start"},
	{codeSibling, SeverityWarning, sourceReports, "a value named SharedSection, which nothing reads"},
}
