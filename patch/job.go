package patch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
)

// OverrideDamage is the flag that overrides a DamageError.
const OverrideDamage = "--allow-damage"

// Request is what is to be done to a hive.
type Request struct {
	Edit        EditRequest
	ControlSet  string    // selection, see [ControlSets.Choose]
	AllowDamage bool      // go on where damage lies outside of what is edited
	Time        time.Time // for the last write time of keys and of the hive
}

// Apply does the job on a loaded hive, in memory: it checks the hive, asks for
// a second opinion, edits the value in the chosen control sets, finishes the
// hive, and checks and reads back the result. The hive is to be saved when
// Apply returns no error, and to be dropped otherwise.
//
// It returns a RefusedError, DamageError, UsageError, or an error that wraps
// hive.ErrNotFound, hive.ErrReadOnly, hive.ErrTooLarge or hive.ErrCorrupt.
func Apply(file *hivefile.File, request Request) (*Report, error) {
	j := &job{file: file, hive: file.Hive, request: request}
	if err := j.run(j.hive.Editable, j.checkBefore, j.choose, j.inTheWay, j.opinion, j.edit, j.seal, j.readBack); err != nil {
		return nil, err
	}
	return j.report(), nil
}

// job is the state of one Apply.
type job struct {
	file    *hivefile.File
	hive    *hive.Hive
	request Request

	session    *check.Session
	before     Findings
	verifiedBy []string
	warnings   []string
	sets       []ControlSet
	edits      []edit
}

// edit is what became of the value in one control set.
type edit struct {
	set           ControlSet
	stored        *hive.Value
	before, after Value
	result        Edited
}

// run takes the steps in order, up to the first that fails.
func (j *job) run(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) warn(format string, args ...any) {
	j.warnings = append(j.warnings, fmt.Sprintf(format, args...))
}

func (j *job) checkBefore() error {
	if j.file.Unrecovered != nil {
		j.warn("%s, and its logs were ignored: what Windows had written to them only is lost", j.file.Dirty)
	}
	if plan := j.hive.Recovery(); plan != nil {
		for _, log := range plan.Skipped {
			j.warn("the log %s was left out: %s", log.Log, log.Reason)
		}
		for _, log := range plan.Logs {
			if !log.Valid() && !log.Empty() {
				j.warn("the log %s was left out: %s", log.Name, log.Problem)
			}
		}
	}
	if j.file.Dirty != "" {
		for _, path := range j.file.LeftOut {
			j.warn("the log %s was not named with --log and is left out", path)
		}
	}
	if j.hive.TransactionsPending() {
		j.warn("the hive was in use by the transaction manager: Windows may roll transactions forward when it loads it")
	}
	expected := j.expectedFindings()
	j.before = newFindings()
	j.session = check.Start(j.hive.Bytes(), func(f check.Finding) {
		if !slices.Contains(expected, f.Code) {
			j.before.add(f)
		}
	})
	if j.before.grave() == 0 {
		return nil
	}
	if !j.request.AllowDamage {
		return &DamageError{Findings: j.before, Override: OverrideDamage}
	}
	j.warn("the hive is damaged (%d findings of level F); this stays as it is", j.before.grave())
	j.hive.LeaveFreeCells()
	return nil
}

// expectedFindings are the codes of what is no damage in a hive that was opened
// dirty on purpose: its base block will be written anew.
func (j *job) expectedFindings() []string {
	if j.file.Unrecovered == nil {
		return nil
	}
	return []string{check.CodeSequence, check.CodeChecksum}
}

func (j *job) choose() error {
	sets, err := ReadControlSets(j.hive)
	if err != nil {
		return err
	}
	j.sets, err = sets.Choose(j.request.ControlSet)
	j.warnings = append(j.warnings, sets.Warnings...)
	return err
}

// opinion asks the second reader, which is no judge of a damaged hive.
func (j *job) opinion() error {
	if j.before.grave() > 0 {
		j.warn("no second opinion: the other reader cannot be trusted with a damaged hive")
		return nil
	}
	for _, set := range j.sets {
		if _, _, err := set.value(); err != nil {
			return err
		}
	}
	return secondOpinion(j.hive, j.sets)
}

// edit works out all edits before it makes the first one.
func (j *job) edit() error {
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
		j.edits = append(j.edits, edit{set, stored, value, result.Value, result})
		j.warnAbout(set, result)
	}
	changed := slices.DeleteFunc(slices.Clone(j.edits), func(e edit) bool { return !e.result.Changed })
	for _, e := range changed {
		key := e.stored.Key()
		j.session.Expect(key.Offset(), key.Path())
	}
	for _, e := range changed {
		if err := e.stored.SetData(hive.Type(e.after.Type()), e.after.Data(), j.request.Time); err != nil {
			return fmt.Errorf("%s: %w", e.set.Name(), err)
		}
	}
	return nil
}

func (j *job) warnAbout(set ControlSet, result Edited) {
	for _, reason := range result.Overridden {
		j.warn("%s: forced: %s", set.Name(), reason)
	}
	for _, fault := range result.Mended {
		j.warn("%s: mended: %s", set.Name(), fault.Message)
	}
	for _, finding := range result.Findings {
		if finding.Severity >= SeverityWarning {
			j.warn("%s: %s", set.Name(), finding.Message)
		}
	}
}

