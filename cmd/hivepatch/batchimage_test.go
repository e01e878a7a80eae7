package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// newImageFolder has an image with three volumes, each with a Windows, and a list
// of targets.
func newImageFolder(t *testing.T, list string) string {
	t.Helper()
	folder := t.TempDir()
	disk := imagetest.SmallDisk(t, "../..", 3)
	for name, data := range map[string][]byte{"disk": disk, "other": disk, "SYSTEM": nt4Hive(), "list": []byte(list)} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o666))
	}
	t.Chdir(folder)
	return folder
}

// Two hives in an image are two targets, though the image is one file. They are
// worked on one after the other, since that takes the image as a whole, however
// many jobs there are; other targets do not wait for them.
func TestBatchInImage(t *testing.T) {
	var list strings.Builder
	for _, image := range []string{"disk", "./other"} {
		for partition := range 3 {
			fmt.Fprintf(&list, "{\"target\": %q, \"partition\": %d, \"noninteractive\": %d, \"wait\": 0}\n", image, partition+1, 600+partition)
		}
	}
	newImageFolder(t, list.String()+"SYSTEM\n")
	r := program("patch", "--targets", "list", "--in-place", "--jobs", "4", "--json", "--report", "receipts")
	require.Zero(t, r.code, r.stderr)
	lines := readTargetLines(t, r.stdout)
	require.Len(t, lines, 7)
	for _, line := range lines {
		var result struct {
			Changed bool
			Output  string
		}
		require.NoError(t, json.Unmarshal(line.Result, &result))
		require.True(t, result.Changed)
		if line.Line < 7 {
			require.Contains(t, result.Output, fmt.Sprintf(", partition %d", (line.Line-1)%3+1))
		}
	}
	for _, image := range []string{"disk", "other"} {
		for partition := range 3 {
			shown := program("show", image, "--partition", fmt.Sprint(partition+1))
			require.Zero(t, shown.code, shown.stderr)
			require.Contains(t, shown.stdout, fmt.Sprintf("1024,3072,%d", 600+partition))
		}
		require.NoFileExists(t, image+".hivepatch-journal")
	}
	require.Len(t, readReceipts(t, compileSchema(t, "receipt"), "receipts"), 7)
	again := program("patch", "--targets", "list", "--in-place", "--jobs", "4")
	require.Zero(t, again.code, again.stderr)
	for at := range 6 {
		require.Contains(t, again.stdout, fmt.Sprintf(" (line %d): nothing to do\n", at+1))
	}
	require.Contains(t, again.stdout, "SYSTEM: nothing to do\n")
}

// One hive in an image is there once, whatever leads to it, and an image of which
// it is not said which hive is meant is no reason to leave out others.
func TestBatchInImageTwice(t *testing.T) {
	for name, c := range map[string]struct {
		list string
		code int
		want string
	}{
		"same name":         {`{"target": "disk", "partition": 2}` + "\n" + `{"target": "disk", "partition": "02"}`, exitUsage, "line 2: disk is there twice, first in line 1"},
		"hard link":         {`{"target": "disk", "partition": 2}` + "\n" + `{"target": "link", "partition": 2}`, exitUsage, "line 2: link leads to the same hive as disk in line 1"},
		"senseless setting": {`{"target": "disk", "partition": 2, "force": true, "preset": "nonsense"}`, exitUsage, "line 1, column 51: "},
		"not said which": {"disk\nSYSTEM\n" + `{"target": "disk", "partition": 3}`, exitRefused,
			"disk: the partitions 1 and 2 and 3 all have such a hive"},
		"not said which, twice": {"disk\nlink\n", exitUsage, "line 2: link leads to the same hive as disk in line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			newImageFolder(t, c.list)
			require.NoError(t, os.Link("disk", "link"))
			before, err := os.ReadFile("disk")
			require.NoError(t, err)
			r := program("patch", "--targets", "list", "--in-place")
			require.Equal(t, c.code, r.code, r.stderr)
			require.Contains(t, r.stderr, c.want)
			after, err := os.ReadFile("disk")
			require.NoError(t, err)
			require.Equal(t, c.code == exitUsage, bytes.Equal(before, after))
			if c.code != exitUsage {
				require.Contains(t, r.stderr, "2 of 3 targets done, 1 failed")
			}
		})
	}
}

// With --fail-fast the rest of an image is not begun either.
func TestBatchInImageFailFast(t *testing.T) {
	newImageFolder(t, `{"target": "disk", "partition": 1, "shared": 5}
{"target": "disk", "partition": 2}
{"target": "disk", "partition": 3}`)
	r := program("patch", "--targets", "list", "--in-place", "--fail-fast", "--json")
	require.Equal(t, exitRefused, r.code, r.stderr)
	require.Contains(t, r.stderr, "hivepatch: 0 of 3 targets done, 1 failed, 2 not started\n")
	lines := readTargetLines(t, r.stdout)
	require.Len(t, lines, 3)
	for i, line := range lines {
		require.Equal(t, i+1, line.Line)
		require.Equal(t, i == 0, line.Started)
	}
}

// readTargetLines reads the results of a batch.
func readTargetLines(t *testing.T, text string) (lines []targetLine) {
	t.Helper()
	for decoder := json.NewDecoder(strings.NewReader(text)); decoder.More(); {
		var line targetLine
		require.NoError(t, decoder.Decode(&line))
		lines = append(lines, line)
	}
	return lines
}
