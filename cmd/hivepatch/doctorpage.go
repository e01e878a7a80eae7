package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"hivepatch/patch"
)

// printDoctor prints the page.
func printDoctor(r *reporter, d *diagnosis) {
	d.printMachine(r)
	d.printState(r)
	d.printHeaps(r)
	d.printSymptoms(r)
	d.printNext(r)
}

func (d *diagnosis) printMachine(r *reporter) {
	r.line("MACHINE")
	if m := d.Machine; m == nil {
		r.line("  nothing is known: its hives cannot be read")
	} else {
		printMachine(r, *m)
	}
	r.line("  hive:      %s", d.HivePath)
}

// printState prints whether the hive can be worked on.
func (d *diagnosis) printState(r *reporter) {
	r.line("")
	r.line("STATE")
	if d.Machine != nil && d.Machine.WinPE != "" {
		d.bad(r, "this is a Windows PE and not the Windows of the machine: %s", d.Machine.WinPE)
	}
	switch {
	case d.Hibernation != nil:
		d.bad(r, "%s", hibernationState(d.Hibernation))
	case d.inWindows:
		d.ok(r, "Windows is shut down, not hibernated")
	}
	if d.ReadOnly {
		d.bad(r, "the volume is mounted read-only")
	}
	if d.VolumeDirty != "" {
		d.bad(r, "the volume is not cleanly shut down: %s", d.VolumeDirty)
	}
	if d.WhyNotInPlace != "" {
		d.bad(r, "the hive cannot be written in place: %s", d.WhyNotInPlace)
	}
	if d.Findings == nil {
		d.bad(r, "the hive cannot be read: %s", d.Failure)
		return
	}
	d.printSoundness(r)
}

func (d *diagnosis) printSoundness(r *reporter) {
	switch {
	case d.Dirty == "":
		d.ok(r, "the hive is clean")
	case d.half:
		d.bad(r, "%s", d.Unrecovered)
	case d.Unrecovered != "":
		d.bad(r, "the hive is dirty, and its logs do not make it whole: %s", d.Unrecovered)
	default:
		d.ok(r, "the hive is dirty, but its logs make it whole, and every command applies them (%s)", d.Dirty)
	}
	switch f := d.Findings; {
	case f.Fatal > 0:
		d.bad(r, "the hive is damaged: %s because of which Windows refuses it or loses data", plural(f.Fatal, "finding", "findings"))
	case f.Limited > 0:
		d.ok(r, "the hive has %s that Windows heals or that do little harm", plural(f.Limited, "fault", "faults"))
	default:
		d.ok(r, "the hive is sound")
	}
}

func (d *diagnosis) ok(r *reporter, format string, args ...any) {
	printWrapped(r, "  ok   ", fmt.Sprintf(format, args...))
}

func (d *diagnosis) bad(r *reporter, format string, args ...any) {
	printWrapped(r, "  BAD  ", fmt.Sprintf(format, args...))
}

func hibernationState(h *hibernationReport) string {
	if h.Unclear {
		return fmt.Sprintf("it cannot be told whether Windows is hibernated: %s: %s", h.Path, h.Reason)
	}
	return fmt.Sprintf("Windows is hibernated or was shut down with Fast Startup (%s: %s)", h.Path, h.Reason)
}

func (d *diagnosis) printHeaps(r *reporter) {
	if d.Hive == nil {
		return
	}
	r.line("")
	r.line("DESKTOP HEAPS")
	if len(d.ControlSets) == 0 {
		r.line("  no control set: this is not the SYSTEM hive of a Windows")
	}
	for i := range d.ControlSets {
		if set := &d.ControlSets[i]; len(set.Roles) > 0 || len(d.ControlSets) == 1 {
			d.printHeapsOf(r, set)
		}
	}
}

func (d *diagnosis) printHeapsOf(r *reporter, set *patch.SetState) {
	heading := setsText([]controlSetReport{{set.Name, set.Roles}})
	switch {
	case set.Error != "":
		r.line("  %s: %s", heading, set.Error)
		return
	case set.SharedSection == nil:
		r.line("  %s: no SharedSection", heading)
	default:
		r.line("  %s: %s", heading, set.SharedSection.Raw)
	}
	if set.Effective.Boots {
		r.line("    Windows starts, with heaps of %d KB for users and %d KB for services", set.Effective.InteractiveKB, set.Effective.NoninteractiveKB)
		printWrapped(r, "    ", d.roomText(set))
	} else {
		printWrapped(r, "    Windows DOES NOT START: ", set.Effective.Why)
	}
	for _, finding := range set.Findings {
		if finding.Severity != patch.SeverityInfo {
			printWrapped(r, fmt.Sprintf("    %s: ", finding.Severity), fmt.Sprintf("%s (%s)", finding.Message, finding.Source))
		}
	}
}

// roomText says what the heaps are good for.
func (d *diagnosis) roomText(set *patch.SetState) string {
	text := fmt.Sprintf("room for some %d to %d processes on a service desktop", set.Budget.FewestProcesses, set.Budget.MostProcesses)
	if d.isLegacy(set) {
		text += fmt.Sprintf("; %d service desktops fit", *set.Budget.LegacyDesktops)
	}
	return text
}

func (d *diagnosis) printSymptoms(r *reporter) {
	if len(d.Symptoms) == 0 {
		return
	}
	r.line("")
	r.line("COMPLAINTS")
	for _, s := range d.Symptoms {
		printWrapped(r, fmt.Sprintf("  %-14s", s.Fit), s.Complaint)
		printWrapped(r, "                -> ", s.Why)
	}
	printWrapped(r, "  ", otherCauses)
}

func (d *diagnosis) printNext(r *reporter) {
	if len(d.Warnings) > 0 {
		r.line("")
		r.line("WARNINGS")
	}
	for _, warning := range d.Warnings {
		printWrapped(r, "  ", warning)
	}
	r.line("")
	r.line("WHAT TO DO NEXT")
	for i, s := range d.Next {
		printWrapped(r, fmt.Sprintf("  %d. ", i+1), s.What)
		if s.Command != "" {
			r.line("       %s", s.Command)
		}
	}
}

// pageWidth is the width of a console.
const pageWidth = 80

// printWrapped prints a text in lines that fit on a console, below each other
// behind what the first begins with.
func printWrapped(r *reporter, begin, text string) {
	line, indent := begin, strings.Repeat(" ", len(begin))
	empty := true
	for word := range strings.SplitSeq(text, " ") {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > pageWidth {
			r.line("%s", line)
			line, empty = indent, true
		}
		line += when(!empty, " ") + word
		empty = false
	}
	r.line("%s", line)
}
