package diff

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// sample is a hive with a little of everything.
func sample() hivetest.Hive {
	value := func(name string) hivetest.Value {
		return hivetest.Value{Name: name, Type: 1, Data: hivetest.SZ(name)}
	}
	return hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "Alpha", Class: "clock", Values: []hivetest.Value{value("one"), value("two"), value("three")}},
		{Name: "Beta", Security: hivetest.ReadableDescriptor(), Subkeys: []hivetest.Key{
			{Name: "Deep", Values: []hivetest.Value{value("")}, Subkeys: []hivetest.Key{{Name: "Deeper", Values: []hivetest.Value{value("last")}}}},
			{Name: "Straße", Values: []hivetest.Value{value("ключ")}},
		}},
		{Name: "Gamma", Values: []hivetest.Value{{Name: "big", Type: 3, Data: bytes.Repeat([]byte("0123456789abcdef"), 4096)}}},
	}}}
}

func TestDifferences(t *testing.T) {
	alpha, deep := "Alpha", `Beta\Deep`
	cases := []struct {
		name    string
		change  func(h *hivetest.Hive)
		options Options
		want    []string
	}{
		{"nothing", func(*hivetest.Hive) {}, Options{Compare: All}, nil},
		{"data", func(h *hivetest.Hive) { h.Key(alpha).Value("two").Data = hivetest.SZ("2") }, Options{}, []string{`! Alpha @two: data`}},
		{"one bit of data", func(h *hivetest.Hive) { h.Key(alpha).Value("two").Data[0] ^= 1 }, Options{}, []string{`! Alpha @two: data`}},
		{"type", func(h *hivetest.Hive) { h.Key(alpha).Value("one").Type = 2 }, Options{}, []string{`! Alpha @one: type`}},
		{"type and data", func(h *hivetest.Hive) {
			*h.Key(alpha).Value("one") = hivetest.Value{Name: "one", Type: 4, Data: []byte{1, 0, 0, 0}}
		},
			Options{}, []string{`! Alpha @one: type, data`}},
		{"no data", func(h *hivetest.Hive) { h.Key(alpha).Value("one").Data = nil }, Options{}, []string{`! Alpha @one: data`}},
		{"last byte of big data", func(h *hivetest.Hive) { h.Key("Gamma").Value("big").Data[65535] ^= 1 }, Options{}, []string{`! Gamma @big: data`}},
		{"length of big data", func(h *hivetest.Hive) { v := h.Key("Gamma").Value("big"); v.Data = v.Data[:65535] }, Options{}, []string{`! Gamma @big: data`}},
		{"big data to small", func(h *hivetest.Hive) { v := h.Key("Gamma").Value("big"); v.Data = v.Data[:100] }, Options{}, []string{`! Gamma @big: data`}},
		{"spelling of a value", func(h *hivetest.Hive) { h.Key(alpha).Value("two").Name = "TWO" }, Options{}, []string{`! Alpha @two: spelling`}},
		{"spelling of a key", func(h *hivetest.Hive) { h.Key(alpha).Name = "ALPHA" }, Options{}, []string{`! Alpha: spelling`}},
		{"spelling of a key without ASCII", func(h *hivetest.Hive) { h.Key("Beta\\Straße").Value("ключ").Name = "КЛЮЧ" }, Options{}, []string{`! Beta\Straße @ключ: spelling`}},
		{"name of the root", func(h *hivetest.Hive) { h.Root.Name = "Other" }, Options{Compare: All}, nil},
		{"form of a name", func(h *hivetest.Hive) { h.Key(alpha).WideName = true; h.Key(alpha).Value("one").WideName = true }, Options{Compare: All}, nil},
		{"value gone", func(h *hivetest.Hive) { h.Key(alpha).DeleteValue("two") }, Options{}, []string{`- Alpha @two`}},
		{"value new", func(h *hivetest.Hive) { h.Key(alpha).SetValue(hivetest.Value{Name: "four", Type: 3, Data: []byte{1}}) }, Options{}, []string{`+ Alpha @four`}},
		{"default value gone", func(h *hivetest.Hive) { h.Key(deep).DeleteValue("") }, Options{}, []string{`- Beta\Deep @`}},
		{"all values gone", func(h *hivetest.Hive) { h.Key(alpha).Values = nil }, Options{}, []string{`- Alpha @one`, `- Alpha @three`, `- Alpha @two`}},
		{"order of values", func(h *hivetest.Hive) { v := h.Key(alpha).Values; v[0], v[2] = v[2], v[0] }, Options{Compare: All}, nil},
		{"order of values, and data", func(h *hivetest.Hive) { v := h.Key(alpha).Values; v[0], v[2] = v[2], v[0]; v[2].Data = nil },
			Options{}, []string{`! Alpha @one: data`}},
		{"value renamed", func(h *hivetest.Hive) { h.Key(alpha).Value("two").Name = "zwei" }, Options{}, []string{`- Alpha @two`, `+ Alpha @zwei`}},
		{"key gone", func(h *hivetest.Hive) { h.Root.DeleteSubkey("Alpha") }, Options{},
			[]string{`- Alpha`, `-. Alpha @one`, `-. Alpha @two`, `-. Alpha @three`}},
		{"keys gone", func(h *hivetest.Hive) { h.Key("Beta").DeleteSubkey("Deep") }, Options{},
			[]string{`- Beta\Deep`, `-. Beta\Deep @`, `-. Beta\Deep\Deeper`, `-. Beta\Deep\Deeper @last`}},
		{"key new", func(h *hivetest.Hive) {
			h.Root.Subkeys = append(h.Root.Subkeys, hivetest.Key{Name: "Aha", Values: []hivetest.Value{{Name: "x"}}, Subkeys: []hivetest.Key{{Name: "Sub"}}})
		}, Options{}, []string{`+ Aha`, `+. Aha @x`, `+. Aha\Sub`}},
		{"key renamed", func(h *hivetest.Hive) {
			h.Key(`Beta\Deep\Deeper`).Name = "Deep"
			h.Root.DeleteSubkey("Alpha")
			h.Root.DeleteSubkey("Gamma")
		}, Options{},
			[]string{`- Alpha`, `-. Alpha @one`, `-. Alpha @two`, `-. Alpha @three`, `+ Beta\Deep\Deep`, `+. Beta\Deep\Deep @last`,
				`- Beta\Deep\Deeper`, `-. Beta\Deep\Deeper @last`, `- Gamma`, `-. Gamma @big`}},
		{"class, not asked", func(h *hivetest.Hive) { h.Key(alpha).Class = "other" }, Options{}, nil},
		{"class", func(h *hivetest.Hive) { h.Key(alpha).Class = "other" }, Options{Compare: Class}, []string{`! Alpha: class`}},
		{"class gone", func(h *hivetest.Hive) { h.Key(alpha).Class = "" }, Options{Compare: Class}, []string{`! Alpha: class`}},
		{"class new", func(h *hivetest.Hive) { h.Key("Beta").Class = "new" }, Options{Compare: Class}, []string{`! Beta: class`}},
		{"flags", func(h *hivetest.Hive) { h.Key(alpha).Flags = 8 }, Options{Compare: Flags}, []string{`! Alpha: flags`}},
		{"user flags", func(h *hivetest.Hive) { h.Key(alpha).UserFlags = 1 }, Options{Compare: Flags}, []string{`! Alpha: flags`}},
		{"time", func(h *hivetest.Hive) { h.Key(alpha).Time = hivetest.LastWritten + 1 }, Options{Compare: Times}, []string{`! Alpha: time`}},
		{"security", func(h *hivetest.Hive) { h.Key("Beta").Security = hivetest.ClosedDescriptor() }, Options{Compare: Security},
			[]string{`! Beta: security`, `! Beta\Deep: security`, `! Beta\Deep\Deeper: security`, `! Beta\Straße: security`}},
		{"everything of a key", func(h *hivetest.Hive) {
			k := h.Key(`Beta\Deep\Deeper`)
			k.Name, k.Class, k.Flags, k.Time, k.Security = "DEEPER", "c", 8, 1, hivetest.ClosedDescriptor()
		}, Options{Compare: All}, []string{`! Beta\Deep\Deeper: spelling, class, flags, security, time`}},
		{"subtree", func(h *hivetest.Hive) { h.Key(alpha).Values = nil; h.Key(deep).Values = nil }, Options{KeyA: "BETA", KeyB: "beta"}, []string{`- Beta\Deep @`}},
		{"subtree that is gone", func(h *hivetest.Hive) { h.Key("Beta").DeleteSubkey("Deep") }, Options{KeyA: deep, KeyB: deep},
			[]string{`- Beta\Deep`, `-. Beta\Deep @`, `-. Beta\Deep\Deeper`, `-. Beta\Deep\Deeper @last`}},
		{"subtree that is new", func(h *hivetest.Hive) { h.Root.Subkeys = append(h.Root.Subkeys, hivetest.Key{Name: "New"}) }, Options{KeyA: "new", KeyB: "new"},
			[]string{`+ New`}},
		{"two keys", func(h *hivetest.Hive) {}, Options{KeyA: deep, KeyB: `Beta\Deep\Deeper`},
			[]string{`- Beta\Deep @`, `+ Beta\Deep @last`, `- Beta\Deep\Deeper`, `-. Beta\Deep\Deeper @last`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			other := sample()
			c.change(&other)
			a, b := build(t, sample()), build(t, other)
			require.Equal(t, c.want, describeAll(t, a, b, c.options))
			equal, err := Equal(a, b, c.options)
			require.NoError(t, err)
			require.Equal(t, c.want == nil, equal)
		})
	}
}

