package bitmap

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMembers(t *testing.T) {
	var b Bitmap
	members := []uint32{0, 1, 63, 64, 65, 127, 128, 1000}
	for _, i := range members {
		b.Add(i)
	}
	require.Equal(t, members, slices.Collect(b.Without(nil)))
	for i := range uint32(1100) {
		require.Equal(t, slices.Contains(members, i), b.Has(i), i)
	}
}

func TestNeighbours(t *testing.T) {
	b := New(256)
	for _, i := range []uint32{5, 63, 64, 200} {
		b.Add(i)
	}
	for _, c := range []struct {
		i        uint32
		below    uint32
		hasBelow bool
		from     uint32
		hasFrom  bool
	}{
		{0, 0, false, 5, true},
		{5, 0, false, 5, true},
		{6, 5, true, 63, true},
		{63, 5, true, 63, true},
		{64, 63, true, 64, true},
		{65, 64, true, 200, true},
		{200, 64, true, 200, true},
		{201, 200, true, 0, false},
		{5000, 200, true, 0, false},
	} {
		below, ok := b.Before(c.i)
		require.Equal(t, c.hasBelow, ok, "before %d", c.i)
		require.Equal(t, c.below, below, "before %d", c.i)
		from, ok := b.From(c.i)
		require.Equal(t, c.hasFrom, ok, "from %d", c.i)
		require.Equal(t, c.from, from, "from %d", c.i)
	}
	b.Remove(63)
	below, _ := b.Before(64)
	require.Equal(t, uint32(5), below)
}

func TestWithout(t *testing.T) {
	b, other := New(200), New(100)
	for _, i := range []uint32{1, 2, 70, 150} {
		b.Add(i)
	}
	for _, i := range []uint32{2, 70, 90} {
		other.Add(i)
	}
	require.Equal(t, []uint32{1, 150}, slices.Collect(b.Without(other)))
}
