package regf

import "hivepatch/hive/escape"

// Change is a run of bytes that differ from the image that was parsed.
type Change struct {
	Offset int64  // absolute file offset
	Length int64  // bytes
	What   string // the structure that holds them, with its name as package escape writes it
}

// changeGap is the number of equal bytes that do not end a run: the zero high
// bytes of UTF-16 text would otherwise cut it to pieces.
const changeGap = 8

// Changes lists what differs from the image that was parsed, in order of
// offset. A run never reaches over two structures.
func (m *Image) Changes() []Change {
	var changes []Change
	where := structureCursor{m: m}
	for page, before := range m.journal.pages {
		start := int64(page) * PageSize
		if start < int64(len(m.data)) {
			now := m.data[start:min(start+int64(len(before)), int64(len(m.data)))]
			changes = where.compare(changes, start, before, now)
		}
	}
	before, now := int64(m.journal.length), int64(len(m.data))
	switch {
	case now > before:
		changes = append(changes, Change{before, now - before, "added at the end"})
	case now < before:
		changes = append(changes, Change{now, before - now, "removed at the end"})
	}
	return changes
}

// compare appends the runs in which now differs from before; both begin at the
// file offset start.
func (c *structureCursor) compare(changes []Change, start int64, before, now []byte) []Change {
	for i := range now {
		if before[i] == now[i] {
			continue
		}
		at := start + int64(i)
		if n := len(changes); n > 0 && at < c.end {
			if run := &changes[n-1]; at-(run.Offset+run.Length) <= changeGap {
				run.Length = at + 1 - run.Offset
				continue
			}
		}
		var what string
		what, c.end = c.at(at)
		changes = append(changes, Change{at, 1, what})
	}
	return changes
}

// structureCursor names the structure at a file offset. It is asked in rising
// order, so that a bin is walked once however many changes it has.
type structureCursor struct {
	m    *Image
	bin  Bin
	cell Offset
	end  int64 // of the structure of the last change, as a file offset
}

// at returns the name of the structure at a file offset and where it ends.
func (c *structureCursor) at(file int64) (what string, end int64) {
	if file < BaseBlockSize {
		return blockField(file)
	}
	off := Offset(file - BaseBlockSize)
	bin, ok := c.m.binAt(off)
	switch {
	case !ok && off < Offset(c.m.BinsSize()):
		return "damaged bin", (off - off%PageSize + PageSize).File()
	case !ok:
		return "after the last bin", int64(len(c.m.data))
	case off < bin.Start+BinHeaderSize:
		return "bin header", (bin.Start + BinHeaderSize).File()
	}
	if bin != c.bin {
		c.bin, c.cell = bin, bin.Start+BinHeaderSize
	}
	for {
		size, allocated, err := c.m.CellSize(c.cell)
		if err != nil {
			return "damaged cells", bin.End().File()
		}
		if next := c.cell + Offset(size); off >= next {
			c.cell = next
			continue
		}
		return c.m.describe(c.cell, allocated), (c.cell + Offset(size)).File()
	}
}

// InSealedField reports whether length bytes from the file offset on lie in the
// fields of the base block that a new bin and Seal write.
func InSealedField(file, length int64) bool {
	for _, field := range [][2]int64{{blockSequence1, blockTimestamp + 8}, {blockBinsSize, blockBinsSize + 4}, {blockChecksum, HeaderSize}} {
		if file >= field[0] && file+length <= field[1] {
			return true
		}
	}
	return false
}

func blockField(file int64) (string, int64) {
	for _, field := range []struct {
		start, end int64
		name       string
	}{
		{blockSequence1, blockSequence2, "base block: sequence 1"},
		{blockSequence2, blockTimestamp, "base block: sequence 2"},
		{blockTimestamp, 0x14, "base block: time stamp"},
		{blockBinsSize, 0x2C, "base block: length of the bins"},
		{blockFlags, 0x94, "base block: flags"},
		{blockChecksum, HeaderSize, "base block: checksum"},
	} {
		if file >= field.start && file < field.end {
			return field.name, field.end
		}
	}
	// Another field, changed by a replayed log: name the run up to the next
	// known one.
	for _, start := range []int64{blockSequence1, blockBinsSize, blockFlags, blockChecksum} {
		if file < start {
			return "base block", start
		}
	}
	return "base block", BaseBlockSize
}

// describe names the cell at off: by what was written there, else by what its
// signature says.
func (m *Image) describe(off Offset, allocated bool) string {
	if !allocated {
		return "free cell"
	}
	if label, ok := m.journal.labels[off]; ok {
		return label
	}
	if node, err := m.KeyNode(off); err == nil {
		return "key " + escape.Name(node.Name().String())
	}
	if value, err := m.ValueRecord(off); err == nil {
		return "value " + escape.ValueName(value.Name().String())
	}
	if _, err := m.SecurityRecord(off); err == nil {
		return "security descriptor"
	}
	if list, err := m.SubkeyList(off); err == nil {
		return "subkey list " + list.Kind.String()
	}
	return "data"
}
