package regf

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// Lengths that leaves written here may grow to. Windows' own compaction makes
// leaves with hints or hashes just this long, which fill a page; it reads longer
// ones.
const (
	hashedLeafCapacity = 507  // lf and lh
	plainLeafCapacity  = 1012 // li
	rootCapacity       = 65535
)

const listHeader = 4 // bytes before the entries: signature and count

// leafKindOf is the kind of leaf that Windows makes in a version.
func leafKindOf(minor uint32) ListKind {
	switch {
	case minor >= 5:
		return ListLH
	case minor >= 3:
		return ListLF
	}
	return ListLI
}

// stride is the number of bytes of an entry.
func (k ListKind) stride() int {
	if k == ListLF || k == ListLH {
		return 8
	}
	return 4
}

func (k ListKind) capacity() int {
	switch k {
	case ListRI:
		return rootCapacity
	case ListLI:
		return plainLeafCapacity
	}
	return hashedLeafCapacity
}

// entry is what a leaf of that kind holds for a subkey.
func (k ListKind) entry(cell Offset, name Name) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 8), uint32(cell))
	switch k {
	case ListLF:
		hint := name.Hint()
		return append(b, hint[:]...)
	case ListLH:
		return binary.LittleEndian.AppendUint32(b, name.Hash())
	}
	return b
}

// listPlace is a position in the subkeys of a key.
type listPlace struct {
	owner Offset     // the key
	root  SubkeyList // the index root; its Len is 0 where there is none
	index int        // of the leaf in the root
	leaf  SubkeyList
	at    int // of the entry in the leaf, or its length
}

// leafField is the file offset of the reference to the leaf.
func (m *Image) leafField(p listPlace) int64 {
	if p.root.Len() > 0 {
		return m.field(p.root.Offset, listHeader+4*int64(p.index))
	}
	return m.field(p.owner, keySubkeyList)
}

// isLast reports whether there is no entry behind the place.
func (p listPlace) isLast() bool {
	return p.at == p.leaf.Len() && (p.root.Len() == 0 || p.index == p.root.Len()-1)
}

// placeFor returns where a subkey of that name is, or would be, among the
// subkeys of k, which has some. In a list that is out of order that is before
// the first greater name.
func (m *Image) placeFor(k KeyNode, name Name) (listPlace, error) {
	p := listPlace{owner: k.Offset}
	list, err := m.SubkeyList(k.SubkeyList())
	if err != nil {
		return p, err
	}
	if !m.inOrder(k) {
		return m.placeByScan(p, list, name)
	}
	p.leaf = list
	if list.IsRoot() {
		p.root = list
		if p.index, p.leaf, err = m.searchRoot(k.Offset, list, name); err != nil {
			return p, err
		}
	}
	p.at, err = m.searchLeaf(p.leaf, name)
	return p, err
}

// placeByScan finds the first name that is not below name by looking at all.
func (m *Image) placeByScan(p listPlace, list SubkeyList, name Name) (listPlace, error) {
	err := m.eachLeaf(p, list, func(here listPlace) (bool, error) {
		p = here
		for i := range here.leaf.Len() {
			node, err := m.KeyNode(here.leaf.At(i))
			if err != nil {
				return false, err
			}
			if node.Name().Compare(name) >= 0 {
				p.at = i
				return false, nil
			}
		}
		p.at = here.leaf.Len()
		return true, nil
	})
	return p, err
}

// eachLeaf calls visit with the start of each leaf until it returns false.
func (m *Image) eachLeaf(p listPlace, list SubkeyList, visit func(listPlace) (bool, error)) error {
	if !list.IsRoot() {
		p.leaf = list
		_, err := visit(p)
		return err
	}
	p.root = list
	left := m.MaxEntries() // an index root may name one leaf many times
	for p.index = range list.Len() {
		leaf, err := m.leaf(list.At(p.index))
		if err != nil {
			return err
		}
		if left -= leaf.Len(); left < 0 {
			return m.endless(list.Offset)
		}
		p.leaf = leaf
		if more, err := visit(p); !more || err != nil {
			return err
		}
	}
	return nil
}

