package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/patch"
)

const patchDescription = `Changes the numbers of SharedSection, the sizes in KB of the desktop heaps, in
the value Windows of Control\Session Manager\SubSystems. Digits are replaced
and nothing else; models of both programs that read the value must then agree
that Windows starts and takes the sizes. A dirty hive is recovered from its
logs first. The hive is checked before and after, a second reader must read the
same, and every changed byte is accounted for.

Without a size the preset kb142676 is applied: a third number of 512 where
there is none. With --repair alone the value is mended and no size is set.

Examples:
   hivepatch patch SYSTEM -o SYSTEM.new
   hivepatch patch SYSTEM -o SYSTEM.new --noninteractive 4096
   hivepatch patch SYSTEM --dry-run --preset orchestrator:120 --control-set all
   hivepatch patch - -o - --noninteractive 1024 <SYSTEM >SYSTEM.new
   hivepatch patch images/*/SYSTEM --in-place --noninteractive 4096
   hivepatch patch --targets list --in-place --json --report receipts

Several targets are worked on at once, and each has a line when it is finished.
A list has a target in each line, or a JSON object with settings of its own.

Presets:
`

// patchOptions are the options of the command patch.
type patchOptions struct {
	editingOptions
	edit       patch.EditRequest
	controlSet string
}

func newPatchCommand(env *environment) *cli.Command {
	batch := patchBatch()
	return &cli.Command{
		Name:        batch.name,
		Usage:       "set the desktop heap sizes in a SYSTEM hive",
		UsageText:   "hivepatch patch TARGET... -o FILE [options]",
		Description: patchDescription + presetTable(),
		Flags:       slices.Concat(batch.flags(), batchFlags()),
		Action:      func(c *cli.Context) error { return batch.run(env, c) },
	}
}

func patchBatch() *batchCommand {
	work := newBatchWork(readPatchOptions,
		func(_ *environment, o patchOptions) ([]targetOptions, error) { return []targetOptions{o.target}, nil },
		runPatch)
	return &batchCommand{
		name: "patch", flags: patchFlags,
		begin: func(*environment, *cli.Context) (*batchWork, error) { return work, nil },
	}
}

func patchFlags() []cli.Flag {
	return slices.Concat(imageFlags(), ignoreFlags(), []cli.Flag{
		stringFlag(headingSizes, "noninteractive", "set the third number, the heap of each service desktop, to `KB`"),
		stringFlag(headingSizes, "interactive", "set the second number, the heap of each desktop of a user, to `KB`"),
		stringFlag(headingSizes, "shared", "set the first number to `KB`; it is no desktop heap, and needs --force"),
		stringFlag(headingSizes, "shared-section", "set all numbers to `A,B[,C]`"),
		stringFlag(headingSizes, "preset", "set what the preset `NAME[:N]` says"),
		boolFlag(headingSizes, "repair", "mend a SharedSection with which Windows does not start"),
		boolFlag(headingSizes, "force", "do what is refused with a hint at this option"),
		stringFlag(headingSizes, "control-set", "patch `SET`: active (Current and Default), current, default, lastknowngood, all, or a number (default: active)"),
		logFlag(),
		ignoreLogsFlag("patch a dirty hive as it stands; what is in its logs only is lost"),
		boolFlag(headingInput, "allow-damage", "patch a damaged hive, where the damage lies outside everything that is edited"),
	}, outputFlags(), placeFlags(), reportFlags())
}

