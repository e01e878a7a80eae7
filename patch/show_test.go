package patch

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

func show(t *testing.T, literal hivetest.Hive) *Overview {
	t.Helper()
	data := literal.Build().Data
	file := load(t, data)
	overview, err := Show(file)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, file.Hive.Bytes()), "showing changes nothing")
	return overview
}

func ptr(n uint32) *uint32 { return &n }

// TestShow wants all that is said about the NT4 sample.
func TestShow(t *testing.T) {
	overview := show(t, hivetest.NT4())
	require.Equal(t, HiveState{Path: "-", Size: 49152, Version: "1.3", Sequence1: 194, Sequence2: 194, Clean: true}, overview.Hive)
	require.Equal(t, []LogState{}, overview.Logs)
	require.Equal(t, &SelectState{Current: ptr(1), Default: ptr(1), Failed: ptr(0), LastKnownGood: ptr(2)}, overview.Select)
	require.Empty(t, overview.Warnings)
	require.Len(t, overview.ControlSets, 2)
	first := overview.ControlSets[0]
	require.Equal(t, "ControlSet001", first.Name)
	require.Equal(t, []string{RoleCurrent, RoleDefault}, first.Roles)
	require.Equal(t, "REG_EXPAND_SZ", first.Type)
	require.Equal(t, stockNT4, first.Value)
	require.Equal(t, &SectionState{Raw: "SharedSection=1024,3072", SharedKB: 1024, InteractiveKB: ptr(3072)}, first.SharedSection)
	require.Equal(t, &EffectiveState{Boots: true, InteractiveKB: 3072, NoninteractiveKB: 3072}, first.Effective)
	require.Equal(t, uint64(3072+10*3072+192+96), first.Budget.ReservationKB, "64 bits where the hive does not say")
	require.Equal(t, uint32(96), first.Budget.FewestProcesses)
	require.Equal(t, uint32(438), first.Budget.MostProcesses)
	require.Equal(t, uint64(14), *first.Budget.LegacyDesktops)
	require.Equal(t, []string{codeConsoleOld, codeNoninteractiveNone}, slices.Sorted(slices.Values(codesOf(first.Findings))))
	require.Empty(t, first.Error)
	require.Equal(t, []string{RoleLastKnownGood}, overview.ControlSets[1].Roles)
}

// TestShowMemory: the session view space of Windows before Vista, which only
// version 1.3 or the value itself gives away.
func TestShowMemory(t *testing.T) {
	with := func(literal hivetest.Hive, values ...hivetest.Value) hivetest.Hive {
		for _, value := range values {
			literal.Key(`ControlSet001\Control\Session Manager\Memory Management`).SetValue(value)
		}
		return literal
	}
	size := func(kind uint32, data []byte) hivetest.Value {
		return hivetest.Value{Name: "SessionViewSize", Type: kind, Data: data}
	}
	bits := func(literal hivetest.Hive) hivetest.Hive {
		literal.Key(`ControlSet001\Control\Session Manager\Environment`).SetValue(
			hivetest.Value{Name: "PROCESSOR_ARCHITECTURE", Type: hivetest.TypeSZ, Data: hivetest.SZ("x86")})
		return literal
	}
	desktops := func(literal hivetest.Hive) *uint64 { return show(t, literal).ControlSets[0].Budget.LegacyDesktops }
	require.Nil(t, desktops(hivetest.Windows10()))
	require.Nil(t, desktops(with(hivetest.Windows10(), size(hivetest.TypeBinary, hivetest.DWORD(48)))), "no number")
	require.Nil(t, desktops(with(hivetest.Windows10(), size(hivetest.TypeDWORD, []byte{48, 0}))), "too short")
	require.Equal(t, uint64(36), *desktops(with(hivetest.Windows10(), size(hivetest.TypeDWORD, hivetest.DWORD(48)))))
	require.Equal(t, uint64(58), *desktops(with(hivetest.Windows10(), size(hivetest.TypeDWORD, hivetest.DWORD(64)))))
	require.Equal(t, uint64(14), *desktops(bits(hivetest.NT4())))
	require.Equal(t, uint64(3072+10*3072+128+64), show(t, bits(hivetest.NT4())).ControlSets[0].Budget.ReservationKB)
}

