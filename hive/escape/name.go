package escape

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// What stands for the default value, whose name is empty, and for a value that
// is really named so.
const (
	DefaultValue = "@"
	NamedAt      = `\x40`
)

// Name writes a name so that it fits a line and can be typed again.
func Name(name string) string {
	if isPlain(name) {
		return name
	}
	return string(AppendName(nil, name))
}

// Path writes the path of a key so that it can be typed again.
func Path(path string) string {
	if path != "" && isPlain(path) && !hasLoneSlash(path) {
		return path
	}
	return string(AppendPath(nil, path))
}

// ValueName writes the name of a value so that it can be typed again.
func ValueName(name string) string { return string(AppendValueName(nil, name)) }

// AppendPath appends what Path returns.
func AppendPath(b []byte, path string) []byte {
	if path == "" || hasLoneSlash(path) {
		if _, size := Leading(`\` + path); size > 0 {
			return AppendName(append(b, `\x5c`...), path)
		}
		b = append(b, '\\')
	}
	return AppendName(b, path)
}

// AppendSubkey appends the name of a key as it is typed behind the path of the key
// above and a backslash.
func AppendSubkey(b []byte, name string) []byte {
	if _, size := Leading(`\` + name); size > 0 {
		b = append(b, `x5c`...) // behind that backslash, which is no part of an escape then
	}
	return AppendName(b, name)
}

// hasLoneSlash reports whether a slash of the path would be taken for a
// separator.
func hasLoneSlash(path string) bool {
	return strings.IndexByte(path, '/') >= 0 && strings.IndexByte(path, '\\') < 0
}

// AppendValueName appends what ValueName returns.
func AppendValueName(b []byte, name string) []byte {
	switch name {
	case "":
		return append(b, DefaultValue...)
	case DefaultValue:
		return append(b, NamedAt...)
	case NamedAt:
		return append(b, `\x5cx40`...)
	}
	return AppendName(b, name)
}

// AppendName appends what Name returns.
func AppendName(b []byte, name string) []byte {
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
		b = append(b, Text(name[i:i+size])...)
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
			if _, size := Leading(name[i:]); size > 0 {
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
	if IsSurrogate(text) {
		return 3
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}
