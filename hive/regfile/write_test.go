package regfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// written returns what a function writes.
func written(encoding Encoding, write func(w *Writer)) []byte {
	var b bytes.Buffer
	w := NewWriter(&b, encoding)
	write(w)
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writeOperations(encoding Encoding, operations []Operation) []byte {
	return written(encoding, func(w *Writer) {
		for _, operation := range operations {
			switch operation.Kind {
			case CreateKey:
				w.CreateKey(operation.Key)
			case DeleteKey:
				w.DeleteKey(operation.Key)
			case SetValue:
				w.SetValue(operation.Name, operation.Type, operation.Data)
			case DeleteValue:
				w.DeleteValue(operation.Name)
			}
		}
	})
}

// The lines that Registry Editor of Windows writes for these values.
func TestWriteAsRegedit(t *testing.T) {
	want := strings.Join([]string{
		`Windows Registry Editor Version 5.00`,
		``,
		`[HKEY_LOCAL_MACHINE\SYSTEM\CrashControl]`,
		`@="default"`,
		`"AutoReboot"=dword:00000001`,
		`"DumpFile"=hex(2):25,00,53,00,79,00,73,00,74,00,65,00,6d,00,52,00,6f,00,6f,00,\`,
		`  74,00,25,00,5c,00,4d,00,45,00,4d,00,4f,00,52,00,59,00,2e,00,44,00,4d,00,50,\`,
		`  00,00,00`,
		`"MinidumpDir"=hex(2):25,00,53,00,79,00,73,00,74,00,65,00,6d,00,52,00,6f,00,6f,\`,
		`  00,74,00,25,00,5c,00,4d,00,69,00,6e,00,69,00,64,00,75,00,6d,00,70,00,00,00`,
		`"Product\\Id"="\"C:\\dir\""`,
		`"None"=hex(0):`,
		`"Binary"=hex:00,ff`,
		`"Qword"=hex(b):01,00,00,00,00,00,00,00`,
		`"Odd"=hex(ffff0001):01`,
		`"Odd dword"=hex(4):01,02,03`,
		`"Two lines"=hex(1):61,00,0d,00,0a,00,62,00,00,00`,
		``,
		`[HKEY_LOCAL_MACHINE\SYSTEM\CrashControl\]x[]`,
		``,
		`[-HKEY_LOCAL_MACHINE\SYSTEM\Old]`,
		``,
		`[HKEY_LOCAL_MACHINE\SYSTEM\New]`,
		`"gone"=-`,
		`@=-`,
		``, ``,
	}, "\r\n")
	write := func(w *Writer) {
		w.CreateKey(`HKEY_LOCAL_MACHINE\SYSTEM\CrashControl`)
		w.SetValue("", 1, sz("default"))
		w.SetValue("AutoReboot", 4, []byte{1, 0, 0, 0})
		w.SetValue("DumpFile", 2, sz(`%SystemRoot%\MEMORY.DMP`))
		w.SetValue("MinidumpDir", 2, sz(`%SystemRoot%\Minidump`))
		w.SetValue(`Product\Id`, 1, sz(`"C:\dir"`))
		w.SetValue("None", 0, nil)
		w.SetValue("Binary", 3, []byte{0, 255})
		w.SetValue("Qword", 11, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		w.SetValue("Odd", 0xFFFF0001, []byte{1})
		w.SetValue("Odd dword", 4, []byte{1, 2, 3})
		w.SetValue("Two lines", 1, sz("a\r\nb"))
		w.CreateKey(`HKEY_LOCAL_MACHINE\SYSTEM\CrashControl\]x[`)
		w.DeleteKey(`HKEY_LOCAL_MACHINE\SYSTEM\Old`)
		w.CreateKey(`HKEY_LOCAL_MACHINE\SYSTEM\New`)
		w.DeleteValue("gone")
		w.DeleteValue("")
	}
	require.Equal(t, want, string(decodeUTF16(written(UTF16LE, write)[2:], binary.LittleEndian)))
	require.Equal(t, []byte{0xFF, 0xFE, 'W', 0}, written(UTF16LE, write)[:4])
	require.Equal(t, strings.ReplaceAll(want, "\r\n", "\n"), string(written(UTF8, write)))
}

// Lines are broken where regedit breaks them, for names of every length.
func TestWriteLineBreaks(t *testing.T) {
	for length := range 90 {
		name := strings.Repeat("é", length+1)
		text := string(written(UTF8, func(w *Writer) { w.SetValue(name, 3, make([]byte, 100)) }))
		lines := strings.Split(strings.Split(text, "\n=")[0], "\n")
		for i, line := range lines[1:] {
			more := strings.HasSuffix(line, `\`)
			columns := len([]rune(strings.TrimSuffix(line, `\`)))
			switch {
			case i == 0 && len([]rune(`"`+name+`"=hex:`)) >= fullLine:
				require.Equal(t, `"`+name+`"=hex:00,\`, line)
			case more:
				require.True(t, columns >= fullLine && columns < fullLine+3, line)
			default:
				require.Less(t, columns, fullLine+3)
			}
		}
	}
}

// oddTexts are names and strings that are hard to carry.
func oddTexts() []string {
	texts := []string{
		" ", "@", "-", "-a", "a-", "=", `a"b`, `a\"`, "[", "]", "];", "a] ;b", "a]b;", "]];;", ";", "#", ",", "a\tb", "é", "ÿ", "ıİ", "σς", "Ж", "😀",
		"\xED\xA0\x80", "\xED\xB0\x80", "\xED\xB0\x80\xED\xA0\x80", "a\xED\xA0\x80😀\xED\xA0\x80", "\x00", "a\x00b", "\r", "\n", "a\r\nb", "\x1b[2J", "\x7f", "\u0085",
		"\u2028", "\ufeff", "\ufffe", "\uffff", "u0041", "\xED\xA0\xBDu", "_^`{|}~", "dword:", "hex:",
	}
	for c := byte('A'); c <= 'z'; c++ {
		if c != '\\' {
			texts = append(texts, string(rune(c)))
		}
	}
	return texts
}

