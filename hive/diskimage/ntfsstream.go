package diskimage

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// stream is a whole attribute: what its parts in one or more records add up to.
type stream struct {
	flags       uint16
	resident    bool
	value       []byte // of a resident one
	runs        []run  // in the order of their clusters in the attribute
	allocated   int64  // bytes
	size        int64  // bytes
	initialized int64  // bytes that have been written; what follows reads as zeros
}

// next is the cluster that the next part has to begin with.
func (s *stream) next() int64 {
	if len(s.runs) == 0 {
		return 0
	}
	last := s.runs[len(s.runs)-1]
	return last.vcn + last.count
}

// add appends a part. The first one says what all have in common.
func (s *stream) add(g *geometry, a *attribute, first bool) error {
	if !first && (a.resident || s.resident) {
		return fmt.Errorf("%w: a part of it lies in the file's record", ErrAttributeList)
	}
	if a.resident {
		s.resident, s.value, s.flags = true, a.value, a.flags
		s.size = int64(len(a.value))
		s.initialized = s.size
		return nil
	}
	if first {
		s.flags, s.allocated, s.size, s.initialized = a.flags, a.allocated, a.size, a.initialized
	}
	if a.lowest != s.next() {
		return fmt.Errorf("%w: a part begins with cluster %d, expected %d", ErrAttributeList, a.lowest, s.next())
	}
	var err error
	s.runs, err = g.appendRuns(s.runs, a)
	return err
}

// check compares the sizes with each other and with the runs.
func (s *stream) check(g *geometry) error {
	if s.resident {
		return nil
	}
	if s.allocated < 0 || s.allocated%g.cluster != 0 || s.allocated/g.cluster != s.next() {
		return fmt.Errorf("%w: %d bytes are allocated, the runs have %d clusters of %d", ErrRuns, s.allocated, s.next(), g.cluster)
	}
	if s.size < 0 || s.size > s.allocated || s.initialized < 0 || s.initialized > s.size {
		return fmt.Errorf("%w: %d bytes are allocated, %d of them used, %d of them initialized", ErrRuns, s.allocated, s.size, s.initialized)
	}
	return checkOverlap(s.runs)
}

// mostListSize is the largest list of attributes that Windows makes, in bytes.
const mostListSize = 256 << 10

// stream returns an attribute of a file, nothing where it has none. It returns
// a FormatError, with ErrAttributeList or ErrRuns, for one that does not add up.
func (n *NTFS) stream(r *record, kind uint32, name string) (*stream, error) {
	s, parts := &stream{}, 0
	err := n.eachPart(r, kind, name, func(a *attribute) error {
		parts++
		return s.add(n.geometry, a, parts == 1)
	})
	if err == nil && parts > 0 {
		err = s.check(n.geometry)
	}
	if err != nil {
		return nil, r.explain(kind, err)
	}
	if parts == 0 {
		return nil, nil
	}
	return s, nil
}

// explain says which file and attribute an error is about, unless it does.
func (r *record) explain(kind uint32, err error) error {
	if _, ok := err.(*FormatError); ok {
		return err
	}
	return &FormatError{Off: r.at, Struct: fmt.Sprintf("attribute %#x of file record %d", kind, r.number), Msg: err.Error(), cause: err}
}

