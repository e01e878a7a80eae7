package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// editingOptions are what the commands have in common that edit keys and values.
type editingOptions struct {
	target  targetOptions
	output  outputOptions
	report  reportOptions
	request edit.Request
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
	if o.output, err = readOutput(c); err != nil {
		return o, nil, err
	}
	o.target.place = o.output.place
	if o.report, err = readReportOptions(c); err != nil {
		return o, nil, err
	}
	o.request.AllowDamage = c.Bool("allow-damage")
	o.request.Time, err = readTime(env, c)
	return o, arguments, err
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

// apply loads the hive, has it edited by the safe course, and delivers it. apply
// adds what it does to the list of changes.
func (o editingOptions) apply(env *environment, apply func(d *edit.Draft, changes *changeList) error) error {
	return o.applyBeside(env, nil, apply)
}

// applyBeside is apply for an edit that has read files too. These are never
// replaced by the output.
func (o editingOptions) applyBeside(env *environment, read []*hivefile.Source, apply func(d *edit.Draft, changes *changeList) error) error {
	r := newReporter(o.output.reportTo(env), env.stderr, o.report)
	p := startProgress(env, o.report, "reading "+o.target.name())
	defer p.end()
	file, err := o.target.load(env, hivefile.Recover)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs edits the hive as it stands, and what is in its logs only is lost")
	}
	file.Sources = append(file.Sources, read...)
	tellLoad(r, file)
	changes := &changeList{}
	o.request.Stage = stages(p, file)
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
