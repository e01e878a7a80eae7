package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/hivefile"
	"hivepatch/patch"
)

const showDescription = `Shows what a SYSTEM hive holds about the desktop heaps: its state and logs, the
control sets that Select names, and for each of them SharedSection, what Windows
makes of it and what is wrong with it. A dirty hive is shown as it is after its
recovery, where that is possible.

Examples:
   hivepatch show SYSTEM
   hivepatch show --json /mnt/Windows/System32/config/SYSTEM`

// showOptions are the options of the command show.
type showOptions struct {
	target targetOptions
	report reportOptions
}

func newShowCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show the desktop heap sizes in a SYSTEM hive",
		UsageText:   "hivepatch show TARGET [options]",
		Description: showDescription,
		Flags:       slices.Concat(volumeFlags(), []cli.Flag{logFlag(), ignoreLogsFlag("show a dirty hive as it stands")}, reportFlags()),
		Action: func(c *cli.Context) error {
			var o showOptions
			var err error
			if o.target, err = readTarget(env, c); err != nil {
				return err
			}
			if o.report, err = readReportOptions(c); err != nil {
				return err
			}
			return runShow(env, o)
		},
	}
}

func runShow(env *environment, o showOptions) error {
	r := newReporter(env.stdout, env.stderr, o.report)
	file, err := o.target.look(env)
	if err != nil {
		return err
	}
	if !o.report.quiet {
		if err := refuseInput(env, file); err != nil {
			return err
		}
	}
	tellLoad(r, file)
	overview, err := patch.Show(file)
	if err != nil {
		return o.target.wrap(err)
	}
	if r.json {
		err = r.object(overview)
	} else {
		printOverview(r, file, overview)
	}
	if err != nil {
		return err
	}
	return r.flush()
}

func printOverview(r *reporter, file *hivefile.File, o *patch.Overview) {
	r.line("hive:      %s, %d bytes, version %s", o.Hive.Path, o.Hive.Size, o.Hive.Version)
	r.line("state:     %s", stateText(file, o.Hive))
	if len(o.Logs) == 0 {
		r.line("logs:      none")
	}
	for i, log := range o.Logs {
		r.line("%-10s %s", first(i == 0, "logs:"), logText(log))
	}
	r.line("Select:    %s", selectText(o.Select))
	if len(o.ControlSets) == 0 {
		r.line("")
		r.line("no control set: this is not the SYSTEM hive of a Windows")
	}
	for _, set := range o.ControlSets {
		printSet(r, set)
	}
	if len(o.Warnings) > 0 {
		r.line("")
	}
	for _, warning := range o.Warnings {
		r.line("warning:   %s", warning)
	}
}

// first is the heading of the first line of several.
func first(is bool, heading string) string {
	if is {
		return heading
	}
	return ""
}

func stateText(file *hivefile.File, h patch.HiveState) string {
	switch {
	case h.Clean:
		return fmt.Sprintf("clean, sequence number %d", h.Sequence1)
	case file.Unrecovered != nil:
		return "DIRTY and not recovered: " + file.Dirty
	}
	return fmt.Sprintf("dirty: %s; shown with %s from the logs applied", file.Dirty, plural(h.ReplayedEntries, "entry", "entries"))
}

func logText(log patch.LogState) string {
	switch {
	case log.Size == 0:
		return log.Path + ", empty"
	case log.Problem != "":
		return fmt.Sprintf("%s, %d bytes, not valid: %s", log.Path, log.Size, log.Problem)
	case log.Entries == 0:
		return fmt.Sprintf("%s, %d bytes, no entries", log.Path, log.Size)
	}
	return fmt.Sprintf("%s, %d bytes, %s: %d to %d", log.Path, log.Size, plural(log.Entries, "entry", "entries"), log.First, log.Last)
}

func selectText(s *patch.SelectState) string {
	if s == nil {
		return "cannot be read"
	}
	number := func(n *uint32) string {
		if n == nil {
			return "cannot be read"
		}
		return fmt.Sprint(*n)
	}
	return fmt.Sprintf("Current %s, Default %s, Failed %s, LastKnownGood %s",
		number(s.Current), number(s.Default), number(s.Failed), number(s.LastKnownGood))
}

func printSet(r *reporter, set patch.SetState) {
	r.line("")
	roles := "not in use"
	if len(set.Roles) > 0 {
		roles = strings.Join(set.Roles, ", ")
	}
	r.line("%s (%s)", set.Name, roles)
	if set.Error != "" {
		r.line("  error:   %s", set.Error)
		return
	}
	if set.SharedSection != nil {
		r.line("  token:   %s", set.SharedSection.Raw)
	} else {
		r.line("  token:   none")
	}
	if set.Effective.Boots {
		r.line("  Windows: starts, with heaps of %d KB (interactive) and %d KB (non-interactive)",
			set.Effective.InteractiveKB, set.Effective.NoninteractiveKB)
		r.line("  budget:  %s", budgetText(set.Budget))
	} else {
		r.line("  Windows: DOES NOT START: %s", set.Effective.Why)
	}
	r.line("  value:   %s %s", set.Type, set.Value)
	for _, finding := range set.Findings {
		r.line("  %-8s %s (%s)", finding.Severity.String()+":", finding.Message, finding.Source)
	}
}

func budgetText(b *patch.BudgetState) string {
	text := fmt.Sprintf("%d KB reserved at start-up; room for some %d to %d processes on a service desktop",
		b.ReservationKB, b.FewestProcesses, b.MostProcesses)
	if b.LegacyDesktops != nil {
		text += fmt.Sprintf("; %d service desktops fit before Windows Vista", *b.LegacyDesktops)
	}
	return text
}
