package policy

import (
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/escape"
)

// guard stands before edits that would break something. It lets them pass under
// force, with a warning.
type guard struct {
	draft *edit.Draft
	force bool

	links     []link // symbolic links of the hive
	haveLinks bool
}

// link is a symbolic link that leads to a key of the same hive.
type link struct {
	key      string // path, in upper case
	target   string
	leadsTo  string // path in the hive, in upper case
	original string // path of the key
}

func (g *guard) object(format string, args ...any) error {
	return g.draft.Object(g.force, format, args...)
}

// mayEditValues refuses to guess whether a wish about a symbolic link means the
// link or the key that it leads to.
func (g *guard) mayEditValues(key *hive.Key) error {
	if key.Flags()&hive.FlagLink == 0 {
		return nil
	}
	return g.object("key %s is a symbolic link, and only its target is here: name the key where it leads", escape.Path(key.Path()))
}

// mayDelete objects to deleting a key where Windows would protect it or one
// below it, or where a symbolic link from elsewhere leads to one of them.
func (g *guard) mayDelete(key *hive.Key) error {
	for below, err := range key.Walk() {
		if err != nil {
			return err
		}
		switch flags := below.Flags(); {
		case flags&hive.FlagPredefined != 0:
			return fmt.Errorf("key %s %w: it holds a predefined handle instead of values", escape.Path(below.Path()), hive.ErrProtected)
		case flags&hive.FlagNoDelete != 0:
			if err := g.object("key %s is marked as not to be deleted", escape.Path(below.Path())); err != nil {
				return err
			}
		}
	}
	path := upperCase(key.Path())
	for _, l := range g.linksOf() {
		if !isWithin(l.leadsTo, path) || isWithin(l.key, path) {
			continue
		}
		if err := g.object("the symbolic link %s leads to %s: without that it leads nowhere", escape.Path(l.original), l.target); err != nil {
			return err
		}
	}
	return nil
}

// mountPoint is the number of names in a full path before those in the hive:
// \Registry\Machine\SYSTEM, \Registry\User\S-1-5-18.
const mountPoint = 3

// linksOf lists the symbolic links that lead to a key of the hive. Where the hive
// will be mounted is not in it, so that a link into another hive may look like
// one.
func (g *guard) linksOf() []link {
	if g.haveLinks {
		return g.links
	}
	g.haveLinks = true
	for key, err := range g.draft.Hive.Walk() {
		if err != nil || key.Flags()&hive.FlagLink == 0 {
			continue // what cannot be read holds nobody up: the check has told of it
		}
		target, ok := targetOf(key)
		names := strings.FieldsFunc(target, func(r rune) bool { return r == '\\' })
		if !ok || len(names) <= mountPoint || !strings.EqualFold(names[0], "Registry") {
			continue
		}
		aim, err := g.draft.Hive.Key(strings.Join(names[mountPoint:], `\`))
		if err == nil {
			g.links = append(g.links, link{upperCase(key.Path()), target, upperCase(aim.Path()), key.Path()})
		}
	}
	return g.links
}

func targetOf(key *hive.Key) (string, bool) {
	value, err := key.Value(hive.LinkValue)
	if err != nil {
		return "", false
	}
	data, err := value.Data()
	return strings.TrimRight(hive.DecodeText(data), "\x00"), err == nil
}

func upperCase(text string) string { return string(hive.AppendUpper(nil, text)) }

// isWithin reports whether a path is one of another or below it.
func isWithin(path, above string) bool {
	below, ok := strings.CutPrefix(path, above)
	return ok && (below == "" || below[0] == '\\')
}
