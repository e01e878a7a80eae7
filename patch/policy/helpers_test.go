package policy

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/locate"
)

// editTime is when the tests edit.
var editTime = time.Date(2024, time.May, 6, 7, 8, 9, 123456700, time.UTC)

// load loads a copy of a hive as the command line does from standard input.
func load(t testing.TB, data []byte) *hivefile.File {
	t.Helper()
	file, err := loadDamaged(data)
	require.NoError(t, err)
	return file
}

// loadDamaged is load for a hive that may not be one.
func loadDamaged(data []byte) (*hivefile.File, error) {
	return hivefile.LoadStream(bytes.NewReader(data), hivefile.LoadOptions{Tolerant: true})
}

// twoSets is a hive with the control sets 1 and 2 whose Select key has these
// numbers.
func twoSets(current, next, lastKnownGood uint32) []byte {
	sample := hivetest.NT4()
	for i, key := range sample.Root.Subkeys {
		if key.Name == "Select" {
			sample.Root.Subkeys[i].Values = []hivetest.Value{
				{Name: "Current", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(current)},
				{Name: "Default", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(next)},
				{Name: "Failed", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(0)},
				{Name: "LastKnownGood", Type: hivetest.TypeDWORD, Data: hivetest.DWORD(lastKnownGood)},
			}
		}
	}
	return sample.Build().Data
}

// system parses a policy for a SYSTEM hive, of which text is what stands below
// its name, each line without the indent.
func system(t testing.TB, text string) *Section {
	t.Helper()
	p, err := Parse([]byte(systemPolicy(text)))
	require.NoError(t, err)
	return p.Section(locate.System, "")
}

func systemPolicy(text string) string {
	indented := ""
	for line := range bytes.Lines([]byte(text)) {
		indented += "    " + string(line)
	}
	return "version: 1\nhives:\n  SYSTEM:\n" + indented
}

// apply applies a section to a hive and returns the new one.
func apply(data []byte, s *Section, options Options) (after []byte, plan *Plan, outcome *edit.Outcome, err error) {
	file, err := loadDamaged(data)
	if err != nil {
		return nil, nil, nil, err
	}
	outcome, err = edit.Apply(file, edit.Request{Time: editTime}, func(d *edit.Draft) error {
		plan, err = s.Apply(d, options)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	return file.Hive.Bytes(), plan, outcome, nil
}

// requireApplied applies a section and requires that a second time changes
// nothing. It returns the new hive, and what differed.
func requireApplied(t testing.TB, data []byte, s *Section, options Options) (*hive.Hive, *Plan) {
	t.Helper()
	before := bytes.Clone(data)
	planned, err := s.Plan(load(t, data).Hive, options)
	require.NoError(t, err)
	after, done, outcome, err := apply(data, s, options)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, data), "the input was changed")
	require.Equal(t, planned, done, "what was said is what was done")
	require.Equal(t, len(done.Differences) > 0, outcome.Changed)
	require.Equal(t, []string{"check", "read-back", "regparser"}, outcome.VerifiedBy)

	again, rest, outcome, err := apply(after, s, options)
	require.NoError(t, err)
	require.Empty(t, rest.Differences)
	require.False(t, outcome.Changed)
	require.True(t, bytes.Equal(after, again), "a second time changed something")
	return load(t, after).Hive, done
}

// whats are what the differences of a plan are.
func whats(plan *Plan) []string {
	list := []string{}
	for _, d := range plan.Differences {
		line := d.What + " " + d.Key
		if d.Value != "" {
			line += " " + d.Value
		}
		list = append(list, line)
	}
	return list
}
