package regf

import (
	"encoding/binary"
	"fmt"
)

// enter puts the key that is open into the list of its parent, which it makes
// for the first one. It is called when the values of the key are written.
func (w *Writer) enter() error {
	key := &w.path[len(w.path)-1]
	if key.entered || len(w.path) == 1 {
		return nil
	}
	key.entered = true
	parent := &w.path[len(w.path)-2]
	if parent.subkeyList == NIL {
		var err error
		if parent.subkeyList, err = w.subkeyLists(parent.subkeys); err != nil {
			return err
		}
	}
	w.putEntry(parent, key)
	parent.subkeysLeft--
	parent.previous = key.name
	parent.maxName = max(parent.maxName, uint32(2*key.name.Len()))
	parent.maxClass = max(parent.maxClass, uint32(key.class))
	return nil
}

// putEntry writes the entry of a key in the list of its parent.
func (w *Writer) putEntry(parent, key *openKey) {
	kind := leafKindOf(w.minor)
	index := parent.subkeys - parent.subkeysLeft
	leaf := parent.subkeyList
	if parent.subkeys > kind.capacity() {
		root := w.cell(leaf)[listHeader:]
		leaf = Offset(binary.LittleEndian.Uint32(root[4*(index/kind.capacity()):]))
	}
	at := listHeader + kind.stride()*(index%kind.capacity())
	w.put32(leaf, at, uint32(key.cell))
	switch kind {
	case ListLH:
		w.put32(leaf, at+4, key.name.Hash())
	case ListLF:
		hint := key.name.Hint()
		copy(w.cell(leaf)[at+4:], hint[:])
	}
}

// subkeyLists allocates the lists for n subkeys and returns the first: a leaf,
// or an index root over leaves.
func (w *Writer) subkeyLists(n int) (Offset, error) {
	kind := leafKindOf(w.minor)
	if n <= kind.capacity() {
		return w.list(kind, n)
	}
	leaves := (n + kind.capacity() - 1) / kind.capacity()
	if leaves > rootCapacity {
		return NIL, fmt.Errorf("%w: %d subkeys need %d leaves, a list has at most %d", ErrTooLarge, n, leaves, rootCapacity)
	}
	root, err := w.list(ListRI, leaves)
	if err != nil {
		return NIL, err
	}
	for i := range leaves {
		leaf, err := w.list(kind, min(kind.capacity(), n-i*kind.capacity()))
		if err != nil {
			return NIL, err
		}
		w.put32(root, listHeader+4*i, uint32(leaf))
	}
	return root, nil
}

func (w *Writer) list(kind ListKind, n int) (Offset, error) {
	cell, err := w.allocate(listHeader + n*kind.stride())
	if err != nil {
		return NIL, err
	}
	copy(w.cell(cell), kind.String())
	w.put16(cell, 2, uint16(n))
	return cell, nil
}
