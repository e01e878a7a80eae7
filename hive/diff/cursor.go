package diff

import (
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/internal/regf"
)

// cursor goes through the subkeys of a key in stored order.
type cursor struct {
	side     *side
	key      regf.KeyNode
	err      error           // of the list as a whole
	leaves   regf.SubkeyList // the index root, when there is one
	nextLeaf int
	leaf     regf.SubkeyList
	nextKey  int
	found    uint32 // entries so far
	ended    bool
}

func openList(s *side, key regf.KeyNode) cursor {
	c := cursor{side: s, key: key}
	if key.SubkeyCount() == 0 {
		c.ended = true
		return c
	}
	list, err := s.image.SubkeyList(key.SubkeyList())
	switch {
	case err != nil:
		c.err, c.ended = err, true
	case list.IsRoot():
		c.leaves = list
	default:
		c.leaf = list
	}
	return c
}

// step goes to the next entry and returns its key. An error tells that the
// entry, or a leaf, cannot be read; the next step goes on behind it.
func (c *cursor) step() (node regf.KeyNode, more bool, err error) {
	if c.err != nil {
		err, c.err = c.err, nil
		return node, true, err
	}
	for c.nextKey == c.leaf.Len() {
		if c.nextLeaf == c.leaves.Len() {
			return node, false, c.end()
		}
		off := c.leaves.At(c.nextLeaf)
		c.nextLeaf++
		leaf, err := c.side.image.SubkeyList(off)
		if err == nil && leaf.IsRoot() {
			err = fmt.Errorf("%w: the ri at %#x stands inside another ri", hive.ErrCorrupt, off.File())
		}
		if err != nil {
			return node, true, err
		}
		c.leaf, c.nextKey = leaf, 0
	}
	off := c.leaf.At(c.nextKey)
	c.nextKey++
	c.found++
	node, err = c.side.image.KeyNode(off)
	if err == nil && !c.side.spend(keySize+len(node.Name().Raw)) {
		err = errOverlap
	}
	return node, true, err
}

// end returns, once, an error when the list has not as many entries as its key
// says.
func (c *cursor) end() error {
	if c.ended {
		return nil
	}
	c.ended = true
	if want := c.key.SubkeyCount(); c.found != want {
		return fmt.Errorf("%w: nk at %#x says it has %d subkeys, its lists have %d", hive.ErrCorrupt, c.key.Offset.File(), want, c.found)
	}
	return nil
}

// next returns the next subkey that can be read, and reports what cannot. on
// tells whether to go on at all.
func (c *comparer) next(on Side, list *cursor) (node regf.KeyNode, more, goOn bool) {
	for {
		node, more, err := list.step()
		if err == nil {
			return node, more, true
		}
		if !c.fail(on, err) || err == errOverlap {
			return node, false, false
		}
		if !more {
			return node, false, true
		}
	}
}
