package policy

import (
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/escape"
	"hivepatch/hive/locate"
	"hivepatch/patch"
)

// claim is a wish about a key or value at a certain place.
type claim struct {
	wish  *Wish
	path  string // names, below the root
	heap  bool   // it comes from what is wanted of the desktop heaps
	upper string // path in upper case
}

func newClaim(wish *Wish, path string) claim {
	return claim{wish: wish, path: path, upper: upperCase(path)}
}

// checkConflicts refuses wishes that exclude each other whatever the hive. Which
// control sets are the same is seen only there, so that it is done once more for
// what a plan finds.
func (s *Section) checkConflicts() error {
	var claims []claim
	for i := range s.Wishes {
		wish := &s.Wishes[i]
		for _, root := range symbolicRoots(wish.ControlSet) {
			claims = append(claims, newClaim(wish, joinPath(root, wish.Key)))
		}
	}
	if s.Heap != nil {
		for _, root := range symbolicRoots(s.Heap.ControlSet) {
			claims = append(claims, s.Heap.claim(root))
		}
	}
	if err := s.checkSelect(); err != nil {
		return err
	}
	return findConflict(claims)
}

// claim is that of the value that the sizes are in.
func (h *Heap) claim(root string) claim {
	wish := &Wish{Position: h.Position, Kind: ValueSet, ControlSet: h.ControlSet, Value: patch.ValueName}
	c := newClaim(wish, joinPath(root, patch.ValueKey))
	c.heap = true
	return c
}

// symbolicRoots stand for the control sets of a selection, as far as they are
// known without the hive. No key can have their names.
func symbolicRoots(selection string) []string {
	const current, next, lastKnownGood = "\x00current", "\x00default", "\x00lastknowngood"
	switch selection {
	case "":
		return []string{""}
	case patch.SelectCurrent:
		return []string{current}
	case patch.SelectDefault:
		return []string{next}
	case patch.SelectLastKnownGood:
		return []string{lastKnownGood}
	case patch.SelectActive:
		return []string{current, next}
	case patch.SelectAll:
		return []string{current, next, lastKnownGood}
	}
	var number uint32
	if _, err := fmt.Sscan(selection, &number); err != nil {
		return nil // Parse lets none pass
	}
	return []string{hive.ControlSetName(number)}
}

func joinPath(above, below string) string { return strings.Trim(above+`\`+below, `\`) }

// checkSelect refuses to change what says which control sets are meant.
func (s *Section) checkSelect() error {
	if s.Hive != locate.System {
		return nil
	}
	var depending, changing *Wish
	if s.Heap != nil && dependsOnSelect(s.Heap.ControlSet) {
		depending = &Wish{Position: s.Heap.Position}
	}
	for i := range s.Wishes {
		wish := &s.Wishes[i]
		switch {
		case dependsOnSelect(wish.ControlSet):
			depending = wish
		case wish.ControlSet == "" && wish.Kind != KeyPresent && hive.EqualNames(wish.Key, "Select"):
			changing = wish
		}
	}
	if depending == nil || changing == nil {
		return nil
	}
	return failf(changing.Position, "the key Select says which control set is meant at %s: name control sets by their numbers where it is to change", depending.Position)
}

func dependsOnSelect(selection string) bool {
	for _, symbolic := range selections() {
		if selection == symbolic {
			return true
		}
	}
	return false
}

// site is what is wanted of a key.
type site struct {
	key    *claim            // wish about the key itself
	values map[string]*claim // about its values, by name in upper case
}

// findConflict returns an error for wishes about the same thing, and for wishes
// below a key that is to be absent.
func findConflict(claims []claim) error {
	sites := map[string]*site{}
	for i := range claims {
		c := &claims[i]
		at := sites[c.upper]
		if at == nil {
			at = &site{values: map[string]*claim{}}
			sites[c.upper] = at
		}
		if before := at.put(c); before != nil && before.wish != c.wish {
			return conflict(c, before)
		}
	}
	for i := range claims {
		c := &claims[i]
		if c.wish.Kind != ValueSet && c.wish.Kind != KeyPresent {
			continue
		}
		for path := c.upper; path != ""; path = above(path) {
			if at := sites[path]; at != nil && at.key != nil && at.key.wish.Kind == KeyAbsent {
				return conflict(c, at.key)
			}
		}
	}
	return nil
}

// put returns the claim that was there already.
func (s *site) put(c *claim) (before *claim) {
	if c.wish.Kind == KeyAbsent || c.wish.Kind == KeyPresent {
		before, s.key = s.key, c
		return before
	}
	name := upperCase(c.wish.Value)
	before, s.values[name] = s.values[name], c
	return before
}

// above is the path of the key above, "" for one below the root.
func above(path string) string {
	return path[:max(0, strings.LastIndexByte(path, '\\'))]
}

// conflict says how two wishes exclude each other, at the one that comes later.
func conflict(a, b *claim) error {
	later, earlier := a, b
	if later.wish.Line < earlier.wish.Line || later.wish.Line == earlier.wish.Line && later.wish.Column < earlier.wish.Column {
		later, earlier = earlier, later
	}
	return failf(later.wish.Position, "%s, but at %s %s", later, earlier.wish.Position, earlier)
}

// String says what is wanted.
func (c *claim) String() string {
	key := c.wish.Key
	if c.wish.ControlSet != "" {
		key = joinPath(hive.CurrentControlSet, key)
	}
	key = escape.Path(key)
	switch {
	case c.heap:
		return "desktop_heap sets its numbers"
	case c.wish.Kind == KeyAbsent:
		return fmt.Sprintf("key %s is to be absent", key)
	case c.wish.Kind == KeyPresent:
		return fmt.Sprintf("key %s is to be there", key)
	case c.wish.Kind == ValueAbsent:
		return fmt.Sprintf("value %s of key %s is to be absent", escape.ValueName(c.wish.Value), key)
	}
	return fmt.Sprintf("value %s of key %s is set", escape.ValueName(c.wish.Value), key)
}
