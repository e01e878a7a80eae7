package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/locate"
	"hivepatch/patch"
)

// Every type of data has a form of its own, and any can be given as bytes.
func TestParseData(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		kind        hive.Type
		data        []byte
	}{
		{"text", `type: sz, data: abc`, hive.SZ, hivetest.SZ("abc")},
		{"empty text", `type: sz, data: ''`, hive.SZ, hivetest.SZ("")},
		{"text that is a word of YAML in quotes", `type: sz, data: "yes"`, hive.SZ, hivetest.SZ("yes")},
		{"text with a number in quotes", `type: sz, data: "5"`, hive.SZ, hivetest.SZ("5")},
		{"text with a tag", `type: sz, data: !!str 5`, hive.SZ, hivetest.SZ("5")},
		{"text beyond the first plane", `type: expand_sz, data: "%x% \U0001F600"`, hive.ExpandSZ, hivetest.SZ("%x% \U0001F600")},
		{"target of a link without NUL", `type: link, data: \Registry\Machine`, hive.Link, hivetest.Link(`\Registry\Machine`)},
		{"texts", `type: multi_sz, data: [a, bc]`, hive.MultiSZ, hivetest.MultiSZ("a", "bc")},
		{"no texts", `type: multi_sz, data: []`, hive.MultiSZ, []byte{0, 0}},
		{"number", `type: dword, data: 258`, hive.DWord, []byte{2, 1, 0, 0}},
		{"number in hexadecimal digits", `type: dword, data: 0xFFffFFff`, hive.DWord, []byte{0xFF, 0xFF, 0xFF, 0xFF}},
		{"number with its high byte first", `type: dword_be, data: 258`, hive.DWordBigEndian, []byte{0, 0, 1, 2}},
		{"long number", `type: qword, data: 18446744073709551615`, hive.QWord, hivetest.QWORD(1<<64 - 1)},
		{"bytes", `type: binary, data: "00 ff,10:Ab"`, hive.Binary, []byte{0, 0xFF, 0x10, 0xAB}},
		{"no bytes", `type: none, data: ''`, hive.None, []byte{}},
		{"type by the name that Windows has", `type: REG_DWORD_BIG_ENDIAN, data: 1`, hive.DWordBigEndian, []byte{0, 0, 0, 1}},
		{"type by number", `type: 4, data: 1`, hive.DWord, []byte{1, 0, 0, 0}},
		{"unknown type", `type: 0xffff0012, data: "0102"`, 0xFFFF0012, []byte{1, 2}},
		{"bytes of a text", `type: sz, hex: "6100"`, hive.SZ, []byte{'a', 0}},
		{"bytes of a number", `type: dword, hex: "01"`, hive.DWord, []byte{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := system(t, "values:\n  - {key: Setup, name: n, "+c.typed+"}\n")
			require.Len(t, s.Wishes, 1)
			require.Equal(t, c.kind, s.Wishes[0].Type)
			require.Equal(t, c.data, s.Wishes[0].Data)
		})
	}
}

func TestParseWishes(t *testing.T) {
	s := system(t, strings.TrimPrefix(`
control_set: all
values:
  - {key: CurrentControlSet\A, name: '', type: dword, data: 1}
  - {key: currentcontrolset/B/, name: '@', type: dword, data: 1, control_set: 2}
  - {key: \Setup\\C, name: \x40, type: dword, data: 1}
  - {key: \a/b, name: n, type: dword, data: 1}
absent_values:
  - {key: '\', name: n}
keys: [Setup, {key: CurrentControlSet, control_set: current}]
absent_keys:
  - Setup\D
`, "\n"))
	require.Equal(t, []Wish{
		{Position{14, 9}, KeyAbsent, "", `Setup\D`, "", 0, nil},
		{Position{11, 9}, ValueAbsent, "", "", "n", 0, nil},
		{Position{12, 12}, KeyPresent, "", "Setup", "", 0, nil},
		{Position{12, 19}, KeyPresent, "current", "", "", 0, nil},
		{Position{6, 9}, ValueSet, "all", "A", "", hive.DWord, []byte{1, 0, 0, 0}},
		{Position{7, 9}, ValueSet, "2", "B", "", hive.DWord, []byte{1, 0, 0, 0}},
		{Position{8, 9}, ValueSet, "", `Setup\C`, "@", hive.DWord, []byte{1, 0, 0, 0}},
		{Position{9, 9}, ValueSet, "", "a/b", "n", hive.DWord, []byte{1, 0, 0, 0}},
	}, s.Wishes)
	require.Equal(t, Position{3, 3}, s.Position)
	require.Nil(t, s.Heap)
}

