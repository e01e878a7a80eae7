//go:build unix

package hivefile

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// ways are the ways of saving, each started after the checks. Where there are
// no files without a name, the first two are the same.
var ways = map[string]func(f folder, data []byte) error{
	"best":         func(f folder, data []byte) error { return f.save(whole(data)) },
	"named":        func(f folder, data []byte) error { return f.saveNamed(whole(data)) },
	"stream":       func(f folder, data []byte) error { return f.save(inPieces(data)) },
	"named stream": func(f folder, data []byte) error { return f.saveNamed(inPieces(data)) },
	"placeholder": func(f folder, data []byte) error {
		file, err := f.open("temp", unix.O_CREAT|unix.O_EXCL)
		if err != nil {
			return err
		}
		info, err := f.fill(file, whole(data))
		if err == nil {
			err = f.renameOverPlaceholder("temp")
		}
		if err != nil {
			return f.discard(err, "temp")
		}
		return f.settle(info)
	},
}

func openOutput(t *testing.T, path string, options SaveOptions) folder {
	t.Helper()
	out, err := newOutput(path, options)
	require.NoError(t, err)
	dir, err := os.Open(out.folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dir.Close()) })
	return folder{output: out, dir: dir}
}

func TestSaveMode(t *testing.T) {
	defer unix.Umask(unix.Umask(0o027))
	for way, save := range ways {
		for perm, want := range map[fs.FileMode]fs.FileMode{0: 0o640, 0o600: 0o600, 0o644: 0o644, 0o666: 0o666, 0o400: 0o400} {
			t.Run(way, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "SYSTEM.new")
				f := openOutput(t, path, SaveOptions{Perm: perm})
				require.NoError(t, save(f, newBytes))
				info, err := os.Stat(path)
				require.NoError(t, err)
				require.Equal(t, want, info.Mode(), "perm %o", perm)
			})
		}
	}
}

// However it is saved, a file that appears after the check stays.
func TestSaveDoesNotReplaceWhatAppears(t *testing.T) {
	for way, save := range ways {
		for name, appear := range map[string]func(path string) error{
			"file":          func(path string) error { return os.WriteFile(path, oldBytes, 0o644) },
			"dangling link": func(path string) error { return os.Symlink("missing", path) },
			"folder":        func(path string) error { return os.Mkdir(path, 0o755) },
		} {
			t.Run(way+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "SYSTEM.new")
				f := openOutput(t, path, SaveOptions{Overwrite: true})
				require.NoError(t, appear(path))
				before, err := os.Lstat(path)
				require.NoError(t, err)
				require.ErrorIs(t, save(f, newBytes), ErrExists)
				after, err := os.Lstat(path)
				require.NoError(t, err)
				require.True(t, os.SameFile(before, after))
				require.Equal(t, before.Size(), after.Size())
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Len(t, entries, 1)
			})
		}
	}
}

// The special files are the test's own: as root, a fault in WriteNew would
// replace those of the machine.
func TestRefusesSpecialFiles(t *testing.T) {
	tests := []struct {
		name    string
		message string
		make    func(path string) error
	}{
		{"pipe", "is a pipe", func(path string) error { return unix.Mkfifo(path, 0o600) }},
		{"socket", "is a socket", func(path string) error {
			socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(socket)
			return unix.Bind(socket, &unix.SockaddrUnix{Name: path})
		}},
		{"device", "is a device", func(path string) error {
			// Mknod is not the same on all systems.
			return exec.Command("mknod", path, "c", "1", "3").Run()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir()) // addresses of sockets must be short
			if err := test.make("special"); err != nil {
				t.Skipf("cannot make a %s here: %v", test.name, err)
			}
			before, err := os.Stat("special")
			require.NoError(t, err)
			_, err = ReadFile("special")
			require.ErrorIs(t, err, ErrNotRegular)
			require.ErrorContains(t, err, test.message)
			err = WriteNew("special", newBytes, SaveOptions{Overwrite: true})
			require.ErrorIs(t, err, ErrNotRegular)
			require.ErrorContains(t, err, test.message)
			after, err := os.Stat("special")
			require.NoError(t, err)
			require.True(t, os.SameFile(before, after))
		})
	}
}
