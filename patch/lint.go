package patch

import (
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive"
)

// Lint returns what is to be said about the value, the whole of it and not the
// first. Nothing is said about a stock value. Rules that depend on the build
// speak only when it is known; where it is not, ConServerDllInitialization
// earns an info.
func (v Value) Lint(system System) []Finding {
	l := linter{value: v, system: system, sections: v.Sections(), mending: v.mend()}
	l.findings = slices.Clone(l.mending.faults)
	l.form()
	l.section()
	l.line()
	if reader := v.CSRSS(system); !reader.Boots && !l.hasError() {
		l.add(codeCSRSS, "csrss does not start: %s", reader.Why)
	}
	return l.findings
}

// LintSiblings looks at the names of all values in the key SubSystems.
func LintSiblings(names []string) []Finding {
	for _, name := range names {
		if lowerASCII(name) == nameSharedSection {
			return []Finding{newFinding(codeSibling,
				fmt.Sprintf("value %q stands beside the value Windows and has no effect", name))}
		}
	}
	return nil
}

type linter struct {
	value    Value
	system   System
	sections []Section
	mending  mending
	findings []Finding
}

func (l *linter) add(code, format string, args ...any) {
	l.findings = append(l.findings, newFinding(code, fmt.Sprintf(format, args...)))
}

// has reports whether one of the codes has been found.
func (l *linter) has(codes ...string) bool {
	return slices.ContainsFunc(l.findings, func(f Finding) bool { return slices.Contains(codes, f.Code) })
}

func (l *linter) hasError() bool {
	return slices.ContainsFunc(l.findings, func(f Finding) bool { return f.Severity == SeverityError })
}

// form looks at the type, the length and the ending.
func (l *linter) form() {
	v := l.value
	if v.kind != typeExpandString && !l.has(codeType) {
		l.add(codeType, "type %s, want REG_EXPAND_SZ", hive.Type(v.kind))
	}
	if v.isTooLong() {
		l.add(codeLength, "more than %d characters, too long for a command line", maximumText)
	}
	switch ending := v.ending; {
	case l.has(codeHidden, codeUnterminated):
	case ending.hidden > 0:
		l.add(codeHidden, "%d characters behind the terminating NUL", ending.hidden)
	case ending.nuls == 0:
		l.add(codeUnterminated, "no terminating NUL: win32k does not see the last character")
	case ending.nuls > 1:
		l.add(codeEnding, "%d NULs at the end, one is enough", ending.nuls)
	case ending.odd:
		l.add(codeEnding, "the length of %d bytes is odd", len(v.data))
	}
}

// line looks at the command line around SharedSection.
func (l *linter) line() {
	l.image()
	l.order()
	l.servers()
	l.unknown()
	for _, token := range l.parameters() {
		switch {
		case token.HasValue:
		case token.name() == nameWindows:
			l.add(codeParameter, `Windows has no "=": csrss compares a null pointer`)
		case token.name() == nameMaxRequestThreads:
			l.add(codeThreads, `MaxRequestThreads has no "=16": NT 4.0 hangs, later versions take 16`)
		}
	}
}

// parameters returns the tokens behind the program.
func (l *linter) parameters() []Token {
	tokens := l.value.tokens
	return tokens[min(1, len(tokens)):]
}

// runsCSRSS reports whether the program is csrss.exe, wherever it lies.
func (v Value) runsCSRSS() bool {
	if len(v.tokens) == 0 {
		return false
	}
	image := lowerASCII(v.tokens[0].String())
	return image[strings.LastIndexAny(image, `\/`)+1:] == "csrss.exe"
}

// image looks at the path of csrss. Some versions keep %SystemRoot% up to the
// process and some expand it, so that nothing here is ever changed.
func (l *linter) image() {
	if !l.value.runsCSRSS() {
		l.add(codeImage, "not a command line of csrss.exe: %.60q", l.value.Text())
		return
	}
	image := l.value.tokens[0].String()
	switch lower := lowerASCII(image); {
	case lower == `%systemroot%\system32\csrss.exe`:
	case strings.HasPrefix(lower, `x:`), strings.Contains(lower, "%%"), strings.HasPrefix(lower, "$"):
		l.add(codeImagePath, "%q: a recovery environment or a script has replaced %%SystemRoot%%", image)
	default:
		l.add(codeImageUnusual, "%q instead of %q", image, `%SystemRoot%\system32\csrss.exe`)
	}
}

func (l *linter) order() {
	parameters := l.parameters()
	find := func(name string) int {
		return slices.IndexFunc(parameters, func(t Token) bool { return t.name() == name })
	}
	section := find(nameSharedSection)
	if section < 0 {
		return
	}
	if server := find(nameServerDLL); server >= 0 && server < section {
		l.add(codeOrder, "%q comes before SharedSection", parameters[server])
	}
	if directory := find(nameObjectDirectory); directory < 0 || directory > section {
		l.add(codeObjectDirectory, "no ObjectDirectory before SharedSection")
	}
}

func (l *linter) servers() {
	build := l.system.Build
	console := false
	for _, token := range l.parameters() {
		if token.name() != nameServerDLL {
			continue
		}
		if !hasServerIndex(token) {
			l.add(codeServerSyntax, "no server number in %q", token)
		}
		if build != 0 && build < buildVista && strings.HasPrefix(lowerASCII(token.Value), "sxssrv") {
			l.add(codeSideBySide, "build %d has no sxssrv, which came with Vista", build)
		}
		if namesConsoleServer(token) {
			console = true
		}
	}
	switch {
	case console && build >= buildWindows8:
		l.add(codeConsoleGone, "winsrv of build %d has no ConServerDllInitialization", build)
	case console && build == 0:
		l.add(codeConsoleOld, "ConServerDllInitialization: right up to Windows 7, fatal from Windows 8 on")
	case !console && build != 0 && build < buildWindows8:
		l.add(codeConsoleMissing, "build %d needs ServerDll=winsrv:ConServerDllInitialization,2", build)
	}
}

// unknown looks for tokens without meaning. An unknown one leaves an error
// status behind that any good token clears.
func (l *linter) unknown() {
	tokens := l.value.tokens
	lastGood := 0
	for i := 1; i < len(tokens); i++ {
		if clearsStatus(tokens[i]) {
			lastGood = i
		}
	}
	for i := 1; i < len(tokens); i++ {
		switch {
		case isKnown(tokens[i]):
		case i > lastGood:
			l.add(codeUnknownLast, "unknown token %q, and no good one behind it: csrss does not start", tokens[i])
		case i < l.mending.first || i >= l.mending.last:
			l.add(codeUnknown, "csrss does not know the token %q", tokens[i])
		}
	}
}

func isKnown(token Token) bool {
	switch token.name() {
	case nameObjectDirectory, nameSharedSection, nameWindows, nameSubSystemType,
		nameServerDLL, nameProfileControl, nameMaxRequestThreads, nameRequestThreads:
		return true
	}
	return false
}

// clearsStatus names the tokens that csrss answers with success.
func clearsStatus(token Token) bool {
	switch token.name() {
	case nameObjectDirectory, nameSharedSection, nameServerDLL:
		return true
	case nameMaxRequestThreads:
		return token.HasValue
	}
	return false
}
