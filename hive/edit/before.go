package edit

import (
	"bytes"
	"slices"

	"hivepatch/hive/check"
)

// OverrideDamage is the flag of the command line that overrides a DamageError.
const OverrideDamage = "--allow-damage"

// checkBefore checks the hive as it was loaded, with its logs applied.
func (d *Draft) checkBefore() error {
	d.stage("checking")
	d.warnOfLogs()
	expected := d.expectedFindings()
	d.before = newFindings()
	d.session = check.Start(d.Hive.Bytes(), func(f check.Finding) {
		if !slices.Contains(expected, f.Code) {
			d.before.add(f)
			d.damage.add(d.Hive, f)
		}
	})
	if !d.Damaged() {
		return nil
	}
	if !d.request.AllowDamage {
		return &DamageError{Findings: d.before, Override: OverrideDamage}
	}
	d.Warn("the hive is damaged (%d findings of level F); this stays as it is", d.before.grave())
	d.Hive.LeaveFreeCells()
	d.original = bytes.Clone(d.Hive.Bytes())
	return nil
}

// warnOfLogs tells what was not taken from the transaction logs.
func (d *Draft) warnOfLogs() {
	if d.file.Unrecovered != nil {
		d.Warn("%s, and its logs were ignored: what Windows had written to them only is lost", d.file.Dirty)
	}
	if plan := d.Hive.Recovery(); plan != nil {
		for _, log := range plan.Skipped {
			d.Warn("the log %s was left out: %s", log.Log, log.Reason)
		}
		for _, log := range plan.Logs {
			if !log.Valid() && !log.Empty() {
				d.Warn("the log %s was left out: %s", log.Name, log.Problem)
			}
		}
	}
	if d.file.Dirty != "" {
		for _, path := range d.file.LeftOut {
			d.Warn("the log %s was not named with --log and is left out", path)
		}
	}
	if d.Hive.TransactionsPending() {
		d.Warn("the hive was in use by the transaction manager: Windows may roll transactions forward when it loads it")
	}
}

// expectedFindings are the codes of what is no damage in a hive that was opened
// dirty on purpose: its base block will be written anew.
func (d *Draft) expectedFindings() []string {
	if d.file.Unrecovered == nil {
		return nil
	}
	return []string{check.CodeSequence, check.CodeChecksum}
}
