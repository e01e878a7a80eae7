package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/escape"
)

const lsDescription = `Lists the subkeys and values of a KEY, or of the root. Each is a line of columns
with tab characters between them: its type, which is "key" for a key, and its
name. With -r all below the KEY is listed, a key before its values and these
before its subkeys, and the columns are type, path of the key from the root, and
for a value its name. With -l there are five columns more behind the type:

   size      bytes of data; - for a key
   time      when the key was last written to, in UTC; - for a value
   flags     D key must not be deleted, L symbolic link, P predefined handle;
             T what is deleted in a differencing hive; - for none
   security  file offset of the security descriptor, which keys share; - for a
             value
   class     class name of the key; - for none

--json has all of that and the data too, as {"keys": [KEY, ...]}: the KEY first,
with its values, and subkeys without theirs, or with -r all keys with theirs.
What a KEY has is in the help of get.

` + pathHelp + `

A subkey is printed as it is typed behind the KEY and a \, or alone where no KEY
is given: one that is named a/b below the root as \a/b. A value is printed by its
name, the default value as @, and as \x40 one that is really named so.

` + readingHelp + `

Examples:
   hivepatch ls SYSTEM ControlSet001/Control
   hivepatch ls -l SYSTEM 'CurrentControlSet\Services\Tcpip'
   hivepatch ls -r NTUSER.DAT Software | grep '^dword' | cut -f 2,3`

// lsOptions are the options of the command ls.
type lsOptions struct {
	readingOptions
	key             string // as typed
	recursive, long bool
}

func newLsCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "ls",
		Usage:       "list subkeys and values",
		UsageText:   "hivepatch ls TARGET [KEY] [options]",
		Description: lsDescription,
		Flags: readingFlags(
			boolFlag("", "recursive", "list all that is below the key", "r"),
			boolFlag("", "long", "tell sizes, times, flags, security and classes too", "l"),
		),
		Action: func(c *cli.Context) error {
			o := lsOptions{recursive: c.Bool("recursive"), long: c.Bool("long")}
			arguments, err := []string(nil), error(nil)
			if o.readingOptions, arguments, err = readReading(env, c, 0, "KEY"); err != nil {
				return err
			}
			if len(arguments) > 0 {
				o.key = arguments[0]
			}
			return runLs(env, o)
		},
	}
}

func runLs(env *environment, o lsOptions) error {
	file, err := o.load(env)
	if err != nil {
		return err
	}
	key, err := findKey(file.Hive, o.key)
	if err != nil {
		return o.target.wrap(err)
	}
	return o.write(env, file, func(l *listing) error {
		switch {
		case o.report.json:
			listJSON(l, key, o.recursive)
		case o.recursive:
			listAll(l, key, o.long)
		default:
			listKey(l, key, o.long)
		}
		return nil
	})
}

// listKey lists the subkeys and then the values of a key. A subkey is written as
// it is typed: of the root alone, of other keys behind these and a backslash.
func listKey(l *listing, key *hive.Key, long bool) {
	appendSubkey := escape.AppendSubkey
	if key.IsRoot() {
		appendSubkey = escape.AppendPath
	}
	l.keys(key.Subkeys(), func(subkey *hive.Key) {
		l.end(appendSubkey(appendKeyColumns(l, l.line[:0], subkey, long), subkey.Name()))
	})
	l.values(key, func(value *hive.Value) {
		l.end(appendValueName(appendValueColumns(l.line[:0], value, long), value.Name()))
	})
}

// listAll lists a key and all that is below it.
func listAll(l *listing, key *hive.Key, long bool) {
	var path []byte
	l.keys(key.Walk(), func(key *hive.Key) {
		path = appendPath(path[:0], key.Path())
		l.end(append(appendKeyColumns(l, l.line[:0], key, long), path...))
		l.values(key, func(value *hive.Value) {
			b := append(appendValueColumns(l.line[:0], value, long), path...)
			l.end(appendValueName(append(b, '\t'), value.Name()))
		})
	})
}

const (
	keyColumn = "key"
	noColumn  = "-"
)

// appendKeyColumns appends the columns of a key that stand before its name.
func appendKeyColumns(l *listing, b []byte, key *hive.Key, long bool) []byte {
	b = append(b, keyColumn+"\t"...)
	if !long {
		return b
	}
	b = appendTime(append(b, noColumn+"\t"...), key.LastWriteTime())
	b = appendColumn(append(b, '\t'), keyFlags(key))
	b = append(b, "\t0x"...)
	b = strconv.AppendInt(b, key.SecurityOffset(), 16)
	class, err := key.Class()
	if err != nil {
		l.fail(err)
	}
	return append(appendColumn(append(b, '\t'), class), '\t')
}

// appendValueColumns appends the columns of a value that stand before its name.
func appendValueColumns(b []byte, value *hive.Value, long bool) []byte {
	b = append(append(b, typeName(value.Type())...), '\t')
	if !long {
		return b
	}
	b = strconv.AppendInt(b, value.Size(), 10)
	b = append(b, "\t"+noColumn+"\t"...)
	flags := ""
	if value.Tombstone() {
		flags = tombstoneFlag
	}
	return append(appendColumn(b, flags), "\t"+noColumn+"\t"+noColumn+"\t"...)
}

// appendColumn appends a column that may be empty.
func appendColumn(b []byte, text string) []byte {
	if text == "" {
		return append(b, noColumn...)
	}
	return appendName(b, text)
}

const tombstoneFlag = "T"

// keyFlags writes flags of a key as letters.
func keyFlags(key *hive.Key) string {
	letters, flags := "", key.Flags()
	for _, flag := range []struct {
		bit    hive.KeyFlags
		letter string
	}{{hive.FlagNoDelete, "D"}, {hive.FlagLink, "L"}, {hive.FlagPredefined, "P"}} {
		if flags&flag.bit != 0 {
			letters += flag.letter
		}
	}
	if key.Tombstone() {
		letters += tombstoneFlag
	}
	return letters
}

// listJSON lists a key with its values, and its subkeys, or with their values
// all keys below it.
func listJSON(l *listing, key *hive.Key, recursive bool) {
	list := jsonList{listing: l, name: "keys"}
	add := func(key *hive.Key, values bool) {
		list.next()
		k := l.readKeyJSON(key)
		k.LeaveValues = !values
		l.writeKeyJSON(k, key)
	}
	if recursive {
		l.keys(key.Walk(), func(key *hive.Key) { add(key, true) })
	} else {
		add(key, true)
		l.keys(key.Subkeys(), func(subkey *hive.Key) { add(subkey, false) })
	}
	list.close()
}
