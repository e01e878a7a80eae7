package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/diff"
	"hivepatch/hive/hivefile"
)

const diffDescription = `Compares two hives, or a KEY of both with all below it, and lists the keys and
values that differ. With a second key, KEYB of B is compared with KEY of A.

Where they differ, two lines come first: --- and the path of A, +++ and that of
B. The others have columns with tab characters between them, as those of ls: -
or + for what is in A or in B, the type, or "key", the path of the key, and for
a value its name and data. Long data is cut, unless --verbose is given; how long
it is and where it begins to differ stands in one more column.

Keys and values belong together when Windows takes their names for the same;
where upper and lower case differ, that is a difference. Class names, flags,
security descriptors and times are compared when they are asked for. Their lines
have "class", "flags", "security" or "time" in place of the type, and "spelling"
stands for the spelling of a key's name.

--reg writes a .reg file that turns A into B when it is imported. The root of
the hive is in it where export puts it, or where --prefix says. What a .reg file
cannot carry is told on standard error.

--json prints one object: a, b, the paths of the hives, equal, and differences,
a list of objects with kind (only_a, only_b, differs), what (key, value), path,
below (the key above is only on that side too), aspects (what differs: spelling,
type, data, class, flags, security, time), and a and b: the key or value as ls
--json has it, and for a key its user_flags, or null.

The exit code is 0 whether they differ or not; with --exit-code it is 1 when
they do, which is also the code of a failure: that has a message.

` + pathHelp + `

Examples:
   hivepatch diff SYSTEM.before SYSTEM
   hivepatch diff SYSTEM SYSTEM ControlSet001 ControlSet002
   hivepatch diff --all SOFTWARE.before SOFTWARE 'Microsoft\Windows' | grep '^+'
   hivepatch diff --reg SYSTEM.before SYSTEM -o changes.reg
   hivepatch diff -q --exit-code SYSTEM.before SYSTEM && echo the same`

// errDiffer is returned for --exit-code. It has been told already.
var errDiffer = errors.New("they differ")

// diffOptions are the options of the command diff.
type diffOptions struct {
	readingOptions // the target is A
	b              targetOptions
	keys           [2]string    // as typed
	compare        diff.Aspects // beyond names, types and data
	reg, utf8      bool
	prefix         string // "" for the place of the hive's kind
	exitCode       bool
}

// diffAspects are the options that add to what is compared.
var diffAspects = []struct {
	flag   string
	usage  string
	aspect diff.Aspects
}{
	{"class", "compare class names too", diff.Class},
	{"flags", "compare flags too", diff.Flags},
	{"security", "compare security descriptors too", diff.Security},
	{"times", "compare the times of keys too", diff.Times},
	{"all", "compare all of these", diff.All},
}

func newDiffCommand(env *environment) *cli.Command {
	var flags []cli.Flag
	for _, aspect := range diffAspects {
		flags = append(flags, boolFlag("", aspect.flag, aspect.usage))
	}
	flags = append(flags,
		boolFlag("", "exit-code", "exit with code 1 when there are differences"),
		boolFlag("", "reg", "write a .reg file that turns A into B"),
		boolFlag("", "utf8", "write a .reg file in UTF-8 without byte order mark, lines ending with LF"),
		stringFlag("", "prefix", "have the root of the hive at the key `PATH` in the .reg file"),
	)
	return &cli.Command{
		Name:        "diff",
		Usage:       "list how two hives differ",
		UsageText:   "hivepatch diff A B [KEY [KEYB]] [options]",
		Description: diffDescription,
		Flags: slices.Concat(flags, volumeFlags(), []cli.Flag{
			listFlag(headingInput, "log-a", "take `FILE` as a transaction log of A, instead of those beside it; once for each"),
			listFlag(headingInput, "log-b", "take `FILE` as a transaction log of B, instead of those beside it; once for each"),
			ignoreLogsFlag("read dirty hives as they stand"),
			stringFlag(headingOutput, "output", "write the result to `FILE` instead of standard output", "o"),
			boolFlag(headingOutput, "overwrite", "replace FILE if it exists; never what was read"),
		}, reportFlags()),
		Action: func(c *cli.Context) error {
			o, err := readDiffOptions(env, c)
			if err != nil {
				return err
			}
			return runDiff(env, o)
		},
	}
}

func readDiffOptions(env *environment, c *cli.Context) (o diffOptions, err error) {
	if o.target, o.b, err = readDiffTargets(env, c); err != nil {
		return o, err
	}
	if o.report, err = readReportOptions(c); err != nil {
		return o, err
	}
	if arguments := c.Args().Slice()[2:]; len(arguments) > 0 {
		o.keys = [2]string{arguments[0], arguments[len(arguments)-1]}
	}
	for _, aspect := range diffAspects {
		if c.Bool(aspect.flag) {
			o.compare |= aspect.aspect
		}
	}
	o.path, o.overwrite = c.String("output"), c.Bool("overwrite")
	o.reg, o.utf8, o.exitCode = c.Bool("reg"), c.Bool("utf8"), c.Bool("exit-code")
	switch {
	case o.reg && o.report.json:
		return o, usagef("--reg and --json exclude each other")
	case o.utf8 && !o.reg:
		return o, usagef("--utf8 goes with --reg only")
	case c.IsSet("prefix") && !o.reg:
		return o, usagef("--prefix goes with --reg only")
	case o.overwrite && !o.toFile():
		return o, usagef("--overwrite goes with --output FILE only")
	}
	o.prefix, err = readPrefix(c)
	return o, err
}

