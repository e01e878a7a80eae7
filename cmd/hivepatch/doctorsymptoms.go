package main

import (
	"fmt"
	"slices"

	"hivepatch/patch"
)

// Sizes in KB that tell whether a heap can be the cause of a complaint.
const (
	stockNoninteractive    = 768   // of every 64-bit Windows; 512 with 32 bits
	ampleNoninteractive    = 4096  // more than programs have been reported to need
	stockInteractiveLegacy = 3072  // before Windows Vista SP1, 32-bit
	stockInteractive32     = 12288 // since then
	stockInteractive64     = 20480
)

// Complaints that desktop heaps can be the cause of.
const (
	complaintStart       = "Windows stops before anybody can log on, in safe mode too, or starts over and over"
	complaintServices    = "what services and scheduled tasks start ends at once: 0xC0000142 (-1073741502), exit code 128, user32.dll cannot be initialized, error 1816 (0x80070718, not enough quota), DCOM 0x80080005 or event 10010, a web server that says service unavailable, Win32k event 243"
	complaintInteractive = "in the session of a user menus stay away, windows stay empty, or programs do not start any more: insufficient system resources"
	complaintDesktop     = "a desktop cannot be created: Win32k event 244, services that time out as they start, sessions that end at once"
)

// otherCauses stands below the complaints: none of them proves anything.
const otherCauses = "0xC0000142 has other causes too, such as DLLs of Cygwin that collide in memory, or missing rights to the window station"

// symptoms tells which complaints go with the sizes in a control set.
func (d *diagnosis) symptoms(set *patch.SetState) []symptom {
	if !set.Effective.Boots {
		why := "Windows does not get that far"
		return []symptom{
			{complaintStart, fits, set.Effective.Why},
			{complaintServices, doesNotFit, why}, {complaintInteractive, doesNotFit, why}, {complaintDesktop, doesNotFit, why},
		}
	}
	return []symptom{
		d.servicesSymptom(set), d.interactiveSymptom(set), d.desktopSymptom(set),
		{complaintStart, doesNotFit, "Windows starts with this value"},
	}
}

func (d *diagnosis) servicesSymptom(set *patch.SetState) symptom {
	size, budget := set.Effective.NoninteractiveKB, set.Budget
	room := fmt.Sprintf("%d KB for each service desktop: room for some %d to %d processes", size, budget.FewestProcesses, budget.MostProcesses)
	switch {
	case lacksThird(set) && d.isLegacy(set):
		return symptom{complaintServices, fits, fmt.Sprintf("there is no third number, so that every service desktop takes %d KB, and only %d of them fit", size, *budget.LegacyDesktops)}
	case d.isLegacy(set):
		return symptom{complaintServices, mayFit, room + fmt.Sprintf("; %d service desktops fit, and of larger ones fewer", *budget.LegacyDesktops)}
	case size <= stockNoninteractive:
		return symptom{complaintServices, fits, room}
	case size < ampleNoninteractive:
		return symptom{complaintServices, mayFit, room + "; it has been raised already"}
	}
	return symptom{complaintServices, doesNotFit, room + "; look for another cause, such as USERProcessHandleQuota"}
}

// lacksThird reports whether SharedSection has two numbers, and the third one is
// that of the second.
func lacksThird(set *patch.SetState) bool {
	return set.SharedSection != nil && set.SharedSection.NoninteractiveKB == nil
}

func (d *diagnosis) interactiveSymptom(set *patch.SetState) symptom {
	size, stock := set.Effective.InteractiveKB, uint32(stockInteractive64)
	switch {
	case d.bits() == 64:
	case d.isLegacy(set):
		stock = stockInteractiveLegacy
	case d.bits() == 32:
		stock = stockInteractive32
	}
	why := fmt.Sprintf("%d KB for the desktop of each user", size)
	switch {
	case size < stock:
		return symptom{complaintInteractive, fits, why + fmt.Sprintf(", less than the %d KB that Windows comes with", stock)}
	case size == stock:
		return symptom{complaintInteractive, mayFit, why + ", as Windows comes: with very many windows"}
	}
	return symptom{complaintInteractive, doesNotFit, why + "; it has been raised already"}
}

func (d *diagnosis) desktopSymptom(set *patch.SetState) symptom {
	budget := set.Budget
	why := fmt.Sprintf("%d KB are reserved at start-up", budget.ReservationKB)
	switch {
	case hasRule(set, "reservation-wraps", "reservation-large"):
		return symptom{complaintDesktop, fits, why + "; where that fails Windows goes on with 512 and 128 KB, less than it comes with"}
	case d.isLegacy(set):
		return symptom{complaintDesktop, mayFit, fmt.Sprintf("%d service desktops fit beside one user", *budget.LegacyDesktops)}
	}
	return symptom{complaintDesktop, doesNotFit, why + ", which this Windows has room for"}
}

func hasRule(set *patch.SetState, codes ...string) bool {
	return slices.ContainsFunc(set.Findings, func(f patch.Finding) bool { return slices.Contains(codes, f.Code) })
}
