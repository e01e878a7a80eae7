package hivetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const testdataFolder = "../../testdata"

func TestTestdataComesOutTheSame(t *testing.T) {
	known := map[string]bool{"README.md": true}
	for _, file := range TestdataFiles() {
		known[file.Name] = true
		stored, err := os.ReadFile(filepath.Join(testdataFolder, filepath.FromSlash(file.Name)))
		require.NoError(t, err, "go run ./hive/hivetest/maketestdata")
		require.True(t, string(stored) == string(file.Data), "%s differs from what maketestdata writes", file.Name)
		require.Less(t, len(file.Data), 200_000, file.Name)
	}
	// every hive in the folders of ours is one that the program writes
	for _, folder := range []string{"nt4", "win10", "win10-dirty", "old-dirty"} {
		files, err := fs.Glob(os.DirFS(testdataFolder), folder+"/*")
		require.NoError(t, err)
		for _, name := range files {
			require.True(t, known[name], "%s is not of maketestdata", name)
		}
	}
}
