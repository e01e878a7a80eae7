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

// SmallDisk returns a disk with an MBR, in which the first partitions each hold a
// copy of SmallVolume; there are at most four.
func SmallDisk(t testing.TB, module string, partitions int) []byte {
	t.Helper()
	const sector, first, entries = 512, 64, 446 // bytes, sectors, bytes
	volume := SmallVolume(t, module)
	disk := make([]byte, first*sector, first*sector+partitions*len(volume))
	copy(disk[510:], "\x55\xAA")
	for i := range partitions {
		entry := disk[entries+16*i:]
		entry[4] = 7 // NTFS
		binary.LittleEndian.PutUint32(entry[8:], uint32(len(disk)/sector))
		binary.LittleEndian.PutUint32(entry[12:], uint32(len(volume)/sector))
		disk = append(disk, volume...)
	}
	return disk
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
