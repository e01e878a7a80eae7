package salvage

import (
	"cmp"
	"iter"
	"slices"

	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// placeDetached finds a place for the keys that nothing has led to so far, or
// none.
func (s *salvage) placeDetached() {
	detached := s.collect(func(c candidate) bool { return !s.isTaken(c.cell) })
	if len(detached) == 0 {
		return
	}
	open := bitmap.New(s.image.BinsSize()/8 + 1)
	for _, c := range detached {
		open.Add(uint32(c.cell / 8))
	}
	for _, c := range detached {
		isTop := !(c.parent%8 == 0 && open.Has(uint32(c.parent/8)))
		if isTop && !s.isTaken(c.cell) && s.isWayLost(c.parent) {
			s.contain(c.cell)
			s.follow()
		}
	}
	byCell := s.indexByCell()
	for _, c := range detached {
		if !s.isTaken(c.cell) {
			s.leaveOut(c, byCell)
		}
	}
}

// isWayLost reports whether the key that stood at off was lost by damage, and
// not deleted: then what was below it still belongs to the hive.
func (s *salvage) isWayLost(off regf.Offset) bool {
	return s.damaged[off] || s.isTorn(off)
}

// contain puts the key at off below the container.
func (s *salvage) contain(off regf.Offset) {
	s.needContainer()
	s.adopt(off, s.container, contained, "the keys above it are lost")
}

// findContainer looks for the container of an earlier salvage.
func (s *salvage) findContainer() {
	want := latin1(Container)
	for child := range s.subkeys(0) {
		if name, _ := s.nameOf(child); name.Compare(want) == 0 {
			s.container = child
			return
		}
	}
}

// needContainer makes the key for what has no place, unless there is one.
func (s *salvage) needContainer() {
	if s.container == none {
		s.container = int32(len(s.keys))
		s.addKey(regf.NIL, 0, 0)
	}
}

// indexByCell returns the indexes of all keys, in the order of their cells.
func (s *salvage) indexByCell() []int32 {
	list := make([]int32, len(s.keys))
	for i := range list {
		list[i] = int32(i)
	}
	slices.SortFunc(list, func(a, b int32) int { return cmp.Compare(s.keys[a].cell, s.keys[b].cell) })
	return list
}

// leaveOut reports a key that was deleted, or of which nobody knows where it
// stood.
func (s *salvage) leaveOut(c candidate, byCell []int32) {
	node, _, err := s.readKey(c.cell)
	if err != nil {
		return
	}
	f := Finding{Fate: LeftOut, What: "key", Path: node.Name().String(), Offset: c.cell.File()}
	at, known := slices.BinarySearchFunc(byCell, c.parent, func(i int32, off regf.Offset) int { return cmp.Compare(s.keys[i].cell, off) })
	if !known {
		f.Reason = "the key that it names as its parent is no more"
		s.report.add(f)
		return
	}
	f.Reason = "the list of its parent is whole and does not have it: it was deleted"
	s.tellBelow(byCell[at], node.Name(), f)
}

// child is a subkey with its name, for sorting.
type child struct {
	index int32
	name  regf.Name
}

// arrange puts all subkeys into the order of their names. Those that have the
// name of a sibling go into the container, which is arranged when it is
// complete.
func (s *salvage) arrange() {
	var children []child
	for index := int32(1); index < int32(len(s.keys)); index++ {
		if index != s.container {
			children = s.arrangeKey(index, children[:0])
		}
	}
	children = s.arrangeKey(0, children[:0])
	if s.container != none {
		children = s.arrangeKey(0, children[:0]) // it may be new
		s.arrangeKey(s.container, children[:0])
	}
}

// arrangeKey arranges the subkeys of one key. It returns children, whose memory
// it uses.
func (s *salvage) arrangeKey(index int32, children []child) []child {
	sorted := true
	for i := range s.subkeys(index) {
		name, _ := s.nameOf(i)
		if n := len(children); n > 0 && children[n-1].name.Compare(name) >= 0 {
			sorted = false
		}
		children = append(children, child{i, name})
	}
	if sorted {
		return children
	}
	slices.SortStableFunc(children, func(a, b child) int { return a.name.Compare(b.name) })
	s.keys[index].last = none
	for rest := children; len(rest) > 0; {
		same := 1
		for same < len(rest) && rest[same].name.Compare(rest[0].name) == 0 {
			same++
		}
		s.relink(index, rest[:same])
		rest = rest[same:]
	}
	return children
}

// relink puts the best of subkeys of one name behind the others of a key: the
// first that has the hash of its name in the list, or just the first.
func (s *salvage) relink(parent int32, same []child) {
	best := max(0, slices.IndexFunc(same, func(c child) bool { return s.marks[c.index]&fits != 0 }))
	if at := slices.IndexFunc(same, func(c child) bool { return c.index == s.container }); at >= 0 {
		best = at // it cannot go into itself
	}
	s.append(parent, same[best].index)
	for i, c := range same {
		if i == best {
			continue
		}
		f := Finding{What: "key", Offset: s.keys[c.index].cell.File()}
		if parent == s.container || s.keys[c.index].cell == regf.NIL {
			f.Fate, f.Reason = LeftOut, "a sibling has the same name"
			s.tellBelow(parent, c.name, f)
			continue
		}
		f.Fate, f.Reason = Guessed, "a sibling has the same name: it was put below "+Container
		s.tellBelow(parent, c.name, f)
		s.needContainer()
		s.marks[c.index] |= contained
		s.append(s.container, c.index)
	}
}

// append makes a key the last subkey of another.
func (s *salvage) append(parent, index int32) {
	above, first := &s.keys[parent], index
	if above.last != none {
		first = s.keys[above.last].next
		s.keys[above.last].next = index
	}
	above.last = index
	s.keys[index].parent, s.keys[index].next = parent, first
}

// firstOf returns the first subkey of a key, or none.
func (s *salvage) firstOf(index int32) int32 {
	if last := s.keys[index].last; last != none {
		return s.keys[last].next
	}
	return none
}

// after returns the sibling behind a subkey of a key, or none.
func (s *salvage) after(subkey, parent int32) int32 {
	if subkey == s.keys[parent].last {
		return none
	}
	return s.keys[subkey].next
}

// subkeys iterates over the subkeys of a key in their order.
func (s *salvage) subkeys(index int32) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i := s.firstOf(index); i != none && yield(i); {
			i = s.after(i, index)
		}
	}
}
