//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// endedBy starts the program in a process of its own, interrupts it after a
// time, and returns how it ended.
func endedBy(t *testing.T, after time.Duration, sent syscall.Signal, arguments ...string) (syscall.WaitStatus, string) {
	t.Helper()
	command := exec.Command(programName, arguments...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	require.NoError(t, command.Start())
	time.Sleep(after)
	_ = command.Process.Signal(sent) // it may have ended already
	_ = command.Wait()
	status, _ := command.ProcessState.Sys().(syscall.WaitStatus)
	return status, stderr.String()
}

// heavy is a hive that takes a while to edit.
func heavy() []byte {
	root := hivetest.Key{Name: "root"}
	for i := range 100 {
		key := hivetest.Key{Name: fmt.Sprintf("k%04d", i)}
		for j := range 20 {
			key.Values = append(key.Values, hivetest.Value{Name: fmt.Sprint("v", j), Type: 3, Data: hivetest.Noise(2000, uint32(i))})
		}
		root.Subkeys = append(root.Subkeys, key)
	}
	return hivetest.Hive{Minor: 5, Root: root}.Build().Data
}

// TestInterrupted sends signals to the program at all moments of its work: what
// it reads stays as it was, or in place is wholly new, what it writes is whole or
// not there, and no temporary file is left.
func TestInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	original := heavy()
	const step = 5 * time.Millisecond
	for name, test := range map[string]struct {
		arguments []string
		inPlace   bool
		sound     bool // the output is a hive
	}{
		"set -o":             {[]string{"set", "HIVE", "k0001", "v1", "00", "-o", "new"}, false, true},
		"set -o over a file": {[]string{"set", "HIVE", "k0001", "v1", "00", "-o", "old", "--overwrite"}, false, true},
		"set --in-place":     {[]string{"set", "HIVE", "k0001", "v1", "00", "--in-place"}, true, true},
		"compact -o":         {[]string{"compact", "HIVE", "-o", "new"}, false, true},
		"export -o":          {[]string{"export", "HIVE", "-o", "new"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			ends := map[string]int{}
			for round := 0; round < 16 || ends["killed"] == 0 || ends["done"] == 0; round++ {
				require.Less(t, round, 400, "%v", ends)
				f := newFolder(t, map[string][]byte{"HIVE": original, "old": []byte("old")})
				arguments := make([]string, len(test.arguments))
				for i, a := range test.arguments {
					if arguments[i] = a; a == "HIVE" || a == "new" || a == "old" {
						arguments[i] = f.file(a)
					}
				}
				sent := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[round%2]
				status, stderr := endedBy(t, time.Duration(round)*step, sent, arguments...)
				switch {
				case status.Signaled() && status.Signal() == sent && stderr == "":
					ends["before it watched"]++
				case status.Signaled():
					require.Equal(t, sent, status.Signal())
					require.Regexp(t, `(^|\n)hivepatch: interrupted: (nothing was written|written and complete: .*)\n$`, stderr)
					ends["killed"]++
				default:
					require.Zero(t, status.ExitStatus(), stderr)
					ends["done"]++
				}
				requireWhole(t, f, test.inPlace, test.sound, !status.Signaled() || strings.Contains(stderr, "complete"))
			}
			t.Log(ends)
		})
	}
}

// TestLastMessage: nothing is told after the message of the signal, though the
// work goes on until the program has ended.
func TestLastMessage(t *testing.T) {
	f := newFolder(t, nil)
	file, err := os.Create(f.file("stderr"))
	require.NoError(t, err)
	defer file.Close()
	stderr := &messages{file: file}
	died := make(chan struct{})
	var i interruption
	i.watch(stderr, func(os.Signal) { close(died) })
	defer i.leaveSignals()
	_, err = io.WriteString(stderr, "before\n")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	<-died
	late := make(chan struct{})
	go func() {
		_, _ = io.WriteString(stderr, "late\n")
		close(late)
	}()
	select {
	case <-late:
		require.Fail(t, "told after the end")
	case <-time.After(50 * time.Millisecond):
	}
	told, err := os.ReadFile(f.file("stderr"))
	require.NoError(t, err)
	require.Equal(t, "before\nhivepatch: interrupted: nothing was written\n", string(told))
}

// requireWhole requires that a folder with a hive has no files but whole ones;
// written says that there must be a new one.
func requireWhole(t *testing.T, f folder, inPlace, sound, written bool) {
	t.Helper()
	entries, err := os.ReadDir(f.path)
	require.NoError(t, err)
	seen := false
	for _, entry := range entries {
		data, err := os.ReadFile(f.file(entry.Name()))
		require.NoError(t, err)
		isNew := !bytes.Equal(data, f.files["HIVE"]) && string(data) != "old"
		switch {
		case entry.Name() == "HIVE" && !inPlace:
			require.True(t, bytes.Equal(f.files["HIVE"], data), "what was read has changed")
		case inPlace && strings.HasPrefix(entry.Name(), "HIVE.") && strings.HasSuffix(entry.Name(), ".bak"):
			require.True(t, bytes.Equal(f.files["HIVE"], data), "the backup is not what was read")
		case entry.Name() == "HIVE", entry.Name() == "old", entry.Name() == "new":
			if isNew && sound {
				check.Bytes(data, func(f check.Finding) { require.NotEqual(t, check.Fatal, f.Level, "%s", f) })
			}
			if isNew && !sound {
				require.True(t, bytes.HasSuffix(data, []byte("\r\x00\n\x00")) && len(data) > len(f.files["HIVE"]), "half an export")
			}
			seen = seen || isNew
		default:
			require.Fail(t, "a file was left: "+entry.Name())
		}
	}
	require.True(t, seen || !written, "no new file")
}

// TestOutputClosed: a report that nobody reads ends the program, not the file.
func TestOutputClosed(t *testing.T) {
	for name, arguments := range map[string][]string{
		"set":    {"set", "HIVE", "k0001", "v1", "00", "-o", "new"},
		"export": {"export", "HIVE", "-o", "-"},
		"ls":     {"ls", "-r", "HIVE"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string][]byte{"HIVE": heavy()})
			for i, a := range arguments {
				if a == "HIVE" || a == "new" {
					arguments[i] = f.file(a)
				}
			}
			read, write, err := os.Pipe()
			require.NoError(t, err)
			command := exec.Command(programName, arguments...)
			command.Stdout = write
			var stderr bytes.Buffer
			command.Stderr = &stderr
			require.NoError(t, command.Start())
			require.NoError(t, write.Close())
			_, _ = io.CopyN(io.Discard, read, 1)
			require.NoError(t, read.Close())
			_ = command.Wait()
			status, _ := command.ProcessState.Sys().(syscall.WaitStatus)
			require.True(t, status.Exited() && status.ExitStatus() == 0 || status.Signaled() && status.Signal() == syscall.SIGPIPE, "%v %s", status, stderr.String())
			requireWhole(t, f, false, true, name == "set")
		})
	}
}
