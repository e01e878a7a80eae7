package locate

import "strings"

// Kind is which of a Windows' hives one is.
type Kind string

// Kinds of hives, by the names of their files.
const (
	System     Kind = "SYSTEM"
	Software   Kind = "SOFTWARE"
	SAM        Kind = "SAM"
	Security   Kind = "SECURITY"
	Default    Kind = "DEFAULT"
	Components Kind = "COMPONENTS"
	BCD        Kind = "BCD"
	NTUser     Kind = "NTUSER.DAT"
	UsrClass   Kind = "UsrClass.dat"
)

// configKinds are the kinds that lie in the folder config.
var configKinds = [...]Kind{System, Software, SAM, Security, Default, Components}

// Kinds returns all kinds.
func Kinds() []Kind {
	return append(configKinds[:len(configKinds):len(configKinds)], BCD, NTUser, UsrClass)
}

// ParseKind reads the name of a kind, in any case; NTUSER and USRCLASS stand
// for the files with endings. It returns false for any other text.
func ParseKind(text string) (Kind, bool) {
	for _, kind := range Kinds() {
		short, _, _ := strings.Cut(string(kind), ".")
		if strings.EqualFold(text, string(kind)) || strings.EqualFold(text, short) {
			return kind, true
		}
	}
	return "", false
}

// OfUser reports whether each user has a hive of this kind.
func (k Kind) OfUser() bool { return k == NTUser || k == UsrClass }
