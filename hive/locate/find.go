package locate

import (
	"errors"
	"slices"
)

// Query says which hive is wanted.
type Query struct {
	Kind Kind   // System where it is ""; NTUser where there is a User
	User string // whose hive it is, for NTUser and UsrClass
}

// Find returns the one hive in use that a query means. It returns a
// NotFoundError where there is none, an AmbiguousError where several could be meant, because there are two
// Windows or because a name has two spellings, and otherwise the Err of the
// candidate: one that cannot be taken for a hive is not passed over.
func (v *Volume) Find(query Query) (*Candidate, error) {
	if query.Kind == "" {
		query.Kind = System
		if query.User != "" {
			query.Kind = NTUser
		}
	}
	s := &search{Volume: v}
	s.find(query)
	found := slices.DeleteFunc(s.Candidates, func(c Candidate) bool { return c.Origin != InUse })
	// Where a name on the way has two spellings, what was found beyond them is
	// not all that there is.
	for _, err := range s.Problems {
		if len(found) == 0 || errors.As(err, new(*AmbiguousError)) {
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, v.notFound(query)
	case 1:
		return &found[0], found[0].Err
	}
	e := &AmbiguousError{What: "hive " + string(query.Kind)}
	for _, c := range found {
		e.Paths = append(e.Paths, v.FullPath(c.Path))
	}
	return nil, e
}

// find looks for what a query can mean.
func (s *search) find(query Query) {
	switch {
	case query.Kind == BCD:
		s.bcd()
	case query.Kind.OfUser():
		for _, i := range s.windows() {
			if !i.Leftover {
				s.users(i, query.User, query.Kind)
			}
		}
		if s.Layout == VolumeRoot {
			s.profiles(".", InUse, "", query.User, query.Kind)
		}
	default:
		for _, i := range s.windows() {
			if !i.Leftover {
				s.inConfig(i, query.Kind)
			}
		}
	}
}

// notFound says what there is instead.
func (v *Volume) notFound(query Query) error {
	survey := v.Survey()
	if len(survey.Candidates) == 0 && len(survey.Problems) > 0 {
		return survey.Problems[0]
	}
	return &NotFoundError{Volume: v, Query: query, Found: survey.Candidates}
}
