//go:build unix

package locate

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
)

// TestSpecialFiles: nothing is opened that would wait for somebody or do
// something.
func TestSpecialFiles(t *testing.T) {
	const config = "Windows/System32/config"
	for _, c := range []struct {
		name, path string
		mode       uint32
		device     int
		want       string
	}{
		{"pipe for SYSTEM", config + "/SYSTEM", syscall.S_IFIFO, 0, "a pipe"},
		{"socket for SYSTEM", config + "/SYSTEM", syscall.S_IFSOCK, 0, "a socket"},
		{"character device for SYSTEM", config + "/SYSTEM", syscall.S_IFCHR, 1<<8 | 5, "a device"}, // endless zeros
		{"block device for SYSTEM", config + "/SYSTEM", syscall.S_IFBLK, 7 << 8, "a device"},
		{"pipe for config", config, syscall.S_IFIFO, 0, ""},
		{"pipe for System32", "Windows/System32", syscall.S_IFIFO, 0, ""},
		{"pipe for Windows", "Windows", syscall.S_IFIFO, 0, ""},
		{"pipe for Users", "Users", syscall.S_IFIFO, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, c.path)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			if err := syscall.Mknod(path, c.mode|0o666, c.device); err != nil {
				t.Skipf("cannot make it: %v", err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				v := openVolume(t, root)
				_, err := v.Find(Query{})
				if c.want != "" {
					require.ErrorIs(t, err, hivefile.ErrNotRegular)
				}
				require.ErrorContains(t, err, c.want)
				_, err = v.Find(Query{User: "Bob"})
				require.Error(t, err)
				v.Survey()
			}()
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatal("it waits for the other end")
			}
		})
	}
}

func TestSpecialFilesInPlaceOfLogs(t *testing.T) {
	const path = "Windows/System32/config/SYSTEM"
	root := newVolume(t, files{path: systemHive()})
	require.NoError(t, syscall.Mkfifo(filepath.Join(root, path+".LOG1"), 0o666))
	v := openVolume(t, root)
	found, err := v.Find(Query{})
	require.NoError(t, err)
	_, err = v.Load(found, hivefile.LoadOptions{})
	require.ErrorIs(t, err, hivefile.ErrNotRegular)
}

// TestNamesThatAreNotText: names on a volume are bytes to Linux.
func TestNamesThatAreNotText(t *testing.T) {
	root := newVolume(t, windows10(), files{
		"Users/\xff\xfe/NTUSER.DAT":                    hiveNamed("bytes"),
		"Windows/System32/config/SYSTE\xcd":            []byte("x"),
		"Windows/System32/config/SYSTEM\xff":           []byte("x"),
		"Windows/System32/config/\u017fYSTEM":          []byte("a long s is no S to Windows"),
		"Windows/System32/config/a\nb\x1b[2J/SYSTEM":   []byte("x"),
		"W\xefndows/System32/config/SYSTEM":            []byte("x"),
		"Documents and Settings/Bob\xff/NTUSER.DAT":    hiveNamed("bytes"),
		"Documents and Settings/Bob\ufffd/NTUSER.DAT":  hiveNamed("replacement"),
		"Windows/System32/config/systemprofil\xe9/xxx": []byte("x"),
	})
	v := openVolume(t, root)
	found, err := v.Find(Query{})
	require.NoError(t, err)
	require.Equal(t, "Windows/System32/config/SYSTEM", found.Path)

	_, err = v.Find(Query{User: "\xff\xff"})
	require.Error(t, err, "broken bytes are not all the same")
	found, err = v.Find(Query{User: "Bob\ufffd"})
	require.NoError(t, err)
	require.Equal(t, "Documents and Settings/Bob\ufffd/NTUSER.DAT", found.Path)

	var users []string
	for _, c := range v.Survey().Candidates {
		if c.Kind == NTUser && c.Err == nil {
			users = append(users, c.User)
		}
	}
	require.Contains(t, users, "\xff\xfe", "a survey lists them all the same")
}

func TestReadOnly(t *testing.T) {
	readOnly, err := ReadOnly(t.TempDir())
	require.NoError(t, err)
	require.False(t, readOnly)

	_, err = ReadOnly(filepath.Join(t.TempDir(), "nowhere"))
	require.Error(t, err)
}
