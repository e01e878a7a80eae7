package diskimage

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Bounds of what a boot sector may say. Windows makes clusters of 512 bytes to
// 2 MiB, records of 1024 or 4096 bytes, index blocks of 4096.
const (
	mostClusterSize = 2 << 20
	leastBlockSize  = 512
	mostRecordSize  = 4096
	mostIndexSize   = 64 << 10
)

// geometry is what the boot sector of an NTFS volume says. All sizes are in
// bytes and powers of two.
type geometry struct {
	base        int64 // where the volume begins, from the beginning of the disk
	sector      int64
	cluster     int64
	clusters    int64 // of the volume
	mft         int64 // cluster of the first file record
	recordSize  int64
	indexSize   int64
	partitioned int64 // bytes of the partition that the volume is in
}

func (g *geometry) wrong(format string, a ...any) error {
	return &FormatError{Off: g.base, Struct: "NTFS boot sector", Msg: fmt.Sprintf(format, a...)}
}

// parseBoot reads a boot sector. It returns a FormatError for numbers that are
// out of bounds or do not fit the partition.
func parseBoot(b []byte, p Partition) (*geometry, error) {
	g := &geometry{base: p.Offset, partitioned: p.Length}
	if kindOf(b) != NTFSVolume {
		return nil, g.wrong("it does not have the mark of NTFS")
	}
	g.sector = int64(binary.LittleEndian.Uint16(b[11:]))
	if !powerOfTwo(g.sector) || g.sector < 512 || g.sector > 4096 {
		return nil, g.wrong("a sector has %d bytes, expected 512 to 4096", g.sector)
	}
	if err := g.parseSize(b); err != nil {
		return nil, err
	}
	var err error
	if g.recordSize, err = g.blockSize("a file record", b[64], mostRecordSize); err != nil {
		return nil, err
	}
	g.indexSize, err = g.blockSize("an index block", b[68], mostIndexSize)
	return g, err
}

// parseSize reads the size of a cluster and of the volume, and where the MFT is.
func (g *geometry) parseSize(b []byte) error {
	perCluster := int64(b[13])
	if perCluster > 128 {
		perCluster = 1 << min(256-perCluster, 62) // a negative logarithm
	}
	if !powerOfTwo(perCluster) || perCluster > mostClusterSize/g.sector {
		return g.wrong("a cluster has %#x sectors of %d bytes, expected at most %d bytes", b[13], g.sector, mostClusterSize)
	}
	g.cluster = perCluster * g.sector
	sectors := binary.LittleEndian.Uint64(b[40:])
	if sectors == 0 || sectors > uint64(g.partitioned/g.sector) {
		return g.wrong("the volume has %d sectors, its partition has %d", sectors, g.partitioned/g.sector)
	}
	g.clusters = int64(sectors) / perCluster
	mft := binary.LittleEndian.Uint64(b[48:])
	if mft >= uint64(g.clusters) {
		return g.wrong("the MFT is at cluster %d, the volume has %d", mft, g.clusters)
	}
	g.mft = int64(mft)
	return nil
}

// blockSize reads the size of a record: in clusters, or as a negative logarithm
// of bytes.
func (g *geometry) blockSize(what string, stored byte, most int64) (int64, error) {
	size := int64(stored) * g.cluster
	if n := int8(stored); n < 0 {
		size = 1 << min(-int64(n), 62)
	}
	if !powerOfTwo(size) || size < leastBlockSize || size > most {
		return 0, g.wrong("the size of %s is given as %#x, which is %d bytes, expected %d to %d", what, stored, size, leastBlockSize, most)
	}
	return size, nil
}

func powerOfTwo(n int64) bool { return n > 0 && bits.OnesCount64(uint64(n)) == 1 }
