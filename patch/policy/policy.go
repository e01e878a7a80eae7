package policy

import (
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/locate"
	"hivepatch/patch"
)

// Version is the version of policies that Parse reads.
const Version = 1

// EveryUser stands for the users that a policy does not name.
const EveryUser = "*"

// Policy is what a policy file says.
type Policy struct {
	Sections []*Section // one for each hive, in the order of the file
}

// Section is what a policy says about one hive.
type Section struct {
	Position
	Hive locate.Kind
	User string // of a hive that each user has, EveryUser or empty otherwise
	Heap *Heap  // nil where nothing is said about it
	// Wishes are in the order of their kinds, those of a kind in that of the file.
	Wishes []Wish
}

// Heap is what is wanted of the SharedSection of a SYSTEM hive.
type Heap struct {
	Position
	ControlSet string // selection, see patch.ControlSets.Choose
	Edit       patch.EditRequest
}

// Position is a place in a policy file. Both numbers count from 1.
type Position struct{ Line, Column int }

func (p Position) String() string { return fmt.Sprintf("line %d, column %d", p.Line, p.Column) }

// Kind is what a wish is about.
type Kind int

// Kinds of wishes.
const (
	KeyAbsent Kind = iota // with all below it
	ValueAbsent
	KeyPresent
	ValueSet
)

// Wish is one wanted state.
type Wish struct {
	Position
	Kind Kind
	// ControlSet selects the sets that Key is in; empty where Key is a path below
	// the root.
	ControlSet string
	Key        string // names separated by backslashes
	Value      string // of a wish about a value; "" is the default value
	Type       hive.Type
	Data       []byte
}

// Section returns what the policy says about a hive, nil where it says nothing.
// For a hive that each user has, it is what is said about that user and, where
// that is nothing, about EveryUser.
func (p *Policy) Section(kind locate.Kind, user string) *Section {
	var everyone *Section
	for _, s := range p.Sections {
		switch {
		case s.Hive != kind:
		case s.User == EveryUser:
			everyone = s
		case strings.EqualFold(s.User, user):
			return s
		}
	}
	return everyone
}

// Name is the name of the section's hive for messages, with its user.
func (s *Section) Name() string {
	if s.User == "" {
		return string(s.Hive)
	}
	return fmt.Sprintf("%s of %s", s.Hive, s.User)
}

// Error is returned for a policy that cannot be followed.
type Error struct {
	Position
	Message string
}

// Error returns where the mistake is, and what it is.
func (e *Error) Error() string { return e.Position.String() + ": " + e.Message }

func failf(at Position, format string, args ...any) error {
	return &Error{at, fmt.Sprintf(format, args...)}
}
