package diskimage

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// entryMBR is an entry of a boot record.
type entryMBR struct {
	kind         byte
	start, count uint32 // sectors
}

// putMBR writes a boot record into a sector.
func putMBR(sector []byte, entries ...entryMBR) {
	for i, e := range entries {
		b := sector[mbrEntries+i*mbrEntrySize:]
		b[4] = e.kind
		put32(b, 8, e.start)
		put32(b, 12, e.count)
	}
	copy(sector[510:], "\x55\xaa")
}

// entryGPT is an entry of a GUID partition table.
type entryGPT struct {
	kind        string // 16 bytes, as they are stored
	first, last uint64 // sectors
}

var basicData = guidBytes(0xebd0a0a2, 0xb9e5, 0x4433, "\x87\xc0\x68\xb6\xb7\x26\x99\xc7")

func guidBytes(a uint32, b, c uint16, rest string) string {
	raw := binary.LittleEndian.AppendUint32(nil, a)
	raw = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(raw, b), c)
	return string(raw) + rest
}

// putGPT writes both copies of a table, with the change to each header before
// its checksum is made.
func putGPT(disk []byte, sector int, change func(header []byte), entries ...entryGPT) {
	putMBR(disk, entryMBR{typeProtective, 1, 0xFFFFFFFF})
	last := len(disk)/sector - 1
	array := make([]byte, 128*gptEntrySize)
	for i, e := range entries {
		b := array[i*gptEntrySize:]
		copy(b, e.kind)
		put64(b, 32, e.first)
		put64(b, 40, e.last)
	}
	for _, at := range []struct{ header, array int }{{1, 2}, {last, last - len(array)/sector}} {
		copy(disk[at.array*sector:], array)
		h := disk[at.header*sector:][:512]
		copy(h, gptSignature)
		put32(h, 8, 0x10000)
		put32(h, 12, gptHeaderSize)
		put64(h, 24, uint64(at.header))
		put64(h, 40, uint64(2+len(array)/sector))
		put64(h, 48, uint64(last-1-len(array)/sector))
		put64(h, 72, uint64(at.array))
		put32(h, 80, 128)
		put32(h, 84, gptEntrySize)
		put32(h, 88, crc32.ChecksumIEEE(array))
		if change != nil {
			change(h)
		}
		put32(h, 16, 0)
		put32(h, 16, crc32.ChecksumIEEE(h[:gptHeaderSize]))
	}
}

const diskSize = 4 << 20

// mbrDisk has a primary partition and an extended one with two logical ones.
func mbrDisk() imagetest.Memory {
	disk := make(imagetest.Memory, diskSize)
	putMBR(disk, entryMBR{7, 64, 1000}, entryMBR{}, entryMBR{0x0F, 2000, 4000})
	putMBR(disk[2000*512:], entryMBR{7, 64, 1000}, entryMBR{5, 2000, 2000})
	putMBR(disk[4000*512:], entryMBR{0x0B, 64, 1000})
	return disk
}

func gptDisk(sector int) imagetest.Memory {
	disk := make(imagetest.Memory, diskSize)
	putGPT(disk, sector, nil, entryGPT{basicData, 100, 199}, entryGPT{}, entryGPT{basicData, 200, 299})
	return disk
}

func TestTables(t *testing.T) {
	layout, err := OpenDisk("disk", mbrDisk()).Layout()
	require.NoError(t, err)
	require.Equal(t, &Layout{Table: MBR, SectorSize: 512, Partitions: []Partition{
		{1, 64 * 512, 1000 * 512, "0x07"},
		{5, 2064 * 512, 1000 * 512, "0x07"},
		{6, 4064 * 512, 1000 * 512, "0x0b"},
	}}, layout)
	for _, sector := range []int{512, 4096} {
		want := &Layout{Table: GPT, SectorSize: int64(sector), Partitions: []Partition{
			{1, int64(100 * sector), int64(100 * sector), "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"},
			{3, int64(200 * sector), int64(100 * sector), "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"},
		}}
		disk := gptDisk(sector)
		layout, err = OpenDisk("disk", disk).Layout()
		require.NoError(t, err)
		require.Equal(t, want, layout)
		disk[2*sector]++ // an entry that the checksum does not fit
		layout, err = OpenDisk("disk", disk).Layout()
		require.NoError(t, err)
		require.NotEmpty(t, layout.Warning)
		layout.Warning = ""
		require.Equal(t, want, layout)
		clear(disk[sector:][:512])
		layout, err = OpenDisk("disk", disk).Layout()
		require.NoError(t, err)
		require.NotEmpty(t, layout.Warning)
	}
}

