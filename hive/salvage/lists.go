package salvage

import (
	"fmt"

	"hivepatch/hive/internal/regf"
)

// followLists adds what the lists of a key lead to, and returns the entries that
// must wait.
func (s *salvage) followLists(index int32, waiting []foreign) []foreign {
	k := s.keys[index]
	if k.cell == regf.NIL {
		return waiting
	}
	node, _, err := s.readKey(k.cell)
	if err != nil {
		return waiting
	}
	l := listReader{salvage: s, index: index, node: node, waiting: waiting}
	l.read()
	if l.fault != "" {
		if l.unread > 1 {
			l.fault += fmt.Sprintf("; %d of its keys cannot be read", l.unread)
		}
		s.tell(index, Finding{Fate: Lost, What: "list of subkeys", Offset: l.at.File(), Reason: l.fault})
		s.searchChildren(index)
	}
	return l.waiting
}

// listReader reads the lists of one key.
type listReader struct {
	*salvage
	index   int32
	node    regf.KeyNode
	waiting []foreign

	entries uint64 // in all leaves
	at      regf.Offset
	fault   string // the first thing that is wrong
	unread  int    // entries whose keys cannot be read
}

func (l *listReader) fail(at regf.Offset, format string, args ...any) {
	if l.fault == "" {
		l.at, l.fault = at, fmt.Sprintf(format, args...)
	}
}

func (l *listReader) read() {
	count, off := l.node.SubkeyCount(), l.node.SubkeyList()
	if count == 0 && (off == regf.NIL || off == 0) {
		return
	}
	list, ok := l.list(off)
	switch {
	case !ok:
		return
	case list.IsRoot():
		for i := range list.Len() {
			if leaf, ok := l.list(list.At(i)); ok && leaf.IsRoot() {
				l.fail(leaf.Offset, "a list of lists stands inside another")
			} else if ok {
				l.leaf(leaf)
			}
		}
	default:
		l.leaf(list)
	}
	if l.entries != uint64(count) {
		l.fail(l.node.Offset, "the key says it has %d subkeys, its list has %d", count, l.entries)
	}
}

// list reads a list with what is left of its entries.
func (l *listReader) list(off regf.Offset) (regf.SubkeyList, bool) {
	data, f, err := l.record(off)
	if err != nil {
		l.fail(off, "%s", reason(err))
		return regf.SubkeyList{}, false
	}
	list, whole, err := l.image.ParseSubkeyList(off, data)
	switch {
	case err != nil:
		l.fail(off, "%s", reason(err))
		return list, false
	case f != sound:
		l.fail(off, "%s", f)
	case !whole:
		l.fail(off, "it has less entries than it says")
	case list.Len() == 0:
		l.fail(off, "it is empty")
	}
	if l.salvage.entries -= list.Len(); l.salvage.entries < 0 {
		l.fail(off, "lists of subkeys lead to each other without end")
		return list, false
	}
	return list, true
}

func (l *listReader) leaf(leaf regf.SubkeyList) {
	l.entries += uint64(leaf.Len())
	for i := range leaf.Len() {
		l.entry(leaf, i)
	}
}

// hashOf is what a list has of the names of its keys.
func hashOf(leaf regf.SubkeyList) string {
	if leaf.Kind == regf.ListLF {
		return "hint"
	}
	return "hash"
}

// entry adds the key that an entry leads to.
func (l *listReader) entry(leaf regf.SubkeyList, i int) {
	off := leaf.At(i)
	node, f, err := l.readKey(off)
	if err != nil {
		l.damaged[off] = true
		l.unread++
		l.fail(off, "it names a key that cannot be read: %s", reason(err))
		return
	}
	var m marks
	if leaf.Fits(i, node.Name()) {
		m |= fits
	}
	own := node.Parent() == l.node.Offset
	switch {
	case f == isFree && (!own || m&fits == 0 || !isSoundName(node.Name())):
		l.damaged[off] = true
		l.fail(off, "it names a key in a free cell, where another may have been")
		return
	case !own:
		if m&fits == 0 {
			l.fail(off, "it names a key that names another parent, and has the %s of another name", hashOf(leaf))
		}
		l.waiting = append(l.waiting, foreign{l.index, off, m})
		return
	case l.isTaken(off) || !l.addKey(off, l.index, m):
		l.fail(off, "it names a key twice")
		return
	}
	why := f.String()
	if f == sound && m&fits == 0 && !node.Name().IsExotic() {
		why = fmt.Sprintf("the %s in the list is not that of its name: one of the two is damaged", hashOf(leaf))
	}
	if why != "" {
		l.tellBelow(l.index, node.Name(), Finding{Fate: Guessed, What: "key", Offset: off.File(), Reason: why})
	}
}
