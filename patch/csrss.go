package patch

import (
	"fmt"
	"strings"
)

// Build numbers at which the command line changed.
const (
	buildVista    = 6000 // the server sxssrv came
	buildWindows8 = 9200 // the entry point ConServerDllInitialization went
)

// System is what is known of the Windows that will read the value. A SYSTEM
// hive does not hold the build number, so that the zero System, which knows
// nothing, is the usual one.
type System struct {
	Build uint32 // such as 7601 or 19045; 0 is unknown
	Bits  int    // 32 or 64; 0 is unknown
}

// CSRSS is what csrss makes of the value when Windows starts.
type CSRSS struct {
	Boots    bool   // the Windows subsystem starts; without it Windows does not
	SharedKB uint32 // size of the shared section, 0 where csrss stopped on the way
	Why      string // what stops it, empty when it boots
}

// CSRSS runs the model of csrss on the value. The model follows the published
// source of ReactOS and the observed behaviour of Windows 10 and 11, which
// Microsoft has not confirmed. A build number of 0 is taken for a Windows that
// has every entry point named in the value.
func (v Value) CSRSS(system System) CSRSS {
	switch {
	case v.isTooLong():
		return CSRSS{Why: "longer than a command line can be"}
	case !v.runsCSRSS():
		return CSRSS{Why: "the program is not csrss.exe"}
	}
	reader := csrssReader{consoleServer: system.Build < buildWindows8}
	for _, token := range v.tokens[1:] {
		if fatal := reader.read(token); fatal != "" {
			return CSRSS{Why: fatal}
		}
	}
	switch {
	case !reader.shared:
		return CSRSS{Why: "no SharedSection token"}
	case reader.unknown != "":
		why := fmt.Sprintf("unknown token %q with no good one behind it", reader.unknown)
		return CSRSS{SharedKB: reader.sharedKB, Why: why}
	}
	return CSRSS{Boots: true, SharedKB: reader.sharedKB}
}

// csrssReader is the state of csrss between two tokens.
type csrssReader struct {
	consoleServer bool   // winsrv has the entry point ConServerDllInitialization
	shared        bool   // the shared section exists
	sharedKB      uint32 // its size
	unknown       string // the token that the pending error status comes from
}

// read handles one token and returns what ends the process, if anything does.
// An unknown name only sets the status, which the next good token clears.
func (c *csrssReader) read(token Token) (fatal string) {
	switch token.name() {
	case nameSharedSection:
		fatal = c.readSection(token)
	case nameServerDLL:
		fatal = c.readServer(token)
	case nameObjectDirectory:
		c.unknown = ""
	case nameMaxRequestThreads:
		if token.HasValue {
			c.unknown = ""
		}
	case nameWindows:
		if !token.HasValue {
			fatal = `Windows has no "=": a null pointer is compared`
		}
	case nameProfileControl, nameSubSystemType, nameRequestThreads:
	default:
		c.unknown = token.String()
	}
	return fatal
}

func (c *csrssReader) readSection(token Token) (fatal string) {
	if c.shared {
		return "second SharedSection token: the section exists already"
	}
	if !hasSecondNumber(token) {
		return "SharedSection has nothing behind a first comma"
	}
	c.shared = true
	c.sharedKB = newSection(token).A.Number
	c.unknown = ""
	if c.sharedKB<<10 == 0 {
		return "the shared section has no size"
	}
	return ""
}

// hasSecondNumber is the syntax check of csrss: a comma with some character
// behind it in the same token. What stands there it never reads.
func hasSecondNumber(token Token) bool {
	_, behind, found := strings.Cut(token.Value, ",")
	return found && behind != ""
}

func (c *csrssReader) readServer(token Token) (fatal string) {
	if !c.shared {
		return "ServerDll before SharedSection"
	}
	if !hasServerIndex(token) {
		return fmt.Sprintf("no server number in %q", token)
	}
	if namesConsoleServer(token) && !c.consoleServer {
		return "winsrv has no ConServerDllInitialization since Windows 8"
	}
	c.unknown = ""
	return ""
}

// hasServerIndex reports whether a decimal number follows the first comma.
func hasServerIndex(token Token) bool {
	_, index, found := strings.Cut(token.Value, ",")
	return found && index != "" && isDigit(uint16(index[0]))
}

func namesConsoleServer(token Token) bool {
	return strings.Contains(lowerASCII(token.Value), "conserverdllinitialization")
}
