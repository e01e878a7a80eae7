package edit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/txlog"
)

// editTime is when the tests edit. It has digits down to the 100 ns that the
// registry keeps.
var editTime = time.Date(2024, time.May, 6, 7, 8, 9, 123456700, time.UTC)

// load loads a copy of a hive as the command line does from standard input:
// damage is for the check to find.
func load(t testing.TB, data []byte) *hivefile.File {
	t.Helper()
	file, err := hivefile.LoadStream(bytes.NewReader(data), hivefile.LoadOptions{Tolerant: true})
	require.NoError(t, err)
	return file
}

// loadCase loads a primary with its logs from files. A log that is nil does not
// exist.
func loadCase(t testing.TB, c hivetest.LogCase, recovery hivefile.Recovery) (*hivefile.File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "SYSTEM")
	for suffix, data := range map[string][]byte{"": c.Primary, ".LOG1": c.Log1, ".LOG2": c.Log2} {
		if data != nil {
			require.NoError(t, os.WriteFile(path+suffix, data, 0o600))
		}
	}
	return hivefile.Load(path, hivefile.LoadOptions{Recovery: recovery, Tolerant: true})
}

// requireOutcome wants an outcome to be true of the bytes before, as they were
// in the file, and after.
func requireOutcome(t testing.TB, before []byte, file *hivefile.File, o *Outcome) {
	t.Helper()
	after := file.Hive.Bytes()
	require.Equal(t, !bytes.Equal(before, after), o.Changed)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(before)), o.SHA256Before)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(after)), o.SHA256After)
	require.EqualValues(t, len(before), o.SizeBefore)
	require.EqualValues(t, len(after), o.SizeAfter)
	first, second := sequences(after)
	require.Equal(t, first, second)
	require.Equal(t, first, o.SequenceAfter)
	require.Equal(t, hivetest.Checksum(after), binary.LittleEndian.Uint32(after[hivetest.AtChecksum:]))
	require.Nil(t, o.Output, "for whoever saves it to fill in")
	require.NotNil(t, o.Warnings, "null in JSON")
	require.NotNil(t, o.ChangedRanges, "null in JSON")
}

func sequences(data []byte) (first, second uint32) {
	return binary.LittleEndian.Uint32(data[hivetest.AtSequence1:]), binary.LittleEndian.Uint32(data[hivetest.AtSequence2:])
}

// requireSafeFromLogs wants a hive that no log can be applied to: not as it is,
// and not when Windows has made it dirty again.
func requireSafeFromLogs(t testing.TB, data []byte, logs ...[]byte) {
	t.Helper()
	image := hivetest.Image{Data: bytes.Clone(data)}
	var given []txlog.Log
	for i, log := range logs {
		if log != nil {
			given = append(given, txlog.Log{Name: fmt.Sprintf("SYSTEM.LOG%d", i+1), Data: log})
		}
	}
	_, err := txlog.NewPlan(image.Data, given)
	require.ErrorIs(t, err, txlog.ErrClean)
	number, _ := sequences(data)
	image.SetSequences(number+1, number)
	_, err = txlog.NewPlan(image.Data, given)
	require.Error(t, err)
	require.NotErrorIs(t, err, txlog.ErrClean)
}

// findings are those of some levels.
func findings(data []byte, levels ...check.Level) []check.Finding {
	var found []check.Finding
	check.Bytes(data, func(f check.Finding) {
		if slices.Contains(levels, f.Level) {
			found = append(found, f)
		}
	})
	return found
}

// requireSound wants no finding of level F or L.
func requireSound(t testing.TB, data []byte) {
	t.Helper()
	for _, f := range findings(data, check.Fatal, check.Limited) {
		require.Fail(t, f.String())
	}
}
