package edit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
)

// largestEdited is the size in bytes up to which real hives are edited here.
const largestEdited = 4 << 20

// TestCorpus makes a key, renames it, fills it and deletes its neighbours in every
// real hive that is not too large. Each time the second reader must agree.
func TestCorpus(t *testing.T) {
	root := os.Getenv("HIVEPATCH_CORPUS")
	if root == "" {
		t.Skip("HIVEPATCH_CORPUS names no folder with real hives")
	}
	edited := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		require.NoError(t, err)
		if info.Size() > largestEdited {
			return nil
		}
		file, err := hivefile.Load(path, hivefile.LoadOptions{Tolerant: true, Recovery: hivefile.RecoverIfPossible})
		if err != nil || file.Hive.Editable() != nil {
			return nil // no hive, or one that can only be read
		}
		before := slices.Clone(file.Hive.Bytes())
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			outcome, err := Apply(file, request, editAll)
			var damaged *DamageError
			if errors.As(err, &damaged) {
				require.NotEmpty(t, findings(before, check.Fatal))
				return
			}
			require.NoError(t, err)
			require.Equal(t, []string{"check", "regparser"}, outcome.VerifiedBy)
			require.LessOrEqual(t, len(findings(file.Hive.Bytes(), check.Limited)), len(findings(before, check.Limited)))
			edited++
		})
		return nil
	}))
	require.Greater(t, edited, 10)
}

// editAll makes edits of every kind in any hive.
func editAll(d *Draft) error {
	root, err := d.Hive.Root()
	if err != nil {
		return err
	}
	for key, err := range root.Subkeys() {
		if err != nil {
			return err
		}
		if err := d.Touch(key); err != nil {
			return err
		}
		if err := key.Delete(d.Time); err != nil {
			return err
		}
		break
	}
	key, err := d.Hive.CreateKey(`Made by hivepatch\Ключ`, d.Time)
	if err != nil {
		return err
	}
	for size := range 20 {
		if _, err := key.SetValue(string(rune('a'+size)), hive.Binary, make([]byte, size*size*size*size), d.Time); err != nil {
			return err
		}
	}
	if err := key.Rename("Schlüssel", d.Time); err != nil {
		return err
	}
	if err := key.SetClass("class", d.Time); err != nil {
		return err
	}
	return d.Touch(root, key)
}
