package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/patch/policy"
)

const applyDescription = `Brings a hive into the state that a policy wants. What is so already is left alone:
a second run changes nothing, and a hive is changed as a whole or not at all. It
is checked before and after, read back, and compared with the policy once more.

Keys that values need are created; absent keys go with all below them. Keys that
are marked as not to be deleted or that a symbolic link leads to, and the values
of symbolic links, need --force.

` + policyHelp + `

Examples:
   hivepatch apply policy.yaml SYSTEM --dry-run
   hivepatch apply policy.yaml SYSTEM -o SYSTEM.new
   hivepatch apply policy.yaml SOFTWARE --hive SOFTWARE -o SOFTWARE.new
   hivepatch apply policy.yaml /mnt/win --dry-run
   hivepatch apply policy.yaml images/* --in-place --report receipts
   hivepatch apply - SYSTEM -o SYSTEM.new --json <policy.yaml
   hivepatch apply --schema >policy.schema.json`

// applyOptions are the options of the command apply.
type applyOptions struct {
	policyOptions
	writingOptions
}

func newApplyCommand(env *environment) *cli.Command {
	batch := applyBatch()
	return &cli.Command{
		Name:        batch.name,
		Usage:       "bring a hive into the state that a policy file wants",
		UsageText:   "hivepatch apply POLICY TARGET... -o FILE [options]",
		Description: applyDescription,
		Flags:       slices.Concat(batch.flags(), batchFlags()),
		Action: func(c *cli.Context) error {
			if c.Bool("schema") {
				return printSchema(env, c)
			}
			return batch.run(env, c)
		},
	}
}

func applyFlags() []cli.Flag {
	return slices.Concat(
		[]cli.Flag{
			forceFlag(),
			boolFlag("", "schema", "print the JSON Schema of policies, and do nothing else"),
		},
		policyFlags(),
		ignoreFlags(),
		[]cli.Flag{
			ignoreLogsFlag("edit a dirty hive as it stands; what is in its logs only is lost"),
			boolFlag(headingInput, "allow-damage", "edit a damaged hive, where the damage lies outside everything that is edited"),
		},
		outputFlags(), placeFlags(), reportFlags(),
	)
}

func applyBatch() *batchCommand {
	return policyBatch("apply", applyFlags, readApplyOptions, func(work policyWork) *batchWork {
		return newBatchWork(readApplyOptions,
			func(env *environment, o applyOptions) ([]targetOptions, error) { return o.hives(env, work.policy) },
			func(env *environment, o applyOptions) error { return runApply(env, o, work) })
	})
}

func printSchema(env *environment, c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("--schema stands alone")
	}
	_, err := env.stdout.Write(policy.Schema())
	return err
}

func readApplyOptions(env *environment, c *cli.Context) (o applyOptions, err error) {
	if o.policyOptions, err = readPolicyOptions(env, c); err != nil {
		return o, err
	}
	o.writingOptions, err = readWriting(env, c)
	o.target.place = o.output.place
	return o, err
}

func runApply(env *environment, o applyOptions, work policyWork) error {
	r := newReporter(o.output.reportTo(env), env.stderr, o.report)
	targets, err := o.targets(env, work.policy)
	if err != nil {
		return err
	}
	if err := o.requireOne(targets); err != nil {
		return err
	}
	report := &applyReport{Policy: o.name(), Hives: []*appliedHive{}}
	if report.Hives, err = o.applyToAll(env, r, work, targets); err != nil {
		return err
	}
	if r.json {
		if err := r.object(report); err != nil {
			return err
		}
		return r.flush()
	}
	for _, applied := range report.Hives {
		r.warnings(applied.Warnings)
		applied.print(r)
	}
	return r.flush()
}

// requireOne refuses what names one file for several hives.
func (o applyOptions) requireOne(targets []policyTarget) error {
	option := ""
	switch {
	case len(targets) < 2:
		return nil
	case o.output.path != "":
		option = "--output"
	case o.output.place != nil && o.output.place.options.Backup != "":
		option = "--backup"
	default:
		return nil
	}
	return hinted(usagef("%s is about %d hives of %s, and %s takes one", o.name(), len(targets), o.target.path, option), "--hive NAME and --user NAME take one of them")
}

