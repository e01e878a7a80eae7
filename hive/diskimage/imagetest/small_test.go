package imagetest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "make the volume in testdata anew")

// TestMakeSmallVolume makes the volume that SmallVolume returns: no test of the
// product, it runs with -update alone.
func TestMakeSmallVolume(t *testing.T) {
	if !*update {
		t.Skip("-update is not given")
	}
	Require(t, append([]string{"setfattr"}, Programs...)...)
	path := filepath.Join(t.TempDir(), "volume")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 2<<20))
	Run(t, "mkntfs", "-q", "-Q", "-F", "-c", "512", "-L", "small", path)
	fillSmall(t, path)
	require.Contains(t, Run(t, "ntfsinfo", "-v", "-i", "10", path), fmt.Sprintf("%#x", upcase/512), "$UpCase lies elsewhere")
	volume, err := os.ReadFile(path)
	require.NoError(t, err)
	addUpcase(volume, ^uint16(0))
	var packed bytes.Buffer
	pack, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	require.NoError(t, err)
	_, err = pack.Write(volume)
	require.NoError(t, err)
	require.NoError(t, pack.Close())
	require.NoError(t, os.WriteFile(filepath.Join("../../..", smallVolume), packed.Bytes(), 0o644))
}

func fillSmall(t *testing.T, path string) {
	m := Mount(t, path, true, "compression")
	at := func(name string) string { return filepath.Join(m.Folder, filepath.FromSlash(name)) }
	hive, err := os.ReadFile("../../../testdata/nt4/SYSTEM")
	require.NoError(t, err)
	pattern := make([]byte, 40<<10)
	for i := range pattern {
		pattern[i] = byte(i >> 9)
	}
	files := []File{
		{Path: "Windows/System32/config/SYSTEM", Data: hive, Fragments: 12},
		{Path: "resident", Data: []byte("a short file")},
		{Path: "empty"},
		{Path: "\u00c4\u0416\u03a3 \U0001f600.txt", Data: []byte("Latin, Cyrillic, Greek and an emoji")},
	}
	for _, f := range files {
		f.write(t, m.Folder, 512)
	}
	for i := range 200 {
		require.NoError(t, os.MkdirAll(at("many"), 0o755))
		require.NoError(t, os.Link(at("resident"), at(fmt.Sprintf("many/name %d", i))))
	}
	sparse, err := os.Create(at("sparse"))
	require.NoError(t, err)
	_, err = sparse.WriteAt(pattern[:1024], 200<<10)
	require.NoError(t, err)
	require.NoError(t, sparse.Close())
	compress(t, m, pattern)
	reparse(t, at("relative"), tagSymlink, `Windows\System32`, true)
	reparse(t, at("up"), tagSymlink, `..\..\outside`, true)
	reparse(t, at("absolute"), tagSymlink, `\??\C:\Windows`, false)
	reparse(t, at("loop"), tagSymlink, "loop", true)
	require.NoError(t, os.Mkdir(at("junction"), 0o755))
	reparse(t, at("junction"), tagJunction, `\??\C:\Windows`, false)
	m.Unmount(t)
}

// compress writes a file into a folder whose files NTFS compresses.
func compress(t *testing.T, m *Mounted, data []byte) {
	folder := filepath.Join(m.Folder, "compressed")
	require.NoError(t, os.Mkdir(folder, 0o755))
	Run(t, "setfattr", "-h", "-n", "system.ntfs_attrib_be", "-v", "0x00000800", folder)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), data, 0o644))
}

const (
	tagSymlink  = 0xA000000C
	tagJunction = 0xA0000003
)

// reparse makes what is at a path, or a new file, a link as Windows stores it.
func reparse(t *testing.T, path string, tag uint32, target string, relative bool) {
	if tag == tagSymlink {
		require.NoError(t, os.WriteFile(path, nil, 0o644))
	}
	var names []byte
	for _, unit := range utf16.Encode([]rune(target)) {
		names = binary.LittleEndian.AppendUint16(names, unit)
	}
	length := uint16(len(names))
	var data []byte
	for _, n := range []uint16{0, length, length + 2, 0} {
		data = binary.LittleEndian.AppendUint16(data, n)
	}
	if tag == tagSymlink {
		flags := uint32(0)
		if relative {
			flags = 1
		}
		data = binary.LittleEndian.AppendUint32(data, flags)
	}
	data = append(append(data, names...), 0, 0, 0, 0)
	value := binary.LittleEndian.AppendUint32(nil, tag)
	value = binary.LittleEndian.AppendUint32(value, uint32(len(data)))
	Run(t, "setfattr", "-h", "-n", "system.ntfs_reparse_data", "-v", "0x"+hex.EncodeToString(append(value, data...)), path)
}
