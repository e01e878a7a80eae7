package hive_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

// readableByReged leaves out what reged cannot export. It looks keys and values
// up again by name, does not find those whose names are in UTF-16 or have a NUL
// in them, and then crashes or leaves them out; a value with the name @ it takes
// for the default value. Of big data it writes the cell that lists the pieces.
var readableByReged = &readable{
	key: foundByReged,
	value: func(v *hive.Value) bool {
		return foundByReged(v.Name()) && v.Name() != "@" && v.Size() <= 16344
	},
}

func foundByReged(name string) bool {
	_, narrow := latin1(name)
	return narrow && !strings.Contains(name, "\x00")
}

// readWithReged has reged export everything. It writes names as they are
// stored, and texts in UTF-8, halves of surrogate pairs one by one. Of
// texts it sees what comes before a NUL, of numbers the first four bytes.
func readWithReged(t *testing.T, path string, h *hive.Hive) {
	export := filepath.Join(t.TempDir(), "export.reg")
	_, stderr := runPeer(t, peer(t, "reged"), "-x", path, "HIVE", `\`, export)
	require.Empty(t, stderr)
	output, err := os.ReadFile(export)
	require.NoError(t, err)
	f := &foretold{}
	f.add("Windows Registry Editor Version 5.00\r\n")
	root, err := h.Root()
	require.NoError(t, err)
	f.regedKey(t, root, "HIVE")
	f.add("\r\n")
	f.require(t, bytes.ReplaceAll(output, []byte(",\\\r\n  "), []byte(",")))
}

func (f *foretold) regedKey(t *testing.T, k *hive.Key, path string) {
	f.add("\r\n[", path, "]\r\n")
	for v, err := range k.Values() {
		require.NoError(t, err)
		if v.Name() == "" {
			f.add("@=")
		} else {
			f.add(`"`, quoted.Replace(regedName(t, v.Name())), `"=`)
		}
		f.regedData(v.Type(), dataOf(t, v))
	}
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		f.regedKey(t, child, path+`\`+regedName(t, child.Name()))
	}
}

func regedName(t *testing.T, name string) string {
	t.Helper()
	stored, narrow := latin1(name)
	require.True(t, narrow)
	return stored
}

// regedText decodes UTF-16 unit by unit. An odd byte at the end is one too.
func regedText(data []byte) string {
	var text []byte
	for i := 0; i < len(data); i += 2 {
		unit := rune(data[i])
		if i+1 < len(data) {
			unit = rune(binary.LittleEndian.Uint16(data[i:]))
		}
		switch {
		case unit == 0:
			return string(text)
		case utf16.IsSurrogate(unit): // which AppendRune does not encode
			text = append(text, 0xE0|byte(unit>>12), 0x80|byte(unit>>6&0x3F), 0x80|byte(unit&0x3F))
		default:
			text = append(text, string(unit)...)
		}
	}
	return string(text)
}

func (f *foretold) regedData(kind hive.Type, data []byte) {
	text := regedText(data)
	switch {
	case kind == hive.SZ && !strings.ContainsAny(text, "\r\n"):
		f.add(`"`, quoted.Replace(text), `"`)
	case kind == hive.DWord && len(data) == 4:
		f.addf("dword:%08x", binary.LittleEndian.Uint32(data))
	case kind == hive.DWord:
		f.add("dword:")
		f.gap() // it reads memory that it has freed
	case kind == hive.Binary:
		f.add("hex:")
		f.hexBytes(data)
	default:
		f.addf("hex(%x):", uint32(kind))
		f.hexBytes(data)
	}
	if len(data) > 0 || kind == hive.SZ || kind == hive.DWord { // else the line goes on with what follows
		f.add("\r\n")
	}
}
