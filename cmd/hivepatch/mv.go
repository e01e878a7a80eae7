package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
)

const mvDescription = `Gives a value or, without a VALUE, a key another name. The other case of the same
name is another name. A NEWNAME of a key with a \ in it is a path from the root:
the key is moved there, with all below it, and keeps its security descriptor. The
key above the new place must exist; a name alone behind a \ is below the root.

What rm refuses to delete, mv refuses to rename, and --force overrides it in the
same cases.

` + pathHelp + `

` + valueNameHelp + `

Examples:
   hivepatch mv SOFTWARE 'Vendor\App' App.old -o SOFTWARE.new
   hivepatch mv SOFTWARE 'Vendor\App' 'Backup\App' -o SOFTWARE.new
   hivepatch mv SYSTEM Setup CmdLine CmdLine.old --dry-run`

// mvOptions are the options of the command mv.
type mvOptions struct {
	editingOptions
	key     string
	value   *string // as typed; nil for the key
	newName string  // as typed
	force   bool
}

func newMvCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "mv",
		Usage:       "rename a value, or rename or move a key",
		UsageText:   "hivepatch mv TARGET KEY [VALUE] NEWNAME -o FILE [options]",
		Description: mvDescription,
		Flags:       editingFlags(forceFlag()),
		Action: func(c *cli.Context) error {
			o := mvOptions{force: c.Bool("force")}
			var arguments []string
			var err error
			if o.editingOptions, arguments, err = readEditing(env, c, 2, "KEY", "VALUE or NEWNAME", "NEWNAME"); err != nil {
				return err
			}
			last := len(arguments) - 1
			if o.key, o.newName = arguments[0], arguments[last]; last == 2 {
				o.value = &arguments[1]
			}
			return o.apply(env, o.run)
		},
	}
}

func (o mvOptions) run(d *edit.Draft, changes *changeList) error {
	g := guard{d, o.force}
	if o.value == nil {
		key, err := keyItself(d, o.key)
		if err != nil {
			return err
		}
		return renameKey(g, changes, key, o.newName)
	}
	key, err := existingKey(d, o.key)
	if err != nil {
		return err
	}
	return renameValue(g, changes, key, *o.value, o.newName)
}

func renameKey(g guard, changes *changeList, key *hive.Key, text string) error {
	path := key.Path()
	if path == "" {
		return fmt.Errorf("the root key %w: its name has no meaning", hive.ErrProtected)
	}
	above, name, err := newPlace(g.draft, key, text)
	if err != nil {
		return err
	}
	moves := above.Offset() != key.Ancestry()[len(key.Ancestry())-2].Offset()
	if name == key.Name() && !moves {
		changes.nothing("the key %s has that name", printablePath(path))
		return nil
	}
	if err := g.refuseFlags(key); err != nil {
		return err
	}
	if moves || !hive.EqualNames(name, key.Name()) { // else links still lead to it
		if err := g.refuseTarget(key, func(*hive.Key) bool { return false }); err != nil {
			return err
		}
	}
	if err := g.draft.MayBeNamed(above, name, g.force); err != nil {
		return err
	}
	old := key.Name()
	if err := key.Move(above, name, g.draft.Time); err != nil {
		return hintAtTaken(err)
	}
	if moves {
		changes.tell("moved", "key %s -> %s", printablePath(path), printablePath(key.Path()))
		changes.add(editJSON{Action: actionMoveKey, Key: wtfString(path), Before: wtfString(path), After: wtfString(key.Path())})
	} else {
		changes.tell("renamed", "key %s -> %s", printablePath(path), printablePath(key.Path()))
		changes.add(editJSON{Action: actionRenameKey, Key: wtfString(path), Before: wtfString(old), After: wtfString(name)})
	}
	changes.requireNoKey(path)
	changes.requireKey(key.Path())
	return g.draft.Touch(key)
}

// hintAtTaken says what can be done where the new name is that of another key or
// value, which nothing replaces.
func hintAtTaken(err error) error {
	if errors.Is(err, hive.ErrExists) {
		return hinted(err, "take another NEWNAME; or first give that one another name with %[1]s mv, or delete it with %[1]s rm", programName)
	}
	return err
}

// newPlace returns the key above the place that the user means for a key, and its
// name there: a name alone, or a path from the root.
func newPlace(d *edit.Draft, key *hive.Key, text string) (above *hive.Key, name string, err error) {
	if name, err = parseName(text); err != nil {
		return nil, "", err
	}
	if !strings.Contains(name, `\`) {
		ancestry := key.Ancestry()
		return ancestry[len(ancestry)-2], name, nil
	}
	path, err := parseKeyPath(text)
	if err != nil {
		return nil, "", err
	}
	cut := strings.LastIndexByte(path, '\\')
	if name = path[cut+1:]; name == "" {
		return nil, "", usagef(`NEWNAME "%s" names no key`, text)
	}
	if err := refuseLinkOnTheWay(d.Hive, text); err != nil {
		return nil, "", err
	}
	if above, err = findKey(d.Hive, printablePath(path[:max(cut, 0)])); err != nil {
		return nil, "", err
	}
	return above, name, d.Touch(above)
}

func renameValue(g guard, changes *changeList, key *hive.Key, oldText, newText string) error {
	value, err := findValue(key, oldText)
	if err != nil {
		return err
	}
	name, err := parseValueName(newText)
	if err != nil {
		return err
	}
	old, path := value.Name(), key.Path()
	if name == old {
		changes.nothing("the value has that name")
		return nil
	}
	if err := g.refuseLinkValue(key); err != nil {
		return err
	}
	data, err := value.Data()
	if err != nil {
		return err
	}
	if err := value.Rename(name, g.draft.Time); err != nil {
		return hintAtTaken(err)
	}
	changes.tell("key", "%s", printablePath(path))
	changes.tell("renamed", "value %s -> %s", printableValueName(old), printableValueName(name))
	renamed := wtfString(old)
	changes.add(editJSON{Action: actionRenameValue, Key: wtfString(path), Value: &renamed, Before: renamed, After: wtfString(name)})
	changes.requireValue(path, name, value.Type(), data)
	return nil
}
