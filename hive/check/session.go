package check

import (
	"bytes"
	"slices"

	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// Session is a hive that was checked and is to be edited. It can be checked
// again without a walk over all of it: what the edit changed is checked by the
// same rules, and the rest is as it was when it passed. A session sees more than a second check of the whole would, since it
// also knows what the edit had no business to change.
type Session struct {
	c       *checker
	before  regf.Offset // end of the last bin before the edit
	end     regf.Offset // of the bins that were there before and are still there
	edited  []editedKey
	touched []regf.Bin
}

// editedKey is a key whose values an edit may change.
type editedKey struct {
	path   string
	before regf.KeyNode
	record []byte    // of the key, with its name
	known  []Finding // about the key and its values, before the edit
}

// Start checks the hive in data as Bytes does. It returns nil when the data is
// not a hive.
func Start(data []byte, emit func(Finding)) *Session {
	c := newChecker(data, emit)
	if c == nil {
		return nil
	}
	c.all()
	end := regf.Offset(c.image.BinsSize())
	return &Session{c: c, before: end, end: end}
}

// Expect announces that an edit will change values of the key whose cell is at
// the file offset key. It must come before the edit, while the hive is as it
// was checked; path is for findings.
func (s *Session) Expect(key int64, path string) {
	c := s.c
	off := regf.Offset(key - regf.BaseBlockSize)
	if !c.isClaimed(off) {
		return // no key: whatever changes there will be out of place
	}
	node, err := c.image.KnownKeyNode(off)
	if err != nil {
		return
	}
	e := editedKey{path: path, before: node, record: bytes.Clone(node.Record())}
	s.release(node)
	emit := c.emit
	c.emit = func(f Finding) { e.known = append(e.known, f) }
	c.own(node, path)
	c.emit = emit
	s.release(node)
	s.edited = append(s.edited, e)
}

// release gives up the claims on the cells that belong to a key alone, but for
// the key's own and its list of subkeys.
func (s *Session) release(node regf.KeyNode) {
	for off := range s.c.image.ValueCells(node) {
		if s.c.isClaimed(off) {
			s.c.claimed.Remove(uint32(off / 8))
		}
	}
}

// Recheck checks the hive in data, which is the one that Start was given after
// an edit of the keys announced. changes are the runs of bytes that the edit
// has changed. What was found about those keys before is not found again.
func (s *Session) Recheck(data []byte, changes []regf.Change, emit func(Finding)) {
	c := s.c
	image, err := regf.Parse(data)
	if err != nil {
		emit(notAHive(err))
		return
	}
	c.image, c.emit = image, emit
	c.header()
	s.dropped()
	s.rewalk(changes)
	own := map[regf.Offset]bool{}
	for _, e := range s.edited {
		s.recheckKey(e, emit)
		own[e.before.Offset] = true
		for off := range image.ValueCells(s.current(e)) {
			own[off] = true
		}
	}
	c.fixedPath = ""
	for _, change := range changes {
		s.account(change, own)
	}
	for _, bin := range s.touched {
		for unit := range c.starts.Range(uint32(bin.Start/8), uint32(bin.End()/8)) {
			if !c.claimed.Has(unit) {
				c.orphan(regf.Offset(8 * unit))
			}
		}
	}
}

// dropped takes bins that the edit has given up out of account. What was in
// them must have been the edited keys' own.
func (s *Session) dropped() {
	c := s.c
	now := c.image.BinsSize()
	for unit := range c.claimed.Range(now/8, uint32(s.end/8)) {
		c.claimed.Remove(unit)
		c.report(codeReach, regf.Offset(8*unit), "the edit has dropped a cell that another record needs")
	}
	s.end = min(s.end, regf.Offset(now))
}

// rewalk walks the bins again in which something changed.
func (s *Session) rewalk(changes []regf.Change) {
	c := s.c
	units := c.image.BinsSize()/8 + 1
	for _, set := range []*bitmap.Bitmap{&c.starts, &c.bounds, &c.claimed} {
		set.Grow(units)
	}
	for bin := range c.image.Bins {
		if bin.Start < s.end && !slices.ContainsFunc(changes, func(change regf.Change) bool {
			return change.Offset < bin.End().File() && change.Offset+change.Length > bin.Start.File()
		}) {
			continue
		}
		s.touched = append(s.touched, bin)
		lo, hi := uint32(bin.Start/8), uint32(bin.End()/8)
		for _, set := range []bitmap.Bitmap{c.starts, c.bounds} {
			for unit := range set.Range(lo+1, hi) { // lo is the end of the bin before
				set.Remove(unit)
			}
		}
		c.bin(bin)
		for unit := range c.claimed.Range(lo, hi) {
			if !c.starts.Has(unit) {
				c.claimed.Remove(unit)
				c.report(codeReach, regf.Offset(8*unit), "the edit has destroyed a cell that another record needs")
			}
		}
	}
}

func (s *Session) current(e editedKey) regf.KeyNode {
	node, err := s.c.image.KeyNode(e.before.Offset)
	if err != nil {
		return regf.KeyNode{}
	}
	return node
}

// recheckKey checks an edited key and its values, and that of the key itself
// only the time and what tells of values has changed.
func (s *Session) recheckKey(e editedKey, emit func(Finding)) {
	c := s.c
	node := s.current(e)
	if node.Offset == 0 || !node.SameButValues(e.record) {
		c.fixedPath = e.path
		c.report(codeReach, e.before.Offset, "the edit has changed more of the key than its time and values")
		return
	}
	c.emit = func(f Finding) {
		if !slices.ContainsFunc(e.known, func(k Finding) bool { return k.Code == f.Code && k.Offset == f.Offset }) {
			emit(f)
		}
	}
	c.own(node, e.path)
	c.emit = emit
}

// own checks what belongs to a key alone.
func (c *checker) own(node regf.KeyNode, path string) {
	c.key, c.fixedPath = node, path
	c.values()
}

// account finds the owner of a run of changed bytes: the base block, the time
// stamp of the first bin, free space, a new bin, or an edited key.
func (s *Session) account(change regf.Change, own map[regf.Offset]bool) {
	c := s.c
	if change.Offset < regf.BaseBlockSize {
		if !regf.InSealedField(change.Offset, change.Length) {
			c.reportAt(Fatal, codeReach, change.Offset, "the edit has changed a field of the base block")
		}
		return
	}
	off := regf.Offset(change.Offset - regf.BaseBlockSize)
	start, inBin := c.image.BinAt(change.Offset)
	switch {
	case !inBin && off >= s.end && off < s.before:
		return // a bin that was given up, see dropped
	case !inBin:
		c.report(codeReach, off, "the edit has changed bytes that belong to no bin")
		return
	case off >= s.end:
		return // a new bin
	}
	if head := change.Offset - start; head < regf.BinHeaderSize {
		if start != regf.BaseBlockSize || !regf.InBinTimestamp(head, change.Length) {
			c.report(codeReach, off, "the edit has changed the header of a bin")
		}
		return
	}
	unit, ok := c.bounds.Before(uint32(off/8) + 1)
	if cell := regf.Offset(8 * unit); !ok || c.starts.Has(unit) && !own[cell] {
		c.report(codeReach, off, "the edit has changed a cell of another record")
	}
}
