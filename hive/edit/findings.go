package edit

import (
	"fmt"
	"slices"

	"hivepatch/hive/check"
)

// keptFindings is the number of findings of each level that are kept with
// their text. A hive can have millions.
const keptFindings = 100

// Findings is what a check found.
type Findings struct {
	List   []check.Finding     // the first ones of each level, in the order found
	Counts map[check.Level]int // all of them

	kinds map[kind]int
}

// kind is what findings of one rule have in common wherever they lie.
type kind struct {
	level check.Level
	code  string
}

func newFindings() Findings {
	return Findings{Counts: map[check.Level]int{}, kinds: map[kind]int{}}
}

// add counts a finding and keeps it where it is one of the first of its level.
func (f *Findings) add(finding check.Finding) {
	f.Counts[finding.Level]++
	f.kinds[kind{finding.Level, finding.Code}]++
	if f.Counts[finding.Level] <= keptFindings {
		f.List = append(f.List, finding)
	}
}

// Grave returns the findings of levels F and L that were kept.
func (f Findings) Grave() []check.Finding {
	var grave []check.Finding
	for _, finding := range f.List {
		if finding.Level == check.Fatal || finding.Level == check.Limited {
			grave = append(grave, finding)
		}
	}
	return grave
}

// grave is the number of findings that Windows would lose data over.
func (f Findings) grave() int { return f.Counts[check.Fatal] }

// graver describes the first finding of level F or L of which there was less
// before, or returns "". Findings are counted by their rule: where they lie moves
// with what is edited.
func (f Findings) graver(before Findings) string {
	for _, level := range []check.Level{check.Fatal, check.Limited} {
		for _, finding := range f.List {
			own := kind{finding.Level, finding.Code}
			if own.level == level && f.kinds[own] > before.kinds[own] && !slices.Contains(before.List, finding) {
				return finding.String()
			}
		}
		for own, count := range f.kinds {
			if own.level == level && count > before.kinds[own] {
				return fmt.Sprintf("%d findings %s %s, %d before", count, level, own.code, before.kinds[own])
			}
		}
	}
	return ""
}

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
