package patch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// TestDamageRefused: a fault of level F is refused with its findings and the
// flag that overrides that, or the hive does not open at all. Any other fault
// stands in nobody's way.
func TestDamageRefused(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			mutant := mutation.Build().Data
			fatal := findings(mutant, check.Fatal)
			file, err := hivefile.LoadStream(bytes.NewReader(mutant), tolerant)
			if err != nil {
				require.True(t, errors.Is(err, hive.ErrNotHive) || errors.Is(err, hive.ErrDirty), "%v", err)
				require.NotEmpty(t, fatal)
				return
			}
			request := requestFor(t, file)
			switch {
			case file.Hive.Editable() != nil:
				require.ErrorIs(t, refuse(t, mutant, request), hive.ErrReadOnly)
			case len(fatal) > 0:
				var damaged *edit.DamageError
				require.ErrorAs(t, refuse(t, mutant, request), &damaged)
				require.Equal(t, edit.OverrideDamage, damaged.Override)
				require.Nil(t, damaged.Touching)
				require.Equal(t, len(fatal), damaged.Findings.Counts[check.Fatal])
				require.Contains(t, damaged.Findings.List, fatal[0])
			default:
				require.NotEmpty(t, strings.ReplaceAll(mutation.Levels, "F", ""), "the check finds nothing fatal")
				requirePatchedBeside(t, mutation, mutant, request)
			}
		})
	}
}

// requestFor asks for something that is not there yet.
func requestFor(t *testing.T, file *hivefile.File) Request {
	if _, minor := file.Hive.Version(); minor < 5 {
		return defaultRequest(t)
	}
	return thirdNumber(4096)
}

// requirePatchedBeside does the job on a hive with a lesser fault. It stays
// unless it lies in what is written anew.
func requirePatchedBeside(t *testing.T, mutation hivetest.Mutation, mutant []byte, request Request) {
	t.Helper()
	done := apply(t, mutant, request)
	mended := map[string]string{"first-bin-timestamp-differs": "time-stamps", "max-value-data-too-small": "maxima"}
	for _, level := range []check.Level{check.Limited, check.Convention} {
		want := slices.DeleteFunc(findings(mutant, level), func(f check.Finding) bool { return f.Code == mended[mutation.Name] })
		require.ElementsMatch(t, want, findings(done.data, level))
	}
	require.Empty(t, findings(done.data, check.Fatal))
}

// TestAllowDamage edits damaged hives all the same, in ways that need no room,
// the rest of the cell, and a new cell. Either damage lies in the way, or the
// value reads back, every finding is as before, and nothing was taken that may
// belong to another.
func TestAllowDamage(t *testing.T) {
	patched, refused := map[string]int{}, map[string]int{}
	for _, mutation := range hivetest.Mutations() {
		mutant := mutation.Build().Data
		file, err := hivefile.LoadStream(bytes.NewReader(mutant), tolerant)
		if err != nil || file.Hive.Editable() != nil || len(findings(mutant, check.Fatal)) == 0 {
			continue // see TestDamageRefused
		}
		for name, request := range damageRequests() {
			t.Run(mutation.Name+"/"+name, func(t *testing.T) {
				file := load(t, mutant)
				report, err := Apply(file, request)
				if err != nil {
					requireInTheWay(t, err)
					require.True(t, bytes.Equal(mutant, file.Hive.Bytes()), "refused, but the hive was changed")
					refused[name]++
					return
				}
				patched[name]++
				requireReport(t, mutant, file, report)
				requireDamageLeft(t, mutation.Base(), mutant, file.Hive.Bytes(), report)
				require.Equal(t, []string{"check", "read-back"}, report.VerifiedBy)
				require.Contains(t, strings.Join(report.Warnings, "\n"), "no second opinion")
				require.Equal(t, report.ControlSets[0].After, tokenOf(t, file.Hive.Bytes()))
			})
		}
	}
	t.Logf("patched: %v, refused: %v", patched, refused)
	for name := range damageRequests() {
		require.Greater(t, patched[name], 30, "damage elsewhere is no reason to refuse")
		require.Greater(t, refused[name], 20)
	}
}

// damageRequests ask for what has the same length, what fits its cell, and what
// needs a new one.
func damageRequests() map[string]Request {
	requests := map[string]Request{
		"same length":   thirdNumber(512),
		"in its cell":   thirdNumber(4096),
		"in a new cell": {Edit: EditRequest{Sizes: sizes(16384, 12288)}, Time: editTime},
	}
	for name, request := range requests {
		request.AllowDamage = true
		requests[name] = request
	}
	return requests
}

// requireInTheWay wants damage where the edit would be, or that what the edit
// needs cannot be read.
func requireInTheWay(t *testing.T, err error) {
	t.Helper()
	var damaged *edit.DamageError
	switch {
	case errors.As(err, &damaged):
		require.NotNil(t, damaged.Touching)
		require.Empty(t, damaged.Override, "nothing overrides it")
		require.Equal(t, check.Fatal, damaged.Touching.Level)
		require.Contains(t, err.Error(), "damaged where it would be edited")
	case errors.Is(err, hive.ErrCorrupt), errors.Is(err, hive.ErrNotFound), errorsAs[*RefusedError](err):
	default:
		require.NoError(t, err)
	}
}

func tokenOf(t *testing.T, data []byte) string {
	t.Helper()
	text := valueText(t, data, "ControlSet001")
	_, rest, _ := strings.Cut(text, "SharedSection=")
	numbers, _, _ := strings.Cut(rest, " ")
	return "SharedSection=" + numbers
}

// requireDamageLeft wants all findings of a mutant to be there still, and only
// places to be written that belong to the edit for certain.
func requireDamageLeft(t *testing.T, base *hivetest.Image, before, after []byte, report *Report) {
	t.Helper()
	for _, level := range []check.Level{check.Fatal, check.Limited, check.Convention} {
		require.Equal(t, withoutMessages(findings(before, level)), withoutMessages(findings(after, level)))
	}
	value := base.Value(hivetest.SubSystems, valueName)
	end := hivetest.FileOffset(binary.LittleEndian.Uint32(before[hivetest.AtBinsSize:]))
	allowed := []hivetest.Span{
		{From: 0, To: hivetest.LogHeaderSize},
		{From: hivetest.BaseBlockSize + 20, To: hivetest.BaseBlockSize + 28}, // the double of the time stamp
		cellSpan(base, base.Key(hivetest.SubSystems).Node),
		cellSpan(base, value.Record),
		cellSpan(base, value.Data),
		{From: end, To: int64(len(after))},
	}
	for _, r := range report.ChangedRanges {
		require.True(t, slices.ContainsFunc(allowed, func(span hivetest.Span) bool { return within(span, r) }), "%+v was taken", r)
	}
}

// withoutMessages leaves out the texts, which may name the end of the last bin.
func withoutMessages(list []check.Finding) []check.Finding {
	for i := range list {
		list[i].Message = ""
	}
	return list
}
