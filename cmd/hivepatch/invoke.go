package main

import (
	"flag"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// invoke runs what an arranged command line says. App.Run would do it too, but
// whatever calls that has the template engine for the help of cli in it, which
// looks up methods by name: the linker then leaves out no method of any type,
// and the program is larger by a sixth.
func invoke(env *environment, app *cli.App, words []string) error {
	root, err := newContext(app, app.Flags, words)
	switch {
	case err != nil:
		return err
	case root.Bool(helpName):
		return printAppHelp(env.stdout, app)
	case root.NArg() == 0:
		return runRoot(env, root)
	}
	command := app.Command(root.Args().First())
	if command == nil {
		return unknownCommand(app, root.Args().First())
	}
	words = root.Args().Tail()
	if command.SkipFlagParsing {
		words = append([]string{"--"}, words...)
	}
	c, err := newContext(app, allFlags(command.Flags), words)
	if err != nil {
		return err
	}
	if c.Bool(helpName) {
		return printCommandHelp(env.stdout, command)
	}
	c.Command = command
	if findFlag(command.Flags, "report") != nil {
		return withReceipt(env, command.Action)(c)
	}
	return command.Action(c)
}

// newContext parses the flags at the start of words; the rest are the arguments.
func newContext(app *cli.App, flags []cli.Flag, words []string) (*cli.Context, error) {
	set := flag.NewFlagSet(programName, flag.ContinueOnError)
	set.SetOutput(io.Discard) // what it says, its error says too
	lists := map[string]*listValue{}
	for _, known := range flags {
		if name := known.Names()[0]; isRepeatable(known) {
			lists[name] = &listValue{}
			set.Var(lists[name], name, "")
		} else if err := known.Apply(set); err != nil {
			return nil, err
		}
	}
	if err := set.Parse(words); err != nil {
		return nil, usagef("%s", err)
	}
	for name, values := range lists {
		set.Lookup(name).Value = cli.NewStringSlice(*values...)
	}
	return cli.NewContext(app, set, nil), nil
}

// listValue collects the values of a flag that may be given more than once as
// they stand: cli would separate them at commas, which a path may have.
type listValue []string

func (l *listValue) String() string { return strings.Join(*l, " ") }

func (l *listValue) Set(value string) error {
	*l = append(*l, value)
	return nil
}
