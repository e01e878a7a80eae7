package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// The structures below are the contract with scripts: the same names, and every
// one of them always there. They are written out here so that a change of the
// program's own structures does not change what is expected of them.

type contractHive struct {
	Path            string `json:"path"`
	Size            int64  `json:"size"`
	Version         string `json:"version"`
	Sequence1       uint32 `json:"sequence1"`
	Sequence2       uint32 `json:"sequence2"`
	Clean           bool   `json:"clean"`
	ReplayedEntries int    `json:"replayed_entries"`
}

type contractLog struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Format  string `json:"format"`
	Entries int    `json:"entries"`
	First   uint32 `json:"first"`
	Last    uint32 `json:"last"`
	Problem string `json:"problem,omitempty"`
}

type contractSelect struct {
	Current       *uint32 `json:"current"`
	Default       *uint32 `json:"default"`
	Failed        *uint32 `json:"failed"`
	LastKnownGood *uint32 `json:"last_known_good"`
}

type contractSection struct {
	Raw              string  `json:"raw"`
	SharedKB         uint32  `json:"shared_kb"`
	InteractiveKB    *uint32 `json:"interactive_kb"`
	NoninteractiveKB *uint32 `json:"noninteractive_kb"`
}

type contractEffective struct {
	Boots            bool   `json:"boots"`
	Why              string `json:"why,omitempty"`
	InteractiveKB    uint32 `json:"interactive_kb"`
	NoninteractiveKB uint32 `json:"noninteractive_kb"`
}

type contractBudget struct {
	ReservationKB   uint64  `json:"reservation_kb"`
	FewestProcesses uint32  `json:"fewest_processes"`
	MostProcesses   uint32  `json:"most_processes"`
	LegacyDesktops  *uint64 `json:"legacy_desktops"`
}

type contractValueFinding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Source   string `json:"source"`
	Mendable bool   `json:"mendable"`
}

type contractSet struct {
	Name          string                 `json:"name"`
	Roles         []string               `json:"roles"`
	Type          string                 `json:"type"`
	Value         string                 `json:"value"`
	SharedSection *contractSection       `json:"shared_section"`
	Effective     *contractEffective     `json:"effective"`
	Budget        *contractBudget        `json:"budget"`
	Findings      []contractValueFinding `json:"findings"`
	Error         string                 `json:"error,omitempty"`
}

type contractShow struct {
	Hive        contractHive    `json:"hive"`
	Logs        []contractLog   `json:"logs"`
	Select      *contractSelect `json:"select"`
	ControlSets []contractSet   `json:"control_sets"`
	Warnings    []string        `json:"warnings"`
}

type contractChange struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type contractRange struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	What   string `json:"what"`
}

type contractCounts struct {
	F int `json:"F"`
	L int `json:"L"`
	C int `json:"C"`
	W int `json:"W"`
}

type contractRecover struct {
	Changed         bool            `json:"changed"`
	Output          *string         `json:"output"`
	ReplayedEntries int             `json:"replayed_entries"`
	SequenceBefore  uint32          `json:"sequence_before"`
	SequenceAfter   uint32          `json:"sequence_after"`
	SizeBefore      int64           `json:"size_before"`
	SizeAfter       int64           `json:"size_after"`
	ChangedRanges   []contractRange `json:"changed_ranges"`
	SHA256Before    string          `json:"sha256_before"`
	SHA256After     string          `json:"sha256_after"`
	VerifiedBy      []string        `json:"verified_by"`
	Counts          contractCounts  `json:"counts"`
	Warnings        []string        `json:"warnings"`
}

type contractPatch struct {
	contractRecover
	ControlSets []contractChange `json:"control_sets"`
}

