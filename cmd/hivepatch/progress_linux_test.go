package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal opens a terminal, and what is at its other end.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, terminal
}

// Interrupted at a terminal, the line of progress is wiped away, and the message
// stands alone.
func TestProgressInterrupted(t *testing.T) {
	screen, terminal := openTerminal(t)
	executable, err := os.Executable()
	require.NoError(t, err)
	command := &exec.Cmd{Path: executable, Args: []string{programName, "patch", "-", "-o", "-"}, Stderr: terminal}
	stdin, err := command.StdinPipe() // of a hive that does not come
	require.NoError(t, err)
	defer stdin.Close()
	require.NoError(t, command.Start())
	require.NoError(t, terminal.Close())

	var text strings.Builder
	read := func() error {
		b := make([]byte, 1000)
		n, err := screen.Read(b)
		text.Write(b[:n])
		return err
	}
	for !strings.Contains(text.String(), " s") {
		require.NoError(t, read())
	}
	require.Contains(t, text.String(), "hivepatch: reading standard input, ")
	require.NoError(t, command.Process.Signal(syscall.SIGINT))
	for read() == nil {
	}
	require.Error(t, command.Wait())
	require.Regexp(t, `s\r +\rhivepatch: interrupted: nothing was written\r\n$`, text.String())
}
