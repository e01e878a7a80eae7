package edit

import (
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/txlog"
)

// Rebuild puts another hive in the place of a loaded one, in memory: it checks
// the old hive, calls build for the new one, finishes that, requires that the
// check finds nothing of level F or L in it, reads it back and lets the second
// reader read the keys that were touched. file.Hive is the new hive then. Where
// build returns no hive, the old one stays; one that was dirty is made clean.
//
// Its sequence numbers must be above those of the old hive and its logs, or
// Windows could apply these to it. Rebuild returns an error where they are not,
// and what Apply returns.
func Rebuild(file *hivefile.File, request Request, build func(d *Draft) (*hive.Hive, error)) (*Outcome, error) {
	d := newDraft(file, request)
	if err := d.checkBefore(); err != nil {
		return nil, err
	}
	d.stage("building")
	built, err := build(d)
	switch {
	case err != nil:
		return nil, err
	case built == nil:
		if err := run(d.sealRecovered, d.readBack, d.compare); err != nil {
			return nil, err
		}
		return d.outcome(), nil
	}
	built.Seal(request.Time)
	if err := requireAbove(built, file); err != nil {
		return nil, err
	}
	return d.replace(built)
}

// Create finishes a hive that was made, not loaded. file.Hive is that hive, and
// what else is in file says what it was made of, if anything; none of that is
// checked. It requires that the check finds nothing of level F or L, and that the
// second reader opens the hive.
func Create(file *hivefile.File, request Request) (*Outcome, error) {
	d := newDraft(file, request)
	d.before = newFindings()
	d.Hive.Seal(request.Time)
	return d.replace(d.Hive)
}

// replace goes on with a sealed hive that has nothing of the old one.
func (d *Draft) replace(built *hive.Hive) (*Outcome, error) {
	found := d.before
	d.Hive, d.before, d.damage, d.session = built, newFindings(), damage{}, nil
	after, _ := d.checkWhole()
	if err := run(func() error { return d.notWorse(after) }, d.readBack, d.compare); err != nil {
		return nil, err
	}
	d.file.Hive, d.before = built, found
	o := d.outcome()
	if d.file.Size == 0 {
		o.SHA256Before = "" // there was nothing
	}
	o.setChanged([]ChangedRange{{0, o.SizeAfter, "the whole hive"}}, built.Bytes(), true)
	return o, nil
}

// requireAbove requires sequence numbers that come after those of a file and of
// its logs.
func requireAbove(built *hive.Hive, file *hivefile.File) error {
	number, _ := built.Sequences()
	numbers := []uint32{file.Sequence1, file.Sequence2}
	if file.HeaderBad {
		numbers = nil
	}
	for _, log := range file.Logs {
		if log.Problem == "" && log.Entries > 0 {
			numbers = append(numbers, log.Last)
		}
	}
	for _, old := range numbers {
		if old == number || txlog.Later(old, number) != number {
			return fmt.Errorf("the new hive has sequence number %d, which is not above %d of the old one or its logs", number, old)
		}
	}
	return nil
}
