package patch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/txlog"
)

// loadCase loads a primary with its logs from files.
func loadCase(t testing.TB, c hivetest.LogCase, recovery hivefile.Recovery) (*hivefile.File, error) {
	t.Helper()
	return hivefile.Load(save(t, c.Primary, c.Log1, c.Log2), hivefile.LoadOptions{Recovery: recovery, Tolerant: true})
}

// logNumbers are all sequence numbers in a log, read without our own parser.
func logNumbers(log []byte) []uint32 {
	if len(log) < hivetest.LogHeaderSize {
		return nil
	}
	number := func(at int) uint32 { return binary.LittleEndian.Uint32(log[at:]) }
	var numbers []uint32
	if hivetest.Checksum(log) == number(hivetest.AtChecksum) {
		numbers = append(numbers, number(hivetest.AtSequence1), number(hivetest.AtSequence2))
	}
	if number(hivetest.AtType) == hivetest.TypeHvLELog {
		for _, at := range hivetest.EntryOffsets(log) {
			numbers = append(numbers, number(at+hivetest.EntrySequence))
		}
	}
	return numbers
}

// requireSafeFromLogs wants a hive that no log can be applied to: not as it is,
// and not when Windows has made it dirty again.
func requireSafeFromLogs(t testing.TB, data []byte, logs ...[]byte) {
	t.Helper()
	image := hivetest.Image{Data: bytes.Clone(data)}
	number, _ := sequences(data)
	var given []txlog.Log
	for i, log := range logs {
		for _, old := range logNumbers(log) {
			require.Positive(t, int32(number-old), "number %d after %d in LOG%d", number, old, i+1)
		}
		if log != nil {
			given = append(given, txlog.Log{Name: "SYSTEM.LOG" + string(rune('1'+i)), Data: log})
		}
	}
	_, err := txlog.NewPlan(image.Data, given)
	require.ErrorIs(t, err, txlog.ErrClean)
	image.SetSequences(number+1, number)
	_, err = txlog.NewPlan(image.Data, given)
	require.Error(t, err)
	require.NotErrorIs(t, err, txlog.ErrClean)
}

// unseenLosses are the cases in which the logs lead to a hive as Windows would
// make it, although something is missing from them: an entry with the number
// that comes next is nowhere, and Windows starts to apply entries at any number
// that is not before that of the hive. They have what the report says of it.
var unseenLosses = map[string]string{
	"log1-cut-in-its-header":    "SYSTEM.LOG1 was left out: no header",
	"log1-without-entries":      "SYSTEM.LOG1 was left out: 512 bytes, want more than 552",
	"log2-does-not-follow-log1": "SYSTEM.LOG2 was left out: its first entry is 1624, but the next after those of the other log is 1623",
	"entry-number-skipped":      "",
}

// TestDirty does the job on every hive with logs that hivetest knows.
func TestDirty(t *testing.T) {
	request := thirdNumber(4096)
	for _, test := range hivetest.LogCases() {
		t.Run(test.Name, func(t *testing.T) {
			file, err := loadCase(t, test, hivefile.Recover)
			if loss, ok := unseenLosses[test.Name]; ok {
				require.NoError(t, err)
				report, err := Apply(file, request)
				require.NoError(t, err)
				requireReport(t, test.Primary, file, report)
				require.Contains(t, strings.Join(report.Warnings, "\n"), loss)
				requireSound(t, file.Hive.Bytes())
				requireSafeFromLogs(t, file.Hive.Bytes(), test.Log1, test.Log2)
				return
			}
			if test.Outcome != hivetest.Recovers && test.Outcome != hivetest.Clean {
				require.ErrorIs(t, err, hive.ErrDirty)
				return
			}
			require.NoError(t, err)
			report, err := Apply(file, request)
			require.NoError(t, err)
			after := file.Hive.Bytes()
			requireReport(t, test.Primary, file, report)
			replayed := len(test.Applied)
			if test.Outcome == hivetest.Recovers && replayed == 0 {
				replayed = 1 // a log of the old format is one entry
			}
			require.Equal(t, replayed, report.ReplayedEntries)
			require.Equal(t, []string{"check", "read-back", "regparser"}, report.VerifiedBy)
			tail := hivetest.CommandTailWin10
			if strings.HasPrefix(test.Name, "old-log") {
				tail = hivetest.CommandTailWin7
			}
			text := hivetest.CommandLine("SharedSection=1024,20480,4096", tail)
			requireOnlyEdited(t, snapshot(t, test.Result), snapshot(t, after), map[string]string{hivetest.SubSystems: text})
			requireSound(t, after)
			requireSafeFromLogs(t, after, test.Log1, test.Log2)
			requireUnchanged(t, after, request)
		})
	}
}