func TestItems(t *testing.T) {
	other := sample()
	key := other.Key("Alpha")
	key.Class, key.Flags, key.UserFlags, key.Time = "other", 8, 0x21, hivetest.LastWritten+10
	key.Value("two").Type = 7
	var got []Difference
	for difference, err := range Hives(build(t, sample()), build(t, other), Options{Compare: All}) {
		require.NoError(t, err)
		got = append(got, difference)
	}
	require.Len(t, got, 2)
	require.Equal(t, "clock", got[0].A.Class)
	require.Equal(t, "other", got[0].B.Class)
	require.Equal(t, uint32(0x21<<16|8), got[0].B.Flags)
	require.Equal(t, time.Microsecond, got[0].B.LastWrite.Sub(got[0].A.LastWrite))
	require.Equal(t, hivetest.DefaultDescriptor(), got[0].A.Security)
	require.True(t, got[1].IsValue)
	require.Equal(t, hive.SZ, got[1].A.Type)
	require.Equal(t, hive.MultiSZ, got[1].B.Type)
	require.Equal(t, hivetest.SZ("two"), got[1].B.Data)
}

func TestNoSuchKey(t *testing.T) {
	a := build(t, sample())
	count := 0
	for _, err := range Hives(a, a, Options{KeyA: "None", KeyB: "None"}) {
		require.ErrorIs(t, err, hive.ErrNotFound)
		count++
	}
	require.Equal(t, 1, count)
	_, err := Equal(a, a, Options{KeyA: "None", KeyB: "None"})
	require.ErrorIs(t, err, hive.ErrNotFound)
}

