package hivetest

import "fmt"

// listMutations break counts and structure of subkey lists.
func listMutations() []Mutation {
	addSubkeys := func(delta int32) func(*Image) []Span {
		return func(image *Image) []Span {
			place := image.Key(setupKey)
			image.Put32(place.Node, NodeSubkeys, uint32(int32(len(place.Subkeys))+delta))
			return image.spans(place.Node, place.List)
		}
	}
	emptyList := func(signature string) func(*Image) []Span {
		return func(image *Image) []Span {
			list := image.list(signature)
			node := image.Key(leafKey).Node
			image.Put32(node, NodeList, list)
			return image.spans(node, list)
		}
	}
	return []Mutation{
		fault("subkey-count-too-high", 24, addSubkeys(1)).at(setupKey),
		fault("subkey-count-too-low", 24, addSubkeys(-1)).at(setupKey),
		fault("subkey-count-absurd", 24, putNode(setupKey, NodeSubkeys, 0xFFFFFFFF)).at(setupKey),
		fault("subkey-count-without-list", 24, putNode(leafKey, NodeSubkeys, 1)).or(14).at(leafKey),
		fault("subkey-list-without-count", 24, putNode(setupKey, NodeSubkeys, 0)).also(47).at(setupKey),
		fault("list-signature-wrong", 25, func(image *Image) []Span {
			place := image.Key(setupKey)
			copy(image.Cell(place.List), "lx")
			return image.spans(place.List, place.Node)
		}).also(24, 47).at(setupKey),
		fault("leaf-empty", 25, emptyList("lh")).or(24).at(leafKey),
		fault("ri-empty", 25, emptyList("ri")).or(24).at(leafKey),
		fault("ri-holds-itself", 25, func(image *Image) []Span {
			ri := image.Key(Windows10ManyKeys).List
			image.Put32(ri, 4, ri)
			return image.spans(ri, image.Key(Windows10ManyKeys).Node)
		}).or(15).also(24, 27, 47).at(Windows10ManyKeys),
		fault("ri-holds-ri", 25, func(image *Image) []Span {
			place := image.Key(Windows10ManyKeys)
			inner := image.list("ri", place.Leaves[0])
			image.Put32(place.List, 4, inner)
			return image.spans(place.List, place.Node, inner)
		}).also(24, 47).at(Windows10ManyKeys),
		fault("ri-chain-with-fan-out", 25, riChain(6, 100)).or(15).also(24, 27, 47).at(setupKey),
		fault("ri-chain-deep", 25, riChain(5000, 1)).or(15).also(24, 27, 47).at(setupKey),
		fault("list-count-beyond-cell", 26, func(image *Image) []Span {
			place := image.Key(setupKey)
			image.Put16(place.List, 2, 0xFFFF)
			return image.spans(place.List, place.Node)
		}).also(24, 47).at(setupKey),
		fault("ri-count-beyond-cell", 26, func(image *Image) []Span {
			place := image.Key(Windows10ManyKeys)
			image.Put16(place.List, 2, 0xFFFF)
			return image.spans(place.List, place.Node)
		}).also(24, 47).at(Windows10ManyKeys),
		fault("lh-list-in-version-1.3", 30, rootList).on(changed(NT4, setList("", "lh"))),
		fault("lf-list-in-version-1.5", 30, rootList).on(changed(Windows10, setList("", "lf"))),
		fault("lf-list-in-version-1.2", 30, rootList).on(changed(NT4, func(hive *Hive) {
			hive.Minor = 2
			hive.Keys(func(path string, key *Key) {
				if path == "" {
					key.List = "lf"
				}
			})
		})),
		fault("leaves-of-two-kinds", 30, func(image *Image) []Span {
			place := image.Key(Windows10ManyKeys)
			leaf := place.Leaves[1]
			var nodes []uint32
			for entry := range int(image.U16(leaf, 2)) {
				nodes = append(nodes, image.U32(leaf, 4+8*entry))
			}
			image.Free(leaf)
			list := image.list("li", nodes...)
			image.Put32(place.List, 8, list)
			return image.spans(place.List, place.Node, list)
		}).at(Windows10ManyKeys),
		fault("leaf-of-1013-entries", 31, asBuilt(func(i *Image) []uint32 {
			return []uint32{i.Key("Many").List, i.Key("Many").Node}
		})).on(changed(Windows10, func(hive *Hive) {
			many := manyKeys("Many", 1013)
			many.LeafSize = 2000
			hive.Root.Subkeys = append(hive.Root.Subkeys, many)
		})).at("Many"),
	}
}

