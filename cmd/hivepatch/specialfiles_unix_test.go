//go:build unix

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// TestSpecialFiles: what is no file where a hive or a log should be is refused,
// by what writes and by what reads, without opening it: that could wait for
// ever, or do something.
func TestSpecialFiles(t *testing.T) {
	const config = "Windows/System32/config/"
	special := func(name string, mode uint32, device int) func(volume string) error {
		return func(volume string) error {
			return syscall.Mknod(filepath.Join(volume, config, name), mode|0o666, device)
		}
	}
	for _, c := range []struct {
		name string
		make func(volume string) error
		want string
	}{
		{"pipe for SYSTEM", special("SYSTEM", syscall.S_IFIFO, 0), "is a pipe"},
		{"socket for SYSTEM", special("SYSTEM", syscall.S_IFSOCK, 0), "is a socket"},
		{"endless device for SYSTEM", special("SYSTEM", syscall.S_IFCHR, 1<<8|5), "is a device"},
		{"disk for SYSTEM", special("SYSTEM", syscall.S_IFBLK, 7<<8), "is a device"},
		{"pipe for a log", func(volume string) error {
			hive := filepath.Join(volume, config, "SYSTEM")
			if err := os.WriteFile(hive, hivetest.NT4().Build().Data, 0o666); err != nil {
				return err
			}
			return syscall.Mkfifo(hive+".LOG1", 0o666)
		}, "SYSTEM.LOG1 is a pipe"},
		{"thousands of folders and no Windows", func(volume string) error {
			for i := range 3000 {
				if err := os.Mkdir(filepath.Join(volume, fmt.Sprintf("Windows.%d", i)), 0o777); err != nil {
					return err
				}
			}
			return os.RemoveAll(filepath.Join(volume, "Windows"))
		}, "folders have the name of a Windows; only 16 are looked at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			volume := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(volume, config), 0o777))
			if err := c.make(volume); err != nil {
				t.Skipf("cannot be made here: %v", err)
			}
			before := snapshot(t, volume)
			for _, args := range [][]string{{"patch", volume, "--in-place"}, {"patch", volume, "-o", filepath.Join(volume, "new")}, {"show", volume}, {"doctor", volume}} {
				done := make(chan result)
				go func() { done <- program(args...) }()
				select {
				case r := <-done:
					require.Contains(t, []int{exitFailed, exitRefused}, r.code, "%q: %s%s", args, r.stdout, r.stderr)
					require.Contains(t, r.stderr, c.want, "%q", args)
					require.Len(t, r.errorLines(), 1, r.stderr)
				case <-time.After(time.Minute):
					t.Fatalf("%q waits for something", args)
				}
			}
			require.True(t, maps.Equal(before, snapshot(t, volume)), "the volume has changed")
		})
	}
}
