package txlog

import (
	"fmt"
	"math/bits"

	"hivepatch/hive/internal/regf"
)

// A log of the old format: in the second sector a signature and a bitmap with
// one bit for each 512 bytes of the hive bins data, lowest bit first; then, from
// the next whole sector on, the 512 bytes of each bit that is set.
const (
	bitmapSignature = "DIRT"
	bitmapOffset    = sectorSize + 4
	bitmapPage      = 512 // bytes of hive bins data for each bit
	bitmapUnit      = 8 * bitmapPage
)

// bitmapProblem says why what follows a log's header is no bitmap of dirty
// pages, or "".
func bitmapProblem(data []byte, header regf.BaseBlock) string {
	if len(data) < bitmapOffset || string(data[sectorSize:bitmapOffset]) != bitmapSignature {
		return fmt.Sprintf("signature at %#x is %q, want %q", sectorSize, data[sectorSize:min(len(data), bitmapOffset)], bitmapSignature)
	}
	if problem := binsSizeProblem(header.BinsSize()); problem != "" {
		return fmt.Sprintf("size of the hive bins data, %#x, %s", header.BinsSize(), problem)
	}
	if length := header.BinsSize() / bitmapUnit; uint64(length) > uint64(len(data)-bitmapOffset) {
		return fmt.Sprintf("bitmap at %#x: %d bytes for %#x bytes of hive bins data, but the log ends after %d",
			bitmapOffset, length, header.BinsSize(), len(data)-bitmapOffset)
	}
	return ""
}

// readBitmap reads the dirty pages of a log that bitmapProblem has passed. The
// entry is without pages when they are not all there.
func readBitmap(log Log, header regf.BaseBlock) (Entry, Stop) {
	bitmap := log.Data[bitmapOffset : bitmapOffset+header.BinsSize()/bitmapUnit]
	start := (bitmapOffset + len(bitmap) + sectorSize - 1) / sectorSize * sectorSize
	count := 0
	for _, b := range bitmap {
		count += bits.OnesCount8(b)
	}
	entry := Entry{
		Log:        log.Name,
		FileOffset: sectorSize,
		Sequence:   header.Sequence1(),
		Flags:      header.Flags(),
		BinsSize:   header.BinsSize(),
	}
	have := max(0, len(log.Data)-start) / bitmapPage
	switch {
	case count == 0:
		return entry, Stop{Offset: bitmapOffset, Reason: "no page is marked dirty"}
	case count > have:
		return entry, Stop{Offset: int64(start), Torn: true, Reason: fmt.Sprintf("%d dirty pages are marked, but the log holds only %d", count, have)}
	}
	entry.Pages = bitmapPages(bitmap, log.Data[start:])
	return entry, Stop{Offset: int64(start + count*bitmapPage), Reason: "end of the dirty pages"}
}

// bitmapPages returns the pages of the bits that are set. What is contiguous in
// the hive is contiguous in the log too and makes one page.
func bitmapPages(bitmap, data []byte) []Page {
	var pages []Page
	run := 0 // bits of the run that ends before bit i
	flush := func(i int) {
		if run == 0 {
			return
		}
		size := run * bitmapPage
		pages = append(pages, Page{Offset: uint32(i-run) * bitmapPage, Data: data[:size:size]})
		data = data[size:]
		run = 0
	}
	for i := range len(bitmap) * 8 {
		if bitmap[i/8]>>(i%8)&1 == 1 {
			run++
		} else {
			flush(i)
		}
	}
	flush(len(bitmap) * 8)
	return pages
}
