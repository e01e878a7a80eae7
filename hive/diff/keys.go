package diff

import (
	"bytes"
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/internal/regf"
)

// pair compares a key that is on both sides, and all below it. Like all that
// yields, it reports whether to go on. The recursion is bounded by
// hive.MaxDepth.
func (c *comparer) pair(a, b regf.KeyNode) bool {
	return c.key(a, b) && c.values(a, b) && c.subkeys(a, b)
}

// key compares what two keys hold themselves.
func (c *comparer) key(a, b regf.KeyNode) bool {
	var differ Aspects
	top := len(c.levels) == 1 // it was named, and the name of a root is of no account
	if !top && !sameSpelling(a.Name(), b.Name()) {
		differ |= Spelling
	}
	if c.wanted&Times != 0 && a.LastWriteTime() != b.LastWriteTime() {
		differ |= Times
	}
	if c.wanted&Flags != 0 && c.sides[A].flags(a) != c.sides[B].flags(b) {
		differ |= Flags
	}
	if c.wanted&Class != 0 && (a.ClassLength() != 0 || b.ClassLength() != 0) {
		equal, on := c.sameClass(a, b)
		if !on {
			return false
		}
		if !equal {
			differ |= Class
		}
	}
	if c.wanted&Security != 0 {
		first, on := c.securityNumber(A, a)
		if !on {
			return false
		}
		second, on := c.securityNumber(B, b)
		if !on {
			return false
		}
		if first != second && first != unreadable && second != unreadable {
			differ |= Security
		}
	}
	return differ == 0 || c.reportKey(a, b, differ)
}

func (c *comparer) reportKey(a, b regf.KeyNode, differ Aspects) bool {
	difference := c.difference(Differs)
	difference.Aspects = differ
	// What could not be read was reported when it was compared, or is not asked
	// for.
	difference.A, _ = c.sides[A].keyItem(a)
	difference.B, _ = c.sides[B].keyItem(b)
	return c.yield(difference, nil)
}

// sameClass compares class names. One that cannot be read is reported and taken
// for the same.
func (c *comparer) sameClass(a, b regf.KeyNode) (equal, on bool) {
	first, err := c.sides[A].class(a)
	if err != nil {
		return true, c.fail(A, err)
	}
	second, err := c.sides[B].class(b)
	if err != nil {
		return true, c.fail(B, err)
	}
	return first == second, true
}

// unreadable is the number of security descriptors that cannot be read.
const unreadable = 0

// securityNumber returns a number for the security descriptor of a key, which
// equal descriptors share. Each security record is read once, however many keys
// have it.
func (c *comparer) securityNumber(on Side, node regf.KeyNode) (number uint32, goOn bool) {
	s := &c.sides[on]
	if number, met := s.security[node.Security()]; met {
		return number, true
	}
	descriptor, err := s.descriptor(node)
	if err == nil && !s.spend(len(descriptor)) {
		err = errOverlap
	}
	if err != nil {
		s.security[node.Security()] = unreadable
		return unreadable, c.fail(on, err)
	}
	number, known := c.descriptors[string(descriptor)]
	if !known {
		number = uint32(len(c.descriptors) + 1)
		c.descriptors[string(descriptor)] = number
	}
	s.security[node.Security()] = number
	return number, true
}

// subkeys compares the subkeys of two keys. As long as both lists have the same
// names in the same order, which is the rule, they are compared as they come.
func (c *comparer) subkeys(a, b regf.KeyNode) bool {
	if a.SubkeyCount() == 0 && b.SubkeyCount() == 0 {
		return true
	}
	lists := [2]cursor{openList(&c.sides[A], a), openList(&c.sides[B], b)}
	for {
		first, isFirst, on := c.next(A, &lists[A])
		if !on {
			return false
		}
		second, isSecond, on := c.next(B, &lists[B])
		switch {
		case !on:
			return false
		case !isFirst && !isSecond:
			return true
		case !isFirst || !isSecond || !sameName(first.Name(), second.Name()):
			return c.merge(&lists, [2]regf.KeyNode{first, second}, [2]bool{isFirst, isSecond})
		case !c.child(first, func() bool { return c.pair(first, second) }):
			return false
		}
	}
}

