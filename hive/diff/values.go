package diff

import (
	"bytes"

	"hivepatch/hive/internal/regf"
)

// values compares the values of two keys. As long as both lists have the same
// names in the same order, which is the rule, they are compared as they come.
func (c *comparer) values(a, b regf.KeyNode) bool {
	first, on := c.valueList(A, a)
	if !on {
		return false
	}
	second, on := c.valueList(B, b)
	if !on {
		return false
	}
	same := 0
	for ; same < min(first.Len(), second.Len()); same++ {
		x, errX := c.sides[A].value(first.At(same))
		y, errY := c.sides[B].value(second.At(same))
		if errX != nil || errY != nil || !sameName(x.Name(), y.Name()) {
			break // mergeValues reports errors
		}
		if !c.value(x, y) {
			return false
		}
	}
	if same == first.Len() && same == second.Len() {
		return true
	}
	return c.mergeValues([2]regf.OffsetList{first[4*same:], second[4*same:]})
}

func (c *comparer) valueList(on Side, key regf.KeyNode) (list regf.OffsetList, goOn bool) {
	list, err := c.sides[on].image.ValueList(key)
	if err != nil {
		return nil, c.fail(on, err)
	}
	return list, true
}

// value reads a value's record.
func (s *side) value(off regf.Offset) (regf.ValueRecord, error) {
	value, err := s.image.ValueRecord(off)
	if err == nil && !s.spend(valueSize+len(value.Name().Raw)) {
		err = errOverlap
	}
	return value, err
}

// mergeValues compares what is left of two lists of values, in the order of
// their names. Of values with one name, which only damaged keys have, the first
// belong together, and so on.
func (c *comparer) mergeValues(lists [2]regf.OffsetList) bool {
	var rest [2][]regf.Offset
	for i := range c.sides {
		start := len(c.sides[i].offsets)
		defer c.sides[i].drop(start)
		if !c.collectValues(Side(i), lists[i]) {
			return false
		}
		rest[i] = c.sides[i].sorted(start, (*side).valueName)
	}
	for first, second := rest[A], rest[B]; len(first) > 0 || len(second) > 0; {
		on := false
		switch order := c.order(first, second, (*side).valueName); {
		case order < 0:
			on, first = c.onlyValue(A, first[0], false), first[1:]
		case order > 0:
			on, second = c.onlyValue(B, second[0], false), second[1:]
		default:
			// Both were read before and have not changed.
			x, _ := c.sides[A].image.ValueRecord(first[0])
			y, _ := c.sides[B].image.ValueRecord(second[0])
			on, first, second = c.value(x, y), first[1:], second[1:]
		}
		if !on {
			return false
		}
	}
	return true
}

// collectValues puts the values of a list that can be read on the stack.
func (c *comparer) collectValues(on Side, list regf.OffsetList) bool {
	s := &c.sides[on]
	for i := range list.Len() {
		value, err := s.value(list.At(i))
		if err == nil {
			s.offsets = append(s.offsets, value.Offset)
		} else if !c.fail(on, err) || err == errOverlap {
			return false
		}
	}
	return true
}

// value compares a value that is on both sides.
func (c *comparer) value(a, b regf.ValueRecord) bool {
	var differ Aspects
	if !sameSpelling(a.Name(), b.Name()) {
		differ |= Spelling
	}
	if a.Type() != b.Type() {
		differ |= Type
	}
	if c.wanted&Flags != 0 && valueFlags(a) != valueFlags(b) {
		differ |= Flags
	}
	equal, on := c.sameData(a, b)
	if !on {
		return false
	}
	if !equal {
		differ |= Data
	}
	if differ == 0 {
		return true
	}
	difference := c.difference(Differs)
	difference.IsValue, difference.Aspects = true, differ
	// What could not be read was reported when the data was compared.
	difference.A, _ = c.sides[A].valueItem(a, true)
	difference.B, _ = c.sides[B].valueItem(b, true)
	return c.yield(difference, nil)
}

// sameData compares the data of two values. Data that cannot be read is
// reported and taken for the same.
func (c *comparer) sameData(a, b regf.ValueRecord) (equal, on bool) {
	if !c.sides[A].spend(dataSize(a)) {
		return true, c.overlap(A)
	}
	if !c.sides[B].spend(dataSize(b)) {
		return true, c.overlap(B)
	}
	if c.sides[A].segmented(a) || c.sides[B].segmented(b) {
		return c.samePieces(a, b)
	}
	first, err := c.sides[A].image.ValueData(a)
	if err != nil {
		return true, c.fail(A, err)
	}
	second, err := c.sides[B].image.ValueData(b)
	if err != nil {
		return true, c.fail(B, err)
	}
	return bytes.Equal(first, second), true
}

// samePieces is sameData for data that need not be in one piece.
func (c *comparer) samePieces(a, b regf.ValueRecord) (equal, on bool) {
	first, err := c.sides[A].pieces(a)
	if err != nil {
		return true, c.fail(A, err)
	}
	second, err := c.sides[B].pieces(b)
	if err != nil {
		return true, c.fail(B, err)
	}
	for equal = true; ; {
		x, err := first.next()
		if err != nil {
			return true, c.fail(A, err)
		}
		y, err := second.next()
		if err != nil {
			return true, c.fail(B, err)
		}
		if len(x) == 0 && len(y) == 0 {
			return equal, true
		}
		// It goes on to the end in any case: to tell unequal data, all of it must
		// be sound.
		equal = equal && bytes.Equal(x, y)
	}
}

// overlap reports that a side is damaged so that there is no end, and ends the
// comparison.
func (c *comparer) overlap(on Side) bool {
	c.fail(on, errOverlap)
	return false
}

// onlyValues reports the values of a key that is on one side only.
func (c *comparer) onlyValues(on Side, key regf.KeyNode) bool {
	list, goOn := c.valueList(on, key)
	if !goOn {
		return false
	}
	for i := range list.Len() {
		if _, err := c.sides[on].value(list.At(i)); err != nil {
			if !c.fail(on, err) || err == errOverlap {
				return false
			}
		} else if !c.onlyValue(on, list.At(i), true) {
			return false
		}
	}
	return true
}

// onlyValue reports a value that is on one side only and was read before.
func (c *comparer) onlyValue(on Side, off regf.Offset, below bool) bool {
	s := &c.sides[on]
	value, _ := s.image.ValueRecord(off)
	item, err := s.valueItem(value, false)
	if err != nil {
		return c.fail(on, err) && err != errOverlap
	}
	difference := c.onlyDifference(on, item, below)
	difference.IsValue = true
	return c.yield(difference, nil)
}
