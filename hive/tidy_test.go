package hive_test

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// crowd is a hive with n values of up to 1,000 bytes in key of the root, "a".
func crowd(t *testing.T, n int) (*hive.Hive, *hive.Key) {
	t.Helper()
	key := hivetest.Key{Name: "a", Subkeys: []hivetest.Key{{Name: "below"}}}
	for i := range n {
		key.Values = append(key.Values, hivetest.Value{Name: fmt.Sprint("v", i), Type: hivetest.TypeBinary, Data: hivetest.Noise(500, uint32(i))})
	}
	h := open(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{key}}}.Build().Data)
	k, err := h.Key("a")
	require.NoError(t, err)
	return h, k
}

// churn edits values until the hive has been laid out anew, or for too long.
func churn(t *testing.T, h *hive.Hive, values []*hive.Value) {
	t.Helper()
	random := rand.New(rand.NewPCG(41, 42))
	first := values[0]
	place := first.Offset()
	for range 100_000 {
		v := values[1+random.IntN(len(values)-1)]
		n := random.IntN(1000)
		require.NoError(t, v.SetData(hive.Binary, hivetest.Noise(n, uint32(n)), now))
		if first.Offset() != place {
			return
		}
	}
	t.Fatal("the hive was never laid out anew")
}

// TestHandlesSurviveMoves holds keys and values while all cells move.
func TestHandlesSurviveMoves(t *testing.T) {
	h, key := crowd(t, 300)
	values := all(t, key.Values())
	below, err := key.Subkey("below")
	require.NoError(t, err)
	first := dataOf(t, values[0])
	churn(t, h, values)

	require.True(t, bytes.Equal(first, dataOf(t, values[0])))
	require.NoError(t, values[0].SetData(hive.SZ, []byte("changed"), now))
	again, err := key.Value(values[0].Name())
	require.NoError(t, err)
	require.Equal(t, []byte("changed"), dataOf(t, again))
	require.NoError(t, below.Rename("other", now))
	_, err = h.Key(`a\other`)
	require.NoError(t, err)
	_, err = below.SetValue("new", hive.DWord, []byte{1, 2, 3, 4}, now)
	require.NoError(t, err)
	require.NoError(t, below.Delete(now))
	require.Len(t, all(t, key.Subkeys()), 0)
	requireNoWorse(t, withDirt(nil), h.Bytes())
}

// TestGoneKeysStayGone asks a key that was deleted before all cells moved.
func TestGoneKeysStayGone(t *testing.T) {
	h, key := crowd(t, 300)
	below, err := key.Subkey("below")
	require.NoError(t, err)
	same, err := key.Subkey("below")
	require.NoError(t, err)
	require.NoError(t, below.Delete(now))
	churn(t, h, all(t, key.Values()))
	_, err = same.CreateSubkey("x", now)
	require.ErrorIs(t, err, hive.ErrNotFound)
}

// TestIterationsHoldCells edits and deletes what an iteration yields.
func TestIterationsHoldCells(t *testing.T) {
	h, key := crowd(t, 2000)
	random := rand.New(rand.NewPCG(43, 44))
	seen := 0
	for v, err := range key.Values() {
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("v", seen), v.Name())
		seen++
		if seen%2 == 0 {
			require.NoError(t, v.Delete(now))
			continue
		}
		n := random.IntN(1000)
		require.NoError(t, v.SetData(hive.Binary, hivetest.Noise(n, 1), now))
	}
	require.Equal(t, 2000, seen)
	require.Len(t, all(t, key.Values()), 1000)
	h.Seal(now)
	require.Less(t, len(h.Bytes()), liveData(t, h.Bytes())*110/100)
	require.Len(t, all(t, key.Values()), 1000)
	requireNoWorse(t, nil, h.Bytes())
}

// all collects what an iteration yields, which has no errors.
func all[T any](t *testing.T, items iter.Seq2[T, error]) []T {
	t.Helper()
	var list []T
	for item, err := range items {
		require.NoError(t, err)
		list = append(list, item)
	}
	return list
}

// TestDroppedAndGrownAgain deletes data at the end of the hive and puts other
// data there: the list of changes still knows what the file had.
func TestDroppedAndGrownAgain(t *testing.T) {
	made, key := newHive(t)
	for i := range 200 {
		_, err := key.SetValue(fmt.Sprint("v", i), hive.Binary, hivetest.Noise(700, uint32(i)), now)
		require.NoError(t, err)
	}
	made.Seal(now)
	before := made.Bytes()
	h := open(t, before)
	key = rootOf(t, h)
	for v, err := range key.Values() {
		require.NoError(t, err)
		require.NoError(t, v.Delete(now))
	}
	require.Less(t, len(h.Bytes()), len(before))
	requireChanges(t, before, h)
	for i := range 400 { // less than before, as much, and more, with a move of the memory
		_, err := key.SetValue(fmt.Sprint("w", i), hive.Binary, hivetest.Noise(700, uint32(i+7)), now)
		require.NoError(t, err)
		if i%40 == 0 {
			requireChanges(t, before, h)
		}
	}
	require.Greater(t, len(h.Bytes()), len(before))
	requireChanges(t, before, h)
}
