package hive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// oddNames are names that programs get wrong.
var oddNames = []string{
	"_", "[", "]", "^", "`", "A", "a1", "Z", "z1", "a_b", "A[b", "a^c", "a`c", "A]d",
	"Ключ", "КЛЮЧ2", "Σίσυφος", "σίσυφοσ", "ı", "İ", "I", "ÿ", "Ÿb", "ß", "ẞ", "µ", "Ǆ",
	"😀", "😀b", "\uE000", "\xed\xa0\xbd", "\xed\xb8\x80", "a\xed\xa0\xbdb",
	"\x00", "NUL\x00inside", "NUL", "\x01\x1f", " ", "/", ":", "*?\"<>|", "\n", "\u2028", ".", "..", "@",
}

func TestOddNames(t *testing.T) {
	for _, minor := range []uint32{2, 3, 4, 5} {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			h := open(t, hivetest.Hive{Minor: minor, Root: hivetest.Key{Name: "ROOT"}}.Build().Data)
			root, err := h.Root()
			require.NoError(t, err)
			for _, i := range rand.New(rand.NewPCG(51, 52)).Perm(len(oddNames)) {
				_, err := root.CreateSubkey(oddNames[i], now)
				require.NoError(t, err, "%q", oddNames[i])
				_, err = root.SetValue(oddNames[i], hive.SZ, []byte(oddNames[i]), now)
				require.NoError(t, err, "%q", oddNames[i])
			}
			h.Seal(now)
			check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
			h = open(t, h.Bytes())
			for _, name := range oddNames {
				key, err := h.Key(name)
				require.NoError(t, err, "%q", name)
				require.Equal(t, name, key.Name())
				v := value(t, h, "", name)
				require.Equal(t, name, v.Name())
				require.Equal(t, name, string(dataOf(t, v)))
			}
			// The order is that of the format, worked out by the other
			// implementation of it.
			want := slices.Clone(oddNames)
			slices.SortFunc(want, hivetest.CompareNames)
			var got []string
			for _, key := range all(t, rootOf(t, h).Subkeys()) {
				got = append(got, key.Name())
			}
			require.Equal(t, want, got)
		})
	}
}

func rootOf(t *testing.T, h *hive.Hive) *hive.Key {
	t.Helper()
	root, err := h.Root()
	require.NoError(t, err)
	return root
}

// TestLimits tries what is just allowed and what is not.
func TestLimits(t *testing.T) {
	h, root := newHive(t)
	refused := func(want error, edit func() error) {
		t.Helper()
		before := bytes.Clone(h.Bytes())
		require.ErrorIs(t, edit(), want)
		require.True(t, bytes.Equal(before, h.Bytes()))
	}
	create := func(name string) func() error {
		return func() error { _, err := root.CreateSubkey(name, now); return err }
	}
	set := func(name string, data []byte) func() error {
		return func() error { _, err := root.SetValue(name, hive.Binary, data, now); return err }
	}
	for _, wide := range []string{"a", "ж"} {
		require.NoError(t, create(strings.Repeat(wide, 254))())
		require.NoError(t, create(strings.Repeat(wide, 255))())
		refused(hive.ErrTooLarge, create(strings.Repeat(wide, 256)))
		require.NoError(t, set(strings.Repeat(wide, 16382), nil)())
		require.NoError(t, set(strings.Repeat(wide, 16383), nil)())
		refused(hive.ErrTooLarge, set(strings.Repeat(wide, 16384), nil))
	}
	require.NoError(t, set("", []byte("default"))())
	require.NoError(t, set(`a\b`, nil)())
	refused(hive.ErrName, create(""))
	refused(hive.ErrName, create(`a\b`))
	refused(hive.ErrName, create("\xff"))
	refused(hive.ErrName, set("\xc3", nil))
	refused(hive.ErrExists, create(strings.Repeat("A", 254)))
	refused(hive.ErrProtected, func() error { return root.Delete(now) })
	refused(hive.ErrProtected, func() error { return root.Rename("x", now) })
	refused(hive.ErrDescriptor, func() error { return root.SetSecurityDescriptor([]byte{1, 2, 3}, now) })
	require.NoError(t, root.SetClass(strings.Repeat("c", 32766), now))
	require.NoError(t, root.SetClass(strings.Repeat("c", 32767), now))
	refused(hive.ErrTooLarge, func() error { return root.SetClass(strings.Repeat("c", 32768), now) })
	refused(hive.ErrName, func() error { return root.SetClass("\xff", now) })

	key := root
	for depth := 2; depth <= hive.MaxDepth; depth++ {
		var err error
		key, err = key.CreateSubkey("d", now)
		require.NoError(t, err)
	}
	refused(hive.ErrTooLarge, func() error { _, err := key.CreateSubkey("d", now); return err })
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })

	old, err := hive.New(3, now)
	require.NoError(t, err)
	root = rootOf(t, old)
	require.NoError(t, set("most", make([]byte, 1<<20-5))())
	require.NoError(t, set("most", make([]byte, 1<<20-4))())
	h = old
	refused(hive.ErrTooLarge, set("most", make([]byte, 1<<20-3)))
	_, err = hive.New(4, now)
	require.Error(t, err)
}

