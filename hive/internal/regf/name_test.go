package regf

import (
	"cmp"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

func TestNewName(t *testing.T) {
	for _, c := range []struct {
		name   string
		s      string
		latin1 bool
		raw    string // hex
		units  int
	}{
		{"empty", "", true, "", 0},
		{"ASCII", "Select", true, "53656c656374", 6},
		{"Latin-1", "Caf\u00e9\u00ff", true, "436166e9ff", 5},
		{"first unit beyond Latin-1", "\u0100", false, "0001", 1},
		{"UTF-16", "\u03a9mega", false, "a9036d00650067006100", 5},
		{"NUL inside", "a\x00b", true, "610062", 3},
		{"NUL inside UTF-16", "\u03a9\x00b", false, "a90300006200", 3},
		{"pair", "x\U0001F600", false, "78003dd800de", 3},
		{"unpaired high surrogate", "x\xED\xA0\xBD", false, "78003dd8", 2},
		{"unpaired low surrogate", "\xED\xB8\x80x", false, "00de7800", 2},
		{"low before high", "\xED\xB8\x80\xED\xA0\xBD", false, "00de3dd8", 2},
		{"replacement character", "\uFFFD", false, "fdff", 1},
		{"last character", "\U0010FFFF", false, "ffdbffdf", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := NewName(c.s)
			require.NoError(t, err)
			require.Equal(t, c.latin1, n.Latin1)
			require.Equal(t, c.raw, hex.EncodeToString(n.Raw))
			require.Equal(t, c.units, n.Len())
			require.Equal(t, c.s, n.String())
		})
	}
}

func TestNewNameRefuses(t *testing.T) {
	for _, c := range []struct {
		name, s, want string
	}{
		{"lone continuation byte", "a\x80", "name is not valid UTF-8 at byte 1"},
		{"Latin-1 byte", "Caf\xe9", "name is not valid UTF-8 at byte 3"},
		{"cut sequence", "\xE2\x82", "name is not valid UTF-8 at byte 0"},
		{"cut surrogate", "ab\xED\xA0", "name is not valid UTF-8 at byte 2"},
		{"surrogate with a bad third byte", "\xED\xA0\x41", "name is not valid UTF-8 at byte 0"},
		{"overlong slash", "\xC0\xAF", "name is not valid UTF-8 at byte 0"},
		{"beyond Unicode", "\xF4\x90\x80\x80", "name is not valid UTF-8 at byte 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewName(c.s)
			require.EqualError(t, err, c.want)
		})
	}
}

// TestStoredNames reads names as others may have stored them.
func TestStoredNames(t *testing.T) {
	for _, c := range []struct {
		name string
		n    Name
		want string
	}{
		{"Latin-1 in UTF-16", Name{Raw: []byte{'A', 0, 0xE9, 0}}, "A\u00e9"},
		{"odd byte at the end", Name{Raw: []byte{'A', 0, 'B'}}, "A"},
		{"one byte", Name{Raw: []byte{'A'}}, ""},
		{"pair", Name{Raw: []byte{0x3D, 0xD8, 0x00, 0xDE}}, "\U0001F600"},
		{"half a pair at the end", Name{Raw: []byte{0x3D, 0xD8}}, "\xED\xA0\xBD"},
		{"two high halves and a low one", Name{Raw: []byte{0x3D, 0xD8, 0x3D, 0xD8, 0x00, 0xDE}}, "\xED\xA0\xBD\U0001F600"},
		{"byte order mark", Name{Raw: []byte{0xFF, 0xFE}}, "\uFEFF"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.n.String()) })
	}
}

// TestNameRoundTrip takes random units, many of them halves of pairs, to a
// string and back, and holds the codec against the one of the test builder.
func TestNameRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := []func() uint16{
		func() uint16 { return uint16(random.IntN(0x100)) },
		func() uint16 { return uint16(random.IntN(0x10000)) },
		func() uint16 { return 0xD800 + uint16(random.IntN(0x800)) },
	}
	for range 20000 {
		units := make([]uint16, random.IntN(9))
		for i := range units {
			units[i] = pick[random.IntN(len(pick))]()
		}
		s := StringFromUnits(units)
		require.Equal(t, hivetest.FromUnits(units), s, "%04x", units)
		back, err := UnitsFromString(s)
		require.NoError(t, err)
		require.Equal(t, units, back)
		n := name(t, s)
		require.Equal(t, len(units), n.Len())
		require.Equal(t, s, n.String())
		require.Equal(t, hivetest.NameHash(s), n.Hash())
		if want := hivetest.NameHint(s); want[0] != 0 {
			require.Equal(t, want, n.Hint())
		} else {
			require.Zero(t, n.Hint()[0], "there is no hint, whatever the other bytes are")
		}
	}
}

