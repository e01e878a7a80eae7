package main

import (
	"errors"
	"os"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/locate"
)

// locateReport is what locate found. Its JSON form is a contract with scripts.
type locateReport struct {
	Target        string               `json:"target"`
	Layout        locate.Layout        `json:"layout"` // "volume", "windows" or "config"
	ReadOnly      bool                 `json:"read_only"`
	Hibernation   *hibernationReport   `json:"hibernation"` // null where Windows is shut down
	Installations []installationReport `json:"installations"`
	Hives         []hiveReport         `json:"hives"`
	Warnings      []string             `json:"warnings"`
}

type hibernationReport struct {
	Path    string `json:"path"`
	Reason  string `json:"reason"`
	Unclear bool   `json:"unclear"` // it cannot be told whether Windows is hibernated
}

// installationReport is a Windows.
type installationReport struct {
	Path     string `json:"path"`
	Leftover bool   `json:"leftover"`
	machineReport
}

// machineReport is what the hives SYSTEM and SOFTWARE say about their Windows.
type machineReport struct {
	Windows      string             `json:"windows"` // in one line, "" where nothing is known
	Product      string             `json:"product"`
	Release      string             `json:"release"`
	Version      string             `json:"version"`
	Build        string             `json:"build"`
	Revision     uint32             `json:"revision"`
	Role         string             `json:"role"`
	Bits         int                `json:"bits"` // 0 where it is not known
	ComputerName string             `json:"computer_name"`
	ControlSets  []controlSetReport `json:"control_sets"`
	WinPE        string             `json:"winpe"` // what shows that it is Windows PE, "" for an installed Windows
	Problems     []string           `json:"problems"`
}

type controlSetReport struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

// hiveReport is a file that is a hive, or has the name of one.
type hiveReport struct {
	Kind         locate.Kind   `json:"kind"`
	User         string        `json:"user"`
	Origin       locate.Origin `json:"origin"`
	Installation string        `json:"installation"` // path of its Windows folder, "" for none
	Path         string        `json:"path"`
	Size         int64         `json:"size"`
	Clean        bool          `json:"clean"`
	Dirty        string        `json:"dirty"` // why it needs recovery, "" where it does not
	Logs         []logReport   `json:"logs"`
	Problem      string        `json:"problem"` // why it is no hive, "" for one

	// WhyNotInPlace says, of a hive in an image, why it cannot be written in
	// place; "" where it can.
	WhyNotInPlace string `json:"why_not_in_place"`
}

type logReport struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

func newMachineReport(f *locate.Facts) machineReport {
	m := machineReport{
		Windows: f.Windows(), Product: f.Product, Release: f.Release, Version: f.Version, Build: f.Build, Revision: f.Revision,
		Role: f.Role, Bits: f.Bits, ComputerName: f.ComputerName, ControlSets: []controlSetReport{},
		WinPE: f.WinPE, Problems: append([]string{}, f.Problems...),
	}
	for _, set := range f.ControlSets {
		m.ControlSets = append(m.ControlSets, controlSetReport{set.Name, append([]string{}, set.Roles...)})
	}
	return m
}

func newHiveReport(v *locate.Volume, c *locate.Candidate) hiveReport {
	h := hiveReport{
		Kind: c.Kind, User: c.User, Origin: c.Origin, Path: v.FullPath(c.Path), Size: c.Size,
		Clean: c.Err == nil && c.Dirty == "", Dirty: c.Dirty, Logs: []logReport{},
	}
	if c.Installation != "" {
		h.Installation = v.FullPath(c.Installation)
	}
	for _, log := range c.Logs {
		h.Logs = append(h.Logs, logReport{v.FullPath(log.Path), log.Size})
	}
	if c.Err != nil {
		h.Problem = c.Err.Error()
	}
	return h
}

func newHibernationReport(err error) *hibernationReport {
	hibernated, ok := errors.AsType[*locate.HibernationError](err)
	if !ok {
		return nil
	}
	return &hibernationReport{hibernated.Path, hibernated.Reason, hibernated.Unclear}
}

// newLocateReport looks through a volume.
func newLocateReport(env *environment, v *windowsVolume) *locateReport {
	survey := v.Survey()
	report := &locateReport{
		Target: v.Path, Layout: v.Layout,
		Installations: []installationReport{}, Hives: []hiveReport{}, Warnings: []string{},
	}
	report.look(v)
	limitLocateMemory(env, survey)
	for _, i := range survey.Installations {
		report.Installations = append(report.Installations, installationReport{v.FullPath(i.Path), i.Leftover, newMachineReport(v.Facts(i))})
	}
	for _, c := range survey.Candidates {
		hive := newHiveReport(v.Volume, &c)
		hive.WhyNotInPlace = v.whyNotInPlace(&c)
		report.Hives = append(report.Hives, hive)
	}
	for _, err := range survey.Problems {
		report.Warnings = append(report.Warnings, err.Error())
	}
	for _, i := range report.Installations {
		if i.WinPE != "" && !i.Leftover {
			report.Warnings = append(report.Warnings, winPEWarning(i.Path, i.WinPE))
		}
	}
	return report
}

// look tells what the volume is like.
func (l *locateReport) look(v *windowsVolume) {
	var err error
	if l.ReadOnly, err = v.readOnly(); err != nil {
		l.Warnings = append(l.Warnings, err.Error())
	}
	err = v.CheckHibernation()
	if l.Hibernation = newHibernationReport(err); err != nil && l.Hibernation == nil {
		l.Warnings = append(l.Warnings, err.Error())
	}
}

func winPEWarning(path, why string) string {
	return path + " belongs to a Windows PE, which a rescue system brings along, and not to an installed Windows: " + why
}

// limitLocateMemory is limitMemory for hives that are read one after the other.
func limitLocateMemory(env *environment, survey *locate.Survey) {
	largest := int64(0)
	for _, c := range survey.Candidates {
		if c.Kind == locate.System || c.Kind == locate.Software {
			largest = max(largest, c.Size)
		}
	}
	env.limitMemory(&hivefile.File{Size: largest})
}

// requireVolume explains to whoever gives a hive that something with hives in it
// is wanted.
func requireVolume(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return err
	}
	if isImage, err := diskimage.Recognize(path); err != nil || isImage {
		return err
	}
	return hinted(usagef("%s is neither a folder nor a disk image", path), "%s info tells about a hive file, and %s doctor what is wrong with its Windows", programName, programName)
}