// TestShowFaults: what stops a job is shown, and nothing stops the showing.
func TestShowFaults(t *testing.T) {
	type shown struct {
		warning string // part of
		failure string // of the set
		why     string // csrss does not start
		code    string // of a finding
	}
	wants := map[string]shown{
		"select-missing":                     {warning: `Select: key Select: not found`},
		"select-empty":                       {warning: `Select\Current cannot be read`},
		"select-current-is-text":             {warning: `value Current of key Select is REG_SZ of 4 bytes`},
		"select-current-0":                   {warning: "Select names no control set"},
		"control-set-absent":                 {warning: `Select\Current is 7, but there is no such control set`},
		"current-control-set-is-real":        {warning: "a real key named CurrentControlSet"},
		"subsystems-key-absent":              {failure: "not found"},
		"value-absent":                       {failure: `value Windows`},
		"value-is-sz":                        {code: codeType},
		"value-is-multi-sz":                  {code: codeType},
		"value-empty":                        {why: "the program is not csrss.exe"},
		"token-absent":                       {why: "ServerDll before SharedSection"},
		"token-twice":                        {why: "second SharedSection token"},
		"token-with-blank-after-first-comma": {why: "nothing behind a first comma", code: codeBlank},
		"tail-windows-on":                    {why: "null pointer"},
	}
	for _, fault := range hivetest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			overview := show(t, fault.Hive())
			want := wants[fault.Name]
			require.Contains(t, strings.Join(overview.Warnings, "\n"), want.warning)
			require.Len(t, overview.ControlSets, 1)
			set := overview.ControlSets[0]
			require.Contains(t, set.Error, want.failure)
			require.Equal(t, want.failure != "", set.Error != "")
			if set.Error != "" {
				require.Nil(t, set.SharedSection)
				require.Nil(t, set.Effective)
				return
			}
			require.Contains(t, set.Effective.Why, want.why)
			require.Equal(t, set.Effective.Why == "", set.Effective.Boots)
			if want.code != "" {
				require.Contains(t, codesOf(set.Findings), want.code)
			}
		})
	}
}

// TestShowMissingNumbers: what Select does not have is null.
func TestShowMissingNumbers(t *testing.T) {
	overview := show(t, nt4(selectsNone("Failed"), selectsData("Default", hivetest.TypeSZ, hivetest.SZ("1"))))
	require.Equal(t, &SelectState{Current: ptr(1), LastKnownGood: ptr(2)}, overview.Select)
	require.Nil(t, show(t, nt4(withoutSelect)).Select)
	require.NotEmpty(t, show(t, nt4(withoutSet("ControlSet001"), withoutSet("ControlSet002"))).Warnings)
	require.Empty(t, show(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}).ControlSets)
}

// TestShowWarnsOnce: nothing is said twice.
func TestShowWarnsOnce(t *testing.T) {
	for _, literal := range []hivetest.Hive{
		nt4(selects("Current", 2)), nt4(selects("Current", 0)), nt4(withCopy("CurrentControlSet")), nt4(selects("Default", 7)),
	} {
		warnings := show(t, literal).Warnings
		require.Len(t, warnings, 1)
	}
}

// TestShowSibling: a value beside the one that counts.
func TestShowSibling(t *testing.T) {
	literal := hivetest.Windows10()
	literal.Key(hivetest.SubSystems).SetValue(hivetest.Value{Name: "SharedSection", Type: hivetest.TypeSZ, Data: hivetest.SZ("1024,20480,4096")})
	require.Contains(t, codesOf(show(t, literal).ControlSets[0].Findings), codeSibling)
}

// TestShowLayouts: hives that can be read and not edited are shown.
func TestShowLayouts(t *testing.T) {
	overview := show(t, hivetest.NT31(1))
	require.Equal(t, "1.1", overview.Hive.Version)
	require.Equal(t, "SharedSection=1024,512", overview.ControlSets[0].SharedSection.Raw)
	require.Equal(t, "1.6", show(t, hivetest.Layered()).Hive.Version)
}

