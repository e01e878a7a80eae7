package hive_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// From the root, both walks give the same keys.
func TestKeyWalk(t *testing.T) {
	h := open(t, hivetest.Windows10().Build().Data)
	root, err := h.Root()
	require.NoError(t, err)
	var paths, below []string
	for k, err := range h.Walk() {
		require.NoError(t, err)
		paths = append(paths, k.Path())
	}
	for k, err := range root.Walk() {
		require.NoError(t, err)
		below = append(below, k.Path())
	}
	require.Equal(t, paths, below)

	key, err := h.Key(`DriverDatabase\DeviceIds`)
	require.NoError(t, err)
	count := 0
	for k, err := range key.Walk() {
		require.NoError(t, err)
		require.Contains(t, k.Path(), `DriverDatabase\DeviceIds`)
		count++
	}
	require.Equal(t, 522, count)
}

// The depth of a walk is counted from the root.
func TestKeyWalkDepth(t *testing.T) {
	chain := hivetest.Key{Name: "d"}
	for range hive.MaxDepth {
		chain = hivetest.Key{Name: "d", Subkeys: []hivetest.Key{chain}}
	}
	h := open(t, hivetest.Hive{Minor: 5, Root: chain}.Build().Data)
	key, err := h.Key(`d\d\d`)
	require.NoError(t, err)
	depth, failed := 3, 0
	for _, err := range key.Walk() {
		if err != nil {
			require.ErrorContains(t, err, "lies deeper than 512 levels")
			failed++
			continue
		}
		depth++
	}
	require.Equal(t, 1, failed)
	require.Equal(t, hive.MaxDepth, depth)
}

// The pieces are the data, in the segments in which big data lies.
func TestDataPieces(t *testing.T) {
	for _, c := range []struct{ size, pieces int }{
		{0, 0}, {1, 1}, {4, 1}, {5, 1}, {16343, 1}, {16344, 1}, {16345, 2}, {32688, 2}, {32689, 3},
	} {
		for minor, pieces := range map[uint32]int{5: c.pieces, 3: min(c.pieces, 1)} {
			t.Run(fmt.Sprintf("1.%d of %d bytes", minor, c.size), func(t *testing.T) {
				data := hivetest.Noise(c.size, 1)
				h := open(t, hivetest.Hive{Minor: minor, Root: hivetest.Key{Name: "r", Values: []hivetest.Value{
					{Name: "v", Type: hivetest.TypeBinary, Data: data},
				}}}.Build().Data)
				v := value(t, h, "", "v")
				got, err := v.DataPieces()
				require.NoError(t, err)
				require.Len(t, got, pieces)
				require.True(t, bytes.Equal(data, bytes.Join(got, nil)))
				require.EqualValues(t, c.size, v.Size())
			})
		}
	}
}

// Where the data cannot be read, neither can its pieces.
func TestDataPiecesOfDamage(t *testing.T) {
	failed := 0
	for _, mutation := range hivetest.Mutations() {
		h, err := hive.Open(mutation.Build().Data, hive.Tolerant(), hive.IgnoreDirty())
		if err != nil {
			continue
		}
		for _, v := range readEverything(t, h) {
			data, dataErr := v.Data()
			pieces, err := v.DataPieces()
			require.Equal(t, dataErr == nil, err == nil, mutation.Name)
			if err != nil {
				require.EqualError(t, err, dataErr.Error())
				failed++
			}
			require.True(t, bytes.Equal(data, bytes.Join(pieces, nil)), mutation.Name)
		}
	}
	require.Greater(t, failed, 10)
}

func TestTombstones(t *testing.T) {
	h := open(t, hivetest.Layered().Build().Data)
	deleted := map[string]bool{}
	for k, err := range h.Walk() {
		require.NoError(t, err)
		if k.Tombstone() {
			deleted[k.Path()] = true
		}
	}
	require.Equal(t, map[string]bool{`ControlSet001\Deleted`: true, `ControlSet001\Replaced\Deleted`: true}, deleted)
	require.True(t, value(t, h, `ControlSet001\Control`, "Gone").Tombstone())
	require.False(t, value(t, h, `ControlSet001\Control`, "CurrentUser").Tombstone())

	// The same bits mean nothing in a hive that is no difference.
	other := hivetest.Layered()
	other.Minor = 5
	h, err := hive.Open(other.Build().Data, hive.Tolerant())
	require.NoError(t, err)
	require.False(t, value(t, h, `ControlSet001\Control`, "Gone").Tombstone())
}

func TestSecurityOffset(t *testing.T) {
	h := open(t, hivetest.Windows10().Build().Data)
	byOffset := map[int64][]byte{}
	for k, err := range h.Walk() {
		require.NoError(t, err)
		descriptor, err := k.SecurityDescriptor()
		require.NoError(t, err)
		if known, ok := byOffset[k.SecurityOffset()]; ok {
			require.True(t, bytes.Equal(known, descriptor))
		}
		byOffset[k.SecurityOffset()] = descriptor
	}
	require.Len(t, byOffset, 3)
}

// All values below a key, without copies of their data.
func ExampleKey_Walk() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	nls, err := h.Key(`CurrentControlSet\Control\Nls`)
	if err != nil {
		log.Fatal(err)
	}
	for key, err := range nls.Walk() {
		if err != nil {
			log.Print(err)
			continue
		}
		for value, err := range key.Values() {
			if err == nil {
				fmt.Println(key.Name(), value.Name(), value.Size())
			}
		}
	}
	// Output:
	// CodePage 1252 22
	// CodePage ACP 10
	// CodePage OEMCP 8
	// CodePage 10000 2
	// Language Default 10
	// Language 0407 22
	// Language 0409 22
}

// Long data need not be copied to be written elsewhere.
func ExampleValue_DataPieces() {
	data, err := os.ReadFile("../testdata/nt4/SYSTEM")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hive.Open(data)
	if err != nil {
		log.Fatal(err)
	}
	key, err := h.Key("Select")
	if err != nil {
		log.Fatal(err)
	}
	value, err := key.Value("LastKnownGood")
	if err != nil {
		log.Fatal(err)
	}
	pieces, err := value.DataPieces()
	if err != nil {
		log.Fatal(err)
	}
	for _, piece := range pieces {
		fmt.Printf("%x\n", piece)
	}
	// Output: 02000000
}
