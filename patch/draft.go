package patch

import (
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

// SetEdit is what an edit makes of the value in one control set.
type SetEdit struct {
	Set           ControlSet
	Before, After Value
	Edited
}

// Tokens are the SharedSection token before and after. They can be the same
// where something else of the value was mended.
func (e SetEdit) Tokens() SetChange {
	return SetChange{e.Set.Name(), e.Before.sectionText(), e.After.sectionText()}
}

// Where the value lies in a control set.
const (
	ValueKey  = subSystemsPath
	ValueName = valueName
)

// Preview works out what an edit would make of the value in each of the control
// sets chosen, and changes nothing. The hive is not checked.
//
// It returns a RefusedError, UsageError, or an error that wraps hive.ErrNotFound
// or hive.ErrCorrupt.
func Preview(h *hive.Hive, sets []ControlSet, request EditRequest) ([]SetEdit, error) {
	var edits []SetEdit
	for _, set := range sets {
		_, value, err := set.value()
		if err != nil {
			return nil, err
		}
		own := request
		if own.System.Bits == 0 {
			own.System.Bits = set.bits()
		}
		result, err := value.Edit(own)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.Name(), err)
		}
		edits = append(edits, SetEdit{set, value, result.Value, result})
	}
	return edits, nil
}

// EditDraft does what Apply does to the value in the control sets chosen, as a
// part of an edit of the hive that may do more. It is to come before the rest of
// that edit: what it reads is shown to a second reader first. The draft verifies
// the result.
//
// It returns what Apply does.
func EditDraft(d *edit.Draft, sets []ControlSet, request Request) ([]SetEdit, error) {
	j := &job{draft: d, request: request, sets: sets}
	for _, step := range []func() error{j.announce, j.opinion, j.plan, j.editInDraft} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	d.Verify("read-back", j.readBack)
	if !d.Damaged() {
		d.Verify("regparser", j.opinionAfter)
	}
	edits := make([]SetEdit, len(j.changes))
	for i, c := range j.changes {
		edits[i] = SetEdit{c.set, c.before, c.after, c.result}
	}
	return edits, nil
}

// editInDraft announces the keys, unlike edit, as ones in which anything may
// change.
func (j *job) editInDraft() error {
	for _, c := range j.changes {
		if !c.result.Changed {
			continue
		}
		if err := j.draft.Touch(c.stored.Key()); err != nil {
			return err
		}
		if err := c.stored.SetData(hive.Type(c.after.Type()), c.after.Data(), j.request.Time); err != nil {
			return fmt.Errorf("%s: %w", c.set.Name(), err)
		}
	}
	return nil
}

// IsState reports whether a preset names a state, which is reached by applying
// it once: some add to a number each time. It asks the preset for two values that
// differ in all their numbers.
func (p Preset) IsState() bool {
	asks := func(numbers string) (Sizes, error) {
		return p.Sizes(NewValue("csrss.exe SharedSection=" + numbers).Sections()[0])
	}
	few, fewErr := asks("1024,3072,512")
	many, manyErr := asks("2048,20480,768")
	return fewErr == nil && manyErr == nil && few == many
}
