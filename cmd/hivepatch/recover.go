package main

import (
	"slices"

	"github.com/urfave/cli/v2"

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
			options, err := readWhole(env, c)
			if err != nil {
				return err
			}
			return runRecover(env, options)
		},
	}
}

func runRecover(env *environment, o editingOptions) error {
	r, p := o.start(env)
	defer p.end()
	file, err := o.load(env, r, p)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere")
	}
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
