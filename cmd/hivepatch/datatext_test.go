package main

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

func TestTypeNames(t *testing.T) {
	for _, c := range []struct {
		text string
		want hive.Type
	}{
		{"none", 0}, {"sz", 1}, {"expand_sz", 2}, {"binary", 3}, {"dword", 4}, {"dword_be", 5}, {"link", 6},
		{"multi_sz", 7}, {"resource_list", 8}, {"full_resource_descriptor", 9}, {"resource_requirements_list", 10},
		{"qword", 11}, {"0xc", 12}, {"0x10012", 0x10012}, {"0xffffffff", 0xFFFFFFFF},
	} {
		t.Run(c.text, func(t *testing.T) {
			require.Equal(t, c.text, typeName(c.want))
			got, err := parseType(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	for text, want := range map[string]hive.Type{
		"REG_SZ": 1, "reg_dword_big_endian": 5, "REG_DWORD_BE": 5, "Multi_SZ": 7, "4294967295": 0xFFFFFFFF, "0X7": 7, "007": 7,
	} {
		got, err := parseType(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "string", "4294967296", "0x100000000", "-1", "0x", "1_0", "+1"} {
		_, err := parseType(text)
		require.Equal(t, exitUsage, exitCode(err), text)
	}
}

// bytesOf reads bytes in hexadecimal digits.
func bytesOf(t *testing.T, digits string) []byte {
	data, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return data
}

// Data as its type wants it is printed as it can be typed.
func TestDataText(t *testing.T) {
	for _, c := range []struct {
		name string
		kind hive.Type
		data string // hexadecimal
		want string
	}{
		{"text", hive.SZ, "410042000000", "AB"},
		{"empty text", hive.SZ, "0000", ""},
		{"path", hive.ExpandSZ, "43003a005c0078000000", `C:\x`},
		{"what would be an escape", hive.SZ, "5c007800310066000000", `\x5cx1f`},
		{"line feed", hive.SZ, "41000a000000", `A\x0a`},
		{"NUL inside", hive.SZ, "4100000042000000", `A\x00B`},
		{"letters", hive.SZ, "2104e4003dd800de0000", "Сä😀"},
		{"lone surrogate", hive.Link, "3dd841000000", `\ud83dA`},
		{"list", hive.MultiSZ, "410000004200430000000000", `A\0BC`},
		{"empty list", hive.MultiSZ, "0000", ""},
		{"separator in a list", hive.MultiSZ, "5c00300000000000", `\x5c0`},
		{"escape of a separator in a list", hive.MultiSZ, "5c00780035006300300000000000", `\x5cx5c0`},
		{"number", hive.DWord, "00040000", "1024"},
		{"largest number", hive.DWord, "ffffffff", "4294967295"},
		{"big-endian number", hive.DWordBigEndian, "00000400", "1024"},
		{"long number", hive.QWord, "ffffffffffffffff", "18446744073709551615"},
		{"number of 3 bytes", hive.DWord, "000400", "hex:000400"},
		{"number of 5 bytes", hive.DWord, "0004000000", "hex:0004000000"},
		{"number of no bytes", hive.QWord, "", "hex:"},
		{"bytes", hive.Binary, "00ff10", "00ff10"},
		{"no bytes", hive.Binary, "", ""},
		{"none", hive.None, "01", "01"},
		{"unknown type", 0x10012, "4100", "4100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := bytesOf(t, c.data)
			got := dataText(c.kind, data)
			require.Equal(t, c.want, got)
			require.True(t, printable(got) == got)
			back, err := parseData(c.kind, got)
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(data), hex.EncodeToString(back))
		})
	}
}

// Data that its type would have otherwise is still shown.
func TestDataTextOfOdd(t *testing.T) {
	for _, c := range []struct {
		name string
		kind hive.Type
		data string
		want string
	}{
		{"nothing", hive.SZ, "", ""},
		{"no NUL", hive.SZ, "41004200", "AB"},
		{"three NULs", hive.SZ, "4100000000000000", "A"},
		{"one byte", hive.SZ, "41", `\x41`},
		{"odd byte", hive.SZ, "4100000042", `A\x42`},
		{"odd zero", hive.SZ, "4100000000", "A"},
		{"list of nothing", hive.MultiSZ, "", ""},
		{"list without its NULs", hive.MultiSZ, "410000004200", `A\0B`},
		{"list with an empty text", hive.MultiSZ, "410000000000420000000000", `A\0\0B`},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, dataText(c.kind, bytesOf(t, c.data)))
		})
	}
}

func TestParseData(t *testing.T) {
	for _, c := range []struct {
		name string
		kind hive.Type
		text string
		want string
	}{
		{"hexadecimal number", hive.DWord, "0x400", "00040000"},
		{"capital digits", hive.QWord, "0XFF", "ff00000000000000"},
		{"bytes with blanks", hive.Binary, "00 ff 10", "00ff10"},
		{"bytes as in .reg files", hive.Binary, "hex:00,FF,10", "00ff10"},
		{"text that is a prefix of bytes", hive.SZ, "hex:", "6800650078003a000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseData(c.kind, c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, hex.EncodeToString(got))
		})
	}
	for _, c := range []struct {
		name string
		kind hive.Type
		text string
		want string
	}{
		{"number too large", hive.DWord, "4294967296", "no number from 0 to 4294967295"},
		{"long number too large", hive.QWord, "18446744073709551616", "no number from 0 to 18446744073709551615"},
		{"negative number", hive.DWord, "-1", "no number"},
		{"no number", hive.DWord, "", "no number"},
		{"half a byte", hive.Binary, "00f", "pairs of hexadecimal digits"},
		{"no digits", hive.None, "zz", "pairs of hexadecimal digits"},
		{"half a byte of a number", hive.DWord, "hex:0", "pairs of hexadecimal digits"},
		{"empty text in a list", hive.MultiSZ, `a\0\0b`, "text 2 of the list is empty"},
		{"empty text at the end of a list", hive.MultiSZ, `a\0`, "text 2 of the list is empty"},
		{"bytes that are no text", hive.SZ, "a\xFF", "not valid UTF-8 at byte 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseData(c.kind, c.text)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, exitUsage, exitCode(err))
		})
	}
}

func FuzzDataText(f *testing.F) {
	f.Add(uint32(1), []byte("A\x00\x00\x00"))
	f.Add(uint32(7), []byte("\\\x000\x00\x00\x00\x00\x00"))
	f.Add(uint32(4), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, kind uint32, data []byte) {
		text := dataText(hive.Type(kind), data)
		require.True(t, printable(text) == text)
		// What the user types for a text comes back as it was typed.
		parsed, err := parseData(hive.Type(kind), text)
		if err != nil {
			return
		}
		again, err := parseData(hive.Type(kind), dataText(hive.Type(kind), parsed))
		require.NoError(t, err)
		require.True(t, bytes.Equal(parsed, again))
	})
}
