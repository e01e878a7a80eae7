package diff

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// randomNames differ also by more than case where they look alike.
var randomNames = []string{"a", "A1", "Aa", "b", "B_", "b[", "Ключ", "ÿ", "Ÿ2", "zz", "Straße", "Σς", "\xed\xa0\x80", "😀", "x\x00y"}

// TestRandom compares random trees with changed copies of them and holds the
// result against a comparison of the literals.
func TestRandom(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		a := hivetest.Hive{Minor: 3 + 2*uint32(seed%2), Root: hivetest.Key{Name: "ROOT"}}
		grow(random, &a.Root, 3)
		b := hivetest.Hive{Minor: 5, Root: change(random, a.Root)}
		b.Root.Name = "ROOT"
		var want []string
		compareKeys(&want, "", &a.Root, &b.Root)
		got := describeAll(t, build(t, a), build(t, b), Options{})
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, got, "seed %d", seed)
	}
}

// grow gives a key random values and subkeys.
func grow(random *rand.Rand, key *hivetest.Key, depth int) {
	for _, i := range random.Perm(len(randomNames))[:random.IntN(len(randomNames))] {
		key.Values = append(key.Values, randomValue(random, randomNames[i]))
	}
	if depth == 0 {
		return
	}
	for _, i := range random.Perm(len(randomNames))[:random.IntN(6)] {
		key.Subkeys = append(key.Subkeys, hivetest.Key{Name: randomNames[i]})
		grow(random, &key.Subkeys[len(key.Subkeys)-1], depth-1)
	}
}

func randomValue(random *rand.Rand, name string) hivetest.Value {
	sizes := []int{0, 1, 4, 5, 20, 16344, 16345}
	size := sizes[random.IntN(len(sizes)-random.IntN(2)*2)]
	return hivetest.Value{Name: name, Type: uint32(random.IntN(12)), Data: hivetest.Noise(size, random.Uint32())}
}

// change returns a copy of a key in which some things are otherwise.
func change(random *rand.Rand, key hivetest.Key) hivetest.Key {
	changed := hivetest.Key{Name: key.Name}
	for _, value := range key.Values {
		switch random.IntN(12) {
		case 0:
			continue
		case 1:
			value = randomValue(random, value.Name)
		case 2:
			value.Name = strings.ToUpper(value.Name)
			if hivetest.CompareNames(value.Name, key.Values[0].Name) == 0 {
				value.Name = key.Values[0].Name
			}
		}
		if changed.Value(value.Name) == nil {
			changed.Values = append(changed.Values, value)
		}
	}
	if random.IntN(3) == 0 {
		changed.SetValue(randomValue(random, randomNames[random.IntN(len(randomNames))]))
	}
	for _, subkey := range key.Subkeys {
		if random.IntN(8) > 0 {
			changed.Subkeys = append(changed.Subkeys, change(random, subkey))
		}
	}
	if name := randomNames[random.IntN(len(randomNames))]; changed.Subkey(name) == nil {
		changed.Subkeys = append(changed.Subkeys, hivetest.Key{Name: name})
		grow(random, &changed.Subkeys[len(changed.Subkeys)-1], 1)
	}
	return changed
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + `\` + name
}

// compareKeys is the model: it looks each name up on the other side.
func compareKeys(lines *[]string, path string, a, b *hivetest.Key) {
	for i := range a.Values {
		value := &a.Values[i]
		other := b.Value(value.Name)
		if other == nil {
			*lines = append(*lines, fmt.Sprintf("- %s @%s", path, value.Name))
			continue
		}
		var differ Aspects
		if value.Name != other.Name {
			differ |= Spelling
		}
		if value.Type != other.Type {
			differ |= Type
		}
		if string(value.Data) != string(other.Data) {
			differ |= Data
		}
		if differ != 0 {
			*lines = append(*lines, fmt.Sprintf("! %s @%s: %s", path, value.Name, differ))
		}
	}
	for i := range b.Values {
		if a.Value(b.Values[i].Name) == nil {
			*lines = append(*lines, fmt.Sprintf("+ %s @%s", path, b.Values[i].Name))
		}
	}
	for i := range a.Subkeys {
		subkey := &a.Subkeys[i]
		if other := b.Subkey(subkey.Name); other != nil {
			compareKeys(lines, below(path, subkey.Name), subkey, other)
		} else {
			listKey(lines, "-", below(path, subkey.Name), subkey)
		}
	}
	for i := range b.Subkeys {
		if subkey := &b.Subkeys[i]; a.Subkey(subkey.Name) == nil {
			listKey(lines, "+", below(path, subkey.Name), subkey)
		}
	}
}

func listKey(lines *[]string, mark, path string, key *hivetest.Key) {
	*lines = append(*lines, mark+" "+path)
	mark = mark[:1] + "."
	for i := range key.Values {
		*lines = append(*lines, fmt.Sprintf("%s %s @%s", mark, path, key.Values[i].Name))
	}
	for i := range key.Subkeys {
		listKey(lines, mark, below(path, key.Subkeys[i].Name), &key.Subkeys[i])
	}
}

// TestRealHives: every real hive that can be opened, sound or not, is equal to
// itself, and all that is in a sound one is missing in an empty one.
func TestRealHives(t *testing.T) {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	hives, keys := 0, 0
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		h, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
		if err != nil {
			return nil // a log, or no hive at all
		}
		hives++
		for difference, err := range Hives(h, h, Options{Compare: All}) {
			require.Error(t, err, "%s: %s", path, describe(difference))
		}
		empty := build(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}})
		wantKeys, wantValues, sound := sizes(h)
		if !sound {
			return nil
		}
		gotKeys, gotValues := 0, 0
		for difference, err := range Hives(h, empty, Options{}) {
			require.NoError(t, err, path)
			if difference.IsValue {
				gotValues++
			} else {
				gotKeys++
			}
		}
		require.Equal(t, [2]int{wantKeys, wantValues}, [2]int{gotKeys, gotValues}, path)
		keys += wantKeys
		return nil
	}))
	t.Logf("%d hives, %d keys", hives, keys)
	require.Greater(t, hives, 20)
}

// sizes counts the keys below the root and all values by the public interface.
func sizes(h *hive.Hive) (keys, values int, sound bool) {
	for key, err := range h.Walk() {
		if err != nil {
			return 0, 0, false
		}
		keys++
		for value, err := range key.Values() {
			if err != nil {
				return 0, 0, false
			}
			if _, err := value.Data(); err != nil {
				return 0, 0, false
			}
			values++
		}
	}
	return keys - 1, values, true
}
