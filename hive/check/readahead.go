package check

import "hivepatch/hive/internal/regf"

// The records of a hive lie far apart in memory, and a walk that takes one
// after the other waits for each of them. So the cells that come next are read
// ahead, without a look at what they hold, in loops in which no read depends
// on the one before: the processor then fetches many at once. In a hive of
// 256 MB this halves the time of the check. A damaged hive leads to useless
// reads at worst, all of them inside the image.

const subkeysAhead = 16

// Places behind the start of a key's cell: its value list, and the part of the
// record that the first line of the cache does not hold.
const (
	aheadValueList = regf.CellHeaderSize + 40
	aheadSecond    = 64
)

// readAheadSubkeys is called for each entry of a leaf and reads ahead from
// every subkeysAhead-th on.
func (c *checker) readAheadSubkeys(leaf regf.SubkeyList, i int) {
	if i%subkeysAhead != 0 {
		return
	}
	end := min(i+subkeysAhead, leaf.Len())
	for j := i; j < end; j++ {
		c.ahead += c.image.Peek(leaf.At(j)) + c.image.Peek(leaf.At(j)+aheadSecond)
	}
	for j := i; j < end; j++ {
		c.ahead += c.image.Peek(regf.Offset(c.image.Peek(leaf.At(j) + aheadValueList)))
	}
}

// readAheadValues reads the records of a list of values ahead.
func (c *checker) readAheadValues(list regf.OffsetList) {
	for i := range list.Len() {
		c.ahead += c.image.Peek(list.At(i))
	}
}
