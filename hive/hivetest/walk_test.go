package hivetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// walker checks a hive in the plainest way there is, to prove that the builder
// builds what it says and that mutations break what they say. It knows most of
// the rules and cares for neither speed nor good messages.
type walker struct {
	data      []byte
	minor     uint32
	binsSize  uint32
	found     map[int][]string
	allocated map[uint32]uint32 // offset to size
	owners    map[uint32]int
	ring      map[uint32]bool
	users     map[uint32]int
}

// walk returns what it found, by rule. Rule 0 is a panic: something could not
// be read at all.
func walk(data []byte) (found map[int][]string) {
	w := &walker{
		data: data, found: map[int][]string{}, allocated: map[uint32]uint32{},
		owners: map[uint32]int{}, ring: map[uint32]bool{}, users: map[uint32]int{},
	}
	defer func() {
		if r := recover(); r != nil {
			w.add(0, "%v", r)
		}
		found = w.found
	}()
	if !w.header() {
		return w.found
	}
	w.bins()
	root := w.header32(AtRootCell)
	if w.allocated[root] == 0 || !bytes.HasPrefix(w.cell(root), []byte("nk")) || root >= binary.LittleEndian.Uint32(data[BaseBlockSize+8:]) {
		w.add(7, "root at %#x", root)
		return w.found
	}
	w.securities(w.u32(root, NodeSecurity))
	w.own(root)
	w.key(root, root, 1)
	w.counts()
	return w.found
}

func (w *walker) add(rule int, format string, args ...any) {
	w.found[rule] = append(w.found[rule], fmt.Sprintf(format, args...))
}

func (w *walker) header32(at int) uint32 { return binary.LittleEndian.Uint32(w.data[at:]) }
func (w *walker) u32(cell uint32, at int) uint32 {
	return binary.LittleEndian.Uint32(w.cell(cell)[at:])
}
func (w *walker) u16(cell uint32, at int) uint16 {
	return binary.LittleEndian.Uint16(w.cell(cell)[at:])
}
func (w *walker) signature(cell uint32) string { return string(w.cell(cell)[:2]) }
func (w *walker) cell(off uint32) []byte {
	start := BaseBlockSize + int(off)
	end := start + int(w.allocated[off])
	return w.data[start+cellHeader(w.minor) : end : end]
}

func (w *walker) header() bool {
	if len(w.data) < 8192 || string(w.data[:4]) != "regf" || w.header32(AtMajor) != 1 || w.header32(AtType) != 0 || w.header32(AtFormat) != 1 {
		w.add(1, "not a hive")
		if len(w.data) < 8192 || string(w.data[:4]) != "regf" {
			return false
		}
	}
	w.minor, w.binsSize = w.header32(AtMinor), w.header32(AtBinsSize)
	checks := map[int]bool{
		2: w.minor <= 6,
		3: Checksum(w.data) == w.header32(AtChecksum),
		4: w.header32(AtSequence1) == w.header32(AtSequence2),
		5: w.header32(AtCluster) == 1,
		6: w.binsSize > 0 && w.binsSize%4096 == 0 && w.binsSize < 1<<31 && 4096+int64(w.binsSize) <= int64(len(w.data)),
		8: bytes.Equal(w.data[AtTimestamp:AtTimestamp+8], w.data[BaseBlockSize+20:BaseBlockSize+28]),
		9: string(w.data[0xA4:0xA8]) != "rmtm" || w.header32(AtFlags)&^3 == 0,
	}
	for rule, holds := range checks {
		if !holds {
			w.add(rule, "header")
		}
	}
	return w.found[6] == nil && w.found[2] == nil
}

func (w *walker) bins() {
	unit := uint32(8)
	if w.minor < 2 {
		unit = 16
	}
	for off := uint32(0); off < w.binsSize; {
		bin := w.data[BaseBlockSize+off:]
		size := binary.LittleEndian.Uint32(bin[8:])
		if string(bin[:4]) != "hbin" || binary.LittleEndian.Uint32(bin[4:]) != off || size == 0 || size%4096 != 0 || size > w.binsSize-off {
			w.add(10, "bin at %#x", off)
			return
		}
		previous, free := uint32(NIL), false
		for at := off + BinHeaderSize; at < off+size; {
			n := int64(int32(binary.LittleEndian.Uint32(w.data[BaseBlockSize+at:])))
			length := max(n, -n)
			if length < int64(unit) || length%int64(unit) != 0 || int64(at)+length > int64(off+size) {
				w.add(11, "cell at %#x has size %d", at, n)
				break
			}
			if w.minor < 2 && binary.LittleEndian.Uint32(w.data[BaseBlockSize+at+4:]) != previous {
				w.add(11, "old cell at %#x", at)
			}
			if n > 0 && free {
				w.add(12, "free cells at %#x", at)
			}
			if n < 0 {
				w.allocated[at] = uint32(length)
				if length > 16384 && (length&(length-1) != 0 || length > 1<<20) {
					w.add(13, "cell at %#x of %d", at, length)
				}
			}
			free, previous = n > 0, at-off
			at += uint32(length)
		}
		off += size
	}
}

