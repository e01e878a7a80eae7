package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/diskimage"
)

const rollbackDescription = `Undoes a write to the image of a disk that was interrupted, because the program
or the machine died: the bytes that were there before are put back from the
journal IMAGE.hivepatch-journal, and the journal is removed. A write that turns
out to be complete stays. Every other command that takes an image does this by
itself first, unless it is told not to with --no-rollback.

A journal that does not belong to the image, or is damaged, is refused, and so
is an image that somebody has written to since in the places of the journal.

Examples:
   hivepatch rollback disk.img
   hivepatch rollback /dev/sdb --journal sdb.journal`

// rollbackOptions are the options of the command rollback.
type rollbackOptions struct {
	path   string
	image  imageOptions
	report reportOptions
}

func newRollbackCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "rollback",
		Usage:       "undo a write to a disk image that was interrupted",
		UsageText:   "hivepatch rollback IMAGE [options]",
		Description: rollbackDescription,
		Flags: slices.Concat(imageFileFlags(), []cli.Flag{
			boolFlag(headingInput, "force", "put the old bytes back too where others than hivepatch have written since"),
			waitFlag(),
		}, reportFlags()),
		Action: func(c *cli.Context) error {
			o, err := readRollbackOptions(c)
			if err != nil {
				return err
			}
			return runRollback(env, o)
		},
	}
}

func readRollbackOptions(c *cli.Context) (o rollbackOptions, err error) {
	switch {
	case c.NArg() == 0:
		return o, hinted(usagef("no IMAGE given"), "%s", c.Command.UsageText)
	case c.NArg() > 1:
		return o, usagef("one IMAGE, not %d: %q", c.NArg(), c.Args().Slice())
	}
	if o.path = c.Args().First(); o.path == "" {
		return o, usagef("IMAGE is empty")
	}
	if o.image, err = readImageOptions(c); err != nil {
		return o, err
	}
	o.image.force = c.Bool("force")
	o.report, err = readReportOptions(c)
	return o, err
}

// rollbackReport is what rollback tells; its JSON form is a contract with scripts.
type rollbackReport struct {
	Image   string            `json:"image"`
	Journal string            `json:"journal"` // "" for a device without one
	Outcome diskimage.Outcome `json:"outcome"` // "none", "untouched", "rolled-back" or "complete"
	Hive    string            `json:"hive"`    // "" where there was no journal, or none that was finished
	Bytes   int64             `json:"bytes"`   // that were put back
	SHA256  string            `json:"sha256"`  // of the hive as it is now, "" where it is not known
}

// outcomeNone is the outcome where there is no journal.
const outcomeNone diskimage.Outcome = "none"

func runRollback(env *environment, o rollbackOptions) error {
	access, err := o.image.access(env, o.path)
	if err != nil {
		return err
	}
	report := &rollbackReport{Image: o.path, Journal: access.Journal, Outcome: outcomeNone}
	if done := access.RolledBack; done != nil {
		report.Outcome, report.Hive, report.Bytes = done.Outcome, done.Name, done.Bytes
		switch {
		case done.Name == "":
		case done.Outcome == diskimage.OutcomeComplete:
			report.SHA256 = fmt.Sprintf("%x", done.New)
		default:
			report.SHA256 = fmt.Sprintf("%x", done.Old)
		}
	}
	r := newReporter(env.stdout, env.stderr, o.report)
	if r.json {
		err = r.object(report)
	} else {
		report.print(r, access.RolledBack)
	}
	if err != nil {
		return err
	}
	return r.flush()
}

func (b *rollbackReport) print(r *reporter, done *diskimage.RolledBack) {
	if done == nil {
		r.line("nothing to roll back: there is no journal of %s", b.Image)
		return
	}
	r.line("%s", rolledBackText(b.Image, done))
	if b.SHA256 != "" {
		r.line("sha256:     %s", b.SHA256)
	}
	if b.Bytes > 0 {
		r.line("put back:   %d bytes", b.Bytes)
	}
}
