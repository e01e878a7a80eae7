package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

const recoverDescription = `Makes a clean hive of a dirty one: what Windows had written to the transaction
logs only is put into it, nothing else. The new hive gets sequence numbers above
those of the logs, so that they can never be applied to it. A clean hive is
copied as it is.

A hive whose logs are missing, torn or do not belong to it is refused, and so is
one that breaks rules of level F after its recovery, unless --allow-damage is
given.

Examples:
   hivepatch recover SYSTEM -o SYSTEM.clean
   hivepatch recover SYSTEM --log old/SYSTEM.LOG1 --log old/SYSTEM.LOG2 --dry-run`

// recoverOptions are the options of the command recover.
type recoverOptions struct {
	target  targetOptions
	output  outputOptions
	report  reportOptions
	request edit.Request
}

func newRecoverCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "recover",
		Usage:       "make a clean hive of a dirty one and its logs",
		UsageText:   "hivepatch recover TARGET -o FILE [options]",
		Description: recoverDescription,
		Flags: slices.Concat(writingVolumeFlags(), []cli.Flag{
			logFlag(),
			boolFlag(headingInput, "allow-damage", "go on with a damaged hive; the damage stays"),
		}, outputFlags(), placeFlags(), reportFlags()),
		Action: func(c *cli.Context) error {
			options, err := readRecoverOptions(env, c)
			if err != nil {
				return err
			}
			return runRecover(env, options)
		},
	}
}

func readRecoverOptions(env *environment, c *cli.Context) (o recoverOptions, err error) {
	if o.target, err = readTarget(env, c); err != nil {
		return o, err
	}
	if o.output, err = readOutput(c); err != nil {
		return o, err
	}
	o.target.place = o.output.place
	if o.report, err = readReportOptions(c); err != nil {
		return o, err
	}
	o.request.AllowDamage = c.Bool("allow-damage")
	o.request.Time, err = readTime(env, c)
	return o, err
}

func runRecover(env *environment, o recoverOptions) error {
	r := newReporter(o.output.reportTo(env), env.stderr, o.report)
	p := startProgress(env, o.report, "reading "+o.target.name())
	defer p.end()
	file, err := o.target.load(env, hivefile.Recover)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere")
	}
	tellLoad(r, file)
	o.request.Stage = stages(p, file)
	outcome, err := edit.Recover(file, o.request)
	if err != nil {
		return o.target.wrap(err)
	}
	p.end()
	return o.output.deliver(env, r, file, outcome, outcome, func() { printRecovery(r, file, outcome) })
}

func printRecovery(r *reporter, file *hivefile.File, outcome *edit.Outcome) {
	if outcome.Changed {
		r.line("recovered:  %s", file.Dirty)
	} else {
		r.line("nothing to recover: the hive is clean")
	}
	printOutcome(r, outcome)
}

func isDirty(err error) bool { return errors.Is(err, hive.ErrDirty) }
