package regfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

const head5 = header5 + "\r\n\r\n"

// operations parses a file to its end.
func operations(data []byte) ([]Operation, error) {
	f, err := Parse(data)
	if err != nil {
		return nil, err
	}
	var all []Operation
	for operation, err := range f.Operations() {
		if err != nil {
			return nil, err
		}
		all = append(all, operation)
	}
	return all, nil
}

func sz(text string) []byte { return append(appendUTF16(nil, text), 0, 0) }

func utf16LE(text string) []byte { return append([]byte{0xFF, 0xFE}, appendUTF16(nil, text)...) }

func utf16BE(text string) []byte {
	data := []byte{0xFE, 0xFF}
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.BigEndian.AppendUint16(data, unit)
	}
	return data
}

func TestParseValues(t *testing.T) {
	for _, test := range []struct {
		name, line string
		want       Operation
	}{
		{"text", `"a"="b"`, Operation{Name: "a", Type: typeSZ, Data: sz("b")}},
		{"empty text", `"a"=""`, Operation{Name: "a", Type: typeSZ, Data: sz("")}},
		{"default", `@="b"`, Operation{Type: typeSZ, Data: sz("b")}},
		{"named at", `"@"="b"`, Operation{Name: "@", Type: typeSZ, Data: sz("b")}},
		{"escapes", `"a\\b\"c"="\\\"\\"`, Operation{Name: `a\b"c`, Type: typeSZ, Data: sz(`\"\`)}},
		{"brackets and signs in a name", `"[a]=-;b"="c"`, Operation{Name: "[a]=-;b", Type: typeSZ, Data: sz("c")}},
		{"semicolon in text", `"a"="b;c" ; "d"`, Operation{Name: "a", Type: typeSZ, Data: sz("b;c")}},
		{"two lines", "\"a\"=\"b\r\nc\"", Operation{Name: "a", Type: typeSZ, Data: sz("b\r\nc")}},
		{"lines of other systems", "\"a\"=\"b\nc\rd\"", Operation{Name: "a", Type: typeSZ, Data: sz("b\nc\rd")}},
		{"astral", `"😀"="😀"`, Operation{Name: "😀", Type: typeSZ, Data: []byte{0x3D, 0xD8, 0, 0xDE, 0, 0}}},
		{"dword", `"a"=dword:0000002a`, Operation{Name: "a", Type: typeDWord, Data: []byte{42, 0, 0, 0}}},
		{"dword capital", `"a"=dword:89ABCDEF`, Operation{Name: "a", Type: typeDWord, Data: []byte{0xEF, 0xCD, 0xAB, 0x89}}},
		{"dword short", `"a"=dword:1`, Operation{Name: "a", Type: typeDWord, Data: []byte{1, 0, 0, 0}}},
		{"hex", `"a"=hex:01,fF`, Operation{Name: "a", Type: typeBinary, Data: []byte{1, 255}}},
		{"hex empty", `"a"=hex:`, Operation{Name: "a", Type: typeBinary, Data: []byte{}}},
		{"hex none", `"a"=hex(0):`, Operation{Name: "a", Type: 0, Data: []byte{}}},
		{"hex qword", `"a"=hex(b):01,00,00,00,00,00,00,00`, Operation{Name: "a", Type: 11, Data: []byte{1, 0, 0, 0, 0, 0, 0, 0}}},
		{"hex of a dword", `"a"=hex(4):01,02`, Operation{Name: "a", Type: 4, Data: []byte{1, 2}}},
		{"hex of all digits", `"a"=hex(ffffFFFF):01`, Operation{Name: "a", Type: 0xFFFFFFFF, Data: []byte{1}}},
		{"hex expand", `"a"=hex(2):41,00,00,00`, Operation{Name: "a", Type: 2, Data: sz("A")}},
		{"hex continued", "\"a\"=hex:01,\\\r\n  02,\\ \r\n\t03", Operation{Name: "a", Type: typeBinary, Data: []byte{1, 2, 3}}},
		{"hex continued before the comma", "\"a\"=hex:\\\n01\\\n,02", Operation{Name: "a", Type: typeBinary, Data: []byte{1, 2}}},
		{"hex with comments behind backslashes", "\"a\"=hex:01,\\;c\n  02,\\ ; d \\\r\n03", Operation{Name: "a", Type: typeBinary, Data: []byte{1, 2, 3}}},
		{"hex with other lines in between", "\"a\"=hex:01,\\\r\n\r\n \t\r\n; c\r\n\t;\"b\"=hex:03\r\n\r\n  02", Operation{Name: "a", Type: typeBinary, Data: []byte{1, 2}}},
		{"hex with blanks and comment", `"a"=hex: 01 , 02 ; three`, Operation{Name: "a", Type: typeBinary, Data: []byte{1, 2}}},
		{"blanks", "\t\"a\" = \"b\" ", Operation{Name: "a", Type: typeSZ, Data: sz("b")}},
		{"delete", `"a"=-`, Operation{Kind: DeleteValue, Name: "a"}},
		{"delete default", `@=- ; gone`, Operation{Kind: DeleteValue}},
		{"string of a type", `"a"=str(2):"%b%"`, Operation{Name: "a", Type: 2, Data: sz("%b%")}},
		{"string without a type", `"a"=str:"b"`, Operation{Name: "a", Type: 1, Data: sz("b")}},
		{"units", `"a\u0000\u000A\ud83d\ude00\ud800"=hex:`, Operation{Name: "a\x00\n😀\xED\xA0\x80", Type: typeBinary, Data: []byte{}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			if want.Kind == CreateKey {
				want.Kind = SetValue
			}
			want.Key, want.Line, want.Column = `HKLM\K`, 4, 1
			if strings.HasPrefix(test.line, "\t") {
				want.Column = 2
			}
			text := head5 + "[HKLM\\K]\r\n" + test.line + "\r\n"
			for _, data := range [][]byte{[]byte(text), append([]byte("\xEF\xBB\xBF"), text...), utf16LE(text), utf16LE(text)[2:], utf16BE(text), utf16BE(text)[2:]} {
				got, err := operations(data)
				require.NoError(t, err)
				require.Equal(t, []Operation{{Kind: CreateKey, Key: `HKLM\K`, Line: 3, Column: 1}, want}, got)
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	for _, test := range []struct {
		name, line, want string
	}{
		{"plain", `[HKEY_LOCAL_MACHINE\SOFTWARE\A b]`, `HKEY_LOCAL_MACHINE\SOFTWARE\A b`},
		{"brackets", `[HKLM\[a]b]]`, `HKLM\[a]b]`},
		{"comment", `[HKLM\a] ; b`, `HKLM\a`},
		{"no root", `[\Select]`, `\Select`},
		{"root alone", `[\]`, `\`},
		{"backslash at the end", `[HKLM\SYSTEM\]`, `HKLM\SYSTEM`},
		{"blanks are part of it", `[HKLM\ a ]`, `HKLM\ a `},
		{"quotes and commas", `[HKLM\"a",b=c;d]`, `HKLM\"a",b=c;d`},
		{"units", `[HKLM\a\\u000d\\u000ab\\\u0000\c]`, "HKLM\\a\r\nb\\\x00\\c"},
		{"pair of units", `[HKLM\\\ud83d\\ude00]`, `HKLM\😀`},
		{"u behind a backslash", `[HKLM\u0041]`, `HKLM\u0041`},
		{"514 levels", "[a" + strings.Repeat(`\a`, 513) + "]", "a" + strings.Repeat(`\a`, 513)},
		{"255 characters", `[HKLM\` + strings.Repeat("é", 255) + `]`, `HKLM\` + strings.Repeat("é", 255)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := operations([]byte(head5 + test.line))
			require.NoError(t, err)
			require.Equal(t, []Operation{{Kind: CreateKey, Key: test.want, Line: 3, Column: 1}}, got)
			got, err = operations([]byte(head5 + "[-" + test.line[1:] + "\n"))
			require.NoError(t, err)
			require.Equal(t, []Operation{{Kind: DeleteKey, Key: test.want, Line: 3, Column: 1}}, got)
		})
	}
}

func TestParseREGEDIT4(t *testing.T) {
	latin := []byte("REGEDIT4\r\n\r\n[HKLM\\K]\r\n\"\x80\"=\"\xE9\x81\"\r\n" +
		"\"x\"=hex(2):25,41,25,e9,\\\r\n  00\r\n\"m\"=hex(7):61,00,80,00,00\r\n\"b\"=hex:80\r\n")
	want := []Operation{
		{Kind: CreateKey, Key: `HKLM\K`, Line: 3, Column: 1},
		{Kind: SetValue, Key: `HKLM\K`, Name: "€", Type: 1, Data: sz("é\u0081"), Line: 4, Column: 1},
		{Kind: SetValue, Key: `HKLM\K`, Name: "x", Type: 2, Data: sz("%A%é"), Line: 5, Column: 1},
		{Kind: SetValue, Key: `HKLM\K`, Name: "m", Type: 7, Data: append(sz("a"), append(sz("€"), 0, 0)...), Line: 7, Column: 1},
		{Kind: SetValue, Key: `HKLM\K`, Name: "b", Type: 3, Data: []byte{0x80}, Line: 8, Column: 1},
	}
	got, err := operations(latin)
	require.NoError(t, err)
	require.Equal(t, want, got)
	f, err := Parse(latin)
	require.NoError(t, err)
	require.Equal(t, Windows1252, f.Encoding)
	require.Equal(t, 4, f.Version)

	// Other programs write version 5 in 8 bits too.
	got, err = operations([]byte(head5 + "[HKLM\\K]\r\n\"\xE9\"=hex(2):41,00,00,00"))
	require.NoError(t, err)
	require.Equal(t, Operation{Kind: SetValue, Key: `HKLM\K`, Name: "é", Type: 2, Data: sz("A"), Line: 4, Column: 1}, got[1])

	got, err = operations([]byte("REGEDIT4\n[HKLM\\K]\n\"é\"=\"€\"\n"))
	require.NoError(t, err)
	require.Equal(t, Operation{Kind: SetValue, Key: `HKLM\K`, Name: "é", Type: 1, Data: sz("€"), Line: 3, Column: 1}, got[1])
}

func TestParseErrors(t *testing.T) {
	const key = "[HKLM\\K]\r\n"
	for _, test := range []struct {
		name, text   string
		line, column int
		message      string
	}{
		{"empty file", "", 1, 1, `found the end of the file, want "Windows`},
		{"no header", "[HKLM\\K]", 1, 1, `found "[HKLM\K]", want "Windows`},
		{"header of Windows 3.1", "REGEDIT\r\n", 1, 1, `found "REGEDIT", want`},
		{"header with more", header5 + " a", 1, 38, `found "a", want the end of the line`},
		{"other version", "Windows Registry Editor Version 6.00\r\n", 1, 1, "found \"Windows Registry"},
		{"junk", head5 + "a", 3, 1, `found "a", want a key in brackets`},
		{"value without key", head5 + `"a"="b"`, 3, 1, "want a key in brackets before"},
		{"value of a deleted key", head5 + "[-HKLM\\K]\r\n\"a\"=\"b\"", 4, 1, "want no value below a key that is deleted"},
		{"missing bracket", head5 + "[HKLM\\K\r\n\"a\"=\"b\"", 3, 8, `found the end of the line, want "]"`},
		{"empty key", head5 + "[]", 3, 2, `found "]", want the name`},
		{"empty key to delete", head5 + "[-]", 3, 3, `found "]", want the name`},
		{"double backslash", head5 + `[HKLM\\K]`, 3, 7, `found "\K]", want the name of a key`},
		{"double backslash at the start", head5 + `[\\HKLM]`, 3, 3, `found "\HKLM]", want the name of a key`},
		{"double backslash at the end", head5 + `[HKLM\\]`, 3, 7, `found "\]", want the name of a key`},
		{"escaped backslash in a key", head5 + `[HKLM\a\\u005c]`, 3, 9, `want the name of a key`},
		{"text behind a key", head5 + `[HKLM\K] a`, 3, 10, `found "a", want the end of the line`},
		{"bracket in a comment", head5 + `[HKLM\K] ; [a]`, 3, 8, `want no bracket before a semicolon`},
		{"key of 256 characters", head5 + `[HKLM\` + strings.Repeat("a", 256) + "]", 3, 7, "want at most 255 characters"},
		{"key of 515 levels", head5 + "[a" + strings.Repeat(`\a`, 514) + "]", 3, 1030, "want at most 514 names"},
		{"name of 16384 characters", head5 + key + `"` + strings.Repeat("é", 16384) + `"=-`, 4, 1, "want at most 16383 characters"},
		{"name not closed", head5 + key + "\"a\r\n\"b\"=\"c\"", 4, 3, "found the end of the line, want a quotation mark"},
		{"name not closed at the end", head5 + key + "\"a", 4, 1, `found ""a", want a quotation mark`},
		{"no equals sign", head5 + key + `"a":"b"`, 4, 4, `found ":"b"", want "="`},
		{"no data", head5 + key + `"a"=`, 4, 5, "found the end of the file, want \"text\""},
		{"unknown word", head5 + key + `"a"=qword:1`, 4, 5, `found "qword:1", want "text", dword:`},
		{"unescaped backslash", head5 + key + `"a"="C:\dir"`, 4, 8, `found "\dir"", want \\ for a backslash`},
		{"units in data", head5 + key + `"a"="\u0041"`, 4, 6, `want \\ for a backslash`},
		{"half an escape", head5 + key + `"a\u004"="b"`, 4, 3, `want \\ for a backslash`},
		{"text behind text", head5 + key + `"a"="b" c`, 4, 9, `found "c", want the end of the line`},
		{"text not closed", head5 + key + "\"a\"=\"b\r\n\"c\"=\"d\"\r\n", 4, 5, `found ""b", want a quotation mark at the end of the string`},
		{"text not closed at the end", head5 + key + `"é"="b`, 4, 5, `found ""b", want a quotation mark at the end of the string`},
		{"dword empty", head5 + key + `"a"=dword:`, 4, 11, "found the end of the file, want 1 to 8"},
		{"dword too long", head5 + key + `"a"=dword:123456789`, 4, 11, `found "123456789", want 1 to 8`},
		{"dword no number", head5 + key + `"a"=dword:0x1`, 4, 12, `found "x1", want the end`},
		{"type empty", head5 + key + `"a"=hex():00`, 4, 9, "want a type of 1 to 8"},
		{"type too long", head5 + key + `"a"=hex(123456789):00`, 4, 9, "want a type of 1 to 8"},
		{"type unknown", head5 + key + `"a"=hex(REG_SZ):00`, 4, 9, "want a type of 1 to 8"},
		{"type not closed", head5 + key + `"a"=hex(2:00`, 4, 10, `want "):"`},
		{"no quotes behind str", head5 + key + `"a"=str(2):b`, 4, 12, "want a quotation mark"},
		{"half a byte", head5 + key + `"a"=hex:01,0`, 4, 12, `found "0", want two hexadecimal digits`},
		{"three digits", head5 + key + `"a"=hex:011`, 4, 11, `found "1", want a comma`},
		{"no digit", head5 + key + `"a"=hex:0g`, 4, 9, `found "0g", want two hexadecimal digits`},
		{"comma at the end", head5 + key + "\"a\"=hex:01,\r\n02", 4, 12, "found the end of the line, want two hexadecimal digits"},
		{"nothing below a backslash", head5 + key + "\"a\"=hex:01,\\\r\n\r\n", 6, 1, "found the end of the file, want the bytes that a backslash"},
		{"end of file behind a backslash", head5 + key + "\"a\"=hex:01,\\", 4, 13, "found the end of the file"},
		{"text behind a backslash", head5 + key + "\"a\"=hex:01,\\ 02", 4, 14, `found "02", want the end of the line`},
		{"comment below a backslash", head5 + key + "\"a\"=hex:01,\\\r\n;02", 5, 4, "found the end of the file, want the bytes that a backslash"},
		{"entry below a backslash", head5 + key + "\"a\"=hex:01,\\\r\n\r\n@=-\r\n", 6, 1, `found "@=-", want two hexadecimal digits`},
		{"number sign behind a backslash", head5 + key + "\"a\"=hex:01,\\#c\r\n02", 4, 13, `found "#c", want the end of the line`},
		{"NUL", head5 + key + "\"a\"=\"b\x00\"", 4, 7, "found a NUL character, want text"},
		{"NUL in the header", "Windows Registry\x00", 1, 17, "found a NUL character"},
		{"UTF-8 and Latin-1", head5 + key + "\"é\"=\"\xE9\"", 4, 6, "found the byte 0xe9, want UTF-8"},
		{"Latin-1 and UTF-8", head5 + key + "\"\xE9\"=\"é\"", 4, 2, "found the byte 0xe9, want UTF-8"},
		{"UTF-8 cut off", head5 + key + "\"é\"=\"\xC3", 4, 6, "found the byte 0xc3, want UTF-8"},
		{"UTF-8 with mark and Latin-1", "\xEF\xBB\xBFREGEDIT4\r\n\xE9", 2, 1, "found the byte 0xe9, want UTF-8"},
		{"cut off UTF-16", string(utf16LE(head5+key)) + "a", 4, 1, "found half a character of UTF-16LE"},
		{"CR alone", header5 + "\r[HKLM\\K]\ra", 3, 1, `found "a"`},
		{"columns are characters", head5 + key + "\"äöü😀\"=x", 4, 8, `found "x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := operations([]byte(test.text))
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Contains(t, err.Error(), test.message)
			require.Equal(t, []int{test.line, test.column}, []int{syntax.Line, syntax.Column}, "%s", err)
		})
	}
}

// A file of many megabytes in one line, of whatever kind, is refused in time
// that is linear in its length, with a short message.
func TestParseLongLines(t *testing.T) {
	for _, test := range []struct {
		name, before string
		c            string
		after        string
	}{
		{"junk", "", "a", ""},
		{"comment", ";", ";", "\na"},
		{"key", "[", "a", "]"},
		{"brackets", "[", "]", ";]"},
		{"blanks in brackets", "[a]", " ", "]"},
		{"levels", `[HKLM`, `\a`, "]"},
		{"backslashes", `[HKLM\K\`, `\`, "]"},
		{"escapes", `[HKLM\`, `\\u0041`, "]"},
		{"name", "[HKLM\\K]\n\"", "a", "\"=-"},
		{"escaped name", "[HKLM\\K]\n\"", `\"`, "\"=-"},
		{"text", "[HKLM\\K]\n\"a\"=\"", "a", ""},
		{"text of many lines", "[HKLM\\K]\n\"a\"=\"", "\n", "\"b"},
		{"digits", "[HKLM\\K]\n\"a\"=dword:", "0", ""},
		{"type", "[HKLM\\K]\n\"a\"=hex(", "0", ""},
		{"bytes", "[HKLM\\K]\n\"a\"=hex:00", ",00", ",0"},
		{"continued", "[HKLM\\K]\n\"a\"=hex:00", ",\\\n00", ",0"},
		{"blanks", "[HKLM\\K]\n\"a\"=", " ", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			size := 8 << 20
			if test.name == "junk" || test.name == "name" || test.name == "text" {
				size = 100 << 20
			}
			text := bytes.Repeat([]byte(test.c), size/len(test.c))
			text = append(append([]byte(header5+"\n"+test.before), text...), test.after...)
			start := time.Now()
			_, err := operations(text)
			require.Error(t, err)
			require.Less(t, len(err.Error()), 300)
			require.Less(t, time.Since(start), 5*time.Minute, "what is not linear takes hours")
		})
	}
}
