package imagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Programs are those that Build needs, on Debian from the packages ntfs-3g and
// fdisk.
var Programs = []string{"mkntfs", "ntfs-3g", "sfdisk", "fdisk", "umount"}

// Require skips a test where programs or /dev/fuse are missing, and fails it
// where they are required.
func Require(t testing.TB, programs ...string) {
	t.Helper()
	missing := ""
	for _, name := range programs {
		if program(name) == "" {
			missing = name
		}
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		missing = "/dev/fuse"
	}
	switch {
	case missing == "":
	case os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1":
		t.Fatalf("%s is missing, and HIVEPATCH_REQUIRE_PEERS is 1", missing)
	default:
		t.Skipf("%s is missing", missing)
	}
}

// program returns the path of a program, "" where there is none. Those of the
// administrator are found as well where they are not in PATH.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, folder := range []string{"/usr/sbin", "/sbin"} {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// Run runs a program to its end and returns its output. The test fails where
// the program does.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(name), args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", cmd, out)
	return string(out)
}
