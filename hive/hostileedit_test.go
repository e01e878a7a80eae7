package hive_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// an index root whose list is out of order; the second leaf is full.
func TestSplitOfUnsortedListPanics(t *testing.T) {
	root := hivetest.Key{Name: "r", Subkeys: numberedKeys(1014, "k%04d")}
	image := hivetest.Hive{Minor: 5, Root: root}.Build()
	place := image.Key("")
	require.Len(t, place.Leaves, 2)
	// swap two entries of the first leaf
	leaf := place.Leaves[0]
	a, b := image.U32(leaf, 4), image.U32(leaf, 12)
	ha, hb := image.U32(leaf, 8), image.U32(leaf, 16)
	image.Put32(leaf, 4, b)
	image.Put32(leaf, 8, hb)
	image.Put32(leaf, 12, a)
	image.Put32(leaf, 16, ha)
	h := open(t, image.Data)
	r := mustGet(h.Root())
	require.NotPanics(t, func() { _, err := r.CreateSubkey("k1000x", now); t.Log(err) })
}

// a key without a name, alone in the first leaf.
func TestSplitWithNamelessKeyPanics(t *testing.T) {
	root := hivetest.Key{Name: "r", Subkeys: numberedKeys(508, "k%04d"), LeafSize: 507}
	image := hivetest.Hive{Minor: 5, Root: root}.Build()
	place := image.Key("")
	// swap the leaves in the root: [1 entry][507 entries], and the one has no name
	x, y := image.U32(place.List, 4), image.U32(place.List, 8)
	image.Put32(place.List, 4, y)
	image.Put32(place.List, 8, x)
	image.Put16(image.Key("k0507").Node, hivetest.NodeNameLength, 0)
	h := open(t, image.Data)
	r := mustGet(h.Root())
	require.NotPanics(t, func() { _, err := r.CreateSubkey("k0100x", now); t.Log(err) })
}

func repeatedLeaf(t *testing.T, nameless bool, first, rest string) []byte {
	const n, m = 60000, 60000
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{{Name: first}, {Name: rest}}}}.Build()
	a, b := image.Key(first).Node, image.Key(rest).Node
	if nameless {
		image.Put16(b, hivetest.NodeNameLength, 0)
		a = b
	}
	bin := image.AddBin(0x100000)
	_ = bin
	leaf := image.Allocate(4 + 8*n)
	data := image.Cell(leaf)
	copy(data, "lh")
	le.PutUint16(data[2:], n)
	for i := range n {
		le.PutUint32(data[4+8*i:], b)
	}
	le.PutUint32(data[4:], a)
	ri := image.Allocate(4 + 4*m)
	data = image.Cell(ri)
	copy(data, "ri")
	le.PutUint16(data[2:], m)
	for i := range m {
		le.PutUint32(data[4+4*i:], leaf)
	}
	image.Put32(image.Key("").Node, hivetest.NodeList, ri)
	image.Put32(image.Key("").Node, 20, 1000)
	hivetest.FixChecksum(image.Data)
	t.Logf("%d bytes", len(image.Data))
	return image.Data
}

func within(t *testing.T, limit time.Duration, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatal("does not end")
	}
}

// a look-up in a list of nameless keys, one leaf named 60,000 times.
func TestLookupInRepeatedLeafHangs(t *testing.T) {
	h := open(t, repeatedLeaf(t, true, "a", "b"))
	r := mustGet(h.Root())
	within(t, time.Minute, func() { _, err := r.Subkey("zz"); t.Log(err) })
}

// renaming in a list in which one leaf is named 60,000 times.
func TestRenameInRepeatedLeafHangs(t *testing.T) {
	h := open(t, repeatedLeaf(t, false, "zz", "a"))
	r := mustGet(h.Root())
	k, err := r.Subkey("zz")
	require.NoError(t, err)
	within(t, time.Minute, func() { t.Log(k.Rename("ZZ", now)) })
}

// crowd has values whose churn makes the hive be laid out anew.
func crowdBeside(t testing.TB, n int, more ...hivetest.Value) *hive.Hive {
	key := hivetest.Key{Name: "a", Subkeys: []hivetest.Key{{Name: "below"}}, Values: more}
	for i := range n {
		key.Values = append(key.Values, hivetest.Value{Name: fmt.Sprint("v", i), Type: hivetest.TypeBinary, Data: hivetest.Noise(500, uint32(i))})
	}
	return open(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{key}}}.Build().Data)
}

