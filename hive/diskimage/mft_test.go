package diskimage

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"www.velocidex.com/golang/go-ntfs/parser"
)

// A record that nothing uses, in the part of the MFT that record 0 describes.
const freeRecord = 16

// splitMFT moves the description of all but the first clusters of the MFT into
// another record, as Windows does where the table is in many fragments.
func (e *volumeEdit) splitMFT() {
	first := e.ntfs.mft.runs[0]
	keep := int64(48) // clusters, up to record 23
	require.Greater(e.t, first.count, keep)
	var rest []byte
	e.record(recordMFT, func(b []byte) {
		data := bytes.Clone(attributeIn(e.t, b, typeData))
		highest := binary.LittleEndian.Uint64(data[24:])
		rest = partOf(data, uint64(keep), highest, e.ntfs.mft.runs, keep)
		head := partOf(data, 0, uint64(keep)-1, []run{{0, first.lcn, keep}}, 0)
		at := int(binary.LittleEndian.Uint16(b[recordAttributes:]))
		standard, name, bitmap := attributeIn(e.t, b, typeStandard), attributeIn(e.t, b, 0x30), attributeIn(e.t, b, typeBitmap)
		list := listOf([][]byte{standard, name, head, rest, bitmap}, freeRecord)
		all := bytes.Join([][]byte{standard, list, name, head, bitmap, {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}}, nil)
		copy(b[at:], all)
		put32(b, recordUsed, uint32(at+len(all)))
	})
	at := e.ntfs.mft.place(e.ntfs.geometry, freeRecord*e.ntfs.recordSize)
	base := e.data[e.ntfs.mft.place(e.ntfs.geometry, 0):][:e.ntfs.recordSize]
	free := bytes.Clone(base)
	copy(e.data[at:], free)
	e.block(at, e.ntfs.recordSize, "FILE", func(b []byte) {
		first := int(binary.LittleEndian.Uint16(b[recordAttributes:]))
		put64(b, recordBase, uint64(binary.LittleEndian.Uint16(b[recordSequence:]))<<48)
		put32(b, 44, freeRecord)
		all := append(bytes.Clone(rest), 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0)
		copy(b[first:], all)
		put32(b, recordUsed, uint32(first+len(all)))
	})
}

// partOf is a part of an attribute from one cluster to another, with those of
// the runs that lie in it.
func partOf(attribute []byte, lowest, highest uint64, runs []run, from int64) []byte {
	part := bytes.Clone(attribute[:nonResidentHeader])
	put64(part, 16, lowest)
	put64(part, 24, highest)
	put16(part, 32, nonResidentHeader)
	if lowest > 0 {
		part[14]++ // another instance
	}
	before := int64(0)
	for _, r := range runs {
		if skip := from - r.vcn; skip > 0 {
			r.lcn, r.count = r.lcn+skip, r.count-skip
		}
		part = append(part, 0x44)
		part = binary.LittleEndian.AppendUint32(part, uint32(r.count))
		part = binary.LittleEndian.AppendUint32(part, uint32(r.lcn-before))
		before = r.lcn
	}
	part = append(part, make([]byte, 8-len(part)%8)...)
	put32(part, 4, uint32(len(part)))
	return part
}

// listOf is a list of attributes, all of which are in record 0, but the one that
// does not begin with its first cluster.
func listOf(attributes [][]byte, other int64) []byte {
	list := make([]byte, residentHeader)
	for _, a := range attributes {
		entry := make([]byte, 32)
		copy(entry, a[:4])
		put16(entry, listLength, 32)
		entry[listNameOffset] = listEntry
		put64(entry, listReference, 1<<48)
		if a[8] != 0 {
			copy(entry[listLowest:], a[16:24])
			if binary.LittleEndian.Uint64(a[16:]) > 0 {
				put64(entry, listReference, 1<<48|uint64(other))
			}
		}
		copy(entry[listInstance:], a[14:16])
		list = append(list, entry...)
	}
	put32(list, 0, typeList)
	put32(list, 4, uint32(len(list)))
	put16(list, 14, 0x50)
	put32(list, 16, uint32(len(list)-residentHeader))
	put16(list, 20, residentHeader)
	return list
}

// TestSplitMFT: a table of file records that is described in several of them is
// read, by this package as by go-ntfs.
func TestSplitMFT(t *testing.T) {
	e := smallVolume(t)
	e.splitMFT()
	n := e.open()
	require.Equal(t, e.ntfs.mft.runs[0].lcn, n.mft.runs[0].lcn)
	require.Equal(t, e.ntfs.mft.next(), n.mft.next())
	require.NoError(t, examine(e.data, namesInLarge))
	require.Equal(t, readAll(t, e.ntfs, smallHive), readAll(t, n, smallHive))
	theirs, err := parser.GetNTFSContext(bytes.NewReader(e.data), 0)
	require.NoError(t, err)
	root, err := theirs.GetMFT(recordRoot)
	require.NoError(t, err)
	(&opinion{t: t, ours: n, theirs: theirs}).folder(".", root)
}

// TestSplitMFTWrong: a table whose description leads nowhere, or to itself.
func TestSplitMFTWrong(t *testing.T) {
	for name, change := range map[string]func(list []byte){
		"record behind what is known": func(list []byte) { put64(list[3*32:], listReference, 1<<48|500) },
		"record that is its own part": func(list []byte) { put64(list[3*32:], listReference, 1<<48) },
		"another file":                func(list []byte) { put64(list[3*32:], listReference, recordRoot) },
		"gap between the parts":       func(list []byte) { put64(list[3*32:], listLowest, 49) },
		"parts in the wrong order": func(list []byte) {
			head := bytes.Clone(list[2*32 : 3*32])
			copy(list[2*32:], list[3*32:4*32])
			copy(list[3*32:], head)
		},
		"part that comes twice": func(list []byte) { copy(list[3*32:4*32], list[2*32:]) },
	} {
		t.Run(name, func(t *testing.T) {
			e := smallVolume(t)
			e.splitMFT()
			e.attribute(recordMFT, typeList, func(a []byte) { change(valueOf(a)) })
			bounded(t, func() { require.ErrorIs(t, examine(e.data, namesInLarge), ErrCorrupt) })
		})
	}
}