type contractFinding struct {
	Code    string `json:"code"`
	Level   string `json:"level"`
	Offset  int64  `json:"offset"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

type contractCheck struct {
	Findings        []contractFinding `json:"findings"`
	Counts          contractCounts    `json:"counts"`
	OK              bool              `json:"ok"`
	ReplayedEntries int               `json:"replayed_entries"`
	SHA256          string            `json:"sha256"`
}

// decode reads JSON that must keep the contract T: no other field, none missing,
// and an empty list where there is nothing to list.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var v T
	require.NoError(t, decoder.Decode(&v), text)
	require.False(t, decoder.More(), "more than one object")
	var raw any
	require.NoError(t, json.Unmarshal([]byte(text), &raw))
	requireFields(t, reflect.TypeFor[T](), raw, "")
	return v
}

// requireFields compares the keys of decoded objects with the fields of types.
func requireFields(t *testing.T, want reflect.Type, got any, place string) {
	t.Helper()
	switch want.Kind() {
	case reflect.Pointer:
		if got != nil {
			requireFields(t, want.Elem(), got, place)
		}
	case reflect.Slice:
		list, ok := got.([]any)
		require.True(t, ok, "%s is %v, want a list", place, got)
		for _, element := range list {
			requireFields(t, want.Elem(), element, place+"[]")
		}
	case reflect.Struct:
		object, ok := got.(map[string]any)
		require.True(t, ok, "%s is %v, want an object", place, got)
		for _, field := range reflect.VisibleFields(want) {
			if field.Anonymous {
				continue
			}
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			value, present := object[name]
			if !present {
				require.Equal(t, "omitempty", options, "%s.%s is missing", place, name)
				continue
			}
			requireFields(t, field.Type, value, place+"."+name)
		}
	}
}

// runJSON runs a command that must exit with a code and print JSON alone.
func runJSON[T any](t *testing.T, code int, args ...string) T {
	t.Helper()
	r := program(append(args, "--json")...)
	require.Equal(t, code, r.code, "%s", r.stderr)
	require.Empty(t, r.stderr)
	return decode[T](t, r.stdout)
}

func number(n uint32) *uint32 { return &n }

func TestShowJSON(t *testing.T) {
	t.Parallel()
	dirty := hivetest.DirtyWindows10()
	f := newFolder(t, map[string][]byte{
		"NT4": hivetest.NT4().Build().Data, "DIRTY": dirty.Primary, "DIRTY.LOG1": dirty.Log1, "DIRTY.LOG2": dirty.Log2,
		"EXOTIC": hivetest.Exotic().Build().Data,
	})
	t.Run("clean", func(t *testing.T) {
		got := runJSON[contractShow](t, 0, "show", f.file("NT4"))
		require.Equal(t, contractHive{f.file("NT4"), 49152, "1.3", 194, 194, true, 0}, got.Hive)
		require.Equal(t, &contractSelect{number(1), number(1), number(0), number(2)}, got.Select)
		require.Len(t, got.ControlSets, 2)
		set := got.ControlSets[0]
		require.Equal(t, "ControlSet001", set.Name)
		require.Equal(t, []string{"current", "default"}, set.Roles)
		require.Equal(t, "REG_EXPAND_SZ", set.Type)
		require.Equal(t, hivetest.CommandLine("SharedSection=1024,3072", hivetest.CommandTailNT4), set.Value)
		require.Equal(t, &contractSection{"SharedSection=1024,3072", 1024, number(3072), nil}, set.SharedSection)
		require.Equal(t, &contractEffective{true, "", 3072, 3072}, set.Effective)
		require.Equal(t, "noninteractive-absent", set.Findings[0].Code)
		require.Equal(t, "info", set.Findings[0].Severity)
	})
	t.Run("dirty", func(t *testing.T) {
		got := runJSON[contractShow](t, 0, "show", f.file("DIRTY"))
		require.Equal(t, contractHive{f.file("DIRTY"), int64(len(dirty.Primary)), "1.5", 1622, 1621, false, 5}, got.Hive)
		require.Len(t, got.Logs, 2)
		require.Equal(t, contractLog{f.file("DIRTY.LOG2"), int64(len(dirty.Log2)), "entries", 3, 1623, 1625, ""}, got.Logs[1])
		require.Equal(t, number(1024), got.ControlSets[0].SharedSection.NoninteractiveKB)
	})
	t.Run("no SYSTEM hive", func(t *testing.T) {
		got := runJSON[contractShow](t, 0, "show", f.file("EXOTIC"))
		require.Nil(t, got.Select)
		require.Empty(t, got.ControlSets)
	})
	for _, fault := range hivetest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": fault.Hive().Build().Data})
			runJSON[contractShow](t, 0, "show", f.file("SYSTEM"))
		})
	}
}

func TestPatchJSON(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	f := newFolder(t, map[string][]byte{
		"NT4": hivetest.NT4().Build().Data, "DIRTY": dirty.Primary, "DIRTY.LOG1": dirty.Log1, "DIRTY.LOG2": dirty.Log2,
	})
	t.Run("changed", func(t *testing.T) {
		output := f.file("new")
		got := runJSON[contractPatch](t, 0, "patch", f.file("NT4"), "-o", output)
		require.True(t, got.Changed)
		require.Equal(t, &output, got.Output)
		require.Equal(t, []contractChange{{"ControlSet001", "SharedSection=1024,3072", "SharedSection=1024,3072,512"}}, got.ControlSets)
		require.EqualValues(t, 194, got.SequenceBefore)
		require.EqualValues(t, 195, got.SequenceAfter)
		require.Equal(t, got.SizeBefore, got.SizeAfter)
		require.NotEqual(t, got.SHA256Before, got.SHA256After)
		require.Equal(t, []string{"check", "read-back", "regparser"}, got.VerifiedBy)
		requireRanges(t, f.file("NT4"), output, got.ChangedRanges)
	})
	t.Run("dry run", func(t *testing.T) {
		got := runJSON[contractPatch](t, 0, "patch", f.file("NT4"), "--dry-run")
		require.True(t, got.Changed)
		require.Nil(t, got.Output)
	})
	t.Run("unchanged", func(t *testing.T) {
		got := runJSON[contractPatch](t, 0, "patch", f.file("new"), "--dry-run")
		require.False(t, got.Changed)
		require.Equal(t, []contractRange{}, got.ChangedRanges)
		require.Equal(t, got.SHA256Before, got.SHA256After)
	})
	t.Run("dirty", func(t *testing.T) {
		output := f.file("clean")
		got := runJSON[contractPatch](t, 0, "patch", f.file("DIRTY"), "-o", output, "--noninteractive", "512")
		require.Equal(t, 5, got.ReplayedEntries)
		requireRanges(t, f.file("DIRTY"), output, got.ChangedRanges)
	})
}

func TestRecoverJSON(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	f := newFolder(t, map[string][]byte{"SYSTEM": dirty.Primary, "SYSTEM.LOG1": dirty.Log1, "SYSTEM.LOG2": dirty.Log2})
	output := f.file("new")
	got := runJSON[contractRecover](t, 0, "recover", f.file("SYSTEM"), "-o", output)
	require.Equal(t, 5, got.ReplayedEntries)
	require.EqualValues(t, 1622, got.SequenceBefore)
	require.EqualValues(t, 1626, got.SequenceAfter)
	require.Equal(t, []string{"check", "regparser"}, got.VerifiedBy)
	requireRanges(t, f.file("SYSTEM"), output, got.ChangedRanges)

	// What comes out is what Windows would make of it, but for the time.
	written, err := os.ReadFile(output)
	require.NoError(t, err)
	differences := differing(written, dirty.Recovered)
	require.NotEmpty(t, differences)
	for _, at := range differences {
		inTime := at >= hivetest.AtTimestamp && at < hivetest.AtTimestamp+8 || at >= 4096+20 && at < 4096+28
		inChecksum := at >= hivetest.AtChecksum && at < hivetest.AtChecksum+4
		require.True(t, inTime || inChecksum, "byte %#x differs", at)
	}

	unchanged := runJSON[contractRecover](t, 0, "recover", output, "--dry-run")
	require.False(t, unchanged.Changed)
	require.Nil(t, unchanged.Output)
}

// requireRanges requires that the ranges are the bytes that differ.
func requireRanges(t *testing.T, before, after string, ranges []contractRange) {
	t.Helper()
	var bytes [2][]byte
	for i, file := range []string{before, after} {
		var err error
		bytes[i], err = os.ReadFile(file)
		require.NoError(t, err)
	}
	listed := map[int64]bool{}
	for _, changed := range ranges {
		require.NotEmpty(t, changed.What)
		for at := range changed.Length {
			listed[changed.Offset+at] = true
		}
	}
	for _, at := range differing(bytes[0], bytes[1]) {
		require.True(t, listed[int64(at)], "byte %#x of %s differs, and no range has it", at, filepath.Base(after))
	}
}

func differing(a, b []byte) []int {
	var differences []int
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			differences = append(differences, i)
		}
	}
	return differences
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for _, mutation := range mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"SYSTEM": mutation.Build().Data})
			r := program("check", f.file("SYSTEM"), "--json")
			if r.code == exitFailed {
				require.Empty(t, r.stdout)
				return
			}
			got := decode[contractCheck](t, r.stdout)
			require.Equal(t, got.OK, r.code == exitDone)
			require.Equal(t, got.OK, got.Counts.F == 0 && got.Counts.L == 0)
			require.Len(t, got.Findings, got.Counts.F+got.Counts.L+got.Counts.C+got.Counts.W)
			require.True(t, slices.ContainsFunc(got.Findings, func(f contractFinding) bool {
				return strings.Contains(mutation.Levels, f.Level) && f.Code != "" && f.Message != ""
			}), r.stdout)
		})
	}
	t.Run("clean", func(t *testing.T) {
		data := hivetest.Windows7().Build().Data
		f := newFolder(t, map[string][]byte{"SYSTEM": data})
		got := runJSON[contractCheck](t, 0, "check", f.file("SYSTEM"))
		want := contractCheck{Findings: []contractFinding{}, OK: true, SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
		require.Equal(t, want, got)
	})
	t.Run("recovered", func(t *testing.T) {
		dirty := hivetest.DirtyWindows10()
		f := newFolder(t, map[string][]byte{"SYSTEM": dirty.Primary, "SYSTEM.LOG1": dirty.Log1, "SYSTEM.LOG2": dirty.Log2})
		got := runJSON[contractCheck](t, 0, "check", f.file("SYSTEM"))
		require.Equal(t, 5, got.ReplayedEntries)
		require.Equal(t, "logs", got.Findings[0].Code)
	})
}

// JSON goes to standard error where the hive goes to standard output.
func TestJSONBesideStream(t *testing.T) {
	f := newFolder(t, map[string][]byte{"SYSTEM": hivetest.NT4().Build().Data})
	r := program("patch", f.file("SYSTEM"), "-o", "-", "--json")
	require.Zero(t, r.code)
	got := decode[contractPatch](t, r.stderr)
	require.Equal(t, "-", *got.Output)
	require.True(t, bytes.HasPrefix([]byte(r.stdout), []byte("regf")))
	require.EqualValues(t, len(r.stdout), got.SizeAfter)
}
