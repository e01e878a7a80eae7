package main

import (
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// outputOptions say where a new hive goes.
type outputOptions struct {
	path      string // "-" for standard output
	overwrite bool
	dryRun    bool
}

func outputFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag(headingOutput, "output", "write the new hive to `FILE`, or - for standard output", "o"),
		boolFlag(headingOutput, "overwrite", "replace FILE if it exists; never what was read"),
		boolFlag(headingOutput, "dry-run", "do everything but write"),
		stringFlag(headingOutput, "timestamp", "`TIME` of the change in the hive: RFC 3339 or seconds since 1970; else SOURCE_DATE_EPOCH, else now"),
	}
}

func readOutput(c *cli.Context) (outputOptions, error) {
	o := outputOptions{path: c.String("output"), overwrite: c.Bool("overwrite"), dryRun: c.Bool("dry-run")}
	switch {
	case o.path == "" && !o.dryRun:
		return o, hinted(usagef("no output given"), "-o FILE writes the new hive, --dry-run shows what would change")
	case o.path != "" && o.dryRun:
		return o, usagef("--output and --dry-run exclude each other")
	case o.overwrite && !o.toFile():
		return o, usagef("--overwrite goes with --output FILE only")
	}
	return o, nil
}

func (o outputOptions) toFile() bool { return o.path != "" && o.path != standardStream }

// reportTo is where the report goes: standard output, unless the hive does.
func (o outputOptions) reportTo(env *environment) io.Writer {
	if o.path == standardStream {
		return env.stderr
	}
	return env.stdout
}

// save writes the hive, all or nothing.
func (o outputOptions) save(env *environment, r *reporter, file *hivefile.File) error {
	data := file.Hive.Bytes()
	switch o.path {
	case "":
		r.note("nothing is written: this is a dry run")
		return nil
	case standardStream:
		r.note("writing %d bytes to standard output", len(data))
		return hivefile.WriteStream(env.stdout, data, file.Sources)
	}
	r.note("writing %d bytes to %s", len(data), o.path)
	options := hivefile.SaveOptions{Overwrite: o.overwrite, Inputs: file.Sources}
	if len(file.Sources) > 0 { // none where the hive was not read
		options.Perm = file.Sources[0].Perm()
	}
	return hivefile.WriteNew(o.path, data, options)
}

// name is the output in a report, nil for a dry run.
func (o outputOptions) name() *string {
	if o.dryRun {
		return nil
	}
	return &o.path
}

// Times that a FILETIME, which counts from 1601, and RFC 3339, which has four
// digits for a year, can both express.
const (
	firstSecond = -11644473600 // 1601-01-01
	lastSecond  = 253402300799 // 9999-12-31 23:59:59
)

// readTime returns the time that is stored in the hive with a change.
func readTime(env *environment, c *cli.Context) (time.Time, error) {
	if text := c.String("timestamp"); text != "" {
		t, ok := parseSeconds(text)
		if !ok {
			var err error
			t, err = time.Parse(time.RFC3339, text)
			ok = err == nil && t.Unix() >= firstSecond
		}
		if !ok {
			return t, usagef("--timestamp %q is neither RFC 3339, such as 2026-01-31T12:00:00Z, nor seconds since 1970", text)
		}
		return t, nil
	}
	if text := env.getenv("SOURCE_DATE_EPOCH"); text != "" {
		t, ok := parseSeconds(text)
		if !ok {
			return t, usagef("SOURCE_DATE_EPOCH is %q, want seconds since 1970", text)
		}
		return t, nil
	}
	return env.now(), nil
}

func parseSeconds(text string) (time.Time, bool) {
	seconds, err := strconv.ParseUint(text, 10, 64)
	if err != nil || seconds > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// deliver saves the new hive and then tells what became of it: result as JSON,
// or what print writes.
func (o outputOptions) deliver(env *environment, r *reporter, file *hivefile.File, outcome *edit.Outcome, result any, print func()) error {
	if err := o.save(env, r, file); err != nil {
		return err
	}
	outcome.Output = o.name()
	r.warnings(outcome.Warnings)
	if !r.json {
		print()
	} else if err := r.object(result); err != nil {
		return err
	}
	return r.flush()
}
