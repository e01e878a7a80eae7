package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive/locate"
	"hivepatch/patch/policy"
)

// comparedHive is a hive and how it differs from a policy, in JSON a contract
// with scripts.
type comparedHive struct {
	Hive        locate.Kind      `json:"hive"`
	User        string           `json:"user,omitempty"`
	Target      string           `json:"target"`
	Differences []differenceJSON `json:"differences"` // before it was applied
}

// differenceJSON is a difference. Is and Want are values as in valueJSON, tokens
// of SharedSection, or null.
type differenceJSON struct {
	What   string     `json:"what"`
	Line   int        `json:"line"` // of the policy
	Column int        `json:"column"`
	Key    wtfString  `json:"key"`
	Value  *wtfString `json:"value,omitempty"`
	Is     any        `json:"is"`
	Want   any        `json:"want"`
	Mended []string   `json:"mended,omitempty"`  // by repair
	Error  string     `json:"problem,omitempty"` // why it cannot be done

	difference policy.Difference
}

func (c *comparedHive) name() string {
	if c.User == "" {
		return string(c.Hive)
	}
	return fmt.Sprintf("%s of %s", c.Hive, c.User)
}

// differences takes over what a plan found, in the order of the policy.
func (c *comparedHive) differences(plan *policy.Plan) {
	c.Differences = []differenceJSON{}
	for _, d := range plan.Differences {
		c.Differences = append(c.Differences, newDifferenceJSON(d))
	}
	slices.SortStableFunc(c.Differences, func(a, b differenceJSON) int { return cmp.Compare(a.Line, b.Line) })
}

func newDifferenceJSON(d policy.Difference) differenceJSON {
	j := differenceJSON{What: d.What, Line: d.Line, Column: d.Column, Key: wtfString(d.Key), difference: d}
	if isKey := d.What == policy.KeyIsMissing || d.What == policy.KeyIsPresent; isKey {
		return j
	}
	name := wtfString(d.Value)
	j.Value = &name
	if d.Is != nil {
		j.Is = reportedValue(d.Value, d.Is.Type, d.Is.Data)
	}
	if d.Want != nil {
		j.Want = reportedValue(d.Value, d.Want.Type, d.Want.Data)
	}
	if d.Heap != nil {
		j.Mended, j.Error = d.Heap.Mended, d.Heap.Problem
		if d.Heap.Problem == "" {
			j.Is, j.Want = d.Heap.Is, d.Heap.Want
		}
	}
	return j
}

// place is where the difference is, for people.
func (j differenceJSON) place() string {
	path := printablePath(j.difference.Key)
	if j.Value == nil {
		return "key " + path
	}
	return fmt.Sprintf("%s, value %s", path, printableValueName(j.difference.Value))
}

// done says what was done about the difference.
func (j differenceJSON) done() string {
	switch d := j.difference; d.What {
	case policy.KeyIsMissing:
		return "created:    " + j.place()
	case policy.KeyIsPresent:
		return "deleted:    " + j.place()
	case policy.ValueIsPresent:
		return fmt.Sprintf("deleted:    %s: %s", j.place(), shownPolicyData(d.Is))
	case policy.ValueIsMissing:
		return fmt.Sprintf("created:    %s: %s", j.place(), shownPolicyData(d.Want))
	case policy.ValueDiffers:
		return fmt.Sprintf("changed:    %s: %s -> %s", j.place(), shownPolicyData(d.Is), shownPolicyData(d.Want))
	}
	return fmt.Sprintf("changed:    %s: %s", j.place(), j.heap("%s -> %s"))
}

// found says what differs.
func (j differenceJSON) found() string {
	var what string
	switch d := j.difference; d.What {
	case policy.KeyIsMissing:
		what = "is missing"
	case policy.KeyIsPresent:
		what = "is there"
	case policy.ValueIsPresent:
		what = fmt.Sprintf("is %s, want none", shownPolicyData(d.Is))
	case policy.ValueIsMissing:
		what = fmt.Sprintf("is missing, want %s", shownPolicyData(d.Want))
	case policy.ValueDiffers:
		what = fmt.Sprintf("is %s, want %s", shownPolicyData(d.Is), shownPolicyData(d.Want))
	default:
		what = j.heap("is %s, want %s")
	}
	return fmt.Sprintf("line %d: %s: %s", j.Line, j.place(), what)
}

// heap tells what is and what is wanted of SharedSection, by a format for both.
func (j differenceJSON) heap(format string) string {
	h := j.difference.Heap
	if h.Problem != "" {
		return h.Problem
	}
	text := fmt.Sprintf(format, h.Is, h.Want)
	if len(h.Mended) > 0 {
		text += "; mended: " + strings.Join(h.Mended, "; ")
	}
	return text
}

func shownPolicyData(data *policy.Data) string {
	if shown := shownData(data.Type, data.Data); !strings.HasSuffix(shown, " ") {
		return shown
	}
	return typeName(data.Type) + ` ""`
}
