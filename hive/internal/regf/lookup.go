package regf

import "sort"

// FindSubkey returns the subkey of k whose name equals name without regard to
// case, and false when there is none. It searches by halves as Windows does,
// and where that fails it looks at every subkey, since a damaged list may be
// out of order.
func (m *Image) FindSubkey(k KeyNode, name Name) (KeyNode, bool, error) {
	if k.SubkeyCount() == 0 {
		return KeyNode{}, false, nil
	}
	if node, found, err := m.searchSorted(k.SubkeyList(), name); found && err == nil {
		return node, true, nil
	}
	return m.searchAll(k, name)
}

func (m *Image) searchSorted(off Offset, name Name) (KeyNode, bool, error) {
	list, err := m.SubkeyList(off)
	if err != nil {
		return KeyNode{}, false, err
	}
	if list.IsRoot() {
		if list, err = m.searchRoot(list, name); err != nil {
			return KeyNode{}, false, err
		}
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

// searchRoot returns the first leaf of an index root whose last name is not
// below name, or the last leaf.
func (m *Image) searchRoot(root SubkeyList, name Name) (leaf SubkeyList, err error) {
	i := sort.Search(root.Len()-1, func(i int) bool {
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
		return SubkeyList{}, err
	}
	return m.leaf(root.At(i))
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
	var first error
	for i := range list.Len() {
		value, err := m.ValueRecord(list.At(i))
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if value.Name().Compare(name) == 0 {
			return value, true, nil
		}
	}
	return ValueRecord{}, false, first
}
