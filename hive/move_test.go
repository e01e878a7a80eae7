package hive_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/diff"
	"hivepatch/hive/hivetest"
)

// chain is a key with that many levels, itself included.
func chain(name string, levels int) hivetest.Key {
	key := hivetest.Key{Name: name, Class: "class of " + name, Values: []hivetest.Value{{Name: "v", Type: 1, Data: hivetest.SZ(name)}}}
	if levels > 1 {
		below := name + "x"
		if levels > 10 {
			below = name // longer ones would not be allowed
		}
		key.Subkeys = []hivetest.Key{chain(below, levels-1)}
	}
	return key
}

// TestMove moves a subtree: all of it is at the new place as it was, with classes,
// descriptors and times, nothing is at the old one, and the hive is sound.
func TestMove(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		for _, move := range []struct{ from, to, name string }{
			{"a", "b", "a"}, {"a", `b\bx`, "new"}, {`a\ax`, "", "Ключ"}, {`a\ax`, "b", "A" + strings.Repeat("z", 200)}, {`a\ax\axx`, "many", "k0500x"}, {`many\k0300`, "b", "k"},
		} {
			t.Run(fmt.Sprintf("1.%d %s", minor, move), func(t *testing.T) {
				many := hivetest.Key{Name: "many", Subkeys: numberedKeys(1100, "k%04d")}
				a := chain("a", 4)
				a.Subkeys[0].Security = hivetest.Descriptor(hivetest.SID(5, 21, 1, 2, 3, 500), hivetest.SIDUsers)
				before := hivetest.Hive{Minor: minor, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{a, chain("b", 3), many}}}.Build().Data
				h := open(t, bytes.Clone(before))
				key, target := mustGet(h.Key(move.from)), mustGet(h.Key(move.to))
				require.NoError(t, key.Move(target, move.name, now))
				path := strings.TrimPrefix(move.to+`\`+move.name, `\`)
				require.Equal(t, []string{path, move.name}, []string{key.Path(), key.Name()})
				require.Equal(t, now, key.LastWriteTime())
				h.Seal(now)
				check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })

				h = open(t, bytes.Clone(h.Bytes()))
				_, err := h.Key(move.from)
				require.ErrorIs(t, err, hive.ErrNotFound)
				old := open(t, before)
				for d, err := range diff.Hives(old, h, diff.Options{Compare: diff.Class | diff.Security | diff.Flags | diff.Times, KeyA: move.from, KeyB: path}) {
					require.NoError(t, err)
					require.Equal(t, move.from, d.Path, "below the key that was moved")
					require.Zero(t, d.Aspects&^(diff.Times|diff.Spelling), d.Aspects.Names())
				}
				for _, above := range []string{move.to, move.from[:max(strings.LastIndexByte(move.from, '\\'), 0)]} {
					require.Equal(t, now, mustGet(h.Key(above)).LastWriteTime(), above)
				}
			})
		}
	}
}

// TestMoveRefuses: what cannot be moved stays, and so does every byte.
func TestMoveRefuses(t *testing.T) {
	link := hivetest.Key{Name: "link", Flags: hivetest.KeySymbolicLink, Values: []hivetest.Value{{Name: "SymbolicLinkValue", Type: 6, Data: hivetest.Link(`\Registry`)}}}
	data := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{chain("a", 3), chain("b", 3), chain("deep", 510), link}}}.Build().Data
	for name, test := range map[string]struct {
		from, to, name string
		want           error
	}{
		"the root":         {"", "b", "r", hive.ErrProtected},
		"into itself":      {"a", "a", "new", hive.ErrProtected},
		"below itself":     {"a", `a\ax\axx`, "new", hive.ErrProtected},
		"name taken":       {"a", "b", "BX", hive.ErrExists},
		"backslash":        {"a", "b", `x\y`, hive.ErrName},
		"no name":          {"a", "b", "", hive.ErrName},
		"long name":        {"a", "b", strings.Repeat("n", 256), hive.ErrTooLarge},
		"below a link":     {"a", "link", "a", hive.ErrProtected},
		"below 512 levels": {"deep", `b\bx`, "deep", hive.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, bytes.Clone(data))
			err := mustGet(h.Key(test.from)).Move(mustGet(h.Key(test.to)), test.name, now.Add(time.Hour))
			require.ErrorIs(t, err, test.want)
			require.Empty(t, h.Changes())
		})
	}
	h := open(t, bytes.Clone(data)) // 510 levels below the first are 511, below the second 512, with the root
	require.NoError(t, mustGet(h.Key("deep")).Move(mustGet(h.Key("b")), "deep", now))
	h.Seal(now)
	check.Bytes(h.Bytes(), func(f check.Finding) { require.Fail(t, f.String()) })
	require.NoError(t, mustGet(h.Key("a")).Move(mustGet(h.Root()), "A", now), "in its place it is a new name")
	require.Equal(t, "A", mustGet(h.Key("a")).Name())
}