// seal finishes the hive and checks it once more.
func (j *job) seal() error {
	recovered := j.hive.Recovery() != nil
	j.hive.Seal(j.request.Time)
	switch {
	case !j.hive.Modified():
		j.verifiedBy = append(j.verifiedBy, "check")
		return nil
	case recovered || j.before.grave() > 0:
		// The changes are not those of the edit alone, or damage could come
		// to lie where the edit put something.
		after, err := j.checkWhole()
		if err != nil {
			return err
		}
		return j.notWorse(after)
	}
	return j.recheck()
}

// recheck checks what the edit has changed, and that it has changed nothing
// else: the rest is as it was when it passed the check.
func (j *job) recheck() error {
	var grave *check.Finding
	j.session.Recheck(j.hive.Bytes(), j.hive.Changes(), func(f check.Finding) {
		if grave == nil && (f.Level == check.Fatal || f.Level == check.Limited) {
			grave = &f
		}
	})
	if grave != nil {
		return fmt.Errorf("the new hive did not pass the check, nothing was saved: %s", grave)
	}
	j.verifiedBy = append(j.verifiedBy, "check")
	return nil
}

// inTheWay refuses, before anything is changed, to edit a hive with damage
// where the edit depends on it.
func (j *job) inTheWay() error {
	if j.before.grave() == 0 {
		return nil
	}
	_, err := j.checkWhole(j.expectedFindings()...)
	return err
}

// checkWhole checks all of the hive, but for rules of the expected codes, and
// refuses damage where the edit depends on it.
func (j *job) checkWhole(expected ...string) (Findings, error) {
	edited, err := j.editedArea()
	if err != nil {
		return Findings{}, err
	}
	var touching *check.Finding
	found := newFindings()
	check.Bytes(j.hive.Bytes(), func(f check.Finding) {
		if slices.Contains(expected, f.Code) {
			return
		}
		if touching == nil && f.Level == check.Fatal && edited.holds(f) {
			touching = &f
		}
		found.add(f)
	})
	if touching != nil {
		return found, &DamageError{Findings: found, Touching: touching}
	}
	return found, nil
}

// notWorse requires that the check finds nothing grave that was not there
// before.
func (j *job) notWorse(after Findings) error {
	for _, level := range []check.Level{check.Fatal, check.Limited} {
		if after.Counts[level] > j.before.Counts[level] {
			return fmt.Errorf("the new hive did not pass the check, nothing was saved: %s", after.firstNew(j.before, level))
		}
	}
	j.verifiedBy = append(j.verifiedBy, "check")
	return nil
}

// reopen opens the bytes that will be saved.
func (j *job) reopen() (*hive.Hive, error) {
	var options []hive.Option
	if j.before.grave() > 0 {
		options = append(options, hive.Tolerant())
	}
	written, err := hive.Open(j.hive.Bytes(), options...)
	if err != nil {
		return nil, fmt.Errorf("the new hive cannot be read back, nothing was saved: %w", err)
	}
	return written, nil
}

// readBack reads the values from the bytes that will be saved.
func (j *job) readBack() error {
	written, err := j.reopen()
	if err != nil {
		return err
	}
	sets, err := ReadControlSets(written)
	if err != nil {
		return fmt.Errorf("the edited hive cannot be read back, nothing was saved: %w", err)
	}
	for _, e := range j.edits {
		set, ok := sets.byNumber(e.set.Number)
		if !ok {
			return errors.New("the edited hive has lost a control set, nothing was saved")
		}
		_, value, err := set.value()
		if err != nil {
			return fmt.Errorf("the edited value cannot be read back, nothing was saved: %w", err)
		}
		if !value.equal(e.after) {
			return fmt.Errorf("%s: the value read back is not the one written, nothing was saved", e.set.Name())
		}
	}
	j.verifiedBy = append(j.verifiedBy, "read-back")
	if j.before.grave() > 0 {
		return nil
	}
	if err := secondOpinion(written, sets.withNumbers(j.sets)); err != nil {
		return err
	}
	j.verifiedBy = append(j.verifiedBy, "regparser")
	return nil
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

func (j *job) report() *Report {
	r := &Report{Outcome: j.outcome()}
	for _, e := range j.edits {
		r.ControlSets = append(r.ControlSets, SetChange{e.set.Name(), e.before.sectionText(), e.after.sectionText()})
	}
	return r
}

func (j *job) outcome() Outcome {
	first, _ := j.hive.Sequences()
	o := Outcome{
		ReplayedEntries: j.file.Replayed,
		SequenceBefore:  j.file.Sequence1,
		SequenceAfter:   first,
		SizeBefore:      j.file.Size,
		SizeAfter:       int64(len(j.hive.Bytes())),
		SHA256Before:    fmt.Sprintf("%x", j.file.SHA256),
		SHA256After:     fmt.Sprintf("%x", j.file.SHA256),
		VerifiedBy:      j.verifiedBy,
		ChangedRanges:   []ChangedRange{},
		Warnings:        append([]string{}, j.warnings...),
		Counts:          newCounts(j.before),
	}
	for _, change := range j.hive.Changes() {
		o.ChangedRanges = append(o.ChangedRanges, ChangedRange{change.Offset, change.Length, change.What})
	}
	if o.Changed = len(o.ChangedRanges) > 0; o.Changed {
		o.SHA256After = fmt.Sprintf("%x", sha256.Sum256(j.hive.Bytes()))
	}
	return o
}