// placeOf returns where the entry of a subkey is.
func (m *Image) placeOf(k, child KeyNode) (listPlace, error) {
	p := listPlace{owner: k.Offset}
	list, err := m.SubkeyList(k.SubkeyList())
	if err != nil {
		return p, err
	}
	if list.IsRoot() && m.inOrder(k) {
		i, _, err := m.searchRoot(k.Offset, list, child.Name())
		if err != nil {
			return p, err
		}
		p.root, p.index = list, i
		if p.leaf, err = m.leaf(list.At(i)); err != nil {
			return p, err
		}
		if p.at = p.leaf.position(child.Offset); p.at < p.leaf.Len() {
			return p, nil
		}
	}
	found := false
	err = m.eachLeaf(listPlace{owner: k.Offset}, list, func(here listPlace) (bool, error) {
		for i := range here.leaf.Len() {
			if here.leaf.At(i) != child.Offset {
				continue
			}
			if found {
				return false, corrupt(CodeSubkeyList, k.Offset, "nk", "its list of subkeys has the key at %#x more than once", child.Offset.File())
			}
			p, found = here, true
			p.at = i
		}
		return true, nil
	})
	if err == nil && !found {
		err = corrupt(CodeSubkeyList, k.Offset, "nk", "its list of subkeys does not have the key at %#x", child.Offset.File())
	}
	return p, err
}

// position returns the position of the entry with that offset, or the length of
// the list.
func (l SubkeyList) position(cell Offset) int {
	for i := range l.Len() {
		if l.At(i) == cell {
			return i
		}
	}
	return l.Len()
}

// insertSubkey puts child into the list of subkeys of the key at parent.
func (m *Image) insertSubkey(parent, child Offset, name Name) error {
	node, err := m.KeyNode(parent)
	if err != nil {
		return err
	}
	if node.SubkeyCount() == 0 {
		leaf, err := m.newList(leafKindOf(m.minor), leafKindOf(m.minor).entry(child, name))
		if err != nil {
			return err
		}
		m.writeU32(m.field(parent, keySubkeyList), uint32(leaf))
	} else if err := m.insertPlaced(node, child, name); err != nil {
		return err
	}
	m.writeU32(m.field(parent, keySubkeyCount), node.SubkeyCount()+1)
	return nil
}

// insertPlaced puts child into a list that is there, and splits leaves that are
// full.
func (m *Image) insertPlaced(node KeyNode, child Offset, name Name) error {
	for {
		p, err := m.placeFor(node, name)
		if err != nil {
			return err
		}
		if p.leaf.Len() < p.leaf.Kind.capacity() {
			return m.insertEntry(p.leaf, m.leafField(p), p.at, p.leaf.Kind.entry(child, name))
		}
		if p.isLast() {
			// Keys that come in order would leave halves behind.
			return m.addLeaf(p, p.leaf.Len(), p.leaf.Kind.entry(child, name))
		}
		if err := m.splitLeaf(p); err != nil {
			return err
		}
		if node, err = m.KeyNode(node.Offset); err != nil {
			return err
		}
	}
}

// splitLeaf moves the second half of a leaf to a new one behind it. Of a leaf
// that is longer than leaves get here it cuts off all but its first part.
func (m *Image) splitLeaf(p listPlace) error {
	keep, capacity := p.leaf.Len()/2, p.leaf.Kind.capacity()
	for p.leaf.Len() > 2*capacity {
		// From the end, so that the place of the first part stays.
		if err := m.cutLeaf(p, p.leaf.Len()-capacity); err != nil {
			return err
		}
		node, err := m.KeyNode(p.owner)
		if err != nil {
			return err
		}
		list, err := m.SubkeyList(node.SubkeyList())
		if err != nil {
			return err
		}
		if list.IsRoot() {
			p.root = list
		}
		if p.leaf, err = m.leaf(p.leaf.Offset); err != nil {
			return err
		}
		keep = p.leaf.Len() / 2
	}
	return m.cutLeaf(p, keep)
}

