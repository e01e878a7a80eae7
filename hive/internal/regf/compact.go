package regf

import (
	"encoding/binary"
	"errors"

	"hivepatch/hive/internal/bitmap"
)

// Compact returns a new image with the content of m: its base block, keys and
// values, and nothing of what is free, cut off from the root or behind the last
// bin. See Writer for the order of its cells. Times, flags, access bits, classes
// and data are those of m, whose record and list formats become the ones that
// Windows would choose; equal security descriptors are joined, counts and maxima
// exact, traces of volatile keys gone.
//
// It takes time and memory in proportion to m, whatever m holds, since every
// cell is copied once at most. It returns a FormatError where the tree of keys
// is damaged, and ErrTooLarge where the copy would pass a limit of the format.
// m must be of version 1.2 to 1.5.
func (m *Image) Compact() (*Image, error) {
	c := compaction{
		source:   m,
		copied:   bitmap.New(m.BinsSize() / 8),
		writer:   NewWriter(m.minor, m.BinsSize()),
		security: map[Offset]int{},
	}
	if err := c.tree(); err != nil {
		return nil, err
	}
	return c.writer.Finish(m.BaseBlock())
}

// compaction is the state of one walk over the tree of an image.
type compaction struct {
	source *Image
	copied bitmap.Bitmap // by offset / 8: lies in a cell that was met

	writer   *Writer
	security map[Offset]int // numbers of descriptors, by their cell
	last     struct {
		cell   Offset
		number int
	}

	path   []subkeyCursor // of the keys that are open
	opened NewKey         // the last one
	value  NewValue
	piece  [1][]byte // data of most values
}

// claim returns the data of the cell at off and checks that nothing else refers
// to it, or to a cell that overlaps with it.
func (c *compaction) claim(off, from Offset, what string) ([]byte, error) {
	data, err := c.source.Cell(off)
	if err != nil {
		return nil, err
	}
	end := off + Offset(c.source.cellHeader) + Offset(len(data))
	if c.copied.TakeRange(uint32(off/8), uint32(end/8)) {
		return nil, corrupt(CodeReference, from, what, "should be at %#x, which another record has already", off.File())
	}
	return data, nil
}

