package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

// processes start the program in processes of their own, all at once, and return
// how each of them ended.
func processes(t *testing.T, calls [][]string) (ends []result) {
	t.Helper()
	var commands []*exec.Cmd
	var outputs [][2]*bytes.Buffer
	for _, arguments := range calls {
		command := exec.Command(programName, arguments...)
		output := [2]*bytes.Buffer{{}, {}}
		command.Stdout, command.Stderr = output[0], output[1]
		require.NoError(t, command.Start())
		commands, outputs = append(commands, command), append(outputs, output)
	}
	for i, command := range commands {
		_ = command.Wait() // the code says how it ended
		ends = append(ends, result{code: command.ProcessState.ExitCode(), stdout: outputs[i][0].String(), stderr: outputs[i][1].String()})
	}
	return ends
}

// TestTwoProcesses: while one process has a hive another one does not get it, and
// says so, or waits for it when it is told to.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "SYSTEM")
	require.NoError(t, os.WriteFile(path, nt4Hive(), 0o666))
	patch := []string{"patch", path, "--in-place", "--no-backup"}
	lock, err := hivefile.LockHive(t.Context(), path, 0)
	require.NoError(t, err)
	refused := processes(t, [][]string{append(patch, "--wait", "0")})[0]
	require.Equal(t, exitRefused, refused.code)
	require.Contains(t, refused.stderr, hivefile.ErrLocked.Error())
	require.Contains(t, refused.stderr, "--wait")
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, nt4Hive(), now)

	time.AfterFunc(200*time.Millisecond, lock.Release)
	waited := processes(t, [][]string{append(patch, "--wait", "60")})[0]
	require.Equal(t, exitDone, waited.code, waited.stderr)
}

// TestManyProcesses: of many processes that edit one hive at a time each waits
// for its turn, and no edit is lost.
func TestManyProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	path := filepath.Join(t.TempDir(), "SYSTEM")
	require.NoError(t, os.WriteFile(path, nt4Hive(), 0o666))
	const many = 8
	var calls [][]string
	for i := range many {
		calls = append(calls, []string{"set", path, "Select", fmt.Sprint("process", i), "1", "--type", "dword", "--in-place", "--no-backup", "--wait", "120"})
	}
	for _, end := range processes(t, calls) {
		require.Equal(t, exitDone, end.code, end.stderr)
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	h, err := hive.Open(data)
	require.NoError(t, err)
	key, err := h.Key("Select")
	require.NoError(t, err)
	for i := range many {
		_, err := key.Value(fmt.Sprint("process", i))
		require.NoError(t, err)
	}
}
