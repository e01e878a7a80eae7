// Package regf holds the bytes of a registry hive: the base block, bins, cells
// and the records in them.
//
// It is the only package that indexes a hive image. Records are views over a
// checked slice of the image, so that reading costs no allocation; every view
// is made by a constructor that has compared the record's own sizes with the
// cell that holds it. Everything written goes through [Image], which keeps the
// bytes from before so that a change can be listed and undone.
//
// The format is described in https://github.com/msuhanov/regf.
package regf

import (
	"errors"
	"fmt"
)

// Sizes of the fixed parts of a hive, in bytes.
const (
	BaseBlockSize  = 4096 // base block; bins follow it
	HeaderSize     = 512  // the part of the base block that the checksum and the logs cover
	PageSize       = 4096 // granularity of bins
	BinHeaderSize  = 32
	CellHeaderSize = 4
	MaxCellSize    = 1 << 20 // largest cell that the Windows allocator hands out
	MaxBinsSize    = 1 << 31 // bit 31 of a cell offset means volatile storage
)

// Offset is the place of a cell or bin, counted from the start of the hive
// bins data. The file offset is BaseBlockSize more.
type Offset uint32

// NIL marks the absence of a cell.
const NIL Offset = 0xFFFFFFFF

// File returns the absolute file offset.
func (o Offset) File() int64 { return BaseBlockSize + int64(o) }

// ErrCorrupt is returned, wrapped in a FormatError, when a structure breaks a
// rule of the format.
var ErrCorrupt = errors.New("hive is corrupt")

// ErrNotHive is returned when the data is not a hive at all: too short, wrong
// signature, or a version that this package does not know.
var ErrNotHive = errors.New("not a registry hive")

// FormatError says where a hive breaks a rule of the format.
type FormatError struct {
	Code   string // the rule, one of the Code constants
	Off    int64  // absolute file offset in bytes
	Struct string // structure in the terms of the format: "base block", "bin", "cell", "nk", …
	Msg    string // what was found and what was expected
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at %#x: %s", e.Struct, e.Off, e.Msg)
}

// Unwrap returns ErrCorrupt.
func (e *FormatError) Unwrap() error { return ErrCorrupt }

// Codes of the rules that a FormatError names. They are stable.
const (
	CodeNotHive           = "not-a-hive"
	CodeBinsSize          = "bins-size"
	CodeBin               = "bin-chain"
	CodeCellSize          = "cell-size"
	CodeReference         = "reference"
	CodeKeyNode           = "key-node"
	CodeValueRecord       = "value-record"
	CodeValueList         = "value-list"
	CodeValueData         = "value-data"
	CodeInlineLength      = "inline-length"
	CodeBigData           = "big-data"
	CodeClass             = "class-name"
	CodeSecurityReference = "security-reference"
	CodeDescriptor        = "security-descriptor"
	CodeSubkeyList        = "subkey-list"
	CodeSubkeyListSize    = "subkey-list-size"
)

func corrupt(code string, off Offset, structure, format string, args ...any) error {
	return &FormatError{Code: code, Off: off.File(), Struct: structure, Msg: fmt.Sprintf(format, args...)}
}
