package hivetest

// Levels of a rule: what becomes of a hive that breaks it.
const (
	LevelFatal      = 'F' // Windows refuses the hive or loses data
	LevelLimited    = 'L' // Windows mends it, or the damage is limited
	LevelConvention = 'C' // Windows does not write such hives but loads them
	LevelWarning    = 'W' // worth knowing
)

// Rule is one thing that holds in a sound hive.
type Rule struct {
	Number int
	Level  byte
	Text   string
}

// Rules returns all rules. Mutations refer to them by number. No mutation
// breaks 51 and 52, which a hive cannot break; LogCases are about 53.
func Rules() []Rule {
	return []Rule{
		{1, 'F', "the file has a base block and a bin, the signature regf, major version 1, type 0 and format 1"},
		{2, 'F', "the minor version is one of 0 to 6"},
		{3, 'F', "the checksum of the base block is right"},
		{4, 'F', "both sequence numbers are equal"},
		{5, 'F', "the clustering factor is 1"},
		{6, 'F', "the bins size is a multiple of 4096, not 0, below 2 GiB and inside the file"},
		{7, 'F', "the root cell is an allocated nk in the first bin"},
		{8, 'L', "base block and first bin have the same timestamp"},
		{9, 'W', "a base block with transaction GUIDs has only known flags"},
		{10, 'F', "bins follow each other without a gap, with right signature, offset and size"},
		{11, 'F', "cells fill each bin and have sizes that are multiples of the unit"},
		{12, 'C', "no two free cells are neighbours"},
		{13, 'C', "an allocated cell above 16 KiB is a power of two long and at most 1 MiB"},
		{14, 'F', "every offset names the start of an allocated cell"},
		{15, 'F', "every cell has one owner, and there are no cycles"},
		{16, 'W', "every allocated cell has an owner"},
		{17, 'F', "a key record has its signature, a name, and room for it"},
		{18, 'C', "a key name has at most 255 characters, its record at most 0x45C bytes"},
		{19, 'L', "a key names its parent"},
		{20, 'F', "a UTF-16 key name has an even length"},
		{21, 'C', "a key name is stored in Latin-1 exactly when it can be"},
		{22, 'F', "no key name has a backslash"},
		{23, 'C', "only the root is a hive entry, no key is volatile or an exit"},
		{24, 'F', "the subkey count is that of the lists; without subkeys there is no list"},
		{25, 'F', "a subkey list is a non-empty li, lf, lh, or an ri of those"},
		{26, 'F', "a subkey list has room for its entries"},
		{27, 'F', "siblings are in strictly ascending order of their upper-cased names"},
		{28, 'F', "hashes in lh lists are those of the names"},
		{29, 'L', "hints in lf lists are those of the names"},
		{30, 'C', "the kind of list fits the minor version, and an ri has leaves of one kind"},
		{31, 'C', "a leaf has at most 1012 entries"},
		{32, 'F', "keys are at most 512 deep"},
		{33, 'F', "the value list has room for the values; without values there is no list"},
		{34, 'F', "a value record has its signature and room for its name"},
		{35, 'F', "inline data has at most 4 bytes"},
		{36, 'F', "data of length 0 that is not inline has no cell"},
		{37, 'F', "the data cell has room for the data"},
		{38, 'F', "from version 1.4 data above 16344 bytes is big data with the right number of segments"},
		{39, 'F', "up to version 1.3 there is no big data and no value above 1 MiB"},
		{40, 'C', "data of up to 4 bytes is inline"},
		{41, 'C', "the default value has no flags"},
		{42, 'W', "value names of a key differ"},
		{43, 'F', "a symbolic link has one value, named SymbolicLinkValue"},
		{44, 'L', "a class name has an even length and a cell with room for it, or neither"},
		{45, 'F', "every key names a descriptor on the ring"},
		{46, 'F', "the ring of descriptors is closed in both directions"},
		{47, 'F', "reference counts of descriptors are the number of their keys"},
		{48, 'F', "descriptors are self-relative and sound"},
		{49, 'C', "no two descriptors are equal"},
		{50, 'L', "the maxima of a key are not too small"},
		{51, 'W', "volatile counts and lists mean nothing on disk"},
		{52, 'W', "bytes after the last bin mean nothing"},
		{53, 'W', "logs hold nothing newer than a clean hive"},
		{54, 'F', "layered keys have legal semantics, deleted ones are empty"},
	}
}
