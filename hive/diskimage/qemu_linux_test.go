package diskimage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"hivepatch/hive/hivetest"
)

// requireQEMU skips a test where QEMU is not installed or has no FUSE.
func requireQEMU(t testing.TB) {
	t.Helper()
	requireProgram(t, QEMUProgram)
	requireProgram(t, "qemu-img")
	if file, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skipf("no FUSE here: %v", err)
	} else {
		require.NoError(t, file.Close())
	}
}

func qemuImg(t testing.TB, arguments ...string) string {
	t.Helper()
	text, err := exec.Command("qemu-img", arguments...).CombinedOutput()
	require.NoError(t, err, "qemu-img %s: %s", arguments, text)
	return string(text)
}

// requireNoTrace requires that no server, no mount and no folder is left.
func requireNoTrace(t testing.TB, temp string) {
	t.Helper()
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), temp)
	require.Empty(t, serversOf(t, temp))
}

// serversOf returns the processes, ended ones that nobody has waited for too,
// whose arguments name a folder.
func serversOf(t testing.TB, temp string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, line := range lines {
		text, err := os.ReadFile(line)
		program, arguments, _ := bytes.Cut(text, []byte{0})
		if err == nil && filepath.Base(string(program)) == QEMUProgram && bytes.Contains(arguments, []byte(temp)) {
			found = append(found, string(text))
		}
	}
	children, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, list := range children {
		text, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(text)) {
			name, _ := os.ReadFile("/proc/" + child + "/comm")
			if strings.HasPrefix(string(name), QEMUProgram[:10]) {
				found = append(found, "child "+child)
			}
		}
	}
	return found
}

// guest is a disk with a hive, and what it is after a write, as raw images.
type guest struct {
	scattered
	now      []byte
	old, new string // paths
}

func newGuest(t testing.TB, dir string) guest {
	t.Helper()
	content := withSlack(hivetest.NT4().Build().Data, 16384)
	g := guest{scattered: scatter(content, 20, 11), now: edited(t, content, 9000)}
	g.image = append(g.image, make([]byte, 1<<22-len(g.image))...)
	g.old, g.new = filepath.Join(dir, "old.raw"), filepath.Join(dir, "new.raw")
	require.NoError(t, os.WriteFile(g.old, g.image, 0o600))
	require.NoError(t, os.WriteFile(g.new, g.with(g.now), 0o600))
	return g
}

// image makes an image of the disk in a format of QEMU.
func (g guest) imageIn(t testing.TB, dir, driver string) string {
	t.Helper()
	path := filepath.Join(dir, "disk, the 1st."+driver)
	options := map[string][]string{"vpc": {"-o", "force_size=on"}}[driver]
	qemuImg(t, append(append([]string{"convert", "-f", "raw", "-O", driver}, options...), g.old, path)...)
	return path
}

func openQEMU(t testing.TB, path, temp string, options QEMUOptions) (*QEMU, error) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	size, err := sizeOf(file)
	require.NoError(t, err)
	format, err := detect(file, size)
	require.NoError(t, err)
	options.Temp = temp
	return OpenQEMU(context.Background(), path, format, options)
}

// growing are QEMU's names of the formats that grow, and whether it can check
// them.
var growing = map[string]bool{"qcow2": true, "vhdx": true, "vmdk": true, "vdi": true, "vpc": false}

// TestQEMUWrite: after a write the guest sees what it would see in a raw image
// that was written to in the same way, and QEMU finds its format sound.
func TestQEMUWrite(t *testing.T) {
	requireQEMU(t)
	for driver, checks := range growing {
		t.Run(driver, func(t *testing.T) {
			dir, temp := t.TempDir(), t.TempDir()
			g := newGuest(t, dir)
			path := g.imageIn(t, dir, driver)
			q, err := openQEMU(t, path, temp, QEMUOptions{Write: true})
			require.NoError(t, err)
			require.Len(t, q.Layers, 1)
			require.GreaterOrEqual(t, q.Disk().Size(), int64(len(g.image)))
			replacement := g.replacement(q.Disk(), nil, g.now)
			replacement.Journal, err = JournalPath(path)
			require.NoError(t, err)
			_, err = replacement.Write(t.Context())
			require.NoError(t, err)
			require.NoError(t, q.Close())
			require.NoError(t, q.Close(), "closing twice")
			requireNoTrace(t, temp)
			if checks {
				require.Contains(t, qemuImg(t, "check", "-f", driver, path), "No errors")
			}
			require.Contains(t, qemuImg(t, "compare", "-f", driver, "-F", "raw", path, g.new), "identical")
			require.NoFileExists(t, replacement.Journal)
		})
	}
}

