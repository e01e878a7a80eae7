package hive_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

// readWithRegfexport has libregf write everything. It sees names and texts as C
// does, up to a NUL.
func readWithRegfexport(t *testing.T, path string, h *hive.Hive) {
	output, stderr := runPeer(t, peer(t, "regfexport"), path)
	require.Empty(t, stderr)
	f := &foretold{}
	f.add("regfexport ")
	f.gap() // its version
	f.add("\n\n")
	root, err := h.Root()
	require.NoError(t, err)
	f.regfexportKey(t, root, "")
	f.add("\n")
	f.require(t, output)
}

func (f *foretold) regfexportKey(t *testing.T, k *hive.Key, above string) {
	name := regfexportName(k.Name())
	path := above + name
	f.add("Key path: ", path, "\nKey: ", name, "\n")
	class, err := k.Class()
	require.NoError(t, err)
	if class != "" {
		f.add("Class name: ", class, "\n")
	}
	i := 0
	for v, err := range k.Values() {
		require.NoError(t, err)
		name := regfexportName(v.Name())
		if v.Name() == "" {
			name = "(default)"
		}
		f.addf("Value: %d %s\nType: %s\nData size: ", i, name, regfexportType(v.Type()))
		f.regfexportData(v.Type(), dataOf(t, v))
		f.add("\n")
		i++
	}
	if i == 0 {
		f.add("\n")
	}
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		f.regfexportKey(t, child, path+`\`)
	}
}

// regfexportName returns a name as libregf sees it, which takes Latin-1 for
// Windows' code page 1252 (of what is different there only one character occurs
// here), and drops a byte order mark.
func regfexportName(name string) string {
	if _, narrow := latin1(name); narrow {
		return beforeNUL(strings.ReplaceAll(name, "\u0085", "…"))
	}
	return beforeNUL(strings.TrimPrefix(name, "\ufeff"))
}

func regfexportType(kind hive.Type) string {
	names := []string{
		"undefined (REG_NONE)", "string (REG_SZ)", "expandable string (REG_EXPAND_SZ)", "binary data (REG_BINARY)",
		"32-bit integer little-endian (REG_DWORD_LITTLE_ENDIAN)", "32-bit integer big-endian (REG_DWORD_BIG_ENDIAN)",
		"symbolic link (REG_LINK)", "multi-value string (REG_MULTI_SZ)", "resource list (REG_RESOURCE_LIST)",
		"full resource descriptor (REG_FULL_RESOURCE_DESCRIPTOR)", "resource requirements list (REG_RESOURCE_REQUIREMENTS_LIST)",
		"64-bit integer little-endian (REG_QWORD_LITTLE_ENDIAN)",
	}
	if int64(kind) < int64(len(names)) {
		return names[kind]
	}
	return fmt.Sprintf("unknown: %#08x", uint32(kind))
}

func (f *foretold) regfexportData(kind hive.Type, data []byte) {
	if len(data) < 4 {
		// It takes the last bytes of the four that hold short data, which are
		// the first.
		data = append(append([]byte{}, data...), 0, 0, 0, 0)[4-len(data) : 4][:len(data)]
	}
	switch {
	case kind == hive.SZ || kind == hive.ExpandSZ:
		f.regfexportText(data)
	case kind == hive.DWord && len(data) == 4:
		f.addf("4\nData: %d\n", binary.LittleEndian.Uint32(data))
	case kind == hive.DWordBigEndian && len(data) == 4:
		f.addf("4\nData: %d\n", binary.BigEndian.Uint32(data))
	case kind == hive.QWord && len(data) == 8:
		f.addf("8\nData: %d\n", binary.LittleEndian.Uint64(data))
	default:
		f.addf("%d\n", len(data))
		if kind == hive.DWord || kind == hive.DWordBigEndian || kind == hive.QWord {
			f.add("Mismatch in data size and that required for data type.\n")
		}
		if len(data) > 0 {
			f.add("Data:\n")
			f.regfexportDump(data)
		}
	}
}

// regfexportText adds a text. How it reads one that is not UTF-16, or begins
// with a byte order mark, follows no rule, nor whether it counts a NUL that is
// not there, nor what it shows then behind the text: it reads on past its end.
func (f *foretold) regfexportText(data []byte) {
	text := hive.DecodeText(data)
	if len(data) == 0 {
		f.add("0\nData:\n")
		return
	}
	if len(data)%2 != 0 || !utf8.ValidString(text) || strings.HasPrefix(text, "\ufeff") {
		f.gap()
		f.add("\n")
		return
	}
	before, _, terminated := strings.Cut(text, "\x00")
	units, _ := hive.EncodeText(before)
	switch {
	case !terminated:
		f.gap()
	case len(data) <= 4:
		f.addf("%d", len(data))
	default:
		f.addf("%d", len(units)+2)
	}
	f.add("\nData: ", before)
	if !terminated {
		f.gap()
	}
	f.add("\n")
}

// regfexportDump adds lines such as
// 00000000: 41 42 43 44 45 46 47 48  49 4a                    ABCDEFGH IJ
func (f *foretold) regfexportDump(data []byte) {
	for at := 0; at < len(data); at += 16 {
		line := data[at:min(at+16, len(data))]
		f.addf("%08x: ", at)
		shown := []byte("   ")
		for i := range 16 {
			if i == 8 {
				f.add(" ")
			}
			if i == 8 && len(line) >= 8 {
				shown = append(shown, ' ')
			}
			switch {
			case i >= len(line):
				f.add("   ")
				continue
			case line[i] >= 0x20 && line[i] < 0x7F:
				shown = append(shown, line[i])
			default:
				shown = append(shown, '.')
			}
			f.addf("%02x ", line[i])
		}
		f.add(string(shown[1:]), "\n")
	}
}
