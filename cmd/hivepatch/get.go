package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/sddl"
)

const getDescription = `Prints the data of a VALUE of a KEY. Without a VALUE it prints all values, each
as a line with tab characters between type, name and data. With --raw it is the
bytes of one value exactly as they are, without anything behind them.

With --class it is the class name of the key instead, and with --security its
security descriptor as text (SDDL), or with --raw the bytes of that.

--json prints the VALUE with its type and bytes, or the KEY with its time, flags,
class name and all values, with --security its security descriptor too.

` + pathHelp + `

` + valueNameHelp + `

` + dataHelp + `

` + jsonHelp + `

` + readingHelp + `

Examples:
   hivepatch get SYSTEM 'Select' Current
   hivepatch get SYSTEM CurrentControlSet/Services/Tcpip
   hivepatch get SOFTWARE 'Classes\.txt' @
   hivepatch get SYSTEM 'ControlSet001\Control\Lsa\JD' --class
   hivepatch get SAM 'SAM\Domains\Account\Users\000001F4' V --raw -o V.bin`

// getOptions are the options of the command get.
type getOptions struct {
	readingOptions
	key             string // as typed
	value           string
	hasValue        bool
	raw             bool
	class, security bool
}

func newGetCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "get",
		Usage:       "print the data of values",
		UsageText:   "hivepatch get TARGET KEY [VALUE] [options]",
		Description: getDescription,
		Flags: readingFlags(
			boolFlag("", "raw", "write the bytes as they are"),
			boolFlag("", "class", "print the class name of the key"),
			boolFlag("", "security", "print the security descriptor of the key"),
		),
		Action: func(c *cli.Context) error {
			o, err := readGet(env, c)
			if err != nil {
				return err
			}
			return runGet(env, o)
		},
	}
}

func readGet(env *environment, c *cli.Context) (getOptions, error) {
	o := getOptions{raw: c.Bool("raw"), class: c.Bool("class"), security: c.Bool("security")}
	common, arguments, err := readReading(env, c, 1, "KEY", "VALUE")
	if err != nil {
		return o, err
	}
	o.readingOptions, o.key = common, arguments[0]
	if o.hasValue = len(arguments) > 1; o.hasValue {
		o.value = arguments[1]
	}
	switch {
	case o.raw && o.report.json:
		return o, usagef("--raw and --json exclude each other")
	case o.class && o.security && !o.report.json:
		return o, hinted(usagef("--class and --security exclude each other"), "--json --security prints both")
	case o.hasValue && (o.class || o.security):
		return o, hinted(usagef("--class and --security are of a key, not of a value"), `leave out the VALUE "%s"`, o.value)
	case o.raw && o.class:
		return o, usagef("--raw and --class exclude each other")
	case o.raw && !o.hasValue && !o.security:
		return o, usagef("--raw needs a VALUE")
	}
	return o, nil
}

func runGet(env *environment, o getOptions) error {
	file, err := o.load(env)
	if err != nil {
		return err
	}
	key, err := findKey(file.Hive, o.key)
	if err != nil {
		return o.target.wrap(err)
	}
	print := o.printer(key)
	if o.hasValue {
		value, err := findValue(key, o.value)
		if err != nil {
			return o.target.wrap(err)
		}
		print = o.valuePrinter(value)
	}
	return o.write(env, file, print)
}

// printer returns what prints of a key that which was asked for.
func (o getOptions) printer(key *hive.Key) func(l *listing) error {
	switch {
	case o.report.json:
		return func(l *listing) error { return printKeyJSON(l, key, o.security) }
	case o.class:
		return func(l *listing) error {
			class, err := key.Class()
			l.end(appendName(l.line[:0], class))
			return err
		}
	case o.security:
		return func(l *listing) error { return printSecurity(l, key, o.raw) }
	}
	return func(l *listing) error {
		printValues(l, key)
		return nil
	}
}

// valuePrinter returns what prints a value.
func (o getOptions) valuePrinter(value *hive.Value) func(l *listing) error {
	switch {
	case o.raw:
		return func(l *listing) error { return l.writeRaw(value) }
	case o.report.json:
		return func(l *listing) error {
			err := l.writeValueJSON(value)
			l.end(l.line[:0])
			return err
		}
	}
	return func(l *listing) error {
		if err := l.writeData(value); err != nil {
			return err
		}
		l.end(l.line[:0])
		return nil
	}
}

// printValues prints all values of a key.
func printValues(l *listing, key *hive.Key) {
	l.values(key, func(value *hive.Value) {
		b := append(append(l.line[:0], typeName(value.Type())...), '\t')
		l.line = append(appendValueName(b, value.Name()), '\t')
		l.write(l.line)
		if err := l.writeData(value); err != nil {
			l.fail(err)
		}
		l.end(l.line[:0])
	})
}

// printSecurity prints the security descriptor of a key.
func printSecurity(l *listing, key *hive.Key, raw bool) error {
	descriptor, err := key.SecurityDescriptor()
	if err != nil {
		return err
	}
	if raw {
		l.write(descriptor)
		return nil
	}
	text, err := sddl.Format(descriptor)
	if err != nil {
		return hinted(fmt.Errorf("security descriptor of key %s: %w", printablePath(key.Path()), err), "--raw writes its bytes")
	}
	l.end(appendName(l.line[:0], text))
	return nil
}

// printKeyJSON prints a key with all its values.
func printKeyJSON(l *listing, key *hive.Key, security bool) error {
	k := l.readKeyJSON(key)
	if security {
		var err error
		if k.Security, err = key.SecurityDescriptor(); err != nil {
			return err
		}
		// What has no text is still there as bytes.
		k.SDDL, _ = sddl.Format(k.Security)
	}
	l.writeKeyJSON(k, key)
	l.end(l.line[:0])
	return nil
}