// What is written is read back: odd names of keys and values, odd strings,
// every type and many lengths.
func TestRoundTrip(t *testing.T) {
	var all []Operation
	add := func(operation Operation) {
		if operation.Kind == SetValue && operation.Data == nil {
			operation.Data = []byte{}
		}
		all = append(all, operation)
	}
	for _, text := range oddTexts() {
		for _, key := range []string{"HKLM\\" + text, "HKLM\\" + text + "\\" + text, text + "\\b", "a" + text} {
			add(Operation{Kind: CreateKey, Key: key})
			add(Operation{Kind: DeleteKey, Key: key})
		}
		key := "HKLM\\a" + text + `\` + text + `]\[b`
		add(Operation{Kind: CreateKey, Key: key})
		for _, name := range []string{text, string(joinPairs([]byte(text + text))), text + `\`, `\\u0041` + text, "a" + text} {
			add(Operation{Kind: DeleteValue, Key: key, Name: name})
			add(Operation{Kind: SetValue, Key: key, Name: name, Type: 1, Data: sz(text)})
			add(Operation{Kind: SetValue, Key: key, Name: name, Type: 2, Data: sz(text)})
		}
	}
	add(Operation{Kind: CreateKey, Key: `\`})
	add(Operation{Kind: CreateKey, Key: `\a`})
	add(Operation{Kind: CreateKey, Key: "k"})
	for kind := range uint32(14) {
		for length := range 80 {
			data := bytes.Repeat([]byte{byte(kind), 0xAB}, length)[:length]
			add(Operation{Kind: SetValue, Key: "k", Name: fmt.Sprint(kind, length), Type: kind, Data: data})
		}
	}
	for _, data := range [][]byte{{0}, {0, 0}, {0, 0, 0}, {0, 0, 0, 0}, {'a', 0}, {0, 0, 'a', 0, 0, 0}, {'a', 0, 0, 0, 0, 0}, {0, 0xD8, 0, 0}, {0, 0xDC, 0, 0xD8, 0, 0}} {
		add(Operation{Kind: SetValue, Key: "k", Type: 1, Data: data})
		add(Operation{Kind: SetValue, Key: "k", Type: 0xFFFFFFFF, Data: data})
	}
	for _, encoding := range []Encoding{UTF16LE, UTF8} {
		t.Run(encoding.String(), func(t *testing.T) {
			got, err := operations(writeOperations(encoding, all))
			require.NoError(t, err)
			requireSame(t, all, got)
		})
	}
}

// requireSame compares operations but for their places.
func requireSame(t *testing.T, want, got []Operation) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range got {
		got[i].Line, got[i].Column = 0, 0
		want[i].Line, want[i].Column = 0, 0
		require.Equal(t, want[i], got[i])
	}
}

// A file in UTF-8 is for people: nothing in it can play with a terminal, and it
// is valid text.
func TestWriteUTF8IsPlain(t *testing.T) {
	data := written(UTF8, func(w *Writer) {
		for _, text := range oddTexts() {
			w.Comment(text)
			w.CreateKey("HKLM\\" + text)
			w.SetValue(text, 1, sz(text))
		}
	})
	require.True(t, utf8.Valid(data))
	for _, c := range string(data) {
		require.True(t, c == '\n' || c == '\t' || c >= ' ' && (c < 0x7F || c >= 0xA0), "%q", c)
	}
}

func TestWriteComment(t *testing.T) {
	require.Equal(t, header5+"\n\n; a?b\n[k]\n\n; c\n; d\n[-k]\n\n", string(written(UTF8, func(w *Writer) {
		w.Comment("a\nb")
		w.CreateKey("k")
		w.Comment("c")
		w.Comment("d")
		w.DeleteKey("k")
	})))
}

type failing struct{ after int }

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.after -= len(b); f.after < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteError(t *testing.T) {
	for _, after := range []int{0, 1 << 20} {
		w := NewWriter(&failing{after}, UTF16LE)
		w.CreateKey("k")
		for range 10 {
			w.SetValue("a", 3, make([]byte, 1<<17))
		}
		require.ErrorIs(t, w.Err(), errFull)
		require.ErrorIs(t, w.Flush(), errFull)
	}
}