func TestParseHeap(t *testing.T) {
	for text, want := range map[string]Heap{
		"{noninteractive: 4096}":                 {ControlSet: "active", Edit: patch.EditRequest{Sizes: patch.Sizes{Noninteractive: patch.KB(4096)}}},
		"{interactive: 0x5000, shared: 0}":       {ControlSet: "active", Edit: patch.EditRequest{Sizes: patch.Sizes{Interactive: patch.KB(20480), Shared: patch.KB(0)}}},
		"{repair: true, control_set: default}":   {ControlSet: "default", Edit: patch.EditRequest{Repair: true}},
		"{shared_section: 1024,2048, repair: n}": {},
		"{shared_section: '1024,20480,768'}": {ControlSet: "active", Edit: patch.EditRequest{
			Sizes: patch.Sizes{Shared: patch.KB(1024), Interactive: patch.KB(20480), Noninteractive: patch.KB(768)}}},
	} {
		p, err := Parse([]byte(systemPolicy("desktop_heap: " + text + "\n")))
		if want.ControlSet == "" {
			require.Error(t, err, "%s", text)
			continue
		}
		require.NoError(t, err, "%s", text)
		want.Position = Position{4, 5}
		require.Equal(t, want, *p.Sections[0].Heap, "%s", text)
	}
	for _, preset := range patch.Presets() {
		name := preset.Name
		if name == "orchestrator" {
			name += ":120"
		}
		_, err := Parse([]byte(systemPolicy("desktop_heap: {preset: '" + name + "'}\n")))
		if strings.Contains(preset.Result, "each time") {
			require.EqualError(t, err, "line 4, column 28: preset "+name+" adds to a number each time, and so names no state: give the size that is wanted")
			continue
		}
		require.NoError(t, err, "%s", name)
	}
}

// A policy says something about hives; which, is looked up by kind and user.
func TestSection(t *testing.T) {
	p, err := Parse([]byte(`
users:
  '*':
    NTUSER.DAT: {keys: [A]}
    UsrClass.dat: {keys: [B]}
  Alice:
    NTUSER.DAT: {keys: [C]}
hives:
  BCD: {keys: [D]}
version: 1
`))
	require.NoError(t, err)
	key := func(kind locate.Kind, user string) string {
		s := p.Section(kind, user)
		if s == nil {
			return ""
		}
		return s.Name() + " " + s.Wishes[0].Key
	}
	require.Equal(t, "NTUSER.DAT of * A", key(locate.NTUser, "bob"))
	require.Equal(t, "NTUSER.DAT of * A", key(locate.NTUser, ""))
	require.Equal(t, "NTUSER.DAT of Alice C", key(locate.NTUser, "ALICE"))
	require.Equal(t, "UsrClass.dat of * B", key(locate.UsrClass, "alice"))
	require.Equal(t, "BCD D", key(locate.BCD, ""))
	require.Equal(t, "", key(locate.System, ""))
	require.Len(t, p.Sections, 4)
	require.Equal(t, Position{4, 5}, p.Sections[0].Position)
}

// Windows' own tools write UTF-16 with a mark.
func TestParseEncodings(t *testing.T) {
	text := systemPolicy("keys: ['Ключ 😀']\n")
	for name, data := range map[string][]byte{
		"UTF-8":             []byte(text),
		"UTF-8 with a mark": []byte("\uFEFF" + text),
		"UTF-16":            append([]byte{0xFF, 0xFE}, hivetest.SZ(text)[:2*len(hivetest.Units(text))]...),
		"CR LF":             []byte(strings.ReplaceAll(text, "\n", "\r\n")),
	} {
		p, err := Parse(data)
		require.NoError(t, err, name)
		require.Equal(t, "Ключ 😀", p.Sections[0].Wishes[0].Key, name)
		require.Equal(t, Position{4, 12}, p.Sections[0].Wishes[0].Position, name)
	}
}

// The example that the documentation names.
func TestExamplePolicy(t *testing.T) {
	text, err := os.ReadFile("../../testdata/policy/example.yaml")
	require.NoError(t, err)
	p, err := Parse(text)
	require.NoError(t, err)
	require.Len(t, p.Sections, 5)
	requireApplied(t, hivetest.Windows10().Build().Data, p.Section(locate.System, ""), Options{})
	empty, err := hive.New(5, editTime)
	require.NoError(t, err)
	requireApplied(t, empty.Bytes(), p.Section(locate.Software, ""), Options{})
	requireApplied(t, empty.Bytes(), p.Section(locate.NTUser, "alice"), Options{})
}