// TestDirtyNothingToDo: a dirty hive that holds what was asked for comes out
// clean all the same.
func TestDirtyNothingToDo(t *testing.T) {
	for name, dirty := range map[string]hivetest.DirtyHive{"windows10": hivetest.DirtyWindows10(), "old": hivetest.DirtyOld()} {
		t.Run(name, func(t *testing.T) {
			file, err := loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}, hivefile.Recover)
			require.NoError(t, err)
			report, err := Apply(file, thirdNumber(1024))
			require.NoError(t, err)
			requireReport(t, dirty.Primary, file, report)
			require.True(t, report.Changed, "the recovery is a change")
			require.Equal(t, report.ControlSets[0].Before, report.ControlSets[0].After)
			requireOnlyEdited(t, snapshot(t, dirty.Recovered), snapshot(t, file.Hive.Bytes()), nil)
			requireSafeFromLogs(t, file.Hive.Bytes(), dirty.Log1, dirty.Log2)
		})
	}
}

// TestIgnoreLogs patches every one of those hives as it stands. The loss is
// said, and the logs can never come back.
func TestIgnoreLogs(t *testing.T) {
	request := thirdNumber(4096)
	patched := 0
	for _, test := range hivetest.LogCases() {
		t.Run(test.Name, func(t *testing.T) {
			file, err := loadCase(t, test, hivefile.IgnoreLogs)
			if strings.HasSuffix(test.Name, "base-block-destroyed") {
				require.ErrorIs(t, err, hive.ErrNotHive)
				return
			}
			require.NoError(t, err)
			report, err := Apply(file, request)
			if errorsAs[*edit.DamageError](err) {
				// a flush that was cut short can leave half a hive
				require.True(t, strings.HasPrefix(test.Name, "old-log"), "%v", err)
				require.Greater(t, len(findings(test.Primary, check.Fatal)), 1)
				return
			}
			require.NoError(t, err)
			patched++
			after := file.Hive.Bytes()
			requireReport(t, test.Primary, file, report)
			require.Zero(t, report.ReplayedEntries)
			warned := strings.Contains(strings.Join(report.Warnings, "\n"), "its logs were ignored: what Windows had written to them only is lost")
			require.Equal(t, test.Outcome != hivetest.Clean, warned)
			require.Equal(t, "SharedSection=1024,20480,4096", report.ControlSets[0].After)
			requireSound(t, after)
			requireSafeFromLogs(t, after, test.Log1, test.Log2)
		})
	}
	require.Greater(t, patched, 40)
}

// TestSkippedLogIsSaid: a log that was left out is named.
func TestSkippedLogIsSaid(t *testing.T) {
	for _, test := range hivetest.LogCases() {
		if test.Name != "stale-log1" {
			continue
		}
		file, err := loadCase(t, test, hivefile.Recover)
		require.NoError(t, err)
		report, err := Apply(file, thirdNumber(4096))
		require.NoError(t, err)
		require.Contains(t, strings.Join(report.Warnings, "\n"), "SYSTEM.LOG1 was left out: ")
		return
	}
	require.Fail(t, "no such case")
}

// TestNamedLogs: logs with names of their own, given by the user.
func TestNamedLogs(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	path := save(t, dirty.Primary, nil, nil)
	logs := []string{path + "-second", path + "-first"}
	require.NoError(t, os.WriteFile(logs[0], dirty.Log2, 0o600))
	require.NoError(t, os.WriteFile(logs[1], dirty.Log1, 0o600))
	file, err := hivefile.Load(path, hivefile.LoadOptions{Logs: logs})
	require.NoError(t, err)
	report, err := Apply(file, thirdNumber(4096))
	require.NoError(t, err)
	require.Equal(t, len(dirty.Entries), report.ReplayedEntries)
	requireSafeFromLogs(t, file.Hive.Bytes(), dirty.Log1, dirty.Log2)
}

// TestDamageAfterRecovery: a hive that the logs make damaged is refused as any
// other.
func TestDamageAfterRecovery(t *testing.T) {
	before := hivetest.Windows10().Build()
	after := isolated{before.Clone()}
	after.Put32(after.node("WPA"), hivetest.NodeSecurity, hivetest.NIL)
	before.SetSequences(7, 7)
	dirty := hivetest.Session{Before: before.Data, Flushes: []hivetest.Flush{{Hive: after.Data, Log: 1}}}.Dirty()
	c := hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: []byte{}}
	file, err := loadCase(t, c, hivefile.Recover)
	require.NoError(t, err)
	_, err = Apply(file, thirdNumber(4096))
	var damaged *edit.DamageError
	require.True(t, errors.As(err, &damaged), "%v", err)
	require.Equal(t, 1, damaged.Findings.Counts[check.Fatal])

	file, err = loadCase(t, c, hivefile.Recover)
	require.NoError(t, err)
	request := thirdNumber(4096)
	request.AllowDamage = true
	report, err := Apply(file, request)
	require.NoError(t, err)
	requireReport(t, dirty.Primary, file, report)
	require.Equal(t, 1, report.ReplayedEntries)
	require.Equal(t, findings(dirty.Recovered, check.Fatal), findings(file.Hive.Bytes(), check.Fatal))
}
