package sddl

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// seeds have every kind of entry.
var seeds = []string{
	"O:BAG:SYD:PAI(A;OICIIOID;KA;;;SY)(D;NP;KR;;;S-1-5-21-1-2-3-1000)S:AI(AU;SAFA;0x1f0;;;WD)",
	"D:(OA;;CC;ab721a53-1e2f-11d0-9819-00aa0040529b;00299570-246d-11d0-a768-00aa006e0529;AU)(OD;;CR;;;AN)",
	`S:(ML;;NWNR;;;HI)(SP;;;;;S-1-17-1)(RA;;;;;WD;("a",TS,0x0,"x","y"))(RA;;;;;WD;("b",TX,0x1,#00ff))(AL;;;;;WD)`,
	`S:NO_ACCESS_CONTROL`, "O:S-1-0x123456789abcD:", `S:(RA;;;;;WD;("%00ff",TD,2,BA))(RA;;;;;WD;("c",TB,0,1))(RA;;;;;WD;("d",TI,0,-1))`,
}

// FuzzFormat: no bytes do harm; what can be written comes back the same.
func FuzzFormat(f *testing.F) {
	for _, seed := range seeds {
		b, err := Parse(seed)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		text, err := Format(b)
		require.Equal(t, before, b)
		if err != nil {
			require.True(t, errors.Is(err, ErrDescriptor) || errors.Is(err, ErrInexpressible), "%v", err)
			return
		}
		canonical, err := Parse(text)
		require.NoError(t, err, text)
		again, err := Format(canonical)
		require.NoError(t, err, text)
		require.Equal(t, text, again)
	})
}

// FuzzParse: no text does harm; what is understood is a sound descriptor, whose
// text gives the same one again.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Parse(text)
		if err != nil {
			syntax, ok := errors.AsType[*SyntaxError](err)
			require.True(t, ok, "%v", err)
			require.True(t, syntax.Offset >= 0 && syntax.Offset <= len(text), "%v", err)
			return
		}
		written, err := Format(b)
		require.NoError(t, err, text)
		again, err := Parse(written)
		require.NoError(t, err, written)
		require.Equal(t, b, again)
	})
}