// applyToAll applies the policy to each hive, all or nothing. Before the first of
// several is replaced, all are edited in memory, one at a time: what would be
// refused of the last is told while none has changed. The locks stay from the
// one to the other.
func (o applyOptions) applyToAll(env *environment, r *reporter, work policyWork, targets []policyTarget) ([]*appliedHive, error) {
	for i := range targets {
		targets[i].place = o.output.place.another()
	}
	if o.output.place != nil && len(targets) > 1 {
		for _, target := range targets {
			if _, _, err := o.edit(env, r, work, target, true); err != nil {
				return nil, err
			}
		}
	}
	all := []*appliedHive{}
	for _, target := range targets {
		applied, err := o.applyTo(env, r, work, target)
		if err != nil {
			return nil, explainPartly(err, all)
		}
		all = append(all, applied)
	}
	return all, nil
}

// explainPartly says which hives have been replaced before one could not be
// written.
func explainPartly(err error, done []*appliedHive) error {
	var replaced []string
	for _, applied := range done {
		if applied.InPlace != nil && applied.InPlace.Way != string(hivefile.WayNone) {
			replaced = append(replaced, applied.Target)
		}
	}
	if len(replaced) == 0 {
		return err
	}
	return hinted(fmt.Errorf("%w (after %s)", err, strings.Join(replaced, ", ")),
		"the hives named last have been replaced; run the command again, which leaves them as they are, or restore them")
}

// applyTo applies the policy to one hive, all or nothing.
func (o applyOptions) applyTo(env *environment, r *reporter, work policyWork, target policyTarget) (*appliedHive, error) {
	applied, file, err := o.edit(env, r, work, target, false)
	if err != nil {
		return nil, err
	}
	o.output.place = target.place
	env.edited(&applied.Outcome, "")
	if err := o.output.save(env, r, file); err != nil {
		return nil, err
	}
	o.output.tell(&applied.Outcome)
	env.saved(&applied.Outcome)
	if n := len(applied.Differences); n > 0 {
		env.sum("%s: %s", applied.name(), plural(n, "difference made good", "differences made good"))
	}
	env.sumUp(&applied.Outcome)
	return applied, nil
}

// edit has the policy applied to one hive in memory. A trial says nothing.
func (o applyOptions) edit(env *environment, r *reporter, work policyWork, target policyTarget, trial bool) (*appliedHive, *hivefile.File, error) {
	progress := startProgress(env, o.report, "reading "+target.name())
	defer progress.end()
	target.volume.quiet = target.volume.quiet || trial
	file, err := target.load(env, hivefile.Recover)
	if err != nil {
		return nil, nil, hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs edits the hive as it stands, and what is in its logs only is lost")
	}
	work.allowMemory(env, file)
	file.Sources = append(file.Sources, work.source)
	if !trial {
		tellLoad(r, file)
	}
	section, err := target.choose(o.policyOptions, work.policy, file.Hive)
	if err != nil {
		return nil, nil, err
	}
	applied := &appliedHive{comparedHive: comparedHive{Hive: section.Hive, User: target.user, Target: target.name()}}
	request := o.request
	request.Stage = stages(progress, file)
	outcome, err := edit.Apply(file, request, func(d *edit.Draft) error {
		plan, err := section.Apply(d, policy.Options{Force: o.force})
		if err != nil {
			return o.wrap(err)
		}
		applied.differences(plan)
		return nil
	})
	if err != nil {
		return nil, nil, target.wrap(err)
	}
	applied.Outcome = *outcome
	return applied, file, nil
}

// applyReport is the result of the command, in JSON a contract with scripts.
type applyReport struct {
	Policy string         `json:"policy"` // "standard input" for that
	Hives  []*appliedHive `json:"hives"`
}

// appliedHive is what became of one hive.
type appliedHive struct {
	comparedHive
	edit.Outcome
}

func (a *appliedHive) print(r *reporter) {
	r.line("hive:       %s", a.name())
	for _, d := range a.Differences {
		r.line("%s", d.done())
	}
	if len(a.Differences) == 0 {
		r.line("nothing to do: the hive is as the policy wants it")
	}
	printOutcome(r, &a.Outcome)
}
