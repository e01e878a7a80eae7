package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
	"hivepatch/hive/receipt"
)

// compileSchema prints and compiles a schema.
func compileSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	r := program("schema", name)
	require.Zero(t, r.code, r.stderr)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(r.stdout))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("schema.json", document))
	compiled, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	return compiled
}

// readReceipts reads a file of receipts, each of which the schema must accept.
func readReceipts(t *testing.T, schema *jsonschema.Schema, path string) []receipt.Receipt {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var all []receipt.Receipt
	for decoder := json.NewDecoder(bytes.NewReader(text)); decoder.More(); {
		var raw json.RawMessage
		require.NoError(t, decoder.Decode(&raw))
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(instance), "%s", raw)
		var one receipt.Receipt
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields()
		require.NoError(t, strict.Decode(&one))
		all = append(all, one)
	}
	return all
}

// Every command that writes a hive leaves a receipt that the one schema accepts.
func TestReceipts(t *testing.T) {
	schema := compileSchema(t, "receipt")
	dirty := hivetest.DirtyWindows10()
	damaged := hivetest.Mutations()[0]
	for _, m := range hivetest.Mutations() {
		if m.Name == "subkey-cycle" {
			damaged = m
		}
	}
	files := map[string][]byte{
		"SYSTEM": nt4Hive(), "dirty": dirty.Primary, "dirty.LOG1": dirty.Log1, "dirty.LOG2": dirty.Log2,
		"damaged": damaged.Build().Data, "text": []byte("no hive"),
		"x.reg":  []byte("REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\Vendor]\r\n\"x\"=dword:1\r\n"),
		"p.yaml": []byte("version: 1\nhives: {SYSTEM: {keys: [Vendor]}}\n"),
	}
	for name, args := range map[string][]string{
		"patch":            {"patch", "SYSTEM", "-o", "new"},
		"patch in place":   {"patch", "SYSTEM", "--in-place"},
		"patch again":      {"patch", "SYSTEM", "--in-place", "--noninteractive", "512"},
		"patch dirty":      {"patch", "dirty", "-o", "new"},
		"patch dry run":    {"patch", "SYSTEM", "--dry-run"},
		"patch of no hive": {"patch", "text", "--dry-run"},
		"patch of nothing": {"patch", "missing", "--dry-run"},
		"patch refused":    {"patch", "SYSTEM", "-o", "new", "--shared", "512"},
		"patch to output":  {"patch", "SYSTEM", "-o", "text"},
		"patch damaged":    {"patch", "damaged", "--dry-run"},
		"set":              {"set", "SYSTEM", "Select", "Current", "2", "-o", "new"},
		"rm":               {"rm", "SYSTEM", "Select", "Failed", "-o", "new"},
		"mkkey":            {"mkkey", "SYSTEM", "Vendor", "-o", "new"},
		"mv":               {"mv", "SYSTEM", "Select", "Selected", "-o", "new"},
		"new":              {"new", "-o", "new"},
		"new dry run":      {"new", "--dry-run"},
		"import":           {"import", "SYSTEM", "x.reg", "-o", "new"},
		"compact":          {"compact", "SYSTEM", "-o", "new"},
		"recover":          {"recover", "dirty", "-o", "new"},
		"salvage":          {"salvage", "SYSTEM", "-o", "new"},
		"salvage of text":  {"salvage", "text", "-o", "new"},
		"apply":            {"apply", "p.yaml", "SYSTEM", "-o", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, files)
			t.Chdir(f.path)
			ran := program(append(args, "--report", "receipt.json", "-q")...)
			all := readReceipts(t, schema, "receipt.json")
			require.Len(t, all, 1)
			r := all[0]
			require.Equal(t, ran.code, *r.ExitCode)
			require.Equal(t, args[0], r.Command)
			require.Equal(t, ran.code == 0, r.Error == nil)
			if r.Error != nil {
				require.Contains(t, ran.stderr, *r.Error)
				if name == "patch damaged" {
					require.NotEmpty(t, r.Hives[0].Findings.List)
					require.NotZero(t, r.Hives[0].Findings.Counts.Fatal)
				}
				return
			}
			h := r.Hives[0]
			require.NotEmpty(t, h.VerifiedBy)
			require.Equal(t, strings.Contains(name, "dry run"), h.Output == nil)
			if h.Output != nil {
				data, err := os.ReadFile(*h.Output)
				require.NoError(t, err)
				require.Equal(t, sha256Text(data), h.After.SHA256)
				require.EqualValues(t, len(data), h.After.Size)
			}
			if h.Before != nil {
				require.Equal(t, sha256Text(files[h.Path]), h.Before.SHA256)
				require.Equal(t, h.Before.SHA256 != h.After.SHA256, h.Changed)
				require.Equal(t, h.Changed, len(h.ChangedRanges) > 0)
			}
			require.Equal(t, dirtyEntries(h.Path), h.Replayed.Entries)
		})
	}
}

