package policy

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
)

// TestCorpus applies the example to every real SYSTEM hive. A second time changes
// nothing.
func TestCorpus(t *testing.T) {
	root := os.Getenv("HIVEPATCH_CORPUS")
	if root == "" {
		t.Skip("HIVEPATCH_CORPUS names no folder with real hives")
	}
	text, err := os.ReadFile("../../testdata/policy/example.yaml")
	require.NoError(t, err)
	p, err := Parse(text)
	require.NoError(t, err)
	s := p.Section(locate.System, "")
	applied := 0
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "system"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := hivefile.Load(path, hivefile.LoadOptions{Tolerant: true})
		if err != nil {
			return nil // no hive, or one that is dirty without its logs
		}
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			outcome, err := edit.Apply(file, edit.Request{Time: editTime}, func(d *edit.Draft) error {
				_, err := s.Apply(d, Options{})
				return err
			})
			if _, damaged := errors.AsType[*edit.DamageError](err); damaged {
				return
			}
			require.NoError(t, err)
			require.True(t, outcome.Changed)
			after := bytes.Clone(file.Hive.Bytes())
			again, plan, outcome, err := apply(after, s, Options{})
			require.NoError(t, err)
			require.Empty(t, plan.Differences)
			require.False(t, outcome.Changed)
			require.True(t, bytes.Equal(after, again))
			applied++
		})
		return nil
	}))
	require.GreaterOrEqual(t, applied, 4)
}
