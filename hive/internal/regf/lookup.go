package regf

import (
	"encoding/binary"
	"sort"

	"hivepatch/hive/escape"
)

// FindSubkey returns the subkey of k whose name equals name without regard to
// case, and false when there is none. It searches by halves as Windows does,
// and where that fails it looks at every subkey, since a damaged list may be
// out of order.
func (m *Image) FindSubkey(k KeyNode, name Name) (KeyNode, bool, error) {
	if k.SubkeyCount() == 0 {
		return KeyNode{}, false, nil
	}
	if node, found, err := m.searchSorted(k, name); found && err == nil {
		return node, true, nil
	}
	if k.SubkeyCount() > smallList && m.inOrder(k) {
		return KeyNode{}, false, nil
	}
	return m.searchAll(k, name)
}

// HasSubkey reports whether k has a subkey of that name. It is FindSubkey for
// names that are rather not there.
func (m *Image) HasSubkey(k KeyNode, name Name) (bool, error) {
	if k.SubkeyCount() <= smallList || !m.inOrder(k) {
		_, found, err := m.FindSubkey(k, name)
		return found, err
	}
	p, err := m.placeFor(k, name)
	if err != nil || p.at == p.leaf.Len() {
		return false, err
	}
	node, err := m.KeyNode(p.leaf.At(p.at))
	return err == nil && node.Name().Compare(name) == 0, err
}

func (m *Image) searchSorted(k KeyNode, name Name) (KeyNode, bool, error) {
	list, err := m.SubkeyList(k.SubkeyList())
	if err != nil {
		return KeyNode{}, false, err
	}
	if list.IsRoot() {
		if _, list, err = m.searchRoot(k.Offset, list, name); err != nil {
			return KeyNode{}, false, err
		}
	}
	if node, found := m.searchHashes(list, name); found {
		return node, true, nil
	}
	i, err := m.searchLeaf(list, name)
	if err != nil || i == list.Len() {
		return KeyNode{}, false, err
	}
	node, err := m.KeyNode(list.At(i))
	if err != nil {
		return KeyNode{}, false, err
	}
	return node, node.Name().Compare(name) == 0, nil
}

// searchHashes looks for a name by the hashes of a leaf that has them. They lie
// side by side, while each name is somewhere else in the hive. That a hash is
// wrong does not matter: then the name is found by halving.
func (m *Image) searchHashes(leaf SubkeyList, name Name) (KeyNode, bool) {
	if leaf.Kind != ListLH {
		return KeyNode{}, false
	}
	hash := name.Hash()
	const hashAt = 4 // in an entry
	for entry := leaf.entries; len(entry) >= 8; entry = entry[8:] {
		if binary.LittleEndian.Uint32(entry[hashAt:]) != hash {
			continue
		}
		cell := Offset(binary.LittleEndian.Uint32(entry))
		if node, err := m.KeyNode(cell); err == nil && node.Name().Compare(name) == 0 {
			return node, true
		}
	}
	return KeyNode{}, false
}

// searchLeaf returns the position of the first entry whose name is not below
// name, or the length of the leaf.
func (m *Image) searchLeaf(leaf SubkeyList, name Name) (position int, err error) {
	position = sort.Search(leaf.Len(), func(i int) bool {
		node, failed := m.KeyNode(leaf.At(i))
		if failed != nil {
			err = failed
			return true
		}
		return node.Name().Compare(name) >= 0
	})
	return position, err
}

// searchAll looks at every subkey of k and returns the first error only when
// the name was not found.
func (m *Image) searchAll(k KeyNode, name Name) (KeyNode, bool, error) {
	var first error
	for node, err := range m.Subkeys(k) {
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if node.Name().Compare(name) == 0 {
			return node, true, nil
		}
	}
	return KeyNode{}, false, first
}

// FindValue returns the value of k whose name equals name without regard to
// case, and false when there is none. Where two values have the name, the
// first wins, as in Windows.
func (m *Image) FindValue(k KeyNode, name Name) (ValueRecord, bool, error) {
	list, err := m.ValueList(k)
	if err != nil {
		return ValueRecord{}, false, err
	}
	position, found, err := m.valuePosition(k, list, name)
	if !found {
		return ValueRecord{}, false, err
	}
	value, err := m.ValueRecord(list.At(position))
	return value, err == nil, err
}

// OnlyValue is FindValue where it must be known which value is meant. The
// second result is false when there is none; several give a FormatError.
func (m *Image) OnlyValue(k KeyNode, name Name) (ValueRecord, bool, error) {
	list, err := m.ValueList(k)
	if err != nil {
		return ValueRecord{}, false, err
	}
	position, found, err := m.valuePosition(k, list, name)
	if !found {
		return ValueRecord{}, false, err
	}
	same := func(i int) bool {
		other, err := m.ValueRecord(list.At(i))
		return err == nil && i != position && other.Name().Compare(name) == 0
	}
	twin := false
	if index := m.valuesOf(k, list); index != nil {
		for i := range index.positions(name.Hash()) {
			twin = twin || same(i)
		}
	} else {
		for i := range list.Len() {
			twin = twin || same(i)
		}
	}
	if twin {
		return ValueRecord{}, false, corrupt(CodeValueList, k.Offset, "nk", "has several values of the name %s", escape.ValueName(name.String()))
	}
	value, err := m.ValueRecord(list.At(position))
	return value, err == nil, err
}

// valuePosition returns the position in the list of values of the first one of
// that name. It returns the first error only when there is none.
func (m *Image) valuePosition(k KeyNode, list OffsetList, name Name) (position int, found bool, first error) {
	if index := m.valuesOf(k, list); index != nil {
		position = list.Len()
		for i := range index.positions(name.Hash()) {
			if value, err := m.ValueRecord(list.At(i)); err == nil && value.Name().Compare(name) == 0 {
				position = min(position, i)
			}
		}
		if position < list.Len() {
			return position, true, nil
		}
		if !index.incomplete {
			return 0, false, nil
		}
	}
	for i := range list.Len() {
		value, err := m.ValueRecord(list.At(i))
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if value.Name().Compare(name) == 0 {
			return i, true, nil
		}
	}
	return 0, false, first
}