// TestOldTable: the end of a disk may still have a table that was replaced.
func TestOldTable(t *testing.T) {
	disk := gptDisk(512)
	clear(disk[:100*512])
	_, err := OpenDisk("disk", disk).Layout()
	require.ErrorIs(t, err, ErrNoTable)
	putMBR(disk, entryMBR{7, 64, 1000})
	layout, err := OpenDisk("disk", disk).Layout()
	require.NoError(t, err)
	require.Equal(t, MBR, layout.Table)
}

// TestHostileTables: tables that cannot be are refused.
func TestHostileTables(t *testing.T) {
	for name, change := range map[string]func(d imagetest.Memory){
		"partition behind the end":           func(d imagetest.Memory) { putMBR(d, entryMBR{7, 9000, 1000}) },
		"partition that ends behind the end": func(d imagetest.Memory) { putMBR(d, entryMBR{7, 8000, 193}) },
		"largest numbers":                    func(d imagetest.Memory) { putMBR(d, entryMBR{7, 0xFFFFFFFF, 0xFFFFFFFF}) },
		"partitions overlap by one":          func(d imagetest.Memory) { putMBR(d, entryMBR{7, 64, 1000}, entryMBR{7, 1063, 10}) },
		"one partition in another":           func(d imagetest.Memory) { putMBR(d, entryMBR{7, 64, 1000}, entryMBR{7, 100, 10}) },
		"logical partition over a primary":   func(d imagetest.Memory) { putMBR(d, entryMBR{7, 2000, 200}) },
		"chain to itself":                    func(d imagetest.Memory) { putMBR(d[2000*512:], entryMBR{7, 64, 1000}, entryMBR{5, 0, 2000}) },
		"chain back to the first":            func(d imagetest.Memory) { putMBR(d[4000*512:], entryMBR{7, 64, 1000}, entryMBR{5, 0, 2000}) },
		"chain out of the extended":          func(d imagetest.Memory) { putMBR(d[2000*512:], entryMBR{7, 64, 1000}, entryMBR{5, 4000, 2000}) },
		"chain to what is no record":         func(d imagetest.Memory) { putMBR(d[2000*512:], entryMBR{7, 64, 1000}, entryMBR{5, 3000, 2000}) },
		"link that is a partition":           func(d imagetest.Memory) { putMBR(d[2000*512:], entryMBR{7, 64, 1000}, entryMBR{7, 2000, 2000}) },
		"logical out of the extended":        func(d imagetest.Memory) { putMBR(d[4000*512:], entryMBR{7, 64, 3000}) },
		"a chain of 4000 records": func(d imagetest.Memory) {
			for i := range 4000 {
				putMBR(d[(2000+i)*512:], entryMBR{}, entryMBR{5, uint32(i + 1), 1})
			}
		},
	} {
		t.Run("MBR, "+name, func(t *testing.T) {
			disk := mbrDisk()
			change(disk)
			_, err := OpenDisk("disk", disk).Layout()
			require.ErrorIs(t, err, ErrCorrupt)
			t.Log(err)
		})
	}
	for name, c := range map[string]struct {
		header  func(h []byte)
		entries []entryGPT
	}{
		"partitions overlap by one":          {nil, []entryGPT{{basicData, 100, 200}, {basicData, 200, 299}}},
		"partition ends before it begins":    {nil, []entryGPT{{basicData, 200, 199}}},
		"partition behind the end":           {nil, []entryGPT{{basicData, 100, 1 << 62}}},
		"partition over the table":           {nil, []entryGPT{{basicData, 0, 100}}},
		"129 partitions":                     {func(h []byte) { put32(h, 80, 1<<31) }, nil},
		"no entries":                         {func(h []byte) { put32(h, 80, 0) }, nil},
		"entries of no size":                 {func(h []byte) { put32(h, 84, 0) }, nil},
		"entries of 2 GiB":                   {func(h []byte) { put32(h, 84, 1<<31) }, nil},
		"entries behind the end":             {func(h []byte) { put64(h, 72, 1<<63) }, nil},
		"entries that go on behind the end":  {func(h []byte) { put64(h, 72, diskSize/512-1) }, nil},
		"header of another sector":           {func(h []byte) { put64(h, 24, 7) }, nil},
		"header of no size":                  {func(h []byte) { put32(h, 12, 0) }, nil},
		"header of 4 GiB":                    {func(h []byte) { put32(h, 12, 0xFFFFFFFF) }, nil},
		"checksum of the entries":            {func(h []byte) { put32(h, 88, 1) }, nil},
		"usable sectors from behind the end": {func(h []byte) { put64(h, 40, 1<<63) }, nil},
	} {
		t.Run("GPT, "+name, func(t *testing.T) {
			disk := make(imagetest.Memory, diskSize)
			putGPT(disk, 512, c.header, c.entries...)
			_, err := OpenDisk("disk", disk).Layout()
			require.ErrorIs(t, err, ErrCorrupt)
			t.Log(err)
		})
	}
	disk := make(imagetest.Memory, diskSize)
	putMBR(disk, entryMBR{typeProtective, 1, 0xFFFFFFFF})
	_, err := OpenDisk("disk", disk).Layout()
	require.ErrorIs(t, err, ErrCorrupt, "a GPT that is nowhere")
}

