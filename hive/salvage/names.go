package salvage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive/internal/regf"
)

// isSoundName reports whether a name is one that Windows gives to keys.
func isSoundName(name regf.Name) bool {
	return name.Len() > 0 && name.Len() <= regf.MaxKeyName && (name.Latin1 || len(name.Raw)%2 == 0) && !hasBackslash(name)
}

func hasBackslash(name regf.Name) bool {
	for i := range name.Len() {
		if name.Unit(i) == '\\' {
			return true
		}
	}
	return false
}

// nameOf returns the name that a key has in the new hive, and why it is not its
// own.
func (s *salvage) nameOf(index int32) (name regf.Name, why string) {
	cell, m := s.keys[index].cell, s.marks[index]
	if cell == regf.NIL {
		return latin1(madeName(index)), ""
	}
	node, _, _ := s.readKey(cell)
	name = node.Name()
	switch {
	case name.Len() == 0:
		name, why = latin1("unnamed"), "it has no name"
		if index > 0 {
			m |= contained
		}
	case index > 0 && hasBackslash(name):
		name, why = withoutBackslash(name), "its name holds a backslash"
	case index > 0 && name.Len() > longestName:
		why = "its name is longer than its parent can say"
		m |= contained // cut, with its offset
	case !name.Latin1 && len(name.Raw)%2 != 0:
		why = "its name has half a character at the end"
	}
	if m&contained != 0 {
		name = withOffset(name, cell)
	}
	return name, why
}

// longestName is the longest name, in UTF-16 units, whose length in bytes fits
// the field of the parent for the longest of its subkeys.
const longestName = 0x7FFF

// madeName is the name of a key that the old hive did not have.
func madeName(index int32) string {
	if index == 0 {
		return "ROOT"
	}
	return Container
}

func latin1(s string) regf.Name { return regf.Name{Raw: []byte(s), Latin1: true} }

func withoutBackslash(name regf.Name) regf.Name {
	units := make([]uint16, name.Len())
	for i := range units {
		if units[i] = name.Unit(i); units[i] == '\\' {
			units[i] = '_'
		}
	}
	return encode(units)
}

// withOffset returns a name that nothing else has: with the file offset of the
// key behind it.
func withOffset(name regf.Name, off regf.Offset) regf.Name {
	suffix := fmt.Sprintf(" @%#x", off.File())
	units := make([]uint16, 0, regf.MaxKeyName)
	for i := range min(name.Len(), regf.MaxKeyName-len(suffix)) {
		units = append(units, name.Unit(i))
	}
	for _, c := range suffix {
		units = append(units, uint16(c))
	}
	return encode(units)
}

func encode(units []uint16) regf.Name {
	raw := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	return regf.Name{Raw: raw}
}

// longestPath is the number of bytes of a path in a finding: paths in hostile
// hives are of no end.
const longestPath = 4096

// path is the path of a key in the new hive.
func (s *salvage) path(index int32) string {
	var names []string
	for size := 0; index > 0; index = s.keys[index].parent {
		name, _ := s.nameOf(index)
		names = append(names, name.String())
		if size += len(names[len(names)-1]); size > longestPath {
			names = append(names, "…")
			break
		}
	}
	slices.Reverse(names)
	return strings.Join(names, `\`)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + `\` + name
}
