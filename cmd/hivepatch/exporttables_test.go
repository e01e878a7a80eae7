package main

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// exportedKey is a key as export --format xml writes it.
type exportedKey struct {
	Name      string `xml:"name,attr"`
	Path      string `xml:"path,attr"`
	LastWrite string `xml:"last_write,attr"`
	Flags     uint16 `xml:"flags,attr"`
	UserFlags uint16 `xml:"user_flags,attr"`
	Class     string `xml:"class,attr"`
	Security  string `xml:"security,attr"`
	SDDL      string `xml:"sddl,attr"`
	Values    []struct {
		Name string `xml:"name,attr"`
		Type string `xml:"type,attr"`
		Size int    `xml:"size,attr"`
		Text string `xml:"text,attr"`
		Data string `xml:",chardata"`
	} `xml:"value"`
	Keys []exportedKey `xml:"key"`
}

// tabled are hives for the formats that other programs read as tables and trees.
func tabled() map[string][]byte {
	hives := map[string][]byte{"large": large().Build().Data}
	for name, sample := range samples() {
		hives[name] = sample()
	}
	odd := hivetest.Key{Name: "odd"}
	for _, name := range oddNames {
		odd.Values = append(odd.Values, hivetest.Value{Name: name, Type: 1, Data: hivetest.SZ(name + `,"` + "\r\n")})
		if name != "" {
			odd.Subkeys = append(odd.Subkeys, hivetest.Key{Name: name, Class: name})
		}
	}
	hives["odd names"] = hivetest.Hive{Minor: 5, Root: odd}.Build().Data
	return hives
}

// TestExportXML reads what export writes in XML with another reader, and finds
// all of the hive in it.
func TestExportXML(t *testing.T) {
	for name, data := range tabled() {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"HIVE": data})
			r := program("export", f.file("HIVE"), "--format", "xml")
			require.Zero(t, r.code, r.stderr)
			var read struct {
				XMLName xml.Name      `xml:"hive"`
				Keys    []exportedKey `xml:"key"`
			}
			require.NoError(t, xml.Unmarshal([]byte(r.stdout), &read))
			require.Len(t, read.Keys, 1)
			h, err := hive.Open(data, hive.IgnoreDirty())
			require.NoError(t, err)
			root, err := h.Root()
			require.NoError(t, err)
			require.Equal(t, `\`, read.Keys[0].Path)
			requireExported(t, root, read.Keys[0])
		})
	}
}

func requireExported(t *testing.T, key *hive.Key, read exportedKey) {
	t.Helper()
	name, err := parseName(read.Name)
	require.NoError(t, err)
	require.Equal(t, key.Name(), name)
	class, err := key.Class()
	require.NoError(t, err)
	readClass, err := parseName(read.Class)
	require.NoError(t, err)
	require.Equal(t, class, readClass)
	require.Equal(t, string(appendTime(nil, key.LastWriteTime())), read.LastWrite)
	require.Equal(t, [2]uint16{uint16(key.Flags()), key.UserFlags()}, [2]uint16{read.Flags, read.UserFlags})
	security, err := key.SecurityDescriptor()
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(security), read.Security)
	at := 0
	for value, err := range key.Values() {
		require.NoError(t, err)
		got := read.Values[at]
		at++
		name, err := parseValueName(got.Name)
		require.NoError(t, err)
		kind, err := parseType(got.Type)
		require.NoError(t, err)
		data, err := value.Data()
		require.NoError(t, err)
		require.Equal(t, value.Name(), name)
		require.Equal(t, value.Type(), kind)
		require.Equal(t, len(data), got.Size)
		require.True(t, hex.EncodeToString(data) == got.Data, "data of %q", name)
		if hasText(kind) {
			require.True(t, dataText(kind, data) == got.Text, "text of %q", name)
		}
	}
	require.Len(t, read.Values, at)
	at = 0
	for subkey, err := range key.Subkeys() {
		require.NoError(t, err)
		requireExported(t, subkey, read.Keys[at])
		at++
	}
	require.Len(t, read.Keys, at)
}

// TestExportCSV does the same with the table, which has no classes, security
// descriptors and times.
func TestExportCSV(t *testing.T) {
	for name, data := range tabled() {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"HIVE": data})
			out := filepath.Join(t.TempDir(), "out.csv")
			r := program("export", f.file("HIVE"), "--format", "csv", "-o", out)
			require.Zero(t, r.code, r.stderr)
			text, err := os.ReadFile(out)
			require.NoError(t, err)
			require.Equal(t, strings.Count(string(text), "\n"), strings.Count(string(text), "\r\n"))
			got, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
			require.NoError(t, err)
			want := [][]string{{"key", "name", "type", "size", "value", "data"}}
			h, err := hive.Open(data, hive.IgnoreDirty())
			require.NoError(t, err)
			for key, err := range h.Walk() {
				require.NoError(t, err)
				path := printablePath(key.Path())
				want = append(want, []string{path, "", "key", "", "", ""})
				for value, err := range key.Values() {
					require.NoError(t, err)
					data, err := value.Data()
					require.NoError(t, err)
					text := ""
					if hasText(value.Type()) {
						text = dataText(value.Type(), data)
					}
					want = append(want, []string{path, printableValueName(value.Name()), typeName(value.Type()), fmt.Sprint(len(data)), text, hex.EncodeToString(data)})
				}
			}
			require.Equal(t, len(want), len(got))
			for i := range want {
				require.True(t, strings.Join(want[i], "\x00") == strings.Join(got[i], "\x00"), "row %d: %.300q", i, got[i])
			}
		})
	}
}

// TestExportFormats: options of one format are refused with another, and damage
// as with all.
func TestExportFormats(t *testing.T) {
	f := newFolder(t, map[string][]byte{"HIVE": hivetest.NT4().Build().Data})
	for _, arguments := range [][]string{
		{"--format", "yaml"}, {"--format", "xml", "--json"}, {"--format", "csv", "--lines"}, {"--format", "xml", "--utf8"}, {"--format", "csv", "--prefix", "HKLM"},
	} {
		f.requireRefused(t, program(append([]string{"export", f.file("HIVE")}, arguments...)...), exitUsage)
	}
	image := hivetest.NT4().Build()
	image.Put32(image.Key("Select").Node, hivetest.NodeValueList, 0x7FFFFFF0)
	damaged := newFolder(t, map[string][]byte{"HIVE": image.Data})
	for _, format := range []string{"xml", "csv"} {
		r := program("export", damaged.file("HIVE"), "--format", format, "-o", damaged.file("out"))
		damaged.requireRefused(t, r, exitFailed)
		r = program("export", damaged.file("HIVE"), "--format", format, "--allow-damage")
		require.Zero(t, r.code)
		require.Contains(t, r.stderr, "left out: ")
		require.Contains(t, r.stdout, "Select")
	}
}
