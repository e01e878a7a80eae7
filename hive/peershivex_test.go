package hive_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

// readWithHivexregedit has hivex export everything. It gives every name, type
// and byte as it is, keys and values sorted by name.
func readWithHivexregedit(t *testing.T, path string, h *hive.Hive) {
	output, stderr := runPeer(t, peer(t, "hivexregedit"), "--export", path, `\`)
	for complaint := range strings.Lines(stderr) {
		// Perl warns of more than a hundred levels of keys.
		require.True(t, strings.HasPrefix(complaint, "Deep recursion on subroutine "), "%.200s", complaint)
	}
	f := &foretold{}
	f.add("Windows Registry Editor Version 5.00\n\n")
	root, err := h.Root()
	require.NoError(t, err)
	f.hivexregeditKey(t, root)
	f.require(t, output)
}

func (f *foretold) hivexregeditKey(t *testing.T, k *hive.Key) {
	f.add(`[\`, k.Path(), "]\n")
	var values []*hive.Value
	for v, err := range k.Values() {
		require.NoError(t, err)
		values = append(values, v)
	}
	slices.SortStableFunc(values, func(a, b *hive.Value) int { return strings.Compare(a.Name(), b.Name()) })
	for _, v := range values {
		data := dataOf(t, v)
		switch {
		case v.Name() == "":
			f.add("@=")
		default:
			f.add(`"`, quoted.Replace(v.Name()), `"=`)
		}
		if v.Type() == hive.DWord && len(data) == 4 {
			f.addf("dword:%08x\n", binary.LittleEndian.Uint32(data))
			continue
		}
		f.addf("hex(%x):", uint32(v.Type()))
		f.hexBytes(data)
		f.add("\n")
	}
	f.add("\n")
	var subkeys []*hive.Key
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		subkeys = append(subkeys, child)
	}
	slices.SortStableFunc(subkeys, func(a, b *hive.Key) int { return strings.Compare(a.Name(), b.Name()) })
	for _, child := range subkeys {
		f.hivexregeditKey(t, child)
	}
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (f *foretold) hexBytes(data []byte) {
	const digits = "0123456789abcdef"
	for i, b := range data {
		if i > 0 {
			f.text = append(f.text, ',')
		}
		f.text = append(f.text, digits[b>>4], digits[b&15])
	}
}

// readWithHivexml has hivex write everything as XML. It sees names and texts as
// C does, up to a NUL, says nothing of the type of data that Windows does not
// define, and takes numbers that are too short for -1.
func readWithHivexml(t *testing.T, path string, h *hive.Hive) {
	output, stderr := runPeer(t, peer(t, "hivexml"), path)
	require.Empty(t, stderr)
	f := &foretold{}
	f.add(`<?xml version="1.0" encoding="UTF-8"?>`, "\n<hive><mtime>")
	f.gap() // the time of the hive
	f.add("</mtime>")
	root, err := h.Root()
	require.NoError(t, err)
	f.hivexmlKey(t, root)
	f.add("</hive>\n")
	f.require(t, withoutByteRuns(output))
}

// withoutByteRuns returns the text without the places of all things in the file.
func withoutByteRuns(text []byte) []byte {
	const end = "</byte_runs>"
	rest := text
	text = text[:0:0]
	for {
		before, after, found := bytes.Cut(rest, []byte("<byte_runs>"))
		text = append(text, before...)
		if !found {
			return text
		}
		rest = after[bytes.Index(after, []byte(end))+len(end):]
	}
}

func (f *foretold) hivexmlKey(t *testing.T, k *hive.Key) {
	f.add(`<node name="`, xmlAttribute.Replace(beforeNUL(k.Name())), `"`)
	if len(k.Ancestry()) == 1 {
		f.add(` root="1"`)
	}
	f.add(">")
	if at := k.LastWriteTime(); at.Year() > 1601 {
		f.add("<mtime>", at.Format(time.RFC3339), "</mtime>")
	}
	for v, err := range k.Values() {
		require.NoError(t, err)
		f.hivexmlValue(v.Name(), v.Type(), dataOf(t, v))
	}
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		f.hivexmlKey(t, child)
	}
	f.add("</node>")
}

var (
	xmlAttribute = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;")
	xmlText      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;")
)

var hivexmlTypes = map[hive.Type]string{
	hive.None: "none", hive.SZ: "string", hive.ExpandSZ: "expand", hive.Binary: "binary", hive.Link: "link", hive.MultiSZ: "string-list",
	hive.ResourceList: "resource-list", hive.FullResourceDescriptor: "resource-description", hive.ResourceRequirementsList: "resource-requirements",
}

func (f *foretold) hivexmlValue(name string, kind hive.Type, data []byte) {
	label := `default="1"`
	if name != "" {
		label = `key="` + xmlAttribute.Replace(beforeNUL(name)) + `"`
	}
	switch kind {
	case hive.DWord, hive.DWordBigEndian, hive.QWord:
		f.add(`<value type="`, map[bool]string{true: "int64", false: "int32"}[kind == hive.QWord], `" `, label, ` value="`, hivexmlNumber(kind, data), `"></value>`)
	case hive.SZ, hive.ExpandSZ, hive.Link:
		text, sound := hivexText(data)
		if !sound {
			f.hivexmlBytes("bad-"+hivexmlTypes[kind], label, data)
			return
		}
		f.add(`<value type="`, hivexmlTypes[kind], `" `, label, ` value="`, xmlAttribute.Replace(text), `"></value>`)
	case hive.MultiSZ:
		f.hivexmlList(label, data)
	default:
		named := hivexmlTypes[kind]
		if named == "" {
			named = "unknown"
		}
		f.hivexmlBytes(named, label, data)
	}
}

func hivexmlNumber(kind hive.Type, data []byte) string {
	switch {
	case kind == hive.QWord && len(data) >= 8:
		return fmt.Sprint(int64(binary.LittleEndian.Uint64(data)))
	case kind == hive.DWord && len(data) >= 4:
		return fmt.Sprint(int32(binary.LittleEndian.Uint32(data)))
	case kind == hive.DWordBigEndian && len(data) >= 4:
		return fmt.Sprint(int32(binary.BigEndian.Uint32(data)))
	}
	return "-1"
}

func (f *foretold) hivexmlList(label string, data []byte) {
	start := len(f.text)
	f.add(`<value type="string-list" `, label, ">")
	for rest := data; len(rest) > 0; {
		n := 0
		for n+1 < len(rest) && (rest[n] != 0 || rest[n+1] != 0) {
			n += 2
		}
		text, sound := hivexText(rest[:min(n, len(rest))])
		if !sound {
			f.text = f.text[:start]
			f.hivexmlBytes("bad-string-list", label, data)
			return
		}
		f.add("<string>", xmlText.Replace(text), "</string>")
		rest = rest[min(n+2, len(rest)):]
	}
	f.add("</value>")
}

// hivexmlBytes adds data in base 64, in lines of 72 characters.
func (f *foretold) hivexmlBytes(kind, label string, data []byte) {
	f.add(`<value type="`, kind, `" encoding="base64" `, label)
	if len(data) == 0 && kind != "binary" {
		f.add("/>")
		return
	}
	f.add(` value="`)
	text := base64.StdEncoding.EncodeToString(data)
	for ; len(text) > 72; text = text[72:] {
		f.add(text[:72], "\r\n")
	}
	f.add(text, `"></value>`)
}

// hivexText decodes data up to its first NUL, and reports whether it is UTF-16
// so far. An odd byte at the end is left out.
func hivexText(data []byte) (text string, sound bool) {
	var units []uint16
	for i := 0; i+1 < len(data); i += 2 {
		unit := binary.LittleEndian.Uint16(data[i:])
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	var b []byte
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			if i+1 == len(units) {
				return "", false
			}
			if r = utf16.DecodeRune(r, rune(units[i+1])); r == utf8.RuneError {
				return "", false
			}
			i++
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b), true
}