// eachPart visits the parts of an attribute of a file in order: those in its own
// record, or those that its list of attributes names.
func (n *NTFS) eachPart(r *record, kind uint32, name string, visit func(*attribute) error) error {
	list, err := n.list(r)
	if err != nil {
		return err
	}
	if list == nil {
		for i := range r.attributes {
			if a := &r.attributes[i]; a.kind == kind && a.name == name {
				if err := visit(a); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return n.eachListed(r, list, kind, name, visit)
}

// list returns the bytes of a file's list of attributes, nothing where it has
// none. The list itself is in one part, in the file's own record.
func (n *NTFS) list(r *record) ([]byte, error) {
	for i := range r.attributes {
		a := &r.attributes[i]
		if a.kind != typeList {
			continue
		}
		s := &stream{}
		if err := s.add(n.geometry, a, true); err != nil {
			return nil, err
		}
		if err := s.check(n.geometry); err != nil {
			return nil, err
		}
		if s.size > mostListSize {
			return nil, fmt.Errorf("%w: it has %d bytes, the limit is %d", ErrAttributeList, s.size, mostListSize)
		}
		list := make([]byte, s.size)
		_, err := n.readStream(s, list, 0)
		return list, err
	}
	return nil, nil
}

// Offsets in an entry of a list of attributes.
const (
	listLength     = 4
	listNameLength = 6
	listNameOffset = 7
	listLowest     = 8
	listReference  = 16
	listInstance   = 24
	listEntry      = 26
)

func (n *NTFS) eachListed(r *record, list []byte, kind uint32, name string, visit func(*attribute) error) error {
	for len(list) > 0 {
		if len(list) < listEntry {
			return fmt.Errorf("%w: it ends within an entry", ErrAttributeList)
		}
		length := int(binary.LittleEndian.Uint16(list[listLength:]))
		if length < listEntry || length > len(list) {
			return fmt.Errorf("%w: an entry has %d bytes, %d are left", ErrAttributeList, length, len(list))
		}
		entry := list[:length]
		list = list[length:]
		from, to := int(entry[listNameOffset]), 2*int(entry[listNameLength])
		if to += from; to > length {
			return fmt.Errorf("%w: a name ends at %d of %d", ErrAttributeList, to, length)
		}
		if binary.LittleEndian.Uint32(entry) != kind || string(entry[from:to]) != name {
			continue
		}
		a, err := n.listed(r, entry, kind, name)
		if err != nil {
			return err
		}
		if err := visit(a); err != nil {
			return err
		}
	}
	return nil
}

// listed returns the attribute that an entry of a list names.
func (n *NTFS) listed(r *record, entry []byte, kind uint32, name string) (*attribute, error) {
	ref, holder := parseReference(entry[listReference:]), r
	if ref.number != r.number {
		var err error
		if holder, err = n.record(ref); err != nil {
			return nil, err
		}
		if holder.base != r.reference {
			return nil, fmt.Errorf("%w: file record %d belongs to %d", ErrAttributeList, ref.number, holder.base.number)
		}
	}
	lowest, instance := binary.LittleEndian.Uint64(entry[listLowest:]), binary.LittleEndian.Uint16(entry[listInstance:])
	for i := range holder.attributes {
		a := &holder.attributes[i]
		if a.kind == kind && a.instance == instance && a.name == name {
			if uint64(a.lowest) != lowest {
				return nil, fmt.Errorf("%w: a part begins with cluster %d, expected %d", ErrAttributeList, a.lowest, lowest)
			}
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: file record %d has no attribute %#x with the instance %d", ErrAttributeList, ref.number, kind, instance)
}

// readStream fills p with what an attribute holds from off on, which must be in
// it, and returns where on the disk the first byte is. It counts as work on the
// structures of the volume.
func (n *NTFS) readStream(s *stream, p []byte, off int64) (at int64, err error) {
	if err := n.spend(len(p)); err != nil {
		return 0, err
	}
	if off < 0 || off > s.size || int64(len(p)) > s.size-off {
		return 0, &FormatError{Off: n.base, Struct: "NTFS", Msg: fmt.Sprintf("%d bytes at %d of an attribute of %d", len(p), off, s.size)}
	}
	if s.resident {
		copy(p, s.value[off:])
		return n.base, nil
	}
	at = s.place(n.geometry, off)
	return at, n.fill(s, p, off)
}

// place is where on the disk a byte of a stream is.
func (s *stream) place(g *geometry, off int64) int64 {
	i := s.find(off / g.cluster)
	if i == len(s.runs) || s.runs[i].lcn == hole {
		return g.base
	}
	return g.base + (s.runs[i].lcn-s.runs[i].vcn)*g.cluster + off
}

// find returns the index of the run with a cluster of the attribute.
func (s *stream) find(vcn int64) int {
	return sort.Search(len(s.runs), func(i int) bool { return s.runs[i].vcn+s.runs[i].count > vcn })
}

// fill reads what a stream that is not resident holds from off on. Holes and
// what was never written are zeros.
func (n *NTFS) fill(s *stream, p []byte, off int64) error {
	if written := max(s.initialized-off, 0); int64(len(p)) > written {
		if err := n.zeros(p[written:]); err != nil {
			return err
		}
		p = p[:written]
	}
	for i := s.find(off / n.cluster); len(p) > 0; i++ {
		if i == len(s.runs) {
			return fmt.Errorf("%w: cluster %d is in none", ErrRuns, off/n.cluster)
		}
		r := s.runs[i]
		skip := off - r.vcn*n.cluster
		part := p[:min(int64(len(p)), r.count*n.cluster-skip)]
		var err error
		if r.lcn == hole {
			err = n.zeros(part)
		} else {
			err = readFull(n.disk, part, n.base+r.lcn*n.cluster+skip)
		}
		if err != nil {
			return err
		}
		p, off = p[len(part):], off+int64(len(part))
	}
	return nil
}

// zeros fills p with what a stream has that is not on the disk. It counts as
// work: a few bytes of a volume can say that a file has any number of them. Memory
// that is not touched costs none, so that the count comes first.
func (n *NTFS) zeros(p []byte) error {
	if err := n.spend(len(p)); err != nil {
		return err
	}
	clear(p)
	return nil
}
