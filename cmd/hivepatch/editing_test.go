package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// contractEdit is an edit in the JSON of the commands that edit, written out here
// so that a change of the program's own structure does not change what is expected.
type contractEdit struct {
	Action string  `json:"action"`
	Key    string  `json:"key"`
	Value  *string `json:"value,omitempty"`
	Before any     `json:"before"`
	After  any     `json:"after"`
}

type contractEditing struct {
	contractRecover
	Edits []contractEdit `json:"edits"`
}

// editCases are edits of every kind of the Windows 10 sample, with what JSON
// tells of them.
var editCases = []struct {
	name    string
	command []string // TARGET stands behind the first word
	edits   string
}{
	{"value", []string{"set", "Setup", "setuptype", "2"}, `[{"action":"set-value","key":"Setup","value":"SetupType",
		"before":{"name":"SetupType","type":"dword","size":4,"value":0,"data":"00000000"},
		"after":{"name":"SetupType","type":"dword","size":4,"value":2,"data":"02000000"}}]`},
	{"new value", []string{"set", `A\B`, `\ud800`, "é", "--type=sz", "--create"}, `[
		{"action":"create-key","key":"A","before":null,"after":"A"},
		{"action":"create-key","key":"A\\B","before":null,"after":"B"},
		{"action":"set-value","key":"A\\B","value":"\ud800","before":null,"after":{"name":"\ud800","type":"sz","size":4,"value":"é","data":"e9000000"}}]`},
	{"class", []string{"set", "Setup", "--class=C"}, `[{"action":"set-class","key":"Setup","before":"","after":"C"}]`},
	{"security", []string{"set", "Setup", "--security=O:BAG:BA"}, `[{"action":"set-security","key":"Setup",
		"before":"` + hex.EncodeToString(hivetest.DefaultDescriptor()) + `",
		"after":"01000080140000002400000000000000000000000102000000000005200000002002000001020000000000052000000020020000"}]`},
	{"deleted value", []string{"rm", "Setup", "SetupType"}, `[{"action":"delete-value","key":"Setup","value":"SetupType",
		"before":{"name":"SetupType","type":"dword","size":4,"value":0,"data":"00000000"},"after":null}]`},
	{"deleted key", []string{"rm", "WPA", "-r"}, ``},
	{"key", []string{"mkkey", "New"}, `[{"action":"create-key","key":"New","before":null,"after":"New"}]`},
	{"renamed key", []string{"mv", "Setup", "Other"}, `[{"action":"rename-key","key":"Setup","before":"Setup","after":"Other"}]`},
	{"renamed value", []string{"mv", "Setup", "SetupType", "@"}, `[{"action":"rename-value","key":"Setup","value":"SetupType","before":"SetupType","after":""}]`},
}

// arguments are those of an edit of a file.
func arguments(command []string, target string, more ...string) []string {
	return append(append([]string{command[0], target}, command[1:]...), more...)
}

// TestEditingJSON: the names are a contract with scripts, and every byte that
// differs is in a range.
func TestEditingJSON(t *testing.T) {
	for _, test := range editCases {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.Windows10().Build().Data})
			output := f.file("new")
			r := program(arguments(test.command, f.file("SYSTEM"), "-o", output, "--json")...)
			require.Zero(t, r.code, r.stderr)
			got := decode[contractEditing](t, r.stdout)
			require.True(t, got.Changed)
			require.Equal(t, output, *got.Output)
			require.Equal(t, []string{"check", "read-back", "regparser"}, got.VerifiedBy)
			requireRanges(t, f.file("SYSTEM"), output, got.ChangedRanges)
			if test.edits != "" {
				edits, err := json.Marshal(got.Edits)
				require.NoError(t, err)
				require.JSONEq(t, test.edits, string(edits))
			}
			require.Zero(t, program("check", output).code)

			again := program(arguments(test.command, output, "--dry-run", "--json")...)
			switch test.command[0] {
			case "set", "mkkey": // what is there already
				require.Zero(t, again.code, again.stderr)
				unchanged := decode[contractEditing](t, again.stdout)
				require.False(t, unchanged.Changed)
				require.Empty(t, unchanged.Edits)
				require.NotNil(t, unchanged.Edits, "null in JSON")
			default:
				require.Equal(t, exitFailed, again.code, "what is gone is not found")
			}
		})
	}
}

