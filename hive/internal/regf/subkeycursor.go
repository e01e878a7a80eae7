package regf

// subkeyCursor goes through the subkeys of a key, so that a tree can be walked
// with a stack of cursors.
type subkeyCursor struct {
	root     SubkeyList // the index root, when there is one
	nextLeaf int
	leaf     SubkeyList
	nextKey  int
}

// openSubkeys puts c, a new cursor, before the first subkey of k.
func (m *Image) openSubkeys(k KeyNode, c *subkeyCursor) error {
	if k.SubkeyCount() == 0 {
		return nil
	}
	list, err := m.SubkeyList(k.SubkeyList())
	if err != nil {
		return err
	}
	if list.IsRoot() {
		c.root = list
	} else {
		c.leaf = list
	}
	return nil
}

// next returns the cell of the next subkey, and false when there is none.
func (c *subkeyCursor) next(m *Image) (cell Offset, more bool, err error) {
	for c.nextKey == c.leaf.Len() {
		if c.nextLeaf == c.root.Len() {
			return NIL, false, nil
		}
		if c.leaf, err = m.leaf(c.root.At(c.nextLeaf)); err != nil {
			return NIL, false, err
		}
		c.nextKey = 0
		c.nextLeaf++
	}
	c.nextKey++
	return c.leaf.At(c.nextKey - 1), true, nil
}
