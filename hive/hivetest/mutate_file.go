package hivetest

import (
	"encoding/binary"
)

// whole replaces the file.
func whole(data func(*Image) []byte) func(*Image) []Span {
	return func(image *Image) []Span {
		image.Data = data(image)
		return nil
	}
}

func fileMutations() []Mutation {
	return []Mutation{
		fault("file-empty", 1, whole(func(*Image) []byte { return []byte{} })).cascade(),
		fault("file-of-100-bytes", 1, whole(func(i *Image) []byte { return i.Data[:100] })).cascade(),
		fault("file-of-a-base-block", 1, whole(func(i *Image) []byte { return i.Data[:BaseBlockSize] })).or(6).cascade(),
		fault("file-of-text", 1, whole(func(*Image) []byte {
			text := make([]byte, 0, 16384)
			for len(text) < 16384 {
				text = append(text, "Windows Registry Editor Version 5.00\r\n"...)
			}
			return text
		})).cascade(),
		fault("file-of-zeros", 1, whole(func(*Image) []byte { return make([]byte, 16384) })).cascade(),
		fault("file-is-a-new-log", 1, whole(func(*Image) []byte { return DirtyWindows10().Log2 })).cascade(),
		fault("file-is-an-old-log", 1, whole(func(*Image) []byte { return DirtyOld().Log1 })).cascade(),
		fault("file-cut-inside-a-bin", 6, whole(func(i *Image) []byte { return i.Data[:FileOffset(i.BinsSize())-1000] })).cascade(),
		fault("file-cut-between-bins", 6, whole(func(i *Image) []byte {
			bins := i.Bins()
			return i.Data[:FileOffset(bins[len(bins)-2].Offset)]
		})).cascade(),
		fault("file-cut-after-the-first-bin", 6, whole(func(i *Image) []byte { return i.Data[:FileOffset(i.Bins()[1].Offset)] })).cascade(),
	}
}

func headerMutations() []Mutation {
	return []Mutation{
		fault("signature-wrong", 1, putHeader(0, 0x78676572)).cascade(),
		fault("major-version-2", 1, putHeader(AtMajor, 2)).cascade(),
		fault("major-version-0", 1, putHeader(AtMajor, 0)).cascade(),
		fault("type-of-an-old-log", 1, putHeader(AtType, TypeDirtLog)),
		fault("type-of-a-new-log", 1, putHeader(AtType, TypeHvLELog)),
		fault("format-0", 1, putHeader(AtFormat, 0)),
		fault("minor-version-7", 2, putHeader(AtMinor, 7)).cascade(),
		fault("checksum-wrong", 3, func(image *Image) []Span {
			image.Data[AtChecksum] ^= 0xFF
			return header()
		}),
		fault("checksum-of-other-bytes", 3, func(image *Image) []Span {
			image.Data[0x30] ^= 0xFF // a letter of the file name
			return header()
		}),
		fault("sequence-numbers-differ", 4, putHeader(AtSequence1, 1623)),
		fault("clustering-factor-0", 5, putHeader(AtCluster, 0)),
		fault("clustering-factor-8", 5, putHeader(AtCluster, 8)),
		fault("bins-size-0", 6, putHeader(AtBinsSize, 0)).cascade(),
		fault("bins-size-not-in-pages", 6, func(image *Image) []Span {
			image.SetHeader32(AtBinsSize, image.BinsSize()-512)
			return header()
		}).cascade(),
		fault("bins-size-beyond-file", 6, func(image *Image) []Span {
			image.SetHeader32(AtBinsSize, uint32(len(image.Data)))
			return header()
		}).cascade(),
		fault("bins-size-2-gib", 6, putHeader(AtBinsSize, 0x80000000)).cascade(),
		fault("bins-size-4-gib", 6, putHeader(AtBinsSize, 0xFFFFF000)).cascade(),
		fault("bins-size-cuts-bins-off", 14, func(image *Image) []Span {
			bins := image.Bins()
			image.SetHeader32(AtBinsSize, bins[len(bins)-2].Offset)
			return nil
		}).or(10).cascade(),
		fault("root-cell-nil", 7, putHeader(AtRootCell, NIL)).cascade(),
		fault("root-cell-beyond-bins", 7, func(image *Image) []Span {
			image.SetHeader32(AtRootCell, image.BinsSize()+0x20)
			return header()
		}).cascade(),
		fault("root-cell-unaligned", 7, putHeader(AtRootCell, 0x24)).cascade(),
		fault("root-cell-in-a-bin-header", 7, putHeader(AtRootCell, 0)).cascade(),
		fault("root-cell-is-no-key", 7, func(image *Image) []Span {
			sk := image.Key("").Security
			image.SetHeader32(AtRootCell, sk)
			return append(header(), image.spans(sk)...)
		}).cascade(),
		fault("root-cell-is-free", 7, func(image *Image) []Span {
			root := image.Key("").Node
			image.SetCellSize(root, -image.CellSize(root))
			return append(header(), image.spans(root)...)
		}).or(14).cascade(),
		fault("root-in-the-second-bin", 7, func(image *Image) []Span {
			// the key lies where a reader finds it, only Windows looks no further than the first bin
			old := image.Key("").Node
			free, size := image.AddBin(PageSize), uint32(-image.CellSize(old))
			node := free.Offset
			image.SetCellSize(node, -int32(free.Size))
			image.split(node, size)
			copy(image.Cell(node), image.Cell(old))
			for _, name := range image.Key("").Subkeys {
				image.Put32(image.Key(name).Node, NodeParent, node)
			}
			image.Free(old)
			image.SetHeader32(AtRootCell, node)
			return append(header(), image.spans(node)...)
		}),
		fault("first-bin-timestamp-differs", 8, func(image *Image) []Span {
			binary.LittleEndian.PutUint64(image.Data[BaseBlockSize+20:], LastWritten)
			return []Span{{0, BaseBlockSize + BinHeaderSize}}
		}),
		fault("flags-unknown", 9, putHeader(AtFlags, 0x101)),
	}
}