func churnUntilMoved(t testing.TB, h *hive.Hive, witness *hive.Value) {
	k := mustGet(h.Key("a"))
	random := rand.New(rand.NewPCG(41, 42))
	place := witness.Offset()
	for range 100_000 {
		v := mustGet(k.Value(fmt.Sprint("v", 10+random.IntN(200))))
		n := random.IntN(1000)
		require.NoError(t, v.SetData(hive.Binary, hivetest.Noise(n, uint32(n)), now))
		if witness.Offset() != place {
			return
		}
	}
	t.Fatal("never")
}

// Size, DataPieces and Tombstone of a handle after all cells have moved.
func TestSizeAfterTidy(t *testing.T) {
	h := crowdBeside(t, 300)
	k := mustGet(h.Key("a"))
	v, witness := mustGet(k.Value("v299")), mustGet(k.Value("v298"))
	want := mustGet(v.Data())
	churnUntilMoved(t, h, witness)
	require.EqualValues(t, 500, v.Size())
	pieces, err := v.DataPieces()
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, bytes.Join(pieces, nil)))
}

// the second of two values of one name.
func TestDuplicateValueHandleAfterTidy(t *testing.T) {
	h := crowdBeside(t, 300, hivetest.Value{Name: "twin", Type: 3, Data: []byte("first one")}, hivetest.Value{Name: "twim", Type: 3, Data: []byte("second one")})
	// make the two names equal, as Windows loads them
	raw := bytes.Clone(h.Bytes())
	copy(raw[bytes.Index(raw, []byte("twim")):], "TWIN")
	h = open(t, raw)
	k := mustGet(h.Key("a"))
	var twins []*hive.Value
	for v, err := range k.Values() {
		require.NoError(t, err)
		if strings.EqualFold(v.Name(), "twin") {
			twins = append(twins, v)
		}
	}
	require.Len(t, twins, 2)
	churnUntilMoved(t, h, mustGet(k.Value("v0")))
	data, err := twins[1].Data() // an error is all right, the other value is not
	require.True(t, err != nil || string(data) == "second one", "the handle of the second value gives %q", data)
}

// an edit that fails, or does nothing, leaves the hive as it was.
func TestRefusedEditLaysOutAnew(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(k *hive.Key) error
	}{
		{"create a key that is there", func(k *hive.Key) error { _, err := k.CreateSubkey("below", now); return err }},
		{"bad name", func(k *hive.Key) error { _, err := k.CreateSubkey("", now); return err }},
		{"value as it is", func(k *hive.Key) error {
			v := mustGet(k.Value("v299"))
			return v.SetData(v.Type(), mustGet(v.Data()), now)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := crowdBeside(t, 300)
			k := mustGet(h.Key("a"))
			random := rand.New(rand.NewPCG(41, 42))
			for i := range 700 {
				v := mustGet(k.Value(fmt.Sprint("v", 10+random.IntN(200))))
				n := random.IntN(1000)
				require.NoError(t, v.SetData(hive.Binary, hivetest.Noise(n, uint32(i)), now))
				before, changes := bytes.Clone(h.Bytes()), h.Changes()
				err := test.edit(k)
				if !bytes.Equal(before, h.Bytes()) {
					t.Fatalf("edit %d: the call returned %v, and %d bytes became %d; %d changes became %d", i, err, len(before), len(h.Bytes()), len(changes), len(h.Changes()))
				}
			}
		})
	}
}

