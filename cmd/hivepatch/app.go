package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"
)

const programName = "hivepatch"

// version is set by the linker in a release: -ldflags "-X main.version=v1.2.3".
var version string

// environment is what the program has from the system that it runs on.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time

	atEnd []func() // what gives back what a run holds
}

// end gives back what the run holds.
func (env *environment) end() {
	for _, giveBack := range env.atEnd {
		giveBack()
	}
	env.atEnd = nil
}

// run runs the program and returns its exit code.
func run(env *environment, arguments []string) (code int) {
	defer func() {
		// A panic must not look like a usage error, whose code Go gives it.
		if fault := recover(); fault != nil {
			fmt.Fprintf(env.stderr, "%s: internal error: %v\n%s", programName, fault, debug.Stack())
			code = exitFailed
		}
	}()
	defer env.end()
	err := runApp(env, arguments)
	printError(env.stderr, err)
	return exitCode(err)
}

func runApp(env *environment, arguments []string) error {
	app := newApp(env)
	arranged, err := arrange(app, arguments)
	if err != nil {
		return err
	}
	return app.Run(append([]string{programName}, arranged...))
}

const appDescription = `Reads, edits, compares and mends the registry hives of a Windows that is not
running: it takes hive files, with their transaction logs, and writes new ones.
The file that it reads is changed with --in-place only, and then a backup of it
is kept beside it, unless --no-backup is given.

TARGET is a hive file, or - for standard input, or a folder: the root of a
Windows volume, or its Windows folder, in which the hive SYSTEM is taken, or the
one that --hive and --user name. Options may stand before or after TARGET; --
ends them.

Exit codes:
   0  done, or nothing to do
   1  failed: I/O error, not a hive, not found; with diff --exit-code also: the
      hives differ
   2  wrong usage
   3  refused because it would be unsafe; the message names the option that
      overrides it, where one may
   4  check found problems of level F or L, or verify differences`

func newApp(env *environment) *cli.App {
	app := &cli.App{
		Name:        programName,
		HelpName:    programName,
		Usage:       "reads, edits, compares and mends offline Windows registry hives",
		UsageText:   "hivepatch COMMAND TARGET [options]",
		Description: appDescription,
		Version:     programVersion(),
		Flags:       []cli.Flag{boolFlag("", "version", "print the version"), cli.HelpFlag},
		Commands: append([]*cli.Command{
			newShowCommand(env),
			newPatchCommand(env),
			newCheckCommand(env),
			newRecoverCommand(env),
			newSetCommand(env),
			newRmCommand(env),
			newMkkeyCommand(env),
			newMvCommand(env),
			newNewCommand(env),
			newCompactCommand(env),
			newSalvageCommand(env),
			newUndeleteCommand(env),
			newInfoCommand(env),
			newLsCommand(env),
			newGetCommand(env),
			newFindCommand(env),
			newExportCommand(env),
			newImportCommand(env),
			newDiffCommand(env),
			newApplyCommand(env),
			newVerifyCommand(env),
			newLocateCommand(env),
			newDoctorCommand(env),
			newRestoreCommand(env),
			newHelpCommand(env),
			newCompletionCommand(env),
			newCompleteCommand(env),
		}, manCommands(env)...),
		Action:          func(c *cli.Context) error { return runRoot(env, c) },
		Reader:          env.stdin,
		Writer:          env.stdout,
		ErrWriter:       env.stderr,
		HideHelpCommand: true, // ours takes an argument and knows its errors
		HideVersion:     true, // else -v were the version

		DisableSliceFlagSeparator: true, // a path may have commas

		// Errors go through run: cli would print them and exit by itself.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   onUsageError,
	}
	for _, command := range app.Commands {
		// Without this every command has subcommands help and h, and a hive
		// named h could not be opened.
		command.HideHelpCommand = true
		command.OnUsageError = onUsageError
	}
	app.Setup()
	return app
}

func onUsageError(_ *cli.Context, err error, _ bool) error {
	return usagef("%s", err)
}

// runRoot is what happens without a command.
func runRoot(env *environment, c *cli.Context) error {
	if c.Bool("version") {
		_, err := fmt.Fprintf(env.stdout, "%s %s\n", programName, c.App.Version)
		return err
	}
	c.App.Writer = env.stderr
	if err := cli.ShowAppHelp(c); err != nil {
		return err
	}
	return usagef("no command given")
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func newHelpCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show help for a command",
		UsageText: "hivepatch help [COMMAND]",
		Action: func(c *cli.Context) error {
			return runHelp(env, c.App, c.Args().Slice())
		},
	}
}

func runHelp(env *environment, app *cli.App, arguments []string) error {
	switch len(arguments) {
	case 0:
		return app.Run([]string{programName, "--help"})
	case 1:
		command := app.Command(arguments[0])
		if command == nil {
			return unknownCommand(app, arguments[0])
		}
		return app.Run([]string{programName, command.Name, "--help"})
	}
	return usagef("help takes one command, not %d", len(arguments))
}
