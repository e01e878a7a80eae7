package diskimage

import (
	"encoding/binary"
	"fmt"

	"hivepatch/hive/internal/regf"
)

// entry is a name in a folder.
type entry struct {
	reference
	name string // WTF-8
}

// Offsets in the parts of an index. The root is an attribute in the folder's
// record; blocks beside it hold what does not fit in there. The order of the
// blocks is that of a B-tree, which does not matter to a reader of all names:
// reading them one after the other, no name leads anywhere, and none to a loop.
const (
	rootHeader     = 16 // of the index, in its root
	blockCluster   = 16 // number of a block, in a block
	blockHeader    = 24 // of the index, in a block
	headerEntries  = 0  // in the header of an index
	headerUsed     = 4
	headerSize     = 16
	entryLength    = 8 // in an entry
	entryKeyLength = 10
	entryFlags     = 12
	entryKey       = 16
	entryLast      = 2 // flag
	nameLength     = 64
	nameSpace      = 65
	nameUnits      = 66
	spaceDOS       = 2 // a name of eight and three characters beside a longer one
)

// eachName calls visit for each name in a folder until it returns false. Names
// that no path can have are left out.
func (n *NTFS) eachName(folder *record, visit func(entry) bool) error {
	if !folder.folder {
		return folder.wrong("it is no folder")
	}
	root, err := n.stream(folder, typeIndexRoot, folderIndex)
	if err != nil {
		return err
	}
	if root == nil || !root.resident || len(root.value) < rootHeader+headerSize {
		return folder.wrong("the folder has no index root")
	}
	if size := int64(binary.LittleEndian.Uint32(root.value[8:])); size != n.indexSize {
		return folder.wrong("an index block has %d bytes, expected %d", size, n.indexSize)
	}
	more, err := folder.eachEntry(root.value[rootHeader:], folder.at, visit)
	if err != nil || !more {
		return err
	}
	return n.eachBlock(folder, visit)
}

// eachBlock visits the names in the blocks of an index that are in use.
func (n *NTFS) eachBlock(folder *record, visit func(entry) bool) error {
	blocks, err := n.stream(folder, typeIndexBlocks, folderIndex)
	if err != nil || blocks == nil {
		return err
	}
	if blocks.resident || blocks.flags&(flagCompressed|flagEncrypted|flagSparse) != 0 {
		return folder.wrong("the blocks of its index have the flags %#x", blocks.flags)
	}
	bitmap, err := n.indexBitmap(folder, blocks.size/n.indexSize)
	if err != nil {
		return err
	}
	block := make([]byte, n.indexSize)
	for i := range blocks.size / n.indexSize {
		if bitmap[i/8]>>(i%8)&1 == 0 {
			continue
		}
		at, err := n.readStream(blocks, block, i*n.indexSize)
		if err != nil {
			return err
		}
		more, err := n.eachInBlock(folder, block, i, at, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// indexBitmap reads which blocks of an index are in use.
func (n *NTFS) indexBitmap(folder *record, blocks int64) ([]byte, error) {
	s, err := n.stream(folder, typeBitmap, folderIndex)
	if err != nil {
		return nil, err
	}
	need := (blocks + 7) / 8
	if s == nil || s.size < need || need > mostWork/n.indexSize {
		return nil, folder.wrong("its index has %d blocks, and no bitmap that fits", blocks)
	}
	bitmap := make([]byte, need)
	_, err = n.readStream(s, bitmap, 0)
	return bitmap, err
}

func (n *NTFS) eachInBlock(folder *record, block []byte, i, at int64, visit func(entry) bool) (bool, error) {
	if err := applyFixups(block, "INDX", at); err != nil {
		return false, err
	}
	// Blocks smaller than a cluster are counted in units of 512 bytes.
	unit := n.cluster
	if n.indexSize < unit {
		unit = fixupStride
	}
	if number := binary.LittleEndian.Uint64(block[blockCluster:]); number != uint64(i*n.indexSize/unit) {
		return false, &FormatError{Off: at, Struct: "INDX record", Msg: fmt.Sprintf("it says that it is at cluster %d, expected %d", number, i*n.indexSize/unit)}
	}
	return folder.eachEntry(block[blockHeader:], at, visit)
}

// eachEntry visits the names behind the header of an index.
func (r *record) eachEntry(index []byte, at int64, visit func(entry) bool) (more bool, err error) {
	wrong := func(format string, a ...any) (bool, error) {
		return false, &FormatError{Off: at, Struct: fmt.Sprintf("index of file record %d", r.number), Msg: fmt.Sprintf(format, a...)}
	}
	first, used := binary.LittleEndian.Uint32(index[headerEntries:]), binary.LittleEndian.Uint32(index[headerUsed:])
	if first < headerSize || first > used || uint64(used) > uint64(len(index)) {
		return wrong("its entries go from %d to %d of %d", first, used, len(index))
	}
	for entries := index[first:used]; ; {
		if len(entries) < entryKey {
			return wrong("its entries have no end")
		}
		length := int(binary.LittleEndian.Uint16(entries[entryLength:]))
		if length < entryKey || length%8 != 0 || length > len(entries) {
			return wrong("an entry has %d bytes, %d are left", length, len(entries))
		}
		if entries[entryFlags]&entryLast != 0 {
			return true, nil
		}
		e, listed, err := parseEntry(entries[:length])
		if err != nil {
			return wrong("%s", err)
		}
		if listed && !visit(e) {
			return false, nil
		}
		entries = entries[length:]
	}
}

// parseEntry reads an entry. It reports whether the name is one of a path.
func parseEntry(b []byte) (e entry, listed bool, err error) {
	key := b[entryKey:]
	if length := int(binary.LittleEndian.Uint16(b[entryKeyLength:])); length < nameUnits || length > len(key) {
		return e, false, fmt.Errorf("a name has %d bytes with what belongs to it, %d are left", length, len(key))
	} else {
		key = key[:length]
	}
	end := nameUnits + 2*int(key[nameLength])
	if end > len(key) {
		return e, false, fmt.Errorf("a name of %d units ends at %d of %d", key[nameLength], end, len(key))
	}
	units := make([]uint16, key[nameLength])
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(key[nameUnits+2*i:])
		if units[i] == 0 || units[i] == '/' || units[i] == '\\' {
			return e, false, nil
		}
	}
	e.reference, e.name = parseReference(b), regf.StringFromUnits(units)
	return e, key[nameSpace] != spaceDOS && e.name != "" && e.name != "." && e.name != "..", nil
}
