package sddl_test

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/sddl"
)

// TestRealDescriptors: every descriptor in real hives goes into text and back
// and means the same. Most come back byte for byte; the others differ in layout
// alone: unused bytes behind entries and lists, which real hives are full of,
// and the mark AUTO_INHERITED of a SACL that is not there.
func TestRealDescriptors(t *testing.T) {
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	descriptors, exact := realDescriptors(t, folder), 0
	for _, descriptor := range descriptors {
		text, err := sddl.Format(descriptor)
		require.NoError(t, err, "%x", descriptor)
		again, err := sddl.Parse(text)
		require.NoError(t, err, text)
		requireEquivalent(t, descriptor, again)
		if bytes.Equal(descriptor, again) {
			exact++
		}
	}
	t.Logf("%d descriptors, %d of them byte for byte", len(descriptors), exact)
	require.Greater(t, len(descriptors), 700)
	require.Greater(t, exact, 500)
}

// realDescriptors returns the distinct descriptors of the keys in all hives.
func realDescriptors(t *testing.T, folder string) [][]byte {
	seen := map[string]bool{}
	var descriptors [][]byte
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		h, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
		if err != nil {
			return nil // a log, or no hive at all
		}
		for key, err := range h.Walk() {
			if err != nil {
				continue
			}
			descriptor, err := key.SecurityDescriptor()
			if err == nil && len(descriptor) >= 20 && !seen[string(descriptor)] {
				seen[string(descriptor)] = true
				descriptors = append(descriptors, descriptor)
			}
		}
		return nil
	}))
	return descriptors
}

// requireEquivalent compares two descriptors with basic entries part by part,
// by code of its own.
func requireEquivalent(t *testing.T, want, got []byte) {
	t.Helper()
	const layout = 0x0800 // SACL_AUTO_INHERITED
	wantControl, gotControl := binary.LittleEndian.Uint16(want[2:]), binary.LittleEndian.Uint16(got[2:])
	if wantControl&0x0010 == 0 {
		wantControl &^= layout
	}
	require.Equal(t, wantControl, gotControl, "control flags of %x", want)
	for _, at := range []int{4, 8} {
		require.Equal(t, sidAt(want, at), sidAt(got, at), "account at %d of %x", at, want)
	}
	for _, at := range []int{12, 16} {
		require.Equal(t, listAt(want, at), listAt(got, at), "list at %d of %x", at, want)
	}
}

func sidAt(b []byte, at int) []byte {
	off := binary.LittleEndian.Uint32(b[at:])
	if off == 0 {
		return nil
	}
	return b[off:][:8+4*int(b[off+1])]
}

// listAt returns the entries of a list without padding, nil for none.
func listAt(b []byte, at int) [][]byte {
	off := binary.LittleEndian.Uint32(b[at:])
	if off == 0 {
		return nil
	}
	entries := [][]byte{}
	count, rest := binary.LittleEndian.Uint16(b[off+4:]), b[off+8:]
	for range count {
		entry := bytes.Clone(rest[:16+4*int(rest[9])])
		entry[2], entry[3] = 0, 0 // its size
		entries = append(entries, entry)
		rest = rest[binary.LittleEndian.Uint16(rest[2:]):]
	}
	return entries
}
