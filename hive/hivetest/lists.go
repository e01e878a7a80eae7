package hivetest

import "fmt"

// leafKind returns the signature of the leaves of a key with n subkeys: what
// the literal asks for, or what Windows writes in this minor version.
func leafKind(minor uint32, list string, split bool) string {
	switch {
	case list != "":
		return list
	case minor >= 5:
		return "lh"
	case minor >= 3 && !split:
		return "lf"
	}
	return "li" // Windows turns an lf into li lists when it splits it
}

// subkeyLists writes the leaves, and the ri over them where one leaf is not
// enough.
func (b *builder) subkeyLists(key *Key, place *KeyPlace, nodes []uint32) {
	capacity := key.LeafSize
	if capacity == 0 {
		capacity = defaultLeafCapacity
	}
	kind := leafKind(b.minor, key.List, len(nodes) > capacity)
	for first := 0; first < len(nodes); first += capacity {
		last := min(first+capacity, len(nodes))
		place.Leaves = append(place.Leaves, b.leaf(kind, place.Subkeys[first:last], nodes[first:last], key.ListSlack))
	}
	place.List = place.Leaves[0]
	if len(place.Leaves) > 1 {
		place.List = b.allocate(4 + 4*len(place.Leaves) + key.ListSlack)
		copy(b.data(place.List), "ri")
		b.put16(place.List, 2, uint16(len(place.Leaves)))
		for i, leaf := range place.Leaves {
			b.put32(place.List, 4+4*i, leaf)
		}
	}
	b.put32(place.Node, NodeSubkeys, uint32(len(nodes)))
	b.put32(place.Node, NodeList, place.List)
}

func (b *builder) leaf(kind string, names []string, nodes []uint32, slack int) uint32 {
	if len(names) > 0xFFFF {
		panic(fmt.Sprintf("hivetest: leaf of %d entries", len(names)))
	}
	width := 8
	if kind == "li" {
		width = 4
	}
	list := b.allocate(4 + width*len(names) + slack)
	copy(b.data(list), kind)
	b.put16(list, 2, uint16(len(names)))
	for i, name := range names {
		at := 4 + width*i
		b.put32(list, at, nodes[i])
		copy(b.data(list)[at+4:], leafHint(kind, name))
	}
	return list
}

// leafHint returns what stands beside the offset in a leaf of that kind.
func leafHint(kind, name string) []byte {
	switch kind {
	case "lf":
		hint := NameHint(name)
		return hint[:]
	case "lh":
		return DWORD(NameHash(name))
	case "li":
		return nil
	}
	panic(fmt.Sprintf("hivetest: list kind %q", kind))
}
