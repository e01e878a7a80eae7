package edit

import (
	"errors"
	"fmt"
	"slices"

	"hivepatch/hive"
	"hivepatch/hive/check"
)

// beside requires, in a damaged hive, that the edit kept away from the damage:
// also from what it was not announced to touch.
func (d *Draft) beside() error {
	if !d.Damaged() {
		return nil
	}
	if len(d.Hive.Bytes()) < len(d.original) {
		return errors.New("the edit has dropped space at the end of a damaged hive, nothing was saved")
	}
	area := newArea(d.Hive)
	area.addChanged(d.original)
	return d.damage.refuse(area, d.before)
}

// seal finishes the hive and checks it once more.
func (d *Draft) seal() error {
	recovered := d.Hive.Recovery() != nil
	d.Hive.Seal(d.request.Time)
	switch {
	case !d.Hive.Modified():
		d.verified("check")
		return nil
	case d.focused && !recovered && !d.Damaged():
		return d.recheck()
	}
	// Not all changes are of a kind that the session knows; or those of the
	// recovery are among them; or damage could come to lie where the edit put
	// something.
	d.session = nil
	return d.checkAfter()
}

// sealRecovered does not ask where damage lies: nothing was edited, and what the
// logs hold goes in as Windows would put it.
func (d *Draft) sealRecovered() error {
	d.Hive.Seal(d.request.Time)
	d.session = nil
	if !d.Hive.Modified() {
		d.verified("check")
		return nil
	}
	after, _ := d.checkWhole()
	return d.notWorse(after)
}

// recheck checks what the edit has changed, and that it has changed nothing
// else: the rest is as it was when it passed the check.
func (d *Draft) recheck() error {
	var grave *check.Finding
	d.session.Recheck(d.Hive.Bytes(), d.Hive.Changes(), func(f check.Finding) {
		if grave == nil && (f.Level == check.Fatal || f.Level == check.Limited) {
			grave = &f
		}
	})
	if grave != nil {
		return fmt.Errorf("the new hive did not pass the check, nothing was saved: %s", grave)
	}
	d.verified("check")
	return nil
}

// checkAfter checks all of the hive, and refuses damage where the edit was.
func (d *Draft) checkAfter() error {
	after, damage := d.checkWhole()
	if d.Damaged() {
		area := newArea(d.Hive)
		for _, key := range d.needed {
			area.addWay(key)
		}
		if err := damage.refuse(area, after); err != nil {
			return err
		}
	}
	return d.notWorse(after)
}

func (d *Draft) checkWhole() (found Findings, where damage) {
	d.stage("checking the result")
	found = newFindings()
	check.Bytes(d.Hive.Bytes(), func(f check.Finding) {
		found.add(f)
		where.add(d.Hive, f)
	})
	return found, where
}

// notWorse requires that the check finds nothing grave that was not there
// before.
func (d *Draft) notWorse(after Findings) error {
	if worse := after.graver(d.before); worse != "" {
		return fmt.Errorf("the new hive did not pass the check, nothing was saved: %s", worse)
	}
	d.verified("check")
	return nil
}

// readBack opens the bytes that will be saved and lets the caller look at them.
func (d *Draft) readBack() error {
	d.stage("reading the result back")
	var options []hive.Option
	if d.Damaged() {
		options = append(options, hive.Tolerant())
	}
	var err error
	if d.written, err = hive.Open(d.Hive.Bytes(), options...); err != nil {
		return fmt.Errorf("the new hive cannot be read back, nothing was saved: %w", err)
	}
	for _, v := range d.verifying {
		if err := v.verify(d.written); err != nil {
			return err
		}
		d.verified(v.name)
	}
	return nil
}

// verified notes by what the result was verified.
func (d *Draft) verified(name string) {
	if !slices.Contains(d.verifiedBy, name) {
		d.verifiedBy = append(d.verifiedBy, name)
	}
}
