package check

import (
	"hash/maphash"

	"hivepatch/hive/internal/regf"
)

// descriptor is a security record on the ring.
type descriptor struct {
	cell     regf.Offset
	previous regf.Offset
	count    uint32 // of users, as it says
	users    uint32 // keys that refer to it
}

// lastDescriptor spares most look-ups: neighbouring keys share descriptors.
type lastDescriptor struct {
	known bool
	cell  regf.Offset
	index int32
}

// securityRing walks the ring of security records from the root's on.
func (c *checker) securityRing(root regf.KeyNode) {
	c.security = map[regf.Offset]int32{}
	equal := map[uint64]regf.Offset{}
	seed := maphash.MakeSeed()
	start := root.Security()
	from, off := root.Offset, start
	for {
		record, ok := c.securityRecord(off, from)
		if !ok {
			return
		}
		c.checkDescriptor(record, equal, seed)
		if from != root.Offset && record.Previous() != from {
			c.report(codeRing, off, "previous record is %#x, want %#x", record.Previous().File(), from.File())
		}
		from, off = off, record.Next()
		if off == start {
			break
		}
	}
	if first := c.descriptors[0]; first.previous != from {
		c.report(codeRing, start, "previous record is %#x, want %#x", first.previous.File(), from.File())
	}
}

// securityRecord takes the next record of the ring. Since a cell is claimed
// once, a ring that never comes back to its start ends too.
func (c *checker) securityRecord(off, from regf.Offset) (regf.SecurityRecord, bool) {
	if !c.take(off) {
		c.report(codeRing, from, "the next security descriptor of the ring %s", c.whyNoCell(off))
		return regf.SecurityRecord{}, false
	}
	record, err := c.image.SecurityRecord(off)
	if err != nil {
		damage, _ := asFormatError(err)
		c.report(codeRing, from, "the next security descriptor of the ring should be at %#x: %s", off.File(), damage.Msg)
		return regf.SecurityRecord{}, false
	}
	c.security[off] = int32(len(c.descriptors))
	c.descriptors = append(c.descriptors, descriptor{cell: off, previous: record.Previous(), count: record.ReferenceCount()})
	return record, true
}

func (c *checker) checkDescriptor(record regf.SecurityRecord, equal map[uint64]regf.Offset, seed maphash.Seed) {
	bytes, err := record.Descriptor()
	if err != nil {
		c.reportError(err)
		return
	}
	if err := regf.ValidateDescriptor(bytes); err != nil {
		c.report(regf.CodeDescriptor, record.Offset, "security descriptor: %s", err)
		return
	}
	hash := maphash.Bytes(seed, bytes)
	if same, known := equal[hash]; known {
		c.report(codeSameDescriptor, record.Offset, "security descriptor equals the one at %#x", same.File())
	} else {
		equal[hash] = record.Offset
	}
}

// keySecurity counts a key as a user of its descriptor.
func (c *checker) keySecurity() {
	node := &c.key
	off := node.Security()
	if !c.lastUsed.known || off != c.lastUsed.cell {
		index, ok := c.security[off]
		if !ok {
			c.report(regf.CodeSecurityReference, node.Offset, "security descriptor should be at %#x, where there is none on the root's ring", off.File())
			return
		}
		c.lastUsed = lastDescriptor{true, off, index}
	}
	c.descriptors[c.lastUsed.index].users++
}

// securityCounts compares the counts of users with those found. One too high
// is what Windows itself leaves behind when it heals a hive, and harmless.
func (c *checker) securityCounts() {
	for _, d := range c.descriptors {
		switch {
		case d.count < d.users || d.count == 0:
			c.report(codeReferenceCount, d.cell, "security descriptor has %d users, it says %d", d.users, d.count)
		case d.count > d.users:
			c.reportAt(Warning, codeReferenceCount, d.cell.File(), "security descriptor has %d users, it says %d", d.users, d.count)
		}
	}
}
