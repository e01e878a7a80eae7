package edit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"www.velocidex.com/golang/regparser"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// TestOpinionOnOddities edits beside all that regparser reads otherwise than
// Windows: names in UTF-16 and Latin-1, data that begins with the letters of big
// data, inline data, texts of odd lengths, segments.
func TestOpinionOnOddities(t *testing.T) {
	types := []hive.Type{hive.None, hive.SZ, hive.Binary, hive.DWord, hive.DWordBigEndian, hive.MultiSZ, hive.QWord, 0xFFFFFFFF}
	for _, minor := range []uint32{3, 5} {
		h, err := hive.New(minor, editTime)
		require.NoError(t, err)
		outcome, err := Apply(load(t, h.Bytes()), request, func(d *Draft) error {
			for _, name := range []string{"plain", "é\u00ff", "Ключ", "\xed\xa0\x80", "x\x00y", "😀"} {
				key, err := d.Hive.CreateKey(name, d.Time)
				require.NoError(t, err)
				for _, size := range []int{0, 1, 2, 3, 4, 5, 8, 16343, 16344, 16345, 16346, 16348, 16352, 40001} {
					for _, kind := range types {
						data := append([]byte("db"), bytes.Repeat([]byte{7}, size)...)[:size]
						_, err := key.SetValue(fmt.Sprintf("%s %d %d", name, kind, size), kind, data, d.Time)
						require.NoError(t, err)
					}
				}
				require.NoError(t, d.Touch(key))
			}
			return nil
		})
		require.NoError(t, err)
		require.Contains(t, outcome.VerifiedBy, "regparser")
	}
}

// TestOpinionDisagrees gives the second reader another hive than ours.
func TestOpinionDisagrees(t *testing.T) {
	for name, test := range map[string]struct {
		other func(image *hivetest.Hive)
		want  string
	}{
		"key missing":   {func(h *hivetest.Hive) { h.Key("Setup").Name = "Setuq" }, "Setup: it does not find the key"},
		"value missing": {func(h *hivetest.Hive) { h.Key("Setup").Value("CmdLine").Name = "CmdLinf" }, `value CmdLine of Setup: it does not find the value`},
		"type": {func(h *hivetest.Hive) { h.Key("Setup").Value("CmdLine").Type = hivetest.TypeBinary },
			`value CmdLine of Setup: it reads type REG_BINARY, want REG_SZ`},
		"length": {func(h *hivetest.Hive) {
			v := h.Key("Setup").Value("CmdLine")
			v.Data = append(bytes.Clone(v.Data), 0, 0)
		},
			`value CmdLine of Setup: it reads a length of `},
		"data": {func(h *hivetest.Hive) {
			v := h.Key("Setup").Value("SetupType")
			v.Data = []byte{9, 9, 9, 9}
		}, `value SetupType of Setup: it reads 4 bytes that are not the 4 bytes read here`},
		"one value more": {func(h *hivetest.Hive) {
			h.Key("Setup").SetValue(hivetest.Value{Name: "more", Type: hivetest.TypeBinary, Data: []byte{1}})
		}, "Setup: it reads "},
	} {
		t.Run(name, func(t *testing.T) {
			literal := hivetest.Windows10()
			own := load(t, literal.Build().Data).Hive
			test.other(&literal)
			root, err := own.Root()
			require.NoError(t, err)
			o := newOpinion(5)
			err = o.key(openOther(t, literal.Build().Data), root, newWanted([]string{"Setup"}))
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Reason, test.want)
			require.Empty(t, refused.Override, "nothing overrides it")
		})
	}
	t.Run("key not gone", func(t *testing.T) {
		literal := hivetest.Windows10()
		other := openOther(t, literal.Build().Data)
		literal.Key("Setup").Name = "Setuq"
		root, err := load(t, literal.Build().Data).Hive.Root()
		require.NoError(t, err)
		o := newOpinion(5)
		require.ErrorContains(t, o.key(other, root, newWanted([]string{"Setup"})), "Setup: it finds the key, which should be gone")
		require.NoError(t, o.key(other, root, newWanted([]string{"nosuch", `no\such`})), "gone for both")
	})
}

// TestOpinionIsBounded: it is asked about some of many keys, evenly, and reads
// no more data than it may.
func TestOpinionIsBounded(t *testing.T) {
	var paths []string
	for i := range 3*opinionKeys + 1 {
		paths = append(paths, fmt.Sprintf(`top\%d`, i))
	}
	root := newWanted(paths)
	asked := len(root.subkeys["top"].subkeys)
	require.LessOrEqual(t, asked, opinionKeys)
	require.Greater(t, asked, opinionKeys/2)
	require.Contains(t, root.subkeys["top"].subkeys, "0")
	require.True(t, newWanted(nil).isEmpty())
	require.True(t, newWanted([]string{""}).itself)

	h, err := hive.New(5, editTime)
	require.NoError(t, err)
	outcome, err := Apply(load(t, h.Bytes()), request, func(d *Draft) error {
		many, err := d.Hive.CreateKey("many", d.Time)
		require.NoError(t, err)
		for i := range opinionList + 1 {
			_, err := many.CreateSubkey(fmt.Sprint(i), d.Time)
			require.NoError(t, err)
		}
		key, err := d.Hive.CreateKey(`many\7`, d.Time)
		require.NoError(t, err)
		require.NoError(t, d.Touch(key))
		key, err = d.Hive.Root()
		require.NoError(t, err)
		_, err = key.SetValue("large", hive.Binary, bytes.Repeat([]byte("data"), opinionBytes/4+1), d.Time)
		require.NoError(t, err)
		return d.Touch(key)
	})
	require.NoError(t, err)
	require.Contains(t, outcome.VerifiedBy, "regparser")
}

// TestNoOpinionOnPredefinedHandles: regparser takes the handle for a number of
// values.
func TestNoOpinionOnPredefinedHandles(t *testing.T) {
	image := hivetest.Windows10().Build()
	node := image.Key("Setup").Node
	image.Put16(node, hivetest.NodeFlags, image.U16(node, hivetest.NodeFlags)|uint16(hive.FlagPredefined))
	image.Put32(node, hivetest.NodeValues, 0x80000002)
	require.NoError(t, secondOpinion(load(t, image.Data).Hive, []string{"Setup"}))
}

// TestHint of a refusal.
func TestHint(t *testing.T) {
	for want, refused := range map[string]*RefusedError{
		"":                             {Reason: "no"},
		"--force goes on all the same": {Reason: "no", Override: OverrideForce},
		"--repair allows that":         {Reason: "no", Override: "--repair", Effect: "allows that"},
	} {
		require.Equal(t, want, refused.Hint())
		require.Equal(t, strings.TrimSuffix("no; "+want, "; "), refused.Error())
	}
}

// openOther lets regparser open a hive.
func openOther(t *testing.T, data []byte) *regparser.CM_KEY_NODE {
	t.Helper()
	reader, err := regparser.NewRegistry(bytes.NewReader(data))
	require.NoError(t, err)
	return reader.OpenKey("")
}
