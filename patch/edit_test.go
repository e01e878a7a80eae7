package patch

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSizes(t *testing.T) {
	for text, want := range map[string]Sizes{
		"1024,3072":        {Shared: KB(1024), Interactive: KB(3072)},
		"1024,20480,768":   {KB(1024), KB(20480), KB(768)},
		"0,0,4294967295":   {KB(0), KB(0), KB(4294967295)},
		"01024,020480,768": {KB(1024), KB(20480), KB(768)},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := ParseSizes(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
	for _, text := range []string{
		"", "1024", "1024,", "1024,,768", "1024, 20480,768", "1024,20480,768,512", "0x400,20480",
		"1024,20480KB", "1024,-1", "1024,+1", "1024,4294967296", "1024;20480;768",
	} {
		t.Run("not "+text, func(t *testing.T) {
			_, err := ParseSizes(text)
			var usage *UsageError
			require.ErrorAs(t, err, &usage)
			require.Contains(t, err.Error(), `"`+text+`"`)
		})
	}
}

func TestEditMinimums(t *testing.T) {
	for _, test := range []struct {
		name    string
		sizes   Sizes
		refused string
	}{
		{"511", sizes(511, 0), "below the minimum of the interactive heap: Windows takes 512"},
		{"512", sizes(512, 0), ""},
		{"513", sizes(513, 0), ""},
		{"127", sizes(0, 127), "below the minimum of the non-interactive heap: Windows takes 128"},
		{"128", sizes(0, 128), ""},
		{"129", sizes(0, 129), ""},
		{"no size", Sizes{Noninteractive: KB(0)}, "below the minimum"},
		{"wraps", sizes(4194304, 0), "wrap"},
		{"ten times the third wrap", sizes(0, 419430), "wrap"},
		{"largest", sizes(0, 4294967295), "character 35"},
		{"too long", sizes(1048576, 655360), "character 33"},
		{"too long by one", sizes(1048576, 65536), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			edited, err := NewValue(line(stockToken)).Edit(EditRequest{Sizes: test.sizes})
			if test.refused == "" {
				require.NoError(t, err)
				require.True(t, edited.Changed)
				require.Empty(t, edited.Overridden)
				return
			}
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Reason, test.refused)
			require.Equal(t, OverrideForce, refused.Override)

			edited, err = NewValue(line(stockToken)).Edit(EditRequest{Sizes: test.sizes, Force: true})
			require.NoError(t, err)
			require.NotEmpty(t, edited.Overridden)
			require.Contains(t, edited.Overridden[0], test.refused)
		})
	}
}

// Numbers that stay are left alone, and so is everything around those that
// change.
func TestEditKeepsSpelling(t *testing.T) {
	for _, test := range []struct{ token, want string }{
		{"SharedSection=+1024,+20480,+768", "SharedSection=+1024,+20480,1024"},
		{"SharedSection=01024,020480,0768", "SharedSection=01024,020480,1024"},
		{"SharedSection=1024,20480.5,768.5", "SharedSection=1024,20480.5,1024.5"},
		{"SharedSection=1024,20480,0x", "SharedSection=1024,20480,1024"},
		{"SharedSection=1024,20480,H680", "SharedSection=1024,20480,1024H680"},
		{"SharedSection=1024,20480,,5", "SharedSection=1024,20480,1024,5"},
		{"SharedSection=1024,20480KB", "SharedSection=1024,20480KB,1024"},
		{"SharedSection=1024,20480,-768", "SharedSection=1024,20480,1024"},
	} {
		t.Run(test.token, func(t *testing.T) {
			edited, err := NewValue(line(test.token)).Edit(EditRequest{Sizes: sizes(20480, 1024)})
			require.NoError(t, err)
			require.Equal(t, line(test.want), edited.Value.Text())
			again, err := edited.Value.Edit(EditRequest{Sizes: sizes(20480, 1024)})
			require.NoError(t, err)
			require.False(t, again.Changed)
			require.Equal(t, edited.Value, again.Value)
		})
	}
}

// A 0 in front of other text can make a prefix of both.
func TestEditReadsBack(t *testing.T) {
	for text, refused := range map[string]string{
		"x300": `"0x300" would read as 768 in base 16 instead of 0`,
		"b":    `"0b" would read as 0 in base 2 instead of 0`,
		"o0":   `"0o0" would read as 0 in base 8 instead of 0`,
	} {
		t.Run(text, func(t *testing.T) {
			operation{
				request: EditRequest{Sizes: Sizes{Noninteractive: KB(0)}, Force: true}, refused: refused,
			}.run(t, NewValue(line("SharedSection=1024,20480,"+text)))
		})
	}
}

func TestCheckReadBack(t *testing.T) {
	section := func(token string) Section { return NewValue(line(token)).Sections()[0] }
	before := section(stockToken)
	require.NoError(t, checkReadBack(before, section("SharedSection=1024,4096,768"), sizes(4096, 0)))
	require.Error(t, checkReadBack(before, section("SharedSection=1025,4096,768"), sizes(4096, 0)))
	require.Error(t, checkReadBack(before, section("SharedSection=1024,4096,769"), sizes(4096, 0)))
	require.Error(t, checkReadBack(before, section("SharedSection=1024,4097,768"), sizes(4096, 0)))
}

// Under force every reason is told, what is asked for and what Windows makes
// of it.
func TestEditOverridden(t *testing.T) {
	for name, test := range map[string]struct {
		token string
		sizes Sizes
		want  []string
	}{
		"minimum": {stockToken, sizes(0, 64), []string{
			"64 KB is below the minimum of the non-interactive heap: Windows takes 128",
			"Windows would take 128 KB for the non-interactive heap instead of 64",
		}},
		"first number empty": {"SharedSection=,20480,768", Sizes{Shared: KB(0)}, []string{
			"the first number is the section that csrss shares with every process, not a desktop heap: " +
				`"" does not become 0`,
			`the first number, "0", reads as 0: no shared section, csrss does not start (` + sourceObserved + `)`,
		}},
		"nothing": {stockToken, sizes(20480, 768), nil},
	} {
		t.Run(name, func(t *testing.T) {
			edited, err := NewValue(line(test.token)).Edit(EditRequest{Sizes: test.sizes, Force: true})
			require.NoError(t, err)
			require.Equal(t, test.want, edited.Overridden)
		})
	}
}

func TestRefusedError(t *testing.T) {
	require.EqualError(t, &RefusedError{Reason: "no"}, "no")
	require.EqualError(t, &RefusedError{Reason: "no", Override: OverrideForce}, "no; --force goes on all the same")
	require.EqualError(t, mendable("no"), "no; --repair allows that to be mended")
}

func TestEditSizesOverridePreset(t *testing.T) {
	preset, err := FindPreset("stock-x64")
	require.NoError(t, err)
	edited, err := NewValue(line("SharedSection=1024,3072")).Edit(EditRequest{Preset: preset, Sizes: sizes(0, 4096)})
	require.NoError(t, err)
	require.Equal(t, sizes(20480, 4096), edited.Sizes)
	require.Equal(t, line("SharedSection=1024,20480,4096"), edited.Value.Text())

	_, err = NewValue(line(stockToken)).Edit(EditRequest{Preset: Preset{Argument: "x", sizes: perProcess}})
	var usage *UsageError
	require.True(t, errors.As(err, &usage))
}
