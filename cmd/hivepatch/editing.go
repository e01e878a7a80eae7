package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// writingOptions are what the commands have in common that write a hive, whatever
// they take for it.
type writingOptions struct {
	output  outputOptions
	report  reportOptions
	request edit.Request
}

// readWriting reads the flags of outputFlags, placeFlags, reportFlags and, where
// the command has it, --allow-damage.
func readWriting(env *environment, c *cli.Context) (o writingOptions, err error) {
	if o.output, err = readOutput(c); err != nil {
		return o, err
	}
	if o.report, err = readReportOptions(c); err != nil {
		return o, err
	}
	o.request.AllowDamage = c.Bool("allow-damage")
	o.request.Time, err = readTime(env, c)
	return o, err
}

// editingOptions are what the commands have in common that make one new hive of
// another.
type editingOptions struct {
	target targetOptions
	writingOptions
}

// editingFlags are the flags that readEditing reads, behind a command's own.
func editingFlags(own ...cli.Flag) []cli.Flag {
	return slices.Concat(own, writingVolumeFlags(), []cli.Flag{
		logFlag(),
		ignoreLogsFlag("edit a dirty hive as it stands; what is in its logs only is lost"),
		boolFlag(headingInput, "allow-damage", "edit a damaged hive, where the damage lies outside everything that is edited"),
	}, outputFlags(), placeFlags(), reportFlags())
}

// forceFlag makes the option that overrides refusals of edits that would break
// something.
func forceFlag() cli.Flag {
	return boolFlag("", "force", "do what is refused with a hint at this option")
}

// readEditing reads the flags of editingFlags and the TARGET. It returns the
// arguments behind that: at least required of names, and at most all.
func readEditing(env *environment, c *cli.Context, required int, names ...string) (o editingOptions, arguments []string, err error) {
	if arguments, err = operands(c, required, names...); err != nil {
		return o, nil, err
	}
	if o.target, err = newTarget(env, c); err != nil {
		return o, nil, err
	}
	return o, arguments, o.readWriting(env, c)
}

// readWhole reads what a command needs that works on a hive as a whole, and whose
// one argument is the TARGET.
func readWhole(env *environment, c *cli.Context) (o editingOptions, err error) {
	if o.target, err = readTarget(env, c); err != nil {
		return o, err
	}
	return o, o.readWriting(env, c)
}

func (o *editingOptions) readWriting(env *environment, c *cli.Context) (err error) {
	o.writingOptions, err = readWriting(env, c)
	o.target.place = o.output.place
	return err
}

// operands returns the arguments behind TARGET, of which required must be there.
func operands(c *cli.Context, required int, names ...string) ([]string, error) {
	arguments := c.Args().Slice()
	switch given := len(arguments) - 1; {
	case given < 0:
		return nil, nil // newTarget knows what to say
	case given < required:
		return nil, hinted(usagef("no %s given", names[given]), "%s", c.Command.UsageText)
	case given > len(names):
		return nil, hinted(usagef("%s too many: %q", plural(given-len(names), "argument", "arguments"), arguments[1+len(names):]),
			"%s; what has blanks in it needs quotation marks", c.Command.UsageText)
	}
	return arguments[1:], nil
}

// start begins the work, which the caller ends with the progress.
func (o *editingOptions) start(env *environment) (*reporter, *progress) {
	return newReporter(o.output.reportTo(env), env.stderr, o.report), startProgress(env, o.report, "reading "+o.target.name())
}

// load reads the hive, recovered from its logs.
func (o *editingOptions) load(env *environment, r *reporter, p *progress) (*hivefile.File, error) {
	file, err := o.target.load(env, hivefile.Recover)
	if err != nil {
		return nil, err
	}
	tellLoad(r, file)
	o.request.Stage = stages(p, file)
	return file, nil
}

// hintAtLogs gives the error of a dirty hive a hint that suits the command.
func hintAtLogs(err error, hint string) error {
	if isDirty(err) {
		return hinted(err, "%s", hint)
	}
	return err
}

func isDirty(err error) bool { return errors.Is(err, hive.ErrDirty) }

// apply loads the hive, has it edited by the safe course, and delivers it. apply
// adds what it does to the list of changes.
func (o editingOptions) apply(env *environment, apply func(d *edit.Draft, changes *changeList) error) error {
	return o.applyBeside(env, nil, apply)
}

// applyBeside is apply for an edit that has read files too. These are never
// replaced by the output.
func (o editingOptions) applyBeside(env *environment, read []*hivefile.Source, apply func(d *edit.Draft, changes *changeList) error) error {
	r, p := o.start(env)
	defer p.end()
	file, err := o.load(env, r, p)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs edits the hive as it stands, and what is in its logs only is lost")
	}
	file.Sources = append(file.Sources, read...)
	changes := &changeList{}
	outcome, err := edit.Apply(file, o.request, func(d *edit.Draft) error {
		d.Verify("read-back", changes.readBack)
		return apply(d, changes)
	})
	if err != nil {
		return o.target.wrap(err)
	}
	p.end()
	result := &editingReport{Outcome: *outcome, Edits: changes.list()}
	return o.output.deliver(env, r, file, &result.Outcome, result, func() {
		changes.print(r)
		printOutcome(r, &result.Outcome)
	})
}

// existingKey returns the key that the user means, for an edit of it.
func existingKey(d *edit.Draft, text string) (*hive.Key, error) {
	if err := refuseLinkOnTheWay(d.Hive, text); err != nil {
		return nil, err
	}
	key, err := findKey(d.Hive, text)
	if err != nil {
		return nil, err
	}
	return key, d.Touch(key)
}