// tree copies all keys, with a stack of its own. Its depth is bounded by the
// writer.
func (c *compaction) tree() error {
	root := c.source.BaseBlock().RootCell()
	if err := c.key(root, 0, "root cell"); err != nil {
		return err
	}
	for len(c.path) > 0 {
		top := &c.path[len(c.path)-1]
		cell, more, err := top.next(c.source)
		switch {
		case err != nil:
			return err
		case !more:
			c.path = c.path[:len(c.path)-1]
			err = c.writer.CloseKey()
		default:
			err = c.key(cell, top.leaf.Offset, "subkey")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// key copies the key in the cell at off, with its values, and makes it the top
// of the stack.
func (c *compaction) key(off, from Offset, what string) error {
	data, err := c.claim(off, from, what)
	if err != nil {
		return err
	}
	node, err := c.source.parseKeyNode(off, data)
	if err != nil {
		return err
	}
	key := &c.opened
	node.Describe(key)
	key.Values = int(node.ValueCount())
	if err := c.checkName(node); err != nil {
		return err
	}
	if err := c.claimSubkeys(node); err != nil {
		return err
	}
	key.Subkeys = int(node.SubkeyCount())
	if key.Class, err = c.class(node); err != nil {
		return err
	}
	if key.Security, err = c.descriptor(node); err != nil {
		return err
	}
	switch err := c.writer.OpenKey(key); {
	case errors.Is(err, errOrder):
		return corrupt(CodeSubkeyList, off, "nk", "%s", err)
	case err != nil:
		return err
	}
	c.path = append(c.path, subkeyCursor{})
	if err := c.source.openSubkeys(node, &c.path[len(c.path)-1]); err != nil {
		return err
	}
	return c.values(node)
}

func (c *compaction) checkName(node KeyNode) error {
	name := node.Name()
	switch {
	case len(name.Raw) == 0:
		return corrupt(CodeKeyNode, node.Offset, "nk", "key has no name")
	case !name.Latin1 && len(name.Raw)%2 != 0:
		return corrupt(CodeKeyNode, node.Offset, "nk", "UTF-16 name has %d bytes, want an even number", len(name.Raw))
	}
	return nil
}

// claimSubkeys claims the lists of subkeys of a key and checks that they have as
// many entries as the key says.
func (c *compaction) claimSubkeys(node KeyNode) error {
	if node.SubkeyCount() == 0 {
		return nil
	}
	list, err := c.list(node.SubkeyList(), node.Offset)
	if err != nil {
		return err
	}
	found := uint64(list.Len())
	if list.IsRoot() {
		if found, err = c.leaves(list); err != nil {
			return err
		}
	}
	if found != uint64(node.SubkeyCount()) {
		return corrupt(CodeSubkeyList, node.Offset, "nk", "key says it has %d subkeys, its list has %d", node.SubkeyCount(), found)
	}
	return nil
}

// leaves claims the leaves of an index root and counts their entries.
func (c *compaction) leaves(root SubkeyList) (entries uint64, err error) {
	for i := range root.Len() {
		leaf, err := c.list(root.At(i), root.Offset)
		if err != nil {
			return 0, err
		}
		if leaf.IsRoot() {
			return 0, corrupt(CodeSubkeyList, leaf.Offset, "ri", "stands inside another ri, want li, lf or lh")
		}
		entries += uint64(leaf.Len())
	}
	return entries, nil
}

func (c *compaction) list(off, from Offset) (SubkeyList, error) {
	data, err := c.claim(off, from, "subkey list")
	if err != nil {
		return SubkeyList{}, err
	}
	return parseSubkeyList(off, data)
}

// class returns the class name of a key, without half a character.
func (c *compaction) class(node KeyNode) ([]byte, error) {
	length := node.ClassLength()
	if length == 0 {
		return nil, nil
	}
	data, err := c.claim(node.Class(), node.Offset, "class name")
	if err != nil {
		return nil, err
	}
	if length > len(data) {
		return nil, corrupt(CodeClass, node.Offset, "nk", "class name length %d exceeds cell (%d bytes)", length, len(data))
	}
	return data[:length&^1], nil
}

// descriptor returns the writer's number of the security descriptor of a key.
func (c *compaction) descriptor(node KeyNode) (int, error) {
	cell := node.Security()
	if cell == c.last.cell && cell != 0 {
		return c.last.number, nil
	}
	number, known := c.security[cell]
	if !known {
		if _, err := c.claim(cell, node.Offset, "security descriptor"); err != nil {
			return 0, err
		}
		record, err := c.source.SecurityRecord(cell)
		if err != nil {
			return 0, err
		}
		descriptor, err := record.Descriptor()
		if err != nil {
			return 0, err
		}
		if err := ValidateDescriptor(descriptor); err != nil {
			return 0, corrupt(CodeDescriptor, cell, "sk", "descriptor %s", err)
		}
		number = c.writer.Security(descriptor)
		c.security[cell] = number
	}
	c.last.cell, c.last.number = cell, number
	return number, nil
}

// handle is what a key with a predefined handle holds instead of values.
func (k KeyNode) handle() uint32 { return binary.LittleEndian.Uint32(k.data[keyValueCount:]) }

func (k KeyNode) accessField() uint32 { return binary.LittleEndian.Uint32(k.data[keyAccess:]) }

// values copies the values of a key.
func (c *compaction) values(node KeyNode) error {
	if node.ValueCount() == 0 {
		return nil
	}
	cell, err := c.claim(node.ValueList(), node.Offset, "value list")
	if err != nil {
		return err
	}
	list, err := parseValueList(node, cell)
	if err != nil {
		return err
	}
	for i := range list.Len() {
		off := list.At(i)
		cell, err := c.claim(off, node.ValueList(), "value")
		if err != nil {
			return err
		}
		record, err := c.source.parseValueRecord(off, cell)
		if err != nil {
			return err
		}
		record.Describe(&c.value)
		if c.value.Data, err = c.data(&record); err != nil {
			return err
		}
		if err := c.writer.AddValue(&c.value); err != nil {
			return err
		}
	}
	return nil
}

func (v *ValueRecord) spare() uint16 { return binary.LittleEndian.Uint16(v.data[valueSpare:]) }

// data returns the data of a value in the pieces that it is stored in, so that
// large data needs no memory. They are good until the next call.
func (c *compaction) data(v *ValueRecord) ([][]byte, error) {
	length := v.DataLength()
	switch {
	case v.Inline():
		data, err := c.source.ValueData(*v)
		c.piece[0] = data
		return c.piece[:], err
	case length == 0:
		return nil, nil
	}
	data, err := c.claim(v.Data(), v.Offset, "data")
	if err != nil {
		return nil, err
	}
	if c.source.segmented(length) {
		return c.segments(v)
	}
	if uint64(length) > uint64(len(data)) {
		return nil, corrupt(CodeValueData, v.Offset, "vk", "data length %d exceeds cell (%d bytes)", length, len(data))
	}
	c.piece[0] = data[:length]
	return c.piece[:], nil
}

func (c *compaction) segments(v *ValueRecord) ([][]byte, error) {
	record, err := c.source.BigData(v.Data())
	if err != nil {
		return nil, err
	}
	if _, err := c.claim(record.List(), record.Offset, "segment list"); err != nil {
		return nil, err
	}
	list, err := c.source.Segments(record, v.DataLength())
	if err != nil {
		return nil, err
	}
	pieces := make([][]byte, list.Len())
	for i := range pieces {
		if _, err := c.claim(list.At(i), record.List(), "segment"); err != nil {
			return nil, err
		}
		if pieces[i], err = c.source.Segment(list, i, v.DataLength()); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}
