package hive_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// TestReadsWhatWasBuilt compares every key and value with the literal that the
// hive was built from.
func TestReadsWhatWasBuilt(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			built := sample.hive()
			image := built.Build()
			h := open(t, image.Data)
			keys := 0
			built.Keys(func(path string, want *hivetest.Key) {
				keys++
				key, err := h.Key(path)
				require.NoError(t, err)
				require.Equal(t, want.Name, key.Name())
				require.Equal(t, path, key.Path())
				require.Equal(t, hivetest.FileOffset(image.Key(path).Node), key.Offset())
				class, err := key.Class()
				require.NoError(t, err)
				require.Equal(t, want.Class, class)
				written := want.Time
				if written == 0 {
					written = hivetest.LastWritten
				}
				require.Equal(t, written, hivetest.Filetime(key.LastWriteTime()))
				security, err := key.SecurityDescriptor()
				require.NoError(t, err)
				require.Equal(t, descriptorAt(image, path), security)
				subkeys, values, err := key.Counts()
				require.NoError(t, err)
				require.Len(t, want.Subkeys, subkeys)
				require.Len(t, want.Values, values)

				var names []string
				for child, err := range key.Subkeys() {
					require.NoError(t, err)
					names = append(names, child.Name())
					require.Equal(t, strings.TrimPrefix(path+`\`+child.Name(), `\`), child.Path())
				}
				require.Equal(t, image.Key(path).Subkeys, names)
				requireValues(t, key, want.Values)
			})
			walked := 0
			for key, err := range h.Walk() {
				require.NoError(t, err)
				require.Equal(t, hivetest.FileOffset(image.Key(key.Path()).Node), key.Offset())
				walked++
			}
			require.Equal(t, keys, walked)
		})
	}
}

func descriptorAt(image *hivetest.Image, path string) []byte {
	for _, place := range image.Securities {
		if place.Cell == image.Key(path).Security {
			return place.Descriptor
		}
	}
	return nil
}

func requireValues(t *testing.T, key *hive.Key, want []hivetest.Value) {
	i := 0
	for v, err := range key.Values() {
		require.NoError(t, err)
		require.Equal(t, want[i].Name, v.Name())
		require.Equal(t, hive.Type(want[i].Type), v.Type())
		require.Equal(t, append([]byte{}, want[i].Data...), append([]byte{}, dataOf(t, v)...), v.Name())
		require.Equal(t, key, v.Key())
		for _, spelling := range []string{want[i].Name, strings.ToUpper(want[i].Name)} {
			if hivetest.CompareNames(spelling, want[i].Name) != 0 {
				continue
			}
			found, err := key.Value(spelling)
			require.NoError(t, err)
			require.Equal(t, v.Offset(), found.Offset())
		}
		i++
	}
	require.Len(t, want, i)
}

func TestKeyPaths(t *testing.T) {
	h := open(t, hivetest.Windows10().Build().Data)
	const want = `ControlSet001\Control\Session Manager\SubSystems`
	for _, path := range []string{
		want, strings.ToLower(want), strings.ToUpper(want), `\` + want, want + `\`, strings.ReplaceAll(want, `\`, `\\`),
		`CurrentControlSet\Control\Session Manager\SubSystems`, `\currentcontrolset\CONTROL\Session Manager\SubSystems`,
	} {
		key, err := h.Key(path)
		require.NoError(t, err, path)
		require.Equal(t, want, key.Path())
		require.Equal(t, "SubSystems", key.Name())
		var names []string
		for _, above := range key.Ancestry() {
			names = append(names, above.Name())
		}
		require.Equal(t, []string{"ROOT", "ControlSet001", "Control", "Session Manager", "SubSystems"}, names)
	}
	for _, path := range []string{"", `\`, `\\`} {
		key, err := h.Key(path)
		require.NoError(t, err)
		require.Equal(t, "ROOT", key.Name())
	}
	key, err := h.Key("CurrentControlSet")
	require.NoError(t, err)
	require.Equal(t, "ControlSet001", key.Path())
}

func TestKeyNotFound(t *testing.T) {
	h := open(t, hivetest.Windows10().Build().Data)
	for path, text := range map[string]string{
		`Select\None`:                `key Select\None: not found`,
		`None`:                       `key None: not found`,
		`ControlSet001\None\Control`: `key ControlSet001\None: not found`,
		`ROOT`:                       `key ROOT: not found`,
		`CurrentControlSet2`:         `key CurrentControlSet2: not found`,
		"CurrentControl\u017fet":     "key CurrentControl\u017fet: not found", // a long s, which Windows keeps apart from s
		`Control/Session Manager`:    `key \Control/Session Manager: not found`,
	} {
		_, err := h.Key(path)
		require.ErrorIs(t, err, hive.ErrNotFound)
		require.EqualError(t, err, text)
	}
	_, err := h.Key("Sel\xFFect")
	require.NotErrorIs(t, err, hive.ErrNotFound)
	require.EqualError(t, err, "name is not valid UTF-8 at byte 3")

	key, err := h.Key("Select")
	require.NoError(t, err)
	_, err = key.Value("None")
	require.ErrorIs(t, err, hive.ErrNotFound)
	require.EqualError(t, err, `value None of key Select: not found`)
	_, err = key.Value("")
	require.ErrorIs(t, err, hive.ErrNotFound)
	_, err = key.Value("\xFF")
	require.EqualError(t, err, "name is not valid UTF-8 at byte 0")
}

// TestWalkEnds walks every damaged hive: it ends, each key comes once, and
// what is lost is an error that names a place.
func TestWalkEnds(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			data := mutation.Build().Data
			h, err := hive.Open(data, hive.Tolerant(), hive.IgnoreDirty())
			if err != nil {
				return
			}
			seen := map[int64]bool{}
			errors := 0
			for key, err := range h.Walk() {
				if err != nil {
					require.ErrorIs(t, err, hive.ErrCorrupt)
					errors++
					require.Less(t, errors, 5000)
					continue
				}
				require.False(t, seen[key.Offset()])
				seen[key.Offset()] = true
				readAll(key)
			}
			require.LessOrEqual(t, len(seen), len(data)/80)
		})
	}
}

func TestWalkOfACycle(t *testing.T) {
	image := hivetest.Windows10().Build()
	deep := image.Key(hivetest.Windows10Depth)
	root := image.Key("")
	image.Put32(deep.Node, hivetest.NodeSubkeys, image.U32(root.Node, hivetest.NodeSubkeys))
	image.Put32(deep.Node, hivetest.NodeList, root.List)
	h := open(t, image.Data)
	var errors []string
	keys := 0
	for _, err := range h.Walk() {
		if err != nil {
			errors = append(errors, err.Error())
			continue
		}
		keys++
	}
	require.Equal(t, len(image.Keys), keys)
	require.Len(t, errors, len(root.Subkeys), "each of the root's subkeys comes a second time")
	// The first to come twice is the one that the walk is below.
	place := image.Key(root.Subkeys[0])
	require.Equal(t, fmt.Sprintf("nk at %#x: is reached a second time, from the key at %#x", hivetest.FileOffset(place.Node), hivetest.FileOffset(deep.Node)), errors[0])
}

// TestWalkOfSharedLists has each of many keys claim all of them as its own.
func TestWalkOfSharedLists(t *testing.T) {
	built := hivetest.Windows10()
	root := hivetest.Key{Name: "ROOT"}
	for i := range 500 {
		root.Subkeys = append(root.Subkeys, hivetest.Key{Name: fmt.Sprintf("Key%04d", i)})
	}
	built.Root = root
	image := built.Build()
	place := image.Key("")
	for _, name := range place.Subkeys {
		image.Put32(image.Key(name).Node, hivetest.NodeSubkeys, 500)
		image.Put32(image.Key(name).Node, hivetest.NodeList, place.List)
	}
	h := open(t, image.Data)
	keys, steps := 0, 0
	var last error
	for key, err := range h.Walk() {
		steps++
		if key != nil {
			keys++
		}
		last = err
	}
	room := int(image.BinsSize() / 4)
	require.LessOrEqual(t, steps, room+2)
	require.ErrorIs(t, last, hive.ErrCorrupt)
	require.ErrorContains(t, last, "walk ends here")
	require.Positive(t, keys)
}

func TestWalkDepth(t *testing.T) {
	for n, lost := range map[int]int{509: 0, 510: 0, 511: 1, 600: 1} {
		h := open(t, hivetest.Deep(n).Build().Data)
		deepest, errors := 0, []error{}
		for key, err := range h.Walk() {
			if err != nil {
				errors = append(errors, err)
				continue
			}
			deepest = max(deepest, len(key.Ancestry()))
		}
		require.Equal(t, min(n+2, hive.MaxDepth), deepest)
		require.Len(t, errors, lost)
		for _, err := range errors {
			require.ErrorIs(t, err, hive.ErrCorrupt)
			require.ErrorContains(t, err, "lies deeper than 512 levels")
		}
	}
}

func TestIterationsStopWhenTold(t *testing.T) {
	image := hivetest.Windows10().Build()
	place := image.Key("Select")
	image.Put16(place.Values[0].Record, 0, 0)
	image.Put16(image.Key("Setup").Node, 0, 0)
	h := open(t, image.Data)
	root, err := h.Root()
	require.NoError(t, err)
	key, err := h.Key("Select")
	require.NoError(t, err)
	for stop := range 30 {
		steps := 0
		for range h.Walk() {
			if steps++; steps > stop {
				break
			}
		}
		require.Equal(t, stop+1, steps)
	}
	for range root.Subkeys() {
		break
	}
	failed := 0
	for _, err := range key.Values() {
		if err != nil {
			failed++
			break
		}
	}
	require.Equal(t, 1, failed)
	for _, err := range root.Subkeys() {
		if err != nil {
			failed++
			break
		}
	}
	require.Equal(t, 2, failed)
	for range key.Values() {
		break
	}
}

// TestDamageIsAnError reads what is damaged through every method.
func TestDamageIsAnError(t *testing.T) {
	image := hivetest.Windows10().Build()
	wpa := image.Key("WPA")
	image.Put32(wpa.Node, hivetest.NodeSecurity, 0xFFFFFFFF)
	image.Put32(wpa.Node, hivetest.NodeValues, 3)
	image.Put32(wpa.Node, hivetest.NodeSubkeys, 3)
	image.Put16(wpa.Node, hivetest.NodeClassLength, 10)
	image.Put16(image.Value("RNG", "Seed").Record, 0, 0)
	h := open(t, image.Data)
	key, err := h.Key("WPA")
	require.NoError(t, err)
	_, err = key.Class()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = key.SecurityDescriptor()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = key.Subkey("x")
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = key.Value("x")
	require.ErrorIs(t, err, hive.ErrCorrupt)
	for range 2 {
		for _, err := range key.Subkeys() {
			require.ErrorIs(t, err, hive.ErrCorrupt)
		}
		for _, err := range key.Values() {
			require.ErrorIs(t, err, hive.ErrCorrupt)
		}
	}
	rng, err := h.Key("RNG")
	require.NoError(t, err)
	_, err = rng.Value("Seed")
	damage := &hive.FormatError{}
	require.ErrorAs(t, err, &damage)
	require.Equal(t, hivetest.FileOffset(image.Value("RNG", "Seed").Record), damage.Off)

	image.Put16(image.Key("").Node, 0, 0)
	h = open(t, image.Data)
	_, err = h.Root()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = h.Key("WPA")
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = h.Select()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	for _, err := range h.Walk() {
		require.ErrorIs(t, err, hive.ErrCorrupt)
	}
}

// TestKeyWhoseCellIsGone asks a key after its cell was overwritten, as nothing
// in this package does.
func TestKeyWhoseCellIsGone(t *testing.T) {
	image := hivetest.Windows10().Build()
	h, err := hive.Open(image.Data)
	require.NoError(t, err)
	key, err := h.Key("WPA")
	require.NoError(t, err)
	seed := value(t, h, "RNG", "Seed")
	binary.LittleEndian.PutUint16(h.Bytes()[key.Offset()+4:], 0)
	binary.LittleEndian.PutUint16(h.Bytes()[seed.Offset()+4:], 0)
	require.Equal(t, time.Time{}, key.LastWriteTime())
	_, _, err = key.Counts()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = key.Class()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	_, err = key.SecurityDescriptor()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	require.Equal(t, hive.None, seed.Type())
	_, err = seed.Data()
	require.ErrorIs(t, err, hive.ErrCorrupt)
	require.ErrorIs(t, seed.SetData(hive.SZ, nil, now), hive.ErrCorrupt)
}

func TestTypeNames(t *testing.T) {
	for kind, want := range map[hive.Type]string{
		hive.None: "REG_NONE", hive.SZ: "REG_SZ", hive.ExpandSZ: "REG_EXPAND_SZ", hive.Binary: "REG_BINARY", hive.DWord: "REG_DWORD",
		hive.DWordBigEndian: "REG_DWORD_BIG_ENDIAN", hive.Link: "REG_LINK", hive.MultiSZ: "REG_MULTI_SZ", hive.ResourceList: "REG_RESOURCE_LIST",
		hive.FullResourceDescriptor: "REG_FULL_RESOURCE_DESCRIPTOR", hive.ResourceRequirementsList: "REG_RESOURCE_REQUIREMENTS_LIST",
		hive.QWord: "REG_QWORD", 12: "0xc", 0xFFFF0012: "0xffff0012", math.MaxUint32: "0xffffffff",
	} {
		require.Equal(t, want, kind.String())
	}
}
