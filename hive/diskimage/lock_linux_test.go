package diskimage

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// requireProgram skips a test without a program of others, or fails it where
// those are required.
func requireProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("HIVEPATCH_REQUIRE_PEERS") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// holdOpen has qemu-io keep an image open until the returned function is called.
func holdOpen(t *testing.T, path string, arguments ...string) (release func()) {
	t.Helper()
	command := exec.Command("qemu-io", append(arguments, path)...)
	in, err := command.StdinPipe()
	require.NoError(t, err)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	command.Stderr = command.Stdout
	require.NoError(t, command.Start())
	_, err = io.WriteString(in, "length\n")
	require.NoError(t, err)
	lines := bufio.NewReader(out)
	for { // the length comes when the image is open
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if strings.Contains(line, "iB") {
			break
		}
	}
	return func() {
		require.NoError(t, in.Close())
		_ = command.Wait() // what it says of its end does not matter
	}
}

// TestLockQEMU: QEMU and hivepatch keep each other away.
func TestLockQEMU(t *testing.T) {
	requireProgram(t, "qemu-io")
	path := newImageFile(t, 1<<20)
	for _, test := range []struct {
		name      string
		arguments []string
		to        access
		free      bool
	}{
		{"writes, we read", []string{"-f", "raw"}, forReading, false},
		{"writes, we write", []string{"-f", "raw"}, forWriting, false},
		{"reads, we read", []string{"-f", "raw", "-r"}, forReading, true},
		{"reads, we write", []string{"-f", "raw", "-r"}, forWriting, false},
		{"reads what others write, we write", []string{"-f", "raw", "-r", "-U"}, forWriting, false},
	} {
		t.Run("QEMU "+test.name, func(t *testing.T) {
			release := holdOpen(t, path, test.arguments...)
			file, err := openAndLock(path, test.to)
			if test.free {
				require.NoError(t, err)
				require.NoError(t, file.Close())
			} else {
				require.ErrorIs(t, err, ErrInUse)
				require.ErrorContains(t, err, "QEMU")
			}
			release()
			file, err = openAndLock(path, test.to)
			require.NoError(t, err)
			require.NoError(t, file.Close())
		})
	}
	for to, arguments := range map[access][][]string{
		forWriting: {{"-f", "raw", "-c", "length"}, {"-f", "raw", "-r", "-c", "length"}},
		forReading: {{"-f", "raw", "-c", "length"}},
	} {
		for _, arguments := range arguments {
			file, err := openAndLock(path, to)
			require.NoError(t, err)
			text, _ := exec.Command("qemu-io", append(arguments, path)...).CombinedOutput()
			require.Contains(t, string(text), "lock", "QEMU has opened what we had: %v %s", to, arguments)
			require.NoError(t, file.Close())
		}
	}
}

// TestLockDevice: a loop device that is mounted is not written to, nor the file
// behind it.
func TestLockDevice(t *testing.T) {
	for _, name := range []string{"losetup", "mkfs.ext4", "mount"} {
		requireProgram(t, name)
	}
	if os.Geteuid() != 0 {
		t.Skip("loop devices are for root")
	}
	path := newImageFile(t, 8<<20)
	run := func(name string, arguments ...string) string {
		text, err := exec.Command(name, arguments...).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, text)
		return strings.TrimSpace(string(text))
	}
	run("mkfs.ext4", "-q", path)
	text, err := exec.Command("losetup", "--find", "--show", path).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device here: %s", text)
	}
	device := strings.TrimSpace(string(text))
	defer run("losetup", "-d", device)
	_, err = openAndLock(path, forWriting)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, filepath.Base(device))
	file, err := openAndLock(device, forWriting)
	require.NoError(t, err)
	require.NoError(t, file.Close())

	mount := t.TempDir()
	if err := unix.Mount(device, mount, "ext4", 0, ""); err != nil {
		t.Skipf("mounting is not possible here: %v", err)
	}
	_, writeErr := openAndLock(device, forWriting)
	file, readErr := openAndLock(device, forReading)
	require.NoError(t, unix.Unmount(mount, 0))
	require.ErrorIs(t, writeErr, ErrInUse)
	require.ErrorContains(t, writeErr, "mounted")
	require.NoError(t, readErr)
	require.NoError(t, file.Close())
}
