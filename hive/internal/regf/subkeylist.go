package regf

import (
	"encoding/binary"
	"iter"
)

// ListKind is the kind of a list of subkeys.
type ListKind uint8

// Kinds of lists, by their signatures.
const (
	ListLI ListKind = iota + 1 // leaf of offsets
	ListLF                     // leaf of offsets and hints
	ListLH                     // leaf of offsets and hashes
	ListRI                     // index root: offsets of leaves
)

// String returns the signature.
func (k ListKind) String() string { return [...]string{"none", "li", "lf", "lh", "ri"}[k] }

// listKind returns the kind that has a signature, 0 when none has.
func listKind(first, second byte) ListKind {
	switch {
	case first == 'l' && second == 'h':
		return ListLH
	case first == 'l' && second == 'f':
		return ListLF
	case first == 'l' && second == 'i':
		return ListLI
	case first == 'r' && second == 'i':
		return ListRI
	}
	return 0
}

// SubkeyList is a view of a list of subkeys: a leaf, whose entries are key
// nodes, or an index root, whose entries are leaves.
type SubkeyList struct {
	Offset  Offset
	Kind    ListKind
	stride  uint8 // bytes of an entry
	count   uint16
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
	return parseSubkeyList(off, data)
}

// KnownSubkeyList is SubkeyList for a cell that Cells has yielded as
// allocated.
func (m *Image) KnownSubkeyList(off Offset) (SubkeyList, error) {
	return parseSubkeyList(off, m.knownCell(off))
}

func parseSubkeyList(off Offset, data []byte) (SubkeyList, error) {
	if len(data) < 4 {
		return SubkeyList{}, corrupt(CodeSubkeyListSize, off, "subkey list", "cell has %d bytes, want at least 4", len(data))
	}
	list := SubkeyList{
		Offset: off,
		Kind:   listKind(data[0], data[1]),
		stride: 4,
		count:  binary.LittleEndian.Uint16(data[2:]),
	}
	switch {
	case list.Kind == 0:
		return SubkeyList{}, corrupt(CodeSubkeyList, off, "subkey list", "signature is %q, want li, lf, lh or ri", data[:2])
	case list.count == 0:
		return SubkeyList{}, corrupt(CodeSubkeyList, off, list.Kind.String(), "list is empty")
	case list.Kind == ListLF || list.Kind == ListLH:
		list.stride = 8
	}
	end := 4 + int(list.count)*int(list.stride)
	if end > len(data) {
		return SubkeyList{}, corrupt(CodeSubkeyListSize, off, list.Kind.String(), "cell has %d bytes, want %d for %d entries", len(data), end, list.count)
	}
	list.entries = data[4:end:end]
	return list, nil
}

// IsRoot reports whether the entries are leaves.
func (l SubkeyList) IsRoot() bool { return l.Kind == ListRI }

// Len is the number of entries.
func (l SubkeyList) Len() int { return int(l.count) }

// At returns the offset in the i-th entry.
func (l SubkeyList) At(i int) Offset {
	return Offset(binary.LittleEndian.Uint32(l.entries[i*int(l.stride):]))
}

// Hash returns the hash (lh) or hint (lf) in the i-th entry.
func (l SubkeyList) Hash(i int) uint32 {
	return binary.LittleEndian.Uint32(l.entries[i*int(l.stride)+4:])
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
// an index root may name one leaf many times. The lists must not be edited
// meanwhile.
func (m *Image) Subkeys(k KeyNode) iter.Seq2[KeyNode, error] {
	return func(yield func(KeyNode, error) bool) {
		for cell, err := range m.subkeyCells(k) {
			if err != nil {
				if !yield(KeyNode{}, err) {
					return
				}
			} else if !yield(m.KeyNode(cell)) {
				return
			}
		}
	}
}

// subkeyCells is Subkeys without a look at the key nodes.
func (m *Image) subkeyCells(k KeyNode) iter.Seq2[Offset, error] {
	return func(yield func(Offset, error) bool) {
		if k.SubkeyCount() == 0 {
			return
		}
		left := m.MaxEntries()
		for leaf, err := range m.Leaves(k.SubkeyList()) {
			if err != nil {
				if !yield(NIL, err) {
					return
				}
				continue
			}
			for i := range leaf.Len() {
				if left--; left < 0 {
					yield(NIL, m.endless(k.SubkeyList()))
					return
				}
				if !yield(leaf.At(i), nil) {
					return
				}
			}
		}
	}
}

// endless is the error for a list that has more than MaxEntries.
func (m *Image) endless(list Offset) error {
	return corrupt(CodeSubkeyList, list, "subkey list", "has more entries than the hive has room for (%d)", m.MaxEntries())
}

// SubkeyCells returns the cells of the subkeys of k as they are listed now, and
// the errors that Subkeys would meet besides those of the cells themselves.
func (m *Image) SubkeyCells(k KeyNode) (cells []Offset, faults []error) {
	const usual = 1 << 16 // a count that is wrong must not cost memory
	cells = make([]Offset, 0, min(k.SubkeyCount(), usual))
	for cell, err := range m.subkeyCells(k) {
		if err != nil {
			faults = append(faults, err)
			continue
		}
		cells = append(cells, cell)
	}
	return cells, faults
}
