package check

import (
	"errors"
	"maps"
	"slices"

	"hivepatch/hive/internal/regf"
)

// Rule is a rule of the format that a hive can break.
type Rule struct {
	Code    string
	Level   Level // the usual level of its findings; a few depend on the case
	Summary string
}

// Codes of the two rules that a dirty hive breaks, and one that is sealed does
// not.
const (
	CodeChecksum = "checksum"
	CodeSequence = "sequence-numbers"
)

// Codes of the rules that no reader needs, and that only this package knows.
const (
	codeVersion        = "version"
	codeCluster        = "cluster-factor"
	codeRootCell       = "root-cell"
	codeTimestamp      = "time-stamps"
	codeBlockFlags     = "base-block-flags"
	codeFreeNeighbours = "free-neighbours"
	codeCellRounding   = "cell-rounding"
	codeShared         = "shared-cell"
	codeOrphan         = "orphan-cell"
	codeKeyNameLength  = "key-name-length"
	codeParent         = "parent"
	codeKeyNameOdd     = "key-name-odd"
	codeKeyNameForm    = "key-name-form"
	codeKeyNameSlash   = "key-name-backslash"
	codeKeyFlags       = "key-flags"
	codeSubkeyCount    = "subkey-count"
	codeOrder          = "subkey-order"
	codeHash           = "subkey-hash"
	codeHint           = "subkey-hint"
	codeListKind       = "list-kind"
	codeListSize       = "list-size"
	codeDepth          = "depth"
	codeEmptyData      = "empty-data"
	codeOldBigData     = "old-big-data"
	codeInlineForm     = "inline-form"
	codeDefaultValue   = "default-value"
	codeDuplicateValue = "duplicate-value"
	codeSymbolicLink   = "symbolic-link"
	codeRing           = "security-ring"
	codeReferenceCount = "security-count"
	codeSameDescriptor = "security-duplicate"
	codeMaximum        = "maxima"
	codeVolatile       = "volatile-fields"
	codeTrailing       = "trailing-bytes"
	codeLogs           = "logs"
	codeLayer          = "layered-keys"
	codeReach          = "edit-reach"
)