// merge compares what is left of two lists, from the two keys on that are not
// the same.
func (c *comparer) merge(lists *[2]cursor, nodes [2]regf.KeyNode, is [2]bool) bool {
	var rest [2][]regf.Offset
	for i := range c.sides {
		start := len(c.sides[i].offsets)
		defer c.sides[i].drop(start)
		if is[i] && !c.collectKeys(Side(i), nodes[i], &lists[i]) {
			return false
		}
		rest[i] = c.sides[i].sorted(start, (*side).keyName)
	}
	for first, second := rest[A], rest[B]; len(first) > 0 || len(second) > 0; {
		on := false
		switch order := c.order(first, second, (*side).keyName); {
		case order < 0:
			a := c.knownKey(A, first[0])
			on, first = c.child(a, func() bool { return c.only(A, a, false) }), first[1:]
		case order > 0:
			b := c.knownKey(B, second[0])
			on, second = c.child(b, func() bool { return c.only(B, b, false) }), second[1:]
		default:
			a, b := c.knownKey(A, first[0]), c.knownKey(B, second[0])
			on, first, second = c.child(a, func() bool { return c.pair(a, b) }), first[1:], second[1:]
		}
		if !on {
			return false
		}
	}
	return true
}

// collectKeys puts a key, and those behind it in a list, on the stack.
func (c *comparer) collectKeys(on Side, node regf.KeyNode, list *cursor) bool {
	for more := true; more; {
		c.sides[on].offsets = append(c.sides[on].offsets, node.Offset)
		var goOn bool
		if node, more, goOn = c.next(on, list); !goOn {
			return false
		}
	}
	return true
}

// knownKey returns a key that was read before.
func (c *comparer) knownKey(on Side, off regf.Offset) regf.KeyNode {
	node, _ := c.sides[on].image.KeyNode(off) // it has not changed
	return node
}

// child makes node the key being compared while look looks at it.
func (c *comparer) child(node regf.KeyNode, look func() bool) bool {
	if len(c.levels) == hive.MaxDepth {
		err := fmt.Errorf("%w: keys below it lie deeper than %d levels", hive.ErrCorrupt, hive.MaxDepth)
		return c.fail(A, err)
	}
	c.levels = append(c.levels, level{node: node})
	on := look()
	c.levels = c.levels[:len(c.levels)-1]
	return on
}

// only reports a key that is on one side only, and all below it.
func (c *comparer) only(on Side, node regf.KeyNode, below bool) bool {
	s := &c.sides[on]
	item, err := s.keyItem(node)
	if err != nil && !c.fail(on, err) {
		return false
	}
	if !c.yield(c.onlyDifference(on, item, below), nil) {
		return false
	}
	if !c.onlyValues(on, node) {
		return false
	}
	list := openList(s, node)
	for {
		child, more, goOn := c.next(on, &list)
		if !goOn || !more {
			return goOn
		}
		if !c.child(child, func() bool { return c.only(on, child, true) }) {
			return false
		}
	}
}

// onlyDifference makes a difference of an item on one side.
func (c *comparer) onlyDifference(on Side, item *Item, below bool) Difference {
	kind, sides := OnlyA, [2]*Item{A: item}
	if on == B {
		kind, sides = OnlyB, [2]*Item{B: item}
	}
	difference := c.difference(kind)
	difference.Below, difference.A, difference.B = below, sides[A], sides[B]
	return difference
}

// sameName reports whether Windows takes two names for the same.
func sameName(a, b regf.Name) bool {
	return a.Latin1 == b.Latin1 && bytes.Equal(a.Raw, b.Raw) || a.Compare(b) == 0
}

// sameSpelling reports whether two names are the same in upper and lower case,
// however they are stored. Half a character at the end belongs to no name.
func sameSpelling(a, b regf.Name) bool {
	if a.Latin1 == b.Latin1 && bytes.Equal(a.Raw, b.Raw) {
		return true
	}
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if a.Unit(i) != b.Unit(i) {
			return false
		}
	}
	return true
}