// TestLargeValue takes 64 MB in and out.
func TestLargeValue(t *testing.T) {
	h, root := newHive(t)
	data := hivetest.Noise(64<<20, 9)
	_, err := root.SetValue("large", hive.Binary, data, now)
	require.NoError(t, err)
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
	h, err = hive.Open(h.Bytes())
	require.NoError(t, err)
	v := value(t, h, "", "large")
	require.True(t, bytes.Equal(data, dataOf(t, v)))
	require.NoError(t, v.Delete(now))
	require.Less(t, len(h.Bytes()), 3*4096)
}

// TestManyKeys makes, lists and deletes 1,000,000 keys under one.
func TestManyKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	const n = 1_000_000
	names := strided(n)
	h, root := newHive(t)
	for _, name := range names {
		_, err := root.CreateSubkey(name, now)
		require.NoError(t, err)
	}
	require.Less(t, len(h.Bytes()), liveData(t, h.Bytes())*110/100)
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
	h, err := hive.Open(h.Bytes())
	require.NoError(t, err)
	i := 0
	for k, err := range rootOf(t, h).Subkeys() {
		require.NoError(t, err)
		if want := fmt.Sprintf("key%07d", i); k.Name() != want {
			require.Equal(t, want, k.Name())
		}
		i++
	}
	require.Equal(t, n, i)
	for _, name := range names {
		k, err := rootOf(t, h).Subkey(name)
		require.NoError(t, err)
		require.NoError(t, k.Delete(now))
	}
	keys, _, err := rootOf(t, h).Counts()
	require.NoError(t, err)
	require.Zero(t, keys)
	require.Less(t, len(h.Bytes()), 3*4096)
}

// TestManyValues makes, lists and deletes 200,000 values of one key.
func TestManyValues(t *testing.T) {
	const n = 200_000
	h, root := newHive(t)
	for i := range n {
		_, err := root.SetValue(fmt.Sprint("value", i), hive.DWord, []byte{byte(i), byte(i >> 8), byte(i >> 16), 0}, now)
		require.NoError(t, err)
	}
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
	h, err := hive.Open(h.Bytes())
	require.NoError(t, err)
	i := 0
	for v, err := range rootOf(t, h).Values() {
		require.NoError(t, err)
		if want := fmt.Sprint("value", i); v.Name() != want {
			require.Equal(t, want, v.Name())
		}
		i++
	}
	require.Equal(t, n, i)
	for _, i := range rand.New(rand.NewPCG(53, 54)).Perm(n) {
		v, err := rootOf(t, h).Value(fmt.Sprint("VALUE", i))
		require.NoError(t, err)
		require.NoError(t, v.Delete(now))
	}
	_, values, err := rootOf(t, h).Counts()
	require.NoError(t, err)
	require.Zero(t, values)
	require.Less(t, len(h.Bytes()), 3*4096)
}

