package edit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"www.velocidex.com/golang/regparser"

	"hivepatch/hive"
	"hivepatch/hive/escape"
	"hivepatch/hive/internal/regf"
)

// Most that the second reader is asked about: it takes a microsecond and a
// hundred bytes for each subkey and value of a key, looks at all of them to find
// one, and reads data byte by byte.
const (
	opinionKeys   = 64      // of those that were touched
	opinionList   = 1 << 16 // subkeys, and values, of one key
	opinionValues = 1 << 11 // of all keys; of the first one it may be more
	opinionBytes  = 4 << 20 // of data
)

// compare lets an independent reader, regparser, read the bytes that will be
// saved. It must open them, and read each touched key as we do.
//
// regparser does not guard itself against hostile hives: only a hive that has
// passed our own check may come to it.
func (d *Draft) compare() error {
	if d.Damaged() {
		d.Warn("no second opinion: the other reader cannot be trusted with a damaged hive")
		return nil
	}
	if _, minor := d.written.Version(); minor <= 1 {
		d.Warn("no second opinion: the other reader does not know the cells of version 1.%d", minor)
		return nil
	}
	if err := secondOpinion(d.written, d.touched); err != nil {
		return err
	}
	d.verified("regparser")
	return nil
}

// secondOpinion returns a RefusedError where regparser reads the keys at paths
// otherwise than we do, or finds one that is not there.
func secondOpinion(h *hive.Hive, paths []string) error {
	reader, err := regparser.NewRegistry(bytes.NewReader(h.Bytes()))
	if err != nil {
		return disagreement("the hive", "it cannot open it: "+err.Error())
	}
	wanted := newWanted(paths)
	if wanted.isEmpty() {
		return nil
	}
	root, err := h.Root()
	if err != nil {
		return err
	}
	_, minor := h.Version()
	o := newOpinion(minor)
	return o.key(reader.OpenKey(""), root, wanted)
}

func disagreement(what, why string) error {
	return &RefusedError{Reason: fmt.Sprintf("a second, independent reader (regparser) disagrees about %s: %s", what, why)}
}

// wanted is a tree of the keys that the second reader is asked about.
type wanted struct {
	itself  bool
	subkeys map[string]*wanted // by name in our own encoding
}

// newWanted makes the tree of the keys at paths. Of more than it may ask for it
// takes some, evenly.
func newWanted(paths []string) *wanted {
	root := &wanted{}
	step := (len(paths) + opinionKeys - 1) / opinionKeys
	for i := 0; i < len(paths); i += step {
		w := root
		for name := range strings.SplitSeq(paths[i], `\`) {
			if name != "" {
				w = w.subkey(name)
			}
		}
		w.itself = true
	}
	return root
}

func (w *wanted) subkey(name string) *wanted {
	if w.subkeys == nil {
		w.subkeys = map[string]*wanted{}
	}
	if w.subkeys[name] == nil {
		w.subkeys[name] = &wanted{}
	}
	return w.subkeys[name]
}

func (w *wanted) isEmpty() bool { return !w.itself && len(w.subkeys) == 0 }

// opinion is one comparison of what two readers read.
type opinion struct {
	minor  uint32 // version of the hive
	values int    // that may still be compared
	left   int64  // bytes of data that may still be compared
}

func newOpinion(minor uint32) opinion {
	return opinion{minor: minor, values: opinionValues, left: opinionBytes}
}

// key compares a key as far as it is wanted, and what is wanted below it. Its
// recursion goes as deep as the paths of keys that exist.
func (o *opinion) key(read *regparser.CM_KEY_NODE, own *hive.Key, w *wanted) error {
	if read == nil {
		return disagreement(describe(own), "it does not find the key")
	}
	subkeys, values, err := own.Counts()
	if err != nil {
		return err
	}
	if w.itself && values <= opinionList && o.values > 0 {
		o.values -= values
		if err := o.compareValues(read, own); err != nil {
			return err
		}
	}
	if len(w.subkeys) == 0 || subkeys > opinionList {
		return nil
	}
	found := map[string]*regparser.CM_KEY_NODE{} // by name as stored
	for _, subkey := range read.Subkeys() {
		found[subkey.Name()] = subkey
	}
	for _, name := range slices.Sorted(maps.Keys(w.subkeys)) {
		below := w.subkeys[name]
		subkey, err := own.Subkey(name)
		if errors.Is(err, hive.ErrNotFound) {
			if named(found, name) != nil {
				return disagreement(string(escape.AppendSubkey([]byte(describe(own)+`\`), name)), "it finds the key, which should be gone")
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := o.key(named(found, subkey.Name()), subkey, below); err != nil {
			return err
		}
	}
	return nil
}

func describe(key *hive.Key) string {
	if key.IsRoot() {
		return "the root key"
	}
	return escape.Path(key.Path())
}

// named looks a name up among those that regparser gives: the bytes as they are
// stored, in Latin-1 or UTF-16.
func named(found map[string]*regparser.CM_KEY_NODE, name string) *regparser.CM_KEY_NODE {
	for _, stored := range storedNames(name) {
		if hit := found[stored]; hit != nil {
			return hit
		}
	}
	return nil
}

// storedNames are the ways in which a name can be stored: as Windows does it,
// and in UTF-16 where Latin-1 would do.
func storedNames(name string) []string {
	stored, err := regf.NewName(name)
	if err != nil {
		return nil
	}
	names := []string{string(stored.Raw)}
	if stored.Latin1 {
		wide := make([]byte, 0, 2*len(stored.Raw))
		for _, unit := range stored.Raw {
			wide = append(wide, unit, 0)
		}
		names = append(names, string(wide))
	}
	return names
}
