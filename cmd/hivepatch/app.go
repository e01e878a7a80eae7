package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/receipt"
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

	interruption
	atEnd []func() error // what gives back what a run holds

	memory  *memoryLimit // nil before the first hive
	allowed int64        // of that to this run, in bytes

	receipts  *receiptFile     // nil where none are asked for
	receipt   *receipt.Receipt // of this run
	receipted *receipt.Hive    // the hive in it that is being worked on

	// Of the run for one target of a batch:
	stopped context.Context // done when the batch is to end; nil elsewhere
	summary []string        // what became of the target, in a few words
}

// sum adds to the summary of what became of the target.
func (env *environment) sum(format string, args ...any) {
	env.summary = append(env.summary, printable(fmt.Sprintf(format, args...)))
}

// end gives back what the run holds. It returns an error where that shows that
// the run has failed after all.
func (env *environment) end() error {
	var failed []error
	for _, giveBack := range env.atEnd {
		failed = append(failed, giveBack())
	}
	env.atEnd = nil
	if env.memory != nil {
		env.allowMemory(0)
	}
	return errors.Join(failed...)
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
	defer env.end() // where there was a panic
	err := runApp(env, arguments)
	env.awaitDeath()
	if endErr := env.end(); err == nil {
		err = endErr
	}
	printError(env.stderr, err)
	return exitCode(err)
}

func runApp(env *environment, arguments []string) error {
	app := newApp(env)
	arranged, err := arrange(app, arguments)
	if err != nil {
		return err
	}
	return invoke(env, app, arranged)
}

const appDescription = `Reads, edits, compares and mends the registry hives of a Windows that is not
running: it takes hive files, with their transaction logs, and writes new ones.
The file that it reads is changed with --in-place only, and then a backup of the
hive is kept beside it, unless --no-backup is given or it lies in an image.

TARGET is a hive file, or - for standard input, or a folder: the root of a
Windows volume, or its Windows folder, in which the hive SYSTEM is taken, or the
one that --hive and --user name. So it is with the image of a disk, or a block
device, which needs no mount: raw, VHD, and through QEMU qcow2, VHDX, VMDK, VDI.
Options may stand before or after TARGET; -- ends them.

Exit codes:
   0  done, or nothing to do
   1  failed: I/O error, not a hive, not found; with diff --exit-code also: the
      hives differ
   2  wrong usage
   3  refused because it would be unsafe; the message names the option that
      overrides it, where one may
   4  check found problems of level F or L, verify differences, or doctor what
      keeps Windows from starting

Interrupted (Ctrl-C, SIGTERM), the program ends by that signal. A file that is
being written is completed before, and none is left half written.`

func newApp(env *environment) *cli.App {
	return &cli.App{
		Name:        programName,
		HelpName:    programName,
		Usage:       "reads, edits, compares and mends offline Windows registry hives",
		UsageText:   "hivepatch COMMAND TARGET [options]",
		Description: appDescription,
		Version:     programVersion(),
		Flags:       []cli.Flag{boolFlag("", "version", "print the version"), helpFlag()},
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
			newSchemaCommand(env),
			newExtractCommand(env),
			newRollbackCommand(env),
			newHelpCommand(env),
			newCompletionCommand(env),
			newCompleteCommand(env),
		}, manCommands(env)...),
	}
}

// runRoot is what happens without a command.
func runRoot(env *environment, c *cli.Context) error {
	if c.Bool("version") {
		_, err := fmt.Fprintf(env.stdout, "%s %s\n", programName, c.App.Version)
		return err
	}
	if err := printAppHelp(env.stderr, c.App); err != nil {
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