// presetTable lists the presets for the help.
func presetTable() string {
	var b strings.Builder
	for _, preset := range patch.Presets() {
		name := preset.Name
		if preset.Argument != "" {
			name += ":N"
		}
		fmt.Fprintf(&b, "   %-17s %s\n   %-17s %s\n", name, preset.Result, "", preset.Description)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func readPatchOptions(env *environment, c *cli.Context) (o patchOptions, err error) {
	if o.editingOptions, err = readWhole(env, c); err != nil {
		return o, err
	}
	o.controlSet = c.String("control-set")
	if err := patch.CheckSelection(o.controlSet); err != nil {
		return o, wrapUsage("--control-set", err)
	}
	o.edit, err = readEdit(c)
	return o, err
}

// readEdit reads what is to become of the numbers. There are three ways to say
// it, and only one may be used.
func readEdit(c *cli.Context) (patch.EditRequest, error) {
	edit := patch.EditRequest{Repair: c.Bool("repair"), Force: c.Bool("force")}
	var ways []string
	for _, name := range []string{"noninteractive", "interactive", "shared", "shared-section", "preset"} {
		if c.IsSet(name) {
			ways = append(ways, "--"+name)
		}
	}
	preset, section := c.String("preset"), c.String("shared-section")
	var err error
	switch {
	case (preset != "" || section != "") && len(ways) > 1:
		return edit, hinted(usagef("%s exclude each other", strings.Join(ways, " and ")),
			"give either --preset, or --shared-section, or the sizes one by one")
	case section != "":
		edit.Sizes, err = patch.ParseSizes(section)
		return edit, wrapUsage("--shared-section", err)
	case len(ways) == 0 && edit.Repair:
		return edit, nil
	case len(ways) == 0:
		preset = patch.DefaultPreset
	}
	if preset != "" {
		edit.Preset, err = patch.FindPreset(preset)
		return edit, err
	}
	edit.Sizes, err = readSizes(c)
	return edit, err
}

func wrapUsage(flag string, err error) error {
	if err != nil {
		return usagef("%s: %s", flag, err)
	}
	return nil
}

func readSizes(c *cli.Context) (sizes patch.Sizes, err error) {
	for _, number := range []struct {
		flag string
		size *patch.Size
	}{{"noninteractive", &sizes.Noninteractive}, {"interactive", &sizes.Interactive}, {"shared", &sizes.Shared}} {
		text := c.String(number.flag)
		if text == "" {
			continue
		}
		size, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return sizes, usagef("--%s %q is not a number of KB: want decimal digits, at most 4294967295", number.flag, text)
		}
		*number.size = patch.KB(uint32(size))
	}
	return sizes, nil
}

func runPatch(env *environment, o patchOptions) error {
	r, p := o.start(env)
	defer p.end()
	file, err := o.load(env, r, p)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs patches the hive as it stands, and what is in its logs only is lost")
	}
	report, err := patch.Apply(file, patch.Request{
		Edit: o.edit, ControlSet: o.controlSet,
		AllowDamage: o.request.AllowDamage, Time: o.request.Time, Stage: o.request.Stage,
	})
	if err != nil {
		return o.target.wrap(err)
	}
	p.end()
	for _, set := range report.ControlSets {
		if set.Before != set.After {
			env.sum("%s: %s -> %s", set.Name, set.Before, set.After)
		}
	}
	return o.output.deliver(env, r, file, &report.Outcome, report, func() { printPatch(r, o, report) })
}

func printPatch(r *reporter, o patchOptions, report *patch.Report) {
	for _, set := range report.ControlSets {
		if set.Before != set.After {
			r.line("%s: %s -> %s", set.Name, set.Before, set.After)
			continue
		}
		r.line("%s: %s %s, nothing to do", set.Name, set.Before, whyUnchanged(o.edit.Preset.Name, set.Before))
	}
	if !report.Changed {
		r.line("nothing to change: the hive stays as it is")
	}
	printOutcome(r, &report.Outcome)
}

// whyUnchanged says why a token stays. The default preset is the one case in
// which it may have other numbers than the user had in mind.
func whyUnchanged(preset, token string) string {
	fields := strings.Split(token, ",")
	if preset == patch.DefaultPreset && len(fields) > 2 {
		return "already has a third number (" + fields[2] + ")"
	}
	return "is so already"
}