// own notes the owner of a cell and says whether the cell can be read.
func (w *walker) own(off uint32) bool {
	if w.allocated[off] == 0 {
		w.add(14, "offset %#x", off)
		return false
	}
	w.owners[off]++
	if w.owners[off] > 1 {
		w.add(15, "cell %#x", off)
		return false
	}
	return true
}

func (w *walker) securities(first uint32) {
	previous, off := uint32(NIL), first
	descriptors := map[string]bool{}
	for {
		if w.allocated[off] == 0 {
			w.add(14, "sk %#x", off)
			w.add(46, "sk %#x", off)
			return
		}
		if w.ring[off] || w.signature(off) != "sk" {
			w.add(46, "ring at %#x", off)
			return
		}
		w.ring[off] = true
		w.owners[off]++
		if previous != NIL && w.u32(off, SecurityPrevious) != previous {
			w.add(46, "blink of %#x", off)
		}
		length := w.u32(off, SecurityLength)
		if int64(SecurityDescriptor)+int64(length) > int64(len(w.cell(off))) {
			w.add(48, "length of %#x", off)
		} else {
			descriptor := w.cell(off)[SecurityDescriptor : SecurityDescriptor+length]
			if why := badDescriptor(descriptor); why != "" {
				w.add(48, "%#x: %s", off, why)
			}
			if descriptors[string(descriptor)] {
				w.add(49, "%#x", off)
			}
			descriptors[string(descriptor)] = true
		}
		previous, off = off, w.u32(off, SecurityNext)
		if off == first {
			if w.u32(first, SecurityPrevious) != previous {
				w.add(46, "blink of first")
			}
			return
		}
	}
}

func badDescriptor(d []byte) string {
	if len(d) < 20 || d[0] != 1 || binary.LittleEndian.Uint16(d[2:])&0x8000 == 0 {
		return "header"
	}
	sid := func(at uint32) bool {
		if at == 0 {
			return true
		}
		if uint64(at)+8 > uint64(len(d)) {
			return false
		}
		return d[at] == 1 && int(at)+8+4*int(d[at+1]) <= len(d)
	}
	if !sid(binary.LittleEndian.Uint32(d[4:])) || !sid(binary.LittleEndian.Uint32(d[8:])) {
		return "owner or group"
	}
	at := binary.LittleEndian.Uint32(d[16:])
	if uint64(at)+8 > uint64(len(d)) {
		return "acl"
	}
	acl := d[at:]
	size := int(binary.LittleEndian.Uint16(acl[2:]))
	if size < 8 || size > len(acl) {
		return "acl size"
	}
	acl = acl[:size]
	count, aces := int(binary.LittleEndian.Uint16(acl[4:])), acl[8:]
	for range count {
		if len(aces) < 16 {
			return "ace"
		}
		n := int(binary.LittleEndian.Uint16(aces[2:]))
		if n < 16 || n > len(aces) || 16+4*int(aces[9]) > n {
			return "ace size"
		}
		aces = aces[n:]
	}
	return ""
}

// key walks one key and returns its name and its class length for the maxima
// of its parent.
func (w *walker) key(off, parent uint32, depth int) (name []uint16, class int, ok bool) {
	node := w.cell(off)
	if w.signature(off) != "nk" || len(node) < NodeName {
		w.add(17, "nk %#x", off)
		return nil, 0, false
	}
	flags, length := w.u16(off, NodeFlags), int(w.u16(off, NodeNameLength))
	if length == 0 || NodeName+length > len(node) {
		w.add(17, "nk %#x: name of %d", off, length)
		return nil, 0, false
	}
	name = w.name(off, node[NodeName:NodeName+length], flags&KeyCompName != 0)
	if len(node) > 0x45C+4 || len(name) > 255 {
		w.add(18, "nk %#x", off)
	}
	isRoot := depth == 1
	if !isRoot && w.u32(off, NodeParent) != parent {
		w.add(19, "nk %#x", off)
	}
	if flags&(KeyVolatile|KeyHiveExit) != 0 || !isRoot && flags&KeyHiveEntry != 0 {
		w.add(23, "nk %#x", off)
	}
	if depth > 512 {
		w.add(32, "nk %#x", off)
		return name, 0, true
	}
	security := w.u32(off, NodeSecurity)
	w.users[security]++
	if !w.ring[security] {
		w.add(45, "nk %#x", off)
	}
	class = w.class(off)
	w.values(off, flags)
	w.subkeys(off, depth)
	return name, class, true
}

