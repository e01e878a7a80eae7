package policy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/patch"
)

// What a difference is, a contract with scripts.
const (
	KeyIsMissing       = "key-missing"
	KeyIsPresent       = "key-present"
	ValueIsMissing     = "value-missing"
	ValueDiffers       = "value-differs"
	ValueIsPresent     = "value-present"
	DesktopHeapDiffers = "desktop-heap-differs"
)

// Difference is between what is in a hive and what is wanted.
type Difference struct {
	Position        // of the wish
	What     string // one of the constants above
	Key      string // path in the hive
	Value    string // name, of a difference of values
	Is, Want *Data  // nil where there is no value, or none is wanted
	Heap     *HeapDifference
}

// Data is what a value holds.
type Data struct {
	Type hive.Type
	Data []byte
}

// HeapDifference is one of the desktop heap sizes.
type HeapDifference struct {
	Is, Want string   // the SharedSection token; both are empty with a Problem
	Mended   []string // what repair mends
	Problem  string   // why the sizes cannot be set, empty where they can
}

// Plan is what there is to do, in the order in which it is done.
type Plan struct {
	Differences []Difference
	Warnings    []string
}

// Options say how a policy is applied.
type Options struct {
	// Force goes on where an edit.RefusedError names edit.OverrideForce.
	Force bool
}

// Plan compares a hive with what is wanted of it, and changes nothing.
//
// It returns an Error where wishes exclude each other in this hive, a
// RefusedError where a path leads through a symbolic link or the Select key does
// not lead to a control set, and an error that wraps hive.ErrNotFound for a
// control set that does not exist.
func (s *Section) Plan(h *hive.Hive, options Options) (*Plan, error) {
	p, err := s.compare(h, options)
	if err != nil {
		return nil, err
	}
	return &p.plan, nil
}

// planner compares a hive with a section.
type planner struct {
	section *Section
	view    *view
	sets    *patch.ControlSets
	chosen  map[string][]patch.ControlSet // by selection
	plan    Plan
}

func (s *Section) compare(h *hive.Hive, options Options) (*planner, error) {
	p := &planner{section: s, view: newView(h), chosen: map[string][]patch.ControlSet{}}
	if err := p.checkConflicts(); err != nil {
		return nil, err
	}
	if err := p.compareHeap(options); err != nil {
		return nil, err
	}
	return p, p.compareAll()
}

// choose returns the control sets of a selection.
func (p *planner) choose(selection string, at Position) ([]patch.ControlSet, error) {
	if sets, known := p.chosen[selection]; known {
		return sets, nil
	}
	if p.sets == nil {
		var err error
		if p.sets, err = patch.ReadControlSets(p.view.hive); err != nil {
			return nil, err
		}
	}
	told := len(p.sets.Warnings)
	sets, err := p.sets.Choose(selection)
	if err != nil {
		return nil, fmt.Errorf("%s: control_set %s: %w", at, selection, inPolicy(err))
	}
	p.plan.Warnings = append(p.plan.Warnings, p.sets.Warnings[told:]...)
	p.chosen[selection] = sets
	return sets, nil
}

// inPolicy gives a refusal the override that a policy has.
func inPolicy(err error) error {
	refused, ok := errors.AsType[*edit.RefusedError](err)
	if !ok {
		return err
	}
	reason := strings.TrimSuffix(err.Error(), "; "+refused.Hint())
	switch {
	case refused.Override == patch.OverrideRepair:
		return &edit.RefusedError{Reason: reason, Override: "repair: true in the policy", Effect: refused.Effect}
	case strings.HasPrefix(refused.Override, "--control-set"):
		return &edit.RefusedError{Reason: reason, Override: "control_set: NUMBER in the policy", Effect: "names the one that is meant"}
	}
	return err
}

// paths are where a wish is about in this hive.
func (p *planner) paths(wish *Wish) ([]string, error) {
	if wish.ControlSet == "" {
		return []string{wish.Key}, nil
	}
	sets, err := p.choose(wish.ControlSet, wish.Position)
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(sets))
	for i, set := range sets {
		paths[i] = joinPath(set.Name(), wish.Key)
	}
	return paths, nil
}

