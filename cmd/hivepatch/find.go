package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
)

const findDescription = `Finds keys and values: those that have PATTERN in their name, and values that
have it in their data as get prints it. Upper and lower case are the same, as
Windows has them in names. KEY says where to look; all below it is looked at.

What is found is printed at once, as lines of columns with tab characters
between them: for a key "key" and its path; for a value its type, the path of
its key, its name and its data.

--type is about values: with it only values of these types are found, and no
keys. An empty PATTERN is in everything: find SYSTEM '' --type link lists all
values of a type. ` + typeHelp + `

With --regexp PATTERN is a regular expression of Go (RE2); it is matched without
regard to case unless it has (?-i) in front.

--json prints {"matches": [...]}, with {"match": "key", "key": KEY} for a key,
and {"match": M, "path": PATH, "value": VALUE} for a value, where M is "name" or
"data". What KEY and VALUE have is in the help of get.

The exit code is 0 whether or not something is found.

` + pathHelp + `
In PATTERN characters may be written in the same way.

` + readingHelp + `

Examples:
   hivepatch find SYSTEM sharedsection
   hivepatch find SOFTWARE --data 'c:\program files'
   hivepatch find NTUSER.DAT --regexp '^mru' --values Software/Microsoft`

// findOptions are the options of the command find.
type findOptions struct {
	readingOptions
	pattern, key             string // as typed
	regexp                   bool
	types                    []hive.Type // none for all
	inKeys, inValues, inData bool        // what to look at
}

func newFindCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "find",
		Usage:       "find keys, values and data",
		UsageText:   "hivepatch find TARGET PATTERN [KEY] [options]",
		Description: findDescription,
		Flags: readingFlags(
			boolFlag("", "regexp", "PATTERN is a regular expression", "E"),
			boolFlag("", "keys", "look at names of keys"),
			boolFlag("", "values", "look at names of values"),
			boolFlag("", "data", "look at data; without --keys, --values and --data at all three"),
			listFlag("", "type", "find values of type `T` only, a name or a number, and no keys; once for each"),
		),
		Action: func(c *cli.Context) error {
			o, err := readFind(env, c)
			if err != nil {
				return err
			}
			return runFind(env, o)
		},
	}
}

func readFind(env *environment, c *cli.Context) (findOptions, error) {
	o := findOptions{regexp: c.Bool("regexp"), inKeys: c.Bool("keys"), inValues: c.Bool("values"), inData: c.Bool("data")}
	common, arguments, err := readReading(env, c, 1, "PATTERN", "KEY")
	if err != nil {
		return o, err
	}
	o.readingOptions, o.pattern = common, arguments[0]
	if len(arguments) > 1 {
		o.key = arguments[1]
	}
	for _, text := range c.StringSlice("type") {
		kind, err := parseType(text)
		if err != nil {
			return o, err
		}
		o.types = append(o.types, kind)
	}
	if o.inKeys && len(o.types) > 0 {
		return o, hinted(usagef("--keys and --type exclude each other"), "keys have no type")
	}
	if !o.inKeys && !o.inValues && !o.inData {
		o.inKeys, o.inValues, o.inData = len(o.types) == 0, true, true
	}
	return o, nil
}

func runFind(env *environment, o findOptions) error {
	matcher, err := newMatcher(o.pattern, o.regexp)
	if err != nil {
		return err
	}
	file, err := o.load(env)
	if err != nil {
		return err
	}
	key, err := findKey(file.Hive, o.key)
	if err != nil {
		return o.target.wrap(err)
	}
	p := o.startProgress(env, "searching "+o.target.name())
	defer p.end()
	return o.write(env, file, func(l *listing) error {
		l.stderr = p.beside(l.stderr)
		f := finder{findOptions: o, listing: l, matcher: matcher, list: jsonList{listing: l, name: "matches"}}
		l.keys(key.Walk(), f.look)
		if o.report.json {
			f.list.close()
		}
		return nil
	})
}

// finder looks through a hive.
type finder struct {
	findOptions
	*listing
	matcher
	list jsonList
}

// Where a match was found, in JSON.
const (
	matchKey  = "key"
	matchName = "name"
	matchData = "data"
)

// look looks at a key and its values.
func (f *finder) look(key *hive.Key) {
	if f.inKeys && f.matches(key.Name()) {
		f.found(func() { f.printKey(key) })
	}
	if !f.inValues && !f.inData {
		return
	}
	f.values(key, func(value *hive.Value) {
		if len(f.types) > 0 && !slices.Contains(f.types, value.Type()) {
			return
		}
		if f.inValues && f.matches(value.Name()) {
			f.found(func() { f.printValue(value, matchName) })
		} else if f.inData && f.matchesData(value) {
			f.found(func() { f.printValue(value, matchData) })
		}
	})
}

// matchesData reports whether the data of a value matches.
func (f *finder) matchesData(value *hive.Value) bool {
	pieces, err := f.data(value)
	if err != nil {
		f.fail(err)
		return false
	}
	return f.matchesChunks(rawChunks(value.Type(), pieces))
}

// found prints a match, at once.
func (f *finder) found(print func()) {
	if f.report.json {
		f.list.next()
	}
	print()
	if !f.report.json {
		f.end(f.line[:0])
	}
	_ = f.buffer.Flush() // the last one has the error too
}

func (f *finder) printKey(key *hive.Key) {
	if f.report.json {
		f.write([]byte(`{"match":"` + matchKey + `","key":`))
		k := f.readKeyJSON(key)
		k.LeaveValues = true
		f.writeKeyJSON(k, key)
		f.write([]byte("}"))
		return
	}
	f.line = appendPath(append(f.line[:0], keyColumn+"\t"...), key.Path())
	f.write(f.line)
}

func (f *finder) printValue(value *hive.Value, match string) {
	var err error
	if f.report.json {
		b := append(f.line[:0], `{"match":"`+match+`","path":`...)
		f.line = append(appendJSONString(b, value.Key().Path()), `,"value":`...)
		f.write(f.line)
		err = f.writeValueJSON(value)
		f.write([]byte("}"))
	} else {
		b := append(append(f.line[:0], typeName(value.Type())...), '\t')
		b = append(appendPath(b, value.Key().Path()), '\t')
		f.line = append(appendValueName(b, value.Name()), '\t')
		f.write(f.line)
		err = f.writeData(value)
	}
	if err != nil {
		f.fail(err)
	}
}
