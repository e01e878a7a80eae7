package patch

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// 32: the ending is read leniently and written strictly.
func TestCaseEndings(t *testing.T) {
	text := encode(line(stockToken))
	want := append(encode(line("SharedSection=1024,20480,1024")), 0, 0)
	for _, test := range []struct {
		name   string
		ending []byte
		codes  []string
	}{
		{"one NUL", []byte{0, 0}, []string{}},
		{"no NUL", nil, []string{codeUnterminated}},
		{"three NULs", make([]byte, 6), []string{codeEnding}},
		{"odd", []byte{0, 0, 0}, []string{codeEnding}},
		{"odd without NUL", []byte{0}, []string{codeUnterminated}},
		{"odd behind three NULs", make([]byte, 7), []string{codeEnding}},
	} {
		t.Run("32 "+test.name, func(t *testing.T) {
			stored := slices.Concat(text, test.ending)
			value := ParseValue(typeExpandString, stored)
			require.Equal(t, test.codes, codesOf(value.Lint(System{})))
			edited, err := value.Edit(EditRequest{Sizes: sizes(0, 1024)})
			require.NoError(t, err)
			require.Equal(t, want, edited.Value.Data())
			require.Empty(t, edited.Findings)

			same, err := value.Edit(EditRequest{Sizes: sizes(0, 768)})
			require.NoError(t, err)
			require.False(t, same.Changed)
			require.Equal(t, stored, same.Value.Data(), "what does not change keeps its bytes")
		})
	}
}

func TestHiddenText(t *testing.T) {
	stored := slices.Concat(encode(line(stockToken)), []byte{0, 0, 0, 0}, encode("foo"))
	value := ParseValue(typeExpandString, stored)
	require.Equal(t, line(stockToken), value.Text())
	require.Equal(t, []string{codeHidden}, codesOf(value.Lint(System{})))
	operation{request: EditRequest{Sizes: sizes(0, 1024)}, refused: "3 characters behind", override: OverrideRepair}.run(t, value)
	edited, err := value.Edit(EditRequest{Repair: true})
	require.NoError(t, err)
	require.True(t, edited.Changed)
	require.Equal(t, append(encode(line(stockToken)), 0, 0), edited.Value.Data())
	require.Equal(t, []string{codeHidden}, codesOf(edited.Mended))
}
