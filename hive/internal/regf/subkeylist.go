package regf

import (
	"encoding/binary"
	"iter"
)

// SubkeyList is a view of a list of subkeys: a leaf (li, lf, lh), whose
// entries are key nodes, or an index root (ri), whose entries are leaves.
type SubkeyList struct {
	Offset  Offset
	Kind    string // "li", "lf", "lh" or "ri"
	count   int
	stride  int // bytes of an entry
	entries []byte
}

// SubkeyList returns the list in the cell at off. It returns a FormatError
// when there is none, when it is empty, or when its entries do not fit the
// cell.
func (m *Image) SubkeyList(off Offset) (SubkeyList, error) {
	data, err := m.Cell(off)
	if err != nil {
		return SubkeyList{}, err
	}
	if len(data) < 4 {
		return SubkeyList{}, corrupt(CodeSubkeyListSize, off, "subkey list", "cell has %d bytes, want at least 4", len(data))
	}
	list := SubkeyList{Offset: off, stride: 4}
	switch {
	case data[0] == 'l' && data[1] == 'h':
		list.Kind, list.stride = "lh", 8
	case data[0] == 'l' && data[1] == 'f':
		list.Kind, list.stride = "lf", 8
	case data[0] == 'l' && data[1] == 'i':
		list.Kind = "li"
	case data[0] == 'r' && data[1] == 'i':
		list.Kind = "ri"
	default:
		return SubkeyList{}, corrupt(CodeSubkeyList, off, "subkey list", "signature is %q, want li, lf, lh or ri", data[:2])
	}
	list.count = int(binary.LittleEndian.Uint16(data[2:]))
	if list.count == 0 {
		return SubkeyList{}, corrupt(CodeSubkeyList, off, list.Kind, "list is empty")
	}
	end := 4 + list.count*list.stride
	if end > len(data) {
		return SubkeyList{}, corrupt(CodeSubkeyListSize, off, list.Kind, "cell has %d bytes, want %d for %d entries", len(data), end, list.count)
	}
	list.entries = data[4:end]
	return list, nil
}

// IsRoot reports whether the entries are leaves.
func (l SubkeyList) IsRoot() bool { return l.Kind == "ri" }

// Len is the number of entries.
func (l SubkeyList) Len() int { return l.count }

// At returns the offset in the i-th entry.
func (l SubkeyList) At(i int) Offset {
	return Offset(binary.LittleEndian.Uint32(l.entries[i*l.stride:]))
}

// Hash returns the hash (lh) or hint (lf) in the i-th entry.
func (l SubkeyList) Hash(i int) uint32 {
	return binary.LittleEndian.Uint32(l.entries[i*l.stride+4:])
}

// leaf returns the leaf in the cell at off; an index root may not hold another.
func (m *Image) leaf(off Offset) (SubkeyList, error) {
	list, err := m.SubkeyList(off)
	if err != nil {
		return SubkeyList{}, err
	}
	if list.IsRoot() {
		return SubkeyList{}, corrupt(CodeSubkeyList, off, "ri", "stands inside another ri, want li, lf or lh")
	}
	return list, nil
}

// Leaves iterates over the leaves of the list in the cell at off, which may be
// a leaf itself. After an error it goes on with the next leaf.
func (m *Image) Leaves(off Offset) iter.Seq2[SubkeyList, error] {
	return func(yield func(SubkeyList, error) bool) {
		list, err := m.SubkeyList(off)
		if err != nil || !list.IsRoot() {
			yield(list, err)
			return
		}
		for i := range list.Len() {
			if !yield(m.leaf(list.At(i))) {
				return
			}
		}
	}
}

// MaxEntries is the number of entries of lists that the bins have room for.
func (m *Image) MaxEntries() int { return int(m.BinsSize() / 4) }

// Subkeys iterates over the key nodes below k in stored order. After an error
// it goes on with the next one. It ends with an error after MaxEntries:
// an index root may name one leaf many times.
func (m *Image) Subkeys(k KeyNode) iter.Seq2[KeyNode, error] {
	return func(yield func(KeyNode, error) bool) {
		if k.SubkeyCount() == 0 {
			return
		}
		left := m.MaxEntries()
		for leaf, err := range m.Leaves(k.SubkeyList()) {
			if err != nil {
				if !yield(KeyNode{}, err) {
					return
				}
				continue
			}
			for i := range leaf.Len() {
				if left--; left < 0 {
					yield(KeyNode{}, corrupt(CodeSubkeyList, k.SubkeyList(), "subkey list", "has more entries than the hive has room for (%d)", m.MaxEntries()))
					return
				}
				if !yield(m.KeyNode(leaf.At(i))) {
					return
				}
			}
		}
	}
}
