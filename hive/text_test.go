package hive_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

func TestEqualNames(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"", "a", false}, {"Select", "SELECT", true}, {"ß", "SS", false}, {"ß", "ẞ", false},
		{"привет", "ПРИВЕТ", true}, {"ς", "σ", false}, {"ς", "Σ", false}, {"σ", "Σ", true}, {"ı", "I", false}, {"ÿ", "Ÿ", true},
		{"😀", "😀", true}, {"\xED\xA0\xBD", "\xED\xA0\xBD", true}, {"\xED\xA0\xBD", "\xED\xA0\xBE", false},
		{"\xED\xA0\xBD\xED\xB8\x80", "😀", true}, {"\xFF", "\xFF", false},
	} {
		require.Equal(t, c.want, hive.EqualNames(c.a, c.b), "%q %q", c.a, c.b)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, ""},
		{"letters", []byte("A\x00\x21\x04"), "AС"},
		{"NULs", []byte("A\x00\x00\x00B\x00\x00\x00"), "A\x00B\x00"},
		{"pair", []byte{0x3D, 0xD8, 0x00, 0xDE}, "😀"},
		{"first half", []byte{0x3D, 0xD8}, "\xED\xA0\xBD"},
		{"halves the wrong way round", []byte{0x00, 0xDE, 0x3D, 0xD8}, "\xED\xB8\x80\xED\xA0\xBD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, hive.DecodeText(c.data))
			back, err := hive.EncodeText(c.want)
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.data, back))
		})
	}
	require.Equal(t, "A", hive.DecodeText([]byte("A\x00B")), "an odd byte")
	_, err := hive.EncodeText("ab\xFF")
	require.ErrorContains(t, err, "byte 2")
}

// Names are equal when their upper cases are.
func TestAppendUpper(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"aZ_`{é", "AZ_`{É"}, {"ÿß", "Ÿß"}, {"ςσΣ", "ςΣΣ"}, {"x😀y", "X😀Y"},
		{"a\xED\xA0\xBDb", "A\xED\xA0\xBDB"}, {"a\xFFb", "A\xFFB"}, {"ꭰ", "ꭰ"},
	} {
		require.Equal(t, c.want, string(hive.AppendUpper(nil, c.text)), "%q", c.text)
	}
}

func FuzzAppendUpper(f *testing.F) {
	f.Add("Select", "SELECT")
	f.Add("ÿß\xED\xA0\xBD", "Ÿß😀")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, text := range []string{a, b} {
			upper := string(hive.AppendUpper(nil, text))
			require.Equal(t, upper, string(hive.AppendUpper(nil, upper)))
			data, err := hive.EncodeText(text)
			if err != nil {
				require.False(t, hive.EqualNames(text, text))
				return
			}
			require.True(t, hive.EqualNames(text, upper))
			require.True(t, hive.EqualNames(text, hive.DecodeText(data)))
		}
		// As strings of the one form that DecodeText gives.
		a, b = normal(t, a), normal(t, b)
		equal := bytes.Equal(hive.AppendUpper(nil, a), hive.AppendUpper(nil, b))
		require.Equal(t, equal, hive.EqualNames(a, b))
	})
}

// normal is a text with no pair of surrogates written as two.
func normal(t *testing.T, text string) string {
	data, err := hive.EncodeText(text)
	require.NoError(t, err)
	return hive.DecodeText(data)
}

// The data of a REG_SZ ends with a NUL, which is a character of the text.
func ExampleDecodeText() {
	fmt.Printf("%q\n", hive.DecodeText([]byte("c\x00s\x00r\x00s\x00s\x00\x00\x00")))
	// Output: "csrss\x00"
}

// Names are compared as Windows does, whatever the language.
func ExampleEqualNames() {
	fmt.Println(hive.EqualNames("Служба", "СЛУЖБА"), hive.EqualNames("straße", "STRASSE"))
	// Output: true false
}

// The data of a REG_SZ, whose NUL is part of it.
func ExampleEncodeText() {
	data, err := hive.EncodeText("ß😀\x00")
	fmt.Printf("% x %v\n", data, err)
	// Output: df 00 3d d8 00 de 00 00 <nil>
}