// TestEditingMutations: an edit of a hive with a fault is refused, or done as if
// the fault were not there; nothing is written beside a result.
func TestEditingMutations(t *testing.T) {
	t.Parallel()
	refused := 0
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			for _, test := range editCases {
				switch test.name {
				case "value", "deleted key":
				default:
					continue // two will do
				}
				f := newFolder(t, map[string][]byte{"SYSTEM": mutation.Build().Data})
				for _, allow := range []string{"--allow-damage=false", "--allow-damage"} {
					r := program(arguments(test.command, f.file("SYSTEM"), "-o", f.file("new"), allow)...)
					if r.code == exitDone {
						require.FileExists(t, f.file("new"))
						require.NoError(t, os.Remove(f.file("new")))
						f.requireUntouched(t)
						continue
					}
					refused++
					require.Contains(t, []int{exitFailed, exitRefused}, r.code, "%s", r.stderr)
					f.requireRefused(t, r, r.code)
				}
			}
		})
	}
	require.Greater(t, refused, len(mutations())/2)
}

// TestLargeDataInReports is cut to what a terminal and a parser of JSON can take.
func TestLargeDataInReports(t *testing.T) {
	f := newFolder(t, map[string][]byte{
		"SYSTEM": hivetest.Windows10().Build().Data,
		"exact":  make([]byte, jsonData), "large": make([]byte, jsonData+1),
	})
	for name, size := range map[string]int{"exact": jsonData, "large": jsonData + 1} {
		command := []string{"set", f.file("SYSTEM"), "Setup", "V", "--type=binary", "--data-file", f.file(name), "--dry-run"}
		got := decode[contractEditing](t, program(append(command, "--json")...).stdout)
		value := got.Edits[0].After.(map[string]any)
		require.EqualValues(t, size, value["size"])
		require.Equal(t, name == "large", value["data"] == nil)
		require.Less(t, len(program(command...).stdout), 4000)
	}
}

// guarded calls visit with a draft of a hive, for what stands before edits.
func guarded(t *testing.T, image *hivetest.Image, visit func(d *edit.Draft)) *edit.Outcome {
	t.Helper()
	file, err := hivefile.LoadStream(strings.NewReader(string(image.Data)), hivefile.LoadOptions{})
	require.NoError(t, err)
	outcome, err := edit.Apply(file, edit.Request{Time: time.Unix(1e9, 0)}, func(d *edit.Draft) error { visit(d); return nil })
	require.NoError(t, err)
	return outcome
}

// TestGuardFlags: keys that are marked as not to be deleted need force, keys with
// a predefined handle are left alone by all means.
func TestGuardFlags(t *testing.T) {
	image := hivetest.Windows10().Build()
	node := image.Key("Setup").Node
	image.Put16(node, hivetest.NodeFlags, image.U16(node, hivetest.NodeFlags)|uint16(hive.FlagNoDelete))
	outcome := guarded(t, image, func(d *edit.Draft) {
		key, err := d.Hive.Key("Setup")
		require.NoError(t, err)
		var refused *edit.RefusedError
		require.ErrorAs(t, guard{d, false}.refuseFlags(key), &refused)
		require.Equal(t, edit.OverrideForce, refused.Override)
		require.NoError(t, guard{d, true}.refuseFlags(key))
		other, err := d.Hive.Key("Select")
		require.NoError(t, err)
		require.NoError(t, guard{d, false}.refuseFlags(other))
	})
	require.Contains(t, strings.Join(outcome.Warnings, "\n"), "forced: key Setup is marked as not to be deleted")

	f := newFolder(t, map[string][]byte{"SYSTEM": image.Data})
	for _, command := range [][]string{{"rm", "Setup", "-r"}, {"mv", "Setup", "New"}} {
		f.requireRefused(t, program(arguments(command, f.file("SYSTEM"), "-o", f.file("new"))...), exitRefused)
	}

	image = hivetest.Windows10().Build()
	node = image.Key("Setup").Node
	image.Put16(node, hivetest.NodeFlags, image.U16(node, hivetest.NodeFlags)|uint16(hive.FlagPredefined))
	guarded(t, hivetest.Windows10().Build(), func(d *edit.Draft) {
		h, err := hive.Open(image.Data)
		require.NoError(t, err)
		key, err := h.Key("Setup")
		require.NoError(t, err)
		for _, force := range []bool{false, true} {
			require.ErrorIs(t, guard{d, force}.refuseFlags(key), hive.ErrProtected)
		}
	})
}

