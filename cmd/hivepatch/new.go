package main

import (
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

const newDescription = `Makes an empty hive: a root key, which gives full access to the system and to
administrators and lets everyone read.

Examples:
   hivepatch new -o EMPTY
   hivepatch new -o NTUSER.DAT --format 1.3`

// Formats of new hives, and their minor versions.
var newFormats = map[string]uint32{"1.3": 3, "1.5": 5}

const defaultFormat = "1.5"

// newOptions are the options of the command new.
type newOptions struct {
	output outputOptions
	report reportOptions
	format string
	time   time.Time
}

func newNewCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "new",
		Usage:       "make an empty hive",
		UsageText:   "hivepatch new -o FILE [options]",
		Description: newDescription,
		Flags: slices.Concat([]cli.Flag{
			stringFlag("", "format", "make a hive of version `VERSION`: 1.3, which Windows NT 4 to XP need, or 1.5 (default: "+defaultFormat+")"),
		}, outputFlags(), reportFlags()),
		Action: func(c *cli.Context) error {
			o, err := readNewOptions(env, c)
			if err != nil {
				return err
			}
			return runNew(env, o)
		},
	}
}

func readNewOptions(env *environment, c *cli.Context) (o newOptions, err error) {
	if c.NArg() > 0 {
		return o, hinted(usagef("new takes no TARGET: %q", c.Args().Slice()), "-o FILE is the new hive")
	}
	if o.output, err = readOutput(c); err != nil {
		return o, err
	}
	if o.report, err = readReportOptions(c); err != nil {
		return o, err
	}
	if o.format = c.String("format"); o.format == "" {
		o.format = defaultFormat
	}
	if _, known := newFormats[o.format]; !known {
		return o, usagef("--format %q: want 1.3 or 1.5", o.format)
	}
	o.time, err = readTime(env, c)
	return o, err
}

// newReport is what became of a new hive, in JSON a contract with scripts.
type newReport struct {
	Output     *string  `json:"output"` // null for a dry run
	Version    string   `json:"version"`
	Size       int64    `json:"size"` // bytes
	Sequence   uint32   `json:"sequence"`
	SHA256     string   `json:"sha256"`
	VerifiedBy []string `json:"verified_by"`
}

func runNew(env *environment, o newOptions) error {
	r := newReporter(o.output.reportTo(env), env.stderr, o.report)
	created, err := hive.New(newFormats[o.format], o.time)
	if err != nil {
		return err
	}
	file := &hivefile.File{Hive: created}
	outcome, err := edit.Create(file, edit.Request{Time: o.time})
	if err != nil {
		return err
	}
	o.output.tell(outcome)
	report := &newReport{
		Output: outcome.Output, Version: o.format, Size: outcome.SizeAfter, Sequence: outcome.SequenceAfter,
		SHA256: outcome.SHA256After, VerifiedBy: outcome.VerifiedBy,
	}
	return o.output.deliver(env, r, file, outcome, report, func() { printNew(r, report) })
}

func printNew(r *reporter, n *newReport) {
	r.line("made:       an empty hive of version %s", n.Version)
	r.line("size:       %d bytes", n.Size)
	r.line("sha256:     %s", n.SHA256)
	printVerified(r, n.VerifiedBy, n.Output)
}
