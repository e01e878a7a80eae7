package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

const regHeader = "Windows Registry Editor Version 5.00\r\n\r\n"

// inUTF16 is a text as Registry Editor saves it.
func inUTF16(text string) []byte {
	data := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data
}

// TestImportRefuses: a file with one mistake changes nothing, and the message
// says where it is.
func TestImportRefuses(t *testing.T) {
	good := regHeader + "[HKEY_LOCAL_MACHINE\\SYSTEM\\A]\r\n\"a\"=\"b\"\r\n"
	for _, test := range []struct {
		name string
		data []byte
		at   string
	}{
		{"no .reg file", []byte("MZ"), "line 1, column 1"},
		{"hive", []byte("regf"), "a registry hive and no .reg file"},
		{"truncated hex", []byte(good + "\"x\"=hex:01,0"), "line 5, column 12"},
		{"truncated hex behind a backslash", []byte(good + "\"x\"=hex:01,\\\r\n"), "line 6, column 1"},
		{"unknown type", []byte(good + "\"x\"=qword:01"), "line 5, column 5"},
		{"missing bracket", []byte(good + "[HKEY_LOCAL_MACHINE\\SYSTEM\\B\r\n\"x\"=\"y\""), "line 5, column 29"},
		{"NUL", []byte(good + "\"x\x00\"=\"y\""), "line 5, column 3"},
		{"NUL in UTF-16", inUTF16(good + "\"x\x00\"=\"y\""), "line 5, column 3"},
		{"half a character", append(inUTF16(good), 'x'), "line 5, column 1"},
		{"wrong encoding", []byte("\xEF\xBB\xBF" + good + "\"\xFF\"=\"y\""), "line 5, column 2"},
		{"UTF-16 in the middle of UTF-8", append([]byte(good), inUTF16("\"x\"=\"y\"")[2:]...), "line 5, column 2"},
		{"line of 100 MB", []byte(good + strings.Repeat("a", 100<<20)), "line 5, column 1"},
		{"name of 100 MB", []byte(good + `"` + strings.Repeat("a", 100<<20) + `"="b"`), "line 5, column 1"},
		{"path outside", []byte(good + "[HKEY_LOCAL_MACHINE\\SOFTWARE]"), "line 5, column 1"},
		{"path of another user", []byte(good + "[HKEY_CURRENT_USER\\SYSTEM]"), "line 5, column 1"},
		{"path like the root", []byte(good + "[HKEY_LOCAL_MACHINE\\SYSTEM2\\A]"), "line 5, column 1"},
		{"path above the root", []byte(good + "[HKEY_LOCAL_MACHINE]"), "line 5, column 1"},
		{"root deleted", []byte(good + "[-HKEY_LOCAL_MACHINE\\SYSTEM]"), "line 5, column 1"},
		{"too deep", []byte(good + "[HKEY_LOCAL_MACHINE\\SYSTEM" + strings.Repeat(`\a`, 512) + "]"), "line 5, column 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data, "x.reg": test.data})
			r := program("import", f.file("SYSTEM"), f.file("x.reg"), "-o", f.file("new"))
			require.Contains(t, []int{exitFailed, exitRefused}, r.code)
			require.Contains(t, r.stderr, test.at)
			require.Less(t, len(r.stderr), 2000)
			f.requireRefused(t, r, r.code)
			f.requireRefused(t, program("import", f.file("SYSTEM"), f.file("x.reg"), "--dry-run"), r.code)
		})
	}
}

