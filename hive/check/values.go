package check

import (
	"slices"

	"hivepatch/hive/internal/regf"
)

// largestCellData is what fits the largest cell: the limit of data before
// version 1.4.
const largestCellData = regf.MaxCellSize - regf.CellHeaderSize

// values checks the values of the key being checked and what they add up to.
func (c *checker) values() {
	node := &c.key
	if node.ValueCount() == 0 {
		if list := node.ValueList(); list != regf.NIL && node.Flags()&regf.KeyPredefHandle == 0 {
			c.report(regf.CodeValueList, node.Offset, "key says it has no values, but refers to a list at %#x", list.File())
		}
		return
	}
	if !c.claim(node.ValueList(), node.Offset, "the list of values") {
		return
	}
	list, err := c.image.KnownValueList(*node)
	if err != nil {
		c.reportError(err)
		return
	}
	c.names, c.maxName, c.maxData = c.names[:0], 0, 0
	for i := range list.Len() {
		c.value(list.At(i))
	}
	if c.maxName > node.MaxValueNameLen() {
		c.report(codeMaximum, node.Offset, "longest value name is %d bytes, the key says %d", c.maxName, node.MaxValueNameLen())
	}
	if c.maxData > node.MaxValueDataLen() {
		c.report(codeMaximum, node.Offset, "longest value data is %d bytes, the key says %d", c.maxData, node.MaxValueDataLen())
	}
	c.duplicateNames()
	if node.Flags()&regf.KeySymLink != 0 {
		c.symbolicLink()
	}
}

func (c *checker) value(off regf.Offset) {
	if !c.claim(off, c.key.ValueList(), "a value") {
		return
	}
	value, err := c.image.KnownValueRecord(off)
	if err != nil {
		c.reportError(err)
		return
	}
	name := value.Name()
	if len(name.Raw) == 0 && value.Flags() != 0 {
		c.report(codeDefaultValue, off, "default value has flags %#x, want 0", value.Flags())
	}
	c.names = append(c.names, uint64(sketch(name))<<32|uint64(off))
	c.maxName = max(c.maxName, uint32(2*name.Len()))
	c.maxData = max(c.maxData, value.DataLength())
	c.data(&value)
}

// data checks where the data of a value is kept.
func (c *checker) data(value *regf.ValueRecord) {
	length := value.DataLength()
	switch {
	case value.Inline():
		if length > regf.MaxInlineData {
			c.report(regf.CodeInlineLength, value.Offset, "inline data of value %s has %d bytes, want at most %d", valueName(value.Name()), length, regf.MaxInlineData)
		}
		if length == 0 && value.Data() != 0 {
			c.report(codeInlineForm, value.Offset, "value %s has no data, but %#x in its place, want 0", valueName(value.Name()), uint32(value.Data()))
		}
		return
	case length == 0:
		c.noData(value)
		return
	case length <= regf.MaxInlineData:
		c.report(codeInlineForm, value.Offset, "%d bytes of data of value %s have a cell of their own, want them inline", length, valueName(value.Name()))
	case length > regf.MaxDirectData && c.minor >= 4:
		c.bigData(value)
		return
	case length > largestCellData:
		c.report(codeOldBigData, value.Offset, "value %s has %d bytes of data, version 1.%d allows %d", valueName(value.Name()), length, c.minor, largestCellData)
	}
	if !c.claim(value.Data(), value.Offset, "the data of a value") {
		return
	}
	if size := c.dataSize(value.Data()); size < length {
		c.report(regf.CodeValueData, value.Offset, "data length %d of value %s exceeds cell (%d bytes)", length, valueName(value.Name()), size)
	}
}

// noData checks a value without data that is not marked as inline.
func (c *checker) noData(value *regf.ValueRecord) {
	switch {
	case value.Data() != regf.NIL:
		c.report(codeEmptyData, value.Offset, "value %s has no data, but refers to a cell at %#x", valueName(value.Name()), value.Data().File())
	case value.Flags()&regf.ValueTombstone == 0:
		c.report(codeInlineForm, value.Offset, "value %s has no data and is not marked as inline", valueName(value.Name()))
	}
}

func (c *checker) bigData(value *regf.ValueRecord) {
	if !c.claim(value.Data(), value.Offset, "the big data of a value") {
		return
	}
	record, err := c.image.BigData(value.Data())
	if err != nil {
		damage, _ := asFormatError(err)
		c.report(regf.CodeBigData, value.Offset, "%d bytes of value %s need a big data record at %#x: %s", value.DataLength(), valueName(value.Name()), damage.Off, damage.Msg)
		return
	}
	if !c.claim(record.List(), record.Offset, "the list of segments") {
		return
	}
	segments, err := c.image.Segments(record, value.DataLength())
	if err != nil {
		c.reportError(err)
		return
	}
	for i := range segments.Len() {
		if !c.claim(segments.At(i), record.List(), "a segment of data") {
			continue
		}
		if _, err := c.image.Segment(segments, i, value.DataLength()); err != nil {
			c.reportError(err)
		}
	}
}

func (c *checker) symbolicLink() {
	if len(c.names) == 1 {
		value, err := c.image.KnownValueRecord(regf.Offset(c.names[0]))
		if err == nil && value.Name().String() == "SymbolicLinkValue" {
			return
		}
	}
	c.report(codeSymbolicLink, c.key.Offset, "symbolic link has %d values, want one named SymbolicLinkValue", len(c.names))
}

// sketch is a number that equal names share: made of the length and of the
// first and last character, it tells most names apart at no cost.
func sketch(name regf.Name) uint32 {
	n := name.Len()
	if n == 0 {
		return 0
	}
	return uint32(n)<<16 ^ uint32(regf.Upcase(name.Unit(0)))<<8 ^ uint32(regf.Upcase(name.Unit(n-1)))
}

// duplicateNames reports the values of the key whose names are equal without
// regard to case. c.names has the sketch of each name in its upper half and
// the cell in its lower. A few values are compared with each other; of many,
// the sketches are replaced by hashes, and those with equal ones compared.
func (c *checker) duplicateNames() {
	const few = 16
	if len(c.names) > few {
		c.duplicateHashes()
		return
	}
	for i, name := range c.names {
		for _, other := range c.names[:i] {
			if name>>32 == other>>32 {
				c.sameName(regf.Offset(other), regf.Offset(name))
			}
		}
	}
}

func (c *checker) duplicateHashes() {
	for i, name := range c.names {
		if value, err := c.image.KnownValueRecord(regf.Offset(name)); err == nil {
			c.names[i] = uint64(value.Name().Hash())<<32 | uint64(value.Offset)
		}
	}
	slices.Sort(c.names)
	const near = 8 // more names of one hash come from somebody who looked for them
	for i, name := range c.names {
		for _, other := range c.names[max(0, i-near):i] {
			if name>>32 == other>>32 {
				c.sameName(regf.Offset(other), regf.Offset(name))
			}
		}
	}
}

func (c *checker) sameName(first, second regf.Offset) {
	a, errA := c.image.KnownValueRecord(first)
	b, errB := c.image.KnownValueRecord(second)
	if errA == nil && errB == nil && a.Name().Compare(b.Name()) == 0 {
		c.report(codeDuplicateValue, second, "value %s has the name of the value at %#x; Windows takes the one that its list has first", valueName(b.Name()), first.File())
	}
}
