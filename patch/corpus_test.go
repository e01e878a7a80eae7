package patch

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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

// corpusFolder returns the folder of real hives, or skips the test.
func corpusFolder(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS names no folder of real hives")
	}
	return folder
}

// corpusFile returns the path of a file in it, and its bytes.
func corpusFile(t testing.TB, name string) (string, []byte) {
	t.Helper()
	path := filepath.Join(corpusFolder(t), filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, data
}

// corpusHives returns the paths of all hives, by their names in the folder.
// What is no log and has bins is one: a base block can be destroyed.
func corpusHives(t testing.TB) map[string]string {
	t.Helper()
	folder, hives := corpusFolder(t), map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(strings.ToUpper(filepath.Ext(path)), ".LOG") {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && len(data) > hivetest.BaseBlockSize+4 && string(data[hivetest.BaseBlockSize:][:4]) == "hbin" {
			name, _ := filepath.Rel(folder, path)
			hives[filepath.ToSlash(name)] = path
		}
		return err
	}))
	require.NotEmpty(t, hives)
	return hives
}

func loadFile(t testing.TB, path string, recovery hivefile.Recovery) (*hivefile.File, error) {
	t.Helper()
	return hivefile.Load(path, hivefile.LoadOptions{Recovery: recovery, Tolerant: true})
}

// count walks a hive.
func count(t testing.TB, data []byte) (keys, values int) {
	t.Helper()
	for _, key := range snapshot(t, data) {
		keys++
		values += len(key.values)
	}
	return keys, values
}

// invalidOnPurpose are hives whose makers have made the checksum wrong.
var invalidOnPurpose = []string{"odd/GarbageHive", "odd/EffectiveSizeHive"}

// TestCorpus does with every real hive what can be done with it.
func TestCorpus(t *testing.T) {
	patched := 0
	for name, path := range corpusHives(t) {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			file, err := loadFile(t, path, hivefile.RecoverIfPossible)
			if errors.Is(err, hive.ErrNotHive) {
				_, err := hive.Open(bytes.Clone(data), hive.Tolerant(), hive.IgnoreDirty())
				require.ErrorIs(t, err, hive.ErrNotHive, "only a header that is lost with its log is no hive")
				return
			}
			require.NoError(t, err)
			if file.Replayed == 0 {
				require.True(t, bytes.Equal(data, file.Hive.Bytes()), "it does not come out as it went in")
				require.Empty(t, file.Hive.Changes())
			}
			if fatal := findings(file.Hive.Bytes(), check.Fatal); !slices.Contains(invalidOnPurpose, name) {
				kind, _, _ := strings.Cut(name, "/")
				require.False(t, (kind == "odd" || kind == "other") && len(fatal) > 0, "Windows loads it, but %v", fatal)
			}
			_, err = Show(file)
			require.NoError(t, err)
			if sets, err := ReadControlSets(file.Hive); err != nil || len(sets.Sets) == 0 {
				requireNoJob(t, path)
				return
			}
			var before []keyState
			for selection, request := range map[string]Request{
				SelectActive: defaultRequest(t), SelectAll: thirdNumber(4096),
			} {
				request.ControlSet = selection
				if patchCorpus(t, path, data, &before, request) {
					patched++
				}
			}
		})
	}
	t.Logf("%d jobs done", patched)
	require.GreaterOrEqual(t, patched, 10, "five hives can be patched in two ways each")
}

// requireNoJob wants a hive of something else refused.
func requireNoJob(t *testing.T, path string) {
	t.Helper()
	file, err := loadFile(t, path, hivefile.RecoverIfPossible)
	require.NoError(t, err)
	before := bytes.Clone(file.Hive.Bytes())
	_, err = Apply(file, defaultRequest(t))
	require.True(t, errorsAs[*RefusedError](err) || errorsAs[*edit.DamageError](err) || errors.Is(err, hive.ErrReadOnly) || errors.Is(err, hive.ErrNotFound), "%v", err)
	require.True(t, bytes.Equal(before, file.Hive.Bytes()))
}

