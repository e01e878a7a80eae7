package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

// readingHelp is for the help of the commands that list what is in a hive.
const readingHelp = `A dirty hive is read as it is after its recovery, where that is possible, and
otherwise as it stands, with a warning. What cannot be read of a damaged hive is
told on standard error, and the exit code is 1; the rest is printed.`

// readingOptions are what the commands have in common that list what is in a
// hive.
type readingOptions struct {
	target    targetOptions
	report    reportOptions
	path      string // of the output, "" and "-" for standard output
	overwrite bool
}

func readingFlags(own ...cli.Flag) []cli.Flag {
	return slices.Concat(own, volumeFlags(), []cli.Flag{
		logFlag(),
		ignoreLogsFlag("read a dirty hive as it stands"),
		stringFlag(headingOutput, "output", "write the result to `FILE` instead of standard output", "o"),
		boolFlag(headingOutput, "overwrite", "replace FILE if it exists; never what was read"),
	}, reportFlags())
}

// readReading reads the flags of readingFlags and the TARGET. It returns the
// arguments behind that: at least required of names, and at most all.
func readReading(env *environment, c *cli.Context, required int, names ...string) (o readingOptions, arguments []string, err error) {
	if arguments, err = operands(c, required, names...); err != nil {
		return o, nil, err
	}
	if o.target, err = newTarget(env, c); err != nil {
		return o, nil, err
	}
	if o.report, err = readReportOptions(c); err != nil {
		return o, nil, err
	}
	o.path, o.overwrite = c.String("output"), c.Bool("overwrite")
	if o.overwrite && !o.toFile() {
		return o, nil, usagef("--overwrite goes with --output FILE only")
	}
	return o, arguments, nil
}

func (o readingOptions) toFile() bool { return o.path != "" && o.path != standardStream }

// startProgress tells of work whose result goes to a file. On standard output
// that result would run into the line of progress.
func (o readingOptions) startProgress(env *environment, what string) *progress {
	if !o.toFile() {
		return nil
	}
	return startProgress(env, o.report, what)
}

// load reads the hive. What it is like otherwise than expected goes to standard
// error, so that the result is the same whatever the state of the hive.
func (o readingOptions) load(env *environment) (*hivefile.File, error) {
	file, err := o.target.look(env)
	if err != nil {
		return nil, err
	}
	r := newReporter(io.Discard, env.stderr, o.report)
	tellLoad(r, file)
	if file.Unrecovered != nil && !o.target.ignoreLogs {
		o.warn(env, "%s is read as it stands, without recovery: %s", o.target.name(), file.Unrecovered)
	}
	return file, nil
}

func (o readingOptions) warn(env *environment, format string, args ...any) {
	if !o.report.quiet {
		fmt.Fprintf(env.stderr, "%s: warning: %s\n", programName, printable(fmt.Sprintf(format, args...)))
	}
}

