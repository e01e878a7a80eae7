package imagetest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallVolume is where the volume that is checked in lies in the module.
const smallVolume = "testdata/ntfs/volume.gz"

// SmallVolume returns an NTFS volume that mkntfs and ntfs-3g have made, from
// testdata, so that no program is needed. What is on it the README.md there says.
// The folder of the module is given relative to the test.
func SmallVolume(t testing.TB, module string) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(module, filepath.FromSlash(smallVolume)))
	require.NoError(t, err)
	unpack, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	volume, err := io.ReadAll(unpack)
	require.NoError(t, err)
	addUpcase(volume, 1)
	return volume
}

// upcase is where in the volume the content of $UpCase lies, 65,536 units.
const upcase = 0x437 * 512

// addUpcase adds sign times its index to each entry of the table of upper case
// letters. Most letters are their own: without the index they are zeros, and
// what was 128 KiB that nothing compresses is some hundred bytes.
func addUpcase(volume []byte, sign uint16) {
	table := volume[upcase : upcase+1<<17]
	for i := range 1 << 16 {
		entry := table[2*i:]
		binary.LittleEndian.PutUint16(entry, binary.LittleEndian.Uint16(entry)+sign*uint16(i))
	}
}
