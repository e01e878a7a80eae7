package hivetest

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// corpus returns the folder of real hives, or skips the test.
func corpus(t *testing.T) string {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	return folder
}

// realLogs returns the logs of one type below the folder, by path.
func realLogs(t *testing.T, kind uint32) map[string][]byte {
	logs := map[string][]byte{}
	require.NoError(t, filepath.WalkDir(corpus(t), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) < LogHeaderSize || string(data[:4]) != "regf" || binary.LittleEndian.Uint32(data[AtType:]) != kind {
			return err
		}
		logs[path] = data
		return nil
	}))
	require.NotEmpty(t, logs)
	return logs
}

// TestRealNewLogs: the entries that Windows wrote come out the same when they
// are built from their pages.
func TestRealNewLogs(t *testing.T) {
	count := 0
	for path, log := range realLogs(t, TypeHvLELog) {
		entries := parseEntries(log)
		require.NotEmpty(t, entries, path)
		built := NewLog{Header: log, Entries: entries}.Bytes()
		require.True(t, string(built) == string(log[:len(built)]), "%s: the built log differs", path)
		count += len(entries)
	}
	t.Logf("%d entries", count)
	require.Greater(t, count, 20)
}

// TestRealOldLogs: the same for bitmap logs.
func TestRealOldLogs(t *testing.T) {
	count := 0
	for path, log := range realLogs(t, TypeDirtLog) {
		header := &Image{Data: log}
		if Checksum(log) != header.Header32(AtChecksum) || string(log[LogHeaderSize:LogHeaderSize+4]) != "DIRT" {
			continue // wrong on purpose
		}
		length := int(header.BinsSize())
		bins, _ := replayOld(t, make([]byte, BaseBlockSize+length), log)
		dirty := make([]bool, length/sectorSize)
		for page := range dirty {
			dirty[page] = log[LogHeaderSize+4+page/8]&(1<<(page%8)) != 0
		}
		built := DirtLog{
			Sequence: header.Header32(AtSequence1), Timestamp: binary.LittleEndian.Uint64(log[AtTimestamp:]),
			Header: log, Bins: bins[BaseBlockSize:], Dirty: dirty,
		}.Bytes()
		end := LogHeaderSize + 4 + len(dirty)/8 // of the bitmap; Windows leaves garbage behind it
		clear(log[end : (end+sectorSize-1)/sectorSize*sectorSize])
		require.True(t, string(built) == string(log), "%s: the built log differs", path)
		count++
	}
	require.NotZero(t, count)
}

// TestRealRecovery: the replay by which this package knows what to expect gives
// what Windows itself made of the same files.
func TestRealRecovery(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(corpus(t), "replay", filepath.FromSlash(name)))
		require.NoError(t, err)
		return data
	}
	want := read("NewDirtyHive1/RecoveredHive_Windows10")
	got, applied := replayFiles(read("NewDirtyHive1/NewDirtyHive"), read("NewDirtyHive1/NewDirtyHive.LOG1"), read("NewDirtyHive1/NewDirtyHive.LOG2"))
	require.Equal(t, []uint32{2, 3, 4, 5}, applied)
	require.True(t, string(liveBins(got)) == string(liveBins(want)), "bins differ")
	require.Equal(t, want[AtSequence1:AtTimestamp], got[AtSequence1:AtTimestamp])

	want = read("OldDirtyHive/RecoveredHive_Windows7")
	got, _ = replayOld(t, read("OldDirtyHive/OldDirtyHive"), read("OldDirtyHive/OldDirtyHive.LOG1"))
	differ := 0
	for i := range liveBins(want) {
		if got[BaseBlockSize+i] != want[BaseBlockSize+i] {
			differ++
		}
	}
	// Windows has loaded it since: the timestamp of the first bin and a byte of a key
	require.LessOrEqual(t, differ, 9)
}

// TestRealHives: the walker that judges what we build finds nothing in sound
// hives of Windows, and the names that Windows sorted and hashed are sorted and
// hashed the same by us.
func TestRealHives(t *testing.T) {
	for _, name := range []string{"system/nt4/system", "odd/BigDataHive", "odd/UnicodeHive", "odd/ExtendedASCIIHive", "odd/StringValuesHive", "odd/System_Delta"} {
		data, err := os.ReadFile(filepath.Join(corpus(t), filepath.FromSlash(name)))
		require.NoError(t, err)
		found := walk(data)
		delete(found, 16) // cells that nothing owns are left by crashes
		if name == "system/nt4/system" {
			delete(found, 49) // NT 4 does not look for an equal descriptor
		}
		var rules []int
		for rule := range found {
			rules = append(rules, rule)
		}
		slices.Sort(rules)
		require.Empty(t, rules, "%s: %v", name, found)
	}
}
