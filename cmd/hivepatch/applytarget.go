package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/locate"
	"hivepatch/patch/policy"
)

// policyTarget is a hive that a policy is for.
type policyTarget struct {
	targetOptions
	kind    locate.Kind     // "" where the hive itself has to tell
	user    string          // of a hive that each user has
	section *policy.Section // nil before the hive is read, where TARGET is a file
}

// targets are the hives that the policy is for: TARGET itself or, where that is a
// folder, all in it that the policy names.
func (o policyOptions) targets(env *environment, p *policy.Policy) ([]policyTarget, error) {
	if o.target.volume.volume == nil {
		t := policyTarget{targetOptions: o.target, kind: o.which.query.Kind, user: o.which.query.User}
		return []policyTarget{t}, t.open(env)
	}
	var targets []policyTarget
	for _, section := range p.Sections {
		for _, user := range o.users(p, section) {
			t := policyTarget{targetOptions: o.target, kind: section.Hive, user: user, section: section}
			t.volume.which.query = locate.Query{Kind: section.Hive, User: user}
			if err := t.open(env); err != nil {
				return nil, err
			}
			targets = append(targets, t)
		}
	}
	if len(targets) == 0 {
		return nil, hinted(fmt.Errorf("%s says nothing about what is asked for in %s", o.name(), o.target.path), "it names %s", sectionNames(p))
	}
	return targets, nil
}

// hives are the hives that the policy is for.
func (o policyOptions) hives(env *environment, p *policy.Policy) (hives []targetOptions, err error) {
	targets, err := o.targets(env, p)
	for _, target := range targets {
		hives = append(hives, target.targetOptions)
	}
	return hives, err
}

// users are the users whose hives in a folder a section is about. A hive that is
// nobody's is that of "", and none is one that was not asked for.
func (o policyOptions) users(p *policy.Policy, section *policy.Section) []string {
	asked := o.which.query
	switch {
	case asked.Kind != "" && asked.Kind != section.Hive, asked.User != "" && !section.Hive.OfUser():
		return nil
	case !section.Hive.OfUser():
		return []string{""}
	case asked.User != "":
		if p.Section(section.Hive, asked.User) != section {
			return nil
		}
		return []string{asked.User}
	case section.User != policy.EveryUser:
		return []string{section.User}
	}
	return o.everyUser(p, section)
}

// everyUser lists the users in a folder that have a hive of a kind and that the
// policy does not name.
func (o policyOptions) everyUser(p *policy.Policy, section *policy.Section) []string {
	var users []string
	for _, c := range o.target.volume.volume.Survey().Candidates {
		if c.Kind == section.Hive && c.Origin == locate.InUse && c.User != "" &&
			p.Section(section.Hive, c.User) == section && !slices.Contains(users, c.User) {
			users = append(users, c.User)
		}
	}
	return users
}

// wrap says which hive an error is about, also where it is about what the policy
// says.
func (t policyTarget) wrap(err error) error {
	if _, of := errors.AsType[*policy.Error](err); of {
		return fmt.Errorf("%s: %w", t.name(), err)
	}
	return t.targetOptions.wrap(err)
}

// choose returns what the policy says about a hive that was loaded.
func (t policyTarget) choose(o policyOptions, p *policy.Policy, h *hive.Hive) (*policy.Section, error) {
	kind := t.kind
	_, err := h.Select()
	isSystem := !errors.Is(err, hive.ErrNotFound)
	switch {
	case kind == "" && isSystem:
		kind = locate.System
	case kind == "":
		return nil, hinted(usagef("%s has no Select key, so it is no SYSTEM hive, and which one it is is not known", t.name()),
			"--hive NAME says which; %s names %s", o.name(), sectionNames(p))
	case kind != locate.System && isSystem:
		return nil, usagef("%s has a Select key, so it is a SYSTEM hive and not %s", t.name(), kind)
	}
	if t.section != nil {
		return t.section, nil
	}
	if section := p.Section(kind, t.user); section != nil {
		return section, nil
	}
	what, hint := string(kind), "it names "+sectionNames(p)
	switch {
	case t.user != "":
		what += " of " + t.user
	case kind.OfUser():
		hint += "; --user NAME says whose hive it is"
	}
	return nil, hinted(fmt.Errorf("%s says nothing about %s", o.name(), what), "%s", hint)
}

func sectionNames(p *policy.Policy) string {
	var names []string
	for _, section := range p.Sections {
		names = append(names, section.Name())
	}
	return strings.Join(names, ", ")
}
