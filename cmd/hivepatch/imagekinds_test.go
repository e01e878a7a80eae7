package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

// TestImageKinds: in every kind of image a hive becomes what it becomes as a file
// at the same time, in many fragments and in one run, as ntfs-3g reads it, whose
// checks of the volume find nothing.
func TestImageKinds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	imagetest.Require(t, append([]string{"ntfsfix", "ntfsinfo", "ntfscat"}, imagetest.Programs...)...)
	small, large := imagetest.Hives(t, "../..")
	for name, spec := range imagetest.Kinds(small, large) {
		t.Run(name, func(t *testing.T) {
			built := imagetest.Build(t, spec)
			for i, number := range partitionsOf(t, built.Path) {
				choice := []string{built.Path}
				if number > 0 {
					choice = append(choice, "--partition", fmt.Sprint(number))
				}
				system, software := spec.Volumes[i].Files[0], spec.Volumes[i].Files[1]
				newSystem := editBoth(t, system.Data, choice, "patch", "--noninteractive", "2048")
				newSoftware := editBoth(t, software.Data, append(choice, "--hive", "SOFTWARE"), "set", "Select", "Failed", "7", "--type", "dword")
				volume := built.Extract(t, i)
				require.Equal(t, newSystem, string(imagetest.Cat(t, volume, system.Path)))
				require.Equal(t, newSoftware, string(imagetest.Cat(t, volume, software.Path)))
				imagetest.Run(t, "ntfsfix", "-n", volume)
				imagetest.Run(t, "ntfsinfo", "-m", volume)
			}
		})
	}
}

// partitionsOf returns the numbers of the partitions in an image, 0 for the
// volume that is all of it.
func partitionsOf(t *testing.T, path string) (numbers []int) {
	t.Helper()
	image, err := diskimage.Open(path, diskimage.Options{})
	require.NoError(t, err)
	defer image.Close()
	volumes, err := image.Volumes()
	require.NoError(t, err)
	for _, v := range volumes {
		numbers = append(numbers, v.Number)
	}
	return numbers
}

// editBoth edits a hive as a file, and in the image that the words of a target
// name, and returns what the file has become.
func editBoth(t *testing.T, hive []byte, inImage []string, command string, edit ...string) string {
	t.Helper()
	edit = append(edit, "--timestamp", "1700000000")
	f := newFolder(t, map[string][]byte{"hive": hive})
	run := func(target ...string) {
		r := program(append(append([]string{command}, target...), edit...)...)
		require.Equal(t, exitDone, r.code, r.stderr)
	}
	run(f.file("hive"), "-o", f.file("new"))
	run(append(inImage, "--in-place")...)
	data, err := os.ReadFile(f.file("new"))
	require.NoError(t, err)
	require.NotEqual(t, string(hive), string(data))
	return string(data)
}
