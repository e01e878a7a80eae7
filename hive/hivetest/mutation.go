package hivetest

import (
	"encoding/binary"
	"slices"
)

// Mutation is a sound hive with one named fault.
type Mutation struct {
	Name string

	// Rules are the numbers of the rules that the fault breaks; a checker that
	// finds one of them has found it. Levels has the letters that the level of
	// the finding may have.
	Rules  []int
	Levels string

	// Also are rules, other than those of level W, that are broken by
	// consequence. With Cascade anything may be.
	Also    []int
	Cascade bool

	Path string // of the key that has the fault, where it is the fault of one key

	base  func() Hive
	apply func(*Image) []Span
}

// Span is a stretch of a file.
type Span struct {
	From, To int64
}

// Mutant is what a mutation makes.
type Mutant struct {
	Data []byte

	// Where are the stretches of the file one of which has the offset of the
	// finding: the structure with the fault and, where the fault is between
	// two, the other. Nil stands for anywhere.
	Where []Span
}

// Base returns the hive without the fault.
func (m Mutation) Base() *Image {
	return m.base().Build()
}

// Build returns the hive with the fault. The checksum of the base block is
// right unless the mutation is about it.
func (m Mutation) Build() Mutant {
	image := m.Base()
	where := m.apply(image)
	return Mutant{Data: image.Data, Where: where}
}

// Mutations returns all mutations. Their names differ.
func Mutations() []Mutation {
	return slices.Concat(
		fileMutations(), headerMutations(), binMutations(), cellMutations(), referenceMutations(),
		nodeMutations(), listMutations(), orderMutations(), valueMutations(), dataMutations(),
		classMutations(), ringMutations(), descriptorMutations(), maximumMutations(), layerMutations(),
	)
}

// fault makes a mutation of the Windows10 sample that breaks one rule.
func fault(name string, rule int, apply func(*Image) []Span) Mutation {
	return Mutation{Name: name, Rules: []int{rule}, Levels: string(Rules()[rule-1].Level), base: Windows10, apply: apply}
}

// on replaces the base.
func (m Mutation) on(base func() Hive) Mutation {
	m.base = base
	return m
}

// or adds rules that a checker may name instead.
func (m Mutation) or(rules ...int) Mutation {
	m.Rules = append(m.Rules, rules...)
	for _, rule := range rules {
		m.Levels += string(Rules()[rule-1].Level)
	}
	return m
}

func (m Mutation) also(rules ...int) Mutation {
	m.Also = append(m.Also, rules...)
	return m
}

func (m Mutation) at(path string) Mutation {
	m.Path = path
	return m
}

func (m Mutation) level(levels string) Mutation {
	m.Levels = levels
	return m
}

func (m Mutation) cascade() Mutation {
	m.Cascade = true
	return m
}

// changed returns a base that is the sample after a change of its literal.
func changed(sample func() Hive, change func(*Hive)) func() Hive {
	return func() Hive {
		hive := sample()
		change(&hive)
		return hive
	}
}

// asBuilt is the mutation of a base whose literal has the fault already.
func asBuilt(cells func(*Image) []uint32) func(*Image) []Span {
	return func(image *Image) []Span { return image.spans(cells(image)...) }
}

// spans returns where cells lie, as long as their sizes are sound.
func (i *Image) spans(cells ...uint32) []Span {
	var spans []Span
	for _, cell := range cells {
		size := int64(i.CellSize(cell))
		spans = append(spans, Span{FileOffset(cell), FileOffset(cell) + max(size, -size)})
	}
	return spans
}

// header is the stretch of the base block.
func header() []Span {
	return []Span{{0, BaseBlockSize}}
}

// binAt is the stretch of the bin that has the cell.
func (i *Image) binAt(cell uint32) Span {
	for _, bin := range i.Bins() {
		if cell >= bin.Offset && cell < bin.Offset+bin.Size {
			return Span{FileOffset(bin.Offset), FileOffset(bin.Offset + bin.Size)}
		}
	}
	panic("hivetest: no such bin")
}

// split makes the cell shorter and gives the rest back.
func (i *Image) split(cell, size uint32) {
	rest := uint32(-i.CellSize(cell)) - size
	i.SetCellSize(cell, -int32(size))
	i.SetCellSize(cell+size, -int32(rest))
	i.Free(cell + size)
}

// entryOf returns the leaf that names the key at path, and the byte of the leaf
// where its entry begins.
func (i *Image) entryOf(parent, name string) (leaf uint32, at int) {
	place := i.Key(parent)
	node := i.Key(join(parent, name)).Node
	for _, leaf := range place.Leaves {
		width := 8
		if string(i.Cell(leaf)[:2]) == "li" {
			width = 4
		}
		for entry := range int(i.U16(leaf, 2)) {
			if i.U32(leaf, 4+width*entry) == node {
				return leaf, 4 + width*entry
			}
		}
	}
	panic("hivetest: no such entry")
}

// rename gives a subkey another name of the same length and renews its hash.
func (i *Image) rename(parent, name, to string) {
	stored, _ := storedName(to, false)
	node := i.Key(join(parent, name)).Node
	copy(i.Cell(node)[NodeName:], stored)
	leaf, at := i.entryOf(parent, name)
	i.Put32(leaf, at+4, NameHash(to))
}

// setFlags sets flags of a key.
func (i *Image) setFlags(path string, flags uint16) []Span {
	node := i.Key(path).Node
	i.Put16(node, NodeFlags, i.U16(node, NodeFlags)|flags)
	return i.spans(node)
}

// putHeader stores a 16- or 32-bit field of the base block.
func putHeader(at int, n uint32) func(*Image) []Span {
	return func(image *Image) []Span {
		image.SetHeader32(at, n)
		return header()
	}
}

// putNode stores a 32-bit field of a key record.
func putNode(path string, at int, n uint32) func(*Image) []Span {
	return func(image *Image) []Span {
		node := image.Key(path).Node
		image.Put32(node, at, n)
		return image.spans(node)
	}
}

// putNode16 stores a 16-bit field of a key record.
func putNode16(path string, at int, n uint16) func(*Image) []Span {
	return func(image *Image) []Span {
		node := image.Key(path).Node
		image.Put16(node, at, n)
		return image.spans(node)
	}
}

// putRecord stores a 32-bit field of a value record.
func putRecord(path, name string, at int, n uint32) func(*Image) []Span {
	return func(image *Image) []Span {
		record := image.Value(path, name).Record
		image.Put32(record, at, n)
		return image.spans(record)
	}
}

// putBin stores a 32-bit field of a bin header; with a negative number bins
// count from the last.
func putBin(number, at int, n uint32) func(*Image) []Span {
	return func(image *Image) []Span {
		bins := image.Bins()
		bin := bins[(number+len(bins))%len(bins)]
		binary.LittleEndian.PutUint32(image.Data[FileOffset(bin.Offset)+int64(at):], n)
		return []Span{{FileOffset(bin.Offset), FileOffset(bin.Offset + bin.Size)}}
	}
}
