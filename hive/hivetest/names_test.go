package hivetest

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUpcaseTable(t *testing.T) {
	table := make([]byte, 0, 0x20000)
	changed := 0
	for unit := range 0x10000 {
		upper := Upcase(uint16(unit))
		table = append(table, byte(upper), byte(upper>>8))
		if int(upper) != unit {
			changed++
		}
	}
	sum := sha256.Sum256(table)
	require.Equal(t, "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742", hex.EncodeToString(sum[:]))
	require.Equal(t, 973, changed)
}

func TestNameHash(t *testing.T) {
	for _, vector := range []struct {
		name string
		hash uint32
	}{
		{"A", 0x00000041},
		{"Software", 0xe9fe1463},
		{"Microsoft", 0x7f00cd26},
		{"CurrentVersion", 0x7e25f69d},
		{"Select", 0x5f0024a0},
		{"ControlSet001", 0x8f3ba9a2},
		{"{00000000-0000-0000-0000-000000000000}", 0xfc81ee90},
		{"Café", 0x00352f57},
		{"Ωmega", 0x68e8c913},
		{"ÿ", 0x00000178},
		{"µ", 0x000000b5},
		{"straße", 0x60b1bf06},
		{"привет", 0x81c3d610},
		{"x😀", 0x0021f569},
	} {
		require.Equal(t, vector.hash, NameHash(vector.name), vector.name)
	}
}

func TestNameHint(t *testing.T) {
	for name, hint := range map[string]string{
		"Select": "Sele", "RNG": "RNG\x00", "": "\x00\x00\x00\x00", "Überwachung": "\xDCber",
		"txt\uF00D": "\x00\x00\x00\x00", "Ωabc": "\x00abc", "aΩbc": "\x00\x00bc", "abcd\uF00D": "abcd",
	} {
		got := NameHint(name)
		require.Equal(t, hint, string(got[:]), name)
	}
}

func TestUnits(t *testing.T) {
	for _, test := range []struct {
		text  string
		units []uint16
	}{
		{"", []uint16{}},
		{"aé€", []uint16{0x61, 0xE9, 0x20AC}},
		{"😀", []uint16{0xD83D, 0xDE00}},
		{"\xED\xA0\xBD", []uint16{0xD83D}},
		{"\xED\xB8\x80x", []uint16{0xDE00, 0x78}},
		{"\xED\xB8\x80\xED\xA0\xBD", []uint16{0xDE00, 0xD83D}},
		{"\uD7FF\uE000\uFFFF", []uint16{0xD7FF, 0xE000, 0xFFFF}},
		{"a\x00b", []uint16{0x61, 0, 0x62}},
	} {
		require.Equal(t, test.units, Units(test.text))
		require.Equal(t, test.text, FromUnits(test.units))
	}
	for unit := range 0x10000 {
		units := []uint16{uint16(unit), 0x41}
		require.Equal(t, units, Units(FromUnits(units)))
	}
}

func TestCompareNames(t *testing.T) {
	// each name sorts before the next
	for _, order := range [][]string{
		{"A", "a1", "AB", "b", "C", "_", "`"},
		{"x", "x\xED\xA0\xBD", "x😀", "x\xED\xB8\x80", "x\uE000", "x\uFFFD"},
		{"ControlSet001", "controlset002"},
	} {
		for i := range order[1:] {
			require.Negative(t, CompareNames(order[i], order[i+1]), "%q %q", order[i], order[i+1])
			require.Positive(t, CompareNames(order[i+1], order[i]))
		}
	}
	require.Zero(t, CompareNames("Привет", "пРИВЕТ"))
	require.Zero(t, CompareNames("ÿ", "Ÿ"))
	require.NotZero(t, CompareNames("ß", "SS"))
}
