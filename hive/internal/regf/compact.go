package regf

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// compaction keeps a long series of edits from filling the bins with free cells
// that are all too small.
//
// Best fit and the joining of neighbours do for some edits; after thousands
// that each change the length of some data, holes of the wrong sizes add up.
// Instead of adding a bin, the data of the values that were edited so far is
// then moved together. Everything else stays where it is.
type compaction struct {
	values map[Offset]bool // value records that were edited
	total  int             // edits so far
	edits  int             // since the data was last moved
}

const (
	fewEdits  = 256 // fewer never move the data of other values
	editShare = 6   // as many values as are moved for each edit
	freeShare = 32  // of the bins must be free for it to be worth the while
)

// done notes that the data of a value was set.
func (c *compaction) done(value Offset) {
	if c.values == nil {
		c.values = map[Offset]bool{}
	}
	c.values[value] = true
	c.total++
	c.edits++
}

// worthCompacting reports whether n bytes of data would make the hive grow
// although much of it is free, and the data was last moved so many edits ago
// that each of them bears only a little of the cost.
func (m *Image) worthCompacting(n int) bool {
	c := &m.compaction
	if m.leaveFree || c.total < fewEdits || c.edits < len(c.values)/editShare {
		return false
	}
	size, err := cellSize(min(n, MaxDirectData))
	return err == nil && m.freeIndex().bytes >= uint64(m.BinsSize()/freeShare) && !m.freeIndex().has(size)
}

// compact stores the data of all values that were edited again, the longest
// first, each in the smallest free cell that holds it.
func (m *Image) compact() error {
	m.compaction.edits = 0
	moved := m.takeUp()
	slices.SortFunc(moved, func(a, b movedData) int {
		return cmp.Or(cmp.Compare(len(b.data), len(a.data)), cmp.Compare(a.value, b.value))
	})
	for _, d := range moved {
		off, err := m.store(NIL, d.data, d.what)
		if err != nil {
			return err
		}
		m.writeU32(m.field(d.value, valueData), uint32(off))
	}
	return nil
}

// movedData is data without a cell.
type movedData struct {
	value Offset
	data  []byte
	what  string // its name in the list of changes
}

// takeUp gives back the cells of the data of all values that were edited, but
// for data that is inline or in segments. What is unsound is left alone, and so
// are cells that two values share.
func (m *Image) takeUp() []movedData {
	values := slices.Sorted(maps.Keys(m.compaction.values))
	users := make(map[Offset]int, len(values))
	for _, value := range values {
		if cell, _, ok := m.directData(value); ok {
			users[cell]++
		}
	}
	moved := make([]movedData, 0, len(users))
	for _, value := range values {
		cell, data, ok := m.directData(value)
		if !ok || users[cell] > 1 {
			continue
		}
		d := movedData{value, bytes.Clone(data), m.journal.labels[cell]}
		if m.release(cell) == nil {
			moved = append(moved, d)
		}
	}
	return moved
}

// directData returns the data of a value that has a cell of its own, and the
// cell.
func (m *Image) directData(value Offset) (cell Offset, data []byte, ok bool) {
	v, err := m.ValueRecord(value)
	if err != nil || v.Inline() || v.DataLength() == 0 || m.segmented(v.DataLength()) {
		return NIL, nil, false
	}
	data, err = m.ValueData(v)
	return v.Data(), data, err == nil
}
