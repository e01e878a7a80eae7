package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

const restoreDescription = `Puts a hive and its transaction logs back as they were before a change with
--in-place. TARGET is the hive, and the newest backup beside it is taken, or
that of --backup; or TARGET is a backup, NAME.YYYYMMDDTHHMMSSZ.bak, and NAME
beside it is restored.

A hive that was left half written, because the program or the machine died while
it was written page by page, is restored from the backup of that change,
whichever is the newest.

The backup is checked first, and put in place all or nothing. What is replaced
becomes a backup itself, so that restoring once more undoes it, unless it was
half written. Logs beside the hive that are later than the backup are emptied:
Windows could one day take them for its own. They are kept with the backup of
what is replaced.

Examples:
   hivepatch restore SYSTEM
   hivepatch restore SYSTEM --list
   hivepatch restore SYSTEM.20260131T120000Z.bak --dry-run
   hivepatch restore SYSTEM --backup /backups/SYSTEM`

// restoreOptions are the options of the command restore.
type restoreOptions struct {
	target  targetOptions
	path    string // of the hive
	list    bool
	options hivefile.RestoreOptions
	report  reportOptions
}

func newRestoreCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "restore",
		Usage:       "put a hive and its logs back from a backup",
		UsageText:   "hivepatch restore TARGET [options]",
		Description: restoreDescription,
		Flags: slices.Concat(writingVolumeFlags(), []cli.Flag{
			stringFlag(headingInput, "backup", "restore from `FILE`, and the logs beside that"),
			boolFlag(headingInput, "force", "restore a backup that is damaged, or dirty without its logs"),
			boolFlag(headingOutput, "list", "list the backups beside TARGET and do nothing"),
			boolFlag(headingOutput, "dry-run", "do everything but write"),
			waitFlag(),
		}, reportFlags()),
		Action: func(c *cli.Context) error {
			options, err := readRestoreOptions(env, c)
			if err != nil {
				return err
			}
			if options.list {
				return runListBackups(env, options)
			}
			return runRestore(env, options)
		},
	}
}

func readRestoreOptions(env *environment, c *cli.Context) (o restoreOptions, err error) {
	if o.target, err = readTarget(env, c); err != nil {
		return o, err
	}
	if o.target.path == standardStream {
		return o, usagef("TARGET of restore is a file, not standard input")
	}
	if o.target.isInImage() {
		return o, hinted(usagef("TARGET of restore is a hive file or a folder, not an image"), "an interrupted write to an image is undone by %s rollback", programName)
	}
	o.path = o.target.name()
	if o.report, err = readReportOptions(c); err != nil {
		return o, err
	}
	o.list = c.Bool("list")
	o.options = hivefile.RestoreOptions{Backup: c.String("backup"), Force: c.Bool("force"), DryRun: c.Bool("dry-run"), Time: env.now()}
	if o.options.Wait, err = readWait(c); err != nil {
		return o, err
	}
	if name, _, ok := hivefile.ParseBackupName(filepath.Base(o.path)); ok && o.options.Backup == "" && !o.list {
		o.options.Backup = o.path
		o.path = filepath.Join(filepath.Dir(o.path), name)
	}
	return o, nil
}

// defaultWait is how long another hivepatch is waited for, in seconds.
const defaultWait = 10

// waitFlag is read by readWait.
func waitFlag() cli.Flag {
	return stringFlag(headingOutput, "wait", fmt.Sprintf("wait `SECONDS` for another hivepatch that is at work on the hive (default: %d)", defaultWait))
}

func readWait(c *cli.Context) (time.Duration, error) {
	text := c.String("wait")
	if text == "" {
		return defaultWait * time.Second, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, usagef("--wait %q is not a number of seconds", text)
	}
	return time.Duration(seconds) * time.Second, nil
}

// restoreReport is what restore tells; its JSON form is a contract with scripts.
type restoreReport struct {
	Target       string      `json:"target"`
	Backup       string      `json:"backup"` // that is restored
	Changed      bool        `json:"changed"`
	DryRun       bool        `json:"dry_run"`
	HalfWritten  bool        `json:"half_written"` // the hive was
	Created      bool        `json:"created"`      // there was no hive
	Way          string      `json:"way"`          // "none", "replace" or "pages"
	WhyPages     string      `json:"why_pages"`    // why not "replace"
	Replaced     *string     `json:"replaced"`     // backup of what was there until now
	KeptLogs     []string    `json:"kept_logs"`    // the logs of that
	RestoredLogs []string    `json:"restored_logs"`
	EmptiedLogs  []string    `json:"emptied_logs"`
	Size         int64       `json:"size"` // bytes
	SHA256       string      `json:"sha256"`
	Dirty        string      `json:"dirty"` // why the backup needs its logs; "" for a clean one
	Counts       edit.Counts `json:"counts"`
	Warnings     []string    `json:"warnings"`
}

