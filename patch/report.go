package patch

import (
	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// Report is what Apply did. Its JSON form is a contract with scripts.
type Report struct {
	edit.Outcome
	ControlSets []SetChange `json:"control_sets"`
}

// SetChange is the SharedSection token of a control set before and after.
type SetChange struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// HiveState is the state of a hive on disk.
type HiveState struct {
	Path            string `json:"path"` // "-" for standard input
	Size            int64  `json:"size"` // bytes
	Version         string `json:"version"`
	Sequence1       uint32 `json:"sequence1"`
	Sequence2       uint32 `json:"sequence2"`
	Clean           bool   `json:"clean"`
	ReplayedEntries int    `json:"replayed_entries"`
}

// SelectState has the numbers of the Select key, nil for one that is missing
// or no REG_DWORD.
type SelectState struct {
	Current       *uint32 `json:"current"`
	Default       *uint32 `json:"default"`
	Failed        *uint32 `json:"failed"`
	LastKnownGood *uint32 `json:"last_known_good"`
}

// SectionState is the SharedSection token as csrss finds it.
type SectionState struct {
	Raw              string  `json:"raw"`
	SharedKB         uint32  `json:"shared_kb"`
	InteractiveKB    *uint32 `json:"interactive_kb"`    // nil when absent
	NoninteractiveKB *uint32 `json:"noninteractive_kb"` // nil when absent
}

// EffectiveState is what Windows makes of the value.
type EffectiveState struct {
	Boots            bool   `json:"boots"`
	Why              string `json:"why,omitempty"` // what stops it
	InteractiveKB    uint32 `json:"interactive_kb"`
	NoninteractiveKB uint32 `json:"noninteractive_kb"`
}

// BudgetState is what the heap sizes cost, see Budget.
type BudgetState struct {
	ReservationKB   uint64  `json:"reservation_kb"`
	FewestProcesses uint32  `json:"fewest_processes"` // on one non-interactive desktop
	MostProcesses   uint32  `json:"most_processes"`
	LegacyDesktops  *uint64 `json:"legacy_desktops"` // that fit before Windows Vista; nil where that does not apply
}

// SetState is a control set with its value.
type SetState struct {
	Name          string          `json:"name"`
	Roles         []string        `json:"roles"`
	Type          string          `json:"type"`  // "" when there is no value
	Value         string          `json:"value"` // text up to the first NUL
	SharedSection *SectionState   `json:"shared_section"`
	Effective     *EffectiveState `json:"effective"`
	Budget        *BudgetState    `json:"budget"`
	Findings      []Finding       `json:"findings"`
	Error         string          `json:"error,omitempty"` // why there is no value
}

// LogState is a transaction log found beside a hive.
type LogState struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"` // bytes
	Format  string `json:"format"`
	Entries int    `json:"entries"`
	First   uint32 `json:"first"`
	Last    uint32 `json:"last"`
	Problem string `json:"problem,omitempty"`
}

// Overview is what Show found. Its JSON form is a contract with scripts.
type Overview struct {
	Hive        HiveState    `json:"hive"`
	Logs        []LogState   `json:"logs"`
	Select      *SelectState `json:"select"` // nil where the hive has none
	ControlSets []SetState   `json:"control_sets"`
	Warnings    []string     `json:"warnings"`
}

// Show tells what a hive holds about SharedSection, without a judgement of
// whether it can be patched.
func Show(file *hivefile.File) (*Overview, error) {
	o := &Overview{
		Hive:        hiveState(file),
		Logs:        logStates(file),
		ControlSets: []SetState{},
		Warnings:    []string{},
	}
	if file.Unrecovered != nil {
		o.Warnings = append(o.Warnings, "the hive is shown as it stands, without recovery: "+file.Unrecovered.Error())
	}
	sets, err := ReadControlSets(file.Hive)
	if err != nil {
		return nil, err
	}
	if sets.SelectErr != nil {
		o.Warnings = append(o.Warnings, "Select: "+sets.SelectErr.Error())
	} else {
		o.Select = selectState(sets.Select)
	}
	if _, err := sets.Choose(SelectActive); err != nil && sets.SelectErr == nil {
		o.Warnings = append(o.Warnings, err.Error())
	}
	o.Warnings = append(o.Warnings, sets.Warnings...)
	for _, set := range sets.Sets {
		o.ControlSets = append(o.ControlSets, showSet(file.Hive, set))
	}
	if disagree(o.ControlSets) {
		o.Warnings = append(o.Warnings, "the control sets do not have the same SharedSection")
	}
	return o, nil
}

func hiveState(file *hivefile.File) HiveState {
	major, minor := file.Hive.Version()
	return HiveState{
		Path: file.Name(), Size: file.Size, Version: versionText(major, minor),
		Sequence1: file.Sequence1, Sequence2: file.Sequence2,
		Clean: file.Dirty == "", ReplayedEntries: file.Replayed,
	}
}

func logStates(file *hivefile.File) []LogState {
	states := []LogState{}
	for _, log := range file.Logs {
		states = append(states, LogState{log.Name, log.Size, log.Format.String(), log.Entries, log.First, log.Last, log.Problem})
	}
	return states
}

func selectState(s *hive.Select) *SelectState {
	number := func(n hive.Number) *uint32 {
		if n.Err != nil {
			return nil
		}
		return &n.Value
	}
	return &SelectState{number(s.Current), number(s.Default), number(s.Failed), number(s.LastKnownGood)}
}