// TestGuardTargets: what leads to a key by a symbolic link, told by the path
// behind the place where the hive is mounted.
func TestGuardTargets(t *testing.T) {
	for target, leads := range map[string]bool{
		`\Registry\Machine\SYSTEM\Setup`:                 true,
		`\REGISTRY\MACHINE\other\setup`:                  true,
		`\Registry\User\S-1-5-18\Setup\`:                 true,
		`\Registry\Machine\SYSTEM\Setup` + "\x00":        true,
		`\Registry\Machine\SYSTEM\Setup\Below`:           false, // it does not exist
		`\Registry\Machine\SYSTEM`:                       false,
		`\Registry\Machine\SYSTEM\Select`:                false,
		`\Device\HarddiskVolume1\a\Setup`:                false,
		`Setup`:                                          false,
		``:                                               false,
		`\Registry\Machine\SYSTEM\nosuch`:                false,
		`\Registry\Machine\System\CurrentControlSet\X`:   false,
		`\Registry\Machine\SYSTEM\` + "\xed\xa0\x80\x01": false,
	} {
		t.Run(target, func(t *testing.T) {
			literal := hivetest.Windows10()
			data, err := hive.EncodeText(target)
			require.NoError(t, err)
			literal.Key(hivetest.Windows10Link).Values[0].Data = data
			guarded(t, literal.Build(), func(d *edit.Draft) {
				key, err := d.Hive.Key("Setup")
				require.NoError(t, err)
				nothing := func(*hive.Key) bool { return false }
				err = guard{d, false}.refuseTarget(key, nothing)
				require.Equal(t, leads, err != nil, "%v", err)
				require.NoError(t, guard{d, true}.refuseTarget(key, nothing))
				require.NoError(t, guard{d, false}.refuseTarget(key, func(*hive.Key) bool { return true }))
			})
		})
	}
}

// TestLinkThroughCurrentControlSet: such a link is the usual one in real hives.
func TestLinkThroughCurrentControlSet(t *testing.T) {
	literal := hivetest.Windows10()
	literal.Key(hivetest.Windows10Link).Values[0].Data = hivetest.Link(`\Registry\Machine\System\CurrentControlSet\Hardware Profiles\0001`)
	f := newFolder(t, map[string][]byte{"SYSTEM": literal.Build().Data})
	r := program("rm", f.file("SYSTEM"), `CurrentControlSet\Hardware Profiles\0001`, "-r", "-o", f.file("new"))
	f.requireRefused(t, r, exitRefused)
	require.Contains(t, r.stderr, "the symbolic link ")
}

// TestNearest finds how much of a path exists.
func TestNearest(t *testing.T) {
	guarded(t, hivetest.Windows10().Build(), func(d *edit.Draft) {
		for path, want := range map[string]struct {
			path    string
			missing []string
		}{
			"":                            {"", nil},
			"setup":                       {"Setup", nil},
			`Setup\a`:                     {"Setup", []string{"a"}},
			`a\b\c`:                       {"", []string{"a", "b", "c"}},
			`currentcontrolset\Control\x`: {`ControlSet001\Control`, []string{"x"}},
		} {
			key, missing, err := nearest(d.Hive, path)
			require.NoError(t, err)
			require.Equal(t, want.path, key.Path(), path)
			require.Equal(t, len(want.missing), len(missing), path)
			require.Subset(t, missing, want.missing, path)
		}
	})
}
