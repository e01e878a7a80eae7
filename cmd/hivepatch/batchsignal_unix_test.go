//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
)

// batchHives is how many hives there are: more than the results of which fit into
// a pipe that nobody reads, so that the program is in the middle of its work as
// long as the test wants.
const batchHives = 150

// startBatch runs the program itself on many hives, and returns when it has told
// of the first.
func startBatch(t *testing.T, folder string, more ...string) (*exec.Cmd, *bufio.Reader, *bytes.Buffer) {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	args := []string{programName, "patch", "--in-place", "--jobs", "3", "--json"}
	for i := range batchHives {
		args = append(args, filepath.Join(folder, fmt.Sprintf("h%03d", i)))
	}
	stderr := &bytes.Buffer{}
	command := &exec.Cmd{Path: executable, Args: append(args, more...), Stderr: stderr}
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	results := bufio.NewReader(stdout)
	_, err = results.Peek(1)
	require.NoError(t, err)
	return command, results, stderr
}

func newBatchFolder(t *testing.T) string {
	folder := t.TempDir()
	for i := range batchHives {
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("h%03d", i)), nt4Hive(), 0o666))
	}
	return folder
}

// finishBatch does the rest, and requires that each hive was patched once.
func finishBatch(t *testing.T, folder string) {
	command, results, stderr := startBatch(t, folder)
	_, err := io.Copy(io.Discard, results)
	require.NoError(t, err)
	require.NoError(t, command.Wait(), stderr.String())
	for i := range batchHives {
		path := filepath.Join(folder, fmt.Sprintf("h%03d", i))
		require.True(t, isPatched(t, path))
		backups, err := hivefile.FindBackups(path)
		require.NoError(t, err)
		require.Len(t, backups, 1)
		old, err := os.ReadFile(backups[0].Path)
		require.NoError(t, err)
		require.Equal(t, nt4Hive(), old)
	}
}

func isPatched(t *testing.T, path string) bool {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	if bytes.Equal(data, nt4Hive()) {
		return false
	}
	r := program("show", path)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stdout, "1024,3072,512")
	require.Zero(t, program("check", path).code)
	return true
}

// A signal, and a second one, have what is under way finished, and nothing new
// begun; the rest is told. The same call then does the rest.
func TestBatchInterrupted(t *testing.T) {
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(first.String(), func(t *testing.T) {
			schema := compileSchema(t, "receipt")
			folder, receipts := newBatchFolder(t), filepath.Join(t.TempDir(), "receipts")
			command, results, stderr := startBatch(t, folder, "--report", receipts)
			require.NoError(t, command.Process.Signal(first))
			require.NoError(t, command.Process.Signal(syscall.SIGINT))
			require.NoError(t, command.Process.Signal(syscall.SIGTERM))
			done, left := map[string]bool{}, 0
			for decoder := json.NewDecoder(results); decoder.More(); {
				var line targetLine
				require.NoError(t, decoder.Decode(&line))
				require.Equal(t, line.Started, line.OK)
				done[filepath.Base(line.Target)] = line.OK
				if !line.Started {
					left++
				}
			}
			err := command.Wait()
			require.Error(t, err)
			require.Equal(t, exitFailed, command.ProcessState.ExitCode(), stderr.String())
			require.Len(t, done, batchHives)
			require.NotZero(t, left, "the signal came too late for this test")
			require.Contains(t, stderr.String(), fmt.Sprintf("hivepatch: interrupted: %d of %d targets done, %d not started\n", batchHives-left, batchHives, left))
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, entry := range entries {
				require.False(t, strings.HasPrefix(entry.Name(), "."), entry.Name())
				if ok, known := done[entry.Name()]; known {
					require.Equal(t, ok, isPatched(t, filepath.Join(folder, entry.Name())))
				}
			}
			require.Len(t, readReceipts(t, schema, receipts), batchHives)
			finishBatch(t, folder)
		})
	}
}

// After a kill the same call does the rest, and each hive is patched once.
func TestBatchKilled(t *testing.T) {
	folder := newBatchFolder(t)
	command, _, _ := startBatch(t, folder)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	patched := 0
	for i := range batchHives {
		if isPatched(t, filepath.Join(folder, fmt.Sprintf("h%03d", i))) {
			patched++
		}
	}
	require.Less(t, patched, batchHives, "the kill came too late for this test")
	require.NotZero(t, patched)
	finishBatch(t, folder)
}

// Where nobody reads the results any more, nothing new is begun, and what is under
// way is finished.
func TestBatchUnread(t *testing.T) {
	folder := newBatchFolder(t)
	executable, err := os.Executable()
	require.NoError(t, err)
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	args := []string{programName, "patch", "--in-place", "--jobs", "2"}
	for i := range batchHives {
		args = append(args, filepath.Join(folder, fmt.Sprintf("h%03d", i)))
	}
	stderr := &bytes.Buffer{}
	command := &exec.Cmd{Path: executable, Args: args, Stdout: write, Stderr: stderr}
	require.Error(t, command.Run())
	require.NoError(t, write.Close())
	require.Equal(t, exitFailed, command.ProcessState.ExitCode())
	require.Contains(t, stderr.String(), "hivepatch: the results could not be printed: ")
	patched := 0
	for i := range batchHives {
		if isPatched(t, filepath.Join(folder, fmt.Sprintf("h%03d", i))) {
			patched++
		}
	}
	require.LessOrEqual(t, patched, 2)
	finishBatch(t, folder)
}
