package diff

import (
	"slices"

	"hivepatch/hive/internal/regf"
)

// What is left of two lists, once they are not in the same order, is put on the
// stacks of the sides, sorted and merged. In a sound hive a list of subkeys is
// sorted already; lists of values are in no order.

// drop takes from the stack what was put on it from start on.
func (s *side) drop(start int) { s.offsets = s.offsets[:start] }

// sorted returns what is on the stack from start on, in the order of its names.
// It stays valid when the stack grows.
func (s *side) sorted(start int, name func(*side, regf.Offset) regf.Name) []regf.Offset {
	compare := func(a, b regf.Offset) int { return name(s, a).Compare(name(s, b)) }
	rest := s.offsets[start:]
	if !slices.IsSortedFunc(rest, compare) {
		slices.SortStableFunc(rest, compare)
	}
	return rest
}

// order compares the names that come next in two lists, of which one may be
// empty: its end comes behind all names.
func (c *comparer) order(first, second []regf.Offset, name func(*side, regf.Offset) regf.Name) int {
	switch {
	case len(first) == 0:
		return 1
	case len(second) == 0:
		return -1
	}
	return name(&c.sides[A], first[0]).Compare(name(&c.sides[B], second[0]))
}

// keyName returns the name of a key that was read before.
func (s *side) keyName(off regf.Offset) regf.Name {
	node, err := s.image.KeyNode(off)
	if err != nil {
		return regf.Name{}
	}
	return node.Name()
}

// valueName returns the name of a value that was read before.
func (s *side) valueName(off regf.Offset) regf.Name {
	value, err := s.image.ValueRecord(off)
	if err != nil {
		return regf.Name{}
	}
	return value.Name()
}