// write gives list a place to write the result to: standard output, or a file
// that appears complete or not at all. What could not be read of the hive is
// told at the end; the rest is in the result all the same. An error of list
// itself means that there is none.
func (o readingOptions) write(env *environment, file *hivefile.File, list func(l *listing) error) error {
	var l *listing
	err := o.deliver(env, file, func(out io.Writer) error {
		if o.report.quiet && !o.toFile() {
			out = io.Discard
		}
		l = newListing(o.target.name(), file.Hive, out, env.stderr)
		if err := list(l); err != nil {
			return o.target.wrap(err)
		}
		if err := l.buffer.Flush(); err != nil {
			return fmt.Errorf("the result could not be written: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.failure()
}

func (o readingOptions) deliver(env *environment, file *hivefile.File, fill func(io.Writer) error) error {
	if o.toFile() {
		return env.whole(o.path, func(ctx context.Context) error {
			fill := func(out io.Writer) error { return fill(untilEnd{out, ctx}) }
			return hintAtInput(hivefile.WriteNewFunc(o.path, fill, hivefile.SaveOptions{Overwrite: o.overwrite, Inputs: file.Sources}))
		})
	}
	if err := refuseInput(env, file); err != nil {
		return err
	}
	return fill(env.stdout)
}

// refuseInput returns an error when standard output has been redirected to the
// end of what was read.
func refuseInput(env *environment, file *hivefile.File) error {
	err := hivefile.WriteStream(env.stdout, nil, file.Sources)
	if err != nil && !errors.Is(err, hivefile.ErrIsInput) {
		return fmt.Errorf("the result could not be printed: %w", err)
	}
	return hintAtInput(err)
}

// hintAtInput says what can be done where the result of a command that reads would
// have gone into the hive: there is no --in-place here.
func hintAtInput(err error) error {
	if errors.Is(err, hivefile.ErrIsInput) {
		return hinted(err, "what was read is never replaced: take another file")
	}
	return err
}

// findKey returns the key that the user means by text.
func findKey(h *hive.Hive, text string) (*hive.Key, error) {
	path, err := parseKeyPath(text)
	if err != nil {
		return nil, err
	}
	key, err := h.Key(path)
	if errors.Is(err, hive.ErrNotFound) {
		return nil, missingKey(h, text, path)
	}
	return key, err
}

// missingKey is the error for a path that leads to no key. It says how far the
// path goes and what may have been meant.
func missingKey(h *hive.Hive, text, path string) error {
	names := strings.Split(path, `\`)
	for n := len(names) - 1; n >= 0; n-- {
		above, err := h.Key(strings.Join(names[:n], `\`))
		if errors.Is(err, hive.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		missing := strings.TrimPrefix(above.Path()+`\`+names[n], `\`)
		return hinted(fmt.Errorf("key %s: %w", printablePath(missing), hive.ErrNotFound), "%s", keyHint(above, names[n], text))
	}
	return fmt.Errorf("the root: %w", hive.ErrNotFound)
}

// keyHint is what may help whoever looks for a key that is not there.
func keyHint(above *hive.Key, name, text string) string {
	upper := strings.ToUpper(name)
	switch {
	case above.Flags()&hive.FlagLink != 0:
		return fmt.Sprintf("%s is a symbolic link to %s: name the key there", printablePath(above.Path()), linkText(above))
	case strings.HasPrefix(upper, "HKEY_"), upper == "HKLM", upper == "HKCU", upper == "HKU", upper == "HKCR":
		return `paths begin below the root of the hive: Select, not HKEY_LOCAL_MACHINE\SYSTEM\Select`
	case strings.Contains(text, `\x`) && !strings.Contains(text, name):
		return `\x00 to \x1f, \x7f and \x5c are read as characters; a key named x1f is written \x5cx1f behind another`
	}
	var names []string
	for subkey, err := range above.Subkeys() {
		if err == nil && len(names) < mostGuesses {
			names = append(names, subkey.Name())
		}
	}
	if guess, ok := closest(name, names); ok {
		return "did you mean " + printableName(guess) + "?"
	}
	return programName + " ls lists the keys that there are"
}

// mostGuesses is the number of names that are looked at for a guess.
const mostGuesses = 1000

// findValue returns the value that the user means by text.
func findValue(key *hive.Key, text string) (*hive.Value, error) {
	name, err := parseValueName(text)
	if err != nil {
		return nil, err
	}
	value, err := key.Value(name)
	if !errors.Is(err, hive.ErrNotFound) {
		return value, err
	}
	err = fmt.Errorf("value %s of key %s: %w", printableValueName(name), printablePath(key.Path()), hive.ErrNotFound)
	return nil, hinted(err, "%s", valueHint(key, name))
}

// valueHint is what may help whoever looks for a value that is not there.
func valueHint(key *hive.Key, name string) string {
	var names []string
	for value, err := range key.Values() {
		if err == nil && len(names) < mostGuesses {
			names = append(names, value.Name())
		}
	}
	if guess, ok := closest(name, names); ok {
		return "did you mean " + printableValueName(guess) + "?"
	}
	if len(names) == 0 {
		return "the key has no values"
	}
	return programName + " get without a VALUE prints those that there are"
}
