package regf

import "sync"

// known is what look-ups and edits have found out about long lists, so that
// none looks at all of a list again. Several readers may look up at once.
type known struct {
	mutex  sync.Mutex
	sorted map[Offset]bool        // by key: its subkeys are in order
	values map[Offset]*valueIndex // by key
}

func (k *known) order(key Offset) (sorted, ok bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	sorted, ok = k.sorted[key]
	return sorted, ok
}

func (k *known) setOrder(key Offset, sorted bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.sorted == nil {
		k.sorted = map[Offset]bool{}
	}
	k.sorted[key] = sorted
}

// forget drops what is known of a key.
func (k *known) forget(key Offset) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	delete(k.sorted, key)
	delete(k.values, key)
}

// forgetAll drops what is known of all keys.
func (k *known) forgetAll() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.sorted, k.values = nil, nil
}
