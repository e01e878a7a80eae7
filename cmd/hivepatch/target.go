package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

// standardStream as TARGET is standard input, as output standard output.
const standardStream = "-"

// targetOptions say which hive is meant and what to do with its logs.
type targetOptions struct {
	path       string         // TARGET, as it was given
	hive       hivefile.Place // where the hive lies
	logs       []string
	ignoreLogs bool
	room       int  // bytes by which the hive is expected to grow
	noDigest   bool // of the old hive: nobody is told it
	volume     volumeOptions
	place      *placement // of the new hive, where that replaces this one
}

// The flags that are made with logFlag and ignoreLogsFlag are read by
// readTarget.
func logFlag() cli.Flag {
	return listFlag(headingInput, "log", "take `FILE` as a transaction log, instead of those beside TARGET; once for each")
}

func ignoreLogsFlag(usage string) cli.Flag {
	return boolFlag(headingInput, "ignore-logs", usage)
}

func readTarget(env *environment, c *cli.Context) (targetOptions, error) {
	if c.NArg() > 1 {
		return targetOptions{}, usagef("one TARGET, not %d: %q", c.NArg(), c.Args().Slice())
	}
	return newTarget(env, c)
}

// newTarget takes the first argument for the TARGET.
func newTarget(env *environment, c *cli.Context) (targetOptions, error) {
	o := targetOptions{path: c.Args().First(), logs: c.StringSlice("log"), ignoreLogs: c.Bool("ignore-logs")}
	switch {
	case c.NArg() == 0:
		return o, hinted(usagef("no TARGET given"), "%s, where TARGET is a hive file, the folder of a Windows, a disk image, or - for standard input", c.Command.UsageText)
	case o.path == "":
		return o, usagef("TARGET is empty")
	case len(o.logs) > 0 && o.ignoreLogs:
		return o, usagef("--log and --ignore-logs exclude each other")
	}
	return o, openTargets(env, c, &o)
}

// load reads the hive for a command that writes one. It is always tolerant:
// damage is for the check to find, all of it and not the first.
func (o targetOptions) load(env *environment, recovery hivefile.Recovery) (*hivefile.File, error) {
	if err := o.refuseUnfinished(); err != nil {
		return nil, err
	}
	if o.place != nil {
		if err := o.checkPlace(); err != nil {
			return nil, err
		}
		if err := o.place.lock(env, o.hive); err != nil {
			return nil, o.wrap(err)
		}
	}
	file, err := o.loadAs(hivefile.LoadOptions{Recovery: recovery, Room: o.room, NoDigest: o.noDigest})
	env.limitMemory(file)
	o.warnOfWinPE(env, file)
	if err != nil {
		return file, err
	}
	return file, env.loaded(file)
}

// checkPlace refuses what cannot be done to the place of a hive.
func (o targetOptions) checkPlace() error {
	switch {
	case o.path == standardStream:
		return usagef("--in-place needs a TARGET that is a file: standard input has no place")
	case o.isInImage() && o.place.options.CleanLogs:
		return hinted(usagef("--clean-logs would change the file system in an image, of which nothing but the hive is written"),
			"Windows sees by their numbers that the logs are older than the hive")
	}
	return nil
}

// look reads the hive for a command that writes none.
func (o targetOptions) look(env *environment) (*hivefile.File, error) {
	return o.lookAs(env, hivefile.LoadOptions{Recovery: hivefile.RecoverIfPossible, NoDigest: true})
}

func (o targetOptions) lookAs(env *environment, options hivefile.LoadOptions) (*hivefile.File, error) {
	file, err := o.loadAs(options)
	env.limitMemory(file)
	o.warnOfUnfinished(env, file)
	o.warnOfWinPE(env, file)
	return file, err
}

func (o targetOptions) loadAs(options hivefile.LoadOptions) (*hivefile.File, error) {
	options.Logs, options.Tolerant = o.logs, true
	if o.ignoreLogs {
		options.Recovery = hivefile.IgnoreLogs
	}
	file, err := o.hive.Load(options)
	return file, o.wrap(err)
}

// wrap says which hive an error is about, unless it says that itself.
func (o targetOptions) wrap(err error) error {
	if err == nil || isUsage(err) {
		return err
	}
	if o.isLost(err) {
		return hinted(err, "%s", hintLost(o.path))
	}
	for _, known := range []error{
		hive.ErrNotHive, hive.ErrDirty, hive.ErrCorrupt, hive.ErrReadOnly, hive.ErrTooLarge, hive.ErrNotFound,
		hive.ErrExists, hive.ErrName, hive.ErrProtected, hive.ErrDescriptor,
	} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", o.name(), err)
		}
	}
	if isRefused(err) && !namesFile(err) {
		return fmt.Errorf("%s: %w", o.name(), err)
	}
	return err
}

// isLost reports whether an error is that there is no such hive, although it has a
// backup.
func (o targetOptions) isLost(err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if _, err := os.Lstat(o.path); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	backups, err := hivefile.FindBackups(o.path)
	return err == nil && len(backups) > 0
}

// namesFile reports whether an error is one of reading or writing files, all of
// which name them.
func namesFile(err error) bool {
	for _, known := range []error{hivefile.ErrExists, hivefile.ErrIsInput, hivefile.ErrInUse, hivefile.ErrChanged, hivefile.ErrAmbiguousLog} {
		if errors.Is(err, known) {
			return true
		}
	}
	return isImageRefusal(err)
}

// name is what messages call the target.
func (o targetOptions) name() string { return o.hive.Name() }

// tellLoad tells what was read.
func tellLoad(r *reporter, file *hivefile.File) {
	if !r.verbose {
		return
	}
	r.note("read %s: %d bytes", file.Name(), file.Size)
	for _, log := range file.Logs {
		switch {
		case log.Problem != "":
			r.note("log %s: %s", log.Name, log.Problem)
		case log.Entries == 0:
			r.note("log %s: no entries", log.Name)
		default:
			r.note("log %s: %s, %d to %d", log.Name, plural(log.Entries, "entry", "entries"), log.First, log.Last)
		}
	}
	if file.Dirty == "" {
		r.note("the hive is clean")
		return
	}
	r.note("the hive is dirty: %s", file.Dirty)
	if file.Unrecovered != nil {
		r.note("not recovered: %s", file.Unrecovered)
		return
	}
	plan := file.Hive.Recovery()
	for _, skipped := range plan.Skipped {
		r.note("log %s was left out: %s", skipped.Log, skipped.Reason)
	}
	for _, entry := range plan.Entries {
		r.note("entry %d of %s was applied: %s", entry.Sequence, entry.Log, plural(len(entry.Pages), "page run", "page runs"))
	}
}

// largeHive is the size from which memory is given back between the stages of
// the work, in bytes. Below it is not worth the time.
const largeHive = 64 << 20

// stages tells the progress of the work on a hive. Between its stages what the
// last one used is given back, since each makes a hive of its own.
func stages(p *progress, file *hivefile.File) func(what string) {
	return func(what string) {
		p.step(what)
		if file.Size >= largeHive {
			debug.FreeOSMemory()
		}
	}
}
