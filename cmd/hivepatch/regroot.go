package main

import (
	"errors"
	"strings"

	"hivepatch/hive"
)

// unknownRoot stands for the place of a hive that nobody knows. Windows does
// not let anything be created there, so that a file with it cannot do harm.
const unknownRoot = `HKEY_LOCAL_MACHINE\OFFLINE`

// Places of the two hives of a user.
const (
	currentUser = "HKEY_CURRENT_USER"
	userClasses = currentUser + `\Software\Classes`
)

// regRoots are the places that Windows loads its hives at, with keys that exist
// together in no other one. That of a user is seen as HKEY_CURRENT_USER by the
// user, and has a name of its own below HKEY_USERS.
var regRoots = []struct {
	root string
	keys []string
}{
	{`HKEY_LOCAL_MACHINE\SYSTEM`, []string{`Select`}},
	{`HKEY_LOCAL_MACHINE\SOFTWARE`, []string{`Classes`, `Microsoft\Windows NT\CurrentVersion`}},
	{`HKEY_LOCAL_MACHINE\SAM`, []string{`SAM\Domains\Account`}},
	{`HKEY_LOCAL_MACHINE\SECURITY`, []string{`Policy\Accounts`, `Policy\Secrets`}},
	{`HKEY_LOCAL_MACHINE\COMPONENTS`, []string{`CanonicalData`, `DerivedData`}},
	{`HKEY_LOCAL_MACHINE\BCD00000000`, []string{`Description`, `Objects`}},
	{currentUser, []string{`Control Panel`, `Environment`, `Software`}},
	{userClasses, []string{`Local Settings\Software\Microsoft\Windows`}},
}

// regRoot returns the place that Windows loads a hive of this kind at, and false
// where the kind is not certain.
func regRoot(h *hive.Hive) (string, bool) {
	found := ""
	for _, kind := range regRoots {
		if !hasKeys(h, kind.keys) {
			continue
		}
		if found != "" {
			return "", false
		}
		found = kind.root
	}
	return found, found != ""
}

func hasKeys(h *hive.Hive, paths []string) bool {
	for _, path := range paths {
		if _, err := h.Key(path); err != nil {
			return false
		}
	}
	return true
}

// rootNames are the roots of the registry, with the short names that people use.
var rootNames = []struct {
	name, short string
	parts       int // names up to the root of a hive
}{
	{"HKEY_LOCAL_MACHINE", "HKLM", 2},
	{"HKEY_USERS", "HKU", 2},
	{currentUser, "HKCU", 1},
	{"HKEY_CLASSES_ROOT", "HKCR", 1},
	{"HKEY_CURRENT_CONFIG", "HKCC", 1},
}

// fullRoot replaces a short name that a path begins with. It returns the number
// of names up to the root of a hive, 0 for a path with another beginning.
func fullRoot(path string) (full string, parts int) {
	first, rest, more := strings.Cut(path, `\`)
	for _, root := range rootNames {
		if !hive.EqualNames(first, root.name) && !hive.EqualNames(first, root.short) {
			continue
		}
		if more {
			return root.name + `\` + rest, root.parts
		}
		return root.name, root.parts
	}
	return path, 0
}

// errOutside is returned for a path that does not begin with a prefix.
var errOutside = errors.New("outside")

// belowRoot returns what follows the prefix in a path, without regard to case
// and short names: the path of a key in the hive.
func belowRoot(path, prefix string) (string, error) {
	path, _ = fullRoot(path)
	prefix, _ = fullRoot(prefix)
	for prefix != "" {
		var want, name string
		want, prefix, _ = strings.Cut(prefix, `\`)
		name, path, _ = strings.Cut(path, `\`)
		if !hive.EqualNames(want, name) {
			return "", errOutside
		}
	}
	return path, nil
}

// isBelow reports whether a path leads to a key below the one at another.
func isBelow(path, above string) bool {
	below, err := belowRoot(path, above)
	return err == nil && below != ""
}

// hiveRoot returns the part of a path that is the root of a hive, and false where
// that is not certain.
func hiveRoot(path string) (string, bool) {
	path, parts := fullRoot(path)
	names := strings.Split(path, `\`)
	if parts == 0 || len(names) < parts {
		return "", false
	}
	return strings.Join(names[:parts], `\`), true
}
