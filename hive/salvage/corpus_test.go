package salvage_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/salvage"
)

// corpus calls visit with every real hive, without logs.
func corpus(t *testing.T, visit func(t *testing.T, path string, data []byte)) {
	root := os.Getenv("HIVEPATCH_CORPUS")
	if root == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(entry.Name(), ".") && filepath.Ext(path) != ".DAT" && filepath.Ext(path) != ".hve" {
			return err
		}
		t.Run(path[len(root)+1:], func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			visit(t, path, data)
		})
		return nil
	}))
}

// TestCorpus salvages every real hive, sound or not. The new one is sound. Of a
// sound one nothing is lost.
func TestCorpus(t *testing.T) {
	corpus(t, func(t *testing.T, path string, data []byte) {
		before := bytes.Clone(data)
		h, report, err := salvage.Hive(data, salvage.Options{Time: now})
		if _, minor := minorOf(before); minor < 2 || minor == 6 {
			require.ErrorIs(t, err, hive.ErrReadOnly)
			return
		}
		require.NoError(t, err)
		requireClean(t, h.Bytes())
		t.Logf("%d keys, %d values, %v", report.Keys, report.Values, report.Counts)
		for _, f := range report.Findings[:min(len(report.Findings), 12)] {
			t.Logf("%.300s", f)
		}
		if grave := graveFindings(before); grave > 0 {
			return
		}
		require.True(t, bytes.Equal(before, data), "the input has changed")
		require.Empty(t, report.Counts[salvage.Lost])
		require.Empty(t, report.Counts[salvage.Guessed])
		original, err := hive.Open(before)
		require.NoError(t, err)
		require.NoError(t, original.SameContent(h))
	})
}

func minorOf(data []byte) (major, minor uint32) {
	return uint32(data[0x14]), uint32(data[0x18])
}

func graveFindings(data []byte) (n int) {
	check.Bytes(data, func(f check.Finding) {
		if f.Level == check.Fatal || f.Level == check.Limited {
			n++
		}
	})
	return n
}