// TestShowDirty: a dirty hive is shown recovered where that is possible, and
// as it stands where it is not.
func TestShowDirty(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	c := hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}
	file, err := loadCase(t, c, hivefile.RecoverIfPossible)
	require.NoError(t, err)
	overview, err := Show(file)
	require.NoError(t, err)
	require.Equal(t, HiveState{Path: file.Path, Size: int64(len(dirty.Primary)), Version: "1.5", Sequence1: 1622, Sequence2: 1621, ReplayedEntries: 5}, overview.Hive)
	require.Equal(t, "SharedSection=1024,20480,1024", overview.ControlSets[0].SharedSection.Raw)
	require.Len(t, overview.Logs, 2)
	require.Equal(t, LogState{Path: file.Path + ".LOG1", Size: int64(len(dirty.Log1)), Format: "entries", Entries: 2, First: 1621, Last: 1622}, overview.Logs[0])
	require.Empty(t, overview.Warnings)

	c.Log1, c.Log2 = nil, []byte("no log")
	file, err = loadCase(t, c, hivefile.RecoverIfPossible)
	require.NoError(t, err)
	overview, err = Show(file)
	require.NoError(t, err)
	require.False(t, overview.Hive.Clean)
	require.Zero(t, overview.Hive.ReplayedEntries)
	require.Equal(t, "SharedSection=1024,20480,768", overview.ControlSets[0].SharedSection.Raw)
	require.Contains(t, strings.Join(overview.Warnings, "\n"), "the hive is shown as it stands, without recovery: ")
	require.NotEmpty(t, overview.Logs[0].Problem)
}

// TestJSON: the names are a contract with scripts, and a list is never null.
func TestJSON(t *testing.T) {
	shape := func(v any) map[string]any {
		t.Helper()
		text, err := json.Marshal(v)
		require.NoError(t, err)
		var object map[string]any
		require.NoError(t, json.Unmarshal(text, &object))
		return object
	}
	names := func(v any) []string {
		var list []string
		for name := range v.(map[string]any) {
			list = append(list, name)
		}
		slices.Sort(list)
		return list
	}
	empty := shape(show(t, hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT"}}))
	require.Equal(t, []string{"control_sets", "hive", "logs", "select", "warnings"}, names(empty))
	require.Equal(t, []any{}, empty["control_sets"])
	require.Equal(t, []any{}, empty["logs"])
	require.Nil(t, empty["select"])

	overview := shape(show(t, hivetest.NT4()))
	require.Equal(t, []string{"clean", "path", "replayed_entries", "sequence1", "sequence2", "size", "version"}, names(overview["hive"]))
	require.Equal(t, []string{"current", "default", "failed", "last_known_good"}, names(overview["select"]))
	set := overview["control_sets"].([]any)[0].(map[string]any)
	require.Equal(t, []string{"budget", "effective", "findings", "name", "roles", "shared_section", "type", "value"}, names(set))
	require.Equal(t, []string{"interactive_kb", "noninteractive_kb", "raw", "shared_kb"}, names(set["shared_section"]))
	require.Nil(t, set["shared_section"].(map[string]any)["noninteractive_kb"])
	require.Equal(t, []string{"boots", "interactive_kb", "noninteractive_kb"}, names(set["effective"]))

	report := shape(apply(t, hivetest.NT4().Build().Data, defaultRequest(t)).report)
	require.Equal(t, []string{
		"changed", "changed_ranges", "control_sets", "counts", "output", "replayed_entries", "sequence_after", "sequence_before",
		"sha256_after", "sha256_before", "size_after", "size_before", "verified_by", "warnings",
	}, names(report))
	require.Nil(t, report["output"])
	require.Equal(t, []string{"length", "offset", "what"}, names(report["changed_ranges"].([]any)[0]))
	require.Equal(t, []string{"after", "before", "name"}, names(report["control_sets"].([]any)[0]))
	require.Equal(t, []string{"C", "F", "L", "W"}, names(report["counts"]))
	again := shape(requireUnchanged(t, hivetest.Windows10().Build().Data, thirdNumber(768)))
	require.Equal(t, []any{}, again["changed_ranges"])
	quiet := hivetest.NT4()
	require.Equal(t, []any{}, shape(apply(t, quiet.Build().Data, defaultRequest(t)).report)["warnings"])
}