// TestQEMURead: an image that is opened for reading is not changed, by no byte.
func TestQEMURead(t *testing.T) {
	requireQEMU(t)
	for driver := range growing {
		t.Run(driver, func(t *testing.T) {
			dir, temp := t.TempDir(), t.TempDir()
			g := newGuest(t, dir)
			path := g.imageIn(t, dir, driver)
			before, err := os.ReadFile(path)
			require.NoError(t, err)
			q, err := openQEMU(t, path, temp, QEMUOptions{})
			require.NoError(t, err)
			again, err := openQEMU(t, path, temp, QEMUOptions{})
			require.NoError(t, err, "two may read")
			data := make([]byte, len(g.image))
			require.NoError(t, readFull(q.Disk(), data, 0))
			require.True(t, bytes.Equal(g.image, data))
			_, err = q.Disk().WriteAt([]byte{1}, 0)
			require.Error(t, err)
			_, err = openQEMU(t, path, temp, QEMUOptions{Write: true})
			require.ErrorIs(t, err, ErrInUse)
			require.NoError(t, again.Close())
			require.NoError(t, q.Close())
			requireNoTrace(t, temp)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(before, after))
		})
	}
}

// TestQEMURollback: a write that fails half way, with QEMU's disk gone, is undone
// by the journal beside the image.
func TestQEMURollback(t *testing.T) {
	requireQEMU(t)
	dir, temp := t.TempDir(), t.TempDir()
	g := newGuest(t, dir)
	path := g.imageIn(t, dir, "qcow2")
	q, err := openQEMU(t, path, temp, QEMUOptions{Write: true})
	require.NoError(t, err)
	writes := 4
	replacement := g.replacement(failingDisk{q.Disk(), &writes}, nil, g.now)
	replacement.Journal, err = JournalPath(path)
	require.NoError(t, err)
	_, err = replacement.Write(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.NoError(t, q.Close())

	q, err = openQEMU(t, path, temp, QEMUOptions{Write: true})
	require.NoError(t, err)
	done, err := Rollback(t.Context(), q.Disk(), replacement.Journal, RollbackOptions{})
	require.NoError(t, err)
	require.Equal(t, OutcomeRolledBack, done.Outcome)
	require.NoError(t, q.Close())
	require.Contains(t, qemuImg(t, "check", "-f", "qcow2", path), "No errors")
	require.Contains(t, qemuImg(t, "compare", "-f", "qcow2", "-F", "raw", path, g.old), "identical")
}

// TestQEMUBacking: the active layer is written to, what is behind it is not.
func TestQEMUBacking(t *testing.T) {
	requireQEMU(t)
	dir, temp, elsewhere := t.TempDir(), t.TempDir(), t.TempDir()
	g := newGuest(t, dir)
	base := g.imageIn(t, dir, "qcow2")
	middle, top := filepath.Join(dir, "middle.qcow2"), filepath.Join(dir, "top.qcow2")
	qemuImg(t, "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", filepath.Base(base), middle)
	qemuImg(t, "snapshot", "-c", "before", middle)
	qemuImg(t, "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", middle, top)
	qemuImg(t, "snapshot", "-c", "one", top)
	qemuImg(t, "snapshot", "-c", "two", top)
	before, err := os.ReadFile(base)
	require.NoError(t, err)
	q, err := openQEMU(t, top, temp, QEMUOptions{Write: true})
	require.NoError(t, err)
	require.Equal(t, []Layer{{top, QCOW2, 2, false}, {middle, QCOW2, 1, false}, {base, QCOW2, 0, false}}, q.Layers)
	replacement := g.replacement(q.Disk(), nil, g.now)
	replacement.Journal, err = JournalPath(top)
	require.NoError(t, err)
	_, err = replacement.Write(t.Context())
	require.NoError(t, err)
	require.NoError(t, q.Close())
	after, err := os.ReadFile(base)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after), "the backing file was written to")
	require.Contains(t, qemuImg(t, "check", "-f", "qcow2", top), "No errors")
	require.Contains(t, qemuImg(t, "compare", "-f", "qcow2", "-F", "raw", top, g.new), "identical")
	require.Contains(t, qemuImg(t, "compare", "-f", "qcow2", "-F", "raw", middle, g.old), "identical")

	far := filepath.Join(elsewhere, "far.qcow2")
	qemuImg(t, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", g.old, far)
	var refused *LayerError
	_, err = openQEMU(t, far, temp, QEMUOptions{})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, g.old, refused.Outside)
	q, err = openQEMU(t, far, temp, QEMUOptions{AnyFolder: true})
	require.NoError(t, err)
	require.Equal(t, []Layer{{far, QCOW2, 0, false}, {g.old, Raw, 0, false}}, q.Layers)
	require.NoError(t, q.Close())
	requireNoTrace(t, temp)
}

