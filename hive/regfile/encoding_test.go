package regfile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// operationsAs reads a file in an encoding that is known.
func operationsAs(t *testing.T, data []byte, encoding Encoding) []Operation {
	t.Helper()
	file, err := ParseAs(data, encoding)
	require.NoError(t, err)
	require.Equal(t, encoding, file.Encoding)
	var list []Operation
	for operation, err := range file.Operations() {
		require.NoError(t, err)
		operation.Line, operation.Column = 0, 0
		list = append(list, operation)
	}
	return list
}

// TestParseAs reads one file in every encoding, with and without its mark.
func TestParseAs(t *testing.T) {
	const text = "Windows Registry Editor Version 5.00\r\n\r\n[HKLM\\Kä]\r\n\"é\"=\"ü\"\r\n"
	want := []Operation{{Kind: CreateKey, Key: `HKLM\Kä`}, {Kind: SetValue, Key: `HKLM\Kä`, Name: "é", Type: 1, Data: sz("ü")}}
	latin := make([]byte, 0, len(text))
	for _, r := range text {
		latin = append(latin, byte(r))
	}
	for name, test := range map[string]struct {
		data     []byte
		encoding Encoding
	}{
		"UTF-16LE":                {utf16LE(text)[2:], UTF16LE},
		"UTF-16LE with its mark":  {utf16LE(text), UTF16LE},
		"UTF-16BE":                {utf16BE(text)[2:], UTF16BE},
		"UTF-16BE with its mark":  {utf16BE(text), UTF16BE},
		"UTF-8":                   {[]byte(text), UTF8},
		"UTF-8 with its mark":     {[]byte("\uFEFF" + text), UTF8},
		"Windows-1252":            {latin, Windows1252},
		"mixed, all in Latin-1":   {latin, Mixed},
		"mixed, all in UTF-8":     {[]byte(text), Mixed},
		"mixed, with a mark":      {[]byte("\uFEFF" + text), Mixed},
		"mixed, names in Latin-1": {[]byte(head5 + "[HKLM\\K\xE4]\r\n\"\xE9\"=\"ü\"\r\n"), Mixed},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, want, operationsAs(t, test.data, test.encoding)) })
	}
	for name, test := range map[string]struct {
		data     []byte
		encoding Encoding
		message  string
	}{
		"Latin-1 as UTF-8":    {latin, UTF8, "line 3, column 8: found the byte 0xe4, want UTF-8"},
		"UTF-16 as UTF-8":     {utf16LE(text), UTF8, "line 1, column 1: found the byte 0xff, want UTF-8"},
		"UTF-16 as mixed":     {utf16LE(text)[2:], Mixed, "line 1, column 2: found a NUL character, want text"},
		"UTF-8 as UTF-16LE":   {[]byte(text), UTF16LE, "half a character of UTF-16LE, want a whole one"},
		"UTF-16LE the other":  {utf16LE(text), UTF16BE, "line 1, column 1: found "},
		"UTF-16 that is half": {utf16LE(text)[:101], UTF16LE, "half a character of UTF-16LE, want a whole one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseAs(test.data, test.encoding)
			require.ErrorContains(t, err, test.message)
		})
	}
}

// TestMixed: each name and each text has an encoding of its own; what is whole
// UTF-8 is that, and nothing is read so without being asked for.
func TestMixed(t *testing.T) {
	data := []byte(head5 + "[HKLM\\\xC3\xA4\\\xE4\\caf\xE9]\r\n\"a\xE4\\\\b\xC3\xA4\"=\"\xD0\xAF \x80\"\r\n; \xE9\r\n\"z\"=\"end\"")
	require.Equal(t, []Operation{
		{Kind: CreateKey, Key: `HKLM\ä\ä\café`},
		{Kind: SetValue, Key: `HKLM\ä\ä\café`, Name: `aä\bä`, Type: 1, Data: sz("Ð¯ \u0080")},
		{Kind: SetValue, Key: `HKLM\ä\ä\café`, Name: "z", Type: 1, Data: sz("end")},
	}, operationsAs(t, data, Mixed))
	_, err := Parse(data)
	require.ErrorIs(t, err, ErrMixed)
	require.ErrorContains(t, err, "line 3, column 9: found the byte 0xe4, want UTF-8 as in the rest of the file")

	// A file in 8 bits without any UTF-8 is not mixed, and one that says it is
	// UTF-8 is broken.
	file, err := Parse([]byte(head5 + "[HKLM\\\xE4]"))
	require.NoError(t, err)
	require.Equal(t, Windows1252, file.Encoding)
	_, err = Parse([]byte("\uFEFF" + head5 + "[HKLM\\\xE4]"))
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrMixed)
}

// TestNoBreakBehindNoBytes: reged has no line break behind data without bytes.
func TestNoBreakBehindNoBytes(t *testing.T) {
	got, err := operations([]byte(head5 + "[K]\r\n\"a\"=hex:\"b\"=hex(200000):\"c\"=dword:1\r\n"))
	require.NoError(t, err)
	require.Equal(t, []Operation{
		{Kind: CreateKey, Key: "K", Line: 3, Column: 1},
		{Kind: SetValue, Key: "K", Name: "a", Type: 3, Data: []byte{}, Line: 4, Column: 1},
		{Kind: SetValue, Key: "K", Name: "b", Type: 0x200000, Data: []byte{}, Line: 4, Column: 9},
		{Kind: SetValue, Key: "K", Name: "c", Type: 4, Data: []byte{1, 0, 0, 0}, Line: 4, Column: 25},
	}, got)
	for text, message := range map[string]string{
		`"a"=hex:01"b"=-`:         `column 11: found ""b"=-`,
		`"a"=hex:,"b"=-`:          `column 9: found ","b"=-`,
		`"a"=hex: "b"=-`:          `column 10: found ""b"=-`,
		"\"a\"=hex:\\\r\n\"b\"=-": `line 5, column 1: found ""b"=-`,
		`"a"=-"b"=-`:              `column 6: found ""b"=-`,
		`"a"=dword:"b"=-`:         `column 11: found ""b"=-`,
		`"a"="b""c"=-`:            `column 8: found ""c"=-`,
		`"a"=":""c"=-`:            `column 8: found ""c"=-`,
		`"a"=hex:[K]`:             `column 9: found "[K]"`,
	} {
		_, err := operations([]byte(head5 + "[K]\r\n" + text))
		require.ErrorContains(t, err, message, text)
	}
}
