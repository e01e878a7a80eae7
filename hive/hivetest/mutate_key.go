package hivetest

import (
	"slices"
	"strings"
)

// Keys of the Windows10 sample that mutations damage.
const (
	leafKey     = "WPA"           // neither subkeys nor values
	setupKey    = "Setup"         // two subkeys, four values
	upgradeKey  = `Setup\Upgrade` // no subkeys, no values
	samplesKey  = Windows10Values // many values
	servicesKey = `ControlSet001\Services`
)

// referenceMutations break offsets: to nothing, to the wrong place, to what
// another owns.
func referenceMutations() []Mutation {
	beyond := func(image *Image) uint32 { return image.BinsSize() + 0x1000 }
	record := func(image *Image) uint32 { return image.Value("HardwareConfig", "LastConfig").Record }
	putData := func(n func(*Image) uint32) func(*Image) []Span {
		return func(image *Image) []Span {
			image.Put32(record(image), RecordData, n(image))
			return image.spans(record(image))
		}
	}
	putNodeTo := func(path string, at int, n func(*Image) uint32) func(*Image) []Span {
		return func(image *Image) []Span { return putNode(path, at, n(image))(image) }
	}
	dataOf := func(image *Image) uint32 { return image.Value("HardwareConfig", "LastConfig").Data }
	return []Mutation{
		fault("value-data-beyond-bins", 14, putData(beyond)).at("HardwareConfig"),
		fault("value-data-at-4-gib", 14, putData(func(*Image) uint32 { return 0xFFFFFFF8 })).at("HardwareConfig"),
		fault("value-data-nil", 14, putData(func(*Image) uint32 { return NIL })).or(37).at("HardwareConfig"),
		fault("value-data-unaligned", 14, putData(func(i *Image) uint32 { return dataOf(i) + 4 })).at("HardwareConfig"),
		fault("value-data-inside-a-cell", 14, putData(func(i *Image) uint32 { return dataOf(i) + 8 })).at("HardwareConfig"),
		fault("value-data-in-a-bin-header", 14, putData(func(*Image) uint32 { return 0x1000 })).at("HardwareConfig"),
		fault("value-data-freed", 14, func(image *Image) []Span {
			where := image.spans(record(image), dataOf(image))
			image.Free(dataOf(image))
			return where
		}).at("HardwareConfig"),
		fault("value-record-freed", 14, func(image *Image) []Span {
			where := image.spans(image.Key("HardwareConfig").ValueList, image.Key("HardwareConfig").Node, record(image))
			image.Free(record(image))
			return where
		}).at("HardwareConfig"),
		fault("value-record-is-a-key", 14, func(image *Image) []Span {
			list := image.Key("HardwareConfig").ValueList
			image.Put32(list, 0, image.Key("HardwareConfig").Node)
			return image.spans(list, image.Key("HardwareConfig").Node)
		}).or(34, 15).at("HardwareConfig"),
		fault("value-list-beyond-bins", 14, putNodeTo("RNG", NodeValueList, beyond)).or(33).at("RNG"),
		fault("subkey-list-beyond-bins", 14, putNodeTo(setupKey, NodeList, beyond)).also(24, 47).at(setupKey),
		fault("subkey-freed", 14, func(image *Image) []Span {
			leaf, _ := image.entryOf("", leafKey)
			where := image.spans(leaf, image.Key("").Node, image.Key(leafKey).Node)
			image.Free(image.Key(leafKey).Node)
			return where
		}).also(24, 27, 28, 47).at(leafKey),
		fault("subkey-beyond-bins", 14, func(image *Image) []Span {
			leaf, at := image.entryOf("", leafKey)
			image.Put32(leaf, at, beyond(image))
			return image.spans(leaf, image.Key("").Node)
		}).also(24, 27, 28, 47),
		fault("class-beyond-bins", 14, putNodeTo(Windows10Class, NodeClass, beyond)).or(44).at(Windows10Class),
		fault("security-beyond-bins", 14, putNodeTo(leafKey, NodeSecurity, beyond)).or(45).also(47).at(leafKey),

		fault("data-shared-by-two-values", 15, func(image *Image) []Span {
			first, second := image.Value(SubSystems, "Posix"), image.Value(SubSystems, "Kmode")
			image.Put32(second.Record, RecordData, first.Data)
			image.Put32(second.Record, RecordDataLength, image.U32(first.Record, RecordDataLength))
			return image.spans(first.Data, first.Record, second.Record)
		}).at(SubSystems),
		fault("record-shared-by-two-keys", 15, func(image *Image) []Span {
			from, to := image.Key("RNG"), image.Key("HardwareConfig")
			record := image.U32(from.ValueList, 0)
			image.Put32(to.ValueList, 0, record)
			return image.spans(record, from.ValueList, to.ValueList, from.Node, to.Node)
		}).also(50),
		fault("value-list-shared-by-two-keys", 15, func(image *Image) []Span {
			from, to := image.Key("RNG"), image.Key(leafKey)
			for _, at := range []int{NodeValues, NodeValueList, NodeMaxValueName, NodeMaxValueData} {
				image.Put32(to.Node, at, image.U32(from.Node, at))
			}
			return image.spans(from.ValueList, from.Node, to.Node, image.U32(from.ValueList, 0))
		}),
		fault("class-shared-by-two-keys", 15, func(image *Image) []Span {
			from, to := image.Key(Windows10Class), image.Key(`ControlSet001\Control\Lsa\Skew1`)
			image.Put32(to.Node, NodeClass, from.Class)
			return image.spans(from.Class, from.Node, to.Node)
		}),
		fault("subkey-list-shared-by-two-keys", 15, func(image *Image) []Span {
			from, to := image.Key(setupKey), image.Key(leafKey)
			for _, at := range []int{NodeSubkeys, NodeList, NodeMaxName, NodeMaxClass} {
				image.Put32(to.Node, at, image.U32(from.Node, at))
			}
			return image.spans(from.List, from.Node, to.Node, image.Key(upgradeKey).Node, image.Key(samplesKey).Node)
		}).also(19, 47, 50),
		fault("subkey-cycle", 15, func(image *Image) []Span {
			// the last key of a long path has the subkeys of one of its ancestors
			inner, outer := image.Key(Windows10Depth), image.Key(Windows10Depth[:strings.LastIndex(Windows10Depth, `\`)])
			for _, at := range []int{NodeSubkeys, NodeList, NodeMaxName} {
				image.Put32(inner.Node, at, image.U32(outer.Node, at))
			}
			return image.spans(outer.List, inner.Node, outer.Node)
		}).also(19, 47).at(Windows10Depth),
		fault("root-is-its-own-descendant", 15, func(image *Image) []Span {
			place, root := image.Key(leafKey), image.Key("").Node
			list := image.list("lh", root, NameHash("ROOT"))
			image.Put32(place.Node, NodeSubkeys, 1)
			image.Put32(place.Node, NodeList, list)
			image.Put16(place.Node, NodeMaxName, 8)
			return image.spans(root, place.Node, list)
		}).also(19, 23, 47).at(leafKey),
	}
}

// list allocates a list of that signature and entries of 32-bit numbers; the
// count is that of entries of its kind.
func (i *Image) list(signature string, numbers ...uint32) uint32 {
	list := i.Allocate(4 + 4*len(numbers))
	copy(i.Cell(list), signature)
	count := len(numbers)
	if signature == "lf" || signature == "lh" {
		count /= 2
	}
	i.Put16(list, 2, uint16(count))
	for at, number := range numbers {
		i.Put32(list, 4+4*at, number)
	}
	return list
}

// nodeMutations break single fields of key records.
func nodeMutations() []Mutation {
	longName := func(n int, letter string) func() Hive {
		return changed(Windows10, func(hive *Hive) {
			hive.Key("").Subkeys = append(hive.Key("").Subkeys, Key{Name: strings.Repeat(letter, n)})
		})
	}
	longKey := func(n int, letter string) func(*Image) []Span {
		return asBuilt(func(i *Image) []uint32 { return []uint32{i.Key(strings.Repeat(letter, n)).Node} })
	}
	return []Mutation{
		fault("key-signature-wrong", 17, putNode16(leafKey, 0, 0x6B6C)).also(24, 27, 28, 47).at(leafKey),
		fault("key-name-longer-than-cell", 17, putNode16(leafKey, NodeNameLength, 300)).also(18, 22, 24, 27, 28, 47, 50),
		fault("key-name-length-absurd", 17, putNode16(leafKey, NodeNameLength, 0xFFFF)).also(18, 20, 22, 24, 27, 28, 47, 50),
		fault("key-name-empty", 17, putNode16(leafKey, NodeNameLength, 0)).also(24, 27, 28, 47),
		fault("key-record-too-small", 17, func(image *Image) []Span {
			node := image.Key(leafKey).Node
			image.split(node, 64)
			return image.spans(node)
		}).also(24, 27, 28, 47),
		fault("key-name-of-256-characters", 18, longKey(256, "x")).on(longName(256, "x")),
		fault("key-record-above-0x45c", 18, longKey(530, "ж")).on(longName(530, "ж")),
		fault("parent-wrong", 19, func(image *Image) []Span {
			return putNode(leafKey, NodeParent, image.Key(setupKey).Node)(image)
		}).at(leafKey),
		fault("parent-beyond-bins", 19, putNode(leafKey, NodeParent, 0x7FFFFFF8)).or(14).at(leafKey),
		fault("utf16-key-name-of-odd-length", 20, func(image *Image) []Span {
			node := image.Key(Windows10Wide).Node
			return putNode16(Windows10Wide, NodeNameLength, image.U16(node, NodeNameLength)-1)(image)
		}).also(17, 24, 27, 28, 47),
		fault("latin1-key-name-in-utf16", 21, asBuilt(func(i *Image) []uint32 { return []uint32{i.Key(leafKey).Node} })).
			on(changed(Windows10, func(hive *Hive) { hive.Key(leafKey).WideName = true })).at(leafKey),
		fault("backslash-in-key-name", 22, func(image *Image) []Span {
			image.rename("", "RNG", `R\G`)
			return image.spans(image.Key("RNG").Node)
		}).at(`R\G`),
		fault("hive-entry-below-the-root", 23, func(i *Image) []Span { return i.setFlags(leafKey, KeyHiveEntry) }).at(leafKey),
		fault("volatile-key-on-disk", 23, func(i *Image) []Span { return i.setFlags(leafKey, KeyVolatile) }).at(leafKey),
		fault("hive-exit-on-disk", 23, func(i *Image) []Span { return i.setFlags(leafKey, KeyHiveExit) }).at(leafKey),
		fault("depth-over-512", 32, func(*Image) []Span { return nil }).on(func() Hive { return Deep(600) }).also(47),
	}
}

// Deep returns a hive that is Windows10 but for a chain of n keys, each below
// the one before, under Setup.
func Deep(n int) Hive {
	hive := Windows10()
	chain := Key{Name: "d"}
	for range n - 1 {
		chain = Key{Name: "d", Subkeys: []Key{chain}}
	}
	setup := hive.Key(setupKey)
	setup.Subkeys = append(slices.Clone(setup.Subkeys), chain)
	return hive
}

func classMutations() []Mutation {
	return []Mutation{
		fault("class-length-odd", 44, putNode16(Windows10Class, NodeClassLength, 15)).at(Windows10Class),
		fault("class-longer-than-cell", 44, putNode16(Windows10Class, NodeClassLength, 200)).also(50).at(Windows10Class),
		fault("class-length-absurd", 44, putNode16(Windows10Class, NodeClassLength, 0xFFFE)).also(50).at(Windows10Class),
		fault("class-length-without-cell", 44, putNode16(leafKey, NodeClassLength, 8)).also(50).at(leafKey),
		fault("class-cell-without-length", 44, putNode16(Windows10Class, NodeClassLength, 0)).at(Windows10Class),
	}
}

// maximumMutations make the maxima smaller than what they are of. The third
// sample is large in each of them.
func maximumMutations() []Mutation {
	return []Mutation{
		fault("max-subkey-name-too-small", 50, putNode16(setupKey, NodeMaxName, 12)).at(setupKey),
		fault("max-subkey-class-too-small", 50, putNode(setupKey, NodeMaxClass, 2)).at(setupKey),
		fault("max-value-name-too-small", 50, putNode(samplesKey, NodeMaxValueName, 8)).at(samplesKey),
		fault("max-value-data-too-small", 50, putNode(SubSystems, NodeMaxValueData, 100)).at(SubSystems),
	}
}

func layerMutations() []Mutation {
	layer := func(path string, semantics byte) func(*Image) []Span {
		return func(image *Image) []Span {
			node := image.Key(path).Node
			image.Cell(node)[NodeLayer] = semantics
			return image.spans(node)
		}
	}
	deleted := `ControlSet001\Deleted`
	return []Mutation{
		fault("layer-semantics-unknown", 54, layer("Select", 0x7C)).on(Layered).at("Select"),
		fault("deleted-key-with-values", 54, layer("Select", LayerTombstone)).on(Layered).at("Select"),
		fault("deleted-key-with-subkeys", 54, layer(`ControlSet001\Local`, LayerTombstone)).on(Layered).at(`ControlSet001\Local`),
		fault("deleted-key-with-class", 54, asBuilt(func(i *Image) []uint32 { return []uint32{i.Key(deleted).Node} })).
			on(changed(Layered, func(hive *Hive) { hive.Key(deleted).Class = "class" })).at(deleted),
		fault("superseded-tree-with-a-merged-child", 54, func(image *Image) []Span {
			return append(layer(`ControlSet001\Replaced\Child`, LayerMerge)(image), image.spans(image.Key(`ControlSet001\Replaced`).Node)...)
		}).on(Layered),
	}
}
