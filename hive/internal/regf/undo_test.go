package regf

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// tree is an image of which random keys and values are edited.
type tree struct {
	t testing.TB
	m *Image
}

// keys returns the cells of all keys, and of the one above each.
func (e tree) keys() (keys, above []Offset) {
	keys, above = []Offset{e.m.BaseBlock().RootCell()}, []Offset{NIL}
	for i := 0; i < len(keys); i++ {
		for child, err := range e.m.Subkeys(must(e.m.KeyNode(keys[i]))) {
			require.NoError(e.t, err)
			keys, above = append(keys, child.Offset), append(above, keys[i])
		}
	}
	return keys, above
}

// edit makes an edit that random decides. The same numbers make the same edit
// of the same image.
func (e tree) edit(random *rand.Rand) {
	keys, above := e.keys()
	at := random.IntN(len(keys))
	if random.IntN(2) == 0 {
		at = 0 // the root, whose list of subkeys is long
	}
	k, what, n := keys[at], random.IntN(10), random.IntN(100_000)
	node := must(e.m.KeyNode(k))
	values := must(e.m.ValueList(node))
	given := name(e.t, fmt.Sprintf("%05d", n))
	found, err := e.m.HasSubkey(node, given)
	require.NoError(e.t, err)
	switch {
	case what < 4 && !found:
		_, err = e.m.AddKey(k, given, uint64(n))
	case what == 4 && at > 0:
		err = e.m.RemoveKey(above[at], k, uint64(n))
	case what == 5 && at > 0:
		if twin, _ := e.m.HasSubkey(must(e.m.KeyNode(above[at])), given); !twin {
			_, err = e.m.RenameKey(above[at], k, given, uint64(n))
		}
	case what == 6 && values.Len() > 0:
		err = e.m.RemoveValue(k, values.At(n%values.Len()))
	case what == 7 && values.Len() > 0:
		err = e.m.SetValueData(k, values.At(n%values.Len()), 3, hivetest.Noise(n%700, uint32(n)))
	case what == 8:
		err = e.m.SetClass(above[at], k, make([]byte, n%90), uint64(n))
	default:
		length := n % 300
		if n%40 == 0 {
			length = n // big data, and bins of its own
		}
		if _, twin, _ := e.m.FindValue(node, given); !twin {
			_, err = e.m.AddValue(k, given, 3, hivetest.Noise(length, uint32(n)))
		}
	}
	require.NoError(e.t, err)
}

// TestFailedEditsLeaveNoTrace makes the same edits of two images. In one of
// them others fail in between; the two stay equal byte for byte, so that cells
// are taken as if nothing had been.
func TestFailedEditsLeaveNoTrace(t *testing.T) {
	for _, leaveFree := range []bool{false, true} {
		tried, plain := tree{t, manyKeys(t, 1200)}, tree{t, manyKeys(t, 1200)}
		for _, e := range []tree{tried, plain} {
			if leaveFree {
				e.m.LeaveFreeCells()
			}
		}
		random := rand.New(rand.NewPCG(91, 92))
		for i := range 300 {
			err := tried.m.Transaction(func() error {
				for range random.IntN(5) {
					tried.edit(random)
				}
				return errTest
			})
			require.ErrorIs(t, err, errTest)
			seed := random.Uint64()
			for _, e := range []tree{tried, plain} {
				e.edit(rand.New(rand.NewPCG(seed, 0)))
				e.m.Tidy()
			}
			require.True(t, bytes.Equal(plain.m.Bytes(), tried.m.Bytes()), "edit %d", i)
			if i%100 == 0 && !leaveFree {
				requireIndexed(t, tried.m)
			}
		}
		require.Equal(t, plain.m.slack, tried.m.slack)
		require.Equal(t, plain.m.waste, tried.m.waste)
		require.Equal(t, plain.m.emptied, tried.m.emptied)
	}
}

// manyKeys is a new image with that many subkeys of the root.
func manyKeys(t testing.TB, n int) *Image {
	t.Helper()
	m, err := New(5, name(t, "root"), hivetest.DefaultDescriptor(), 1)
	require.NoError(t, err)
	for _, i := range rand.New(rand.NewPCG(93, 94)).Perm(n) {
		_, err := m.AddKey(m.BaseBlock().RootCell(), name(t, fmt.Sprintf("%05d", 83*i)), uint64(i))
		require.NoError(t, err)
	}
	return m
}

// TestFailedEditKeepsPlaces deletes the last key of a leaf and creates it again:
// it goes to the same leaf whether what is known of the leaves was forgotten,
// with an edit that failed, or not.
func TestFailedEditKeepsPlaces(t *testing.T) {
	tried, plain := manyKeys(t, 1200), manyKeys(t, 1200)
	root := plain.BaseBlock().RootCell()
	list := must(plain.SubkeyList(must(plain.KeyNode(root)).SubkeyList()))
	require.True(t, list.IsRoot())
	leaf := must(plain.leaf(list.At(0)))
	last := must(plain.KeyNode(leaf.At(leaf.Len() - 1)))
	again := last.Name().clone()
	for _, m := range []*Image{tried, plain} {
		require.NoError(t, m.RemoveKey(root, last.Offset, 1))
	}
	require.ErrorIs(t, tried.Transaction(func() error { return errTest }), errTest)
	for _, m := range []*Image{tried, plain} {
		_, err := m.AddKey(root, again, 1)
		require.NoError(t, err)
	}
	require.True(t, bytes.Equal(plain.Bytes(), tried.Bytes()))
}