// TestQEMURefused: images that name what is not theirs are not opened, and QEMU
// is not even started.
func TestQEMURefused(t *testing.T) {
	requireQEMU(t)
	dir, temp := t.TempDir(), t.TempDir()
	t.Chdir(dir) // where qemu-img creates what names no folder
	make := func(name string, arguments ...string) string {
		path := filepath.Join(dir, name)
		qemuImg(t, append(append([]string{"create", "-q"}, arguments...), path, "1M")...)
		return path
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	descriptor := "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 2048 FLAT %q 0\n"
	loop := make("loop.qcow2", "-f", "qcow2", "-u", "-F", "qcow2", "-b", "loop.qcow2")
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link.raw")))
	for name, path := range map[string]string{
		"outside":            make("outside.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/shadow"),
		"through a link":     make("through.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", "link.raw"),
		"upwards":            make("upwards.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", "../../../../../../etc/passwd"),
		"network":            make("network.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", "nbd://localhost/x"),
		"json":               make("json.qcow2", "-f", "qcow2", "-u", "-F", "raw", "-b", `json:{"driver":"file","filename":"/etc/shadow"}`),
		"circle":             loop,
		"data elsewhere":     make("data.qcow2", "-f", "qcow2", "-o", "data_file=data.raw"),
		"encrypted":          encrypted(t, filepath.Join(dir, "encrypted.qcow2")),
		"VMDK, outside":      write("outside.vmdk", fmt.Sprintf(descriptor, "/etc/shadow")),
		"VMDK, network":      write("network.vmdk", fmt.Sprintf(descriptor, "nbd:localhost")),
		"VMDK, link":         write("link.vmdk", fmt.Sprintf(descriptor, "link.raw")),
		"VMDK with a parent": write("parent.vmdk", "# Disk DescriptorFile\nparentCID=12345678\nparentFileNameHint=\"/etc/shadow\"\n"),
		"short qcow2":        write("short.qcow2", "QFI\xfb\x00\x00\x00\x03"),
	} {
		t.Run(name, func(t *testing.T) {
			var refused *LayerError
			q, err := openQEMU(t, path, temp, QEMUOptions{})
			require.Nil(t, q)
			require.ErrorAs(t, err, &refused)
			requireNoTrace(t, temp)
		})
	}
	t.Run("not what it says", func(t *testing.T) {
		var failed *QEMUError
		_, err := openQEMU(t, write("broken.qcow2", "QFI\xfb\x00\x00\x00\x03"+strings.Repeat("\x00", 2000)), temp, QEMUOptions{})
		require.ErrorAs(t, err, &failed)
		require.NotEmpty(t, failed.Output)
		require.NotContains(t, failed.Error(), "\n")
		requireNoTrace(t, temp)
	})
	t.Run("not installed", func(t *testing.T) {
		_, err := openQEMU(t, make("good.qcow2", "-f", "qcow2"), temp, QEMUOptions{Program: filepath.Join(dir, "none")})
		require.ErrorIs(t, err, ErrNoQEMU)
		require.ErrorContains(t, err, "qemu-system-common")
		requireNoTrace(t, temp)
	})
	t.Run("open in QEMU", func(t *testing.T) {
		path := make("used.qcow2", "-f", "qcow2")
		defer holdOpen(t, path, "-f", "qcow2")()
		_, err := openQEMU(t, path, temp, QEMUOptions{Write: true})
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorContains(t, err, path+" is in use: QEMU, or a program that locks like it, has it open")
		requireNoTrace(t, temp)
		_, err = openQEMU(t, make("over.qcow2", "-f", "qcow2", "-F", "qcow2", "-b", path), temp, QEMUOptions{})
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorContains(t, err, path+" is in use: ")
		requireNoTrace(t, temp)
	})
}

func encrypted(t *testing.T, path string) string {
	qemuImg(t, "create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=secret", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", path, "1M")
	return path
}

// TestQEMUDies: QEMU that is killed, or does not answer, is an error, and leaves
// nothing behind.
func TestQEMUDies(t *testing.T) {
	requireQEMU(t)
	for name, signal := range map[string]unix.Signal{"killed": unix.SIGKILL, "stopped": unix.SIGSTOP, "ended": unix.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			dir, temp := t.TempDir(), t.TempDir()
			g := newGuest(t, dir)
			path := g.imageIn(t, dir, "qcow2")
			q, err := openQEMU(t, path, temp, QEMUOptions{Write: true, Patience: 10 * time.Second})
			require.NoError(t, err)
			require.NoError(t, unix.Kill(q.server.command.Process.Pid, signal))
			begun := time.Now()
			if signal == unix.SIGTERM {
				<-q.server.ended
			}
			replacement := g.replacement(q.Disk(), nil, g.now)
			replacement.Journal, err = JournalPath(path)
			require.NoError(t, err)
			_, err = replacement.Write(t.Context())
			require.Error(t, err)
			require.Error(t, q.Close())
			require.Less(t, time.Since(begun), time.Minute)
			requireNoTrace(t, temp)
			require.Contains(t, qemuImg(t, "compare", "-f", "qcow2", "-F", "raw", path, g.old), "identical")
		})
	}
	t.Run("never ready", func(t *testing.T) {
		dir, temp := t.TempDir(), t.TempDir()
		program := filepath.Join(dir, "sleeper")
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700))
		path := filepath.Join(dir, "disk.qcow2")
		qemuImg(t, "create", "-q", "-f", "qcow2", path, "1M")
		_, err := openQEMU(t, path, temp, QEMUOptions{Program: program, Patience: 200 * time.Millisecond})
		require.ErrorIs(t, err, errTooSlow)
		requireNoTrace(t, temp)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = OpenQEMU(ctx, path, QCOW2, QEMUOptions{Program: program, Temp: temp})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		requireNoTrace(t, temp)
	})
}

