package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/regfile"
)

// importCounts are the numbers of what an import did, in JSON a contract with
// scripts.
type importCounts struct {
	Operations    int `json:"operations"` // entries of the file
	KeysCreated   int `json:"keys_created"`
	KeysDeleted   int `json:"keys_deleted"` // with those below them
	ValuesCreated int `json:"values_created"`
	ValuesChanged int `json:"values_changed"`
	ValuesDeleted int `json:"values_deleted"` // but for those of deleted keys
	Unchanged     int `json:"unchanged"`      // keys and values that were so already
	Absent        int `json:"absent"`         // keys and values to delete that were not there
}

// importer does what a .reg file says to a hive.
type importer struct {
	draft *edit.Draft
	guard guard
	file  string // its name
	place importPlace

	way      []*hive.Key // from the root to the key that was opened last
	key      string      // of the last operation, as in the file
	hasLinks *bool       // there are symbolic links in the hive; nil before that is known

	counts  importCounts
	listed  bool // changes are listed
	changes changeList
	steps   [][]importStep // in pieces, which need not move when there are more
}

func newImporter(d *edit.Draft, o importOptions) *importer {
	return &importer{
		draft:  d,
		guard:  guard{d, o.force},
		file:   o.fileName(),
		place:  importPlace{prefix: o.prefix, guard: guard{d, o.force}},
		listed: o.output.dryRun || o.report.verbose || o.report.json,
	}
}

// run does all that the file says, in its order.
func (i *importer) run(file *regfile.File) error {
	for operation, err := range file.Operations() {
		if err != nil {
			return fmt.Errorf("%s: %w", i.file, err)
		}
		i.counts.Operations++
		if err := i.do(operation); err != nil {
			return fmt.Errorf("%s: line %d, column %d: %w", i.file, operation.Line, operation.Column, err)
		}
	}
	return nil
}

func (i *importer) do(operation regfile.Operation) error {
	if operation.Kind == regfile.DeleteKey {
		return i.deleteKey(operation)
	}
	if i.key != operation.Key || len(i.way) == 0 {
		path, err := i.place.path(i.draft.Hive, operation)
		if err != nil {
			return err
		}
		if err := i.open(path); err != nil {
			return err
		}
		i.key = operation.Key
		i.note(importStep{kind: regfile.CreateKey, path: i.current().Path()})
	}
	switch operation.Kind {
	case regfile.SetValue:
		return i.setValue(operation)
	case regfile.DeleteValue:
		return i.deleteValue(operation)
	}
	return nil
}

// current is the key that was opened last.
func (i *importer) current() *hive.Key { return i.way[len(i.way)-1] }

// open opens the key at path, and creates it and those above it where they do
// not exist.
func (i *importer) open(path string) error {
	if len(i.way) == 0 {
		root, err := i.draft.Hive.Root()
		if err != nil {
			return err
		}
		i.way = append(i.way, root)
	}
	names := pathNames(path)
	shared := 0 // with the key before
	for shared < len(names) && shared+1 < len(i.way) && i.way[shared+1].Name() == names[shared] {
		shared++
	}
	i.way = i.way[:shared+1]
	created := false
	for _, name := range names[shared:] {
		key, err := i.current().Subkey(name)
		if errors.Is(err, hive.ErrNotFound) {
			created = true
			key, err = i.create(name)
		}
		if err != nil {
			return err
		}
		i.way = append(i.way, key)
	}
	if !created {
		i.counts.Unchanged++
		return i.draft.Touch(i.current())
	}
	return nil
}

// create creates a subkey of the current key.
func (i *importer) create(name string) (*hive.Key, error) {
	if err := i.draft.Touch(i.current()); err != nil {
		return nil, err
	}
	if err := i.draft.MayBeNamed(i.current(), name, i.guard.force); err != nil {
		return nil, err
	}
	key, err := i.current().CreateSubkey(name, i.draft.Time)
	if err != nil {
		return nil, err
	}
	i.counts.KeysCreated++
	if i.listed {
		i.changes.tell("created", "%s", printablePath(key.Path()))
		i.changes.add(editJSON{Action: actionCreateKey, Key: wtfString(key.Path()), After: wtfString(name)})
	}
	return key, i.draft.Touch(key)
}

func (i *importer) setValue(operation regfile.Operation) error {
	key, kind := i.current(), hive.Type(operation.Type)
	old, err := i.current().FindValue(operation.Name)
	if err != nil {
		return err
	}
	var before []byte
	if old != nil {
		if before, err = old.Data(); err != nil {
			return err
		}
	}
	i.note(importStep{kind: regfile.SetValue, path: key.Path(), name: operation.Name, valueType: kind, data: operation.Data})
	if old != nil && old.Type() == kind && bytes.Equal(before, operation.Data) {
		i.counts.Unchanged++
		return nil
	}
	if err := i.guard.refuseLinkValue(key); err != nil {
		return err
	}
	i.list(key, operation, old, before)
	if old != nil {
		i.counts.ValuesChanged++
		return old.SetData(kind, operation.Data, i.draft.Time)
	}
	i.counts.ValuesCreated++
	_, err = key.SetValue(operation.Name, kind, operation.Data, i.draft.Time)
	return err
}