func dirtyEntries(path string) int {
	if path == "dirty" {
		return 5
	}
	return 0
}

// What makes a receipt impossible is found out before the hive is touched.
func TestReceiptImpossible(t *testing.T) {
	for name, c := range map[string]struct {
		report []string
		code   int
		want   string
	}{
		"there already":   {[]string{"--report", "old"}, exitRefused, "hint: --overwrite-report replaces it"},
		"folder missing":  {[]string{"--report", "none/receipt"}, exitFailed, "output folder is missing"},
		"a folder":        {[]string{"--report", "."}, exitFailed, "receipt: "},
		"the hive":        {[]string{"--report", "./SYSTEM", "--overwrite-report"}, exitUsage, "--report would replace SYSTEM, which is read"},
		"a log":           {[]string{"--report", "SYSTEM.LOG1", "--overwrite-report"}, exitUsage, "--report would replace SYSTEM.LOG1, which is read"},
		"the backup":      {[]string{"--report", "B", "--backup", "./b"}, exitUsage, "--report and --backup are the same file"},
		"standard output": {[]string{"--report", "-"}, exitUsage, "--report takes a file"},
		"no report":       {[]string{"--overwrite-report"}, exitUsage, "goes with --report FILE only"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": nt4Hive(), "SYSTEM.LOG1": {}, "old": []byte("old")})
			t.Chdir(f.path)
			r := program(append([]string{"patch", "SYSTEM", "--in-place"}, c.report...)...)
			f.requireRefused(t, r, c.code)
			require.Contains(t, r.stderr, c.want)
		})
	}
}

// A receipt replaces an older one when asked to, and none is left of wrong usage.
func TestReceiptOverwrite(t *testing.T) {
	schema := compileSchema(t, "receipt")
	f := newFolder(t, map[string][]byte{"SYSTEM": nt4Hive()})
	t.Chdir(f.path)
	require.Equal(t, exitUsage, program("patch", "SYSTEM", "--report", "r").code)
	f.requireUntouched(t)
	require.Zero(t, program("patch", "SYSTEM", "--dry-run", "--report", "r").code)
	require.Zero(t, program("patch", "SYSTEM", "--in-place", "--report", "r", "--overwrite-report").code)
	all := readReceipts(t, schema, "r")
	require.True(t, all[0].Hives[0].Written)
	require.Equal(t, []string{"--in-place=true"}, all[0].Options)
	require.FileExists(t, all[0].Hives[0].InPlace.Backup)
}

// A batch has a receipt in each line, also of what failed and was not begun.
func TestReceiptsOfBatch(t *testing.T) {
	schema := compileSchema(t, "receipt")
	f := newFolder(t, map[string][]byte{"a": nt4Hive(), "b": nt4Hive(), "text": []byte("no hive")})
	t.Chdir(f.path)
	list := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(list, []byte("{\"target\": \"a\", \"noninteractive\": 600}\ntext\nb\n"), 0o666))
	r := program("patch", "--targets", list, "--in-place", "--jobs", "1", "--fail-fast", "--report", "r")
	require.Equal(t, exitFailed, r.code, r.stderr)
	all := readReceipts(t, schema, "r")
	require.Len(t, all, 3)
	require.Equal(t, []string{"a", "text", "b"}, []string{*all[0].Target, *all[1].Target, *all[2].Target})
	require.Contains(t, all[0].Options, "--noninteractive=600")
	require.True(t, all[0].Hives[0].Written)
	require.NotNil(t, all[1].Error)
	require.Nil(t, all[2].Started)
	text, err := os.ReadFile("r")
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(text), "\n"))

	// What is refused has one too.
	r = program("patch", "a", "b", "--dry-run", "--shared", "5", "--report", "refused")
	require.Equal(t, exitRefused, r.code, r.stderr)
	all = readReceipts(t, schema, "refused")
	require.Len(t, all, 2)
	require.Equal(t, exitRefused, *all[0].ExitCode)

	// Where nothing is begun, there is nothing to tell.
	for _, args := range [][]string{
		{"patch", "a", "b", "--in-place", "--preset", "nonsense"},
		{"apply", "text", "a", "b", "--in-place"},
	} {
		require.NotZero(t, program(append(args, "--report", "none")...).code)
		require.NoFileExists(t, "none")
	}

	// None of the targets may be the file of receipts.
	r = program("patch", "--targets", list, "--dry-run", "--report", "b", "--overwrite-report")
	require.Equal(t, exitUsage, r.code, r.stderr)
	require.Contains(t, r.stderr, "line 3: --report would replace b, which is read")
}

