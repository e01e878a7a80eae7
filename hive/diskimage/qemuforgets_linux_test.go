package diskimage

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestQEMUForgetsSignal: a server that forgets the first signal is asked again.
func TestQEMUForgetsSignal(t *testing.T) {
	s := &server{folder: t.TempDir(), patience: 20 * time.Second, ended: make(chan struct{})}
	var err error
	s.lock, err = lockFolder(s.folder)
	require.NoError(t, err)
	s.command = exec.Command("sh", "-c", "trap 'trap \"exit 0\" TERM' TERM; echo ready; while :; do sleep 0.01; done")
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.command.Stdout = &s.output
	started := make(chan error)
	go s.run(started)
	require.NoError(t, <-started)
	require.Eventually(t, func() bool { return s.said() != "" }, 10*time.Second, time.Millisecond)
	require.NoError(t, s.end(unix.SIGTERM))
}
