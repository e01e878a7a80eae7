package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestProgressNowhereElse: what is no terminal sees nothing.
func TestProgressNowhereElse(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/stderr")
	require.NoError(t, err)
	defer file.Close()
	reader, pipe, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	defer pipe.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	for name, env := range map[string]*environment{
		"buffer": {stderr: &bytes.Buffer{}}, "file": {stderr: &messages{file: file}},
		"pipe": {stderr: &messages{file: pipe}}, "null": {stderr: &messages{file: null}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProgress(env, reportOptions{}, "work")
			require.Nil(t, p)
			p.step("more")
			p.at(1, 2)
			p.end()
		})
	}
}

// TestProgress: the line is written over itself and wiped away.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "checking \x1b[2J", time.Millisecond, time.Millisecond)
	seconds := regexp.MustCompile(`, \d+ s`)
	seen := func() string {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		return seconds.ReplaceAllString(out.String(), ", 0 s") // however slow the machine is
	}
	wait := func(text string) {
		require.Eventually(t, func() bool { return strings.Contains(seen(), text) }, 10*time.Second, time.Millisecond, "%q", text)
	}
	wait("\rhivepatch: checking \\x1b[2J, 0 s")
	p.step("saving a hive of many bytes")
	wait("\rhivepatch: saving a hive of many bytes, 0 s")
	p.at(3, 4)
	wait(", 75 %")
	p.at(9, 4)
	wait(", 100 %")
	p.step("x")
	wait("\rhivepatch: x, 0 s   ")
	p.end()
	p.end()
	require.True(t, strings.HasSuffix(out.String(), " \r"))
	require.NotContains(t, out.String(), "\n")
	require.Len(t, strings.Split(out.String(), "\x1b"), 1, "nothing of a hive reaches the terminal as it is")
}

// TestProgressOfShortWork leaves no trace.
func TestProgressOfShortWork(t *testing.T) {
	var out bytes.Buffer
	newProgress(&out, "work", time.Hour, time.Hour).end()
	require.Empty(t, out.String())
}
