package regf

// valueIndex finds the values of a key by name. It has a chain of positions in
// the list of values for each group of hashes of names.
type valueIndex struct {
	first  []uint32 // by the low bits of the hash: 1 + the first position of the chain, or 0
	chains []valueLink

	incomplete bool // a value could not be read
}

// valueLink is what the index has for a position.
type valueLink struct {
	hash uint32
	next uint32 // 1 + the next position of the chain, or 0
}

// newValueIndex returns the index of a list of values. Values that cannot be
// read are left out.
func (m *Image) newValueIndex(list OffsetList) *valueIndex {
	n := list.Len()
	x := &valueIndex{chains: make([]valueLink, n, n+n/4)}
	x.spread()
	for i := range n {
		value, err := m.ValueRecord(list.At(i))
		if err != nil {
			x.incomplete = true
			x.chains[i].next = notLinked
			continue
		}
		x.link(i, value.Name().Hash())
	}
	return x
}

// notLinked is the next position of one that is in no chain.
const notLinked = ^uint32(0)

// spread makes at least as many chains as there are positions, all empty.
func (x *valueIndex) spread() {
	size := 64
	for size < len(x.chains) {
		size *= 2
	}
	x.first = make([]uint32, size)
}

// chain is the start of the chain for a hash.
func (x *valueIndex) chain(hash uint32) *uint32 {
	return &x.first[(hash^hash>>16)&uint32(len(x.first)-1)]
}

// add notes a value behind the last one.
func (x *valueIndex) add(hash uint32) {
	x.chains = append(x.chains, valueLink{})
	x.link(len(x.chains)-1, hash)
	if len(x.chains) <= 2*len(x.first) {
		return
	}
	x.spread()
	for i, link := range x.chains {
		if link.next != notLinked {
			x.link(i, link.hash)
		}
	}
}

func (x *valueIndex) link(position int, hash uint32) {
	first := x.chain(hash)
	x.chains[position] = valueLink{hash, *first}
	*first = uint32(position) + 1
}

// unlink takes a position out of the chain of a hash.
func (x *valueIndex) unlink(position int, hash uint32) {
	at := x.chain(hash)
	for *at != 0 && *at != uint32(position)+1 {
		at = &x.chains[*at-1].next
	}
	if *at != 0 {
		*at = x.chains[position].next
		x.chains[position].next = notLinked
	}
}

// dropLast forgets the last position, which is in no chain.
func (x *valueIndex) dropLast() { x.chains = x.chains[:len(x.chains)-1] }

// positions iterates over the positions with a hash.
func (x *valueIndex) positions(hash uint32) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for at := *x.chain(hash); at != 0; at = x.chains[at-1].next {
			if x.chains[at-1].hash == hash && !yield(int(at)-1) {
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
	if index == nil || len(index.chains) != list.Len() {
		index = m.newValueIndex(list)
		if m.known.values == nil {
			m.known.values = map[Offset]*valueIndex{}
		}
		m.known.values[k.Offset] = index
	}
	return index
}
