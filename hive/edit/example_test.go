package edit_test

import (
	"bytes"
	"fmt"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// A value is set in a hive that was loaded; what comes out can be saved.
func ExampleApply() {
	now := time.Date(2026, time.January, 31, 12, 0, 0, 0, time.UTC)
	empty, err := hive.New(5, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := hivefile.LoadStream(bytes.NewReader(empty.Bytes()), hivefile.LoadOptions{Tolerant: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	outcome, err := edit.Apply(file, edit.Request{Time: now}, func(d *edit.Draft) error {
		key, err := d.Hive.CreateKey(`Software\Vendor`, d.Time)
		if err != nil {
			return err
		}
		if err := d.Touch(key); err != nil {
			return err
		}
		_, err = key.SetValue("Port", hive.DWord, []byte{80, 0, 0, 0}, d.Time)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome.Changed, outcome.VerifiedBy, outcome.SizeBefore, outcome.SizeAfter)
	fmt.Println(outcome.SequenceBefore, outcome.SequenceAfter)
	// Output:
	// true [check regparser] 8192 8192
	// 1 2
}

// What would be unsafe comes back as an error that names the flag which overrides
// it, where one does.
func ExampleRefusedError() {
	err := error(&edit.RefusedError{Reason: "the key is marked as not to be deleted", Override: edit.OverrideForce})
	fmt.Println(err)
	// Output:
	// the key is marked as not to be deleted; --force goes on all the same
}
