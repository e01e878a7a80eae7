package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

const setDescription = `Sets a value of a key. A value that exists keeps its type unless --type is
given; a new one needs --type. The key must exist, unless --create makes it.
Where the value is so already, the new hive is the same as the old one, and with
--in-place nothing is touched.

` + typeHelp + `

` + dataHelp + `
A text gets a NUL at its end, and a list one more. With --hex DATA is the bytes as
they are stored, for every type; --data-file takes those of a file. So can be set
what no text stands for, such as a list with an empty text in it, or a text
without a NUL. DATA that begins with a hyphen stands behind --.

With --class or --security, and without a VALUE, it is the key that is changed:
its class name, or its security descriptor, as SDDL or the bytes of a file. Only
the key itself gets the descriptor, not those below it.

` + pathHelp + `

` + valueNameHelp + `

Examples:
   hivepatch set SYSTEM 'CurrentControlSet\Services\Disk' Start 3 -o SYSTEM.new
   hivepatch set SOFTWARE 'Vendor\App' Paths 'C:\a\0D:\b' --type multi_sz --create -o NEW
   hivepatch set SYSTEM Setup CmdLine --data-file text.bin --dry-run
   hivepatch set SAM SAM --security 'O:BAG:SYD:(A;CI;KA;;;SY)' -o SAM.new`

// setOptions are the options of the command set.
type setOptions struct {
	editingOptions
	key    string
	value  string // as typed
	text   *string
	hex    bool   // text is hexadecimal digits, whatever the type
	file   string // with the data, "-" for standard input; "" for none
	kind   *hive.Type
	create bool
	force  bool
	ofKey  keyChange
}

func newSetCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "set",
		Usage:       "set a value, or the class or security descriptor of a key",
		UsageText:   "hivepatch set TARGET KEY [VALUE [DATA]] -o FILE [options]",
		Description: setDescription,
		Flags: editingFlags(
			stringFlag("", "type", "type `T` of the data, a name or a number"),
			stringFlag("", "data-file", "take the data from `DATAFILE`, byte for byte, or - for standard input"),
			boolFlag("", "hex", "DATA is bytes as hexadecimal digits, whatever the type"),
			boolFlag("", "create", "create the key, and those above it, where it does not exist"),
			stringFlag("", "class", "give the key the class name `TEXT`"),
			boolFlag("", "no-class", "take the class name of the key away"),
			stringFlag("", "security", "give the key the security descriptor `SDDL`, or @FILE with its bytes"),
			forceFlag(),
		),
		Action: func(c *cli.Context) error {
			o, err := readSetOptions(env, c)
			if err != nil {
				return err
			}
			return runSet(env, o)
		},
	}
}

func readSetOptions(env *environment, c *cli.Context) (o setOptions, err error) {
	var arguments []string
	if o.editingOptions, arguments, err = readEditing(env, c, 1, "KEY", "VALUE", "DATA"); err != nil {
		return o, err
	}
	o.key, o.create, o.force, o.hex, o.file = arguments[0], c.Bool("create"), c.Bool("force"), c.Bool("hex"), c.String("data-file")
	if text := c.String("type"); text != "" {
		kind, err := parseType(text)
		if err != nil {
			return o, err
		}
		o.kind = &kind
	}
	if o.ofKey, err = readKeyChange(c); err != nil {
		return o, err
	}
	switch {
	case len(arguments) > 1 && o.ofKey.isAny():
		return o, usagef("--class, --no-class and --security are about the key: no VALUE goes with them")
	case o.ofKey.isAny() && (o.kind != nil || o.file != "" || o.hex):
		return o, usagef("--type, --hex and --data-file go with a VALUE")
	case o.ofKey.isAny():
		return o, o.checkStreams()
	case len(arguments) == 1:
		return o, hinted(usagef("no VALUE given"), "--class and --security change the key itself; @ is its default value")
	}
	o.value = arguments[1]
	if len(arguments) > 2 {
		o.text = &arguments[2]
	}
	switch {
	case o.text == nil && o.file == "":
		return o, hinted(usagef("no DATA given"), "--data-file FILE takes it from a file")
	case o.text != nil && o.file != "":
		return o, usagef("DATA and --data-file exclude each other")
	case o.text == nil && o.hex:
		return o, usagef("--hex goes with DATA")
	}
	return o, o.checkStreams()
}

