package policy

import (
	"errors"
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/escape"
)

// view finds keys and values of a hive, each once.
type view struct {
	hive   *hive.Hive
	places map[string]*place // by path in upper case
}

func newView(h *hive.Hive) *view { return &view{h, map[string]*place{}} }

// place is where a path leads.
type place struct {
	key     *hive.Key // the nearest that there is
	missing []string  // names below that
	asked   int       // number of values that were looked for
	values  map[string]*hive.Value
}

// find follows a path. It returns a RefusedError where the path leads through a
// symbolic link: only a running Windows knows in which hive its target lies.
func (v *view) find(path string) (*place, error) {
	upper := upperCase(path)
	if known := v.places[upper]; known != nil {
		return known, nil
	}
	key, err := v.hive.Root()
	if err != nil {
		return nil, err
	}
	found := &place{key: key}
	if path != "" {
		found.missing = strings.Split(path, `\`)
	}
	for len(found.missing) > 0 {
		if found.key.Flags()&hive.FlagLink != 0 {
			return nil, &edit.RefusedError{Reason: fmt.Sprintf("the path %s goes through the symbolic link %s: name a key where it leads", escape.Path(path), escape.Path(found.key.Path()))}
		}
		below, err := found.key.Subkey(found.missing[0])
		if errors.Is(err, hive.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		found.key, found.missing = below, found.missing[1:]
	}
	v.places[upper] = found
	return found, nil
}

// path is the path of the place, as far as there are keys in their spelling.
func (p *place) path() string { return joinPath(p.key.Path(), strings.Join(p.missing, `\`)) }

// value returns the value of that name, nil where there is none. When a second
// one is asked for it reads the names of all, so that many can be found in a key
// that has many.
func (p *place) value(name string) (*hive.Value, error) {
	if len(p.missing) > 0 {
		return nil, nil
	}
	if p.asked++; p.asked == 1 {
		value, err := p.key.Value(name)
		if errors.Is(err, hive.ErrNotFound) {
			return nil, nil
		}
		return value, err
	}
	if p.values == nil {
		p.values = map[string]*hive.Value{}
		for value, err := range p.key.Values() {
			if err != nil {
				return nil, err
			}
			upper := upperCase(value.Name())
			if p.values[upper] == nil {
				p.values[upper] = value
			}
		}
	}
	return p.values[upperCase(name)], nil
}

// forget drops a value that is going to be deleted.
func (p *place) forget(value *hive.Value) { delete(p.values, upperCase(value.Name())) }

// remember adds a value that was created.
func (p *place) remember(value *hive.Value) {
	if p.values != nil {
		p.values[upperCase(value.Name())] = value
	}
}
