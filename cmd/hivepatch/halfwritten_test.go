package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// halfWritten is a hive as a save by pages leaves it when it is interrupted: the
// numbers differ, and the header names the backup and its SHA-256.
func halfWritten(old []byte, backup string) []byte {
	image := hivetest.NT4().Build()
	sum := sha256.Sum256(old)
	header := image.Data[0xC0:0x1FC]
	clear(header)
	copy(header, "hivepat\x01")
	copy(header[8:], sum[:])
	binary.LittleEndian.PutUint16(header[40:], uint16(len(backup)))
	copy(header[42:], backup)
	image.SetSequences(1001, 1000)
	clear(image.Data[8192:12288]) // what was being written
	return image.Data
}

// TestHalfWrittenIsTold: whatever one does with a hive that was left half
// written, one is told, and restore mends it.
func TestHalfWrittenIsTold(t *testing.T) {
	const backup = "SYSTEM.20260131T120000Z.bak"
	old := hivetest.NT4().Build().Data
	f := newFolder(t, map[string][]byte{"SYSTEM": halfWritten(old, backup), backup: old})
	hive, copied := f.file("SYSTEM"), filepath.Join(t.TempDir(), "new")
	for _, args := range [][]string{
		{"patch", hive, "--in-place"}, {"patch", hive, "-o", copied}, {"patch", hive, "-o", copied, "--ignore-logs"}, {"recover", hive, "-o", copied},
		{"set", hive, "Select", "Current", "2", "--in-place"}, {"compact", hive, "-o", copied}, {"rm", hive, "Setup", "--dry-run"},
	} {
		r := program(args...)
		f.requireRefused(t, r, exitRefused)
		require.Contains(t, r.stderr, "the hive is half written: "+hive+", the old one is "+backup, "%q", args)
		require.Contains(t, r.stderr, "hint: hivepatch restore", "%q", args)
		require.NoFileExists(t, copied)
	}
	for _, args := range [][]string{{"check", hive}, {"show", hive}, {"info", hive}, {"ls", hive}, {"get", hive, "Select"}, {"doctor", hive}, {"locate", f.path}} {
		r := program(args...)
		require.Contains(t, strings.Join(strings.Fields(r.stdout+r.stderr), " "), "the hive is half written", "%q", args)
		f.requireUntouched(t)
	}
	page := program("doctor", hive)
	require.Equal(t, exitFindings, page.code)
	require.Contains(t, page.stdout, "  1. put the hive back as it was before the change that was interrupted\n       "+commandLine([]string{programName, "restore", hive})+"\n")

	require.Equal(t, exitDone, program("restore", hive).code)
	require.Equal(t, exitDone, program("check", hive).code)
	now, err := os.ReadFile(hive)
	require.NoError(t, err)
	require.True(t, bytes.Equal(old, now))
	require.Equal(t, exitDone, program("patch", hive, "--in-place").code)
}
