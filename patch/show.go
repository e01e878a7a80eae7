package patch

import (
	"encoding/binary"
	"fmt"

	"hivepatch/hive"
)

// showSet describes the value in one control set.
func showSet(h *hive.Hive, set ControlSet) SetState {
	state := SetState{Name: set.Name(), Roles: append([]string{}, set.Roles...), Findings: []Finding{}}
	stored, value, err := set.value()
	if err != nil {
		state.Error = err.Error()
		return state
	}
	state.Type, state.Value = stored.Type().String(), value.Text()
	system := System{Bits: set.bits()}
	state.SharedSection = sectionState(value)
	csrss, win32k := value.CSRSS(system), value.Win32k()
	state.Effective = &EffectiveState{csrss.Boots, csrss.Why, win32k.InteractiveKB, win32k.NoninteractiveKB}
	budget := win32k.Budget(system)
	state.Budget = &BudgetState{
		ReservationKB:   budget.ReservationKB,
		FewestProcesses: budget.FewestProcesses,
		MostProcesses:   budget.MostProcesses,
		LegacyDesktops:  legacyDesktops(h, set, budget),
	}
	state.Findings = append(state.Findings, value.Lint(system)...)
	state.Findings = append(state.Findings, LintSiblings(valueNames(stored.Key()))...)
	return state
}

func sectionState(value Value) *SectionState {
	sections := value.Sections()
	if len(sections) == 0 {
		return nil
	}
	section := sections[0]
	number := func(f Field) *uint32 {
		if !f.Present {
			return nil
		}
		return &f.Number
	}
	return &SectionState{section.String(), section.A.Number, number(section.B), number(section.C)}
}

// sectionText is the SharedSection token, empty where there is none.
func (v Value) sectionText() string {
	if state := sectionState(v); state != nil {
		return state.Raw
	}
	return ""
}

func valueNames(key *hive.Key) []string {
	var names []string
	for value, err := range key.Values() {
		if err == nil {
			names = append(names, value.Name())
		}
	}
	return names
}

// legacyDesktops is how many service desktops fit in the session view space of
// a Windows before Vista, nil where the set shows no sign of one: version 1.3
// of the format for NT 4 and 2000, a value SessionViewSize for XP and 2003.
func legacyDesktops(h *hive.Hive, set ControlSet, budget Budget) *uint64 {
	_, minor := h.Version()
	size, found := sessionViewSize(set)
	if minor > 3 && !found {
		return nil
	}
	desktops := budget.Desktops(size)
	return &desktops
}

// sessionViewSize reads the size of the session view space in MB.
func sessionViewSize(set ControlSet) (uint32, bool) {
	key := set.Key
	for _, name := range []string{"Control", "Session Manager", "Memory Management"} {
		var err error
		if key, err = key.Subkey(name); err != nil {
			return 0, false
		}
	}
	value, err := key.Value("SessionViewSize")
	if err != nil || value.Type() != hive.DWord {
		return 0, false
	}
	data, err := value.Data()
	if err != nil || len(data) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(data), true
}

// disagree reports whether two control sets have different tokens.
func disagree(sets []SetState) bool {
	first := ""
	for _, set := range sets {
		if set.SharedSection == nil {
			continue
		}
		if first != "" && set.SharedSection.Raw != first {
			return true
		}
		first = set.SharedSection.Raw
	}
	return false
}

func versionText(major, minor uint32) string { return fmt.Sprintf("%d.%d", major, minor) }