// The schema of targets and what is read are the same.
func TestTargetSchema(t *testing.T) {
	schema := compileSchema(t, "target")
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"target alone":  {`{"target": "a"}`, true},
		"settings":      {`{"target": "a", "noninteractive": 5, "control_set": "all", "log": ["x"], "force": true}`, true},
		"no target":     {`{"force": true}`, false},
		"unknown field": {`{"target": "a", "in_place": true}`, false},
		"wrong type":    {`{"target": "a", "force": "yes"}`, false},
		"fraction":      {`{"target": "a", "wait": 1.5}`, false},
		"empty":         {`{"target": ""}`, false},
		"text as list":  {`{"target": "a", "log": "x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			instance, err := jsonschema.UnmarshalJSON(strings.NewReader(c.text))
			require.NoError(t, err)
			require.Equal(t, c.ok, schema.Validate(instance) == nil)
			_, err = readTargetList(&environment{stdin: strings.NewReader(c.text)}, standardStream, patchFlags())
			require.Equal(t, c.ok, err == nil, "%v", err)
		})
	}
}

func sha256Text(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// whenWritten does something before the first bytes are written.
type whenWritten struct {
	bytes.Buffer
	do func()
}

func (w *whenWritten) Write(b []byte) (int, error) {
	if w.do != nil {
		w.do()
		w.do = nil
	}
	return w.Buffer.Write(b)
}

// A receipt that cannot be written in the end is an error that says that the
// hives are done.
func TestReceiptTooLate(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"one":       {[]string{"SYSTEM", "--in-place"}, "hivepatch: all was done, but the receipt could not be written: "},
		"batch":     {[]string{"SYSTEM", "other", "--in-place", "--jobs", "1"}, "hivepatch: all was done, but the receipt could not be written: "},
		"not all":   {[]string{"SYSTEM", "text", "--in-place", "--jobs", "1"}, "hivepatch: 1 of 2 targets done, 1 failed; and the receipt could not be written: "},
		"fail fast": {[]string{"SYSTEM", "text", "--in-place", "--jobs", "1", "--fail-fast"}, "hivepatch: 1 of 2 targets done, 1 failed; and the receipt could not be written: "},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": nt4Hive(), "other": nt4Hive(), "text": []byte("no hive")})
			t.Chdir(f.path)
			require.NoError(t, os.Mkdir("receipts", 0o777))
			stdout := &whenWritten{do: func() { require.NoError(t, os.Remove("receipts")) }}
			env, stderr := newTestEnvironment(stdout)
			code := run(env, append([]string{"patch", "--report", "receipts/r"}, c.args...))
			require.Equal(t, exitFailed, code)
			require.Nil(t, stdout.do)
			require.Contains(t, stderr.String(), c.want)
			require.NoDirExists(t, "receipts")
			shown := program("show", "SYSTEM")
			require.Contains(t, shown.stdout, "1024,3072,512")
		})
	}
}

// Where no more receipts can be kept, nothing more is begun, and those that were
// kept are not lost.
func TestReceiptsCutShort(t *testing.T) {
	f := newFolder(t, map[string][]byte{})
	file := &receiptFile{path: f.file("r")}
	require.NoError(t, file.beginBatch())
	require.True(t, file.add(&receipt.Receipt{Command: "first"}))
	spool := file.spool
	closed, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	file.spool = closed
	require.False(t, file.add(&receipt.Receipt{Command: "second"}))
	file.spool = spool
	require.ErrorContains(t, file.publish(nil), "all was done, but the receipt could not be written: "+f.file("r")+" does not have all: ")
	file.close()
	text, err := os.ReadFile(f.file("r"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), "\n"))
	require.Contains(t, string(text), `"command":"first"`)
}
