package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// batchCommand is a command that takes several targets. What it does to one is
// what it does without a batch.
type batchCommand struct {
	name  string
	flags func() []cli.Flag
	// leading are the names of the arguments before the targets.
	leading []string
	// begin does what is done once for all targets.
	begin func(env *environment, c *cli.Context) (*batchWork, error)
}

// batchWork is what a command does to each target. The context is that of one
// target, also where there are others.
type batchWork struct {
	// hives reads the options and tells which hives the command is about.
	hives func(env *environment, c *cli.Context) ([]targetOptions, error)
	act   func(env *environment, c *cli.Context) error
}

// newBatchWork makes the work of a command from how it reads its options, which
// hives these are about, and what it does with them.
func newBatchWork[options any](
	read func(*environment, *cli.Context) (options, error),
	hives func(*environment, options) ([]targetOptions, error),
	act func(*environment, options) error,
) *batchWork {
	return &batchWork{
		hives: func(env *environment, c *cli.Context) ([]targetOptions, error) {
			o, err := read(env, c)
			if err != nil {
				return nil, err
			}
			return hives(env, o)
		},
		act: func(env *environment, c *cli.Context) error {
			o, err := read(env, c)
			if err != nil {
				return err
			}
			return act(env, o)
		},
	}
}

// batchFlags are the flags of a command that takes several targets.
func batchFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag(headingBatch, "targets", "take the targets from the list `FILE`, or - for standard input: one in a line, or JSON lines with settings of their own"),
		stringFlag(headingBatch, "jobs", "work on `N` targets at once (default: three for each processor)"),
		boolFlag(headingBatch, "fail-fast", "begin with no other target once one has failed"),
	}
}

// run is the action of the command. A single TARGET without an option of batches
// is the plain command.
func (b *batchCommand) run(env *environment, c *cli.Context) error {
	if isBatch(c, len(b.leading)) {
		return runBatch(env, c, b)
	}
	work, err := b.begin(env, c)
	if err != nil {
		return err
	}
	return work.act(env, c)
}

// isBatch reports whether several targets are meant, or could be.
func isBatch(c *cli.Context, leading int) bool {
	several := c.NArg() > leading+1
	for _, flag := range batchFlags() {
		several = several || c.IsSet(flag.Names()[0])
	}
	return several
}

// targetList returns the targets of a batch, on the command line or in a list.
func (b *batchCommand) targetList(env *environment, c *cli.Context) (*targetList, error) {
	arguments := c.Args().Slice()
	if len(arguments) < len(b.leading) {
		return nil, hinted(usagef("no %s given", b.leading[len(arguments)]), "%s", c.Command.UsageText)
	}
	path, rest := c.String("targets"), arguments[len(b.leading):]
	switch {
	case path != "" && len(rest) > 0:
		return nil, hinted(usagef("--targets and targets on the command line exclude each other: %q", rest), "put them all in the list")
	case path == standardStream && slices.Contains(arguments, standardStream):
		return nil, usagef("the list of targets and %s cannot both be standard input", b.leading[0])
	case path != "":
		return readTargetList(env, path, b.flags())
	case len(rest) == 0:
		return nil, hinted(usagef("no TARGET given"), "%s; --targets FILE takes them from a list", c.Command.UsageText)
	}
	list := &targetList{}
	for _, path := range rest {
		list.targets = append(list.targets, listedTarget{path: path})
	}
	return list, nil
}

// checkShared checks the options that are not a matter of each target, and refuses
// those that are about one hive and can be no other's.
func checkShared(c *cli.Context, list *targetList) error {
	switch {
	case c.String("output") != "":
		return hinted(usagef("--output takes one hive, and these are several targets"),
			"--in-place replaces each and keeps a backup, --dry-run shows what would change; for new files run the command once for each")
	case len(list.targets) > 1 && c.String("backup") != "":
		return hinted(usagef("--backup takes one hive, and these are %d targets", len(list.targets)),
			"without it each backup lies beside its hive; in a list of JSON lines each target may have a \"backup\" of its own")
	case len(list.targets) > 1 && len(c.StringSlice("log")) > 0:
		return hinted(usagef("--log goes with one hive, and these are %d targets", len(list.targets)),
			"the logs beside each hive are taken; in a list of JSON lines each target may have a \"log\" of its own")
	case findFlag(c.Command.Flags, "dry-run") == nil:
		return nil // it writes nothing
	}
	_, err := readOutput(c)
	return err
}
