package edit

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// openHive opens a copy.
func openHive(t *testing.T, data []byte) *hive.Hive {
	t.Helper()
	h, err := hive.Open(bytes.Clone(data), hive.IgnoreDirty())
	require.NoError(t, err)
	return h
}

// TestRebuild puts another hive in the place of one.
func TestRebuild(t *testing.T) {
	old := hivetest.Windows10().Build()
	number := old.Header32(hivetest.AtSequence1)
	rebuild := func(sequence uint32, request Request) (*hivefile.File, *Outcome, error) {
		other := hivetest.NT4().Build()
		other.SetSequences(sequence, sequence)
		file := load(t, old.Data)
		outcome, err := Rebuild(file, request, func(d *Draft) (*hive.Hive, error) {
			d.Verify("looked at", func(written *hive.Hive) error {
				_, err := written.Key("DISK")
				return err
			})
			return openHive(t, other.Data), nil
		})
		return file, outcome, err
	}
	file, outcome, err := rebuild(number+1, request)
	require.NoError(t, err)
	requireOutcome(t, old.Data, file, outcome)
	require.Equal(t, []ChangedRange{{0, outcome.SizeAfter, "the whole hive"}}, outcome.ChangedRanges)
	require.Equal(t, []string{"check", "looked at", "regparser"}, outcome.VerifiedBy)

	for _, sequence := range []uint32{number, number - 1} {
		_, _, err := rebuild(sequence, request)
		require.ErrorContains(t, err, "which is not above")
	}
}

// TestRebuildAboveLogs: the numbers of the logs count too.
func TestRebuildAboveLogs(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	for _, above := range []uint32{0, 100} {
		file, err := loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}, hivefile.Recover)
		require.NoError(t, err)
		other := hivetest.NT4().Build()
		other.SetSequences(file.Sequence1+1+above, file.Sequence1+1+above)
		_, err = Rebuild(file, request, func(*Draft) (*hive.Hive, error) { return openHive(t, other.Data), nil })
		if above == 0 {
			require.ErrorContains(t, err, "of the old one or its logs")
		} else {
			require.NoError(t, err)
			requireSafeFromLogs(t, file.Hive.Bytes(), dirty.Log1, dirty.Log2)
		}
	}
}

// TestRebuildRefuses what is damaged, before and after, and the builder's error.
func TestRebuildRefuses(t *testing.T) {
	sound := hivetest.NT4().Build().Data
	mine := errors.New("mine")
	_, err := Rebuild(load(t, sound), request, func(*Draft) (*hive.Hive, error) { return nil, mine })
	require.ErrorIs(t, err, mine)
	_, err = Rebuild(load(t, damaged(t).Data), request, func(*Draft) (*hive.Hive, error) { return nil, mine })
	var refused *DamageError
	require.ErrorAs(t, err, &refused)

	broken := damaged(t)
	broken.SetSequences(1<<20, 1<<20)
	file := load(t, sound)
	old := file.Hive
	_, err = Rebuild(file, request, func(*Draft) (*hive.Hive, error) { return openHive(t, broken.Data), nil })
	require.ErrorContains(t, err, "did not pass the check, nothing was saved: F security-reference")
	require.Same(t, old, file.Hive)
}

// TestRebuildNothing: without a new hive the old one stays, and a dirty one
// becomes clean.
func TestRebuildNothing(t *testing.T) {
	nothing := func(*Draft) (*hive.Hive, error) { return nil, nil }
	data := hivetest.NT4().Build().Data
	file := load(t, data)
	outcome, err := Rebuild(file, request, nothing)
	require.NoError(t, err)
	requireOutcome(t, data, file, outcome)
	require.False(t, outcome.Changed)

	dirty := hivetest.DirtyWindows10()
	file, err = loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}, hivefile.Recover)
	require.NoError(t, err)
	outcome, err = Rebuild(file, request, nothing)
	require.NoError(t, err)
	require.True(t, outcome.Changed)
	requireSafeFromLogs(t, file.Hive.Bytes(), dirty.Log1, dirty.Log2)
}

// TestCreate finishes hives that were made.
func TestCreate(t *testing.T) {
	for _, minor := range []uint32{3, 5} {
		h, err := hive.New(minor, editTime)
		require.NoError(t, err)
		_, err = h.CreateKey(`a\b`, editTime)
		require.NoError(t, err)
		file := &hivefile.File{Hive: h}
		outcome, err := Create(file, request)
		require.NoError(t, err)
		require.True(t, outcome.Changed)
		require.Equal(t, []string{"check", "regparser"}, outcome.VerifiedBy)
		require.Empty(t, outcome.SHA256Before, "there was nothing")
		require.Zero(t, outcome.SizeBefore)
		requireSound(t, h.Bytes())
		require.True(t, h.Clean())
	}
	_, err := Create(&hivefile.File{Hive: load(t, damaged(t).Data).Hive}, request)
	require.ErrorContains(t, err, "did not pass the check")
}
