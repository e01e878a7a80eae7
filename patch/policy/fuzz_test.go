package policy

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// Every policy that can be parsed is refused by a hive, or holds when it has been
// applied: nothing differs, and a second time changes nothing.
func FuzzApply(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	nt4 := hivetest.NT4().Build().Data
	f.Fuzz(func(t *testing.T, text []byte, force bool) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		for _, s := range p.Sections {
			after, plan, outcome, err := apply(nt4, s, Options{Force: force})
			if err != nil {
				continue
			}
			require.Equal(t, len(plan.Differences) > 0, outcome.Changed)
			again, rest, outcome, err := apply(after, s, Options{Force: force})
			require.NoError(t, err)
			require.Empty(t, rest.Differences)
			require.False(t, outcome.Changed)
			require.True(t, bytes.Equal(after, again))
		}
	})
}
