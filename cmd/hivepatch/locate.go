package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/locate"
)

const locateDescription = `Lists the registry hives in a folder: the root of a Windows volume, such as D:\
or /mnt/win, its Windows folder, or the folder config in that. Of the image of a
disk, or a block device, it lists the partitions and what is in each, and for
each hive whether it can be written in place. For each Windows
it tells the version, the name of the computer and the control sets, as the
hives themselves have them, and for each hive whether it is clean or dirty.

Names may be in any case. What an upgrade has left in Windows.old, and copies
that Windows has made, are listed, but no command takes them by itself: give the
path of one as TARGET.

No symbolic link or junction is followed out of the folder. Where a name has two
spellings, as a file system that knows upper and lower case can hold them, both
are named and none is taken.

With --hive or --user only the path of that hive is printed.

Examples:
   hivepatch locate /mnt/win
   hivepatch locate D:\ --json
   hivepatch locate disk.qcow2
   hivepatch locate /mnt/win --hive SOFTWARE
   hivepatch locate /mnt/win --user Bob --hive USRCLASS`

// locateOptions are the options of the command locate.
type locateOptions struct {
	path   string
	which  whichHive
	report reportOptions
}

func newLocateCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "locate",
		Usage:       "list the hives of a Windows volume or a disk image",
		UsageText:   "hivepatch locate TARGET [options]",
		Description: locateDescription,
		Flags:       slices.Concat(volumeFlags(), reportFlags()),
		Action: func(c *cli.Context) error {
			o, err := readLocateOptions(c)
			if err != nil {
				return err
			}
			return runLocate(env, o)
		},
	}
}

func readLocateOptions(c *cli.Context) (o locateOptions, err error) {
	switch {
	case c.NArg() == 0:
		return o, hinted(usagef("no TARGET given"), "%s, where TARGET is the root of a volume, a Windows folder or a disk image", c.Command.UsageText)
	case c.NArg() > 1:
		return o, usagef("one TARGET, not %d: %q", c.NArg(), c.Args().Slice())
	}
	if o.path = c.Args().First(); o.path == "" {
		return o, usagef("TARGET is empty")
	}
	if o.path == standardStream {
		return o, usagef("locate needs a TARGET with a path: standard input is neither folder nor image")
	}
	if o.which, err = readWhichHive(c); err != nil {
		return o, err
	}
	if o.report, err = readReportOptions(c); err != nil {
		return o, err
	}
	return o, requireVolume(o.path)
}

func runLocate(env *environment, o locateOptions) error {
	r := newReporter(env.stdout, env.stderr, o.report)
	if !isFolder(o.path) && !o.which.isGiven() {
		return locateInImage(env, r, o)
	}
	volume, err := openVolume(env, o.path, o.which)
	if err != nil {
		return err
	}
	if o.which.isGiven() {
		return o.which.locateOne(r, volume.Volume)
	}
	report := newLocateReport(env, volume)
	if len(report.Hives) == 0 && len(report.Warnings) == 0 {
		return explainLocate(&locate.NotFoundError{Volume: volume.Volume})
	}
	return tellLocate(r, report, report.Warnings, func() {
		r.line("target:      %s, %s", report.Target, layoutText(report.Layout))
		printLocate(r, report)
	})
}

// tellLocate tells what was found, as JSON or what print prints.
func tellLocate(r *reporter, report any, warnings []string, print func()) error {
	if !r.json {
		print()
	} else if err := r.object(report); err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.warnings(warnings)
	return nil
}

// locateOne prints the path of one hive.
func (w whichHive) locateOne(r *reporter, volume *locate.Volume) error {
	candidate, err := w.find(volume)
	if err != nil {
		return err
	}
	if candidate.Err != nil {
		return candidate.Err
	}
	hive := newHiveReport(volume, candidate)
	if r.json {
		if err := r.object(hive); err != nil {
			return err
		}
	}
	r.line("%s", hive.Path)
	return r.flush()
}

