package diskimage

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// FuzzImage: no disk makes the reading of it panic, hang or give what a volume
// cannot have. The first input is what the disk begins with, a partition table
// or anything else. The second one changes single bytes of the small volume
// behind it: each five bytes are where, among the bytes that are not zero and
// their neighbours, and what.
func FuzzImage(f *testing.F) {
	small := imagetest.SmallVolume(f, "../..")
	used := usedBlocks(small)
	const gap = 64 * 512
	table := make([]byte, 512)
	putMBR(table, entryMBR{7, gap / 512, uint32(len(small) / 512)})
	f.Add(table, []byte{})
	f.Add(small[:512], []byte{0, 0, 0, 0, 1})
	extended := make([]byte, 1024)
	putMBR(extended, entryMBR{0x0F, 1, 10000})
	putMBR(extended[512:], entryMBR{7, gap/512 - 1, uint32(len(small) / 512)})
	f.Add(extended, []byte{})
	gpt := make([]byte, 1<<16)
	putGPT(gpt, 512, nil, entryGPT{basicData, 40, 60})
	f.Add(gpt[:34*512], []byte{})
	for at := range uint32(50) {
		f.Add(table, append(binary.LittleEndian.AppendUint32(nil, at*97), 0xFF))
	}
	f.Fuzz(func(t *testing.T, head, edits []byte) {
		disk := make(imagetest.Memory, gap+len(small))
		copy(disk[gap:], small)
		copy(disk[:gap], head)
		for ; len(edits) >= 5; edits = edits[5:] {
			at := int(binary.LittleEndian.Uint32(edits))
			disk[gap+used[at/512%len(used)]*512+at%512] = edits[4]
		}
		before := bytes.Clone(disk)
		_ = examine(disk, 30)
		require.True(t, bytes.Equal(before, disk), "reading has changed the disk")
		checkMaps(t, disk)
	})
}

// usedBlocks returns the numbers of the blocks of 512 bytes that are not zero.
func usedBlocks(volume []byte) []int {
	var used []int
	for i := range len(volume) / 512 {
		if !bytes.Equal(volume[i*512:][:512], make([]byte, 512)) {
			used = append(used, i)
		}
	}
	return used
}

// checkMaps: what can be changed in place lies on the volume, once, and is what
// is read.
func checkMaps(t *testing.T, disk Disk) {
	volumes, err := OpenDisk("disk", disk).Volumes()
	if err != nil {
		return
	}
	for _, v := range volumes {
		ntfs, err := v.OpenNTFS()
		if err != nil {
			continue
		}
		m, err := ntfs.Map(smallHive)
		if err != nil {
			continue
		}
		var data []byte
		for i, e := range m.Extents {
			require.Positive(t, e.Length)
			require.GreaterOrEqual(t, e.Offset, v.Offset)
			require.LessOrEqual(t, e.Offset+e.Length, v.Offset+v.Length)
			for _, other := range m.Extents[:i] {
				require.False(t, e.Offset < other.Offset+other.Length && other.Offset < e.Offset+e.Length, "extents overlap")
			}
			part := make([]byte, e.Length)
			_, err := disk.ReadAt(part, e.Offset)
			require.NoError(t, err)
			data = append(data, part...)
		}
		require.Equal(t, m.Size, int64(len(data)))
		require.True(t, bytes.Equal(readAll(t, ntfs, smallHive), data), "reading and the extents differ")
	}
}
