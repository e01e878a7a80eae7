package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
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
	path, err := unescape(text)
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
		_, size := leadingEscape(text[i:])
		if size == 0 {
			continue
		}
		if rest := text[i+size:]; text[i:i+size] == escaped {
			if _, needed := leadingEscape(`\` + rest); needed == 0 {
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
	name, err := unescape(text)
	if err != nil {
		return "", usagef("name %s", err)
	}
	return name, nil
}

// What stands for the default value, whose name is empty, and for a value that
// is really named so.
const (
	defaultValue = "@"
	namedAt      = `\x40`
)

// valueNameHelp is for the help of the commands that take a value.
const valueNameHelp = `A VALUE is a name as ls prints it; "" or @ is the default value, and \x40 a value
that is really named @.`

// parseValueName is parseName for a value.
func parseValueName(text string) (string, error) {
	switch text {
	case "", defaultValue:
		return "", nil
	case namedAt:
		return defaultValue, nil
	}
	return parseName(text)
}

// printableName writes a name so that it fits a line and can be typed again.
func printableName(name string) string {
	if isPlain(name) {
		return name
	}
	return string(appendName(nil, name))
}

// printablePath writes the path of a key so that it can be typed again.
func printablePath(path string) string {
	if path != "" && isPlain(path) && !hasLoneSlash(path) {
		return path
	}
	return string(appendPath(nil, path))
}

// printableValueName writes the name of a value so that it can be typed again.
func printableValueName(name string) string { return string(appendValueName(nil, name)) }

// appendPath appends what printablePath returns.
func appendPath(b []byte, path string) []byte {
	if path == "" || hasLoneSlash(path) {
		if _, size := leadingEscape(`\` + path); size > 0 {
			return appendName(append(b, `\x5c`...), path)
		}
		b = append(b, '\\')
	}
	return appendName(b, path)
}

// hasLoneSlash reports whether a slash of the path would be taken for a
// separator.
func hasLoneSlash(path string) bool {
	return strings.IndexByte(path, '/') >= 0 && strings.IndexByte(path, '\\') < 0
}

// appendValueName appends what printableValueName returns.
func appendValueName(b []byte, name string) []byte {
	switch name {
	case "":
		return append(b, defaultValue...)
	case defaultValue:
		return append(b, namedAt...)
	case namedAt:
		return append(b, `\x5cx40`...)
	}
	return appendName(b, name)
}

// appendName appends what printableName returns.
func appendName(b []byte, name string) []byte {
	for i := 0; i < len(name); {
		end := i + plainLength(name[i:])
		b = append(b, name[i:end]...)
		if i = end; i == len(name) {
			break
		}
		if name[i] == '\\' { // of what would be read as an escape
			b = append(b, `\x5c`...)
			i++
			continue
		}
		size := characterLength(name[i:])
		b = append(b, printable(name[i:i+size])...)
		i += size
	}
	return b
}

func isPlain(name string) bool { return plainLength(name) == len(name) }

// plainLength is the number of bytes at the start of a name that are printed as
// they are.
func plainLength(name string) int {
	for i := 0; i < len(name); {
		switch c := name[i]; {
		case c == '\\':
			if _, size := leadingEscape(name[i:]); size > 0 {
				return i
			}
			i++
		case c >= ' ' && c < 0x7F:
			i++
		case c < utf8.RuneSelf:
			return i
		default:
			r, size := utf8.DecodeRuneInString(name[i:])
			if r == utf8.RuneError && size == 1 || !strconv.IsGraphic(r) {
				return i
			}
			i += size
		}
	}
	return len(name)
}

// characterLength is the length in bytes of the first character of a text in
// WTF-8.
func characterLength(text string) int {
	if isSurrogate(text) {
		return 3
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}

// unescape replaces what leadingEscape knows. It returns an error when the text
// is not WTF-8.
func unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		if unit, size := leadingEscape(text[i:]); size > 0 {
			writeCharacter(&b, unit)
			i += size
			continue
		}
		size := characterLength(text[i:])
		if r, _ := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return "", fmt.Errorf("is not valid UTF-8 at byte %d", i)
		}
		b.WriteString(text[i : i+size])
		i += size
	}
	return b.String(), nil
}

// leadingEscape reads the escape that a text begins with, and returns its
// length, 0 where there is none. Only what printable writes is an escape, and
// \x5c: in Runtimes\x86 and C:\users the backslash is one.
func leadingEscape(text string) (character rune, size int) {
	if len(text) < 4 || text[0] != '\\' {
		return 0, 0
	}
	switch text[1] {
	case 'x':
		size = 4
	case 'u':
		size = 6
	case 'U':
		size = 10
	}
	if size == 0 || len(text) < size || !isLowerHex(text[2:size]) {
		return 0, 0
	}
	number, err := strconv.ParseUint(text[2:size], 16, 32)
	if err != nil {
		return 0, 0
	}
	if character = rune(number); isEscaped(character, size) {
		return character, size
	}
	return 0, 0
}

// isEscaped reports whether a character is written as an escape of that size.
func isEscaped(character rune, size int) bool {
	switch size {
	case 4:
		return character < ' ' || character == 0x7F || character == '\\'
	case 6:
		return character >= 0x80 && !strconv.IsGraphic(character) // as no surrogate is
	}
	return character > 0xFFFF && character <= utf8.MaxRune && !strconv.IsGraphic(character)
}

func isLowerHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// writeCharacter writes a character in WTF-8.
func writeCharacter(b *strings.Builder, character rune) {
	if character >= 0xD800 && character <= 0xDFFF {
		b.Write([]byte{0xED, 0x80 | byte(character>>6)&0x3F, 0x80 | byte(character)&0x3F})
		return
	}
	b.WriteRune(character)
}