func (w *walker) name(off uint32, stored []byte, latin1 bool) []uint16 {
	var name []uint16
	wide := false
	if latin1 {
		for _, b := range stored {
			name = append(name, uint16(b))
		}
	} else {
		if len(stored)%2 != 0 {
			w.add(20, "nk %#x", off)
			stored = stored[:len(stored)-1]
		}
		for ; len(stored) > 0; stored = stored[2:] {
			unit := binary.LittleEndian.Uint16(stored)
			name, wide = append(name, unit), wide || unit > 0xFF
		}
		if !wide && w.minor > 1 {
			w.add(21, "nk %#x", off)
		}
	}
	for _, unit := range name {
		if unit == '\\' {
			w.add(22, "nk %#x", off)
		}
	}
	return name
}

func (w *walker) class(off uint32) int {
	class, length := w.u32(off, NodeClass), int(w.u16(off, NodeClassLength))
	if (class == NIL) != (length == 0) || length%2 != 0 {
		w.add(44, "nk %#x", off)
	}
	if class == NIL {
		return length
	}
	if w.own(class) && len(w.cell(class)) < length {
		w.add(44, "nk %#x", off)
	}
	return length
}

func (w *walker) subkeys(off uint32, depth int) {
	count, list := w.u32(off, NodeSubkeys), w.u32(off, NodeList)
	if (count == 0) != (list == NIL) {
		w.add(24, "nk %#x", off)
	}
	if list == NIL || !w.own(list) {
		return
	}
	var names [][]uint16
	total, maxName, maxClass := uint32(0), 0, 0
	kinds := map[string]bool{}
	for _, leaf := range w.leaves(list) {
		kind, n := w.signature(leaf), int(w.u16(leaf, 2))
		kinds[kind] = true
		width := map[string]int{"li": 4, "lf": 8, "lh": 8}[kind]
		if width == 0 || n == 0 {
			w.add(25, "list %#x", leaf)
			continue
		}
		if 4+n*width > len(w.cell(leaf)) {
			w.add(26, "list %#x", leaf)
			continue
		}
		if n > 1012 {
			w.add(31, "list %#x", leaf)
		}
		total += uint32(n)
		for i := range n {
			child := w.u32(leaf, 4+i*width)
			if !w.own(child) {
				continue
			}
			name, class, ok := w.key(child, off, depth+1)
			if !ok {
				continue
			}
			maxName, maxClass = max(maxName, 2*len(name)), max(maxClass, class)
			w.hint(kind, leaf, 4+i*width, name)
			if len(names) > 0 && compareUnits(names[len(names)-1], name) >= 0 {
				w.add(27, "list %#x entry %d", leaf, i)
			}
			names = append(names, name)
		}
	}
	if len(kinds) > 1 || kinds["lh"] && w.minor < 5 || kinds["lf"] && (w.minor < 3 || w.minor > 4) {
		w.add(30, "nk %#x", off)
	}
	if total != count {
		w.add(24, "nk %#x: %d for %d", off, count, total)
	}
	if int(w.u16(off, NodeMaxName)) < maxName || int(w.u32(off, NodeMaxClass)) < maxClass {
		w.add(50, "nk %#x", off)
	}
}

func (w *walker) hint(kind string, leaf uint32, at int, name []uint16) {
	if kind == "li" {
		return
	}
	stored := w.u32(leaf, at+4)
	text := FromUnits(name)
	hint := NameHint(text)
	switch {
	case kind == "lh" && stored != NameHash(text):
		w.add(28, "list %#x", leaf)
	case kind == "lf" && byte(stored) != 0 && stored != binary.LittleEndian.Uint32(hint[:]):
		w.add(29, "list %#x", leaf)
	}
}

func (w *walker) leaves(list uint32) []uint32 {
	if w.signature(list) != "ri" {
		return []uint32{list}
	}
	n := int(w.u16(list, 2))
	if 4+4*n > len(w.cell(list)) {
		w.add(26, "ri %#x", list)
		return nil
	}
	if n == 0 {
		w.add(25, "ri %#x", list)
	}
	var leaves []uint32
	for i := range n {
		leaf := w.u32(list, 4+4*i)
		if !w.own(leaf) {
			continue
		}
		if w.signature(leaf) == "ri" {
			w.add(25, "ri %#x", leaf)
			continue
		}
		leaves = append(leaves, leaf)
	}
	return leaves
}

func (w *walker) counts() {
	for off := range w.ring {
		if uint32(w.users[off]) != w.u32(off, SecurityReferences) {
			w.add(47, "sk %#x", off)
		}
	}
	for off := range w.allocated {
		if w.owners[off] == 0 {
			w.add(16, "cell %#x", off)
		}
	}
}
