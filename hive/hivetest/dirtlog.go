package hivetest

import (
	"bytes"
	"encoding/binary"
)

const sectorSize = 512

// DirtLog is a transaction log of the old format: one flush, as a bitmap of the
// 512-byte pages of the bins and the pages that it names.
type DirtLog struct {
	Type      uint32 // TypeDirtLog or TypeNTLog; 0 stands for TypeDirtLog
	Sequence  uint32 // of the log, in both fields
	Timestamp uint64
	Header    []byte // base block of the hive; the log's own fields are set by Bytes
	Bins      []byte // all bins as they will be
	Dirty     []bool // one for each 512-byte page of the bins
}

// DirtPages marks the pages that differ between two hives, in groups of eight
// as Windows tracks them. The first group always counts as dirty.
func DirtPages(before, after []byte) []bool {
	old, now := liveBins(before), liveBins(after)
	dirty := make([]bool, len(now)/sectorSize)
	for at := 0; at < len(now); at += PageSize {
		if at > 0 && at < len(old) && bytes.Equal(now[at:at+PageSize], old[at:at+PageSize]) {
			continue
		}
		for page := range PageSize / sectorSize {
			dirty[at/sectorSize+page] = true
		}
	}
	return dirty
}

// Bytes returns the file.
func (l DirtLog) Bytes() []byte {
	kind := l.Type
	if kind == 0 {
		kind = TypeDirtLog
	}
	data := logHeader(l.Header, kind, l.Sequence, uint32(len(l.Bins)))
	binary.LittleEndian.PutUint64(data[AtTimestamp:], l.Timestamp)
	FixChecksum(data)

	bitmap := make([]byte, len(l.Dirty)/8)
	for page, dirty := range l.Dirty {
		if dirty {
			bitmap[page/8] |= 1 << (page % 8)
		}
	}
	data = append(data, "DIRT"...)
	data = append(data, bitmap...)
	data = append(data, make([]byte, -len(data)&(sectorSize-1))...)
	for page, dirty := range l.Dirty {
		if dirty {
			data = append(data, l.Bins[page*sectorSize:(page+1)*sectorSize]...)
		}
	}
	return data
}
