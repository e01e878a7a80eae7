package patch

import (
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/check"
)

// keptFindings is the number of findings of each level that are kept with
// their text. A hive can have millions.
const keptFindings = 100

// Findings is what a check found.
type Findings struct {
	List   []check.Finding     // the first ones of each level, in the order found
	Counts map[check.Level]int // all of them
}

func newFindings() Findings { return Findings{Counts: map[check.Level]int{}} }

// add counts a finding and keeps it where it is one of the first of its level.
func (f *Findings) add(finding check.Finding) {
	f.Counts[finding.Level]++
	if f.Counts[finding.Level] <= keptFindings {
		f.List = append(f.List, finding)
	}
}

// grave reports the number of findings that Windows would lose data over.
func (f Findings) grave() int { return f.Counts[check.Fatal] }

// DamageError is returned when the hive breaks rules in a way that makes
// Windows refuse it or lose data.
type DamageError struct {
	Findings Findings
	Touching *check.Finding // one that the edit would touch; nil where none is known
	Override string         // the flag that allows the edit, or empty
}

func (e *DamageError) Error() string {
	if e.Touching != nil {
		return "the hive is damaged where it would be edited: " + e.Touching.String()
	}
	count := "1 place"
	if n := e.Findings.grave(); n > 1 {
		count = fmt.Sprintf("%d places", n)
	}
	return "the hive is damaged in " + count
}

// Hint says which flag overrides the refusal, empty where none does.
func (e *DamageError) Hint() string {
	if e.Override == "" {
		return ""
	}
	return e.Override + " goes on all the same, where the damage lies outside everything that is edited"
}

// area is the part of a hive that an edit depends on: the base block, and the
// bins with everything on the way to the edited values, and to Select where it
// says which they are. What an edit changes lies there too.
type area struct {
	hive *hive.Hive
	bins map[int64]bool // by file offset of the bin
	keys []string       // paths of the keys at the ends of the way
}

// editedArea is the area as it stands: after the edit the data may lie
// elsewhere.
func (j *job) editedArea() (area, error) {
	a := area{hive: j.hive, bins: map[int64]bool{}}
	for _, set := range j.sets {
		key, err := set.subSystems()
		if err != nil {
			return a, err
		}
		a.addWay(key)
	}
	if _, numbered := parseNumber(j.request.ControlSet); numbered {
		return a, nil
	}
	key, err := j.hive.Key(selectName)
	if err != nil {
		return a, err
	}
	a.addWay(key)
	return a, nil
}

// addWay adds the values of a key and what leads to it.
func (a *area) addWay(key *hive.Key) {
	a.keys = append(a.keys, key.Path())
	for _, cell := range key.ValueCells() {
		a.addBin(cell)
	}
	for _, key := range key.Ancestry() {
		for _, cell := range key.Cells() {
			a.addBin(cell)
		}
	}
}

func (a *area) addBin(offset int64) {
	if start, ok := a.hive.BinAt(offset); ok {
		a.bins[start] = true
	}
}

// holds reports whether a finding lies in the area.
func (a area) holds(finding check.Finding) bool {
	start, inBin := a.hive.BinAt(finding.Offset)
	onTheWay := slices.ContainsFunc(a.keys, func(key string) bool {
		return finding.Path != "" && hasPathPrefix(key, finding.Path)
	})
	return finding.Offset < hive.BaseBlockSize || inBin && a.bins[start] || onTheWay
}

// hasPathPrefix reports whether the key at prefix is that at path or above it.
func hasPathPrefix(path, prefix string) bool {
	return len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix) &&
		(len(path) == len(prefix) || path[len(prefix)] == '\\')
}

// firstNew returns the first finding of a level that was not there before.
func (f Findings) firstNew(before Findings, level check.Level) string {
	for _, finding := range f.List {
		if finding.Level == level && !slices.Contains(before.List, finding) {
			return finding.String()
		}
	}
	return fmt.Sprintf("%d findings of level %s, %d before", f.Counts[level], level, before.Counts[level])
}