// a path of which the last name is bad.
func TestCreateKeyLeavesHalfAPath(t *testing.T) {
	h := mustGet(hive.New(5, now))
	before := bytes.Clone(h.Bytes())
	_, err := h.CreateKey(`a\b\`+strings.Repeat("x", 300), now)
	require.ErrorIs(t, err, hive.ErrTooLarge)
	require.True(t, bytes.Equal(before, h.Bytes()), "keys a and a\\b were created")
}

// several goroutines read through handles from before the hive was laid out anew. Run with -race.
func TestReadersAfterTidy(t *testing.T) {
	h := crowdBeside(t, 300)
	k := mustGet(h.Key("a"))
	below := mustGet(k.Subkey("below"))
	v := mustGet(k.Value("v299"))
	churnUntilMoved(t, h, mustGet(k.Value("v298")))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			_, _ = v.Data()
			_ = below.LastWriteTime()
			_ = k.LastWriteTime()
		})
	}
	group.Wait()
}

// the subkeys of b name the key above it.
func TestDeleteOfLoopFreesTheKeyAbove(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{{Name: "a", Subkeys: []hivetest.Key{{Name: "b", Subkeys: []hivetest.Key{{Name: "c"}}}}}}}}.Build()
	image.Put32(image.Key(`a\b`).Leaves[0], 4, image.Key("a").Node) // instead of c
	h := open(t, image.Data)
	before := bytes.Clone(h.Bytes())
	k := mustGet(h.Key(`a\b`))
	err := k.Delete(now)
	_, gone := h.Key("a")
	require.NoError(t, gone, "Delete of a\\b returned %v and freed a", err)
	require.Error(t, err)
	require.True(t, bytes.Equal(before, h.Bytes()))
}

// the root as a subkey.
func TestDeleteFreesTheRoot(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{{Name: "a", Subkeys: []hivetest.Key{{Name: "c"}}}}}}.Build()
	image.Put32(image.Key(`a`).Leaves[0], 4, image.Key("").Node) // instead of c
	h := open(t, image.Data)
	k := mustGet(h.Key(`a\r`))
	err := k.Delete(now)
	_, gone := h.Root()
	require.NoError(t, gone, "Delete of a\\r returned %v and freed the root", err)
}

// a key that is listed twice.
func TestDeleteOfKeyListedTwice(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: numberedKeys(3, "k%d")}}.Build()
	leaf := image.Key("").Leaves[0]
	image.Put32(leaf, 12, image.U32(leaf, 4))
	image.Put32(leaf, 16, image.U32(leaf, 8))
	h := open(t, image.Data)
	require.Error(t, mustGet(h.Key("k0")).Delete(now), "the list still names the key")
}

// a value that is listed twice.
func TestDeleteOfValueListedTwice(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Values: []hivetest.Value{{Name: "a", Type: 3, Data: []byte("12345678")}, {Name: "b"}}}}.Build()
	list := image.U32(image.Key("").Node, hivetest.NodeValueList)
	image.Put32(list, 4, image.U32(list, 0))
	h := open(t, image.Data)
	require.Error(t, mustGet(mustGet(h.Root()).Value("a")).Delete(now), "the list still names the value")
}

// an index root that names a leaf twice.
func TestDeleteFromLeafListedTwice(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", LeafSize: 1, Subkeys: numberedKeys(3, "k%d")}}.Build()
	ri := image.Key("").List
	image.Put32(ri, 8, image.U32(ri, 4))
	h := open(t, image.Data)
	require.Error(t, mustGet(h.Key("k0")).Delete(now), "the index root still names the freed leaf")
}

// the class name is the record of the key itself.
func TestClassCellIsTheKeyItself(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{{Name: "a", Class: "class"}}}}.Build()
	a := image.Key("a").Node
	image.Put32(a, hivetest.NodeClass, a)
	h := open(t, image.Data)
	err := mustGet(h.Key("a")).SetClass("", now)
	_, gone := h.Key("a")
	require.NoError(t, gone, "SetClass returned %v and freed the key", err)
}

// a segment of the data is the record of the value itself.
func TestSegmentIsTheValueItself(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Values: []hivetest.Value{{Name: "a", Type: 3, Data: hivetest.Noise(16344+8, 1)}}}}.Build()
	v := image.Value("", "a")
	image.Put32(v.List, 4, v.Record)
	h := open(t, image.Data)
	err := mustGet(mustGet(h.Root()).Value("a")).SetData(3, []byte("123"), now)
	_, gone := mustGet(h.Root()).Value("a")
	require.NoError(t, gone, "SetData returned %v and freed the value", err)
}

// cells that were freed are known after an edit that failed.
func TestLeaveFreeCellsAfterError(t *testing.T) {
	build := func() *hive.Hive {
		root := hivetest.Key{Name: "r", Subkeys: append(numberedKeys(3, "k%d"), hivetest.Key{Name: "a", Class: "12345678"}, hivetest.Key{Name: "bad", Class: "12345678"})}
		for i := range 20 {
			root.Values = append(root.Values, hivetest.Value{Name: fmt.Sprint("v", i), Type: 3, Data: hivetest.Noise(40, 1)})
		}
		image := hivetest.Hive{Minor: 5, Root: root}.Build()
		image.Put32(image.Key("bad").Node, hivetest.NodeSecurity, 0x20) // no descriptor
		h := open(t, image.Data)
		h.LeaveFreeCells()
		return h
	}
	run := func(fail bool) map[string]int {
		h := build()
		r := mustGet(h.Root())
		for i := range 20 {
			require.NoError(t, mustGet(r.Value(fmt.Sprint("v", i))).Delete(now))
			if fail && i == 10 {
				require.Error(t, mustGet(r.Subkey("bad")).Delete(now))
			}
		}
		return faultsOf(h.Bytes())
	}
	require.Equal(t, run(false), run(true))
}

// a symbolic link of another type, through the handle of its value.
func TestSetDataOfLink(t *testing.T) {
	image := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Subkeys: []hivetest.Key{{Name: "l", Flags: hivetest.KeySymbolicLink, Values: []hivetest.Value{{Name: "SymbolicLinkValue", Type: 6, Data: hivetest.Link(`\Registry`)}}}}}}.Build()
	require.Empty(t, faultsOf(image.Data))
	h := open(t, image.Data)
	v := mustGet(mustGet(h.Key("l")).Value("SymbolicLinkValue"))
	err := v.SetData(hive.SZ, []byte("a\x00\x00\x00"), now)
	t.Log(err)
	require.Empty(t, faultsOf(h.Bytes()))
	require.ErrorIs(t, err, hive.ErrProtected)
}

// a name whose surrogate pair comes as two halves.
func TestNameAsStored(t *testing.T) {
	h := mustGet(hive.New(5, now))
	k, err := mustGet(h.Root()).CreateSubkey("\xed\xa0\xbd\xed\xb8\x80", now)
	require.NoError(t, err)
	same := mustGet(h.Key(k.Path()))
	require.Equal(t, same.Name(), k.Name())
}

var _ = errors.Is

// a leaf that lies in bins that the file does not hold any more: bins that an
// edit adds would stand where it was, and come to belong to two keys.
func TestEditOfHiveThatIsCutOff(t *testing.T) {
	literal := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Values: []hivetest.Value{{Name: "v", Type: 3, Data: hivetest.Noise(3000, 1)}}, Subkeys: numberedKeys(600, "k%03d")}}
	whole := literal.Build().Data
	edits := map[string]func(h *hive.Hive) error{
		"create a key": func(h *hive.Hive) error { _, err := h.CreateKey("new", now); return err },
		"create below": func(h *hive.Hive) error { _, err := mustGet(h.Root()).CreateSubkey("new", now); return err },
		"set a value": func(h *hive.Hive) error {
			_, err := mustGet(h.Root()).SetValue("new", hive.Binary, make([]byte, 5000), now)
			return err
		},
		"set data inline": func(h *hive.Hive) error {
			_, err := mustGet(h.Root()).SetValue("new", hive.Binary, []byte{1}, now)
			return err
		},
		"class": func(h *hive.Hive) error { return mustGet(h.Root()).SetClass("class", now) },
		"time":  func(h *hive.Hive) error { return mustGet(h.Root()).SetLastWriteTime(now) },
	}
	for name, edit := range edits {
		for _, test := range []struct {
			what    string
			missing int // bytes at the end
			refused bool
		}{{"whole", 0, false}, {"one byte", 1, true}, {"a page", 4096, true}, {"all but one page", len(whole) - 2*4096, true}} {
			t.Run(name+"/"+test.what, func(t *testing.T) {
				data := bytes.Clone(whole[:len(whole)-test.missing])
				h, err := hive.Open(data, hive.Tolerant())
				require.NoError(t, err)
				h.LeaveFreeCells()
				err = edit(h)
				if !test.refused {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, hive.ErrCorrupt)
				if name != "create a key" { // which looks for it first, and may not get so far
					require.ErrorContains(t, err, "base block at 0x28: length of the bins is")
				}
				require.True(t, bytes.Equal(whole[:len(data)], h.Bytes()), "the hive was changed")
			})
		}
	}
	t.Run("no multiple of a page", func(t *testing.T) {
		image := literal.Build()
		binary.LittleEndian.PutUint32(image.Data[0x28:], uint32(len(image.Data)-4096+8))
		h, err := hive.Open(append(image.Data, make([]byte, 16)...), hive.Tolerant(), hive.IgnoreDirty())
		require.NoError(t, err)
		_, err = h.CreateKey("new", now)
		require.ErrorIs(t, err, hive.ErrCorrupt)
	})
}
