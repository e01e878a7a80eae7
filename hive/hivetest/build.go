package hivetest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Flags of a key record.
const (
	KeyVolatile     = 0x0001
	KeyHiveExit     = 0x0002
	KeyHiveEntry    = 0x0004
	KeyNoDelete     = 0x0008
	KeySymbolicLink = 0x0010
	KeyCompName     = 0x0020
	KeyPredefHandle = 0x0040
)

// Layer semantics in byte 13 of a key record.
const (
	LayerMerge          = 0
	LayerTombstone      = 1
	LayerSupersedeLocal = 2
	LayerSupersedeTree  = 3
	LayerInheritClass   = 0x80
)

// Offsets in a key record (nk).
const (
	NodeFlags           = 2
	NodeTime            = 4
	NodeAccess          = 12
	NodeLayer           = 13
	NodeParent          = 16
	NodeSubkeys         = 20
	NodeVolatile        = 24
	NodeList            = 28
	NodeVolatileList    = 32
	NodeValues          = 36
	NodeValueList       = 40
	NodeSecurity        = 44
	NodeClass           = 48
	NodeMaxName         = 52
	NodeUserFlags       = 54
	NodeMaxClass        = 56
	NodeMaxValueName    = 60
	NodeMaxValueData    = 64
	NodeNameLength      = 72
	NodeClassLength     = 74
	NodeName            = 76
	nodeSize            = 76
	defaultLeafCapacity = 507
)

// room is where a builder puts cells: a new layout, or an image that exists.
type room interface {
	// allocate returns the offset of a new cell for n bytes of data, all zero.
	allocate(n int) uint32
	// data returns the data of an allocated cell; it is good until the next
	// allocation.
	data(off uint32) []byte
}

// builder writes the records of one hive.
type builder struct {
	room
	minor      uint32
	image      *Image
	securities map[string]*SecurityPlace
	holes      []uint32
}

// Build lays the hive out. Cells lie in the order in which Windows would have
// made them when it created one key after the other, depth first. It panics
// when the literal cannot be stored: two siblings of one name, a name or a list
// that is too long.
func (h Hive) Build() *Image {
	l := &layout{minor: h.Minor}
	b := &builder{
		room:       l,
		minor:      h.Minor,
		image:      &Image{Keys: map[string]*KeyPlace{}},
		securities: map[string]*SecurityPlace{},
	}
	root := b.newNode(&h.Root)
	security := b.security(h.Root.Security, nil)
	b.key(&h.Root, "", root, root, security)
	b.linkSecurities()
	l.finish()

	b.image.Data = append(h.baseBlock(root, uint32(len(l.bins))), l.bins...)
	if h.Trailing > 0 {
		b.image.Data = append(b.image.Data, trailing(h.Trailing)...)
	}
	binary.LittleEndian.PutUint64(b.image.Data[BaseBlockSize+20:], h.Timestamp)
	if h.Minor < 2 {
		linkOldCells(b.image)
		return b.image
	}
	for _, hole := range b.holes {
		b.image.Free(hole)
	}
	return b.image
}

// trailing returns bytes without a zero among them, so that a test sees when
// one is overwritten.
func trailing(n int) []byte {
	data := Noise(n, 0x7A11)
	for i := range data {
		data[i] |= 1
	}
	return data
}

func (h Hive) baseBlock(root, binsSize uint32) []byte {
	block := make([]byte, BaseBlockSize)
	put := func(at int, n uint32) { binary.LittleEndian.PutUint32(block[at:], n) }
	if h.Sequence1 == 0 && h.Sequence2 == 0 {
		h.Sequence1, h.Sequence2 = 1, 1
	}
	copy(block[0x70:AtChecksum], h.Residue)
	copy(block, "regf")
	put(AtSequence1, h.Sequence1)
	put(AtSequence2, h.Sequence2)
	binary.LittleEndian.PutUint64(block[AtTimestamp:], h.Timestamp)
	put(AtMajor, 1)
	put(AtMinor, h.Minor)
	put(AtFormat, 1)
	put(AtRootCell, root)
	put(AtBinsSize, binsSize)
	put(AtCluster, 1)
	units := Units(h.FileName)
	copy(block[0x30:0x6E], utf16Bytes(units[max(0, len(units)-31):]))
	if h.Residue == nil {
		put(AtFlags, h.Flags)
		binary.LittleEndian.PutUint64(block[0xA8:], h.LastReorganize)
	}
	if h.RmID != [16]byte{} {
		copy(block[0x70:], h.RmID[:])
		copy(block[0x80:], h.RmID[:])
		copy(block[0x94:], h.TmID[:])
		copy(block[0xA4:], "rmtm")
	}
	FixChecksum(block)
	return block
}

func (b *builder) put32(cell uint32, at int, n uint32) {
	binary.LittleEndian.PutUint32(b.data(cell)[at:], n)
}

