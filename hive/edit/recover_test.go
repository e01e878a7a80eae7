package edit

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// TestRecoverLogCases makes clean hives of dirty ones, and nothing else of
// them: the bins are those that Windows would have, but for the time in the
// first.
func TestRecoverLogCases(t *testing.T) {
	for _, test := range hivetest.LogCases() {
		if test.Outcome != hivetest.Recovers {
			continue
		}
		t.Run(test.Name, func(t *testing.T) {
			file, err := loadCase(t, test, hivefile.Recover)
			require.NoError(t, err)
			outcome, err := Recover(file, Request{Time: editTime})
			require.NoError(t, err)
			after := bytes.Clone(file.Hive.Bytes())
			requireOutcome(t, test.Primary, file, outcome)
			require.Equal(t, []string{"check", "regparser"}, outcome.VerifiedBy)
			requireSafeFromLogs(t, after, test.Log1, test.Log2)
			requireSound(t, after)

			end := hivetest.FileOffset(binary.LittleEndian.Uint32(test.Result[hivetest.AtBinsSize:]))
			want := bytes.Clone(test.Result[:end])
			copy(want[hivetest.BaseBlockSize+20:], after[hivetest.BaseBlockSize+20:][:8])
			require.True(t, bytes.Equal(want[hivetest.BaseBlockSize:], after[hivetest.BaseBlockSize:end]), "the bins differ")

			again := load(t, after)
			outcome, err = Recover(again, Request{Time: editTime.AddDate(0, 0, 1)})
			require.NoError(t, err)
			require.False(t, outcome.Changed)
			require.True(t, bytes.Equal(after, again.Hive.Bytes()))
		})
	}
}

// TestRecoverToDamage: what the logs make damaged is not called recovered,
// unless that is allowed.
func TestRecoverToDamage(t *testing.T) {
	before := hivetest.Windows10().Build()
	after := before.Clone()
	after.Put32(after.Key("WPA").Node, hivetest.NodeSecurity, hivetest.NIL)
	dirty := hivetest.Session{Before: before.Data, Flushes: []hivetest.Flush{{Hive: after.Data, Log: 1}}}.Dirty()
	load := func() *hivefile.File {
		file, err := loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: []byte{}}, hivefile.Recover)
		require.NoError(t, err)
		return file
	}
	_, err := Recover(load(), Request{Time: editTime})
	var damaged *DamageError
	require.ErrorAs(t, err, &damaged)
	require.Equal(t, OverrideDamage, damaged.Override)

	file := load()
	outcome, err := Recover(file, Request{Time: editTime, AllowDamage: true})
	require.NoError(t, err)
	require.Equal(t, []string{"check"}, outcome.VerifiedBy)
	require.Equal(t, 1, outcome.Counts.Fatal)
	require.Equal(t, findings(dirty.Recovered, check.Fatal), findings(file.Hive.Bytes(), check.Fatal))
}

// TestRecoverAnyHive: recovery is not about Windows or its Select key, and not
// about versions that can be edited.
func TestRecoverAnyHive(t *testing.T) {
	for name, literal := range map[string]hivetest.Hive{
		"no SYSTEM hive": {Minor: 5, Root: hivetest.Key{Name: "ROOT"}}, "layered": hivetest.Layered(), "version 1.1": hivetest.NT31(1),
	} {
		t.Run(name, func(t *testing.T) {
			data := literal.Build().Data
			file := load(t, data)
			outcome, err := Recover(file, Request{Time: editTime})
			require.NoError(t, err)
			require.False(t, outcome.Changed)
			require.True(t, bytes.Equal(data, file.Hive.Bytes()))
			require.Equal(t, name == "version 1.1", strings.Contains(strings.Join(outcome.Warnings, "\n"), "no second opinion"))
		})
	}
	_, err := loadCase(t, hivetest.LogCase{Primary: []byte("regf")}, hivefile.Recover)
	require.ErrorIs(t, err, hive.ErrNotHive)
}