// holderVariable makes TestQEMUHolder open an image and wait to be killed.
const holderVariable = "HIVEPATCH_TEST_QEMU_HOLDER"

func TestQEMUHolder(t *testing.T) {
	var arguments []string
	if json.Unmarshal([]byte(os.Getenv(holderVariable)), &arguments) != nil {
		t.Skip("run by TestQEMUOrphan")
	}
	_, err := openQEMU(t, arguments[0], arguments[1], QEMUOptions{Write: true})
	require.NoError(t, err)
	fmt.Println("open")
	select {}
}

// TestQEMUOrphan: when we are killed, QEMU ends, and the disk with it.
func TestQEMUOrphan(t *testing.T) {
	requireQEMU(t)
	dir, temp := t.TempDir(), t.TempDir()
	path := newGuest(t, dir).imageIn(t, dir, "qcow2")
	arguments, err := json.Marshal([]string{path, temp})
	require.NoError(t, err)
	holder := exec.Command(os.Args[0], "-test.run=^TestQEMUHolder$")
	holder.Env = append(os.Environ(), holderVariable+"="+string(arguments))
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	defer holder.Process.Kill()
	line := make([]byte, 4)
	_, err = out.Read(line)
	require.NoError(t, err)
	require.Equal(t, "open", string(line))
	require.NotEmpty(t, serversOf(t, temp))
	require.NoError(t, holder.Process.Kill())
	_ = holder.Wait() // it was killed
	require.Eventually(t, func() bool {
		// As the next one that looks for it would: a server that has missed the
		// signal notices it when the disk is asked for.
		disks, err := filepath.Glob(filepath.Join(temp, "*", diskName))
		require.NoError(t, err)
		for _, disk := range disks {
			_, _ = os.Stat(disk)
		}
		return len(serversOf(t, temp)) == 0
	}, 20*time.Second, 10*time.Millisecond)
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), temp)
	require.Contains(t, qemuImg(t, "check", "-f", "qcow2", path), "No errors")
}