var rules = index(
	Rule{regf.CodeNotHive, Fatal, "the file is a hive: size, signature, versions, type and format"},
	Rule{codeVersion, Warning, "versions 1.2 to 1.5 can be edited"},
	Rule{CodeChecksum, Fatal, "the checksum of the base block is right"},
	Rule{CodeSequence, Fatal, "both sequence numbers are equal"},
	Rule{codeCluster, Fatal, "the cluster factor is 1"},
	Rule{regf.CodeBinsSize, Fatal, "the length of the bins is a multiple of 4096 that the file holds"},
	Rule{codeRootCell, Fatal, "the root cell is a key in the first bin"},
	Rule{codeTimestamp, Limited, "the base block and the first bin have the same time stamp"},
	Rule{codeBlockFlags, Warning, "only known flags are set in the base block"},
	Rule{regf.CodeBin, Fatal, "bins follow each other without a gap, each with a sound header"},
	Rule{regf.CodeCellSize, Fatal, "cells fill each bin exactly"},
	Rule{codeFreeNeighbours, Convention, "no two free cells are neighbours in a bin"},
	Rule{codeCellRounding, Convention, "a cell above 16 KiB is a power of two of at most 1 MiB"},
	Rule{regf.CodeReference, Fatal, "every reference leads to the start of an allocated cell"},
	Rule{codeShared, Fatal, "every cell but a security descriptor is referred to once"},
	Rule{codeOrphan, Warning, "every allocated cell is referred to"},
	Rule{regf.CodeKeyNode, Fatal, "a key has its signature, a name, and fits its cell"},
	Rule{codeKeyNameLength, Convention, "a key name has at most 255 characters, and its record 1116 bytes"},
	Rule{codeParent, Limited, "a key names its parent"},
	Rule{codeKeyNameOdd, Fatal, "a UTF-16 name has an even number of bytes"},
	Rule{codeKeyNameForm, Convention, "a key name is stored as Latin-1 where it fits"},
	Rule{codeKeyNameSlash, Fatal, "a key name holds no backslash"},
	Rule{codeKeyFlags, Convention, "only the root is an entry; no key is volatile or a mount point"},
	Rule{codeSubkeyCount, Fatal, "the number of subkeys is that of the list"},
	Rule{regf.CodeSubkeyList, Fatal, "a list of subkeys is li, lf, lh, or ri over those, and not empty"},
	Rule{regf.CodeSubkeyListSize, Fatal, "a list of subkeys fits its cell"},
	Rule{codeOrder, Fatal, "subkeys stand in strict order of their upper-cased names"},
	Rule{codeHash, Fatal, "the hashes of an lh list are right"},
	Rule{codeHint, Limited, "the hints of an lf list are right"},
	Rule{codeListKind, Convention, "the kind of list fits the version; leaves of one ri are of one kind"},
	Rule{codeListSize, Convention, "a leaf has at most 1012 entries"},
	Rule{codeDepth, Fatal, "keys lie at most 512 levels deep"},
	Rule{regf.CodeValueList, Fatal, "a list of values holds as many as the key says"},
	Rule{regf.CodeValueRecord, Fatal, "a value has its signature and fits its cell"},
	Rule{regf.CodeInlineLength, Fatal, "inline data has at most 4 bytes"},
	Rule{codeEmptyData, Fatal, "a value without data refers to no cell"},
	Rule{regf.CodeValueData, Fatal, "data fits its cell"},
	Rule{regf.CodeBigData, Fatal, "data above 16344 bytes has just the segments it needs"},
	Rule{codeOldBigData, Fatal, "before version 1.4 data has less than 1 MiB"},
	Rule{codeInlineForm, Convention, "data of at most 4 bytes is inline"},
	Rule{codeDefaultValue, Convention, "the default value has no flags"},
	Rule{codeDuplicateValue, Warning, "value names are unique in a key"},
	Rule{codeSymbolicLink, Fatal, "a symbolic link has one value, SymbolicLinkValue"},
	Rule{regf.CodeClass, Limited, "a class name fits its cell and has an even number of bytes"},
	Rule{regf.CodeSecurityReference, Fatal, "a key's security descriptor stands on the root's ring"},
	Rule{codeRing, Fatal, "the ring of security descriptors is closed both ways"},
	Rule{codeReferenceCount, Fatal, "a security descriptor counts the keys that use it"},
	Rule{regf.CodeDescriptor, Fatal, "a security descriptor is self-relative and fits its cell"},
	Rule{codeSameDescriptor, Convention, "no two security descriptors are equal"},
	Rule{codeMaximum, Limited, "a key's maxima are at least those of its subkeys and values"},
	Rule{codeVolatile, Warning, "counts of volatile subkeys mean nothing on disk"},
	Rule{codeTrailing, Warning, "bytes after the last bin belong to nothing"},
	Rule{codeLogs, Warning, "the transaction logs agree with the hive"},
	Rule{codeLayer, Fatal, "layered keys have legal semantics"},
	Rule{codeReach, Fatal, "an edit changes what it is about, and nothing else"},
)

func index(list ...Rule) map[string]Rule {
	byCode := make(map[string]Rule, len(list))
	for _, rule := range list {
		byCode[rule.Code] = rule
	}
	return byCode
}

// Rules returns all rules, sorted by code.
func Rules() []Rule {
	list := make([]Rule, 0, len(rules))
	for _, code := range slices.Sorted(maps.Keys(rules)) {
		list = append(list, rules[code])
	}
	return list
}

func asFormatError(err error) (*regf.FormatError, bool) { return errors.AsType[*regf.FormatError](err) }

func notAHive(err error) Finding {
	finding := Finding{Code: regf.CodeNotHive, Level: Fatal, Message: err.Error()}
	if damage, ok := asFormatError(err); ok {
		finding.Offset, finding.Message = damage.Off, damage.Msg
	}
	return finding
}
