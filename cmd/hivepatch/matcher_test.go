package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

func TestMatcher(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		isRegexp      bool
		text          string
		want          bool
	}{
		{"other case", "sharedSECTION", false, "x SharedSection=1024", true},
		{"letters of the world", "служба", false, "Служба", true},
		{"not what only looks alike", "ss", false, "ß", false},
		{"empty", "", false, "", true},
		{"escape", `a\x00b`, false, "xA\x00B", true},
		{"surrogate", `\ud83d`, false, "x\xED\xA0\xBD", true},
		{"surrogate is no part of a pair", `\ud83d`, false, "😀", false},
		{"expression", "^a.c$", true, "ABC", true},
		{"case that counts", "(?-i)^a", true, "ABC", false},
		{"alternatives", "^x|^a", true, "ABC", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := newMatcher(c.pattern, c.isRegexp)
			require.NoError(t, err)
			require.Equal(t, c.want, m.matches(c.text))
			require.Equal(t, c.want, m.matchesChunks(slices.Values([]string{c.text})))
			// In parts of one byte, as long as these are characters.
			if !strings.ContainsFunc(c.text, func(r rune) bool { return r > 0x7F }) {
				require.Equal(t, c.want, m.matchesChunks(slices.Values(strings.Split(c.text, ""))))
			}
		})
	}
	_, err := newMatcher("a\xFF", false)
	require.Equal(t, exitUsage, exitCode(err))
	_, err = newMatcher("(", true)
	require.Equal(t, exitUsage, exitCode(err))
	require.NotContains(t, err.Error(), "(?i")
}

// The chunks of a text are the text, wherever they end, and so they are when
// each is escaped by itself.
func TestTextChunks(t *testing.T) {
	unit := `\x1f` + `\\0` + "😀\xED\xA0\x80\x00" + `\ud800`
	for _, shift := range []int{0, 1, 2, 3, 5, 8, 13} {
		text := strings.Repeat("x", shift) + strings.Repeat(unit, 3000)
		data, err := hive.EncodeText(text + "\x00\x00")
		require.NoError(t, err)
		for _, size := range []int{18, 16344, len(data)} {
			var joined, printed strings.Builder
			for chunk := range textChunks(slices.Collect(slices.Chunk(data, size))) {
				joined.WriteString(chunk)
				printed.WriteString(printableName(chunk))
			}
			require.True(t, text == joined.String())
			require.True(t, printableName(text) == printed.String())
		}
	}
}

func TestRawChunks(t *testing.T) {
	for _, kind := range []hive.Type{hive.None, hive.SZ, hive.Binary, hive.DWord, hive.MultiSZ, hive.QWord} {
		for _, size := range []int{0, 3, 4, 8, 16344, 16345, 40000, 100000} {
			data := hivetest.Noise(size, 7)
			pieces := slices.Collect(slices.Chunk(data, 16344))
			text := strings.Join(slices.Collect(rawChunks(kind, pieces)), "")
			if isTextType(kind) {
				require.True(t, hive.DecodeText(trimNULs(data[:len(data)&^1])) == text)
			} else {
				require.True(t, dataText(kind, data) == text)
			}
		}
	}
}

func BenchmarkFind(b *testing.B) {
	data, err := hive.EncodeText(strings.Repeat("some text of a value ", 5))
	require.NoError(b, err)
	m, err := newMatcher("nothing", false)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		require.False(b, m.matchesChunks(rawChunks(hive.SZ, [][]byte{data})))
	}
}
