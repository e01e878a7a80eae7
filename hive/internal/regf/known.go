package regf

import (
	"slices"
	"sort"
	"sync"
)

// known is what look-ups and edits have found out about long lists, so that
// none looks at all of a list again. Several readers may look up at once.
type known struct {
	mutex  sync.Mutex
	order  map[Offset]*listOrder  // by key: of its subkeys
	values map[Offset]*valueIndex // by key
}

// listOrder is what is known of the order of a key's subkeys.
type listOrder struct {
	sorted bool // over all lists
	// separators has the last name of each leaf of an index root but the last one.
	// It spares a search the way through the leaves.
	separators []Name
	// sketches has the sketch of each separator, side by side: a search seldom
	// needs to look at the names themselves.
	sketches []uint64
}

// orderOf returns what is known of a key's subkeys, or nil.
func (k *known) orderOf(key Offset) *listOrder {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.order[key]
}

func (k *known) setOrder(key Offset, order *listOrder) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.order == nil {
		k.order = map[Offset]*listOrder{}
	}
	k.order[key] = order
}

// forget drops what is known of a key.
func (k *known) forget(key Offset) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	delete(k.order, key)
	delete(k.values, key)
}

// forgetValues drops what is known of a key's values.
func (k *known) forgetValues(key Offset) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	delete(k.values, key)
}

// forgetAll drops what is known of all keys.
func (k *known) forgetAll() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.order, k.values = nil, nil
}

// leafFor returns the position of the leaf, one of n, in which a name is if it
// is anywhere, and false when the leaves must be looked at for it.
func (o *listOrder) leafFor(n int, name Name) (int, bool) {
	if o == nil || !o.sorted || len(o.separators) != n-1 {
		return 0, false
	}
	sketch := name.sketch()
	return sort.Search(n-1, func(i int) bool {
		if other := o.sketches[i]; other != sketch {
			return other > sketch
		}
		return o.separators[i].Compare(name) >= 0
	}), true
}

// split notes that a leaf was put behind the one at position i, whose last name
// is given.
func (o *listOrder) split(i int, last Name) {
	if o != nil && i <= len(o.separators) {
		o.separators = slices.Insert(o.separators, i, last.clone())
		o.sketches = slices.Insert(o.sketches, i, last.sketch())
	}
}

// ends notes the name that has become the last one of the leaf at position i.
func (o *listOrder) ends(i int, last Name) {
	if o != nil && i < len(o.separators) {
		o.separators[i], o.sketches[i] = last.clone(), last.sketch()
	}
}

// removed notes that the leaf at position i is gone.
func (o *listOrder) removed(i int) {
	if o != nil && len(o.separators) > 0 {
		i = min(i, len(o.separators)-1)
		o.separators = slices.Delete(o.separators, i, i+1)
		o.sketches = slices.Delete(o.sketches, i, i+1)
	}
}
