package hive_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// withSelect is a SYSTEM hive whose Select key has these values.
func withSelect(values ...hivetest.Value) *hivetest.Image {
	sets := hivetest.Key{Name: "Select", Values: values}
	return hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
		sets, {Name: "ControlSet001", Subkeys: []hivetest.Key{{Name: "Control"}}}, {Name: "ControlSet003"}, {Name: "ControlSet1000"},
	}}}.Build()
}

func dword(name string, n uint32) hivetest.Value {
	return hivetest.Value{Name: name, Type: hivetest.TypeDWORD, Data: hivetest.DWORD(n)}
}

func TestSelect(t *testing.T) {
	h := open(t, hivetest.NT4().Build().Data)
	sets, err := h.Select()
	require.NoError(t, err)
	require.Equal(t, &hive.Select{Current: hive.Number{Value: 1}, Default: hive.Number{Value: 1}, LastKnownGood: hive.Number{Value: 2}}, sets)
}

func TestSelectIgnoresCase(t *testing.T) {
	image := hivetest.Hive{Minor: 3, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{{Name: "SELECT", Values: []hivetest.Value{dword("CURRENT", 7)}}}}}.Build()
	sets, err := open(t, image.Data).Select()
	require.NoError(t, err)
	require.Equal(t, hive.Number{Value: 7}, sets.Current)
}

func TestNoSelect(t *testing.T) {
	h := open(t, hivetest.Exotic().Build().Data)
	_, err := h.Select()
	require.ErrorIs(t, err, hive.ErrNotFound)
	require.EqualError(t, err, `key Select: not found`)
}

func TestSelectErrors(t *testing.T) {
	image := withSelect(
		hivetest.Value{Name: "Current", Type: hivetest.TypeSZ, Data: hivetest.DWORD(1)},
		hivetest.Value{Name: "Default", Type: hivetest.TypeDWORD, Data: []byte{1, 0, 0}},
		dword("LastKnownGood", 0xFFFFFFFF),
	)
	sets, err := open(t, image.Data).Select()
	require.NoError(t, err)
	require.EqualError(t, sets.Current.Err, `value Current of key Select is REG_SZ of 4 bytes, want REG_DWORD of 4`)
	require.EqualError(t, sets.Default.Err, `value Default of key Select is REG_DWORD of 3 bytes, want REG_DWORD of 4`)
	require.ErrorIs(t, sets.Failed.Err, hive.ErrNotFound)
	require.Equal(t, hive.Number{Value: 0xFFFFFFFF}, sets.LastKnownGood)

	image = withSelect(dword("Current", 1))
	image.Put32(image.Value("Select", "Current").Record, hivetest.RecordDataLength, 0x80000005)
	sets, err = open(t, image.Data).Select()
	require.NoError(t, err)
	require.ErrorIs(t, sets.Current.Err, hive.ErrCorrupt)
}

func TestControlSetName(t *testing.T) {
	for n, want := range map[uint32]string{0: "ControlSet000", 1: "ControlSet001", 12: "ControlSet012", 999: "ControlSet999", 1000: "ControlSet1000"} {
		require.Equal(t, want, hive.ControlSetName(n))
	}
}

func TestCurrentControlSet(t *testing.T) {
	for _, c := range []struct {
		name  string
		image *hivetest.Image
		path  string
		want  string // path of the key, or empty where there is an error
		text  string // of the error
	}{
		{"first", withSelect(dword("Current", 1)), `CurrentControlSet\Control`, `ControlSet001\Control`, ""},
		{"third", withSelect(dword("Current", 3)), `currentcontrolset`, `ControlSet003`, ""},
		{"thousandth", withSelect(dword("Current", 1000)), `CurrentControlSet`, `ControlSet1000`, ""},
		{"none", withSelect(dword("Current", 0)), `CurrentControlSet`, "", `key ControlSet000: not found`},
		{"absent", withSelect(dword("Current", 2)), `CurrentControlSet\Control`, "", `key ControlSet002: not found`},
		{"no Current", withSelect(), `CurrentControlSet\Control`, "", `CurrentControlSet: value Current of key Select: not found`},
		{"not a number", withSelect(hivetest.Value{Name: "Current", Type: hivetest.TypeSZ, Data: hivetest.SZ("1")}), `CurrentControlSet`, "",
			`CurrentControlSet: value Current of key Select is REG_SZ of 4 bytes, want REG_DWORD of 4`},
		{"not first in the path", withSelect(dword("Current", 1)), `ControlSet001\CurrentControlSet`, "", `key ControlSet001\CurrentControlSet: not found`},
		{"no Select", hivetest.Exotic().Build(), `CurrentControlSet\Control`, "", `key CurrentControlSet: not found`},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := open(t, c.image.Data).Key(c.path)
			if c.want == "" {
				require.EqualError(t, err, c.text)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, key.Path())
		})
	}
}

// TestKeyNamedCurrentControlSet has a key of the name that only a running
// Windows should have: beside Select it is passed over, without Select it is a
// key like any other.
func TestKeyNamedCurrentControlSet(t *testing.T) {
	image := withSelect(dword("Current", 1))
	image.AddKey("", hivetest.Key{Name: "CurrentControlSet", Subkeys: []hivetest.Key{{Name: "Control"}}}, 1)
	key, err := open(t, image.Data).Key(`CurrentControlSet\Control`)
	require.NoError(t, err)
	require.Equal(t, `ControlSet001\Control`, key.Path())

	image = hivetest.Exotic().Build()
	image.AddKey("", hivetest.Key{Name: "CurrentControlSet"}, 1)
	key, err = open(t, image.Data).Key(`currentcontrolset`)
	require.NoError(t, err)
	require.Equal(t, `CurrentControlSet`, key.Path())
}

func TestSelectIsDamaged(t *testing.T) {
	image := withSelect(dword("Current", 1))
	image.Put16(image.Key("Select").Node, 0, 0)
	_, err := open(t, image.Data).Key(`CurrentControlSet\Control`)
	require.ErrorIs(t, err, hive.ErrCorrupt, "not taken for a hive without Select")
}
