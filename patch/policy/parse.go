package policy

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"hivepatch/hive/locate"
	"hivepatch/patch"
)

// Parse reads a policy, in UTF-8 or in UTF-16LE with a mark at its start. It
// returns an Error that says where it cannot be followed: where it is no YAML,
// has a field that is unknown or comes twice, a value of another type than
// wanted, or wishes that exclude each other. The work is bounded whatever it
// holds.
func Parse(data []byte) (*Policy, error) {
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	p, err := r.policy(root)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Sections {
		if err := s.checkConflicts(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (r *reader) policy(n *yaml.Node) (*Policy, error) {
	fields, err := r.fields(n, "policy", "version", "hives", "users")
	if err != nil {
		return nil, err
	}
	version, given := fields["version"]
	if !given {
		return nil, failf(position(n), "policy: no version, want version: %d", Version)
	}
	number, err := r.number(version.value, "version", math.MaxUint32)
	if err != nil {
		return nil, err
	}
	if number != Version {
		return nil, failf(position(version.value), "version %d is not known here, want %d", number, Version)
	}
	p := &Policy{}
	if hives, given := fields["hives"]; given {
		if p.Sections, err = r.sections(hives.value, "hives", "", machineHives()); err != nil {
			return nil, err
		}
	}
	if users, given := fields["users"]; given {
		if err := r.users(users.value, p); err != nil {
			return nil, err
		}
	}
	if len(p.Sections) == 0 {
		return nil, failf(position(n), "policy: it names no hive, under hives or users")
	}
	slices.SortStableFunc(p.Sections, func(a, b *Section) int { return cmp.Compare(a.Line, b.Line) })
	return p, nil
}

// machineHives are the kinds of hives that a Windows has one of.
func machineHives() []locate.Kind {
	return slices.DeleteFunc(locate.Kinds(), locate.Kind.OfUser)
}

func userHives() []locate.Kind { return []locate.Kind{locate.NTUser, locate.UsrClass} }

func (r *reader) users(n *yaml.Node, p *Policy) error {
	users, err := r.mapping(n, "users", func(name string, at Position) (string, error) {
		if strings.Trim(name, " .") == "" || strings.ContainsAny(name, `\/:`) {
			return "", failf(at, "users: %.40q is no name of a user: want the name of the folder in Users, or %q for every other user", name, EveryUser)
		}
		return strings.ToUpper(name), nil
	})
	if err != nil {
		return err
	}
	for _, user := range inOrder(users) {
		sections, err := r.sections(user.value, "user", user.name, userHives())
		if err != nil {
			return err
		}
		p.Sections = append(p.Sections, sections...)
	}
	return nil
}

// sections reads what is said about each of some hives.
func (r *reader) sections(n *yaml.Node, what, user string, kinds []locate.Kind) ([]*Section, error) {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	found, err := r.fields(n, what, names...)
	if err != nil {
		return nil, err
	}
	var sections []*Section
	for _, field := range inOrder(found) {
		s := &Section{Position: field.at, Hive: locate.Kind(field.name), User: user}
		if err := r.section(field.value, s); err != nil {
			return nil, err
		}
		sections = append(sections, s)
	}
	return sections, nil
}

// inOrder returns fields in the order of the file.
func inOrder(fields map[string]field) []field {
	var list []field
	for _, f := range fields {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b field) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Column, b.at.Column))
	})
	return list
}

// section reads what is said about a hive.
func (r *reader) section(n *yaml.Node, s *Section) error {
	known := []string{"keys", "values", "absent_keys", "absent_values"}
	if s.Hive == locate.System {
		known = append(known, "control_set", "desktop_heap")
	}
	fields, err := r.fields(n, string(s.Hive), known...)
	if err != nil {
		return err
	}
	if len(fields) == 0 {
		return failf(s.Position, "%s: nothing is wanted of it", s.Hive)
	}
	w := wishes{reader: r, section: s, controlSet: patch.SelectActive}
	if f, given := fields["control_set"]; given {
		if w.controlSet, err = r.controlSet(f.value); err != nil {
			return err
		}
	}
	if f, given := fields["desktop_heap"]; given {
		if s.Heap, err = r.heap(f, w.controlSet); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		name string
		read func(*yaml.Node) error
	}{
		{"absent_keys", func(n *yaml.Node) error { return w.key(n, KeyAbsent) }},
		{"absent_values", w.absentValue},
		{"keys", func(n *yaml.Node) error { return w.key(n, KeyPresent) }},
		{"values", w.value},
	} {
		if f, given := fields[list.name]; given {
			if err := r.items(f.value, list.name, list.read); err != nil {
				return err
			}
		}
	}
	return nil
}

// controlSet reads a selection of control sets.
func (r *reader) controlSet(n *yaml.Node) (string, error) {
	const what = "control_set"
	const want = "active, current, default, lastknowngood, all, or a number"
	n, err := r.enter(n)
	if err != nil {
		return "", err
	}
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.Tag == tagNumber:
		number, err := r.number(n, what, math.MaxUint32)
		return strconv.FormatUint(number, 10), err
	case n.Tag == tagText && slices.Contains(selections(), n.Value):
		return n.Value, nil
	}
	return "", wanted(what, want, n)
}

func selections() []string {
	return []string{patch.SelectActive, patch.SelectCurrent, patch.SelectDefault, patch.SelectLastKnownGood, patch.SelectAll}
}
