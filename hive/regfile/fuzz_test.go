package regfile

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse feeds the parser anything. It must not panic, and what it
// understands must come back from what the writer makes of it.
func FuzzParse(f *testing.F) {
	text := head5 + "[HKLM\\a\\\\u0000]\r\n@=\"b\\\\\r\nc\"\r\n\"d\\u0000\\\"\"=hex(2):01,\\\r\n  02 ; e\r\n\"f\"=-\r\n\"g\"=dword:1\r\n[-HKLM\\a]\r\n; h\r\n"
	f.Add([]byte(text))
	f.Add(utf16LE(text))
	f.Add(utf16BE(text))
	f.Add([]byte("REGEDIT4\n[a]\n\"\xE9\"=hex(7):80,00\n"))
	f.Add(append(utf16LE(head5+"[a"), 0, 0xD8, ']', 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, err := operations(data)
		if err != nil {
			require.Less(t, len(err.Error()), 400)
			return
		}
		for _, encoding := range []Encoding{UTF16LE, UTF8} {
			text := writeOperations(encoding, want)
			got, err := operations(text)
			require.NoError(t, err)
			requireSame(t, want, got)
			require.True(t, bytes.Equal(text, writeOperations(encoding, got)))
		}
	})
}
