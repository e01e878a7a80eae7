package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
	"hivepatch/patch"
)

const doctorDescription = `Looks at a Windows that does not run and says on one page what machine it is,
whether its SYSTEM hive can be worked on, what SharedSection is and what Windows
makes of it, which complaints that can explain and which not, and which command
to run next. Nothing is written.

TARGET is the root of a Windows volume, its Windows folder, a SYSTEM hive, or -
for standard input. Of a hive file that lies where Windows has it the rest is
looked at too.

The exit code is 4 where the hive is damaged so that Windows refuses it, or is
dirty without logs that apply, and where Windows does not start with the value.

Examples:
   hivepatch doctor D:\
   hivepatch doctor /mnt/win
   hivepatch doctor SYSTEM --json`

// doctorOptions are the options of the command doctor.
type doctorOptions struct {
	target targetOptions
	report reportOptions
}

func newDoctorCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Usage:       "say what is wrong with a Windows and what to do",
		UsageText:   "hivepatch doctor TARGET [options]",
		Description: doctorDescription,
		Flags:       slices.Concat(imageFlags(), []cli.Flag{logFlag(), ignoreLogsFlag("look at a dirty hive as it stands")}, reportFlags()),
		Action: func(c *cli.Context) error {
			var o doctorOptions
			var err error
			if o.target, err = readTarget(env, c); err != nil {
				return err
			}
			if o.report, err = readReportOptions(c); err != nil {
				return err
			}
			return runDoctor(env, o)
		},
	}
}

func runDoctor(env *environment, o doctorOptions) error {
	r := newReporter(env.stdout, env.stderr, o.report)
	d, err := examine(env, r, o.target)
	if err != nil {
		return err
	}
	if d.failure != nil && !isDamage(d.failure) {
		return d.failure
	}
	if r.json {
		err = r.object(d)
	} else {
		printDoctor(r, d)
	}
	if err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	switch {
	case d.failure != nil:
		return d.failure
	case !d.isSound() || d.stopped() != nil:
		return errFindings
	}
	return nil
}

// examine finds out all that the page says.
func examine(env *environment, r *reporter, target targetOptions) (*diagnosis, error) {
	d := newDiagnosis(target)
	d.tried = trial(target)
	if target.path != standardStream {
		if err := d.lookAround(env, target); err != nil {
			return nil, err
		}
	}
	d.lookAtHive(env, r, target)
	return d.conclude(), nil
}

// lookAround looks at what lies around the hive.
func (d *diagnosis) lookAround(env *environment, target targetOptions) error {
	d.inWindows = target.volume.volume != nil || locate.LiesInWindows(target.path)
	d.Hibernation = newHibernationReport(target.checkHibernation())
	if target.isInImage() {
		d.lookAtImage(target)
	}
	v := target.volume.volume
	if v == nil {
		var err error
		if v, err = openFolder(env, filepath.Dir(target.path)); err != nil {
			return err
		}
	}
	var err error
	if d.ReadOnly, err = v.readOnly(); err != nil {
		d.warn("%s", err)
	}
	switch {
	case target.volume.volume != nil:
		for _, c := range v.Copies(locate.System) {
			d.Copies = append(d.Copies, v.FullPath(c.Path))
		}
		d.lookAtInstallation(v.Volume, target.volume.candidate.Installation)
	case v.Layout == locate.ConfigFolder && strings.EqualFold(filepath.Base(target.path), string(locate.System)):
		// Of a file of another name one cannot know what lies beside it.
		d.lookAtInstallation(v.Volume, ".")
	}
	return nil
}

// lookAtImage finds out what keeps the hive from being written in its image.
func (d *diagnosis) lookAtImage(target targetOptions) {
	if err := target.checkClean(); err != nil {
		d.VolumeDirty = whyDirty(err)
	}
	d.WhyNotInPlace = target.volume.volume.whyNotInPlace(target.volume.candidate)
}

func (d *diagnosis) lookAtInstallation(v *locate.Volume, path string) {
	machine := newMachineReport(v.Facts(locate.Installation{Path: path}))
	d.Machine = &machine
}

// lookAtHive reads and checks the hive.
func (d *diagnosis) lookAtHive(env *environment, r *reporter, target targetOptions) {
	file, err := target.loadAs(hivefile.LoadOptions{Recovery: hivefile.RecoverIfPossible, NoDigest: true})
	env.limitMemory(file)
	if err != nil {
		d.failure, d.Failure = err, err.Error()
		return
	}
	tellLoad(r, file)
	counts := map[check.Level]int{}
	check.Bytes(file.Hive.Bytes(), func(f check.Finding) {
		if file.Unrecovered == nil || f.Code != check.CodeSequence && f.Code != check.CodeChecksum { // that is its dirtiness
			counts[f.Level]++
		}
	})
	d.Findings = &edit.Counts{
		Fatal: counts[check.Fatal], Limited: counts[check.Limited], Convention: counts[check.Convention], Warning: counts[check.Warning],
	}
	d.Dirty = file.Dirty
	if file.Unrecovered != nil {
		d.Unrecovered, d.half = file.Unrecovered.Error(), errors.Is(file.Unrecovered, hivefile.ErrHalfWritten)
	}
	if d.Machine == nil {
		facts := &locate.Facts{}
		facts.AddSystem(file.Hive)
		machine := newMachineReport(facts)
		d.Machine = &machine
	}
	overview, err := patch.Show(file)
	if err != nil {
		d.warn("%s", err)
		return
	}
	d.Hive, d.ControlSets = &overview.Hive, overview.ControlSets
	if len(d.ControlSets) == 0 {
		return // and no wonder that Select is not there either
	}
	for _, warning := range overview.Warnings {
		if d.Unrecovered == "" || !strings.Contains(warning, d.Unrecovered) { // the page has it already
			d.warn("%s", warning)
		}
	}
}

// isDamage reports whether an error of reading a hive comes from the hive and
// not from the way to it.
func isDamage(err error) bool {
	_, refused := errors.AsType[*edit.RefusedError](err)
	return !refused && !namesFile(err) && !errors.Is(err, hivefile.ErrNotRegular) && !errors.Is(err, fs.ErrNotExist)
}

func (d *diagnosis) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}
