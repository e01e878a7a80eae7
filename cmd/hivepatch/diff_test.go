package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/diff"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/regfile"
)

// runDiffOn runs diff on two hives in memory.
func runDiffOn(t *testing.T, a, b []byte, arguments ...string) (stdout []byte, stderr string, code int) {
	t.Helper()
	folder := t.TempDir()
	paths := []string{filepath.Join(folder, "A"), filepath.Join(folder, "B")}
	for i, data := range [][]byte{a, b} {
		require.NoError(t, os.WriteFile(paths[i], data, 0o600))
	}
	var out, messages bytes.Buffer
	env := &environment{stdin: strings.NewReader(""), stdout: &out, stderr: &messages, getenv: func(string) string { return "" }, now: time.Now}
	code = run(env, append(append([]string{"diff"}, paths...), arguments...))
	return out.Bytes(), messages.String(), code
}

// applyReg does what a .reg file asks for, by the library alone.
func applyReg(t *testing.T, h *hive.Hive, text []byte) {
	t.Helper()
	file, err := regfile.Parse(text)
	require.NoError(t, err)
	for operation, err := range file.Operations() {
		require.NoError(t, err)
		path := strings.TrimPrefix(strings.TrimPrefix(operation.Key, `HKEY_LOCAL_MACHINE\TEST`), `\`)
		var failed error
		switch operation.Kind {
		case regfile.CreateKey:
			_, failed = h.CreateKey(path, time.Now())
		case regfile.DeleteKey:
			key, err := h.Key(path)
			require.NoError(t, err, path)
			failed = key.Delete(time.Now())
		case regfile.SetValue:
			key, err := h.Key(path)
			require.NoError(t, err, path)
			_, failed = key.SetValue(operation.Name, hive.Type(operation.Type), operation.Data, time.Now())
		case regfile.DeleteValue:
			key, err := h.Key(path)
			require.NoError(t, err, path)
			value, err := key.Value(operation.Name)
			require.NoError(t, err, operation.Name)
			failed = value.Delete(time.Now())
		}
		require.NoError(t, failed, "line %d", operation.Line)
	}
}

// requireTurns: the .reg file of diff turns A into B but for the spelling of
// keys, and of whole differences nothing else is left.
func requireTurns(t *testing.T, a, b []byte, encoding ...string) {
	t.Helper()
	text, stderr, code := runDiffOn(t, a, b, append(encoding, "--reg", "--prefix", `HKLM\TEST`)...)
	require.Equal(t, exitDone, code, stderr)
	first, err := hive.Open(bytes.Clone(a), hive.IgnoreDirty())
	require.NoError(t, err)
	second, err := hive.Open(b, hive.IgnoreDirty())
	require.NoError(t, err)
	applyReg(t, first, text)
	for difference, err := range diff.Hives(first, second, diff.Options{}) {
		require.NoError(t, err)
		require.True(t, !difference.IsValue && difference.Aspects == diff.Spelling, "%v %q is left: %v", difference.Kind, difference.Path, difference.Aspects)
		require.Contains(t, stderr, "spelling")
	}
}

// diffSamples are hives of many kinds, with names that regedit cannot write.
func diffSamples() map[string]func() hivetest.Hive {
	respelled := func() hivetest.Hive {
		h := hivetest.Exotic()
		h.Keys(func(_ string, key *hivetest.Key) {
			for i := range key.Values {
				key.Values[i].Name = strings.ToLower(key.Values[i].Name)
			}
		})
		return h
	}
	return map[string]func() hivetest.Hive{
		"nt4": hivetest.NT4, "win7": hivetest.Windows7, "win10": hivetest.Windows10, "exotic": hivetest.Exotic, "respelled": respelled,
		"empty": func() hivetest.Hive { return hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}} },
	}
}

func TestDiffRegTurnsAIntoB(t *testing.T) {
	for nameA, a := range diffSamples() {
		for nameB, b := range diffSamples() {
			t.Run(nameA+" to "+nameB, func(t *testing.T) {
				literalA, literalB := a(), b()
				requireTurns(t, literalA.Build().Data, literalB.Build().Data)
				requireTurns(t, literalA.Build().Data, literalB.Build().Data, "--utf8")
			})
		}
	}
}

func TestDiffRegOfRealHives(t *testing.T) {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	for _, pair := range [][2]string{
		{"system/nt4/system", "system/xp-sp3/SYSTEM"},
		{"system/xp-sp3/SYSTEM", "system/nt4/system"},
		{"odd/BigDataHive", "odd/UnicodeHive"},
		{"odd/UnicodeHive", "odd/ExtendedASCIIHive"},
		{"odd/ExtendedASCIIHive", "other/ntuser-xp/NTUSER.DAT"},
	} {
		t.Run(strings.Join(pair[:], " to "), func(t *testing.T) {
			var data [2][]byte
			for i, name := range pair {
				var err error
				data[i], err = os.ReadFile(filepath.Join(folder, name))
				require.NoError(t, err)
			}
			requireTurns(t, data[0], data[1])
		})
	}
}

// TestDiffRegRefuses: a key that no path leads to cannot be changed by a .reg
// file, and damage would make one that is wrong.
func TestDiffRegRefuses(t *testing.T) {
	of := func(name string, data byte) []byte {
		h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{
			{Name: name, Values: []hivetest.Value{{Name: "v", Type: 3, Data: []byte{data}}}},
		}}}
		return h.Build().Data
	}
	_, stderr, code := runDiffOn(t, of(`a\b`, 1), of(`a\b`, 2), "--reg")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "a .reg file cannot lead there")
	_, _, code = runDiffOn(t, of(`a\b`, 1), of(`a\b`, 1), "--reg")
	require.Equal(t, exitDone, code)

	// A real key of that name: the file would be about the set that it stands for.
	with := hivetest.NT4()
	with.Root.Subkeys = append(with.Root.Subkeys, hivetest.Key{Name: "currentControlSet", Subkeys: []hivetest.Key{{Name: "Control"}}})
	without := hivetest.NT4()
	for _, pair := range [][2][]byte{{with.Build().Data, without.Build().Data}, {without.Build().Data, with.Build().Data}} {
		stdout, stderr, code := runDiffOn(t, pair[0], pair[1], "--reg")
		require.Equal(t, exitFailed, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "key currentControlSet: a .reg file cannot lead there: the name stands for ControlSet001\n")
		require.Contains(t, stderr, "hint: hivepatch mv gives")
	}
	f := newFolder(t, map[string][]byte{"with": with.Build().Data, "without": without.Build().Data})
	const told = "warning: key currentControlSet is one of its own, and stands for ControlSet001 where the .reg file is imported\n"
	require.Contains(t, program("export", f.file("with")).stderr, told)
	require.NotContains(t, program("export", f.file("with"), "Setup").stderr, told)
	require.NotContains(t, program("export", f.file("without")).stderr, told)

	for _, mutation := range hivetest.Mutations() {
		if mutation.Name != "value-signature-wrong" {
			continue
		}
		out := filepath.Join(t.TempDir(), "out.reg")
		_, stderr, code = runDiffOn(t, mutation.Base().Data, mutation.Build().Data, "--reg", "-o", out)
		require.Equal(t, exitFailed, code)
		require.Contains(t, stderr, "a .reg file would be wrong")
		require.NoFileExists(t, out)
	}
}

// The structures below are the contract with scripts.
type contractDiff struct {
	A           string               `json:"a"`
	B           string               `json:"b"`
	Differences []contractDifference `json:"differences"`
	Equal       bool                 `json:"equal"`
}

type contractDifference struct {
	Kind    string          `json:"kind"`
	What    string          `json:"what"`
	Path    string          `json:"path"`
	Below   bool            `json:"below"`
	Aspects []string        `json:"aspects"`
	A       json.RawMessage `json:"a"`
	B       json.RawMessage `json:"b"`
}

func TestDiffJSON(t *testing.T) {
	a := hivetest.NT4()
	b := hivetest.NT4()
	b.Key("Select").Value("Current").Data = hivetest.DWORD(7)
	b.Key("Setup").UserFlags = 1
	b.Root.Subkeys = append(b.Root.Subkeys, hivetest.Key{Name: "New", Class: "c"})
	long := hivetest.Noise(100_000, 1)
	a.Key("Setup").SetValue(hivetest.Value{Name: "long", Type: 3, Data: long})

	stdout, stderr, code := runDiffOn(t, a.Build().Data, b.Build().Data, "--json", "--flags")
	require.Equal(t, exitDone, code, stderr)
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	decoder.DisallowUnknownFields()
	var got contractDiff
	require.NoError(t, decoder.Decode(&got))
	_, err := decoder.Token()
	require.ErrorIs(t, err, io.EOF)
	require.False(t, got.Equal)
	require.Len(t, got.Differences, 4)

	created := got.Differences[0]
	require.Equal(t, []any{"only_b", "key", "New", false, 0, "null"},
		[]any{created.Kind, created.What, created.Path, created.Below, len(created.Aspects), string(created.A)})
	var key struct {
		Path, Name, Class, SDDL, Security string
		LastWrite                         string `json:"last_write"`
		UserFlags                         *int   `json:"user_flags"`
	}
	require.NoError(t, json.Unmarshal(created.B, &key))
	require.Equal(t, "New New c 0", fmt.Sprint(key.Path, " ", key.Name, " ", key.Class, " ", *key.UserFlags))
	require.Contains(t, key.SDDL, "O:BAG:BAD:")

	changed := got.Differences[1]
	require.Equal(t, []any{"differs", "value", "Select", "data"}, []any{changed.Kind, changed.What, changed.Path, strings.Join(changed.Aspects, " ")})
	require.JSONEq(t, `{"name":"Current","type":"dword","size":4,"value":1,"data":"01000000"}`, string(changed.A))
	require.JSONEq(t, `{"name":"Current","type":"dword","size":4,"value":7,"data":"07000000"}`, string(changed.B))

	require.Equal(t, []string{"flags"}, got.Differences[2].Aspects)
	require.Contains(t, string(got.Differences[2].B), `"user_flags":1`)

	require.Equal(t, "only_a", got.Differences[3].Kind)
	require.JSONEq(t, fmt.Sprintf(`{"name":"long","type":"binary","size":100000,"value":null,"data":"%x"}`, long), string(got.Differences[3].A))

	stdout, _, _ = runDiffOn(t, a.Build().Data, a.Build().Data, "--json")
	require.NoError(t, json.Unmarshal(stdout, &got))
	require.True(t, got.Equal)
	require.Empty(t, got.Differences)
}

// TestDiffCutsData: long data is cut, with a note that tells the rest, but for
// --verbose.
func TestDiffCutsData(t *testing.T) {
	of := func(size int, last byte) []byte {
		data := bytes.Repeat([]byte{0xAB}, size)
		data[size-1] = last
		h := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Values: []hivetest.Value{{Name: "v", Type: 3, Data: data}}}}
		return h.Build().Data
	}
	for _, size := range []int{mostData - 1, mostData, mostData + 1} {
		stdout, _, _ := runDiffOn(t, of(size, 1), of(size, 2))
		lines := strings.Split(string(stdout), "\n")
		require.Len(t, lines, 5)
		if size <= mostData {
			require.Equal(t, "-binary\t\\\tv\t"+strings.Repeat("ab", size-1)+"01", lines[2])
			continue
		}
		require.Equal(t, "+binary\t\\\tv\t"+strings.Repeat("ab", mostData)+fmt.Sprintf("\t… %d bytes, different from byte %d on", size, size-1), lines[3])
		stdout, _, _ = runDiffOn(t, of(size, 1), of(size, 2), "--verbose")
		require.Contains(t, string(stdout), strings.Repeat("ab", size-1)+"02\n")
	}
}
