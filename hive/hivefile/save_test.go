package hivefile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oldBytes and newBytes differ in content and length.
var (
	oldBytes = bytes.Repeat([]byte("old."), 1000)
	newBytes = bytes.Repeat([]byte("new bytes "), 10000)
)

// folderOf writes files into a new folder and returns its path.
func folderOf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	return dir
}

// symlink makes a symbolic link, or skips the test. Wine says that it has made
// one and has not.
func symlink(t *testing.T, target, link string) {
	t.Helper()
	err := os.Symlink(target, link)
	if err == nil {
		_, err = os.Lstat(link)
	}
	if err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// requireFolder requires that dir holds just the given files.
func requireFolder(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	got := map[string][]byte{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		got[entry.Name()] = data
	}
	require.Equal(t, want, got)
}

func read(t *testing.T, path string) *Source {
	t.Helper()
	source, err := ReadFile(path)
	require.NoError(t, err)
	return source
}

func TestWriteNew(t *testing.T) {
	long := strings.Repeat("x", 251) + ".new"
	tests := []struct {
		name    string
		output  string
		data    []byte
		options SaveOptions
		before  map[string][]byte
		wantErr error
	}{
		{name: "new", output: "SYSTEM.new", data: newBytes},
		{name: "new with overwrite", output: "SYSTEM.new", data: newBytes, options: SaveOptions{Overwrite: true}},
		{name: "empty", output: "SYSTEM.new", data: []byte{}},
		{name: "longest name", output: long, data: newBytes},
		{name: "longest name replaced", output: long, data: newBytes, options: SaveOptions{Overwrite: true},
			before: map[string][]byte{long: oldBytes}},
		{name: "spaces and letters beyond ASCII", output: "Система 系统 é.new", data: newBytes},
		{name: "long name beyond ASCII", output: strings.Repeat("é", 60), data: newBytes},
		{name: "exists", output: "SYSTEM.new", data: newBytes,
			before: map[string][]byte{"SYSTEM.new": oldBytes}, wantErr: ErrExists},
		{name: "replaced", output: "SYSTEM.new", data: newBytes, options: SaveOptions{Overwrite: true},
			before: map[string][]byte{"SYSTEM.new": oldBytes}},
		{name: "replaced by a shorter one", output: "SYSTEM.new", data: []byte("x"), options: SaveOptions{Overwrite: true},
			before: map[string][]byte{"SYSTEM.new": oldBytes, "other": []byte("stays")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folderOf(t, test.before)
			err := WriteNew(filepath.Join(dir, test.output), test.data, test.options)
			want := map[string][]byte{}
			for name, data := range test.before {
				want[name] = data
			}
			if test.wantErr != nil {
				require.ErrorIs(t, err, test.wantErr)
				require.ErrorContains(t, err, test.output)
				requireFolder(t, dir, want)
				return
			}
			require.NoError(t, err)
			want[test.output] = test.data
			requireFolder(t, dir, want)
		})
	}
}

func TestWriteNewRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, WriteNew("SYSTEM.new", newBytes, SaveOptions{}))
	require.NoError(t, os.Mkdir("sub", 0o755))
	require.NoError(t, WriteNew(filepath.Join("sub", "..", "sub", "SYSTEM.new"), newBytes, SaveOptions{}))
	requireFolder(t, "sub", map[string][]byte{"SYSTEM.new": newBytes})
	require.ErrorIs(t, WriteNew("SYSTEM.new", newBytes, SaveOptions{}), ErrExists)
}

func TestWriteNewRefusesPath(t *testing.T) {
	tests := []struct {
		name    string
		output  string
		wantErr error
		message string
	}{
		{"no name", "", ErrNotRegular, "does not name a file"},
		{"folder with separator", "folder/", ErrNotRegular, "does not name a file"},
		{"folder", "folder", ErrNotRegular, "is a folder"},
		{"dot", ".", ErrNotRegular, "does not name a file"},
		{"dot dot", "folder/..", ErrNotRegular, "does not name a file"},
		{"folder missing", "missing/SYSTEM.new", fs.ErrNotExist, "output folder is missing"},
		{"folder of a missing folder", "missing/deep/SYSTEM.new", fs.ErrNotExist, "output folder is missing"},
	}
	for _, overwrite := range []bool{false, true} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				t.Chdir(t.TempDir())
				require.NoError(t, os.Mkdir("folder", 0o755))
				err := WriteNew(test.output, newBytes, SaveOptions{Overwrite: overwrite})
				require.ErrorIs(t, err, test.wantErr)
				require.ErrorContains(t, err, test.message)
				requireFolder(t, "folder", map[string][]byte{})
				require.NoError(t, os.Remove("folder"))
				requireFolder(t, ".", map[string][]byte{})
			})
		}
		t.Run("folder is a file", func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"file": oldBytes})
			require.Error(t, WriteNew(filepath.Join(dir, "file", "SYSTEM.new"), newBytes, SaveOptions{Overwrite: overwrite}))
			requireFolder(t, dir, map[string][]byte{"file": oldBytes})
		})
	}
}

