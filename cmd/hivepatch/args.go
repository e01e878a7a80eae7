package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts the flags of a command in front of its arguments, in the form
// --name=value, and checks them. cli takes every flag behind the first argument
// for an argument: "patch SYSTEM --dry-run" would not be a dry run.
//
// What it returns is the command, its flags, --, and its arguments.
func arrange(app *cli.App, arguments []string) ([]string, error) {
	var global []string
	for i, argument := range arguments {
		if !isFlag(argument) {
			command, err := arrangeCommand(app, arguments[i], arguments[i+1:])
			return append(global, command...), err
		}
		flag, err := parseFlag(app.Flags, argument)
		if err != nil {
			return nil, behindCommand(app, err, argument)
		}
		if len(arguments) > 1 && flag.name == "version" {
			return nil, usagef("--version stands alone")
		}
		global = append(global, flag.String())
	}
	return global, nil
}

func arrangeCommand(app *cli.App, name string, rest []string) ([]string, error) {
	command := app.Command(name)
	if command == nil {
		return nil, unknownCommand(app, name)
	}
	if command.SkipFlagParsing {
		return append([]string{name}, rest...), nil
	}
	flags, arguments, err := separate(allFlags(command.Flags), rest)
	if err != nil {
		return nil, inCommand(command, err)
	}
	arranged := []string{name}
	for _, flag := range flags {
		if flag.name == helpName {
			// cli would look for help on the first argument.
			return []string{name, flag.String()}, nil
		}
		arranged = append(arranged, flag.String())
	}
	return append(append(arranged, "--"), arguments...), nil
}

// givenFlag is a flag as it was given on the command line.
type givenFlag struct {
	name       string // its first name, whichever was used
	value      string
	hasValue   bool
	repeatable bool
	needsValue bool // it takes one and has none yet
}

func (f givenFlag) String() string {
	if f.hasValue {
		return "--" + f.name + "=" + f.value
	}
	return "--" + f.name
}

// separate tells the flags from the arguments.
func separate(known []cli.Flag, words []string) (flags []givenFlag, arguments []string, err error) {
	given := map[string]bool{}
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			return flags, append(arguments, words[i+1:]...), nil
		}
		if !isFlag(word) {
			arguments = append(arguments, word)
			continue
		}
		if letters := unbundle(known, word); letters != nil {
			words = slices.Concat(words[:i], letters, words[i+1:])
			word = words[i]
		}
		flag, err := parseFlag(known, word)
		if err != nil {
			return nil, nil, err
		}
		if flag.needsValue {
			if err := flag.take(word, words[i+1:]); err != nil {
				return nil, nil, err
			}
			i++
		}
		if given[flag.name] && flag.hasValue && !flag.repeatable {
			return nil, nil, usagef("--%s is given twice", flag.name)
		}
		given[flag.name] = true
		flags = append(flags, flag)
	}
	return flags, arguments, nil
}

// unbundle makes -r and -l of -rl, and returns nil for a word that is not such a
// bundle of switches.
func unbundle(known []cli.Flag, word string) []string {
	if len(word) < 3 || word[1] == '-' || findFlag(known, word[1:]) != nil {
		return nil
	}
	var letters []string
	for _, letter := range word[1:] {
		flag := findFlag(known, string(letter))
		if flag == nil || takesValue(flag) {
			return nil
		}
		letters = append(letters, "-"+string(letter))
	}
	return letters
}

// isFlag reports whether a word is meant as a flag. A single hyphen stands for
// standard input or output.
func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

// parseFlag reads -name, --name or --name=value.
func parseFlag(known []cli.Flag, word string) (givenFlag, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
	flag := findFlag(known, name)
	if flag == nil {
		return givenFlag{}, unknownFlag(known, word)
	}
	given := givenFlag{name: flag.Names()[0], value: value, hasValue: hasValue, repeatable: isRepeatable(flag)}
	switch {
	case takesValue(flag):
		given.needsValue = !hasValue
		if hasValue && value == "" {
			return givenFlag{}, usagef("--%s needs a value", given.name)
		}
	case hasValue:
		if _, err := strconv.ParseBool(value); err != nil {
			return givenFlag{}, usagef("--%s takes no value, or true or false, not %q", given.name, value)
		}
	}
	return given, nil
}

// take takes the value of a flag from the words behind it.
func (f *givenFlag) take(word string, behind []string) error {
	switch {
	case len(behind) == 0, behind[0] == "":
		return usagef("%s needs a value", word)
	case isFlag(behind[0]):
		// Rather a value that was forgotten than a file named --json.
		return hinted(usagef("%s needs a value, and %s looks like another option", word, behind[0]),
			"if it is the value, write --%s=%s", f.name, behind[0])
	}
	f.value, f.hasValue, f.needsValue = behind[0], true, false
	return nil
}

func unknownFlag(known []cli.Flag, word string) error {
	word, _, _ = strings.Cut(word, "=")
	err := usagef("unknown option %s", word)
	if len(word) == 2 || word[1] >= '0' && word[1] <= '9' {
		// A letter is as like any other letter, and no option is a number.
		return hinted(err, "--help lists the options; an argument that begins with a hyphen stands behind --")
	}
	var names []string
	for _, flag := range known {
		for _, name := range flag.Names() {
			names = append(names, dashed(name))
		}
	}
	if guess, ok := closest(word, names); ok {
		return hinted(err, "did you mean %s?", guess)
	}
	return err
}

// dashed writes the name of a flag as the help does.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func unknownCommand(app *cli.App, name string) error {
	err := usagef("unknown command %q", name)
	var names []string
	for _, command := range app.VisibleCommands() {
		names = append(names, command.Name)
	}
	if guess, ok := closest(name, names); ok {
		return hinted(err, "did you mean %s?", guess)
	}
	return hinted(err, "the commands are %s", strings.Join(names, ", "))
}

// inCommand explains a flag that belongs elsewhere, and where the help is.
func inCommand(command *cli.Command, err error) error {
	if hintOf(err) != "" {
		return err
	}
	return hinted(err, "%s %s --help lists the options", programName, command.Name)
}

// behindCommand explains that the flags of a command stand behind its name.
func behindCommand(app *cli.App, err error, word string) error {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for _, command := range app.VisibleCommands() {
		if findFlag(command.Flags, name) != nil {
			return usagef("option %s stands behind the command, such as %s %s %s", word, programName, command.Name, word)
		}
	}
	return err
}

// closest returns the candidate that a mistyped word is most like, if one is
// like it.
func closest(word string, candidates []string) (string, bool) {
	best, fewest := "", max(1, len(word)/3)+1
	for _, candidate := range candidates {
		if edits := distance(word, candidate); edits < fewest {
			best, fewest = candidate, edits
		}
	}
	return best, best != ""
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbours that make b of a.
func distance(a, b string) int {
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}
