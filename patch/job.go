package patch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// Request is what is to be done to a hive.
type Request struct {
	Edit        EditRequest
	ControlSet  string            // selection, see [ControlSets.Choose]
	AllowDamage bool              // go on where damage lies outside of what is edited
	Time        time.Time         // for the last write time of keys and of the hive
	Stage       func(what string) // see edit.Request
}

// Apply does the job on a loaded hive, in memory, by the safe course of package
// edit: it edits the value in the chosen control sets, and asks for a second
// opinion before and after. The hive is to be saved when Apply returns no error,
// and to be dropped otherwise.
//
// It returns a RefusedError, edit.DamageError, UsageError, or an error that wraps
// hive.ErrNotFound, hive.ErrReadOnly, hive.ErrTooLarge or hive.ErrCorrupt.
func Apply(file *hivefile.File, request Request) (*Report, error) {
	j := &job{request: request}
	course := edit.Request{AllowDamage: request.AllowDamage, Time: request.Time, Stage: request.Stage}
	outcome, err := edit.Apply(file, course, j.run)
	if err != nil {
		return nil, err
	}
	return j.report(outcome), nil
}

// job is the state of one Apply.
type job struct {
	draft   *edit.Draft
	request Request
	sets    []ControlSet
	changes []change
}

// change is what becomes of the value in one control set.
type change struct {
	set           ControlSet
	stored        *hive.Value
	before, after Value
	result        Edited
}

// run does the job between the checks before and after.
func (j *job) run(draft *edit.Draft) error {
	j.draft = draft
	for _, step := range []func() error{j.choose, j.announce, j.opinion, j.plan, j.edit} {
		if err := step(); err != nil {
			return err
		}
	}
	draft.Verify("read-back", j.readBack)
	if !draft.Damaged() {
		draft.Verify("regparser", j.opinionAfter)
	}
	return nil
}

func (j *job) choose() error {
	sets, err := ReadControlSets(j.draft.Hive)
	if err != nil {
		return err
	}
	j.sets, err = sets.Choose(j.request.ControlSet)
	for _, warning := range sets.Warnings {
		j.draft.Warn("%s", warning)
	}
	return err
}

// announce names what must not be damaged: the edited keys, and Select where it
// says which they are.
func (j *job) announce() error {
	var keys []*hive.Key
	for _, set := range j.sets {
		key, err := set.subSystems()
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	if _, numbered := parseNumber(j.request.ControlSet); !numbered {
		key, err := j.draft.Hive.Key(selectName)
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	return j.draft.Need(keys...)
}

// opinion asks the second reader, which is no judge of a damaged hive.
func (j *job) opinion() error {
	if j.draft.Damaged() {
		return nil
	}
	for _, set := range j.sets {
		if _, _, err := set.value(); err != nil {
			return err
		}
	}
	return secondOpinion(j.draft.Hive, j.sets)
}

// plan works out all changes before the first one is made.
func (j *job) plan() error {
	for _, set := range j.sets {
		stored, value, err := set.value()
		if err != nil {
			return err
		}
		request := j.request.Edit
		if request.System.Bits == 0 {
			request.System.Bits = set.bits()
		}
		result, err := value.Edit(request)
		if err != nil {
			return fmt.Errorf("%s: %w", set.Name(), err)
		}
		j.changes = append(j.changes, change{set, stored, value, result.Value, result})
		j.warnAbout(set, result)
	}
	return nil
}

func (j *job) warnAbout(set ControlSet, result Edited) {
	for _, reason := range result.Overridden {
		j.draft.Warn("%s: forced: %s", set.Name(), reason)
	}
	for _, fault := range result.Mended {
		j.draft.Warn("%s: mended: %s", set.Name(), fault.Message)
	}
	for _, finding := range result.Findings {
		if finding.Severity >= SeverityWarning {
			j.draft.Warn("%s: %s", set.Name(), finding.Message)
		}
	}
}

func (j *job) edit() error {
	changed := slices.DeleteFunc(slices.Clone(j.changes), func(c change) bool { return !c.result.Changed })
	for _, c := range changed {
		j.draft.ValuesOnly(c.stored.Key())
	}
	for _, c := range changed {
		if err := c.stored.SetData(hive.Type(c.after.Type()), c.after.Data(), j.request.Time); err != nil {
			return fmt.Errorf("%s: %w", c.set.Name(), err)
		}
	}
	return nil
}

// readBack reads the values from the bytes that will be saved.
func (j *job) readBack(written *hive.Hive) error {
	sets, err := ReadControlSets(written)
	if err != nil {
		return fmt.Errorf("the edited hive cannot be read back, nothing was saved: %w", err)
	}
	for _, c := range j.changes {
		set, ok := sets.byNumber(c.set.Number)
		if !ok {
			return errors.New("the edited hive has lost a control set, nothing was saved")
		}
		_, value, err := set.value()
		if err != nil {
			return fmt.Errorf("the edited value cannot be read back, nothing was saved: %w", err)
		}
		if !value.equal(c.after) {
			return fmt.Errorf("%s: the value read back is not the one written, nothing was saved", c.set.Name())
		}
	}
	return nil
}

func (j *job) opinionAfter(written *hive.Hive) error {
	sets, err := ReadControlSets(written)
	if err != nil {
		return err
	}
	return secondOpinion(written, sets.withNumbers(j.sets))
}

func (c *ControlSets) withNumbers(chosen []ControlSet) []ControlSet {
	var sets []ControlSet
	for _, set := range chosen {
		if own, ok := c.byNumber(set.Number); ok {
			sets = append(sets, own)
		}
	}
	return sets
}

func (j *job) report(outcome *edit.Outcome) *Report {
	r := &Report{Outcome: *outcome}
	for _, c := range j.changes {
		r.ControlSets = append(r.ControlSets, SetChange{c.set.Name(), c.before.sectionText(), c.after.sectionText()})
	}
	return r
}
