package main

import (
	"slices"
	"strconv"
	"strings"

	"hivepatch/hive/edit"
	"hivepatch/patch"
)

// diagnosis is what doctor found out. Its JSON form is a contract with scripts.
type diagnosis struct {
	Target   string           `json:"target"`
	HivePath string           `json:"hive_path"` // "-" for standard input
	Machine  *machineReport   `json:"machine"`   // null where nothing could be read
	Hive     *patch.HiveState `json:"hive"`      // null where it cannot be read

	ReadOnly      bool               `json:"read_only"`
	Hibernation   *hibernationReport `json:"hibernation"`      // null where Windows is shut down
	VolumeDirty   string             `json:"volume_dirty"`     // why that of an image was not cleanly shut down, "" where it was
	WhyNotInPlace string             `json:"why_not_in_place"` // of a hive in an image, "" where it can be written there
	Dirty         string             `json:"dirty"`            // why the hive needs recovery, "" for a clean one
	Unrecovered   string             `json:"unrecovered"`      // why its logs do not allow that
	Findings      *edit.Counts       `json:"findings"`         // of the check, but for dirtiness; null where it could not be made
	Failure       string             `json:"failure"`          // why the hive cannot be read
	Copies        []string           `json:"copies"`           // of the hive, in the same volume

	ControlSets []patch.SetState `json:"control_sets"`
	Symptoms    []symptom        `json:"symptoms"`
	Next        []step           `json:"next"`
	Warnings    []string         `json:"warnings"`

	words     []string // that name the hive on a command line
	target    []string // that name TARGET
	inImage   bool     // the hive lies in the image of a disk
	failure   error
	tried     func(proposal) error // why a change would be refused, nil where it would not
	half      bool                 // the hive is half written
	inWindows bool                 // the hive lies where Windows has it
}

// symptom is a complaint, and whether the sizes of the heaps can explain it.
type symptom struct {
	Complaint string `json:"complaint"`
	Fit       fit    `json:"fit"`
	Why       string `json:"why"`
}

// fit is how well a complaint goes with what is in the hive.
type fit string

const (
	fits       fit = "fits"
	mayFit     fit = "may fit"
	doesNotFit fit = "does not fit"
)

// step is something to do.
type step struct {
	What    string `json:"what"`
	Command string `json:"command"` // "" where there is none
}

func newDiagnosis(target targetOptions) *diagnosis {
	path := target.name()
	if target.path == standardStream {
		path = standardStream
	}
	words, targetWords := []string{path}, []string{target.path}
	if target.isInImage() {
		words = target.volume.volume.inImage.words()
		targetWords = words
	}
	return &diagnosis{
		Target: target.path, HivePath: path, words: words, target: targetWords, inImage: target.isInImage(),
		Copies: []string{}, ControlSets: []patch.SetState{}, Symptoms: []symptom{}, Next: []step{}, Warnings: []string{},
	}
}

// conclude draws the conclusions from what was found.
func (d *diagnosis) conclude() *diagnosis {
	if set := d.set(); set != nil {
		d.Symptoms = d.symptoms(set)
	}
	d.Next = d.steps()
	return d
}

// set is the control set that Windows starts with, or the one that it ran with,
// nil where none of them has the value.
func (d *diagnosis) set() *patch.SetState {
	for _, role := range []string{patch.RoleDefault, patch.RoleCurrent} {
		for i, set := range d.ControlSets {
			if slices.Contains(set.Roles, role) && set.Effective != nil {
				return &d.ControlSets[i]
			}
		}
	}
	return nil
}

// stopped is the control set with which Windows does not start, nil where it
// does or nothing is known.
func (d *diagnosis) stopped() *patch.SetState {
	if set := d.set(); set != nil && !set.Effective.Boots {
		return set
	}
	return nil
}

// isSound reports whether Windows takes the hive, and it is as Windows last had
// it.
func (d *diagnosis) isSound() bool {
	return d.Findings != nil && d.Findings.Fatal == 0 && d.Unrecovered == ""
}

// isLegacy reports whether the Windows is one before Vista, whose desktops share
// one space of fixed size. Where SOFTWARE does not tell, the command line of
// csrss does: sxssrv is newer.
func (d *diagnosis) isLegacy(set *patch.SetState) bool {
	if set.Budget == nil || set.Budget.LegacyDesktops == nil {
		return false
	}
	if d.Machine != nil && d.Machine.Version != "" {
		major, _, _ := strings.Cut(d.Machine.Version, ".")
		number, err := strconv.Atoi(major)
		return err == nil && number < 6
	}
	return !strings.Contains(strings.ToLower(set.Value), "=sxssrv,")
}

// bits are those of the Windows, 0 where they are not known.
func (d *diagnosis) bits() int {
	if d.Machine == nil {
		return 0
	}
	return d.Machine.Bits
}