func binMutations() []Mutation {
	const atOffset, atSize = 4, 8
	return []Mutation{
		fault("bin-signature-wrong", 10, putBin(1, 0, 0x6E696278)).cascade(),
		fault("bin-signature-wrong-in-the-first", 10, putBin(0, 0, 0)).cascade(),
		fault("bin-offset-wrong", 10, putBin(-1, atOffset, 0x5000)).cascade(),
		fault("bin-size-0", 10, putBin(1, atSize, 0)).cascade(),
		fault("bin-size-not-in-pages", 10, putBin(1, atSize, 0xFF8)).cascade(),
		fault("bin-size-beyond-bins", 10, putBin(-1, atSize, 0x00100000)).cascade(),
		fault("bin-size-huge", 10, putBin(1, atSize, 0xFFFFF000)).cascade(),
		fault("bin-size-hides-the-next", 11, func(image *Image) []Span {
			bins := image.Bins()
			first, second := bins[0], bins[1]
			binary.LittleEndian.PutUint32(image.Data[FileOffset(first.Offset)+atSize:], first.Size+second.Size)
			return []Span{{FileOffset(first.Offset), FileOffset(second.Offset + second.Size)}}
		}).or(10).cascade(),
	}
}

func cellMutations() []Mutation {
	const minimum = -1 << 31
	lastFree := func(image *Image) uint32 { return image.FreeCells()[len(image.FreeCells())-1].Offset }
	free := func(size func(old int32) int32) func(*Image) []Span {
		return func(image *Image) []Span {
			cell := lastFree(image)
			bin := image.binAt(cell)
			image.SetCellSize(cell, size(image.CellSize(cell)))
			return []Span{bin}
		}
	}
	data := func(size func(old int32) int32) func(*Image) []Span {
		return func(image *Image) []Span {
			cell := image.Value("HardwareConfig", "LastConfig").Data
			bin := image.binAt(cell)
			image.SetCellSize(cell, size(image.CellSize(cell)))
			return []Span{bin}
		}
	}
	return []Mutation{
		fault("free-cell-size-0", 11, free(func(int32) int32 { return 0 })),
		fault("free-cell-size-4", 11, free(func(int32) int32 { return 4 })),
		fault("free-cell-size-odd", 11, free(func(old int32) int32 { return old + 1 })),
		fault("free-cell-size-huge", 11, free(func(int32) int32 { return 0x7FFFFFF8 })),
		fault("free-cell-beyond-bin", 11, free(func(old int32) int32 { return old + 8 })),
		fault("cell-size-0", 11, data(func(int32) int32 { return 0 })).cascade(),
		fault("cell-size-odd", 11, data(func(old int32) int32 { return old - 1 })).cascade(),
		fault("cell-size-unaligned", 11, data(func(old int32) int32 { return old - 4 })).cascade(),
		fault("cell-size-minimum", 11, data(func(int32) int32 { return minimum })).cascade(),
		fault("cell-size-huge", 11, data(func(int32) int32 { return minimum + 8 })).cascade(),
		fault("cell-beyond-bin", 11, data(func(int32) int32 { return -PageSize })).cascade(),
		fault("free-cells-adjacent", 12, func(image *Image) []Span {
			cell := lastFree(image)
			where := image.spans(cell)
			size := image.CellSize(cell)
			image.SetCellSize(cell, 16)
			image.SetCellSize(cell+16, size-16)
			return where
		}),
		fault("big-cell-not-rounded", 13, func(image *Image) []Span {
			cell := image.Value("DISK", "Big").Data
			image.split(cell, 20008)
			return image.spans(cell)
		}).on(changed(NT4, func(hive *Hive) { hive.Key("DISK").SetValue(blob("Big", Noise(20000, 1))) })),
		fault("cell-unreferenced", 16, func(image *Image) []Span { return image.spans(image.Allocate(40)) }),
	}
}