func TestWriteNewNeverReplacesInput(t *testing.T) {
	tests := []struct {
		name    string
		input   string
		output  string
		prepare func(t *testing.T)
	}{
		{name: "same path", input: "SYSTEM", output: "SYSTEM"},
		{name: "another way to the folder", input: "SYSTEM", output: "sub/../SYSTEM"},
		{name: "another case", input: "SYSTEM", output: "system"},
		{name: "another case, another way", input: "sub/../SYSTEM", output: "System"},
		{name: "another case beyond ASCII", input: "ÉTAT", output: "état",
			prepare: func(t *testing.T) { require.NoError(t, os.WriteFile("ÉTAT", oldBytes, 0o644)) }},
		{name: "hard link", input: "SYSTEM", output: "hard",
			prepare: func(t *testing.T) { require.NoError(t, os.Link("SYSTEM", "hard")) }},
		{name: "link to the input", input: "SYSTEM", output: "soft",
			prepare: func(t *testing.T) { symlink(t, "SYSTEM", "soft") }},
		{name: "input read through a link", input: "soft", output: "SYSTEM",
			prepare: func(t *testing.T) { symlink(t, "SYSTEM", "soft") }},
		{name: "input read through a link, output the link", input: "soft", output: "soft",
			prepare: func(t *testing.T) { symlink(t, "SYSTEM", "soft") }},
		{name: "input read through a link, another case", input: "soft", output: "system",
			prepare: func(t *testing.T) { symlink(t, "SYSTEM", "soft") }},
		{name: "folder is a link", input: "SYSTEM", output: "here/SYSTEM",
			prepare: func(t *testing.T) { symlink(t, ".", "here") }},
		{name: "folder is a link, another case", input: "SYSTEM", output: "here/system",
			prepare: func(t *testing.T) { symlink(t, ".", "here") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
			t.Chdir(dir)
			require.NoError(t, os.Mkdir("sub", 0o755))
			if test.prepare != nil {
				test.prepare(t)
			}
			input := read(t, test.input)
			for _, overwrite := range []bool{false, true} {
				err := WriteNew(test.output, newBytes, SaveOptions{Overwrite: overwrite, Inputs: []*Source{input}})
				require.ErrorIs(t, err, ErrIsInput)
				require.ErrorContains(t, err, test.output)
			}
			again := read(t, test.input)
			require.Equal(t, oldBytes, again.Data)
			require.True(t, os.SameFile(input.Info, again.Info))
		})
	}
}

func TestWriteNewKnowsInput(t *testing.T) {
	t.Run("given as a stream", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
		path := filepath.Join(dir, "SYSTEM")
		file, err := os.Open(path)
		require.NoError(t, err)
		input, err := ReadStream(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.Equal(t, oldBytes, input.Data)
		err = WriteNew(path, newBytes, SaveOptions{Overwrite: true, Inputs: []*Source{input}})
		require.ErrorIs(t, err, ErrIsInput)
		requireFolder(t, dir, map[string][]byte{"SYSTEM": oldBytes})
	})
	t.Run("replaced since it was read", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes, "next": []byte("next")})
		path := filepath.Join(dir, "SYSTEM")
		input := read(t, path)
		require.NoError(t, os.Rename(filepath.Join(dir, "next"), path))
		err := WriteNew(path, newBytes, SaveOptions{Overwrite: true, Inputs: []*Source{input}})
		require.ErrorIs(t, err, ErrIsInput)
		hard := filepath.Join(dir, "hard")
		require.NoError(t, os.Link(path, hard))
		err = WriteNew(hard, newBytes, SaveOptions{Overwrite: true, Inputs: []*Source{input}})
		require.ErrorIs(t, err, ErrIsInput)
		requireFolder(t, dir, map[string][]byte{"SYSTEM": []byte("next"), "hard": []byte("next")})
	})
	t.Run("the second of two", func(t *testing.T) {
		dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes, "SYSTEM.LOG1": oldBytes})
		inputs := []*Source{read(t, filepath.Join(dir, "SYSTEM")), read(t, filepath.Join(dir, "SYSTEM.LOG1"))}
		err := WriteNew(filepath.Join(dir, "system.log1"), newBytes, SaveOptions{Overwrite: true, Inputs: inputs})
		require.ErrorIs(t, err, ErrIsInput)
	})
	t.Run("same name in another folder is allowed", func(t *testing.T) {
		input := read(t, filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": oldBytes}), "SYSTEM"))
		dir := t.TempDir()
		require.NoError(t, WriteNew(filepath.Join(dir, "system"), newBytes, SaveOptions{Inputs: []*Source{input}}))
		requireFolder(t, dir, map[string][]byte{"system": newBytes})
	})
}