// TestStop: a consumer that has enough gets no more, wherever it stops.
func TestStop(t *testing.T) {
	empty := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}
	for _, pair := range [][2]hivetest.Hive{{sample(), empty}, {empty, sample()}} {
		all := len(describeAll(t, build(t, pair[0]), build(t, pair[1]), Options{}))
		require.Greater(t, all, 10)
		for most := 1; most <= all; most++ {
			got := 0
			for range Hives(build(t, pair[0]), build(t, pair[1]), Options{}) {
				if got++; got == most {
					break
				}
			}
			require.Equal(t, most, got)
		}
	}
}

// TestVersions: hives of different versions keep the same content in different
// forms: hashes, leaves, big data.
func TestVersions(t *testing.T) {
	for minor := uint32(2); minor <= 5; minor++ {
		t.Run(fmt.Sprint(minor), func(t *testing.T) {
			other := sample()
			other.Minor = minor
			a, b := build(t, sample()), build(t, other)
			require.Empty(t, describeAll(t, a, b, Options{Compare: All}))
			other.Key("Gamma").Value("big").Data[40000] ^= 1
			require.Equal(t, []string{`! Gamma @big: data`}, describeAll(t, a, build(t, other), Options{}))
		})
	}
}

// TestHalfCharacter: half a character at the end of a name is no difference,
// since compaction leaves it out.
func TestHalfCharacter(t *testing.T) {
	of := func(length uint16) *hive.Hive {
		image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{{Name: "ключ", Type: 4, Data: []byte{1, 0, 0, 0}}}}}.Build()
		image.Put16(image.Value("", "ключ").Record, 2, length)
		return open(t, image.Data)
	}
	require.Empty(t, describeAll(t, of(7), of(6), Options{Compare: All}))
	require.NotEmpty(t, describeAll(t, of(8), of(6), Options{Compare: All}))
}

