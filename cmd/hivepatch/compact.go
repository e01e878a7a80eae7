package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

const compactDescription = `Writes a fresh hive with the same keys and values and without free space. They lie
in the order in which Windows puts them when it reorganises a hive, so that what
is read together lies together. Names, classes, values, times, flags, security
descriptors and the fields of the base block are kept. The new hive is read back
and its content compared with the old one, all of it, before it is saved.

A dirty hive is recovered from its logs first. A hive that is compact already is
copied as it is. Damage is not repaired: a damaged hive is refused.

Examples:
   hivepatch compact SYSTEM -o SYSTEM.compact
   hivepatch compact NTUSER.DAT --dry-run`

func newCompactCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "compact",
		Usage:       "write a hive anew, without free space",
		UsageText:   "hivepatch compact TARGET -o FILE [options]",
		Description: compactDescription,
		Flags: slices.Concat(writingVolumeFlags(), []cli.Flag{
			logFlag(),
			ignoreLogsFlag("take a dirty hive as it stands; what its logs hold is lost"),
		}, outputFlags(), placeFlags(), reportFlags()),
		Action: func(c *cli.Context) error {
			options, err := readWhole(env, c)
			if err != nil {
				return err
			}
			return runCompact(env, options)
		},
	}
}

// compactReport is what compact tells; its JSON form is a contract with scripts.
type compactReport struct {
	*edit.Outcome
	SavedBytes int64 `json:"saved_bytes"` // by which the file is shorter
}

func runCompact(env *environment, o editingOptions) error {
	r, p := o.start(env)
	defer p.end()
	// Text tells the digest of the new hive, which has no byte of the old one. That
	// of the old one would take longer than reading it.
	o.target.noDigest = !o.report.json && env.receipts == nil && o.output.place == nil
	file, err := o.load(env, r, p)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere, --ignore-logs takes the hive as it stands")
	}
	p.step("compacting " + o.target.name())
	outcome, err := compact(file, o.request)
	if err != nil {
		return hintAtSalvage(o.target.wrap(err))
	}
	p.end()
	report := compactReport{outcome, outcome.SizeBefore - outcome.SizeAfter}
	return o.output.deliver(env, r, file, outcome, report, func() { printCompact(r, report) })
}

// errCompact ends the work on a hive in which there is nothing to do.
var errCompact = errors.New("the hive is compact already")

// compact makes file.Hive compact and proves that its content is the same.
func compact(file *hivefile.File, request edit.Request) (*edit.Outcome, error) {
	before := file.Hive
	outcome, err := edit.Rebuild(file, request, func(d *edit.Draft) (*hive.Hive, error) {
		after, err := before.Compact(d.Time)
		if err != nil {
			return nil, err
		}
		if !before.Modified() && bytes.Equal(before.Bytes(), after.Bytes()) {
			return nil, errCompact
		}
		d.Verify("same content", before.SameContent)
		return after, nil
	})
	if errors.Is(err, errCompact) {
		if file.SHA256 == [sha256.Size]byte{} {
			file.SHA256 = sha256.Sum256(before.Bytes()) // the old hive is the new one
		}
		return edit.Apply(file, request, func(*edit.Draft) error { return nil })
	}
	return outcome, err
}

// hintAtSalvage says what to do with a hive that is too damaged to be edited.
func hintAtSalvage(err error) error {
	damaged, isDamaged := errors.AsType[*edit.DamageError](err)
	if isDamaged {
		damaged.Override = ""
	}
	if isDamaged || errors.Is(err, hive.ErrCorrupt) {
		return hinted(err, "hivepatch salvage makes a sound hive of what can still be read")
	}
	return err
}

func printCompact(r *reporter, report compactReport) {
	switch {
	case !report.Changed:
		r.line("nothing to do: the hive is compact")
	case report.SavedBytes > 0:
		r.line("compact:    %d bytes less, %.1f %%", report.SavedBytes, 100*float64(report.SavedBytes)/float64(report.SizeBefore))
	default:
		r.line("compact:    the hive was full; its keys have moved")
	}
	printOutcome(r, report.Outcome)
}