// patchCorpus does a job on a real hive and reports whether it was done. before
// is what the hive holds at the start, if that is known.
func patchCorpus(t *testing.T, path string, data []byte, before *[]keyState, request Request) bool {
	t.Helper()
	file, err := loadFile(t, path, hivefile.Recover)
	if errors.Is(err, hive.ErrDirty) {
		file, err = loadFile(t, path, hivefile.IgnoreLogs)
	}
	require.NoError(t, err)
	start := bytes.Clone(file.Hive.Bytes()) // after the recovery
	report, err := Apply(file, request)
	if len(findings(start, check.Fatal)) > 0 && file.Unrecovered == nil {
		require.True(t, errorsAs[*edit.DamageError](err), "%v", err)
		require.True(t, bytes.Equal(start, file.Hive.Bytes()))
		return false
	}
	if errors.Is(err, hive.ErrNotFound) || errors.Is(err, hive.ErrReadOnly) {
		require.True(t, bytes.Equal(start, file.Hive.Bytes()))
		return false // a hive with no such value
	}
	require.NoError(t, err)
	after := file.Hive.Bytes()
	requireReport(t, data, file, report)
	require.Equal(t, []string{"check", "read-back", "regparser"}, report.VerifiedBy)
	require.Equal(t, withoutMessages(findings(start, check.Limited, check.Convention)), withoutMessages(findings(after, check.Limited, check.Convention)))
	require.Empty(t, findings(after, check.Fatal))
	texts := map[string]string{}
	for _, set := range report.ControlSets {
		if set.Before != set.After {
			text := valueText(t, start, set.Name)
			texts[set.Name+`\`+subSystemsPath] = strings.Replace(text, set.Before, set.After, 1)
			require.Equal(t, texts[set.Name+`\`+subSystemsPath], valueText(t, after, set.Name))
		}
	}
	if *before == nil {
		*before = snapshot(t, start)
	}
	requireOnlyEdited(t, *before, snapshot(t, after), texts)
	requireUnchanged(t, bytes.Clone(after), request)
	return true
}

// TestCorpusNT4 is the case of Microsoft's article Q142676 itself.
func TestCorpusNT4(t *testing.T) {
	path, data := corpusFile(t, "system/nt4/system")
	file, err := loadFile(t, path, hivefile.Recover)
	require.NoError(t, err)
	report, err := Apply(file, defaultRequest(t))
	require.NoError(t, err)
	requireReport(t, data, file, report)
	require.Equal(t, []SetChange{{"ControlSet001", "SharedSection=1024,3072", "SharedSection=1024,3072,512"}}, report.ControlSets)
	require.Equal(t, changedNT4, valueText(t, file.Hive.Bytes(), "ControlSet001"))
	require.Equal(t, stockNT4, valueText(t, file.Hive.Bytes(), "ControlSet002"))
	require.Len(t, file.Hive.Bytes(), 1097728)
	require.EqualValues(t, 194, report.SequenceBefore)
	require.EqualValues(t, 195, report.SequenceAfter)
	require.LessOrEqual(t, len(report.ChangedRanges), 12)
	for _, r := range report.ChangedRanges {
		t.Logf("%#8x %4d %s", r.Offset, r.Length, r.What)
	}
	requireSound(t, file.Hive.Bytes())
}

// TestCorpusDirtyWindows10 has both logs: every entry is applied before the
// edit.
func TestCorpusDirtyWindows10(t *testing.T) {
	path, data := corpusFile(t, "system/win10-1709-dirty/SYSTEM")
	file, err := loadFile(t, path, hivefile.Recover)
	require.NoError(t, err)
	report, err := Apply(file, thirdNumber(4096))
	require.NoError(t, err)
	after := file.Hive.Bytes()
	requireReport(t, data, file, report)
	require.Equal(t, 24, report.ReplayedEntries)
	require.Equal(t, "SharedSection=1024,20480,4096", report.ControlSets[0].After)
	require.Equal(t, "SharedSection=1024,20480,4096", tokenOf(t, after))
	require.EqualValues(t, 1622, report.SequenceBefore)
	first, second := sequences(after)
	require.GreaterOrEqual(t, first, uint32(2131))
	require.Equal(t, first, second)
	requireSound(t, after)
	keys, values := count(t, after)
	require.Equal(t, 35595, keys)
	require.Equal(t, 78901, values)
	_, log1 := corpusFile(t, "system/win10-1709-dirty/SYSTEM.LOG1")
	_, log2 := corpusFile(t, "system/win10-1709-dirty/SYSTEM.LOG2")
	requireSafeFromLogs(t, after, log1, log2)

	file, err = loadFile(t, path, hivefile.IgnoreLogs)
	require.NoError(t, err)
	report, err = Apply(file, thirdNumber(4096))
	require.NoError(t, err)
	requireReport(t, data, file, report)
	require.Contains(t, strings.Join(report.Warnings, "\n"), "is lost")
	keys, values = count(t, file.Hive.Bytes())
	require.Equal(t, 33123, keys)
	require.Equal(t, 74957, values)
	requireSafeFromLogs(t, file.Hive.Bytes(), log1, log2)
}

// TestCorpusLostLogs: a dirty hive without its logs is refused, or patched as
// it stands, which is then said.
func TestCorpusLostLogs(t *testing.T) {
	path, data := corpusFile(t, "system/win81-dirty-logs-lost/SYSTEM")
	_, err := loadFile(t, path, hivefile.Recover)
	require.ErrorIs(t, err, hive.ErrDirty)
	file, err := loadFile(t, path, hivefile.IgnoreLogs)
	require.NoError(t, err)
	report, err := Apply(file, thirdNumber(4096))
	require.NoError(t, err)
	requireReport(t, data, file, report)
	require.Contains(t, report.Warnings, "the sequence numbers differ: 205 and 204, and its logs were ignored: what Windows had written to them only is lost")
	require.Equal(t, "SharedSection=1024,20480,4096", tokenOf(t, file.Hive.Bytes()))
	require.EqualValues(t, 206, report.SequenceAfter)
	requireSound(t, file.Hive.Bytes())
}

// TestCorpusDamaged: a hive whose chain of bins is broken is refused with all
// that is wrong; the damage reaches the way to the value.
func TestCorpusDamaged(t *testing.T) {
	path, data := corpusFile(t, "system/damaged-xp-sp3/SYSTEM")
	_, err := hivefile.Load(path, hivefile.LoadOptions{})
	require.ErrorIs(t, err, hive.ErrCorrupt)
	require.ErrorContains(t, err, "0x1a000")
	var damaged *edit.DamageError
	require.ErrorAs(t, refuse(t, data, thirdNumber(4096)), &damaged)
	require.Greater(t, damaged.Findings.Counts[check.Fatal], 100)
	require.Equal(t, edit.OverrideDamage, damaged.Override)
	request := thirdNumber(4096)
	request.AllowDamage = true
	require.ErrorAs(t, refuse(t, data, request), &damaged)
	require.NotNil(t, damaged.Touching)
}

// TestCorpusXP has sets 1 and 3, and third numbers already.
func TestCorpusXP(t *testing.T) {
	_, data := corpusFile(t, "system/xp-sp3/SYSTEM")
	request := defaultRequest(t)
	request.ControlSet = SelectAll
	report := requireUnchanged(t, data, request)
	require.Equal(t, []SetChange{
		{"ControlSet001", "SharedSection=1024,3072,512", "SharedSection=1024,3072,512"},
		{"ControlSet003", "SharedSection=1024,3072,512", "SharedSection=1024,3072,512"},
	}, report.ControlSets)
	request = thirdNumber(1024)
	request.ControlSet = SelectLastKnownGood
	done := apply(t, data, request)
	require.Equal(t, []SetChange{{"ControlSet003", "SharedSection=1024,3072,512", "SharedSection=1024,3072,1024"}}, done.report.ControlSets)
	request.ControlSet = "2"
	require.ErrorIs(t, refuse(t, data, request), hive.ErrNotFound)
}

// TestCorpusWindows7 is the hive that speed is measured with.
func TestCorpusWindows7(t *testing.T) {
	_, data := corpusFile(t, "system/win7-x86/SYSTEM")
	done := apply(t, data, thirdNumber(4096))
	require.Equal(t, []SetChange{{"ControlSet001", "SharedSection=1024,12288,512", "SharedSection=1024,12288,4096"}}, done.report.ControlSets)
	keys, values := count(t, done.data)
	require.Equal(t, 30756, keys)
	require.Equal(t, 73456, values)
	requireSound(t, done.data)
}