// readDiffTargets reads which two hives are meant.
func readDiffTargets(env *environment, c *cli.Context) (a, b targetOptions, err error) {
	arguments, ignoreLogs := c.Args().Slice(), c.Bool("ignore-logs")
	switch {
	case len(arguments) < 2:
		err = hinted(usagef("two hives, A and B, not %d", len(arguments)), "%s", c.Command.UsageText)
	case len(arguments) > 4:
		err = hinted(usagef("%s too many: %q", plural(len(arguments)-4, "argument", "arguments"), arguments[4:]),
			"%s; what has blanks in it needs quotation marks", c.Command.UsageText)
	case arguments[0] == "" || arguments[1] == "":
		err = usagef("the path of a hive is empty")
	case arguments[0] == standardStream && arguments[1] == standardStream:
		err = usagef("A and B cannot both be standard input")
	case ignoreLogs && (c.IsSet("log-a") || c.IsSet("log-b")):
		err = usagef("--log-a, --log-b and --ignore-logs exclude each other")
	default:
		a = targetOptions{path: arguments[0], logs: c.StringSlice("log-a"), ignoreLogs: ignoreLogs}
		b = targetOptions{path: arguments[1], logs: c.StringSlice("log-b"), ignoreLogs: ignoreLogs}
		err = openTargets(env, c, &a, &b)
	}
	return a, b, err
}

// differ is one run of the command.
type differ struct {
	diffOptions
	listing
	hives     [2]*hive.Hive
	sequence  func(func(diff.Difference, error) bool)
	different bool // something of what was asked for differs
	progress  *progress
}

func runDiff(env *environment, o diffOptions) error {
	files, err := o.loadBoth(env)
	if err != nil {
		return err
	}
	options, err := o.options(files)
	if err != nil {
		return err
	}
	d := &differ{diffOptions: o, hives: [2]*hive.Hive{files[0].Hive, files[1].Hive}}
	d.progress = o.startProgress(env, "comparing "+o.target.name()+" and "+o.b.name())
	defer d.progress.end()
	d.sequence = diff.Hives(d.hives[0], d.hives[1], options)
	if err := o.deliver(env, bothSources(files), func(out io.Writer) error { return d.fill(env, out) }); err != nil {
		return err
	}
	switch {
	case d.failed > 0:
		return d.incomplete()
	case d.different && o.exitCode:
		return errDiffer
	}
	return nil
}

// loadBoth reads both hives.
func (o diffOptions) loadBoth(env *environment) (files [2]*hivefile.File, err error) {
	if files[0], err = o.load(env); err != nil {
		return files, err
	}
	second := o.readingOptions
	second.target = o.b
	if files[1], err = second.load(env); err != nil {
		return files, err
	}
	env.allowMemory(2 * (files[0].Size + files[1].Size))
	return files, nil
}

// bothSources stands for both hives where an output must be neither.
func bothSources(files [2]*hivefile.File) *hivefile.File {
	return &hivefile.File{Sources: slices.Concat(files[0].Sources, files[1].Sources)}
}

// options are what package diff is asked for.
func (o diffOptions) options(files [2]*hivefile.File) (options diff.Options, err error) {
	options.Compare = o.compare
	if o.reg {
		options.Compare = diff.All // for what cannot be carried to be told
	}
	if options.KeyA, err = parseKeyPath(o.keys[0]); err != nil {
		return options, err
	}
	if options.KeyB, err = parseKeyPath(o.keys[1]); err != nil {
		return options, err
	}
	_, errA := files[0].Hive.Key(options.KeyA)
	_, errB := files[1].Hive.Key(options.KeyB)
	if errors.Is(errA, hive.ErrNotFound) && errors.Is(errB, hive.ErrNotFound) {
		return options, o.target.wrap(missingKey(files[0].Hive, o.keys[0], options.KeyA))
	}
	return options, nil
}

// fill writes the result.
func (d *differ) fill(env *environment, out io.Writer) error {
	d.listing = listing{buffer: bufio.NewWriterSize(out, listingBuffer), stderr: d.progress.beside(env.stderr)}
	d.different = false
	var err error
	switch {
	case d.report.quiet && !d.toFile():
		d.look()
	case d.reg:
		err = d.writeReg(env)
	case d.report.json:
		d.writeJSON()
	default:
		d.writeText()
	}
	if err != nil {
		return err
	}
	if err := d.buffer.Flush(); err != nil {
		return fmt.Errorf("the result could not be written: %w", err)
	}
	return nil
}

// look only looks whether there is a difference.
func (d *differ) look() {
	for difference, err := range d.sequence {
		switch {
		case err != nil:
			d.readFailure(err)
		case d.asked(difference):
			d.different = true
			return
		}
	}
}

// names are the hives in messages.
func (d *differ) names() [2]string { return [2]string{d.target.name(), d.b.name()} }

// readFailure notes what could not be compared.
func (d *differ) readFailure(err error) {
	d.fail(d.explain(err))
}

// explain says in which hive and key something could not be read.
func (d *differ) explain(err error) error {
	failure, ok := errors.AsType[*diff.ReadError](err)
	if !ok {
		return err
	}
	d.name = d.names()[failure.Side]
	return fmt.Errorf("key %s: %w", printablePath(failure.Path), failure.Err)
}

// incomplete is the error of a comparison that is not whole.
func (d *differ) incomplete() error {
	names := d.names()
	err := fmt.Errorf("%s and %s: %s could not be compared", names[0], names[1], plural(d.failed, "thing", "things"))
	return hinted(err, "%s check lists what is wrong with a hive", programName)
}