// checkStreams refuses to read two things from standard input.
func (o setOptions) checkStreams() error {
	readers := 0
	for _, path := range []string{o.target.path, o.file, o.ofKey.file} {
		if path == standardStream {
			readers++
		}
	}
	if readers > 1 {
		return usagef("standard input can be read once only")
	}
	return nil
}

func runSet(env *environment, o setOptions) error {
	if o.ofKey.isAny() {
		return runSetKey(env, o)
	}
	data, read, err := readDataFile(env, o.file)
	if err != nil {
		return err
	}
	return o.applyBeside(env, read, func(d *edit.Draft, changes *changeList) error {
		key, err := o.openKey(d, changes)
		if err != nil {
			return err
		}
		name, err := parseValueName(o.value)
		if err != nil {
			return err
		}
		if err := (guard{d, o.force}).refuseLinkValue(key); err != nil {
			return err
		}
		err = o.setValue(d, changes, key, name, data)
		data = nil // it can be large, and the checks to come need room
		return err
	})
}

// readDataFile reads the file that an option names, if it does.
func readDataFile(env *environment, path string) ([]byte, []*hivefile.Source, error) {
	var source *hivefile.Source
	var err error
	switch path {
	case "":
		return nil, nil, nil
	case standardStream:
		source, err = hivefile.ReadStream(env.stdin)
	default:
		source, err = hivefile.ReadFile(path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	data := source.Data
	source.Data = nil
	return data, []*hivefile.Source{source}, nil
}

// openKey returns the key to be edited, made where --create says so.
func (o setOptions) openKey(d *edit.Draft, changes *changeList) (*hive.Key, error) {
	key, err := existingKey(d, o.key)
	if err == nil || !errors.Is(err, hive.ErrNotFound) {
		return key, err
	}
	if !o.create {
		return nil, hinted(err, "--create makes the key")
	}
	return createKey(guard{d, o.force}, changes, o.key)
}

func (o setOptions) setValue(d *edit.Draft, changes *changeList, key *hive.Key, name string, data []byte) error {
	old, err := key.Value(name)
	switch {
	case err == nil:
		name = old.Name()
	case !errors.Is(err, hive.ErrNotFound):
		return err
	}
	kind, err := o.typeFor(old, name)
	if err != nil {
		return err
	}
	if o.text != nil {
		if data, err = o.parseText(kind); err != nil {
			return err
		}
	}
	changes.tell("key", "%s", printablePath(key.Path()))
	changes.tell("value", "%s", printableValueName(name))
	changes.requireValue(key.Path(), name, kind, data)
	stored := wtfString(name)
	entry := editJSON{Action: actionSetValue, Key: wtfString(key.Path()), Value: &stored, After: reportedValue(name, kind, data)}
	if old != nil {
		before, err := old.Data()
		if err != nil {
			return err
		}
		if old.Type() == kind && bytes.Equal(before, data) {
			changes.nothing("it is %s already", shownData(kind, data))
			return nil
		}
		entry.Before = reportedValue(name, old.Type(), before)
		changes.tell("before", "%s", shownData(old.Type(), before))
	} else {
		changes.tell("before", "none")
	}
	if _, err := key.SetValue(name, kind, data, d.Time); err != nil {
		return err
	}
	changes.tell("after", "%s", shownData(kind, data))
	changes.add(entry)
	return nil
}

// parseText reads the DATA of the command line.
func (o setOptions) parseText(kind hive.Type) ([]byte, error) {
	if o.hex {
		return parseBytes(*o.text)
	}
	data, err := parseData(kind, *o.text)
	if kind == hive.Link {
		data = trimNULs(data) // Windows takes a target to its last byte
	}
	return data, err
}

// typeFor is the type that a value gets.
func (o setOptions) typeFor(old *hive.Value, name string) (hive.Type, error) {
	switch {
	case o.kind != nil:
		return *o.kind, nil
	case old != nil:
		return old.Type(), nil
	}
	return 0, hinted(usagef("there is no value %s yet, and no --type for it", printableValueName(name)), "--type T says which type it gets, such as sz or dword")
}
