package main

import (
	"context"
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
	place     *placement // in place of the hive that was read, unless nil
}

func outputFlags() []cli.Flag {
	return append([]cli.Flag{
		stringFlag(headingOutput, "output", "write the new hive to `FILE`, or - for standard output", "o"),
		boolFlag(headingOutput, "overwrite", "replace FILE if it exists; never what was read"),
		boolFlag(headingOutput, "dry-run", "do everything but write"),
		stringFlag(headingOutput, "timestamp", "`TIME` of the change in the hive: RFC 3339 or seconds since 1970; else SOURCE_DATE_EPOCH, else now"),
	}, receiptFlags()...)
}

// readOutput reads the flags of outputFlags, and those of placeFlags where the
// command has them. Where nothing can be written is told before any work is done.
func readOutput(c *cli.Context) (o outputOptions, err error) {
	o = outputOptions{path: c.String("output"), overwrite: c.Bool("overwrite"), dryRun: c.Bool("dry-run")}
	if o.place, err = readPlace(c); err != nil {
		return o, err
	}
	switch {
	case o.place != nil && (o.path != "" || o.dryRun):
		return o, usagef("--in-place excludes --output and --dry-run")
	case o.path == "" && !o.dryRun && o.place == nil:
		return o, hinted(usagef("no output given"), "%s", howToWrite(c))
	case o.path != "" && o.dryRun:
		return o, usagef("--output and --dry-run exclude each other")
	case o.overwrite && !o.toFile():
		return o, usagef("--overwrite goes with --output FILE only")
	case o.toFile():
		return o, explainDenied(hivefile.RequireFolder(o.path), "-o takes a file in another folder")
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
	if o.place != nil {
		return o.place.save(env, r, file)
	}
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
	return env.whole(o.path, func(context.Context) error { return hivefile.WriteNew(o.path, data, options) })
}

// tell says in a report where the new hive went.
func (o outputOptions) tell(outcome *edit.Outcome) {
	switch {
	case o.place != nil:
		o.place.tell(outcome)
	case !o.dryRun:
		outcome.Output = &o.path
	}
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
	env.edited(outcome, o.path)
	if err := o.save(env, r, file); err != nil {
		return err
	}
	o.tell(outcome)
	env.saved(outcome)
	env.sumUp(outcome)
	r.warnings(outcome.Warnings)
	if !r.json {
		print()
	} else if err := r.object(result); err != nil {
		return err
	}
	return r.flush()
}
