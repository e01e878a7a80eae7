package salvage_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/salvage"
)

// seeds are small hives with something of everything, and some that are broken.
func seeds(f *testing.F) {
	sound := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "a", Class: "class", Hole: 200, Values: []hivetest.Value{{Name: "v", Type: 1, Data: hivetest.SZ("text")}, {Name: "b", Type: 3, Data: hivetest.Noise(17000, 1)}}},
		{Name: "b", Security: hivetest.ReadableDescriptor(), Subkeys: []hivetest.Key{{Name: "c", Values: []hivetest.Value{{Name: "", Type: 4, Data: []byte{1, 0, 0, 0}}}}}},
	}}}.Build()
	f.Add(sound.Data)
	for _, place := range []string{"a", "b"} {
		broken := sound.Clone()
		copy(broken.Cell(broken.Key(place).Node), "XX")
		f.Add(broken.Data)
	}
	broken := sound.Clone()
	copy(broken.Data[hivetest.BaseBlockSize:], "XXXX")
	f.Add(broken.Data)
	copy(broken.Data, "XXXX")
	f.Add(broken.Data)
	f.Add(sound.Data[:len(sound.Data)-5000])
	freed := sound.Clone()
	freed.Free(freed.Key("a").Node)
	freed.Free(freed.Value("a", "v").Record)
	f.Add(freed.Data)
}

// FuzzHive salvages anything: the new hive is sound, salvaging it once more
// loses nothing, and what is no hive is refused.
func FuzzHive(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		h, report, err := salvage.Hive(data, salvage.Options{Time: now})
		if err != nil {
			require.True(t, errors.Is(err, hive.ErrNotHive) || errors.Is(err, hive.ErrReadOnly) || errors.Is(err, hive.ErrTooLarge), err)
			return
		}
		requireClean(t, h.Bytes())
		require.LessOrEqual(t, len(h.Bytes()), 3*len(data)+16384)
		require.Equal(t, report.Keys, countKeys(t, h))
		again, second, err := salvage.Hive(bytes.Clone(h.Bytes()), salvage.Options{Time: now})
		require.NoError(t, err)
		require.Empty(t, second.Findings)
		require.NoError(t, h.SameContent(again))
	})
}

// FuzzDeleted searches anything: there is an end, and no data but what is there.
func FuzzDeleted(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		for r, err := range salvage.Deleted(data) {
			if err != nil {
				require.ErrorIs(t, err, hive.ErrNotHive)
				return
			}
			for _, v := range r.Values {
				require.False(t, v.Err == nil && len(v.Data) != int(v.Size))
				total += len(v.Data)
			}
		}
		// Data lies apart from other data, but up to four bytes of a value stand in
		// its record, which may lie in data.
		require.LessOrEqual(t, total, len(data)+len(data)/2)
	})
}
