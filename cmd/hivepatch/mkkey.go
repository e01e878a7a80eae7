package main

import (
	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

const mkkeyDescription = `Creates a key, and the keys above it that do not exist. New keys have the security
descriptor of the key above. A key that exists is left alone.

` + pathHelp + `

Examples:
   hivepatch mkkey SOFTWARE 'Policies\Vendor\App' -o SOFTWARE.new
   hivepatch mkkey SYSTEM 'CurrentControlSet\Services\New' --dry-run`

func newMkkeyCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "mkkey",
		Usage:       "create a key",
		UsageText:   "hivepatch mkkey TARGET KEY -o FILE [options]",
		Description: mkkeyDescription,
		Flags:       editingFlags(forceFlag()),
		Action: func(c *cli.Context) error {
			o, arguments, err := readEditing(env, c, 1, "KEY")
			if err != nil {
				return err
			}
			return o.apply(env, func(d *edit.Draft, changes *changeList) error {
				key, err := createKey(guard{d, c.Bool("force")}, changes, arguments[0])
				if err == nil && len(changes.edits) == 0 {
					changes.nothing("the key %s exists", printablePath(key.Path()))
				}
				return err
			})
		},
	}
}

// createKey returns the key that the user means, and makes it and those above it
// where they do not exist.
func createKey(g guard, changes *changeList, text string) (*hive.Key, error) {
	d := g.draft
	path, err := parseKeyPath(text)
	if err != nil {
		return nil, err
	}
	if err := refuseLinkOnTheWay(d.Hive, text); err != nil {
		return nil, err
	}
	existing, missing, err := nearest(d.Hive, path)
	if err != nil {
		return nil, err
	}
	if err := d.Touch(existing); err != nil {
		return nil, err
	}
	key := existing
	for _, name := range missing {
		if err := d.MayBeNamed(key, name, g.force); err != nil {
			return nil, err
		}
		if key, err = key.CreateSubkey(name, d.Time); err != nil {
			return nil, err
		}
		changes.tell("created", "%s", printablePath(key.Path()))
		changes.add(editJSON{Action: actionCreateKey, Key: wtfString(key.Path()), After: wtfString(name)})
	}
	if err := d.Touch(key); err != nil {
		return nil, err
	}
	changes.requireKey(key.Path())
	return key, nil
}