func TestWriteNewRefusesLink(t *testing.T) {
	for _, leadsTo := range []string{"target", "missing"} {
		for _, overwrite := range []bool{false, true} {
			t.Run(leadsTo, func(t *testing.T) {
				dir := folderOf(t, map[string][]byte{"target": oldBytes})
				link := filepath.Join(dir, "link")
				symlink(t, leadsTo, link)
				err := WriteNew(link, newBytes, SaveOptions{Overwrite: overwrite})
				require.ErrorIs(t, err, ErrNotRegular)
				require.ErrorContains(t, err, "is a symbolic link")
				require.NoError(t, os.Remove(link))
				requireFolder(t, dir, map[string][]byte{"target": oldBytes})
			})
		}
	}
}

// A file that appears between the check and the renaming stays.
func TestWriteNewDoesNotReplaceWhatAppears(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "SYSTEM.new")
	out, err := newOutput(path, SaveOptions{Overwrite: true})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, oldBytes, 0o644))
	require.ErrorIs(t, out.save(whole(newBytes)), ErrExists)
	requireFolder(t, dir, map[string][]byte{"SYSTEM.new": oldBytes})
}

func TestTempName(t *testing.T) {
	for _, name := range []string{"a", "SYSTEM", strings.Repeat("x", 255), strings.Repeat("é", 127), strings.Repeat("€", 85), strings.Repeat("\x80", 255)} {
		out := &output{name: name}
		temp := out.tempName()
		require.LessOrEqual(t, len(temp), 122)
		require.Regexp(t, `^\..+\.hivepatch-[A-Z2-7]{10}$`, temp)
		require.NotEqual(t, temp, out.tempName())
		if name[0] != 0x80 {
			require.NotContains(t, strings.ToValidUTF8(temp, "BROKEN"), "BROKEN")
		}
	}
}

func TestWriteStream(t *testing.T) {
	dir := folderOf(t, map[string][]byte{"SYSTEM": oldBytes})
	path := filepath.Join(dir, "SYSTEM")
	inputs := []*Source{{}, read(t, path)}

	t.Run("buffer", func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, WriteStream(&out, newBytes, inputs))
		require.Equal(t, newBytes, out.Bytes())
	})
	t.Run("another file", func(t *testing.T) {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		require.NoError(t, err)
		require.NoError(t, WriteStream(out, newBytes, inputs))
		require.NoError(t, out.Close())
		require.Equal(t, newBytes, read(t, out.Name()).Data)
	})
	t.Run("appending to the input", func(t *testing.T) {
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		require.ErrorIs(t, WriteStream(out, newBytes, inputs), ErrIsInput)
		require.NoError(t, out.Close())
		requireFolder(t, dir, map[string][]byte{"SYSTEM": oldBytes})
	})
	t.Run("failing", func(t *testing.T) {
		want := errors.New("no room")
		require.ErrorIs(t, WriteStream(failingWriter{want}, newBytes, inputs), want)
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func BenchmarkWriteNew(b *testing.B) {
	path := filepath.Join(b.TempDir(), "SYSTEM.new")
	data := bytes.Repeat([]byte{'x'}, 12<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteNew(path, data, SaveOptions{Overwrite: true}); err != nil {
			b.Fatal(err)
		}
	}
}
