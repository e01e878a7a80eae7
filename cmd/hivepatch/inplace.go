package main

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// placement is how a hive is replaced where it lies, and what became of it.
type placement struct {
	options hivefile.InPlaceOptions
	wait    time.Duration
	hive    hivefile.Place // that is locked
	placed  *hivefile.Placed
}

// placeFlags are the flags of the commands that can replace what they read.
func placeFlags() []cli.Flag {
	return []cli.Flag{
		boolFlag(headingOutput, "in-place", "put the new hive in place of TARGET; the old one stays beside it as TARGET.<time>.bak, but for one in an image"),
		stringFlag(headingOutput, "backup", "with --in-place, keep the old hive as `FILE`"),
		boolFlag(headingOutput, "no-backup", "with --in-place, do not keep the old hive"),
		boolFlag(headingOutput, "clean-logs", "with --in-place, empty the transaction logs beside the hive once it is safe"),
		waitFlag(),
	}
}

// howToWrite says which flags of the command make it write.
func howToWrite(c *cli.Context) string {
	const others = "-o FILE writes the new hive, --dry-run shows what would change"
	if findFlag(c.Command.Flags, "in-place") == nil {
		return others
	}
	return "--in-place replaces TARGET and keeps a backup, " + others
}

// readPlace reads the flags of placeFlags. It returns nil without --in-place.
func readPlace(c *cli.Context) (*placement, error) {
	p := &placement{options: hivefile.InPlaceOptions{
		Backup: c.String("backup"), NoBackup: c.Bool("no-backup"), CleanLogs: c.Bool("clean-logs"),
	}}
	if !c.Bool("in-place") {
		for _, name := range []string{"backup", "no-backup", "clean-logs", "wait"} {
			if c.IsSet(name) {
				return nil, usagef("--%s goes with --in-place only", name)
			}
		}
		return nil, nil
	}
	if p.options.Backup != "" && p.options.NoBackup {
		return nil, usagef("--backup and --no-backup exclude each other")
	}
	var err error
	p.wait, err = readWait(c)
	return p, err
}

// another returns the same for another hive, and nil for nil.
func (p *placement) another() *placement {
	if p == nil {
		return nil
	}
	other := *p
	other.placed = nil
	return &other
}

// lock keeps other copies of the program from the hive, from before it is read
// until it is in place.
func (p *placement) lock(env *environment, hive hivefile.Place) error {
	if err := p.options.RequirePlace(hive); err != nil {
		return explainDenied(err, "-o FILE writes the new hive elsewhere")
	}
	p.hive = hive
	return interrupted(hive.Lock(env.untilInterrupted(), p.wait))
}

// save puts the hive in place.
func (p *placement) save(env *environment, r *reporter, file *hivefile.File) (err error) {
	r.note("putting %d bytes in place of %s", len(file.Hive.Bytes()), file.Name())
	options := p.options
	options.Time = env.now()
	err = env.whole(file.Name(), func(ctx context.Context) error {
		p.placed, err = p.hive.Save(ctx, file, options)
		return err
	})
	if errors.Is(err, hivefile.ErrExists) {
		return hinted(err, "no backup is ever replaced: name another one with --backup")
	}
	return err
}

// tell says in a report what became of the hive.
func (p *placement) tell(outcome *edit.Outcome) {
	placed := p.placed
	outcome.Output = &placed.Path
	outcome.InPlace = &edit.InPlace{
		Way: string(placed.Way), WhyPages: placed.WhyPages, Backup: placed.Backup,
		KeptLogs: append([]string{}, placed.KeptLogs...), CleanedLogs: append([]string{}, placed.CleanedLogs...),
	}
	outcome.Warnings = append(outcome.Warnings, placed.Warnings...)
}

// printPlace prints where the new hive and the old one are, and which logs were
// emptied, which can be all that was done.
func printPlace(r *reporter, output string, place *edit.InPlace) {
	switch place.Way {
	case string(hivefile.WayNone):
		r.line("output:     none, %s is as it should be and was not touched", output)
	case string(hivefile.WayImage):
		r.line("output:     %s, in the image", output)
	default:
		r.line("output:     %s, in place", output)
	}
	if place.WhyPages != "" {
		r.line("written:    page by page into the file: %s", place.WhyPages)
	}
	if place.Backup != "" {
		r.line("backup:     %s", place.Backup)
	}
	printPaths(r, "            %s", place.KeptLogs)
	printPaths(r, "emptied:    %s", place.CleanedLogs)
}
