package regf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// familyNames are names that lower-case order, code point order and order by
// length would each sort wrongly.
var familyNames = []string{
	"alpha", "Beta", "_under", "[bracket", "^caret", "]close", "`grave", "{brace", "10", "9", "\u00e9t\u00e9", "\u00ff", "\u00b5", "stra\u00dfe",
	"\u03c9mega", "\u0431", "x\U0001F600", "x\ue000", "x\xED\xA0\xBD", "nul\x00inside", "alpha1", "ALPHAbet",
}

// family returns a key with n subkeys in lists of that kind.
func family(n int, list string, leafSize int) hivetest.Key {
	key := hivetest.Key{Name: "Family", List: list, LeafSize: leafSize}
	for i := range n {
		child := hivetest.Key{Name: fmt.Sprintf("Member%05d", i)}
		if i < len(familyNames) {
			child.Name = familyNames[i]
		}
		key.Subkeys = append(key.Subkeys, child)
	}
	return key
}

func familyHive(minor uint32, key hivetest.Key) *hivetest.Image {
	return hivetest.Hive{Minor: minor, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{key}}}.Build()
}

func TestFindSubkey(t *testing.T) {
	for _, c := range []struct {
		minor       uint32
		list        string
		n, leafSize int
		kind        string // of the list that the key names
	}{
		{0, "li", 40, 0, "li"}, {1, "li", 1, 0, "li"}, {2, "li", 2, 0, "li"}, {3, "lf", 1, 0, "lf"}, {3, "lf", 507, 0, "lf"}, {3, "lf", 508, 0, "ri"},
		{3, "li", 1100, 0, "ri"}, {5, "lh", 1, 0, "lh"}, {5, "lh", 507, 0, "lh"}, {5, "lh", 1600, 0, "ri"}, {5, "lh", 30, 1, "ri"}, {5, "lh", 30, 7, "ri"},
		{5, "lf", 100, 0, "lf"}, {6, "lh", 60, 0, "lh"},
	} {
		t.Run(fmt.Sprintf("1.%d %s of %d by %d", c.minor, c.list, c.n, c.leafSize), func(t *testing.T) {
			key := family(c.n, c.list, c.leafSize)
			image := familyHive(c.minor, key)
			m := parse(t, image.Data)
			k := node(t, m, "fAMILY")
			require.Equal(t, uint32(c.n), k.SubkeyCount())
			list, err := m.SubkeyList(k.SubkeyList())
			require.NoError(t, err)
			require.Equal(t, c.kind, list.Kind.String())
			require.Equal(t, c.kind == "ri", list.IsRoot())
			for _, child := range key.Subkeys {
				want := Offset(image.Key(`Family\` + child.Name).Node)
				for _, spelling := range []string{child.Name, strings.ToLower(child.Name), strings.ToUpper(child.Name)} {
					encoded := name(t, spelling)
					if encoded.Compare(name(t, child.Name)) != 0 {
						continue // upper case in Unicode, but not in Windows
					}
					found, ok, err := m.FindSubkey(k, encoded)
					require.NoError(t, err)
					require.True(t, ok, spelling)
					require.Equal(t, want, found.Offset)
					require.Equal(t, child.Name, found.Name().String())
					found, ok, err = m.searchSorted(k, encoded)
					require.NoError(t, err)
					require.True(t, ok, "%q is found without a look at all keys", spelling)
					require.Equal(t, want, found.Offset)
				}
			}
			for _, missing := range []string{"", "\x00", "alph", "alpha0", "Member99999", "zzz", "\uffff", "_", "member"} {
				_, ok, err := m.FindSubkey(k, name(t, missing))
				require.NoError(t, err)
				require.False(t, ok, missing)
			}
		})
	}
}

func TestFindSubkeyOfNone(t *testing.T) {
	m := parse(t, familyHive(5, hivetest.Key{Name: "Family"}).Data)
	_, ok, err := m.FindSubkey(node(t, m, "Family"), name(t, "x"))
	require.NoError(t, err)
	require.False(t, ok)
}

// TestSubkeys reads a list in stored order, with the hashes that stand there.
func TestSubkeys(t *testing.T) {
	for _, leafSize := range []int{0, 5} {
		key := family(40, "lh", leafSize)
		image := familyHive(5, key)
		m := parse(t, image.Data)
		k := node(t, m, "Family")
		var names []string
		for child, err := range m.Subkeys(k) {
			require.NoError(t, err)
			names = append(names, child.Name().String())
		}
		require.Equal(t, image.Key("Family").Subkeys, names)
		i := 0
		for leaf, err := range m.Leaves(k.SubkeyList()) {
			require.NoError(t, err)
			for j := range leaf.Len() {
				require.Equal(t, hivetest.NameHash(names[i]), leaf.Hash(j))
				i++
			}
		}
		require.Equal(t, 40, i)
	}
}

// TestFindSubkeyOutOfOrder shuffles the entries of the leaves, each in itself
// and then the leaves.
func TestFindSubkeyOutOfOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, leafSize := range []int{0, 8} {
		key := family(60, "lf", leafSize) // hashes would find them all
		image := familyHive(3, key)
		place := image.Key("Family")
		for _, leaf := range place.Leaves {
			entries := image.Cell(leaf)[4:]
			random.Shuffle(int(image.U16(leaf, 2)), func(i, j int) {
				var swap [8]byte
				a, b := entries[8*i:8*i+8], entries[8*j:8*j+8]
				copy(swap[:], a)
				copy(a, b)
				copy(b, swap[:])
			})
		}
		if leafSize > 0 {
			random.Shuffle(len(place.Leaves), func(i, j int) {
				a, b := image.U32(place.List, 4+4*i), image.U32(place.List, 4+4*j)
				image.Put32(place.List, 4+4*i, b)
				image.Put32(place.List, 4+4*j, a)
			})
		}
		m := parse(t, image.Data)
		k := node(t, m, "Family")
		missed := 0
		for _, child := range key.Subkeys {
			if _, ok, _ := m.searchSorted(k, name(t, child.Name)); !ok {
				missed++
			}
			found, ok, err := m.FindSubkey(k, name(t, child.Name))
			require.NoError(t, err)
			require.True(t, ok, child.Name)
			require.Equal(t, child.Name, found.Name().String())
		}
		require.NotZero(t, missed, "the search by halves cannot do it alone")
	}
}

// TestFindSubkeyPastDamage destroys one subkey, or one leaf, after the other:
// all others are found, and what is lost is an error and not absent.
func TestFindSubkeyPastDamage(t *testing.T) {
	key := family(24, "lh", 6)
	built := familyHive(5, key)
	place := built.Key("Family")
	for at, lost := range place.Subkeys {
		image := built.Clone()
		image.Put16(image.Key(`Family\`+lost).Node, 0, 0)
		m := parse(t, image.Data)
		k := node(t, m, "Family")
		for _, other := range place.Subkeys {
			_, ok, err := m.FindSubkey(k, name(t, other))
			require.Equal(t, other != lost, ok)
			require.Equal(t, other == lost, errors.Is(err, ErrCorrupt))
		}
		count, failed := 0, 0
		for _, err := range m.Subkeys(k) {
			if err != nil {
				require.Equal(t, at, count+failed)
				failed++
				continue
			}
			count++
		}
		require.Equal(t, 23, count)
		require.Equal(t, 1, failed)
	}
	for i, leaf := range place.Leaves {
		image := built.Clone()
		image.Put16(leaf, 0, 0)
		m := parse(t, image.Data)
		k := node(t, m, "Family")
		for j, other := range place.Subkeys {
			_, ok, err := m.FindSubkey(k, name(t, other))
			require.Equal(t, j/6 != i, ok)
			require.Equal(t, j/6 == i, errors.Is(err, ErrCorrupt))
		}
	}
}

// TestLoopsInLists reads lists that lead back to themselves, and lists of lists
// that multiply.
func TestLoopsInLists(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		switch mutation.Name {
		case "ri-holds-itself", "ri-holds-ri", "ri-chain-with-fan-out", "ri-chain-deep", "subkey-list-beyond-bins", "list-signature-wrong":
		default:
			continue
		}
		t.Run(mutation.Name, func(t *testing.T) {
			m := parse(t, mutation.Build().Data)
			k := node(t, m)
			for part := range strings.SplitSeq(mutation.Path, `\`) {
				child, found, _ := m.FindSubkey(k, name(t, part))
				require.True(t, found)
				k = child
			}
			_, found, err := m.FindSubkey(k, name(t, "there is no such key"))
			require.False(t, found)
			damage := &FormatError{}
			require.ErrorAs(t, err, &damage)
			steps := 0
			for range m.Subkeys(k) {
				steps++
			}
			require.Less(t, steps, 2000)
		})
	}
}

// TestListsThatMultiply has an index root name one leaf a thousand times, in
// which one key stands a thousand times.
func TestListsThatMultiply(t *testing.T) {
	const n = 1000
	image := familyHive(5, hivetest.Key{Name: "Family", Subkeys: []hivetest.Key{{Name: "Only"}}})
	place := image.Key("Family")
	only := image.Key(`Family\Only`).Node
	repeat := func(signature string, off uint32) Offset {
		b := binary.LittleEndian.AppendUint16([]byte(signature), n)
		for range n {
			b = binary.LittleEndian.AppendUint32(b, off)
		}
		return newCell(image, len(b), b)
	}
	root := repeat("ri", uint32(repeat("li", only)))
	image.Put32(place.Node, hivetest.NodeList, uint32(root))
	image.Put32(place.Node, hivetest.NodeSubkeys, n*n)
	m := parse(t, image.Data)
	k := node(t, m, "Family")
	steps := 0
	var last error
	for _, err := range m.Subkeys(k) {
		steps++
		last = err
	}
	require.LessOrEqual(t, steps, int(m.BinsSize()/4)+1, "an entry takes at least 4 bytes")
	requireCorrupt(t, last, CodeSubkeyList, root.File(), fmt.Sprintf("subkey list at %#x: has more entries than the hive has room for (%d)", root.File(), m.BinsSize()/4))
	_, found, err := m.FindSubkey(k, name(t, "missing"))
	require.False(t, found)
	require.ErrorIs(t, err, ErrCorrupt)
	_, found, err = m.FindSubkey(k, name(t, "only"))
	require.True(t, found)
	require.NoError(t, err)
}

func TestFindValue(t *testing.T) {
	key := hivetest.Key{Name: "Family"}
	for i, n := range append(slices.Clone(familyNames), "", `back\slash`) {
		key.Values = append(key.Values, hivetest.Value{Name: n, Type: hivetest.TypeDWORD, Data: hivetest.DWORD(uint32(i))})
	}
	for _, minor := range []uint32{1, 2, 3, 5} {
		image := familyHive(minor, key)
		m := parse(t, image.Data)
		k := node(t, m, "Family")
		for i, value := range key.Values {
			for _, spelling := range []string{value.Name, strings.ToUpper(value.Name), strings.ToLower(value.Name)} {
				if name(t, spelling).Compare(name(t, value.Name)) != 0 {
					continue
				}
				v := record(t, m, k, spelling)
				require.Equal(t, value.Name, v.Name().String())
				require.Equal(t, uint32(hivetest.TypeDWORD), v.Type())
				data, err := m.ValueData(v)
				require.NoError(t, err)
				require.Equal(t, hivetest.DWORD(uint32(i)), data)
			}
		}
		_, found, err := m.FindValue(k, name(t, "missing"))
		require.NoError(t, err)
		require.False(t, found)
	}
}

// TestFindValuePastDamage destroys the first of two values of one name.
func TestFindValuePastDamage(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		image := familyHive(minor, hivetest.Key{Name: "Family", Values: []hivetest.Value{
			{Name: "a", Data: hivetest.DWORD(1)}, {Name: "b", Data: hivetest.DWORD(2)}, {Name: "c", Data: hivetest.DWORD(3)},
		}})
		first := image.Value("Family", "a").Record
		image.Cell(image.Value("Family", "b").Record)[hivetest.RecordName] = 'A'
		m := parse(t, image.Data)
		require.Equal(t, Offset(first), record(t, m, node(t, m, "Family"), "A").Offset, "the first wins")

		image.Put16(first, 0, 0)
		m = parse(t, image.Data)
		k := node(t, m, "Family")
		require.NotEqual(t, Offset(first), record(t, m, k, "A").Offset)
		require.Equal(t, []byte{3, 0, 0, 0}, must(m.ValueData(record(t, m, k, "c"))))
		_, found, err := m.FindValue(k, name(t, "missing"))
		require.False(t, found)
		requireCorrupt(t, err, CodeValueRecord, Offset(first).File(), fmt.Sprintf("vk at %#x: signature is \"\\x00\\x00\", want \"vk\"", Offset(first).File()))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestReadData reads data around the lengths where its place changes.
func TestReadData(t *testing.T) {
	for _, minor := range []uint32{2, 3, 4, 5} {
		for _, n := range []int{0, 1, 3, 4, 5, 6, 4096, 16343, 16344, 16345, 16380, 16381, 2*16344 - 1, 2 * 16344, 2*16344 + 1, 3 * 16344, 3*16344 + 1, 1<<20 - 4} {
			want := hivetest.Noise(n, uint32(n))
			if n > 2 {
				copy(want, "db") // data is never known by its bytes
			}
			image := familyHive(minor, hivetest.Key{Name: "Family", Values: []hivetest.Value{{Name: "v", Type: hivetest.TypeBinary, Data: want}}})
			m := parse(t, image.Data)
			v := record(t, m, node(t, m, "Family"), "v")
			require.Equal(t, uint32(n), v.DataLength())
			require.Equal(t, n <= 4, v.Inline())
			got, err := m.ValueData(v)
			require.NoError(t, err)
			require.Equal(t, want, append([]byte{}, got...), "1.%d, %d bytes", minor, n)
			if minor >= 4 && n > 16344 {
				d, err := m.BigData(v.Data())
				require.NoError(t, err)
				require.Equal(t, uint32(math.Ceil(float64(n)/16344)), d.Count())
			}
		}
	}
}
