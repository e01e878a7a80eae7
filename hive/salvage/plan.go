package salvage

import (
	"cmp"
	"fmt"
	"slices"

	"hivepatch/hive/escape"
	"hivepatch/hive/internal/regf"
)

// none is no key.
const none int32 = -1

// key is a key of the new hive. Its record is read again when it is needed.
type key struct {
	cell   regf.Offset // regf.NIL for one that is made anew
	parent int32       // index in salvage.keys, as those that follow
	last   int32       // subkey
	next   int32       // sibling; of the last one the first
}

// marks are what is known of a key.
type marks uint8

const (
	fits      marks = 1 << iota // the hash in the list is that of the name
	contained                   // it goes into the container, with its offset in its name
	searched                    // all keys that name it as their parent are in the plan
)

// candidate is a record that may be a key.
type candidate struct {
	cell, parent regf.Offset
}

// candidates returns all sound records of keys in allocated cells, whether a list
// leads to them or not, by parent. They are looked for when they are first needed:
// in a sound hive they never are.
func (s *salvage) candidates() []candidate {
	if s.all == nil {
		s.all = s.collect(func(candidate) bool { return true })
	}
	return s.all
}

// collect returns the candidates that are wanted, by parent.
func (s *salvage) collect(wanted func(candidate) bool) []candidate {
	list := make([]candidate, 0, s.count(wanted)) // growing would take the memory twice
	s.eachCandidate(func(c candidate) {
		if wanted(c) {
			list = append(list, c)
		}
	})
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.parent, b.parent), cmp.Compare(a.cell, b.cell))
	})
	return list
}

// count returns the number of candidates that are wanted.
func (s *salvage) count(wanted func(candidate) bool) (n int) {
	s.eachCandidate(func(c candidate) {
		if wanted(c) {
			n++
		}
	})
	return n
}

// eachCandidate calls visit with the sound records of keys.
func (s *salvage) eachCandidate(visit func(candidate)) {
	for bin := range s.image.Bins {
		for off := bin.Start + regf.BinHeaderSize; off < bin.End() && off < s.declared; {
			cell, ok := s.image.CellIn(bin, off)
			length := 0
			if ok && cell.Allocated {
				length = s.consider(off, visit)
			}
			switch {
			case ok && !s.isTorn(off):
				off += regf.Offset(cell.Size)
			case length > 0:
				off += regf.Offset(length+regf.CellHeaderSize+7) &^ 7
			default:
				off += 8 // the chain leads nowhere here
			}
		}
	}
}

// consider visits the key in a cell and returns the length of its record, 0
// where there is none.
func (s *salvage) consider(off regf.Offset, visit func(candidate)) int {
	node, f, err := s.readKey(off)
	if err != nil || f != sound || !isSoundName(node.Name()) {
		return 0
	}
	visit(candidate{off, node.Parent()})
	return len(node.Record())
}

// childrenOf returns the candidates that name a cell as their parent.
func (s *salvage) childrenOf(parent regf.Offset) []candidate {
	all := s.candidates()
	order := func(c candidate, parent regf.Offset) int { return cmp.Compare(c.parent, parent) }
	first, _ := slices.BinarySearchFunc(all, parent, order)
	end := first
	for end < len(all) && all[end].parent == parent {
		end++
	}
	return all[first:end]
}

// plan decides which keys the new hive has, and where.
func (s *salvage) plan() {
	s.container, s.damaged, s.entries = none, map[regf.Offset]bool{}, 2*s.image.MaxEntries()
	s.placeRoot()
	s.follow()
	s.findContainer()
	s.placeDetached()
	s.arrange()
}

// placeRoot makes the first key.
func (s *salvage) placeRoot() {
	off := s.image.BaseBlock().RootCell()
	_, f, err := s.readKey(off)
	if err == nil && f != isFree {
		s.addKey(off, none, fits)
		return
	}
	if err == nil {
		err = flawError(f)
	}
	if found, ok := s.anotherRoot(); ok {
		s.report.add(Finding{Fate: Guessed, What: "root key", Offset: found.File(), Reason: fmt.Sprintf("the one at %#x cannot be read (%s); this is the only key with the flag of a root", off.File(), reason(err))})
		s.addKey(found, none, fits)
		return
	}
	s.report.add(Finding{Fate: Lost, What: "root key", Offset: off.File(), Reason: "it cannot be read and was made anew: " + reason(err)})
	s.addKey(regf.NIL, none, 0)
	s.damaged[off] = true
	for _, c := range s.childrenOf(off) {
		s.adopt(c.cell, 0, 0, "it names the lost root as its parent")
	}
}

