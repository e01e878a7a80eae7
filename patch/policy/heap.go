package policy

import (
	"math"

	"go.yaml.in/yaml/v4"

	"hivepatch/patch"
)

// heap reads what is wanted of SharedSection.
func (r *reader) heap(f field, controlSet string) (*Heap, error) {
	const what = "desktop_heap"
	fields, err := r.fields(f.value, what, "noninteractive", "interactive", "shared", "shared_section", "preset", "repair", "control_set")
	if err != nil {
		return nil, err
	}
	h := &Heap{Position: f.at, ControlSet: controlSet}
	ways, err := r.heapSizes(fields, &h.Edit)
	if err != nil {
		return nil, err
	}
	if f, given := fields["repair"]; given {
		if h.Edit.Repair, err = r.truth(f.value, "repair"); err != nil {
			return nil, err
		}
	}
	if f, given := fields["control_set"]; given {
		if h.ControlSet, err = r.controlSet(f.value); err != nil {
			return nil, err
		}
	}
	switch {
	case ways > 1:
		return nil, failf(f.at, "%s: either preset, or shared_section, or the sizes one by one", what)
	case ways == 0 && !h.Edit.Repair:
		return nil, failf(f.at, "%s: neither a size nor repair: true", what)
	}
	return h, nil
}

// heapSizes reads the sizes. As on the command line there are three ways to say
// them; it returns how many of these are used.
func (r *reader) heapSizes(fields map[string]field, edit *patch.EditRequest) (ways int, err error) {
	if f, given := fields["preset"]; given {
		ways++
		if err := r.preset(f.value, edit); err != nil {
			return 0, err
		}
	}
	if f, given := fields["shared_section"]; given {
		ways++
		if err := r.sharedSection(f.value, edit); err != nil {
			return 0, err
		}
	}
	single, err := r.sizes(fields, &edit.Sizes)
	if single {
		ways++
	}
	return ways, err
}

// sizes reads the sizes that are given one by one, and reports whether any is.
func (r *reader) sizes(fields map[string]field, sizes *patch.Sizes) (given bool, err error) {
	for _, size := range []struct {
		name string
		size *patch.Size
	}{{"noninteractive", &sizes.Noninteractive}, {"interactive", &sizes.Interactive}, {"shared", &sizes.Shared}} {
		f, found := fields[size.name]
		if !found {
			continue
		}
		kb, err := r.number(f.value, size.name, math.MaxUint32)
		if err != nil {
			return false, err
		}
		*size.size, given = patch.KB(uint32(kb)), true
	}
	return given, nil
}

// preset reads the name of a preset that names a state.
func (r *reader) preset(n *yaml.Node, edit *patch.EditRequest) error {
	name, err := r.text(n, "preset")
	if err != nil {
		return err
	}
	if edit.Preset, err = patch.FindPreset(name); err != nil {
		return failf(position(n), "%s", err)
	}
	if !edit.Preset.IsState() {
		return failf(position(n), "preset %s adds to a number each time, and so names no state: give the size that is wanted", name)
	}
	return nil
}

func (r *reader) sharedSection(n *yaml.Node, edit *patch.EditRequest) error {
	text, err := r.text(n, "shared_section")
	if err != nil {
		return err
	}
	if edit.Sizes, err = patch.ParseSizes(text); err != nil {
		return failf(position(n), "shared_section: %s", err)
	}
	return nil
}
