package bitmap

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRanges compares ranges with the same done bit by bit.
func TestRanges(t *testing.T) {
	const size = 300
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		b, model := New(size), [size]bool{}
		for range 4 {
			lo := uint32(random.IntN(size))
			hi := lo + uint32(random.IntN(int(size-lo)+1))
			before, all := false, true
			for i := lo; i < hi; i++ {
				before, all = before || model[i], all && model[i]
			}
			require.Equal(t, all, b.HasRange(lo, hi))
			require.Equal(t, before, b.TakeRange(lo, hi))
			require.True(t, b.HasRange(lo, hi))
			for i := lo; i < hi; i++ {
				model[i] = true
			}
			for i := range model {
				require.Equal(t, model[i], b.Has(uint32(i)))
			}
		}
	}
	b := New(64)
	require.False(t, b.HasRange(60, 70), "behind the end")
	require.False(t, b.TakeRange(60, 200))
	require.True(t, b.HasRange(60, 64))
}
