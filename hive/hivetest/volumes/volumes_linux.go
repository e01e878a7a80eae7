// Package volumes mounts file systems of their own for tests: NTFS by ntfs-3g,
// and ext4 on a loop device.
package volumes

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// requireVariable forbids to skip tests for want of other programs.
const requireVariable = "HIVEPATCH_REQUIRE_PEERS"

// NTFS mounts a new NTFS volume of size bytes by ntfs-3g until the test ends. It
// skips the test where that is not possible, unless that is forbidden.
func NTFS(t testing.TB, size int64) (dir string) {
	t.Helper()
	image := newImage(t, size, "mkntfs", "ntfs-3g", "fusermount3")
	dir = t.TempDir()
	run(t, "mkntfs", "-F", "-q", image)
	mount(t, "ntfs-3g", image, dir)
	t.Cleanup(func() { run(t, "fusermount3", "-u", dir) })
	return dir
}

// Ext4 mounts a new ext4 volume of size bytes on a loop device until the test
// ends. It skips the test where that is not possible, unless that is forbidden.
func Ext4(t testing.TB, size int64) (dir string) {
	t.Helper()
	image := newImage(t, size, "mkfs.ext4", "mount", "umount")
	dir = t.TempDir()
	run(t, "mkfs.ext4", "-q", "-F", "-m", "0", image)
	mount(t, "mount", "-o", "loop", image, dir)
	t.Cleanup(func() { run(t, "umount", dir) })
	return dir
}

// Remount mounts a volume of Ext4 anew, read-only or not.
func Remount(t testing.TB, dir string, readOnly bool) {
	t.Helper()
	way := "rw"
	if readOnly {
		way = "ro"
	}
	run(t, "mount", "-o", "remount,"+way, dir)
}

// newImage makes a file of zeros to put a file system in.
func newImage(t testing.TB, size int64, programs ...string) string {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil || os.Geteuid() != 0 {
			lack(t, program+" is missing, or this is not root")
		}
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	return image
}

// mount is run where it may not be allowed to.
func mount(t testing.TB, program string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(program, arguments...).CombinedOutput(); err != nil {
		lack(t, "cannot mount: "+string(output))
	}
}

func lack(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(requireVariable) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func run(t testing.TB, program string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(program, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, output)
	}
}
