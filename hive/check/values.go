package check

import (
	"slices"

	"hivepatch/hive/internal/regf"
)

// largestCellData is what fits the largest cell: the limit of data before
// version 1.4.
const largestCellData = regf.MaxCellSize - regf.CellHeaderSize

// values checks the values of a key and what they add up to.
func (c *checker) values(node regf.KeyNode) {
	count := node.ValueCount()
	if count == 0 {
		if list := node.ValueList(); list != regf.NIL && node.Flags()&regf.KeyPredefHandle == 0 {
			c.report(regf.CodeValueList, node.Offset, "key says it has no values, but refers to a list at %#x", list.File())
		}
		return
	}
	if !c.claim(node.ValueList(), node.Offset, "the list of values") {
		return
	}
	list, err := c.image.ValueList(node)
	if err != nil {
		c.reportError(err)
		return
	}
	c.names = c.names[:0]
	var maxName, maxData uint32
	for i := range list.Len() {
		value, ok := c.value(list.At(i), node)
		if !ok {
			continue
		}
		name := value.Name()
		c.names = append(c.names, valueName{name: name, cell: value.Offset})
		maxName = max(maxName, uint32(2*name.Len()))
		maxData = max(maxData, value.DataLength())
	}
	if maxName > node.MaxValueNameLen() {
		c.report(codeMaximum, node.Offset, "longest value name is %d bytes, the key says %d", maxName, node.MaxValueNameLen())
	}
	if maxData > node.MaxValueDataLen() {
		c.report(codeMaximum, node.Offset, "longest value data is %d bytes, the key says %d", maxData, node.MaxValueDataLen())
	}
	c.duplicateNames()
	if node.Flags()&regf.KeySymLink != 0 {
		c.symbolicLink(node)
	}
}

func (c *checker) value(off regf.Offset, node regf.KeyNode) (regf.ValueRecord, bool) {
	if !c.claim(off, node.ValueList(), "a value") {
		return regf.ValueRecord{}, false
	}
	value, err := c.image.ValueRecord(off)
	if err != nil {
		c.reportError(err)
		return regf.ValueRecord{}, false
	}
	name := value.Name()
	if len(name.Raw) == 0 && value.Flags() != 0 {
		c.report(codeDefaultValue, off, "default value has flags %#x, want 0", value.Flags())
	}
	c.data(value)
	return value, true
}

// data checks where the data of a value is kept.
func (c *checker) data(value regf.ValueRecord) {
	length := value.DataLength()
	switch {
	case value.Inline():
		if length > regf.MaxInlineData {
			c.report(regf.CodeInlineLength, value.Offset, "inline data of value %q has %d bytes, want at most %d", value.Name(), length, regf.MaxInlineData)
		}
		return
	case length == 0:
		if value.Data() != regf.NIL {
			c.report(codeEmptyData, value.Offset, "value %q has no data, but refers to a cell at %#x", value.Name(), value.Data().File())
		}
		return
	case length <= regf.MaxInlineData:
		c.report(codeInlineForm, value.Offset, "%d bytes of data of value %q have a cell of their own, want them inline", length, value.Name())
	case length > regf.MaxDirectData && c.minor >= 4:
		c.bigData(value)
		return
	case length > largestCellData:
		c.report(codeOldBigData, value.Offset, "value %q has %d bytes of data, version 1.%d allows %d", value.Name(), length, c.minor, largestCellData)
	}
	if !c.claim(value.Data(), value.Offset, "the data of a value") {
		return
	}
	if size := c.dataSize(value.Data()); size < length {
		c.report(regf.CodeValueData, value.Data(), "cell of value %q has %d bytes, want %d", value.Name(), size, length)
	}
}

func (c *checker) bigData(value regf.ValueRecord) {
	if !c.claim(value.Data(), value.Offset, "the big data of a value") {
		return
	}
	record, err := c.image.BigData(value.Data())
	if err != nil {
		c.reportError(err)
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

func (c *checker) symbolicLink(node regf.KeyNode) {
	if len(c.names) == 1 && c.names[0].name.String() == "SymbolicLinkValue" {
		return
	}
	c.report(codeSymbolicLink, node.Offset, "symbolic link has %d values, want one named SymbolicLinkValue", len(c.names))
}

// valueName is a value of the key being checked.
type valueName struct {
	name regf.Name
	hash uint32
	cell regf.Offset
}

// duplicateNames reports the values of the key whose names are equal without
// regard to case. Few values are compared with each other; many are sorted by
// hash first.
func (c *checker) duplicateNames() {
	const few = 8
	names := c.names
	if len(names) <= few {
		for i := range names {
			for j := range i {
				c.sameName(names[j], names[i])
			}
		}
		return
	}
	for i := range names {
		names[i].hash = names[i].name.Hash()
	}
	slices.SortStableFunc(names, func(a, b valueName) int { return int(int64(a.hash) - int64(b.hash)) })
	for i := 1; i < len(names); i++ {
		if names[i-1].hash == names[i].hash {
			c.sameName(names[i-1], names[i])
		}
	}
}

func (c *checker) sameName(first, second valueName) {
	if first.name.Len() == second.name.Len() && first.name.Compare(second.name) == 0 {
		c.report(codeDuplicateValue, second.cell, "value %q has the name of the value at %#x; Windows takes the first", second.name, first.cell.File())
	}
}