// list adds what becomes of a value to the list of changes.
func (i *importer) list(key *hive.Key, operation regfile.Operation, old *hive.Value, before []byte) {
	if !i.listed {
		return
	}
	name := wtfString(operation.Name)
	entry := editJSON{Action: actionSetValue, Key: wtfString(key.Path()), Value: &name}
	was, is := "none", "deleted"
	if old != nil {
		name = wtfString(old.Name())
		entry.Before = reportedValue(old.Name(), old.Type(), before)
		was = shownData(old.Type(), before)
	}
	if operation.Kind == regfile.DeleteValue {
		entry.Action = actionDeleteValue
	} else {
		entry.After = reportedValue(string(name), hive.Type(operation.Type), operation.Data)
		is = shownData(hive.Type(operation.Type), operation.Data)
	}
	i.changes.add(entry)
	i.changes.tell("value", "%s %s: %s -> %s", printablePath(key.Path()), printableValueName(string(name)), was, is)
}

func (i *importer) deleteValue(operation regfile.Operation) error {
	key := i.current()
	i.note(importStep{kind: regfile.DeleteValue, path: key.Path(), name: operation.Name})
	old, err := i.current().FindValue(operation.Name)
	if err != nil {
		return err
	}
	if old == nil {
		i.counts.Absent++
		return nil
	}
	if err := i.guard.refuseLinkValue(key); err != nil {
		return err
	}
	before, err := old.Data()
	if err != nil {
		return err
	}
	i.list(key, operation, old, before)
	i.counts.ValuesDeleted++
	return old.Delete(i.draft.Time)
}

func (i *importer) deleteKey(operation regfile.Operation) error {
	path, err := i.place.path(i.draft.Hive, operation)
	if err != nil {
		return err
	}
	i.way = i.way[:0] // keys on it may go
	key, err := keyAt(i.draft.Hive, path)
	switch {
	case errors.Is(err, hive.ErrNotFound):
		i.counts.Absent++
		i.note(importStep{kind: regfile.DeleteKey, path: path})
		return nil
	case err != nil:
		return err
	case key.IsRoot():
		return fmt.Errorf("the root key %w: a hive cannot be without it", hive.ErrProtected)
	}
	if err := i.draft.Touch(key); err != nil {
		return err
	}
	keys, values, err := i.examine(key)
	if err != nil {
		return err
	}
	path = key.Path()
	if err := key.Delete(i.draft.Time); err != nil {
		return err
	}
	i.note(importStep{kind: regfile.DeleteKey, path: path})
	i.counts.KeysDeleted += keys
	if i.listed {
		i.changes.tell("deleted", "%s with %s and %s", printablePath(path), plural(keys-1, "subkey", "subkeys"), plural(values, "value", "values"))
		i.changes.add(editJSON{Action: actionDeleteKey, Key: wtfString(path), Before: deletedKey{keys, values}})
	}
	return nil
}

// examine counts the keys and values that will be deleted, and refuses those
// that should not be.
func (i *importer) examine(key *hive.Key) (keys, values int, err error) {
	for below, err := range key.Walk() {
		if err != nil {
			return 0, 0, err
		}
		if err := i.guard.refuseFlags(below); err != nil {
			return 0, 0, err
		}
		_, own, err := below.Counts()
		if err != nil {
			return 0, 0, err
		}
		keys, values = keys+1, values+own
	}
	if i.linksExist() {
		err = i.guard.refuseTarget(key, func(link *hive.Key) bool { return isWithin(link, key) })
	}
	return keys, values, err
}

// linksExist reports whether the hive has symbolic links. An import makes none.
func (i *importer) linksExist() bool {
	if i.hasLinks == nil {
		i.hasLinks = new(bool)
		for key, err := range i.draft.Hive.Walk() {
			if err == nil && key.Flags()&hive.FlagLink != 0 {
				*i.hasLinks = true
				break
			}
		}
	}
	return *i.hasLinks
}

// importReport is the result of an import, in JSON a contract with scripts.
type importReport struct {
	edit.Outcome
	File   string    `json:"file"`   // "standard input" for that
	Prefix wtfString `json:"prefix"` // key of the file that is the root of the hive, "" in an empty file
	importCounts
	Edits []editJSON `json:"edits"` // what was done; empty where there was nothing to do
}

func (i *importer) report(outcome *edit.Outcome, file string) *importReport {
	return &importReport{Outcome: *outcome, File: file, Prefix: wtfString(i.place.prefix), importCounts: i.counts, Edits: i.changes.list()}
}

func (i *importer) print(r *reporter, report *importReport) {
	i.changes.print(r)
	c := i.counts
	r.line("imported:   %s from %s", plural(c.Operations, "entry", "entries"), report.File)
	if report.Prefix != "" {
		r.line("prefix:     %s", string(report.Prefix))
	}
	r.line("keys:       %d created, %d deleted", c.KeysCreated, c.KeysDeleted)
	r.line("values:     %d created, %d changed, %d deleted", c.ValuesCreated, c.ValuesChanged, c.ValuesDeleted)
	var rest []string
	if c.Unchanged > 0 {
		rest = append(rest, fmt.Sprintf("%s so already", plural(c.Unchanged, "entry was", "entries were")))
	}
	if c.Absent > 0 {
		rest = append(rest, fmt.Sprintf("%d to delete not there", c.Absent))
	}
	if len(rest) > 0 {
		r.line("no change:  %s", strings.Join(rest, ", "))
	}
}