// anotherRoot returns the one key that has the flag of a root.
func (s *salvage) anotherRoot() (root regf.Offset, ok bool) {
	for _, c := range s.candidates() {
		if node, err := s.image.KeyNode(c.cell); err == nil && node.Flags()&regf.KeyHiveEntry != 0 {
			if ok {
				return 0, false
			}
			root, ok = c.cell, true
		}
	}
	return root, ok
}

// addKey puts the key at off below parent. It returns false where there is no
// record of a key, or one that lies over that of another.
func (s *salvage) addKey(off regf.Offset, parent int32, m marks) bool {
	if off != regf.NIL {
		node, _, err := s.readKey(off)
		if err != nil {
			return false
		}
		if shared, _ := s.take(off, len(node.Record())); shared {
			return false
		}
	}
	index := int32(len(s.keys))
	s.keys = append(s.keys, key{cell: off, parent: parent, last: none, next: none})
	s.marks = append(s.marks, m)
	if parent != none {
		s.append(parent, index)
	}
	return true
}

// adopt puts a key that no list leads to below parent, and tells so.
func (s *salvage) adopt(off regf.Offset, parent int32, m marks, why string) {
	if s.isTaken(off) {
		return
	}
	node, _, err := s.readKey(off)
	if err != nil {
		return
	}
	if s.addKey(off, parent, m) {
		s.tellBelow(parent, node.Name(), Finding{Fate: Guessed, What: "key", Offset: off.File(), Reason: why})
	}
}

// foreign is an entry of a list whose key names another parent.
type foreign struct {
	parent int32
	cell   regf.Offset
	marks  marks
}

// follow goes through the lists of all keys in the plan and adds what they lead
// to, each key once. Keys that name another parent wait until all is known that
// the lists of their own parents lead to.
func (s *salvage) follow() {
	var waiting []foreign
	for s.followed < len(s.keys) || len(waiting) > 0 {
		if s.followed < len(s.keys) {
			waiting = s.followLists(int32(s.followed), waiting)
			s.followed++
			continue
		}
		for _, w := range waiting {
			s.takeIn(w)
		}
		waiting = waiting[:0]
	}
}

// takeIn puts a key where a list has it although it names another parent.
func (s *salvage) takeIn(w foreign) {
	node, _, err := s.readKey(w.cell)
	if err != nil {
		return
	}
	if s.isTaken(w.cell) || !s.addKey(w.cell, w.parent, w.marks) {
		s.tell(w.parent, Finding{Fate: LeftOut, What: "list of subkeys", Offset: w.cell.File(), Reason: fmt.Sprintf("its entry %s is a key that belongs elsewhere", escape.Name(node.Name().String()))})
		s.searchChildren(w.parent)
		return
	}
	s.tellBelow(w.parent, node.Name(), Finding{Fate: Guessed, What: "key", Offset: w.cell.File(), Reason: fmt.Sprintf("the list of this parent has it, but it names the key at %#x", node.Parent().File())})
}

// searchChildren adds the keys that name a key as their parent and that its list,
// which is damaged, does not lead to.
func (s *salvage) searchChildren(parent int32) {
	cell := s.keys[parent].cell
	if cell == regf.NIL || s.marks[parent]&searched != 0 {
		return
	}
	s.marks[parent] |= searched
	for _, c := range s.childrenOf(cell) {
		s.adopt(c.cell, parent, 0, "no list leads to it, but it names this parent, whose list is damaged")
	}
}

// readKey returns the record of the key at off, from any cell that may be one.
func (s *salvage) readKey(off regf.Offset) (regf.KeyNode, flaw, error) {
	data, f, err := s.record(off)
	if err != nil {
		return regf.KeyNode{}, f, err
	}
	node, err := s.image.ParseKeyNode(off, data)
	return node, f, err
}