// TestShortDisks: no disk is too short to be told so.
func TestShortDisks(t *testing.T) {
	for size := range 1100 {
		disk := make(imagetest.Memory, size)
		_, err := OpenDisk("disk", disk).Layout()
		require.ErrorIs(t, err, ErrNoTable)
	}
}

func TestKinds(t *testing.T) {
	for want, c := range map[VolumeKind]struct {
		kind byte
		off  int
		mark string
	}{
		NTFSVolume:    {7, 3, "NTFS    "},
		BitLocker:     {7, 3, "-FVE-FS-"},
		ReFS:          {7, 3, "ReFS\x00\x00\x00\x00"},
		ExFAT:         {7, 3, "EXFAT   "},
		FAT:           {7, 82, "FAT32   "},
		Ext:           {0x83, 1024 + 56, "\x53\xef"},
		StorageSpaces: {7, 0, "SPACEDB "},
		DynamicDisk:   {typeDynamic, 3, "NTFS    "},
		UnknownVolume: {7, 0, "x"},
	} {
		disk := make(imagetest.Memory, diskSize)
		putMBR(disk, entryMBR{c.kind, 64, 1000})
		copy(disk[64*512+c.off:], c.mark)
		copy(disk[64*512+510:], "\x55\xaa")
		volumes, err := OpenDisk("disk", disk).Volumes()
		require.NoError(t, err)
		require.Len(t, volumes, 1)
		require.Equal(t, want, volumes[0].Kind)
		_, err = volumes[0].OpenNTFS()
		if want == NTFSVolume {
			require.ErrorIs(t, err, ErrCorrupt)
			continue
		}
		var kind *VolumeKindError
		require.ErrorAs(t, err, &kind)
		require.Contains(t, err.Error(), string(want))
	}
	for guid, want := range map[string]VolumeKind{
		guidBytes(0xaf9b60a0, 0x1431, 0x4f62, "\xbc\x68\x33\x11\x71\x4a\x69\xad"): DynamicDisk,
		guidBytes(0x5808c8aa, 0x7e8f, 0x42e0, "\x85\xd2\xe1\xe9\x04\x34\xcf\xb3"): DynamicDisk,
		guidBytes(0xe75caf8f, 0xf680, 0x4cee, "\xaf\xa3\xb0\x01\xe5\x6e\xfc\x2d"): StorageSpaces,
	} {
		disk := make(imagetest.Memory, diskSize)
		putGPT(disk, 512, nil, entryGPT{guid, 100, 199})
		volumes, err := OpenDisk("disk", disk).Volumes()
		require.NoError(t, err)
		require.Equal(t, want, volumes[0].Kind)
	}
}
