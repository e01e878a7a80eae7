// Package check holds a registry hive against the rules of its format.
//
// One pass over the cells and one over the tree of keys find everything, not
// the first fault. Time grows with the size of the hive, memory with a
// twentieth of it: three bits for each eight bytes of cells, and some fifty bytes
// for each security descriptor.
package check

import (
	"fmt"

	"hivepatch/hive/escape"
	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// Level says what a finding leads to.
type Level string

// Levels of findings, the gravest first.
const (
	Fatal      Level = "F" // Windows refuses the hive or loses data
	Limited    Level = "L" // Windows heals it, or the damage is limited
	Convention Level = "C" // Windows does it otherwise, but loads it
	Warning    Level = "W" // worth knowing
)

// Finding is one rule broken in one place.
type Finding struct {
	Code    string // the rule, see Rules; stable
	Level   Level
	Offset  int64  // absolute file offset in bytes
	Path    string // the key, where there is one
	Message string // what was found and what was expected
}

// String returns the finding in one line.
func (f Finding) String() string {
	place := fmt.Sprintf("%#x", f.Offset)
	if f.Path != "" {
		place += " " + escape.Path(`\`+f.Path)
	}
	return fmt.Sprintf("%s %s at %s: %s", f.Level, f.Code, place, f.Message)
}

// Bytes checks the hive in data, which it does not change, and calls emit for
// each finding. Data that is not a hive gives the one finding that says so.
func Bytes(data []byte, emit func(Finding)) {
	if c := newChecker(data, emit); c != nil {
		c.all()
	}
}

// newChecker returns nil when data is not a hive, which it reports.
func newChecker(data []byte, emit func(Finding)) *checker {
	image, err := regf.Parse(data)
	if err != nil {
		emit(notAHive(err))
		return nil
	}
	return &checker{
		image:      image,
		minor:      image.Minor(),
		cellHeader: image.CellHeaderSize(),
		emit:       emit,
		starts:     bitmap.New(image.BinsSize()/8 + 1),
		bounds:     bitmap.New(image.BinsSize()/8 + 1),
		claimed:    bitmap.New(image.BinsSize()/8 + 1),
	}
}

func (c *checker) all() {
	c.header()
	c.cells()
	c.keys()
	c.securityCounts()
	c.orphans()
}

// checker is the state of one check.
type checker struct {
	image      *regf.Image
	minor      uint32
	cellHeader uint32 // bytes before the data of a cell
	emit       func(Finding)

	starts  bitmap.Bitmap // by offset / 8: an allocated cell starts here
	bounds  bitmap.Bitmap // by offset / 8: a cell starts or a bin ends here
	claimed bitmap.Bitmap // by offset / 8: some record refers to the cell

	descriptors []descriptor          // of the ring
	security    map[regf.Offset]int32 // index in descriptors, by cell
	lastUsed    lastDescriptor
	path        []frame // the keys from the root to above the one being checked

	fixedPath string // path of the key, where the stack does not have it

	key     regf.KeyNode // the key being checked
	names   []uint64     // of its values, see duplicateNames
	maxName uint32       // longest name of its values, in bytes of UTF-16
	maxData uint32       // longest data of its values, in bytes

	volatileKeys  int // keys with stale counts of volatile subkeys
	firstVolatile regf.Offset
}

// Findings name keys and values as package escape writes them, so that a name can
// be copied from a finding into a command line.

func keyName(name regf.Name) string { return escape.Name(name.String()) }

func valueName(name regf.Name) string { return escape.ValueName(name.String()) }

// report emits a finding about the rule with that code, at its usual level.
func (c *checker) report(code string, off regf.Offset, format string, args ...any) {
	c.reportAt(rules[code].Level, code, off.File(), format, args...)
}

func (c *checker) reportAt(level Level, code string, file int64, format string, args ...any) {
	c.emit(Finding{Code: code, Level: level, Offset: file, Path: c.keyPath(), Message: fmt.Sprintf(format, args...)})
}

// reportError emits a finding for an error of package regf.
func (c *checker) reportError(err error) {
	if damage, ok := asFormatError(err); ok {
		c.reportAt(rules[damage.Code].Level, damage.Code, damage.Off, "%s: %s", damage.Struct, damage.Msg)
	}
}

// claim notes that the record at from refers to the cell at off, and reports
// whether that cell may be looked at: it is allocated and nobody else has
// claimed it. Since a cell is claimed once, no loop in a hive can hold the
// check up.
func (c *checker) claim(off, from regf.Offset, what string) bool {
	return c.take(off) || c.refuseClaim(off, from, what)
}

// take is claim without a report.
func (c *checker) take(off regf.Offset) bool {
	return off%8 == 0 && c.claimed.Take(uint32(off/8), c.starts)
}

// refuseClaim reports why a cell cannot be claimed.
func (c *checker) refuseClaim(off, from regf.Offset, what string) bool {
	if c.isClaimed(off) {
		c.report(codeShared, off, "%s is referred to from %#x, but another record has it already", what, from.File())
	} else {
		c.report(regf.CodeReference, from, "%s %s", what, c.whyNoCell(off))
	}
	return false
}

func (c *checker) isClaimed(off regf.Offset) bool {
	return off%8 == 0 && c.claimed.Has(uint32(off/8))
}

// dataSize is the number of bytes for data in a cell that was claimed. It is
// told by where the next cell starts, which spares the sight of the cell.
func (c *checker) dataSize(off regf.Offset) uint32 {
	next, ok := c.bounds.From(uint32(off/8) + 1)
	if !ok {
		return 0
	}
	return 8*next - uint32(off) - c.cellHeader
}

// whyNoCell says why off is no cell that could be claimed.
func (c *checker) whyNoCell(off regf.Offset) string {
	if off == regf.NIL {
		return "is missing: the reference is empty"
	}
	if c.isClaimed(off) {
		return fmt.Sprintf("should be at %#x, which another record has already", off.File())
	}
	if _, err := c.image.Cell(off); err != nil {
		damage, _ := asFormatError(err)
		return fmt.Sprintf("should be at %#x: %s", off.File(), damage.Msg)
	}
	return fmt.Sprintf("should be at %#x, where no cell starts", off.File())
}
