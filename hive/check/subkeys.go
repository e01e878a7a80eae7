package check

import "hivepatch/hive/internal/regf"

// longestLeaf is the length that Windows lets a leaf grow to before it splits
// it.
const longestLeaf = 1012

// openList begins the list of subkeys of the key being checked.
func (c *checker) openList() {
	node := &c.key
	if node.SubkeyCount() == 0 {
		if list := node.SubkeyList(); list != regf.NIL {
			c.report(codeSubkeyCount, node.Offset, "key says it has no subkeys, but refers to a list at %#x", list.File())
		}
		return
	}
	f := frame{node: *node}
	list, ok := c.list(node.SubkeyList(), node.Offset)
	switch {
	case !ok:
		f.unread = true
	case list.IsRoot():
		f.leaves = list
	default:
		f.leaf = list
		c.leafKind(list, 0)
	}
	c.path = append(c.path, f)
}

func (c *checker) list(off, from regf.Offset) (regf.SubkeyList, bool) {
	if !c.claim(off, from, "the list of subkeys") {
		return regf.SubkeyList{}, false
	}
	list, err := c.image.KnownSubkeyList(off)
	if err != nil {
		c.reportError(err)
	}
	return list, err == nil
}

// leafKind checks that a leaf is of the kind that Windows writes. kind is that
// of the leaves before it in an index root.
func (c *checker) leafKind(leaf regf.SubkeyList, kind regf.ListKind) {
	want := regf.ListLH
	switch {
	case c.minor < 3:
		want = regf.ListLI
	case c.minor < 5:
		want = regf.ListLF
	}
	switch {
	case kind != 0 && leaf.Kind != kind:
		c.report(codeListKind, leaf.Offset, "leaf is %s after leaves of kind %s", leaf.Kind, kind)
	case leaf.Kind == regf.ListLI && c.minor < 5:
		// Large lists of version 1.3 are li too.
	case leaf.Kind != want:
		c.report(codeListKind, leaf.Offset, "leaf is %s, want %s in version 1.%d", leaf.Kind, want, c.minor)
	}
	if leaf.Len() > longestLeaf {
		c.report(codeListSize, leaf.Offset, "leaf has %d entries, want at most %d", leaf.Len(), longestLeaf)
	}
}

// nextSubkey makes the next subkey of the key in f that can be read the one
// being checked, and returns false when there is none.
func (c *checker) nextSubkey(f *frame) bool {
	for f.nextKey < f.leaf.Len() || c.nextLeaf(f) {
		i := f.nextKey
		f.nextKey++
		f.found++
		off := f.leaf.At(i)
		if !c.claim(off, f.leaf.Offset, "a subkey") {
			continue
		}
		node, err := c.image.KnownKeyNode(off)
		if err != nil {
			c.reportError(err)
			continue
		}
		c.key = node
		c.entry(f, i)
		return true
	}
	return false
}

// nextLeaf goes to the next sound leaf of an index root.
func (c *checker) nextLeaf(f *frame) bool {
	for f.nextLeaf < f.leaves.Len() {
		off := f.leaves.At(f.nextLeaf)
		f.nextLeaf++
		leaf, ok := c.list(off, f.leaves.Offset)
		if !ok {
			f.unread = true
			continue
		}
		if leaf.IsRoot() {
			f.unread = true
			c.report(regf.CodeSubkeyList, off, "ri stands inside another ri, want li, lf or lh")
			continue
		}
		c.leafKind(leaf, f.leaf.Kind)
		f.leaf, f.nextKey = leaf, 0
		return true
	}
	return false
}

// entry checks the i-th entry of a leaf against the key it leads to, the one
// being checked.
func (c *checker) entry(f *frame, i int) {
	name := c.key.Name()
	if len(f.previous.Raw) > 0 {
		if order := f.previous.Compare(name); order >= 0 {
			c.order(f, order)
		}
	}
	switch f.leaf.Kind {
	case regf.ListLH:
		if stored, want := f.leaf.Hash(i), name.Hash(); stored != want {
			c.reportAt(c.levelFor(codeHash, name), codeHash, f.leaf.Offset.File(), "hash of %s is %#08x, want %#08x", keyName(name), stored, want)
		}
	case regf.ListLF:
		c.hint(f, i, name)
	}
	f.previous = name
	f.maxName = max(f.maxName, uint32(2*name.Len()))
	f.maxClass = max(f.maxClass, uint32(c.key.ClassLength()))
}

func (c *checker) order(f *frame, order int) {
	node := &c.key
	name := node.Name()
	if order == 0 {
		c.report(codeOrder, node.Offset, "subkey %s has the name of the one before it", keyName(name))
		return
	}
	level := c.levelFor(codeOrder, name)
	if c.levelFor(codeOrder, f.previous) == Warning {
		level = Warning
	}
	c.reportAt(level, codeOrder, node.Offset.File(), "subkey %s stands after %s, want it before", keyName(name), keyName(f.previous))
}

// levelFor is the level of a finding about the upper-case form of a name.
func (c *checker) levelFor(code string, name regf.Name) Level {
	if name.IsExotic() {
		return Warning
	}
	return rules[code].Level
}

// hint checks the hint of an lf entry. One that begins with a zero byte means
// that there is none.
func (c *checker) hint(f *frame, i int, name regf.Name) {
	want := name.Hint()
	stored := f.leaf.Hash(i)
	if byte(stored) == 0 && want[0] == 0 {
		return
	}
	if stored != uint32(want[0])|uint32(want[1])<<8|uint32(want[2])<<16|uint32(want[3])<<24 {
		c.report(codeHint, f.leaf.Offset, "hint of %s is %#08x, want % x", keyName(name), stored, want)
	}
}