// TestImportOfRegedit: a file as Registry Editor saves it, byte for byte.
func TestImportOfRegedit(t *testing.T) {
	text := strings.ReplaceAll(`Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Control\CrashControl]
"AutoReboot"=dword:00000001
"DumpFile"=hex(2):25,00,53,00,79,00,73,00,74,00,65,00,6d,00,52,00,6f,00,6f,00,\
  74,00,25,00,5c,00,4d,00,45,00,4d,00,4f,00,52,00,59,00,2e,00,44,00,4d,00,50,\
  00,00,00
"Описание"="две
строки"
"Filters"=hex(7):61,00,00,00,00,00
"Size"=hex(b):00,00,00,80,00,00,00,00
"None"=hex(0):
@="C:\\\"x\""

[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Control\CrashControl\]x[ ]

`, "\n", "\r\n")
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data, "x.reg": inUTF16(text)})
	r := program("import", f.file("SYSTEM"), f.file("x.reg"), "-o", f.file("new"))
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	key, err := readHive(t, f.file("new")).Hive.Key(`ControlSet001\Control\CrashControl`)
	require.NoError(t, err)
	for _, want := range []struct {
		name string
		kind hive.Type
		data []byte
	}{
		{"AutoReboot", hive.DWord, []byte{1, 0, 0, 0}},
		{"DumpFile", hive.ExpandSZ, hivetest.SZ(`%SystemRoot%\MEMORY.DMP`)},
		{"Описание", hive.SZ, hivetest.SZ("две\r\nстроки")},
		{"Filters", hive.MultiSZ, append(hivetest.SZ("a"), 0, 0)},
		{"Size", hive.QWord, []byte{0, 0, 0, 0x80, 0, 0, 0, 0}},
		{"None", hive.None, nil},
		{"", hive.SZ, hivetest.SZ(`C:\"x"`)},
	} {
		value, err := key.Value(want.name)
		require.NoError(t, err)
		data, err := value.Data()
		require.NoError(t, err)
		require.Equal(t, want.kind, value.Type(), want.name)
		require.Equal(t, string(want.data), string(data), want.name)
	}
	_, err = key.Subkey("]x[ ")
	require.NoError(t, err)
}

// TestImportOrder: what comes later in a file has the last word.
func TestImportOrder(t *testing.T) {
	text := regHeader + `[HKEY_LOCAL_MACHINE\SYSTEM\A\B]
"v"="1"
"V"="2"
"w"="1"
"w"=-
[-HKEY_LOCAL_MACHINE\SYSTEM\a]
[HKEY_LOCAL_MACHINE\SYSTEM\A\C]
"v"="3"
[-HKEY_LOCAL_MACHINE\SYSTEM\Setup]
[HKEY_LOCAL_MACHINE\SYSTEM\A\C]
"V"="4"
"v"="5"
[HKEY_LOCAL_MACHINE\SYSTEM\Setup]
[-HKEY_LOCAL_MACHINE\SYSTEM\Gone\Gone]
`
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data, "x.reg": []byte(text)})
	r := program("import", f.file("SYSTEM"), f.file("x.reg"), "-o", f.file("new"))
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	for _, path := range []string{"A", "Setup"} {
		r = program("export", f.file("new"), path, "--utf8", "-o", f.file(path))
		require.Equal(t, exitDone, r.code, "%s", r.stderr)
	}
	data, err := os.ReadFile(f.file("A"))
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(regHeader, "\r", "")+`[HKEY_LOCAL_MACHINE\SYSTEM\A]

[HKEY_LOCAL_MACHINE\SYSTEM\A\C]
"v"="5"

`, string(data))
	data, err = os.ReadFile(f.file("Setup"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(data), "\\OFFLINE\\Setup]\n\n") || strings.HasSuffix(string(data), "\\SYSTEM\\Setup]\n\n"))
}

// The structure below is the contract with scripts.
type contractImport struct {
	contractRecover
	File          string          `json:"file"`
	Prefix        string          `json:"prefix"`
	Operations    int             `json:"operations"`
	KeysCreated   int             `json:"keys_created"`
	KeysDeleted   int             `json:"keys_deleted"`
	ValuesCreated int             `json:"values_created"`
	ValuesChanged int             `json:"values_changed"`
	ValuesDeleted int             `json:"values_deleted"`
	Unchanged     int             `json:"unchanged"`
	Absent        int             `json:"absent"`
	Edits         json.RawMessage `json:"edits"`
}

