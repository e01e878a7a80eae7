package main

import (
	"strings"

	"hivepatch/hive/escape"
)

// How paths and names are typed and printed, for the help of the commands.
const pathHelp = `A KEY is a path below the root of the hive, such as ControlSet001\Services, with
\ or / between names; a path with a \ in it is separated there alone, so that a
name may hold a / (\a/b is the key a/b below the root). \ is the root itself.
Upper and lower case are the same. CurrentControlSet is the control set that
Select\Current names, in a hive with a key Select. Characters that cannot be
printed are written \x00 to \x1f, \x7f, \u0085, \ud800, \U000e0001, with small
digits, and may be typed so; any other \ is itself. A key named x1f below
Devices is typed Devices\x5cx1f, since \x1f would be such a character.`

// parseKeyPath returns the path for package hive of a key as the user types it
// and as printablePath prints it: names joined by backslashes, "" for the root.
func parseKeyPath(text string) (string, error) {
	if err := checkBackslashes(text); err != nil {
		return "", err
	}
	path, err := escape.Decode(text)
	if err != nil {
		return "", usagef("key path %s", err)
	}
	separator := `\`
	if !strings.Contains(path, separator) {
		separator = "/"
	}
	names := strings.Split(path, separator)
	kept := names[:0]
	for _, name := range names {
		if name != "" {
			kept = append(kept, name)
		}
	}
	return strings.Join(kept, `\`), nil
}

// checkBackslashes refuses a \x5c in a path that need not be written so. It may
// be meant as the name x5c, and would be taken for a separator.
func checkBackslashes(text string) error {
	const escaped = `\x5c`
	for i := 0; i < len(text); i++ {
		_, size := escape.Leading(text[i:])
		if size == 0 {
			continue
		}
		if rest := text[i+size:]; text[i:i+size] == escaped {
			if _, needed := escape.Leading(`\` + rest); needed == 0 {
				return hinted(usagef(`key path has \x5c at byte %d, and no name can hold a backslash`, i),
					`a key named x5c is written \x5cx5c behind another`)
			}
		}
		i += size - 1
	}
	return nil
}

// parseName returns the name that the user means by text, in which characters
// may be escaped.
func parseName(text string) (string, error) {
	name, err := escape.Decode(text)
	if err != nil {
		return "", usagef("name %s", err)
	}
	return name, nil
}

// valueNameHelp is for the help of the commands that take a value.
const valueNameHelp = `A VALUE is a name as ls prints it; "" or @ is the default value, and \x40 a value
that is really named @.`

// parseValueName is parseName for a value.
func parseValueName(text string) (string, error) {
	switch text {
	case "", escape.DefaultValue:
		return "", nil
	case escape.NamedAt:
		return escape.DefaultValue, nil
	}
	return parseName(text)
}

// The forms of names and paths that can be typed again, from package escape.
func printableName(name string) string             { return escape.Name(name) }
func printablePath(path string) string             { return escape.Path(path) }
func printableValueName(name string) string        { return escape.ValueName(name) }
func appendName(b []byte, name string) []byte      { return escape.AppendName(b, name) }
func appendPath(b []byte, path string) []byte      { return escape.AppendPath(b, path) }
func appendValueName(b []byte, name string) []byte { return escape.AppendValueName(b, name) }
