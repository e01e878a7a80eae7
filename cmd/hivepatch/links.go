package main

import (
	"errors"
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

// guard stands before edits that would break something. It lets them pass under
// force, with a warning.
type guard struct {
	draft *edit.Draft
	force bool
}

func (g guard) object(format string, args ...any) error {
	return g.draft.Object(g.force, format, args...)
}

// pathNames are the names of a path.
func pathNames(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '\\' })
}

// refuseLinkOnTheWay refuses a path that leads through a symbolic link: only a
// running Windows knows in which hive its target lies.
func refuseLinkOnTheWay(h *hive.Hive, text string) error {
	path, err := parseKeyPath(text)
	if err != nil {
		return err
	}
	names := pathNames(path)
	for n := 1; n < len(names); n++ {
		key, err := h.Key(strings.Join(names[:n], `\`))
		switch {
		case errors.Is(err, hive.ErrNotFound):
			return nil // whoever looks for the key says so better
		case err != nil:
			return err
		case key.Flags()&hive.FlagLink != 0:
			return &edit.RefusedError{Reason: fmt.Sprintf("the path goes through the symbolic link %s, which leads to %s: name a key there",
				printablePath(key.Path()), linkText(key))}
		}
	}
	return nil
}

// linkText is the target of a symbolic link for messages.
func linkText(key *hive.Key) string {
	target, err := linkTarget(key)
	if err != nil {
		return "a place that cannot be read"
	}
	return printable(target)
}

// linkTarget returns the full path that a symbolic link leads to.
func linkTarget(key *hive.Key) (string, error) {
	value, err := key.Value(hive.LinkValue)
	if err != nil {
		return "", err
	}
	data, err := value.Data()
	if err != nil {
		return "", err
	}
	return strings.TrimRight(hive.DecodeText(data), "\x00"), nil
}

// mountPoint is the number of names in a full path before those in the hive:
// \Registry\Machine\SYSTEM, \Registry\User\S-1-5-18.
const mountPoint = 3

// refuseTarget objects to deleting or renaming a key where a symbolic link in the
// hive leads to it or below it. Links that go with the key do not count. Where
// the hive will be mounted is not in it, so that a link into another hive may look
// like one.
func (g guard) refuseTarget(key *hive.Key, goesWith func(link *hive.Key) bool) error {
	for link, err := range g.draft.Hive.Walk() {
		if err != nil || link.Flags()&hive.FlagLink == 0 || goesWith(link) {
			continue // what cannot be read holds nobody up: the check has told of it
		}
		target, err := linkTarget(link)
		if err != nil {
			continue
		}
		names := pathNames(target)
		if len(names) <= mountPoint || !strings.EqualFold(names[0], "Registry") {
			continue
		}
		aim, err := g.draft.Hive.Key(strings.Join(names[mountPoint:], `\`))
		if err != nil || !isWithin(aim, key) {
			continue
		}
		err = g.object("the symbolic link %s leads to %s: without that it leads nowhere", printablePath(link.Path()), printable(target))
		if err != nil {
			return err
		}
	}
	return nil
}

// isWithin reports whether key is above or one of those below it.
func isWithin(key, above *hive.Key) bool {
	for _, k := range key.Ancestry() {
		if k.Offset() == above.Offset() {
			return true
		}
	}
	return false
}

// refuseFlags objects to deleting or renaming a key that Windows would protect,
// or that is of a kind that nobody should touch.
func (g guard) refuseFlags(key *hive.Key) error {
	path := printablePath(key.Path())
	switch flags := key.Flags(); {
	case flags&hive.FlagPredefined != 0:
		return fmt.Errorf("key %s %w: it holds a predefined handle instead of values", path, hive.ErrProtected)
	case flags&hive.FlagNoDelete != 0:
		return g.object("key %s is marked as not to be deleted", path)
	}
	return nil
}

// refuseLinkValue refuses to guess what is meant by an edit of a value of a
// symbolic link: of the link, or of the key that it leads to.
func (g guard) refuseLinkValue(key *hive.Key) error {
	if key.Flags()&hive.FlagLink == 0 {
		return nil
	}
	return g.object("key %s is a symbolic link to %s, and only its target is here: name the key there, or change where the link leads",
		printablePath(key.Path()), linkText(key))
}

// nearest returns the key at a path or, where that does not exist, the nearest
// one above it, and the names that are missing below that.
func nearest(h *hive.Hive, path string) (key *hive.Key, missing []string, err error) {
	names := pathNames(path)
	for n := len(names); ; n-- {
		key, err = h.Key(strings.Join(names[:n], `\`))
		if n == 0 || !errors.Is(err, hive.ErrNotFound) {
			return key, names[n:], err
		}
	}
}
