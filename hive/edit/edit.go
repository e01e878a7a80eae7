// Package edit is the safe course of every change to a hive file: the hive is
// checked, edited in memory, finished, checked again, read back from the bytes
// that will be saved, and shown to a second, independent reader.
//
//	file, err := hivefile.Load(path, hivefile.LoadOptions{Tolerant: true})
//	outcome, err := edit.Apply(file, edit.Request{Time: now}, func(d *edit.Draft) error {
//		key, err := d.Hive.Key(`Software\Vendor`)
//		if err != nil {
//			return err
//		}
//		if err := d.Touch(key); err != nil {
//			return err
//		}
//		_, err = key.SetValue("Port", hive.DWord, port, d.Time)
//		return err
//	})
//
// Nothing here writes to the disk: file.Hive is to be saved when there is no
// error, and to be dropped otherwise.
package edit

import (
	"time"

	"hivepatch/hive/hivefile"
)

// Request says how a hive is to be edited, whatever the edit.
type Request struct {
	// AllowDamage goes on with a hive that breaks rules of level F, where the
	// damage lies outside everything that is edited. New space is then taken at
	// the end of the hive only.
	AllowDamage bool
	// Time is the last write time of the hive, and of what is edited in it.
	Time time.Time
	// Stage, if not nil, is told what is being done now, such as "checking".
	Stage func(what string)
}

// Apply edits a loaded hive, in memory. It checks the hive, calls edit, finishes
// the hive so that Windows loads it as clean, requires that the check finds
// nothing of level F or L that was not there before, and reads the result back.
// A clean hive in which edit changes nothing keeps its bytes.
//
// It returns the error of edit as it is, an error that wraps hive.ErrReadOnly
// for a version that cannot be edited, a DamageError for a hive that breaks rules
// of level F, and a RefusedError where the second reader disagrees.
func Apply(file *hivefile.File, request Request, edit func(d *Draft) error) (*Outcome, error) {
	d := newDraft(file, request)
	err := run(
		d.Hive.Editable,
		d.checkBefore,
		func() error { d.stage("editing"); return edit(d) },
		d.beside,
		d.seal,
		d.readBack,
		d.compare,
	)
	if err != nil {
		return nil, err
	}
	return d.outcome(), nil
}

// Recover makes a clean hive, in memory, of one that was loaded with
// hivefile.Recover: it checks it, gives it sequence numbers above those of all
// logs, checks it again and lets the second reader open it. A hive that was
// clean stays as it is.
//
// It returns a DamageError where the recovered hive breaks rules of level F and
// the request does not allow that, and a RefusedError where the second reader
// disagrees.
func Recover(file *hivefile.File, request Request) (*Outcome, error) {
	d := newDraft(file, request)
	if err := run(d.checkBefore, d.sealRecovered, d.readBack, d.compare); err != nil {
		return nil, err
	}
	return d.outcome(), nil
}

// run takes the steps in order, up to the first that fails.
func run(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