func TestImportJSON(t *testing.T) {
	text := regHeader + "[HKEY_LOCAL_MACHINE\\SYSTEM\\Setup]\n\"SetupType\"=dword:1\n\"CmdLine\"=-\n\"new\"=hex:01\n\"no\"=-\n"
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data, "x.reg": []byte(text)})
	r := program("import", f.file("SYSTEM"), f.file("x.reg"), "--dry-run", "--json")
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	var got contractImport
	decoder := json.NewDecoder(strings.NewReader(r.stdout))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&got))
	require.True(t, got.Changed)
	require.Nil(t, got.Output)
	require.Equal(t, []string{"check", "read-back", "regparser"}, got.VerifiedBy)
	require.Equal(t, contractImport{
		contractRecover: got.contractRecover, Edits: got.Edits,
		File: f.file("x.reg"), Prefix: `HKEY_LOCAL_MACHINE\SYSTEM`, Operations: 5,
		ValuesCreated: 1, ValuesChanged: 1, ValuesDeleted: 1, Unchanged: 1, Absent: 1,
	}, got)
	require.JSONEq(t, `[
		{"action":"set-value","key":"Setup","value":"SetupType",
			"before":{"name":"SetupType","type":"dword","size":4,"value":0,"data":"00000000"},
			"after":{"name":"SetupType","type":"dword","size":4,"value":1,"data":"01000000"}},
		{"action":"delete-value","key":"Setup","value":"CmdLine",
			"before":{"name":"CmdLine","type":"sz","size":32,"value":"setup -newsetup","data":"`+fmt.Sprintf("%x", hivetest.SZ("setup -newsetup"))+`"},
			"after":null},
		{"action":"set-value","key":"Setup","value":"new","before":null,
			"after":{"name":"new","type":"binary","size":1,"value":null,"data":"01"}}
	]`, string(got.Edits))
	f.requireUntouched(t)
}

// TestImportMany: many values and keys take time that grows with their number
// alone.
func TestImportMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(regHeader)
	for k := range 3 {
		fmt.Fprintf(&b, "[HKEY_LOCAL_MACHINE\\SYSTEM\\Key%d]\n", k)
		for v := range 10000 {
			fmt.Fprintf(&b, "\"Value%d\"=dword:%x\n", v, v*k)
		}
	}
	for k := range 10000 {
		fmt.Fprintf(&b, "[HKEY_LOCAL_MACHINE\\SYSTEM\\Key0\\Sub%d]\n", k)
	}
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data, "x.reg": []byte(b.String())})
	r := program("import", f.file("SYSTEM"), f.file("x.reg"), "-o", f.file("new"))
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	require.Contains(t, r.stdout, "10003 created")
	require.Contains(t, r.stdout, "30000 created")
	b.Reset()
	b.WriteString(regHeader + "[HKEY_LOCAL_MACHINE\\SYSTEM\\Key1]\n")
	for v := range 10000 {
		fmt.Fprintf(&b, "\"VALUE%d\"=-\n", v)
	}
	require.NoError(t, os.WriteFile(filepath.Join(f.path, "y.reg"), []byte(b.String()), 0o666))
	r = program("import", f.file("new"), f.file("y.reg"), "--dry-run")
	require.Equal(t, exitDone, r.code, "%s", r.stderr)
	require.Contains(t, r.stdout, "0 created, 0 changed, 10000 deleted")
}

// TestImportMutations: a hive with damage is refused and left as it is, or what
// comes out is as sound as it was: lesser faults stay.
func TestImportMutations(t *testing.T) {
	t.Parallel()
	reg := []byte(regHeader + "[HKEY_LOCAL_MACHINE\\SYSTEM\\New\\Key]\n\"a\"=\"b\"\n[HKEY_LOCAL_MACHINE\\SYSTEM\\Select]\n\"Current\"=dword:1\n\"x\"=hex:00\n[-HKEY_LOCAL_MACHINE\\SYSTEM\\Setup]\n")
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"hive": mutation.Build().Data, "x.reg": reg})
			r := program("import", f.file("hive"), f.file("x.reg"), "--prefix", `HKLM\SYSTEM`, "-o", f.file("new"))
			require.NotContains(t, r.stderr, "internal error")
			if r.code != exitDone {
				f.requireRefused(t, r, r.code)
				return
			}
			if program("check", "-q", f.file("hive")).code == exitDone {
				require.Equal(t, exitDone, program("check", "-q", f.file("new")).code)
			}
		})
	}
}
