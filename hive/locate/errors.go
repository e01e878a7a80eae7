package locate

import (
	"errors"
	"fmt"
	"strings"
)

// ErrOutside is returned when a link leads out of the volume or is absolute,
// which amounts to the same: what it means depends on where one stands.
var ErrOutside = errors.New("the link leads out of the volume")

// ErrLinkLoop is returned when links lead to each other without end.
var ErrLinkLoop = errors.New("too many links follow each other")

// ErrTooMany is returned when a volume has more names than anybody would look
// through.
var ErrTooMany = fmt.Errorf("more than %d names were looked at", mostNames)

// AmbiguousError is returned when there is more than one thing that could be
// meant. None of them is taken.
type AmbiguousError struct {
	What  string   // such as "hive SYSTEM"
	Paths []string // beginning with the path of the volume
}

// Error names all that could be meant.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("more than one %s: %s", e.What, strings.Join(e.Paths, " and "))
}

// NotFoundError is returned when a volume does not hold the hive that was asked
// for.
type NotFoundError struct {
	Volume *Volume
	Query  Query
	Found  []Candidate // what there is instead
}

// Error says what was looked for.
func (e *NotFoundError) Error() string {
	switch {
	case len(e.Found) == 0:
		return fmt.Sprintf("%s: there is no Windows and no hive in it", e.Volume.Path)
	case e.Query.User != "":
		return fmt.Sprintf("%s: there is no %s of a user %q", e.Volume.Path, e.Query.Kind, e.Query.User)
	}
	return fmt.Sprintf("%s: there is no hive %s", e.Volume.Path, e.Query.Kind)
}