// TestListsOutOfOrder: sorted copies of both lists are compared where one of
// them is out of order.
func TestListsOutOfOrder(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	of := func(order ...int) []byte {
		h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}
		for _, name := range names {
			h.Root.Subkeys = append(h.Root.Subkeys, hivetest.Key{Name: name})
		}
		image := h.Build()
		leaf := image.Key("").List
		entries := bytes.Clone(image.Cell(leaf)[4:])
		for to, from := range order {
			copy(image.Cell(leaf)[4+8*to:][:8], entries[8*from:])
		}
		return image.Data
	}
	sorted := func() *hive.Hive { return open(t, of()) }
	require.Empty(t, describeAll(t, sorted(), sorted(), Options{}))
	require.Empty(t, describeAll(t, sorted(), open(t, of(4, 3, 2, 1, 0)), Options{}))
	require.Empty(t, describeAll(t, open(t, of(1, 0, 2, 4, 3)), sorted(), Options{}))
	require.Empty(t, describeAll(t, open(t, of(1, 0, 2, 4, 3)), open(t, of(1, 0, 2, 4, 3)), Options{}))
	require.Equal(t, []string{"- b", "+ e"}, describeAll(t, open(t, of(1, 0, 2, 3, 2)), open(t, of(0, 4, 2, 3, 2)), Options{}))
}

// TestNoPath: names that no path can have are marked, also above what differs.
func TestNoPath(t *testing.T) {
	for _, name := range []string{`a\b`, "c"} {
		of := func(data byte) *hive.Hive {
			return build(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
				{Name: name, Subkeys: []hivetest.Key{{Name: "sub", Values: []hivetest.Value{{Name: "v", Data: []byte{data}}}}}},
			}}})
		}
		for difference, err := range Hives(of(1), of(2), Options{}) {
			require.NoError(t, err)
			require.Equal(t, name != "c", difference.NoPath)
		}
	}
}

func TestReadErrors(t *testing.T) {
	literal := sample()
	image := literal.Build()
	value := image.Value("Alpha", "two").Record
	image.Put32(value, hivetest.RecordData, 0x7FFFFFF8)
	a, b := build(t, sample()), open(t, image.Data)
	for _, c := range []struct {
		a, b *hive.Hive
		side Side
	}{{a, b, B}, {b, a, A}} {
		var damage *ReadError
		_, err := Equal(c.a, c.b, Options{})
		require.ErrorAs(t, err, &damage)
		require.ErrorIs(t, err, hive.ErrCorrupt)
		require.Equal(t, c.side, damage.Side)
		require.Equal(t, "Alpha", damage.Path)
		_, ok := errors.AsType[*hive.FormatError](err)
		require.True(t, ok)
		require.Len(t, describeAll(t, c.a, c.b, Options{}), 1)
	}
	require.EqualError(t, &ReadError{B, "Alpha\\a\nb", hive.ErrCorrupt}, `B: key Alpha\a\x0ab: `+hive.ErrCorrupt.Error())
}

func TestAspects(t *testing.T) {
	require.Equal(t, "spelling, type, data, class, flags, security, time", All.String())
	require.Empty(t, Aspects(0).Names())
}
