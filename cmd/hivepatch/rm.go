package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

const rmDescription = `Deletes a value or, without a VALUE, a key. A key that has values or subkeys is
deleted with -r only, and then with all below it.

The root, and keys with a predefined handle, cannot be deleted. Keys that are
marked as not to be deleted, the values of symbolic links, and keys that a
symbolic link in the same hive leads to need --force.

` + pathHelp + `

` + valueNameHelp + `

Examples:
   hivepatch rm SYSTEM 'Setup' Upgrade -o SYSTEM.new
   hivepatch rm SOFTWARE 'Vendor\App' -r --dry-run`

// rmOptions are the options of the command rm.
type rmOptions struct {
	editingOptions
	key       string
	value     *string // as typed; nil for the key
	recursive bool
	force     bool
}

func newRmCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "rm",
		Usage:       "delete a value or a key",
		UsageText:   "hivepatch rm TARGET KEY [VALUE] -o FILE [options]",
		Description: rmDescription,
		Flags: editingFlags(
			boolFlag("", "recursive", "delete a key with all its values and subkeys", "r"),
			forceFlag(),
		),
		Action: func(c *cli.Context) error {
			o := rmOptions{recursive: c.Bool("recursive"), force: c.Bool("force")}
			var arguments []string
			var err error
			if o.editingOptions, arguments, err = readEditing(env, c, 1, "KEY", "VALUE"); err != nil {
				return err
			}
			if o.key = arguments[0]; len(arguments) > 1 {
				o.value = &arguments[1]
			}
			if o.value != nil && o.recursive {
				return usagef("--recursive deletes keys: no VALUE goes with it")
			}
			return o.apply(env, o.run)
		},
	}
}

func (o rmOptions) run(d *edit.Draft, changes *changeList) error {
	g := guard{d, o.force}
	if o.value != nil {
		key, err := existingKey(d, o.key)
		if err != nil {
			return err
		}
		return removeValue(g, changes, key, *o.value)
	}
	key, err := keyItself(d, o.key)
	if err != nil {
		return err
	}
	return o.removeKey(g, changes, key)
}

func removeValue(g guard, changes *changeList, key *hive.Key, text string) error {
	value, err := findValue(key, text)
	if err != nil {
		return err
	}
	if err := g.refuseLinkValue(key); err != nil {
		return err
	}
	data, err := value.Data()
	if err != nil {
		return err
	}
	_, count, err := key.Counts()
	if err != nil {
		return err
	}
	path, name := key.Path(), value.Name()
	changes.tell("key", "%s", printablePath(path))
	changes.tell("deleted", "value %s, %s", printableValueName(name), shownData(value.Type(), data))
	deleted := wtfString(name)
	changes.add(editJSON{Action: actionDeleteValue, Key: wtfString(path), Value: &deleted, Before: reportedValue(name, value.Type(), data)})
	if err := value.Delete(g.draft.Time); err != nil {
		return err
	}
	changes.requireValues(path, count-1)
	return nil
}

// keyItself is existingKey for an edit of the name of a key, which must not be
// one that stands for another.
func keyItself(d *edit.Draft, text string) (*hive.Key, error) {
	path, err := parseKeyPath(text)
	if err != nil {
		return nil, err
	}
	if !hive.EqualNames(path, hive.CurrentControlSet) {
		return existingKey(d, text)
	}
	// A real key of that name is a mistake that somebody may want to mend.
	root, err := d.Hive.Root()
	if err != nil {
		return nil, err
	}
	key, err := root.Subkey(path)
	if errors.Is(err, hive.ErrNotFound) {
		if resolved, resolveErr := d.Hive.Key(path); resolveErr == nil {
			return nil, &edit.RefusedError{Reason: fmt.Sprintf("%s stands for %s and is no key of its own: name that", hive.CurrentControlSet, printablePath(resolved.Path()))}
		}
	}
	if err != nil {
		return nil, err
	}
	return key, d.Touch(key)
}

func (o rmOptions) removeKey(g guard, changes *changeList, key *hive.Key) error {
	path := key.Path()
	if path == "" {
		return fmt.Errorf("the root key %w: a hive cannot be without it", hive.ErrProtected)
	}
	keys, values, err := o.examine(g, key)
	if err != nil {
		return err
	}
	if err := g.refuseTarget(key, func(link *hive.Key) bool { return isWithin(link, key) }); err != nil {
		return err
	}
	if err := key.Delete(g.draft.Time); err != nil {
		return err
	}
	changes.tell("deleted", "key %s with %s and %s", printablePath(path), plural(keys-1, "subkey", "subkeys"), plural(values, "value", "values"))
	changes.add(editJSON{Action: actionDeleteKey, Key: wtfString(path), Before: deletedKey{keys, values}})
	changes.requireNoKey(path)
	return nil
}

// deletedKey is what was deleted, in JSON.
type deletedKey struct {
	Keys   int `json:"keys"` // with the key itself
	Values int `json:"values"`
}

// examine counts the keys and values that will be deleted, and refuses those
// that should not be.
func (o rmOptions) examine(g guard, key *hive.Key) (keys, values int, err error) {
	subkeys, own, err := key.Counts()
	if err != nil {
		return 0, 0, err
	}
	if !o.recursive && subkeys+own > 0 && key.Flags()&hive.FlagPredefined == 0 {
		refused := &edit.RefusedError{Reason: fmt.Sprintf("key %s has %s and %s", printablePath(key.Path()),
			plural(subkeys, "subkey", "subkeys"), plural(own, "value", "values"))}
		return 0, 0, hinted(refused, "--recursive, or -r, deletes them with the key")
	}
	for below, err := range key.Walk() {
		if err != nil {
			return 0, 0, err
		}
		if err := g.refuseFlags(below); err != nil {
			return 0, 0, err
		}
		_, own, err := below.Counts()
		if err != nil {
			return 0, 0, err
		}
		keys, values = keys+1, values+own
	}
	return keys, values, nil
}