// cutLeaf leaves some entries in a leaf and moves the others to a new one behind
// it.
func (m *Image) cutLeaf(p listPlace, keep int) error {
	if err := m.addLeaf(p, keep, p.leaf.entries[keep*p.leaf.Kind.stride():]); err != nil {
		return err
	}
	m.writeU16(m.field(p.leaf.Offset, 2), uint16(keep))
	// What it loses is no waste: an image laid out anew would have all leaves
	// full, and the next keys would split them again.
	return m.shrink(p.leaf.Offset, listHeader+keep*p.leaf.Kind.stride(), false)
}

// addLeaf makes a leaf of entries behind the one at p, which keeps some of its
// own, and an index root where there is none.
func (m *Image) addLeaf(p listPlace, keep int, entries []byte) error {
	last, err := m.KeyNode(p.leaf.At(keep - 1))
	if err != nil {
		return err
	}
	m.known.orderOf(p.owner).split(p.index, last.Name())
	leaf, err := m.newList(p.leaf.Kind, entries)
	if err != nil {
		return err
	}
	entry := binary.LittleEndian.AppendUint32(nil, uint32(leaf))
	rootField := m.field(p.owner, keySubkeyList)
	if p.root.Len() > 0 {
		if p.root, err = m.SubkeyList(p.root.Offset); err != nil {
			return err
		}
		return m.insertEntry(p.root, rootField, p.index+1, entry)
	}
	both := append(binary.LittleEndian.AppendUint32(nil, uint32(p.leaf.Offset)), entry...)
	root, err := m.newList(ListRI, both)
	if err != nil {
		return err
	}
	m.writeU32(rootField, uint32(root))
	return nil
}

// newList makes a list of entries.
func (m *Image) newList(kind ListKind, entries []byte) (Offset, error) {
	list := make([]byte, listHeader, listHeader+len(entries))
	copy(list, kind.String())
	binary.LittleEndian.PutUint16(list[2:], uint16(len(entries)/kind.stride()))
	list = append(list, entries...)
	return m.allocate(len(list), list, caption{})
}

// insertEntry puts an entry into a list that is not full, and moves the list
// where its cell has no room. field is the file offset of the reference to it.
func (m *Image) insertEntry(list SubkeyList, field int64, at int, entry []byte) error {
	count := list.Len()
	if count == rootCapacity {
		return fmt.Errorf("%w: a list of subkeys has at most %d entries", ErrTooLarge, rootCapacity)
	}
	stride := len(entry)
	cell, err := m.makeRoom(list.Offset, listHeader+count*stride, stride, listHeader+list.Kind.capacity()*stride)
	if err != nil {
		return err
	}
	start := m.field(cell, listHeader+int64(at*stride))
	m.move(start+int64(stride), start, (count-at)*stride)
	m.write(start, entry)
	m.writeU16(m.field(cell, 2), uint16(count+1))
	m.writeU32(field, uint32(cell))
	return nil
}

// removeSubkey takes child out of the list of subkeys of the key at parent, and
// frees lists that are empty then.
func (m *Image) removeSubkey(parent Offset, child KeyNode) error {
	node, err := m.KeyNode(parent)
	if err != nil {
		return err
	}
	p, err := m.placeOf(node, child)
	if err != nil {
		return err
	}
	if node.SubkeyCount() == 0 {
		return corrupt(CodeSubkeyList, parent, "nk", "has a list of subkeys and says it has none")
	}
	m.writeU32(m.field(parent, keySubkeyCount), node.SubkeyCount()-1)
	if left := p.leaf.Len() - 1; left > 0 {
		if p.at == left {
			if err := m.noteLast(p, left-1); err != nil {
				return err
			}
		}
		return m.removeEntry(p.leaf, p.at)
	}
	if err := m.release(p.leaf.Offset); err != nil {
		return err
	}
	m.known.orderOf(parent).removed(p.index)
	if p.root.Len() > 1 {
		return m.removeEntry(p.root, p.index)
	}
	if p.root.Len() == 1 {
		if err := m.release(p.root.Offset); err != nil {
			return err
		}
	}
	m.writeU32(m.field(parent, keySubkeyList), uint32(NIL))
	return nil
}

