package main

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

func TestParseKeyPath(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"root as nothing", "", ""},
		{"root", `\`, ""},
		{"root with a slash", "/", ""},
		{"one name", "Select", "Select"},
		{"backslashes", `A\B\C`, `A\B\C`},
		{"slashes", "A/B/C", `A\B\C`},
		{"slash in a name", `A\B/C`, `A\B/C`},
		{"slash in the first name", `\A/B`, `A/B`},
		{"separators around", `\A\B\`, `A\B`},
		{"slashes around", "/A/B/", `A\B`},
		{"doubled separators", `A\\B`, `A\B`},
		{"blanks and points", `A b\. .\..`, `A b\. .\..`},
		{"real names that look like escapes", `Runtimes\x86`, `Runtimes\x86`},
		{"real name at once", `x1f\x64`, `x1f\x64`},
		{"capital letters", `A\X1F`, `A\X1F`},
		{"capital digits", `A\x1F`, `A\x1F`},
		{"control character", `A\x1f`, "A\x1f"},
		{"first control character", `\x00A`, "\x00A"},
		{"just above the control characters", `A\x20`, `A\x20`},
		{"delete", `A\x7f`, "A\x7f"},
		{"just below delete", `A\x7e`, `A\x7e`},
		{"just above delete", `A\x80`, `A\x80`},
		{"control character between slashes", `A/B\x00/C`, "A\\B\x00\\C"},
		{"separator and control character", `A\\x1fB`, "A\\\x1fB"},
		{"separator before what would be an escape", `A\x5cx1f`, `A\x1f`},
		{"the same for a name of a separator", `A\x5cx5c`, `A\x5c`},
		{"C1 control", `A\u0085`, "A\u0085"},
		{"surrogate", `A\ud800`, "A\xED\xA0\x80"},
		{"last surrogate", `A\udfff`, "A\xED\xBF\xBF"},
		{"letter that needs no escape", `A\u00e4`, `A\u00e4`},
		{"private use", `A\U000f0000`, "A\U000F0000"},
		{"beyond Unicode", `A\U00110000`, `A\U00110000`},
		{"half an escape", `A\x1`, `A\x1`},
		{"half a long escape", `A\ud80`, `A\ud80`},
		{"raw surrogate", "A\\\xED\xA0\x80", "A\\\xED\xA0\x80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseKeyPath(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestParseKeyPathRefusals(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"bytes that are no text", "A\xFF", "key path is not valid UTF-8 at byte 1"},
		{"escaped separator at the end", `A\x5c`, `key path has \x5c at byte 1, and no name can hold a backslash`},
		{"escaped separator before a plain name", `Ab\x5cB`, `key path has \x5c at byte 2`},
		{"behind another escape", `\x1f\x5cx86`, `key path has \x5c at byte 4`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseKeyPath(c.text)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, exitUsage, exitCode(err))
		})
	}
}

// Whatever is printed leads back to the key.
func TestPrintablePath(t *testing.T) {
	for _, c := range []struct{ name, path, want string }{
		{"root", "", `\`},
		{"plain", `ControlSet001\Services\Служба`, `ControlSet001\Services\Служба`},
		{"slash", `A\B/C`, `A\B/C`},
		{"slash in the first name", `A/B`, `\A/B`},
		{"control characters", "A\\\x00B\x1b", `A\\x00B\x1b`},
		{"name like an escape", `A\x1f`, `A\x5cx1f`},
		{"first name like an escape", `x1f`, `x1f`},
		{"slash in a first name like an escape", `x1f/a`, `\x5cx1f/a`},
		{"slash in a first name like a backslash", `x5c/x`, `\x5cx5c/x`},
		{"slash in a first name like a surrogate", `ud800/x`, `\x5cud800/x`},
		{"name like an escape of a backslash", `A\x5c`, `A\x5cx5c`},
		{"real name", `Runtimes\x86`, `Runtimes\x86`},
		{"surrogate", "A\xED\xB0\x80", `A\udc00`},
		{"emoji", "A😀", "A😀"},
		{"direction override", "A\u202E", `A\u202e`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := printablePath(c.path)
			require.Equal(t, c.want, got)
			require.True(t, printable(got) == got)
			back, err := parseKeyPath(got)
			require.NoError(t, err)
			require.Equal(t, c.path, back)
		})
	}
}

func TestValueNames(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"default value", "", "@"},
		{"named @", "@", `\x40`},
		{"named as the escape of that", `\x40`, `\x5cx40`},
		{"at sign in a name", "a@b", "a@b"},
		{"paths", `\??\Volume{1}`, `\??\Volume{1}`},
		{"slashes", `C:/x`, `C:/x`},
		{"path with what would be an escape", `C:\x1f`, `C:\x5cx1f`},
		{"share", `\\server\share`, `\\server\share`},
		{"NUL", "a\x00", `a\x00`},
		{"surrogates the wrong way round", "\xED\xB0\x80\xED\xA0\x80", `\udc00\ud800`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := printableValueName(c.value)
			require.Equal(t, c.want, got)
			back, err := parseValueName(got)
			require.NoError(t, err)
			require.Equal(t, c.value, back)
		})
	}
	got, err := parseValueName("")
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = parseValueName("\xFF")
	require.ErrorContains(t, err, "name is not valid UTF-8 at byte 0")
}

func FuzzNames(f *testing.F) {
	f.Add("plain")
	f.Add("@")
	f.Add(`A\x5cx1f\u0085\\x40/`)
	f.Add("\x00\xED\xA0\x80\xED\xB0\x80\u202E\U000F0000")
	f.Fuzz(func(t *testing.T, text string) {
		if name, err := parseName(text); err == nil {
			text = name
		}
		if _, err := hive.EncodeText(text); err != nil {
			return // not WTF-8
		}
		for _, printed := range []string{printableName(text), printableValueName(text), printablePath(text)} {
			require.True(t, utf8.ValidString(printed))
			require.True(t, printable(printed) == printed)
		}
		back, err := parseName(printableName(text))
		require.NoError(t, err)
		require.Equal(t, text, back)
		back, err = parseValueName(printableValueName(text))
		require.NoError(t, err)
		require.Equal(t, text, back)
		path, err := parseKeyPath(text)
		if err != nil {
			return
		}
		back, err = parseKeyPath(printablePath(path))
		require.NoError(t, err)
		require.Equal(t, path, back)
	})
}
