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

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
)

// Attributes of a file record, and where things are in one whose content lies
// outside of the record.
const (
	listAttribute     = 0x20
	fileNameAttribute = 0x30
	dataAttribute     = 0x80
	attributeFlags    = 12
	attributeRuns     = 32
)

// dataOf finds the attribute with the content of the file called SYSTEM in a
// volume of NTFS with records of 1024 bytes.
func dataOf(t *testing.T, volume []byte) []byte {
	t.Helper()
	_, data := attributesOf(t, volume, "SYSTEM")
	return data
}

// attributesOf finds the attributes with the name and the content of a file.
func attributesOf(t *testing.T, volume []byte, of string) (named, data []byte) {
	t.Helper()
	var name []byte
	for _, unit := range utf16.Encode([]rune(of)) {
		name = binary.LittleEndian.AppendUint16(name, unit)
	}
	for at := 0; at+1024 <= len(volume); at += 512 {
		record := volume[at : at+1024]
		if string(record[:4]) != "FILE" {
			continue
		}
		named = nil
		for off := int(binary.LittleEndian.Uint16(record[20:])); off+8 <= len(record); {
			attribute := record[off:]
			kind, length := binary.LittleEndian.Uint32(attribute), int(binary.LittleEndian.Uint32(attribute[4:]))
			switch {
			case kind == fileNameAttribute:
				const value, nameLength = 24, 64 // of a value that is resident, and in it
				file := attribute[value+nameLength:]
				if int(file[0]) == len(name)/2 && bytes.Equal(file[2:2+len(name)], name) {
					named = attribute[:length]
				}
			case kind == dataAttribute && named != nil && attribute[8] == 1:
				return named, attribute[:length]
			}
			if kind == 0xFFFFFFFF || length < 24 {
				break
			}
			off += length
		}
	}
	t.Fatalf("no %s in the volume", of)
	return nil, nil
}

// beginningOf is where in a volume with clusters of 512 bytes the content of a
// file begins.
func beginningOf(t *testing.T, volume []byte, file string) []byte {
	_, data := attributesOf(t, volume, file)
	run := data[binary.LittleEndian.Uint16(data[attributeRuns:]):]
	count, place := int(run[0]&15), int(run[0]>>4)
	require.LessOrEqual(t, place, 3)
	var cluster [4]byte
	copy(cluster[:], run[1+count:1+count+place])
	return volume[512*binary.LittleEndian.Uint32(cluster[:]):]
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
	volumeOf := func(image []byte) []byte { return image[512*int(binary.LittleEndian.Uint32(image[446+8:])):] }
	partition := func(change func(entry, volume []byte)) func(t *testing.T, image []byte) {
		return func(_ *testing.T, image []byte) { change(image[446:462], volumeOf(image)) }
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
		"resident": {func(t *testing.T, image []byte) {
			a := dataOf(t, image)
			a[8] = 0
			binary.LittleEndian.PutUint32(a[16:], 8)
			binary.LittleEndian.PutUint16(a[20:], 24)
		}, "at least 512: the content lies in the file's record"},
		"attribute list": {func(t *testing.T, image []byte) {
			name, _ := attributesOf(t, image, "SYSTEM")
			binary.LittleEndian.PutUint32(name, listAttribute)
		}, "attribute list does not add up"},
		"log in use": {func(t *testing.T, image []byte) {
			copy(beginningOf(t, volumeOf(image), "$LogFile"), "x")
		}, "not cleanly shut down"},
		"dynamic disk":  {partition(func(entry, _ []byte) { entry[4] = 0x42 }), "dynamic disk"},
		"storage space": {partition(func(_, volume []byte) { copy(volume, "SPACEDB ") }), "Storage Spaces"},
		"bitlocker":     {partition(func(_, volume []byte) { copy(volume[3:], "-FVE-FS-") }), "BitLocker"},
		"refs":          {partition(func(_, volume []byte) { copy(volume[3:], "ReFS\x00\x00\x00\x00") }), "ReFS"},
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

// A disk with the footer of a VHD that is damaged is taken for no raw disk.
func TestImageBadFooter(t *testing.T) {
	footer := append([]byte("conectix"), make([]byte, 504)...)
	f := newFolder(t, map[string][]byte{"disk": append(imagetest.SmallDisk(t, "../..", 1), footer...)})
	r := program("patch", f.file("disk"), "--in-place", "--partition", "1")
	f.requireRefused(t, r, exitRefused)
	require.Contains(t, r.stderr, "VHD footer at ")
}

// An image that somebody else has open is not written to, and not read either
// where that one writes.
func TestImageInUse(t *testing.T) {
	f := newFolder(t, map[string][]byte{"disk": imagetest.SmallDisk(t, "../..", 1)})
	for _, write := range []bool{false, true} {
		image, err := diskimage.Open(f.file("disk"), diskimage.Options{Write: write})
		require.NoError(t, err)
		patched := program("patch", f.file("disk"), "--in-place", "--wait", "0")
		shown := program("show", f.file("disk"))
		require.NoError(t, image.Close())
		f.requireRefused(t, patched, exitRefused)
		require.Contains(t, patched.stderr, "in use")
		require.Contains(t, patched.stderr, "virtual machine", "the hint")
		require.Equal(t, write, shown.code == exitRefused, shown.stderr)
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

// TestImageDoctorInPlace: doctor advises no command that would be refused, of a
// hive that cannot be written where it lies.
func TestImageDoctorInPlace(t *testing.T) {
	image := imagetest.SmallDisk(t, "../..", 2)
	binary.LittleEndian.PutUint16(dataOf(t, image)[attributeFlags:], 0x8000)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("disk", image, 0o666))
	r := program("doctor", "disk", "--partition", "1")
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stdout, "BAD  the hive cannot be written in place: the file is sparse\n")
	require.Contains(t, r.stdout, "hivepatch patch disk --partition 1 -o SYSTEM.new\n")
	require.NotContains(t, r.stdout, "--in-place")
	r = program("patch", "disk", "--partition", "1", "-o", "SYSTEM.new")
	require.Equal(t, exitDone, r.code, r.stderr)
	r = program("doctor", "disk", "--partition", "2")
	require.Contains(t, r.stdout, "hivepatch patch disk --partition 2 --in-place\n")
}
