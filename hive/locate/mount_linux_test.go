package locate

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadOnlyMount(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	defer func() { require.NoError(t, syscall.Unmount(folder, 0)) }()
	readOnly, err := ReadOnly(folder)
	require.NoError(t, err)
	require.True(t, readOnly)
}

// TestHibernationAboveAMount: a folder that something is mounted in does not
// belong to what lies above it.
func TestHibernationAboveAMount(t *testing.T) {
	root := newVolume(t, files{"hiberfil.sys": hibernated("hibr"), "Windows/x": nil})
	windows := filepath.Join(root, "Windows")
	if err := syscall.Mount("tmpfs", windows, "tmpfs", 0, ""); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(windows, 0)) })
	require.NoError(t, syscall.Mkdir(filepath.Join(windows, "System32"), 0o777))
	require.NoError(t, syscall.Mkdir(filepath.Join(windows, "System32", "config"), 0o777))
	v := openVolume(t, windows)
	require.Equal(t, WindowsFolder, v.Layout)
	require.NoError(t, v.CheckHibernation())
}
