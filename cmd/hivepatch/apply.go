package main

import (
	"runtime/debug"
	"slices"

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
   hivepatch apply - SYSTEM -o SYSTEM.new --json <policy.yaml
   hivepatch apply --schema >policy.schema.json`

// applyOptions are the options of the command apply.
type applyOptions struct {
	policyOptions
	output  outputOptions
	report  reportOptions
	request edit.Request
}

func newApplyCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "apply",
		Usage:       "bring a hive into the state that a policy file wants",
		UsageText:   "hivepatch apply POLICY TARGET -o FILE [options]",
		Description: applyDescription,
		Flags: slices.Concat(
			[]cli.Flag{
				forceFlag(),
				boolFlag("", "schema", "print the JSON Schema of policies, and do nothing else"),
			},
			policyFlags(),
			[]cli.Flag{
				ignoreHibernationFlag(),
				ignoreLogsFlag("edit a dirty hive as it stands; what is in its logs only is lost"),
				boolFlag(headingInput, "allow-damage", "edit a damaged hive, where the damage lies outside everything that is edited"),
			},
			outputFlags(), placeFlags(), reportFlags(),
		),
		Action: func(c *cli.Context) error {
			if c.Bool("schema") {
				return printSchema(env, c)
			}
			o, err := readApplyOptions(env, c)
			if err != nil {
				return err
			}
			return runApply(env, o)
		},
	}
}

func printSchema(env *environment, c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("--schema stands alone")
	}
	_, err := env.stdout.Write(policy.Schema())
	return err
}

func readApplyOptions(env *environment, c *cli.Context) (o applyOptions, err error) {
	if o.policyOptions, err = readPolicyOptions(c); err != nil {
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

func runApply(env *environment, o applyOptions) error {
	p, source, err := o.read(env)
	if err != nil {
		return err
	}
	r := newReporter(o.output.reportTo(env), env.stderr, o.report)
	targets, err := o.targets(p)
	if err != nil {
		return err
	}
	if len(targets) > 1 && o.output.path != "" {
		return hinted(usagef("%s is about %d hives of %s, and --output takes one", o.name(), len(targets), o.target.path), "--hive NAME and --user NAME take one of them")
	}
	report := &applyReport{Policy: o.name(), Hives: []*appliedHive{}}
	for _, target := range targets {
		applied, err := o.applyTo(env, r, p, source, target)
		if err != nil {
			return err
		}
		report.Hives = append(report.Hives, applied)
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

// applyTo applies the policy to one hive, all or nothing.
func (o applyOptions) applyTo(env *environment, r *reporter, p *policy.Policy, source *hivefile.Source, target policyTarget) (*appliedHive, error) {
	if o.output.place != nil { // each hive has its own
		place := *o.output.place
		o.output.place, target.place = &place, &place
	}
	progress := startProgress(env, o.report, "reading "+target.name())
	defer progress.end()
	file, err := target.load(env, hivefile.Recover)
	if err != nil {
		return nil, hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs edits the hive as it stands, and what is in its logs only is lost")
	}
	allowPolicyMemory(file, source)
	file.Sources = append(file.Sources, source)
	tellLoad(r, file)
	section, err := target.choose(o.policyOptions, p, file.Hive)
	if err != nil {
		return nil, err
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
		return nil, target.wrap(err)
	}
	progress.end()
	applied.Outcome = *outcome
	if err := o.output.save(env, r, file); err != nil {
		return nil, err
	}
	o.output.tell(&applied.Outcome)
	return applied, nil
}

// allowPolicyMemory raises what limitMemory has set: what the policy says is kept
// until it has been read back.
func allowPolicyMemory(file *hivefile.File, source *hivefile.Source) {
	const program = 64 << 20
	debug.SetMemoryLimit(2*file.Size + 32*int64(cap(source.Data)) + program)
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