func newRestoreReport(restored *hivefile.Restored, dryRun bool) *restoreReport {
	filled := func(list []string) []string { return append([]string{}, list...) }
	report := &restoreReport{
		Target: restored.Path, Backup: restored.From, Changed: restored.Changed, DryRun: dryRun,
		HalfWritten: restored.Mended, Created: restored.Created, Way: string(restored.Way), WhyPages: restored.WhyPages,
		KeptLogs: filled(restored.KeptLogs), RestoredLogs: filled(restored.LogsPut), EmptiedLogs: filled(restored.LogsGone),
		Size: restored.Size, SHA256: fmt.Sprintf("%x", restored.SHA256), Dirty: restored.Dirty,
		Counts: edit.Counts{
			Fatal: restored.Counts[check.Fatal], Limited: restored.Counts[check.Limited],
			Convention: restored.Counts[check.Convention], Warning: restored.Counts[check.Warning],
		},
		Warnings: filled(restored.Warnings),
	}
	if restored.Placed.Backup != "" {
		report.Replaced = &restored.Placed.Backup
	}
	return report
}

func runRestore(env *environment, o restoreOptions) error {
	if err := o.target.refuseUnfinished(); err != nil {
		return err
	}
	r := newReporter(env.stdout, env.stderr, o.report)
	var restored *hivefile.Restored
	err := env.whole(o.path, func(ctx context.Context) (err error) {
		restored, err = hivefile.Restore(ctx, o.path, o.options)
		return err
	})
	if err != nil {
		return explainRestore(err)
	}
	report := newRestoreReport(restored, o.options.DryRun)
	r.warnings(report.Warnings)
	if !r.json {
		printRestore(r, report)
	} else if err := r.object(report); err != nil {
		return err
	}
	return r.flush()
}

// explainRestore says what overrides an error.
func explainRestore(err error) error {
	if errors.Is(err, hivefile.ErrUnsound) || errors.Is(err, hive.ErrDirty) {
		return hinted(err, "--force restores it all the same; --backup FILE takes another one, and --list shows which there are")
	}
	return err
}

func printRestore(r *reporter, report *restoreReport) {
	r.line("backup:     %s", report.Backup)
	r.line("size:       %d bytes", report.Size)
	r.line("sha256:     %s", report.SHA256)
	if report.Dirty != "" {
		r.line("dirty:      %s", report.Dirty)
	}
	switch {
	case !report.Changed:
		r.line("nothing to restore: the hive and its logs are so already")
		return
	case report.DryRun:
		r.line("restored:   nothing, this is a dry run")
		return
	case report.Way == string(hivefile.WayNone):
		r.line("restored:   the logs of %s, which is so already", report.Target)
	default:
		r.line("restored:   %s", report.Target)
	}
	if report.WhyPages != "" {
		r.line("by pages:   %s", report.WhyPages)
	}
	printPaths(r, "logs:       %s restored", report.RestoredLogs)
	printPaths(r, "logs:       %s emptied", report.EmptiedLogs)
	switch {
	case report.HalfWritten:
		r.line("replaced:   a hive that was half written, of which no backup was made")
	case report.Created:
		r.line("replaced:   nothing, there was no such hive")
	case report.Replaced != nil:
		r.line("replaced:   kept as %s", *report.Replaced)
	}
	printPaths(r, "            %s", report.KeptLogs)
}

func printPaths(r *reporter, format string, paths []string) {
	for _, path := range paths {
		r.line(format, path)
	}
}

// listedBackup is a backup in JSON.
type listedBackup struct {
	Path string    `json:"path"`
	Time time.Time `json:"time"`
	Size int64     `json:"size"` // bytes
	Logs []string  `json:"logs"`
}

func runListBackups(env *environment, o restoreOptions) error {
	r := newReporter(env.stdout, env.stderr, o.report)
	found, err := hivefile.FindBackups(o.path)
	if err != nil {
		return err
	}
	backups := []listedBackup{}
	for _, backup := range found {
		info, err := os.Lstat(backup.Path)
		if err != nil {
			return err
		}
		logs, err := hivefile.FindLogs(backup.Path)
		if err != nil {
			return err
		}
		listed := listedBackup{Path: backup.Path, Time: backup.Time, Size: info.Size(), Logs: []string{}}
		for _, log := range logs {
			listed.Logs = append(listed.Logs, log.Path)
		}
		backups = append(backups, listed)
	}
	if r.json {
		if err := r.object(backups); err != nil {
			return err
		}
		return r.flush()
	}
	for _, backup := range backups {
		r.line("%s  %10d bytes  %s", backup.Time.Format(time.RFC3339), backup.Size, backup.Path)
		printPaths(r, "                                        %s", backup.Logs)
	}
	if len(backups) == 0 {
		r.line("no backups of %s", o.path)
	}
	return r.flush()
}
