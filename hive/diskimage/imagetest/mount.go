package imagetest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Mounted is a volume that ntfs-3g has mounted.
type Mounted struct {
	Folder string
	server *exec.Cmd
	output *bytes.Buffer
}

// Mount mounts a volume in a file of its own with ntfs-3g, with more of its
// options. The test unmounts it, or its end does.
func Mount(t testing.TB, volume string, write bool, options ...string) *Mounted {
	t.Helper()
	Require(t, "ntfs-3g", "umount")
	mode := "ro"
	if write {
		mode = "rw"
	}
	m := &Mounted{Folder: t.TempDir(), output: &bytes.Buffer{}}
	// Not in the background: unmounting does not wait for a server to write what
	// it has, its end does.
	m.server = exec.Command(program("ntfs-3g"), "-o", strings.Join(append(options, mode, "no_detach", "big_writes"), ","), volume, m.Folder)
	m.server.Stdout, m.server.Stderr = m.output, m.output
	require.NoError(t, m.server.Start())
	t.Cleanup(func() { m.Unmount(t) })
	for range 1000 {
		table, err := os.ReadFile("/proc/mounts")
		require.NoError(t, err)
		if strings.Contains(string(table), " "+m.Folder+" ") {
			return m
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("ntfs-3g does not mount %s", volume)
	return nil
}

// Unmount unmounts the volume and returns when all of it is written.
func (m *Mounted) Unmount(t testing.TB) {
	t.Helper()
	if m.server == nil {
		return
	}
	server := m.server
	m.server = nil
	if out, err := exec.Command(program("umount"), m.Folder).CombinedOutput(); err != nil {
		_ = server.Process.Kill() // it may wait for ever otherwise
		t.Errorf("umount: %v: %s", err, out)
	}
	require.NoError(t, server.Wait(), "ntfs-3g: %s", m.output)
}
