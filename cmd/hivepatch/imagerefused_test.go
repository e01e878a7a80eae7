package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// Attributes of a file record, and where things are in one whose content lies
// outside of the record.
const (
	fileNameAttribute = 0x30
	dataAttribute     = 0x80
	attributeFlags    = 12
	attributeRuns     = 32
)

// dataOf finds the attribute with the content of the file called SYSTEM in a
// volume of NTFS with records of 1024 bytes.
func dataOf(t *testing.T, volume []byte) []byte {
	t.Helper()
	var name []byte
	for _, unit := range utf16.Encode([]rune("SYSTEM")) {
		name = binary.LittleEndian.AppendUint16(name, unit)
	}
	for at := 0; at+1024 <= len(volume); at += 512 {
		record := volume[at : at+1024]
		if string(record[:4]) != "FILE" {
			continue
		}
		isSystem := false
		for off := int(binary.LittleEndian.Uint16(record[20:])); off+8 <= len(record); {
			attribute := record[off:]
			kind, length := binary.LittleEndian.Uint32(attribute), int(binary.LittleEndian.Uint32(attribute[4:]))
			switch {
			case kind == fileNameAttribute:
				const value, nameLength = 24, 64 // of a value that is resident, and in it
				file := attribute[value+nameLength:]
				isSystem = isSystem || int(file[0]) == len(name)/2 && bytes.Equal(file[2:2+len(name)], name)
			case kind == dataAttribute && isSystem && attribute[8] == 1:
				return attribute[:length]
			}
			if kind == 0xFFFFFFFF || length < 24 {
				break
			}
			off += length
		}
	}
	t.Fatal("no SYSTEM in the volume")
	return nil
}

// What cannot be changed where it lies is refused before anything is written,
// each for its reason: files that NTFS keeps in another form, damage, and volumes
// that are none of NTFS.
func TestImageRefused(t *testing.T) {
	flag := func(flags uint16) func(t *testing.T, image []byte) {
		return func(t *testing.T, image []byte) {
			binary.LittleEndian.PutUint16(dataOf(t, image)[attributeFlags:], flags)
		}
	}
	runs := func(list string) func(t *testing.T, image []byte) {
		return func(t *testing.T, image []byte) {
			a := dataOf(t, image)
			copy(a[binary.LittleEndian.Uint16(a[attributeRuns:]):], list)
		}
	}
	partition := func(change func(entry, volume []byte)) func(t *testing.T, image []byte) {
		return func(_ *testing.T, image []byte) {
			entry := image[446:462]
			change(entry, image[512*int(binary.LittleEndian.Uint32(entry[8:])):])
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, image []byte)
		said   string
	}{
		"compressed":         {flag(0x0001), "compressed by NTFS"},
		"encrypted":          {flag(0x4000), "encrypted by NTFS"},
		"sparse":             {flag(0x8000), "sparse"},
		"outside the volume": {runs("\x31\x60\xff\xff\x7f\x00"), "runs of the file do not add up"},
		"overlapping":        {runs("\x21\x20\x00\x02\x11\x40\x10\x00"), "runs of the file do not add up"},
		"dynamic disk":       {partition(func(entry, _ []byte) { entry[4] = 0x42 }), "dynamic disk"},
		"storage space":      {partition(func(_, volume []byte) { copy(volume, "SPACEDB ") }), "Storage Spaces"},
		"bitlocker":          {partition(func(_, volume []byte) { copy(volume[3:], "-FVE-FS-") }), "BitLocker"},
		"refs":               {partition(func(_, volume []byte) { copy(volume[3:], "ReFS\x00\x00\x00\x00") }), "ReFS"},
	} {
		t.Run(name, func(t *testing.T) {
			image := imagetest.SmallDisk(t, "../..", 1)
			c.change(t, image)
			f := newFolder(t, map[string][]byte{"disk": image})
			r := program("patch", f.file("disk"), "--in-place", "--partition", "1")
			f.requireRefused(t, r, exitRefused)
			require.Contains(t, r.stderr, c.said)
		})
	}
}

// The same disk without any of that is patched.
func TestImageNotRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	image := imagetest.SmallDisk(t, "../..", 1)
	require.NotEmpty(t, dataOf(t, image))
	require.NoError(t, os.WriteFile(path, image, 0o666))
	r := program("patch", path, "--in-place", "--partition", "1")
	require.Equal(t, exitDone, r.code, r.stderr)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.False(t, bytes.Equal(image, after), fmt.Sprint(r.stdout))
}
