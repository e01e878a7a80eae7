package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/escape"
	"hivepatch/hive/hivetest"
)

type contractValue struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Size  *int64  `json:"size"`
	Value any     `json:"value"`
	Data  *string `json:"data"`
	Error string  `json:"error,omitempty"`
}

type contractKey struct {
	Path      string          `json:"path"`
	Name      string          `json:"name"`
	LastWrite string          `json:"last_write"`
	Flags     uint16          `json:"flags"`
	UserFlags uint16          `json:"user_flags,omitempty"`
	Class     string          `json:"class"`
	Security  string          `json:"security,omitempty"`
	SDDL      *string         `json:"sddl,omitempty"`
	Error     string          `json:"error,omitempty"`
	Values    []contractValue `json:"values,omitempty"`
}

type contractLs struct {
	Keys []contractKey `json:"keys"`
}

type contractFind struct {
	Matches []struct {
		Match string         `json:"match"`
		Key   *contractKey   `json:"key,omitempty"`
		Path  string         `json:"path,omitempty"`
		Value *contractValue `json:"value,omitempty"`
	} `json:"matches"`
}

type contractCount struct {
	Cells int   `json:"cells"`
	Bytes int64 `json:"bytes"`
}

type contractKeyRank struct {
	Path  string `json:"path"`
	Count int    `json:"count"`
}

type contractInfo struct {
	Hive struct {
		contractHive
		Name            string   `json:"name"`
		LastWritten     *string  `json:"last_written"`
		LastReorganized *string  `json:"last_reorganized"`
		Flags           uint32   `json:"flags"`
		Marks           []string `json:"marks"`
		RM              string   `json:"resource_manager"`
		Log             string   `json:"log"`
		TM              string   `json:"transaction_manager"`
	} `json:"hive"`
	Logs    []contractLog `json:"logs"`
	Content struct {
		Keys        int   `json:"keys"`
		Depth       int   `json:"depth"`
		Classes     int   `json:"class_names"`
		Values      int   `json:"values"`
		BigValues   int   `json:"big_values"`
		DataBytes   int64 `json:"data_bytes"`
		Descriptors int   `json:"security_descriptors"`
		Types       []struct {
			Type   string `json:"type"`
			Values int    `json:"values"`
			Bytes  int64  `json:"bytes"`
		} `json:"types"`
	} `json:"content"`
	Space struct {
		Bins      int           `json:"bins"`
		BinBytes  int64         `json:"bin_bytes"`
		FreeBins  int           `json:"free_bins"`
		BadBytes  int64         `json:"bad_bytes"`
		Trailing  int64         `json:"trailing_bytes"`
		Allocated contractCount `json:"allocated"`
		Use       struct {
			Keys        contractCount `json:"keys"`
			SubkeyLists contractCount `json:"subkey_lists"`
			Values      contractCount `json:"values"`
			ValueLists  contractCount `json:"value_lists"`
			Data        contractCount `json:"data"`
			BigData     contractCount `json:"big_data"`
			Classes     contractCount `json:"class_names"`
			Security    contractCount `json:"security"`
			Lost        contractCount `json:"lost"`
		} `json:"use"`
		Free        contractCount `json:"free"`
		LargestFree int64         `json:"largest_free"`
		FreeSizes   []struct {
			UpTo int64 `json:"up_to"`
			contractCount
		} `json:"free_sizes"`
	} `json:"space"`
	Largest struct {
		Values []struct {
			Path string `json:"path"`
			Name string `json:"name"`
			Type string `json:"type"`
			Size int64  `json:"size"`
		} `json:"values"`
		Subkeys     []contractKeyRank `json:"subkeys"`
		ValueCounts []contractKeyRank `json:"value_counts"`
	} `json:"largest"`
}