// TestProtectedKeys tries to change keys of special kinds.
func TestProtectedKeys(t *testing.T) {
	h := open(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		{Name: "link", Flags: uint16(hive.FlagLink), Values: []hivetest.Value{{Name: hive.LinkValue, Type: uint32(hive.Link), Data: []byte("x\x00")}}},
		{Name: "predefined", Flags: uint16(hive.FlagPredefined)},
	}}}.Build().Data)
	link, err := h.Key("link")
	require.NoError(t, err)
	require.Equal(t, hive.FlagLink, link.Flags()&hive.FlagLink)
	_, err = link.CreateSubkey("x", now)
	require.ErrorIs(t, err, hive.ErrProtected)
	_, err = link.SetValue("x", hive.SZ, nil, now)
	require.ErrorIs(t, err, hive.ErrProtected)
	_, err = link.SetValue(hive.LinkValue, hive.SZ, nil, now)
	require.ErrorIs(t, err, hive.ErrProtected)
	_, err = link.SetValue(hive.LinkValue, hive.Link, []byte("y\x00"), now)
	require.NoError(t, err)
	require.ErrorIs(t, value(t, h, "link", hive.LinkValue).Rename("x", now), hive.ErrProtected)
	predefined, err := h.Key("predefined")
	require.NoError(t, err)
	_, err = predefined.SetValue("x", hive.SZ, nil, now)
	require.ErrorIs(t, err, hive.ErrProtected)
}

// TestKeysOfReadOnlyVersions tries every edit on versions that are not written.
func TestKeysOfReadOnlyVersions(t *testing.T) {
	for _, sample := range samples {
		if sample.edits {
			continue
		}
		h := open(t, sample.hive().Build().Data)
		root := rootOf(t, h)
		_, create := root.CreateSubkey("x", now)
		_, set := root.SetValue("x", hive.SZ, nil, now)
		for _, err := range []error{create, set, root.Delete(now), root.Rename("x", now), root.SetClass("x", now),
			root.SetSecurityDescriptor(nil, now), root.SetLastWriteTime(now)} {
			require.ErrorIs(t, err, hive.ErrReadOnly, sample.name)
		}
		require.False(t, h.Modified())
	}
}

// TestNothingToDo makes edits that are so already.
func TestNothingToDo(t *testing.T) {
	h, root := newHive(t)
	key, err := root.CreateSubkey("Key", now)
	require.NoError(t, err)
	_, err = key.SetValue("Value", hive.SZ, []byte("x"), now)
	require.NoError(t, err)
	require.NoError(t, key.SetClass("class", now))
	h.Seal(now)
	h = open(t, h.Bytes())
	key, err = h.CreateKey("KEY", now)
	require.NoError(t, err)
	v, err := key.SetValue("VALUE", hive.SZ, []byte("x"), now)
	require.NoError(t, err)
	require.NoError(t, v.Rename("Value", now))
	require.NoError(t, key.Rename("Key", now))
	require.NoError(t, key.SetClass("class", now))
	descriptor, err := key.SecurityDescriptor()
	require.NoError(t, err)
	require.NoError(t, key.SetSecurityDescriptor(descriptor, now))
	h.Seal(now)
	require.False(t, h.Modified())
}

// TestSharedDescriptors counts security records while keys come and go.
func TestSharedDescriptors(t *testing.T) {
	h, root := newHive(t)
	records := func() int { return strings.Count(string(h.Bytes()), "sk\x00\x00") }
	require.Equal(t, 1, records())
	for i := range 100 {
		key, err := root.CreateSubkey(fmt.Sprint(i), now)
		require.NoError(t, err)
		require.NoError(t, key.SetSecurityDescriptor([]byte(descriptors[i%len(descriptors)]), now))
	}
	require.Equal(t, 1+len(descriptors), records())
	require.NoError(t, root.SetSecurityDescriptor([]byte(descriptors[0]), now))
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
	for _, key := range all(t, root.Subkeys()) {
		require.NoError(t, key.Delete(now))
	}
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
}