func TestHash(t *testing.T) {
	for _, c := range []struct {
		s     string
		units string
		want  uint32
	}{
		{"A", "0041", 0x00000041},
		{"Software", "0053 006f 0066 0074 0077 0061 0072 0065", 0xe9fe1463},
		{"Microsoft", "004d 0069 0063 0072 006f 0073 006f 0066 0074", 0x7f00cd26},
		{"CurrentVersion", "0043 0075 0072 0072 0065 006e 0074 0056 0065 0072 0073 0069 006f 006e", 0x7e25f69d},
		{"Select", "0053 0065 006c 0065 0063 0074", 0x5f0024a0},
		{"ControlSet001", "0043 006f 006e 0074 0072 006f 006c 0053 0065 0074 0030 0030 0031", 0x8f3ba9a2},
		{"{00000000-0000-0000-0000-000000000000}", "", 0xfc81ee90},
		{"Caf\u00e9", "0043 0061 0066 00e9", 0x00352f57},
		{"\u03a9mega", "03a9 006d 0065 0067 0061", 0x68e8c913},
		{"\u00ff", "00ff", 0x00000178},
		{"\u00b5", "00b5", 0x000000b5},
		{"stra\u00dfe", "0073 0074 0072 0061 00df 0065", 0x60b1bf06},
		{"\u043f\u0440\u0438\u0432\u0435\u0442", "043f 0440 0438 0432 0435 0442", 0x81c3d610},
		{"x\U0001F600", "0078 d83d de00", 0x0021f569},
	} {
		t.Run(c.s, func(t *testing.T) {
			n := name(t, c.s)
			require.Equal(t, c.want, n.Hash())
			require.Equal(t, c.want, Name{Raw: widened(n)}.Hash(), "stored as UTF-16")
			if c.units != "" {
				require.Equal(t, c.s, StringFromUnits(parseUnits(t, c.units)))
			}
		})
	}
}

func parseUnits(t *testing.T, s string) []uint16 {
	var units []uint16
	for _, word := range strings.Fields(s) {
		unit, err := strconv.ParseUint(word, 16, 16)
		require.NoError(t, err)
		units = append(units, uint16(unit))
	}
	return units
}

// widened is the name as UTF-16, whatever it holds.
func widened(n Name) []byte {
	var raw []byte
	for i := range n.Len() {
		raw = append(raw, byte(n.Unit(i)), byte(n.Unit(i)>>8))
	}
	return raw
}

// TestOrder compares each name with each: they stand in the order of Windows,
// which is that of upper-cased units and not of characters.
func TestOrder(t *testing.T) {
	ordered := []string{
		"", "\x00", "\x01", "!", "0", "A", "a\x00", "AA", "ab", "AC", "Z", "zz", "[", `\`, "]", "^", "_", "_A", "`", "{",
		"\u00b5", "\u00d7", "\u00df", "\u00f7", "\u00ff", "\u0178a", "\u03a9", "\u0431", "\uc0ff",
		"\xED\xA0\x80", "\U0001F600", "\xED\xB0\x80", "\xED\xBF\xBF", "\ue000", "\uff21", "\uffff",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			na, nb := name(t, a), name(t, b)
			want := sign(i - j)
			for _, pair := range [][2]Name{
				{na, nb}, {Name{Raw: widened(na)}, nb}, {na, Name{Raw: widened(nb)}}, {Name{Raw: widened(na)}, Name{Raw: widened(nb)}},
			} {
				require.Equal(t, want, sign(pair[0].Compare(pair[1])), "%q and %q", a, b)
			}
			require.Equal(t, want, sign(hivetest.CompareNames(a, b)), "%q and %q", a, b)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// TestSketch: sketches that differ are in the order of the names.
func TestSketch(t *testing.T) {
	units := []uint16{0, 1, '0', 'A', 'a', '_', 'z', 0x7F, 0xB5, 0xDF, 0xE4, 0xF7, 0xFE, 0xFF, 0x100, 0x178, 0x131, 0x3C2, 0xD800, 0xFFFF}
	random := rand.New(rand.NewPCG(7, 8))
	name := func() Name {
		picked := make([]uint16, random.IntN(11))
		for i := range picked {
			if picked[i] = 'k'; random.IntN(3) == 0 {
				picked[i] = units[random.IntN(len(units))]
			}
		}
		n, err := NewName(StringFromUnits(picked))
		require.NoError(t, err)
		return n
	}
	told := 0
	for range 200_000 {
		a, b := name(), name()
		if order := cmp.Compare(a.sketch(), b.sketch()); order != 0 {
			told++
			require.Equal(t, order < 0, a.Compare(b) < 0, "%q and %q", a, b)
			require.NotZero(t, a.Compare(b), "%q and %q", a, b)
		}
	}
	require.Greater(t, told, 100_000)
}

func TestEqualNames(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"ControlSet001", "CONTROLset001", true},
		{"\u00e9", "\u00c9", true},
		{"\u00ff", "\u0178", true},
		{"\u03c9", "\u03a9", true},
		{"\u00b5", "\u03bc", false},
		{"\u00df", "ss", false},
		{"\u0131", "I", false},
		{"\u212a", "k", false}, // Kelvin sign
		{"\u017f", "s", false}, // long s
		{"a", "a\x00", false},
		{"", "", true},
	} {
		t.Run(c.a+"="+c.b, func(t *testing.T) {
			require.Equal(t, c.equal, name(t, c.a).Compare(name(t, c.b)) == 0)
			require.Equal(t, c.equal, name(t, c.b).Compare(name(t, c.a)) == 0)
			require.Equal(t, c.equal, EqualNames(c.a, c.b))
		})
	}
}

func TestNoNameEqualsWhatIsNoName(t *testing.T) {
	require.False(t, EqualNames("\xFF", "\xFF"))
	require.False(t, EqualNames("a", "a\xFF"))
}

func TestHint(t *testing.T) {
	for _, c := range []struct {
		s    string
		want [4]byte
	}{
		{"", [4]byte{}},
		{"a", [4]byte{'a'}},
		{"Abcdef", [4]byte{'A', 'b', 'c', 'd'}},
		{"\u00ffz", [4]byte{0xFF, 'z'}},
		{"txt\uf00d", [4]byte{}},
		{"abcd\u03a9", [4]byte{'a', 'b', 'c', 'd'}},
	} {
		t.Run(c.s, func(t *testing.T) { require.Equal(t, c.want, name(t, c.s).Hint()) })
	}
}