func TestReadingJSON(t *testing.T) {
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.Windows10().Build().Data})
	t.Run("info", func(t *testing.T) {
		got := runJSON[contractInfo](t, 0, "info", f.file("SYSTEM"))
		require.Equal(t, "1.5", got.Hive.Version)
		require.Equal(t, []string{"transactions may be pending"}, got.Hive.Marks)
		require.Nil(t, got.Hive.LastWritten)
		require.Equal(t, "2017-11-10T08:55:00.1360000Z", *got.Hive.LastReorganized)
		require.Equal(t, 593, got.Content.Keys)
		require.Equal(t, contractCount{593, 60840}, got.Space.Use.Keys)
		require.Equal(t, contractKeyRank{`DriverDatabase\DeviceIds\PCI`, 520}, got.Largest.Subkeys[0])
	})
	t.Run("ls", func(t *testing.T) {
		got := runJSON[contractLs](t, 0, "ls", f.file("SYSTEM"), "Setup", "-r")
		require.Len(t, got.Keys, 3)
		require.Equal(t, "Sample class", got.Keys[1].Class)
		require.Len(t, got.Keys[1].Values, 12)
	})
	t.Run("get", func(t *testing.T) {
		got := runJSON[contractKey](t, 0, "get", f.file("SYSTEM"), "ControlSet001/Enum", "--security")
		require.Equal(t, hex.EncodeToString(hivetest.ReadableDescriptor()), got.Security)
		require.NotNil(t, got.SDDL)
		runJSON[contractValue](t, 0, "get", f.file("SYSTEM"), "Select", "Current")
	})
	t.Run("find", func(t *testing.T) {
		got := runJSON[contractFind](t, 0, "find", f.file("SYSTEM"), "beep")
		require.Equal(t, "key", got.Matches[0].Match)
		require.Equal(t, `ControlSet001\Services\Beep`, got.Matches[0].Key.Path)
		require.Equal(t, contractFind{Matches: got.Matches[:0]}, runJSON[contractFind](t, 0, "find", f.file("SYSTEM"), "nosuch"))
	})
}

// Every value comes out as it went into the hive: as bytes, and in JSON.
func TestReadingValues(t *testing.T) {
	t.Parallel()
	for name, literal := range map[string]hivetest.Hive{
		"Windows 10": hivetest.Windows10(), "NT 4": hivetest.NT4(), "exotic": hivetest.Exotic(), "large": large(),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": literal.Build().Data})
			want := map[string]string{}
			literal.Keys(func(path string, key *hivetest.Key) {
				for _, value := range key.Values {
					want[printablePath(path)+"\t"+printableValueName(value.Name)] = string(value.Data)
				}
			})
			listed := runJSON[contractLs](t, 0, "ls", f.file("SYSTEM"), "-r")
			count := 0
			for _, key := range listed.Keys {
				count += len(key.Values)
			}
			require.Len(t, want, count)
			lines := program("ls", f.file("SYSTEM"), "-r")
			require.Zero(t, lines.code)
			tried := 0
			for line := range strings.Lines(lines.stdout) {
				columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
				if len(columns) != 3 {
					require.Equal(t, keyColumn, columns[0])
					require.Len(t, columns, 2)
					continue
				}
				data, ok := want[columns[1]+"\t"+columns[2]]
				require.True(t, ok, line)
				delete(want, columns[1]+"\t"+columns[2])
				// Names that begin with a hyphen look like options.
				if tried++; tried > 60 {
					continue
				}
				raw := program("get", f.file("SYSTEM"), "--raw", "--", columns[1], columns[2])
				require.Zero(t, raw.code, "%s: %s", line, raw.stderr)
				require.True(t, raw.stdout == data, line)
				value := runJSON[contractValue](t, 0, "get", f.file("SYSTEM"), columns[1], columns[2])
				require.True(t, *value.Data == hex.EncodeToString([]byte(data)), line)
			}
			require.Empty(t, want)
			f.requireUntouched(t)
		})
	}
}

