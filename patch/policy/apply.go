package policy

import (
	"errors"
	"fmt"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/escape"
	"hivepatch/patch"
)

// Apply brings a hive into the state that is wanted of it, as a part of an edit
// of its file, and returns what differed. Where nothing did, nothing changes. The
// draft verifies that nothing differs in the bytes that will be saved.
//
// It returns what Plan does, and a RefusedError for what would be unsafe: keys
// that are marked as not to be deleted, or to which symbolic links of the hive
// lead, values of symbolic links, and desktop heap sizes that Apply of package
// patch refuses. After an error the draft is to be dropped.
func (s *Section) Apply(d *edit.Draft, options Options) (*Plan, error) {
	p, err := s.compare(d.Hive, options)
	if err != nil {
		return nil, err
	}
	for _, warning := range p.plan.Warnings {
		d.Warn("%s", warning)
	}
	if err := p.applyHeap(d, options); err != nil {
		return nil, err
	}
	e := &editor{draft: d, guard: guard{draft: d, force: options.Force}, view: newView(d.Hive)}
	for i := range p.plan.Differences {
		difference := &p.plan.Differences[i]
		if err := e.mend(difference); err != nil {
			return nil, fmt.Errorf("%s: %w", difference.Position, err)
		}
	}
	d.Verify("read-back", func(written *hive.Hive) error { return s.readBack(written, options) })
	return &p.plan, nil
}

// applyHeap sets the desktop heap sizes. It comes first, while the hive is as it
// was checked.
func (p *planner) applyHeap(d *edit.Draft, options Options) error {
	heap := p.section.Heap
	if heap == nil {
		return nil
	}
	request := patch.Request{Edit: heap.Edit, ControlSet: heap.ControlSet, Time: d.Time}
	request.Edit.Force = options.Force
	if _, err := patch.EditDraft(d, p.chosen[heap.ControlSet], request); err != nil {
		return fmt.Errorf("%s: %w", heap.Position, inPolicy(err))
	}
	return nil
}

// readBack compares what will be saved with what is wanted.
func (s *Section) readBack(written *hive.Hive, options Options) error {
	plan, err := s.Plan(written, options)
	if err != nil {
		return fmt.Errorf("the new hive cannot be read back, nothing was saved: %w", err)
	}
	for _, d := range plan.Differences {
		return fmt.Errorf("the new hive is not as the policy wants it at %s (%s of %s), nothing was saved", d.Position, d.What, escape.Path(d.Key))
	}
	return nil
}

// editor mends differences.
type editor struct {
	draft *edit.Draft
	guard guard
	view  *view
}

func (e *editor) mend(d *Difference) error {
	switch d.What {
	case KeyIsPresent:
		return e.deleteKey(d.Key)
	case KeyIsMissing:
		_, err := e.create(d.Key)
		return err
	case ValueIsPresent:
		return e.deleteValue(d)
	case ValueIsMissing, ValueDiffers:
		return e.setValue(d)
	}
	return nil // the desktop heap sizes are set already
}

func (e *editor) deleteKey(path string) error {
	place, err := e.view.find(path)
	if err != nil {
		return err
	}
	if len(place.missing) > 0 {
		return nil // it went with a key above
	}
	if err := e.draft.Touch(place.key); err != nil {
		return err
	}
	if err := e.guard.mayDelete(place.key); err != nil {
		return err
	}
	e.view = newView(e.draft.Hive) // what it knows of the keys below is no longer so
	return place.key.Delete(e.draft.Time)
}

func (e *editor) deleteValue(d *Difference) error {
	place, value, err := e.open(d)
	if err != nil || value == nil {
		return err
	}
	place.forget(value)
	return value.Delete(e.draft.Time)
}

func (e *editor) setValue(d *Difference) error {
	if _, err := e.create(d.Key); err != nil {
		return err
	}
	place, value, err := e.open(d)
	if err != nil {
		return err
	}
	if value != nil {
		return value.SetData(d.Want.Type, d.Want.Data, e.draft.Time)
	}
	value, err = place.key.SetValue(d.Value, d.Want.Type, d.Want.Data, e.draft.Time)
	if err == nil {
		place.remember(value)
	}
	return err
}

// open returns the value of a difference, nil where there is none, for an edit.
func (e *editor) open(d *Difference) (*place, *hive.Value, error) {
	place, err := e.view.find(d.Key)
	if err != nil {
		return nil, nil, err
	}
	if err := e.draft.Touch(place.key); err != nil {
		return nil, nil, err
	}
	if err := e.guard.mayEditValues(place.key); err != nil {
		return nil, nil, err
	}
	value, err := place.value(d.Value)
	return place, value, err
}

// create returns the key at a path, and creates it and those above it where they
// do not exist.
func (e *editor) create(path string) (*hive.Key, error) {
	place, err := e.view.find(path)
	if err != nil {
		return nil, err
	}
	if len(place.missing) == 0 {
		return place.key, nil
	}
	if err := e.draft.Touch(place.key); err != nil {
		return nil, err
	}
	for len(place.missing) > 0 {
		if err := e.draft.MayBeNamed(place.key, place.missing[0], e.guard.force); err != nil {
			return nil, err
		}
		key, err := place.key.CreateSubkey(place.missing[0], e.draft.Time)
		if errors.Is(err, hive.ErrExists) { // since the view looked
			key, err = place.key.Subkey(place.missing[0])
		}
		if err != nil {
			return nil, err
		}
		place.key, place.missing = key, place.missing[1:]
	}
	return place.key, e.draft.Touch(place.key)
}
