package escape

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"plain", `SYSTEM\ControlSet001 "x"`, `SYSTEM\ControlSet001 "x"`},
		{"letters of the world", "Служба サービス ﬀ 😀 ß\u00A0", "Служба サービス ﬀ 😀 ß\u00A0"},
		{"line feed", "a\nb", `a\x0ab`},
		{"escape sequence", "\x1b[31mred", `\x1b[31mred`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`},
		{"C1 control", "\u009b", `\u009b`},
		{"direction override", "a\u202Eb", `a\u202eb`},
		{"private use beyond the BMP", "\U000F0000", `\U000f0000`},
		{"first surrogate", "x\xED\xA0\x80y", `x\ud800y`},
		{"last surrogate", "\xED\xBF\xBF", `\udfff`},
		{"just before the surrogates", "\xED\x9F\xBF", `\ud7ff`},
		{"half a surrogate", "\xED\xA0", `\xed\xa0`},
		{"stray byte", "\xFFa", `\xffa`},
		{"replacement character itself", "\uFFFD", "\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Text(c.text)) })
	}
}

func FuzzText(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b\xED\xA0\x80\xFF\u202E")
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text)
		require.True(t, utf8.ValidString(got))
		require.True(t, isPrintable(got))
		require.Equal(t, got, Text(got))
	})
}
