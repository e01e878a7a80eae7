package hivefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// inPieces is data as a stream of short writes.
func inPieces(data []byte) stream {
	return func(out io.Writer) error {
		for piece := range slices.Chunk(data, 1000) {
			if _, err := out.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestWriteNewFunc(t *testing.T) {
	input := map[string][]byte{"SYSTEM": oldBytes}
	t.Run("new", func(t *testing.T) {
		dir := folderOf(t, input)
		require.NoError(t, WriteNewFunc(filepath.Join(dir, "list"), inPieces(newBytes), SaveOptions{}))
		requireFolder(t, dir, map[string][]byte{"SYSTEM": oldBytes, "list": newBytes})
	})
	t.Run("empty", func(t *testing.T) {
		dir := folderOf(t, input)
		require.NoError(t, WriteNewFunc(filepath.Join(dir, "list"), inPieces(nil), SaveOptions{}))
		requireFolder(t, dir, map[string][]byte{"SYSTEM": oldBytes, "list": {}})
	})
	t.Run("replaced", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"list": oldBytes})
		require.ErrorIs(t, WriteNewFunc(filepath.Join(dir, "list"), inPieces(newBytes), SaveOptions{}), ErrExists)
		requireFolder(t, dir, map[string][]byte{"list": oldBytes})
		require.NoError(t, WriteNewFunc(filepath.Join(dir, "list"), inPieces(newBytes), SaveOptions{Overwrite: true}))
		requireFolder(t, dir, map[string][]byte{"list": newBytes})
	})
	t.Run("input", func(t *testing.T) {
		dir := folderOf(t, input)
		path := filepath.Join(dir, "SYSTEM")
		options := SaveOptions{Overwrite: true, Inputs: []*Source{read(t, path)}}
		require.ErrorIs(t, WriteNewFunc(path, inPieces(newBytes), options), ErrIsInput)
		requireFolder(t, dir, input)
	})
	t.Run("failure", func(t *testing.T) {
		broken := errors.New("broken off")
		for name, before := range map[string]map[string][]byte{"new": {}, "replaced": {"list": oldBytes}} {
			t.Run(name, func(t *testing.T) {
				dir := folderOf(t, before)
				err := WriteNewFunc(filepath.Join(dir, "list"), func(out io.Writer) error {
					_, err := out.Write(newBytes)
					require.NoError(t, err)
					return broken
				}, SaveOptions{Overwrite: true})
				require.ErrorIs(t, err, broken)
				requireFolder(t, dir, before)
			})
		}
	})
}

func ExampleWriteNewFunc() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "list")
	err = WriteNewFunc(path, func(out io.Writer) error {
		_, err := io.WriteString(out, "Select\n")
		return err
	}, SaveOptions{})
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(data)
	// Output: Select
}