func (b *builder) put16(cell uint32, at int, n uint16) {
	binary.LittleEndian.PutUint16(b.data(cell)[at:], n)
}

// newNode allocates the record of a key and writes what depends on the key
// alone.
func (b *builder) newNode(key *Key) uint32 {
	name, latin1 := storedName(key.Name, key.WideName || b.minor < 2)
	if len(name) > 0xFFFF {
		panic(fmt.Sprintf("hivetest: key name of %d bytes", len(name)))
	}
	node := b.allocate(nodeSize + len(name))
	record := b.data(node)
	copy(record, "nk")
	flags := key.Flags
	if latin1 {
		flags |= KeyCompName
	}
	time := key.Time
	if time == 0 {
		time = LastWritten
	}
	binary.LittleEndian.PutUint16(record[NodeFlags:], flags)
	binary.LittleEndian.PutUint64(record[NodeTime:], time)
	record[NodeAccess] = key.AccessBits
	record[NodeLayer] = key.Layer
	record[NodeUserFlags] = key.UserFlags
	binary.LittleEndian.PutUint32(record[NodeVolatile:], key.VolatileCount)
	for _, at := range []int{NodeList, NodeVolatileList, NodeValueList, NodeClass} {
		binary.LittleEndian.PutUint32(record[at:], NIL)
	}
	if key.VolatileCount > 0 {
		binary.LittleEndian.PutUint32(record[NodeVolatileList:], 0x80000020)
	}
	binary.LittleEndian.PutUint16(record[NodeNameLength:], uint16(len(name)))
	copy(record[NodeName:], name)
	return node
}

// key writes everything that belongs to a key whose record has been allocated,
// then its subkeys.
func (b *builder) key(key *Key, path string, node, parent uint32, security *SecurityPlace) {
	place := &KeyPlace{Path: path, Node: node, List: NIL, Class: NIL, ValueList: NIL, Security: security.Cell}
	b.image.Keys[path] = place
	security.References++
	b.put32(node, NodeParent, parent)
	b.put32(node, NodeSecurity, security.Cell)
	if path == "" {
		b.put16(node, NodeFlags, binary.LittleEndian.Uint16(b.data(node)[NodeFlags:])|KeyHiveEntry|KeyNoDelete)
		b.put32(node, NodeParent, rootParent)
	}
	b.class(key, place)
	b.values(key, place)
	if key.Hole > 0 {
		b.holes = append(b.holes, b.allocate(key.Hole))
	}
	if len(key.Subkeys) == 0 {
		return
	}

	subkeys := sortedSubkeys(key)
	nodes := make([]uint32, len(subkeys))
	for i, subkey := range subkeys {
		nodes[i] = b.newNode(subkey)
		place.Subkeys = append(place.Subkeys, subkey.Name)
	}
	b.maxima(key, node)
	b.subkeyLists(key, place, nodes)
	for i, subkey := range subkeys {
		b.key(subkey, join(path, subkey.Name), nodes[i], node, b.security(subkey.Security, security))
	}
}

// rootParent is what real hives have as the parent of the root: nothing that
// means anything.
const rootParent = 0x7C0

func sortedSubkeys(key *Key) []*Key {
	type entry struct {
		upper []uint16
		key   *Key
	}
	entries := make([]entry, len(key.Subkeys))
	for i := range key.Subkeys {
		upper := Units(key.Subkeys[i].Name)
		for j := range upper {
			upper[j] = Upcase(upper[j])
		}
		entries[i] = entry{upper, &key.Subkeys[i]}
	}
	slices.SortFunc(entries, func(a, b entry) int { return slices.Compare(a.upper, b.upper) })
	sorted := make([]*Key, len(entries))
	for i, entry := range entries {
		if i > 0 && slices.Equal(entries[i-1].upper, entry.upper) {
			panic(fmt.Sprintf("hivetest: two subkeys %q of %q", entry.key.Name, key.Name))
		}
		sorted[i] = entry.key
	}
	return sorted
}

func (b *builder) class(key *Key, place *KeyPlace) {
	if key.Class == "" {
		return
	}
	class := utf16Bytes(Units(key.Class))
	place.Class = b.allocate(len(class))
	copy(b.data(place.Class), class)
	b.put32(place.Node, NodeClass, place.Class)
	b.put16(place.Node, NodeClassLength, uint16(len(class)))
}

// maxima stores the longest name and class among the subkeys.
func (b *builder) maxima(key *Key, node uint32) {
	name, class := 0, 0
	for i := range key.Subkeys {
		name = max(name, 2*len(Units(key.Subkeys[i].Name)))
		class = max(class, 2*len(Units(key.Subkeys[i].Class)))
	}
	b.put16(node, NodeMaxName, uint16(name))
	b.put32(node, NodeMaxClass, uint32(class))
}