// large is a hive with data that is written in parts.
func large() hivetest.Hive {
	text := strings.Repeat(`a\x1f\\0`+"😀\x00\xED\xA0\x80", 7001)
	value := func(name string, kind uint32, data []byte) hivetest.Value {
		return hivetest.Value{Name: name, Type: kind, Data: data}
	}
	return hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Values: []hivetest.Value{
		value("text", hivetest.TypeSZ, hivetest.SZ(text)),
		value("list", hivetest.TypeMultiSZ, append(hivetest.SZ(text), 0, 0)),
		value("odd", hivetest.TypeSZ, append(hivetest.SZ(text)[1:], 0x41, 0, 0x42)),
		value("bytes", hivetest.TypeBinary, hivetest.Noise(100001, 1)),
		value("number", hivetest.TypeDWORD, hivetest.Noise(50000, 2)),
		value("NULs", hivetest.TypeMultiSZ, make([]byte, 70000)),
	}}}
}

// What is written in parts is the same as what is made at once.
func TestReadingLargeValues(t *testing.T) {
	literal := large()
	f := newFolder(t, map[string][]byte{"SYSTEM": literal.Build().Data})
	for _, value := range literal.Root.Values {
		t.Run(value.Name, func(t *testing.T) {
			kind, err := parseType(hiveTypeName(value.Type))
			require.NoError(t, err)
			text := program("get", f.file("SYSTEM"), `\`, value.Name)
			require.Zero(t, text.code, text.stderr)
			require.True(t, text.stdout == dataText(kind, value.Data)+"\n")
			encoded := program("get", f.file("SYSTEM"), `\`, value.Name, "--json")
			whole := valueJSON{Name: value.Name, Type: kind, Data: value.Data}
			require.True(t, encoded.stdout == string(whole.append(nil))+"\n")
			require.True(t, json.Valid([]byte(encoded.stdout)))
		})
	}
}

func hiveTypeName(number uint32) string { return typeNames[number] }

// Reading never fails with anything but a clear error, and what it prints of a
// damaged hive keeps its form.
func TestReadingMutations(t *testing.T) {
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": mutation.Build().Data})
			hive := f.file("SYSTEM")
			for _, arguments := range [][]string{
				{"info", hive}, {"info", hive, "--json"}, {"ls", hive}, {"ls", hive, "-rl"}, {"ls", hive, "-r", "--json"},
				{"get", hive, `\`, "--security", "--json"}, {"get", hive, "HardwareConfig"}, {"find", hive, ""}, {"find", hive, "--json", "-E", "a.c"},
			} {
				r := program(arguments...)
				require.Contains(t, []int{exitDone, exitFailed}, r.code, "%s: %s", arguments, r.stderr)
				require.Equal(t, r.code == exitFailed, len(r.errorLines()) > 0 && !onlyWarnings(r), "%s: %s", arguments, r.stderr)
				require.NotContains(t, r.stderr, "internal error")
				if slices.Contains(arguments, "--json") && r.stdout != "" {
					require.True(t, json.Valid([]byte(r.stdout)), "%s: %.300s", arguments, r.stdout)
				}
			}
			f.requireUntouched(t)
		})
	}
}

// onlyWarnings reports whether a run had nothing worse to say.
func onlyWarnings(r result) bool {
	return !slices.ContainsFunc(r.errorLines(), func(line string) bool { return !strings.HasPrefix(line, "hivepatch: warning: ") })
}

// A list that many keys share, and data that many values share, does not make
// the output endless.
func TestReadingSharedData(t *testing.T) {
	hive := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "r", Values: []hivetest.Value{
		{Name: "0", Type: hivetest.TypeBinary, Data: hivetest.Noise(16000, 1)},
	}}}
	for i := range 200 {
		hive.Root.Values = append(hive.Root.Values, hivetest.Value{Name: "v" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Type: hivetest.TypeBinary, Data: make([]byte, 5)})
	}
	image := hive.Build()
	first := image.Value("", "0")
	for _, value := range hive.Root.Values[1:] {
		place := image.Value("", value.Name)
		image.Put32(place.Record, hivetest.RecordDataLength, 16000)
		image.Put32(place.Record, hivetest.RecordData, first.Data)
	}
	f := newFolder(t, map[string][]byte{"SYSTEM": image.Data})
	r := program("get", f.file("SYSTEM"), `\`)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "data is left out: values share it")
	require.Less(t, len(r.stdout), 6*len(image.Data))
}

// A result that a shell would append to the hive is not written.
func TestReadingOntoInput(t *testing.T) {
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data})
	file, err := os.OpenFile(f.file("SYSTEM"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	var stderr bytes.Buffer
	code := run(&environment{stdin: strings.NewReader(""), stdout: file, stderr: &stderr}, []string{"ls", f.file("SYSTEM")})
	require.Equal(t, exitRefused, code)
	require.Contains(t, stderr.String(), "output is the input itself")
	require.Contains(t, stderr.String(), "hint: what was read is never replaced: take another file\n")
	r := program("ls", f.file("SYSTEM"), "-o", f.file("SYSTEM"), "--overwrite")
	require.Equal(t, exitRefused, r.code)
	require.Contains(t, r.stderr, "hint: what was read is never replaced: take another file\n")
	f.requireUntouched(t)
}

// reglookup lists the same keys and values of a real hive, in the same order.
func TestPeersList(t *testing.T) {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	reglookup, err := exec.LookPath("reglookup")
	if err != nil {
		if os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
			t.Fatal("reglookup is not installed, and HIVEPATCH_REQUIRE_PEERS is 1")
		}
		t.Skip("reglookup is not installed")
	}
	for _, file := range []string{"system/win7-x86/SYSTEM", "system/xp-sp3/SYSTEM", "system/nt4/system", "other/ntuser-xp/NTUSER.DAT"} {
		t.Run(file, func(t *testing.T) {
			path := filepath.Join(folder, file)
			output, err := exec.Command(reglookup, path).Output()
			require.NoError(t, err)
			r := program("ls", "-r", path)
			require.Zero(t, r.code, r.stderr)
			theirs := bytes.Split(bytes.TrimSuffix(output, []byte("\n")), []byte("\n"))[1:] // without the heading
			ours := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
			require.Len(t, ours, len(theirs))
			for i := range ours {
				if want, got := reglookupLine(string(theirs[i])), lsLine(ours[i]); want != got {
					require.Equal(t, want, got, "line %d", i+1)
				}
			}
		})
	}
}

var reglookupEscape = regexp.MustCompile(`%[0-9A-F]{2}`)

// reglookupLine is the type and the path in a line of reglookup, which writes
// names that a hive has in Latin-1 as they are.
func reglookupLine(line string) string {
	columns := strings.SplitN(line, ",", 3)
	path := reglookupEscape.ReplaceAllStringFunc(columns[0], func(escape string) string {
		b, _ := hex.DecodeString(escape[1:])
		return string(b)
	})
	if !utf8.ValidString(path) {
		runes := make([]rune, len(path))
		for i := range len(path) {
			runes[i] = rune(path[i])
		}
		path = string(runes)
	}
	kind := strings.ToLower(columns[1])
	if known, ok := map[string]string{
		"rsrc_list": "resource_list", "rsrc_desc": "full_resource_descriptor", "rsrc_req_list": "resource_requirements_list",
	}[kind]; ok {
		kind = known
	}
	return kind + " " + path
}

// lsLine is a line of ls in the same form.
func lsLine(line string) string {
	columns := strings.Split(line, "\t")
	path := ""
	if columns[1] != `\` {
		path = "/" + strings.ReplaceAll(columns[1], `\`, "/")
	}
	switch {
	case len(columns) == 2 && path == "":
		path = "/"
	case len(columns) == 3 && columns[2] == escape.DefaultValue:
		path += "/"
	case len(columns) == 3:
		path += "/" + columns[2]
	}
	return columns[0] + " " + path
}

func BenchmarkLs(b *testing.B) {
	path := filepath.Join(os.Getenv("HIVEPATCH_CORPUS"), "system/win7-x86/SYSTEM")
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(b.TempDir(), "SYSTEM")
		require.NoError(b, os.WriteFile(path, hivetest.Windows10().Build().Data, 0o666))
	}
	for name, arguments := range map[string][]string{"text": {"ls", "-r"}, "long": {"ls", "-rl"}, "json": {"ls", "-r", "--json"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.Zero(b, program(append(arguments, path)...).code)
			}
		})
	}
}
