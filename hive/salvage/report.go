package salvage

import (
	"fmt"

	"hivepatch/hive/escape"
	"hivepatch/hive/internal/regf"
)

// Container is the name of the key below the root that takes what is sound and
// has no place of its own.
const Container = "hivepatch-salvaged"

// Fate is what became of something that was not as it should be.
type Fate string

// Fates.
const (
	Lost    Fate = "lost"     // it cannot be read, and is not in the new hive
	LeftOut Fate = "left-out" // it can be read, but does not belong to the hive any more, or nobody knows where
	Guessed Fate = "guessed"  // it is in the new hive, by a conclusion that may be wrong
)

// Finding is one thing that is not in the new hive as it was in the old one.
type Finding struct {
	Fate   Fate
	What   string // "key", "value", "class name", "security descriptor", "list of subkeys", "list of values", "base block", "bins", "root key"
	Path   string // of the key; of one that is left out, as far as it is known
	Value  string // name of the value; "" for the default value or where What is something else
	Offset int64  // absolute file offset in bytes
	Reason string
}

// String returns the finding in one line.
func (f Finding) String() string {
	name, keyPath := f.What, escape.Path(`\`+f.Path)
	switch f.What {
	case "base block", "bins", "root key":
	case "key":
		name += " " + keyPath
	case "value":
		name = "value " + escape.ValueName(f.Value) + " of " + keyPath
	default:
		name += " of " + keyPath
	}
	return fmt.Sprintf(`%s: %s at %#x: %s`, f.Fate, name, f.Offset, f.Reason)
}

// Report tells what became of a hive.
type Report struct {
	Keys, Values int // in the new hive, the root among them
	Findings     []Finding
	Counts       map[Fate]int // of all findings, also of those that the list has no room for
}

// maxFindings bounds the list: a hostile hive has millions of faults.
const maxFindings = 10_000

func (r *Report) add(f Finding) {
	r.Counts[f.Fate]++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	}
}

// tell adds a finding about a key of the new hive. Paths are made only for as
// many as there is room for.
func (s *salvage) tell(index int32, f Finding) {
	if len(s.report.Findings) < maxFindings {
		f.Path = s.path(index)
	}
	s.report.add(f)
}

// tellBelow adds a finding about a subkey of a key of the new hive.
func (s *salvage) tellBelow(parent int32, name regf.Name, f Finding) {
	if len(s.report.Findings) < maxFindings {
		f.Path = join(s.path(parent), name.String())
	}
	s.report.add(f)
}
