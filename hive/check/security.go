package check

import (
	"hash/maphash"
	"maps"
	"slices"

	"hivepatch/hive/internal/regf"
)

// descriptor is a security record on the ring.
type descriptor struct {
	record regf.SecurityRecord
	users  uint32 // keys that refer to it
}

// lastDescriptor spares most look-ups: neighbouring keys share descriptors.
type lastDescriptor struct {
	off regf.Offset
	*descriptor
}

// securityRing walks the ring of security records from the root's on.
func (c *checker) securityRing(root regf.KeyNode) {
	c.security = map[regf.Offset]*descriptor{}
	equal := map[uint64]regf.Offset{}
	seed := maphash.MakeSeed()
	start := root.Security()
	from, off := root.Offset, start
	for {
		record, ok := c.securityRecord(off, from)
		if !ok {
			return
		}
		hash := maphash.Bytes(seed, record.Descriptor())
		if same, known := equal[hash]; known {
			c.report(codeSameDescriptor, off, "security descriptor equals the one at %#x", same.File())
		} else {
			equal[hash] = off
		}
		if from != root.Offset && record.Previous() != from {
			c.report(codeRing, off, "previous record is %#x, want %#x", record.Previous().File(), from.File())
		}
		from, off = off, record.Next()
		if off == start {
			break
		}
		if c.security[off] != nil {
			c.report(codeRing, from, "ring leads back to %#x, want the first record, %#x", off.File(), start.File())
			return
		}
	}
	if first := c.security[start].record; first.Previous() != from {
		c.report(codeRing, start, "previous record is %#x, want %#x", first.Previous().File(), from.File())
	}
}

func (c *checker) securityRecord(off, from regf.Offset) (regf.SecurityRecord, bool) {
	if !c.claim(off, from, "a security descriptor") {
		return regf.SecurityRecord{}, false
	}
	record, err := c.image.SecurityRecord(off)
	if err != nil {
		c.reportError(err)
		return regf.SecurityRecord{}, false
	}
	if err := regf.ValidateDescriptor(record.Descriptor()); err != nil {
		c.report(regf.CodeDescriptor, off, "security descriptor: %s", err)
	}
	c.security[off] = &descriptor{record: record}
	return record, true
}

// keySecurity counts a key as a user of its descriptor.
func (c *checker) keySecurity(node regf.KeyNode) {
	off := node.Security()
	if c.lastUsed.descriptor == nil || c.lastUsed.off != off {
		d := c.security[off]
		if d == nil {
			c.report(regf.CodeSecurityReference, node.Offset, "security descriptor should be at %#x, where there is none on the root's ring", off.File())
			return
		}
		c.lastUsed = lastDescriptor{off, d}
	}
	c.lastUsed.users++
}

// securityCounts compares the counts of users with those found. One too high
// is what Windows itself leaves behind when it heals a hive, and harmless.
func (c *checker) securityCounts() {
	for _, off := range slices.Sorted(maps.Keys(c.security)) {
		d := c.security[off]
		stored := d.record.ReferenceCount()
		switch {
		case stored < d.users || stored == 0:
			c.report(codeReferenceCount, off, "security descriptor has %d users, it says %d", d.users, stored)
		case stored > d.users:
			c.reportAt(Warning, codeReferenceCount, off.File(), "security descriptor has %d users, it says %d", d.users, stored)
		}
	}
}
