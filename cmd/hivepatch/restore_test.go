package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
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

// TestHalfWritten: the tool says what it met and what mends it, and mends it.
func TestHalfWritten(t *testing.T) {
	const name = "SYSTEM.20260131T120000Z.bak"
	old := hivetest.NT4().Build().Data
	dir := t.TempDir()
	path := filepath.Join(dir, "SYSTEM")
	half := halfWritten(old, name)
	require.NoError(t, os.WriteFile(path, half, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), old, 0o644))
	for _, arguments := range [][]string{
		{"patch", path, "--dry-run"}, {"recover", path, "--dry-run"}, {"patch", path, "--dry-run", "--ignore-logs"}, {"rm", path, "Setup", "--dry-run"},
	} {
		result := program(arguments...)
		require.Equal(t, exitRefused, result.code, "%s", arguments)
		require.Contains(t, result.stderr, "the hive is half written: "+path+", the old one is "+name)
		require.Contains(t, result.stderr, "hint: hivepatch restore")
	}
	result := program("restore", path)
	require.Equal(t, exitDone, result.code, result.stderr)
	require.Contains(t, result.stdout, "half written")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(old, data))
}
