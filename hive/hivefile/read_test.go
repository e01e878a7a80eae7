package hivefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadFile(t *testing.T) {
	// Sizes around the ones that newBuffer treats differently.
	for _, size := range []int{0, 1, 4095, 4096, 2<<20 - 1, 2 << 20, 2<<20 + 1, 5<<20 + 4097} {
		path := filepath.Join(t.TempDir(), "SYSTEM")
		want := bytes.Repeat([]byte("0123456789abcdef."), size/17+1)[:size]
		require.NoError(t, os.WriteFile(path, want, 0o644))
		source, err := ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, source.Data), "size %d", size)
		require.Equal(t, path, source.Path)
		require.EqualValues(t, size, source.Info.Size())
	}
}

func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	file, err := os.Create(large)
	require.NoError(t, err)
	if err := file.Truncate(MaxSize + 1); err != nil {
		t.Skipf("no room for a file with a hole: %v", err)
	}
	require.NoError(t, file.Close())
	tests := []struct {
		name    string
		path    string
		wantErr error
		message string
	}{
		{"missing", filepath.Join(dir, "missing"), fs.ErrNotExist, "missing"},
		{"folder", dir, ErrNotRegular, "is a folder"},
		{"device", os.DevNull, ErrNotRegular, "is a device"},
		{"too large", large, ErrTooLarge, fmt.Sprintf("large has at least 2214596609 bytes, the limit is %d", bounded(MaxSize))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadFile(test.path)
			require.ErrorIs(t, err, test.wantErr)
			require.ErrorContains(t, err, test.message)
		})
	}
	t.Run("too large a stream", func(t *testing.T) {
		file, err := os.Open(large)
		require.NoError(t, err)
		defer file.Close()
		_, err = ReadStream(file)
		require.ErrorIs(t, err, ErrTooLarge)
	})
}

func TestReadRegularNoticesChange(t *testing.T) {
	tests := []struct {
		name   string
		change func(path string) error
	}{
		{"shorter", func(path string) error { return os.Truncate(path, int64(len(oldBytes)-1)) }},
		{"empty", func(path string) error { return os.Truncate(path, 0) }},
		{"longer", func(path string) error { return os.Truncate(path, int64(len(oldBytes)+1)) }},
		{"longer within the resolution of the clock", func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.Truncate(path, int64(len(oldBytes)+1)); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, info.ModTime())
		}},
		{"written to", func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": oldBytes}), "SYSTEM")
			file, err := os.Open(path)
			require.NoError(t, err)
			defer file.Close()
			info, err := file.Stat()
			require.NoError(t, err)
			require.NoError(t, test.change(path))
			_, err = readRegular(path, file, info, MaxSize, 0)
			require.ErrorIs(t, err, ErrChanged)
			require.ErrorContains(t, err, "SYSTEM")
		})
	}
}

func TestReadRegularLimit(t *testing.T) {
	path := filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": oldBytes}), "SYSTEM")
	for limit, wantErr := range map[int64]error{3999: ErrTooLarge, 4000: nil, 4001: nil} {
		file, err := os.Open(path)
		require.NoError(t, err)
		info, err := file.Stat()
		require.NoError(t, err)
		_, err = readRegular(path, file, info, limit, 0)
		require.ErrorIs(t, err, wantErr)
		require.NoError(t, file.Close())
	}
}

func TestReadStream(t *testing.T) {
	for _, size := range []int{0, 1, streamChunk - 1, streamChunk, streamChunk + 1, 3*streamChunk + 5} {
		want := bytes.Repeat([]byte("0123456789abcdef."), size/17+1)[:size]
		for name, r := range map[string]io.Reader{
			"whole":       bytes.NewReader(want),
			"halves":      iotest.HalfReader(bytes.NewReader(want)),
			"EOF at once": iotest.DataErrReader(bytes.NewReader(want)),
		} {
			source, err := ReadStream(r)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, source.Data), "%s, size %d", name, size)
			require.Nil(t, source.Info)
			require.Zero(t, source.Perm())
		}
	}
}

func TestReadStreamFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := ReadStream(io.MultiReader(bytes.NewReader(oldBytes), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)

	for _, expected := range []int64{0, 4000, 5000, 1 << 40} {
		for limit, wantErr := range map[int64]error{3999: ErrTooLarge, 4000: nil, 4001: nil} {
			data, err := readStream(bytes.NewReader(oldBytes), expected, limit)
			require.ErrorIs(t, err, wantErr)
			if wantErr == nil {
				require.Equal(t, oldBytes, data)
			}
		}
	}

	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	_, err = ReadStream(dir)
	require.ErrorIs(t, err, ErrNotRegular)
}

func TestReadStreamFromFile(t *testing.T) {
	file, err := os.Open(filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": oldBytes}), "SYSTEM"))
	require.NoError(t, err)
	defer file.Close()
	_, err = file.Seek(1000, io.SeekStart)
	require.NoError(t, err)
	source, err := ReadStream(file)
	require.NoError(t, err)
	require.Equal(t, oldBytes[1000:], source.Data)
	require.NotNil(t, source.Info)
}

func TestPerm(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	path := filepath.Join(folderOf(t, map[string][]byte{"SYSTEM": oldBytes}), "SYSTEM")
	for mode, want := range map[fs.FileMode]fs.FileMode{
		0o600: 0o600, 0o640: 0o640, 0o644: 0o644, 0o664: 0o664, 0o777: 0o664, 0o444: 0o644, 0o400: 0o600, 0o660: 0o660,
	} {
		require.NoError(t, os.Chmod(path, mode))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, (&Source{Info: info}).Perm(), "%o", mode)
	}
}

func BenchmarkReadFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "SYSTEM")
	if err := os.WriteFile(path, bytes.Repeat([]byte{'x'}, 12<<20), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(12 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadFile(path); err != nil {
			b.Fatal(err)
		}
	}
}
