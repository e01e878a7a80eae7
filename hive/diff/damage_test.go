package diff

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// mostSteps is more than any of the small hives of these tests can have.
const mostSteps = 200_000

// count runs a comparison to its end.
func count(t testing.TB, a, b *hive.Hive) (differences, failures int) {
	t.Helper()
	for difference, err := range Hives(a, b, Options{Compare: All}) {
		if err != nil {
			failures++
		} else {
			requireSides(t, difference)
			differences++
		}
		require.Less(t, differences+failures, mostSteps)
	}
	return differences, failures
}

// TestDamage: every kind of damage is compared with the sound hive and with
// itself. The comparison ends, and what is the same on both sides, readable or
// not, is no difference.
func TestDamage(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			data := mutation.Build().Data
			damaged, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
			if err != nil {
				return // no hive at all, or without a root
			}
			sound := open(t, mutation.Base().Data)
			count(t, sound, damaged)
			count(t, damaged, sound)
			differences, _ := count(t, damaged, open(t, bytes.Clone(data)))
			require.Zero(t, differences)
		})
	}
}

// TestSharedData: values that share their data could make a small hive take
// forever.
func TestSharedData(t *testing.T) {
	h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}
	for i := range 3000 {
		h.Root.Values = append(h.Root.Values, hivetest.Value{Name: strings.Repeat("v", 1+i%7) + string(rune('A'+i/7)), Type: 3, Data: bytes.Repeat([]byte{1}, 16)})
	}
	h.Root.Values[0].Data = bytes.Repeat([]byte{7}, 16344)
	image := h.Build()
	first := image.Key("").Values[0]
	for _, value := range image.Key("").Values[1:] {
		image.Put32(value.Record, hivetest.RecordDataLength, 16344)
		image.Put32(value.Record, hivetest.RecordData, first.Data)
	}
	a, b := open(t, image.Data), open(t, bytes.Clone(image.Data))
	differences, failures := count(t, a, b)
	require.Zero(t, differences)
	require.Equal(t, 1, failures)
	_, err := Equal(a, b, Options{})
	require.ErrorIs(t, err, hive.ErrCorrupt)
	require.ErrorContains(t, err, "more than the hive has room for")
	empty := build(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}})
	_, failures = count(t, empty, a)
	require.Equal(t, 1, failures)
}

// TestLoop: keys that hold each other twice would lead to 2^512 paths.
func TestLoop(t *testing.T) {
	h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "a", Subkeys: []hivetest.Key{{Name: "x"}, {Name: "y"}}}, {Name: "b"},
	}}}
	image := h.Build()
	root, list := image.Key("").Node, image.Key("a").Leaves[0]
	image.Put32(list, 4, root)
	image.Put32(list, 12, root)
	a, b := open(t, image.Data), open(t, bytes.Clone(image.Data))
	differences, failures := count(t, a, b)
	require.Zero(t, differences)
	require.Positive(t, failures)
	empty := build(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}})
	_, failures = count(t, a, empty)
	require.Positive(t, failures)
}

// TestDepth: the deepest tree that there may be is compared, a deeper one gives
// an error.
func TestDepth(t *testing.T) {
	for _, c := range []struct{ depth, failures int }{{509, 0}, {510, 0}, {511, 1}} {
		h := hivetest.Deep(c.depth)
		a, b := build(t, h), build(t, h)
		differences, failures := count(t, a, b)
		require.Zero(t, differences)
		require.Equal(t, c.failures, failures, c.depth)
	}
}

// FuzzDamage: no bytes make the comparison panic or go on forever, and a hive
// does not differ from itself.
func FuzzDamage(f *testing.F) {
	literal := sample()
	sound := literal.Build().Data
	f.Add(uint32(0x1024), byte(0xFF), uint32(0), byte(0))
	f.Add(uint32(0x1050), byte(8), uint32(0x1400), byte(1))
	f.Fuzz(func(t *testing.T, at uint32, with byte, at2 uint32, with2 byte) {
		data := bytes.Clone(sound)
		data[at%uint32(len(data))] ^= with
		data[at2%uint32(len(data))] ^= with2
		damaged, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
		if err != nil {
			return
		}
		whole := open(t, bytes.Clone(sound))
		count(t, whole, damaged)
		count(t, damaged, whole)
		differences, _ := count(t, damaged, open(t, bytes.Clone(data)))
		require.Zero(t, differences)
	})
}
