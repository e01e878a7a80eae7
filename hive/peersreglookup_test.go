package hive_test

import (
	"encoding/binary"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

// reglookupNote matches what reglookup says about sound hives of Windows too:
// that a text does not fit its character set or its idea of a text.
var reglookupNote = regexp.MustCompile(`^WARN: (Error occurred while converting (key|value) name to encoding|While quoting value for ).*$`)

// readWithReglookup has reglookup list everything. What is not ASCII it gives
// as bytes, quoted as %XX. Of texts in ASCII it sees what comes before a NUL, of
// numbers the first bytes.
func readWithReglookup(t *testing.T, path string, h *hive.Hive) {
	output, stderr := runPeer(t, peer(t, "reglookup"), path)
	for complaint := range strings.SplitSeq(strings.TrimSpace(stderr), "\n") {
		require.True(t, complaint == "" || reglookupNote.MatchString(complaint), "%.200s", complaint)
	}
	f := &foretold{}
	f.add("PATH,TYPE,VALUE,MTIME\n")
	root, err := h.Root()
	require.NoError(t, err)
	f.reglookupKey(t, h, root, "")
	f.require(t, output)
}

func (f *foretold) reglookupKey(t *testing.T, h *hive.Hive, k *hive.Key, path string) {
	at := "1970-01-01 00:00:00" // where there is none
	if k.LastWriteTime().Year() > 1601 {
		at = k.LastWriteTime().Format("2006-01-02 15:04:05")
	}
	shown := path
	if path == "" {
		shown = "/" // and two of them before the values of the root
	}
	f.add(shown, ",KEY,,", at, "\n")
	for v, err := range k.Values() {
		require.NoError(t, err)
		f.add(shown, "/")
		f.reglookupName(t, v.Name())
		f.add(",", reglookupType(v.Type()), ",")
		if inFileOrder(t, h, v) {
			f.reglookupData(v.Type(), dataOf(t, v))
		} else {
			f.gap()
		}
		f.add(",\n")
	}
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		name := &foretold{}
		name.reglookupName(t, child.Name())
		f.reglookupKey(t, h, child, path+"/"+string(name.text))
	}
}

// inFileOrder reports whether the pieces of the data lie one after another.
// reglookup puts together those of big data as they lie in the file.
func inFileOrder(t *testing.T, h *hive.Hive, v *hive.Value) bool {
	t.Helper()
	pieces, err := v.DataPieces()
	require.NoError(t, err)
	if len(pieces) < 2 {
		return true
	}
	const firstCell, alignment = 4096 + 32 + 4, 8
	file, at := h.Bytes(), firstCell
	for _, piece := range pieces {
		for at < len(file) && &file[at] != &piece[0] {
			at += alignment
		}
	}
	return at < len(file)
}

// reglookupName adds a name: as it is stored, but up to a NUL where that is in
// Latin-1.
func (f *foretold) reglookupName(t *testing.T, name string) {
	if stored, ok := latin1(name); ok {
		f.quoteBytes([]byte(beforeNUL(stored)), `,"%/`)
		return
	}
	stored, err := hive.EncodeText(name)
	require.NoError(t, err)
	f.quoteBytes(stored, `,"%/`)
}

func reglookupType(kind hive.Type) string {
	names := []string{"NONE", "SZ", "EXPAND_SZ", "BINARY", "DWORD", "DWORD_BE", "LINK", "MULTI_SZ", "RSRC_LIST", "RSRC_DESC", "RSRC_REQ_LIST", "QWORD"}
	switch {
	case int64(kind) < int64(len(names)):
		return names[kind]
	case kind == 0x7FFFFFFF:
		return "KEY" // which it uses for keys itself
	}
	return "0x" + upperHex(uint64(kind), 8)
}

func upperHex(n uint64, digits int) string {
	b := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		b[i] = "0123456789ABCDEF"[n&15]
		n >>= 4
	}
	return string(b)
}

func (f *foretold) reglookupData(kind hive.Type, data []byte) {
	ascii, isText := asciiText(data)
	switch {
	case len(data) == 0:
		f.add("(null)")
	case kind == hive.DWord && len(data) >= 4:
		f.add("0x", upperHex(uint64(binary.LittleEndian.Uint32(data)), 8))
	case kind == hive.DWordBigEndian && len(data) >= 4:
		f.add("0x", upperHex(uint64(binary.BigEndian.Uint32(data)), 8))
	case kind == hive.QWord && len(data) >= 8:
		f.add("0x", upperHex(binary.LittleEndian.Uint64(data), 16))
	case isText && (kind == hive.SZ || kind == hive.ExpandSZ || kind == hive.Link):
		f.quoteBytes([]byte(beforeNUL(ascii)), `,"%`)
	case isText && kind == hive.MultiSZ:
		f.reglookupList(ascii)
	default:
		special := `,"%|`
		switch kind {
		case hive.None, hive.Binary, hive.ResourceList, hive.FullResourceDescriptor, hive.ResourceRequirementsList:
			special = `,"%`
		}
		f.quoteBytes(data, special)
	}
}

// reglookupList adds texts with bars between them; empty ones it does not see.
func (f *foretold) reglookupList(text string) {
	text = strings.TrimRight(text, "\x00")
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != 0:
			f.quoteBytes([]byte{text[i]}, `,"%|`)
		case i == 0 || text[i-1] != 0:
			f.add("|")
		}
	}
}

// asciiText decodes UTF-16, and reports whether it is ASCII.
func asciiText(data []byte) (string, bool) {
	if len(data)%2 != 0 {
		return "", false
	}
	text := make([]byte, 0, len(data)/2)
	for i := 0; i < len(data); i += 2 {
		if data[i] >= 0x80 || data[i+1] != 0 {
			return "", false
		}
		text = append(text, data[i])
	}
	return string(text), true
}

func (f *foretold) quoteBytes(data []byte, special string) {
	for _, b := range data {
		if b < 0x20 || b > 0x7E || strings.IndexByte(special, b) >= 0 {
			f.text = append(f.text, '%')
			f.text = append(f.text, upperHex(uint64(b), 2)...)
		} else {
			f.text = append(f.text, b)
		}
	}
}
