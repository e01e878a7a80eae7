package regf

// valueIndex finds the values of a key by name. It has a chain of positions in
// the list of values for each hash of a name.
type valueIndex struct {
	first map[uint32]uint32 // by hash: 1 + the first position of the chain
	next  []uint32          // by position: 1 + the next one of the chain, or 0

	incomplete bool // a value could not be read
}

// newValueIndex returns the index of a list of values. Values that cannot be
// read are left out.
func (m *Image) newValueIndex(list OffsetList) *valueIndex {
	x := &valueIndex{first: make(map[uint32]uint32, list.Len()), next: make([]uint32, list.Len())}
	for i := range list.Len() {
		value, err := m.ValueRecord(list.At(i))
		if err != nil {
			x.incomplete = true
			continue
		}
		x.link(i, value.Name().Hash())
	}
	return x
}

// add notes a value behind the last one.
func (x *valueIndex) add(hash uint32) {
	x.next = append(x.next, 0)
	x.link(len(x.next)-1, hash)
}

func (x *valueIndex) link(position int, hash uint32) {
	x.next[position] = x.first[hash]
	x.first[hash] = uint32(position) + 1
}

// unlink takes a position out of the chain of a hash.
func (x *valueIndex) unlink(position int, hash uint32) {
	if x.first[hash] == uint32(position)+1 {
		if x.next[position] == 0 {
			delete(x.first, hash)
		} else {
			x.first[hash] = x.next[position]
		}
		return
	}
	for at := x.first[hash]; at != 0; at = x.next[at-1] {
		if x.next[at-1] == uint32(position)+1 {
			x.next[at-1] = x.next[position]
			return
		}
	}
}

// dropLast forgets the last position, which is in no chain.
func (x *valueIndex) dropLast() { x.next = x.next[:len(x.next)-1] }

// positions iterates over the chain of a hash.
func (x *valueIndex) positions(hash uint32) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for at := x.first[hash]; at != 0; at = x.next[at-1] {
			if !yield(int(at) - 1) {
				return
			}
		}
	}
}

// valuesOf returns the index of the values of a key, nil for a short list.
func (m *Image) valuesOf(k KeyNode, list OffsetList) *valueIndex {
	if list.Len() <= smallList {
		return nil
	}
	m.known.mutex.Lock()
	defer m.known.mutex.Unlock()
	index := m.known.values[k.Offset]
	if index == nil || len(index.next) != list.Len() {
		index = m.newValueIndex(list)
		if m.known.values == nil {
			m.known.values = map[Offset]*valueIndex{}
		}
		m.known.values[k.Offset] = index
	}
	return index
}