// checkConflicts refuses wishes that exclude each other in this hive.
func (p *planner) checkConflicts() error {
	var claims []claim
	for i := range p.section.Wishes {
		wish := &p.section.Wishes[i]
		paths, err := p.paths(wish)
		if err != nil {
			return err
		}
		for _, path := range paths {
			claims = append(claims, newClaim(wish, path))
		}
	}
	if heap := p.section.Heap; heap != nil {
		sets, err := p.choose(heap.ControlSet, heap.Position)
		if err != nil {
			return err
		}
		for _, set := range sets {
			claims = append(claims, heap.claim(set.Name()))
		}
	}
	return findConflict(claims)
}

// compareHeap compares the desktop heap sizes. A value that is too broken to be
// edited is a difference as well.
func (p *planner) compareHeap(options Options) error {
	heap := p.section.Heap
	if heap == nil {
		return nil
	}
	request := heap.Edit
	request.Force = options.Force
	for _, set := range p.chosen[heap.ControlSet] {
		difference := Difference{
			Position: heap.Position, What: DesktopHeapDiffers,
			Key: joinPath(set.Name(), patch.ValueKey), Value: patch.ValueName,
		}
		edits, err := patch.Preview(p.view.hive, []patch.ControlSet{set}, request)
		_, refused := errors.AsType[*edit.RefusedError](err)
		switch {
		case refused, errors.Is(err, hive.ErrNotFound):
			difference.Heap = &HeapDifference{Problem: inPolicy(err).Error()}
		case err != nil:
			return fmt.Errorf("%s: %w", heap.Position, err)
		case !edits[0].Changed:
			continue
		default:
			difference.Heap = newHeapDifference(edits[0])
		}
		p.plan.Differences = append(p.plan.Differences, difference)
	}
	return nil
}

func newHeapDifference(e patch.SetEdit) *HeapDifference {
	tokens := e.Tokens()
	d := &HeapDifference{Is: tokens.Before, Want: tokens.After}
	for _, fault := range e.Mended {
		d.Mended = append(d.Mended, fault.Message)
	}
	return d
}

// compareAll compares the wishes.
func (p *planner) compareAll() error {
	for i := range p.section.Wishes {
		wish := &p.section.Wishes[i]
		paths, err := p.paths(wish)
		if err != nil {
			return err
		}
		for _, path := range paths {
			difference, err := p.compare(wish, path)
			if err != nil {
				return fmt.Errorf("%s: %w", wish.Position, err)
			}
			if difference != nil {
				p.plan.Differences = append(p.plan.Differences, *difference)
			}
		}
	}
	return nil
}

// compare returns the difference of a wish at a path, nil where there is none.
func (p *planner) compare(wish *Wish, path string) (*Difference, error) {
	place, err := p.view.find(path)
	if err != nil {
		return nil, err
	}
	d := &Difference{Position: wish.Position, Key: place.path(), Value: wish.Value}
	if wish.Kind == KeyAbsent || wish.Kind == KeyPresent {
		switch present := len(place.missing) == 0; {
		case present == (wish.Kind == KeyPresent):
			return nil, nil
		case present:
			d.What = KeyIsPresent
		default:
			d.What = KeyIsMissing
		}
		return d, nil
	}
	value, err := place.value(wish.Value)
	if err != nil {
		return nil, err
	}
	if value != nil {
		data, err := value.Data()
		if err != nil {
			return nil, err
		}
		d.Value, d.Is = value.Name(), &Data{value.Type(), data}
	}
	if wish.Kind == ValueAbsent {
		d.What = ValueIsPresent
		if d.Is == nil {
			return nil, nil
		}
		return d, nil
	}
	d.Want, d.What = &Data{wish.Type, wish.Data}, ValueDiffers
	if d.Is == nil {
		d.What = ValueIsMissing
	} else if d.Is.Type == wish.Type && bytes.Equal(d.Is.Data, wish.Data) {
		return nil, nil
	}
	return d, nil
}