// riChain puts a chain of ri lists before the list of a key. Each has the same
// number of entries, all of which name the next. They fill a bin of their own.
func riChain(length, width int) func(*Image) []Span {
	return func(image *Image) []Span {
		place := image.Key(setupKey)
		size := cellSizeFor(image.Minor(), 4+4*width)
		free := image.AddBin(binSizeFor(uint32(length) * size))
		list := place.List
		var cells []uint32
		for i := range uint32(length) {
			cell := free.Offset + i*size
			image.SetCellSize(cell, -int32(size))
			copy(image.Cell(cell), "ri")
			image.Put16(cell, 2, uint16(width))
			for entry := range width {
				image.Put32(cell, 4+4*entry, list)
			}
			list = cell
			cells = append(cells, cell)
		}
		if rest := free.Size - uint32(length)*size; rest > 0 {
			image.SetCellSize(free.Offset+uint32(length)*size, int32(rest))
		}
		image.Put32(place.Node, NodeList, list)
		return image.spans(append(cells, place.Node, place.List)...)
	}
}

func setList(path, kind string) func(*Hive) {
	return func(hive *Hive) { hive.Key(path).List = kind }
}

// rootList is where a fault lies that the base has in the list of the root.
func rootList(image *Image) []Span {
	return image.spans(image.Key("").List, image.Key("").Node)
}

// orderMutations break the order of siblings and the hashes of their names.
func orderMutations() []Mutation {
	swap := func(parent, first, second string) func(*Image) []Span {
		return func(image *Image) []Span {
			a, atA := image.entryOf(parent, first)
			b, atB := image.entryOf(parent, second)
			x, y := image.Cell(a)[atA:atA+8], image.Cell(b)[atB:atB+8]
			for i := range x {
				x[i], y[i] = y[i], x[i]
			}
			place := image.Key(parent)
			return image.spans(a, b, place.List, place.Node, image.Key(join(parent, first)).Node, image.Key(join(parent, second)).Node)
		}
	}
	between := func(leafSize int) (last, first string) {
		return fmt.Sprintf("VEN_8086&DEV_%04X", 0x1000+7*(leafSize-1)), fmt.Sprintf("VEN_8086&DEV_%04X", 0x1000+7*leafSize)
	}
	last, first := between(defaultLeafCapacity)
	return []Mutation{
		fault("siblings-swapped", 27, swap(servicesKey, "Ntfs", "Null")).at(servicesKey),
		fault("siblings-swapped-between-leaves", 27, swap(Windows10ManyKeys, last, first)).at(Windows10ManyKeys),
		fault("siblings-in-lower-case-order", 27, func(image *Image) []Span {
			// an underscore comes before small letters and after capital ones
			place := image.Key(servicesKey)
			leaf, at := image.entryOf(servicesKey, "_under")
			entries := image.Cell(leaf)[4 : at+8]
			entry := string(entries[at-4:])
			copy(entries[8:], entries[:at-4])
			copy(entries, entry)
			return image.spans(leaf, place.Node, image.Key(join(servicesKey, "_under")).Node, image.Key(join(servicesKey, "Atapi")).Node)
		}).at(servicesKey),
		fault("siblings-equal", 27, func(image *Image) []Span {
			image.rename(servicesKey, "Null", "Ntfs")
			return siblingSpans(image)
		}).at(servicesKey),
		fault("siblings-equal-but-for-case", 27, func(image *Image) []Span {
			image.rename(servicesKey, "Null", "nTFS")
			return siblingSpans(image)
		}).at(servicesKey),
		fault("lh-hash-wrong", 28, func(image *Image) []Span {
			leaf, at := image.entryOf("", leafKey)
			image.Put32(leaf, at+4, image.U32(leaf, at+4)+1)
			return image.spans(leaf, image.Key("").Node, image.Key(leafKey).Node)
		}).at(leafKey),
		fault("lh-hash-of-lower-case", 28, func(image *Image) []Span {
			leaf, at := image.entryOf("", leafKey)
			hash := uint32(0)
			for _, unit := range Units("wpa") {
				hash = hash*37 + uint32(unit)
			}
			image.Put32(leaf, at+4, hash)
			return image.spans(leaf, image.Key("").Node, image.Key(leafKey).Node)
		}).at(leafKey),
		fault("lf-hint-wrong", 29, func(image *Image) []Span {
			leaf, at := image.entryOf("", "Setup")
			copy(image.Cell(leaf)[at+4:], "SETU")
			return image.spans(leaf, image.Key("").Node, image.Key("Setup").Node)
		}).on(NT4).at("Setup"),
	}
}

func siblingSpans(image *Image) []Span {
	place := image.Key(servicesKey)
	return image.spans(place.List, place.Node, image.Key(join(servicesKey, "Null")).Node, image.Key(join(servicesKey, "Ntfs")).Node)
}