func printLocate(r *reporter, l *locateReport) {
	if l.ReadOnly {
		r.line("mounted:     read-only")
	}
	r.line("hibernated:  %s", hibernationText(l.Hibernation))
	inUse := func(h hiveReport) bool { return h.Origin == locate.InUse }
	for _, i := range l.Installations {
		r.line("")
		r.line("%s%s", i.Path, when(i.Leftover, " (left by an upgrade)"))
		printMachine(r, i.machineReport)
		printHives(r, l.Hives, func(h hiveReport) bool {
			return h.Installation == i.Path && (inUse(h) || h.Origin == locate.WindowsOld) && h.User == ""
		})
	}
	printGroup(r, "users", l.Hives, func(h hiveReport) bool { return h.User != "" && inUse(h) })
	printGroup(r, "start of the machine", l.Hives, func(h hiveReport) bool { return h.Kind == locate.BCD })
	printGroup(r, "copies and leftovers, which are never taken by themselves", l.Hives, func(h hiveReport) bool {
		return !inUse(h) && (h.Origin != locate.WindowsOld || h.User != "")
	})
}

func layoutText(layout locate.Layout) string {
	switch layout {
	case locate.WindowsFolder:
		return "a Windows folder"
	case locate.ConfigFolder:
		return "a folder of hives"
	}
	return "a volume"
}

func hibernationText(h *hibernationReport) string {
	switch {
	case h == nil:
		return "no"
	case h.Unclear:
		return fmt.Sprintf("UNCLEAR: %s: %s", h.Path, h.Reason)
	}
	return fmt.Sprintf("YES: %s: %s", h.Path, h.Reason)
}

func printMachine(r *reporter, m machineReport) {
	r.line("  Windows:   %s%s", m.text(), when(m.WinPE != "", ", Windows PE"))
	if role := roleText(m.Role); role != "" {
		r.line("  role:      %s", role)
	}
	if m.ComputerName != "" {
		r.line("  computer:  %s", m.ComputerName)
	}
	if len(m.ControlSets) > 0 {
		r.line("  sets:      %s", setsText(m.ControlSets))
	}
	for _, problem := range m.Problems {
		r.line("  problem:   %s", problem)
	}
}

// text is the Windows in one line.
func (m machineReport) text() string {
	switch {
	case m.Windows != "":
		return m.Windows
	case m.Bits != 0:
		return fmt.Sprintf("version not known, %d-bit", m.Bits)
	}
	return "version not known"
}

// when is a text that is there under a condition.
func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// roleText is the ProductType in words.
func roleText(role string) string {
	switch strings.ToLower(role) {
	case "winnt":
		return "workstation"
	case "servernt":
		return "server"
	case "lanmannt":
		return "domain controller"
	}
	return role
}

func setsText(sets []controlSetReport) string {
	texts := make([]string, len(sets))
	for i, set := range sets {
		texts[i] = set.Name
		if len(set.Roles) > 0 {
			texts[i] += " (" + strings.Join(set.Roles, ", ") + ")"
		}
	}
	return strings.Join(texts, ", ")
}

func printGroup(r *reporter, heading string, hives []hiveReport, in func(hiveReport) bool) {
	if slices.ContainsFunc(hives, in) {
		r.line("")
		r.line("%s", heading)
		printHives(r, hives, in)
	}
}

func printHives(r *reporter, hives []hiveReport, in func(hiveReport) bool) {
	for _, h := range hives {
		if in(h) {
			r.line("  %-12s %11d  %-6s %s%s", h.Kind, h.Size, h.stateWord(), h.Path, h.remark())
		}
	}
}

func (h hiveReport) stateWord() string {
	switch {
	case h.Problem != "":
		return "?"
	case h.Dirty != "":
		return "dirty"
	}
	return "clean"
}

// remark is what there is to say about a hive behind its path.
func (h hiveReport) remark() string {
	switch {
	case h.Problem != "":
		return ": " + strings.TrimPrefix(h.Problem, h.Path+": ")
	case h.Dirty == "":
		return when(h.WhyNotInPlace != "", ": not in place: "+h.WhyNotInPlace)
	}
	logs := "no logs"
	if len(h.Logs) > 0 {
		logs = plural(len(h.Logs), "log", "logs")
	}
	return ": " + h.Dirty + "; it has " + logs + when(h.WhyNotInPlace != "", "; not in place: "+h.WhyNotInPlace)
}