// noteLast notes that the entry at a position will be the last one of the leaf.
func (m *Image) noteLast(p listPlace, at int) error {
	order := m.known.orderOf(p.owner)
	if order == nil {
		return nil
	}
	last, err := m.KeyNode(p.leaf.At(at))
	if err == nil {
		order.ends(p.index, last.Name())
	}
	return err
}

// removeEntry takes an entry out of a list that has more.
func (m *Image) removeEntry(list SubkeyList, at int) error {
	left, stride := list.Len()-1, list.Kind.stride()
	start := m.field(list.Offset, listHeader+int64(at*stride))
	m.move(start, start+int64(stride), (left-at)*stride)
	m.writeU16(m.field(list.Offset, 2), uint16(left))
	return m.shrink(list.Offset, listHeader+left*stride, true)
}

// releaseLists frees the lists of subkeys of a key.
func (m *Image) releaseLists(k KeyNode) error {
	if k.SubkeyCount() == 0 {
		return nil
	}
	list, err := m.SubkeyList(k.SubkeyList())
	if err != nil {
		return err
	}
	if list.IsRoot() {
		for i := range list.Len() {
			if err := m.release(list.At(i)); err != nil {
				return err
			}
		}
	}
	return m.release(list.Offset)
}

// smallList is a number of subkeys or values up to which all are looked at,
// without an index.
const smallList = 32

// inOrder reports whether the subkeys of k are in order over all its lists, so
// that halving finds what is there. What long lists gave is kept, since edits
// keep the order.
func (m *Image) inOrder(k KeyNode) bool {
	if k.SubkeyCount() <= smallList {
		return m.scanOrder(k).sorted
	}
	order := m.known.orderOf(k.Offset)
	if order == nil {
		order = m.scanOrder(k)
		m.known.setOrder(k.Offset, order)
	}
	return order.sorted
}

// scanOrder looks at all subkeys of k.
func (m *Image) scanOrder(k KeyNode) *listOrder {
	order := &listOrder{}
	var before Name
	first := true
	for leaf, err := range m.Leaves(k.SubkeyList()) {
		if err != nil {
			return &listOrder{}
		}
		if !first {
			order.split(len(order.separators), before)
		}
		for i := range leaf.Len() {
			node, err := m.KeyNode(leaf.At(i))
			if err != nil || !first && before.Compare(node.Name()) >= 0 {
				return &listOrder{}
			}
			before, first = node.Name(), false
		}
	}
	order.sorted = true
	return order
}

// searchRoot returns the first leaf of an index root of the key k whose last
// name is not below name, or the last leaf, and its position.
func (m *Image) searchRoot(k Offset, root SubkeyList, name Name) (i int, leaf SubkeyList, err error) {
	if i, ok := m.known.orderOf(k).leafFor(root.Len(), name); ok {
		leaf, err = m.leaf(root.At(i))
		return i, leaf, err
	}
	i = sort.Search(root.Len()-1, func(i int) bool {
		candidate, failed := m.leaf(root.At(i))
		if failed != nil {
			err = failed
			return true
		}
		last, failed := m.KeyNode(candidate.At(candidate.Len() - 1))
		if failed != nil {
			err = failed
			return true
		}
		return last.Name().Compare(name) >= 0
	})
	if err != nil {
		return 0, SubkeyList{}, err
	}
	leaf, err = m.leaf(root.At(i))
	return i, leaf, err
}
