package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/patch"
)

// candidate is a word that may stand where the cursor is.
type candidate struct {
	word, meaning string
}

// candidates are the words that may stand where the cursor is.
type candidates struct {
	list  []candidate
	files bool // files fit too
}

// newCompleteCommand answers the scripts of the command completion. cli has
// completion of its own, which crashes on half an option.
func newCompleteCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:            "__complete",
		Usage:           "answer a completion script",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			return runComplete(env, c.App, c.Args().Slice())
		},
	}
}

func runComplete(env *environment, app *cli.App, words []string) error {
	if len(words) == 0 || !strings.HasPrefix(words[0], "=") {
		return usagef("__complete =WORD WORD...")
	}
	found := complete(app, words[1:], words[0][1:])
	for _, c := range found.list {
		if _, err := fmt.Fprintf(env.stdout, "%s\t%s\n", c.word, c.meaning); err != nil {
			return err
		}
	}
	if found.files {
		_, err := fmt.Fprintln(env.stdout, ":file")
		return err
	}
	return nil
}

// complete returns what may stand for word behind the words before it. Whatever
// these are, it has an answer, if only an empty one.
func complete(app *cli.App, before []string, word string) candidates {
	at := slices.IndexFunc(before, func(w string) bool { return !isFlag(w) })
	if at < 0 {
		return completeRoot(app, word)
	}
	command := app.Command(before[at])
	if command == nil || command.SkipFlagParsing {
		return candidates{}
	}
	flags, before := allFlags(command.Flags), before[at+1:]
	awaiting, ended := cli.Flag(nil), false
	for _, given := range before {
		switch {
		case awaiting != nil:
			awaiting = nil
		case ended || !isFlag(given):
		case given == "--":
			ended = true
		default:
			if flag := findFlag(flags, strings.TrimLeft(given, "-")); flag != nil && takesValue(flag) {
				awaiting = flag
			}
		}
	}
	switch {
	case awaiting != nil:
		return completeValue(command.Name, awaiting, "", word)
	case !ended && strings.HasPrefix(word, "-"):
		return completeFlag(command.Name, flags, word)
	}
	return completeArgument(app, command, word)
}

func completeRoot(app *cli.App, word string) candidates {
	if strings.HasPrefix(word, "-") {
		return completeFlag("", app.Flags, word)
	}
	var found candidates
	for _, command := range app.VisibleCommands() {
		found.add(word, command.Name, command.Usage)
	}
	return found
}

// completeFlag completes -name, --name and --name=value.
func completeFlag(command string, flags []cli.Flag, word string) candidates {
	if name, value, ok := strings.Cut(word, "="); ok {
		flag := findFlag(flags, strings.TrimLeft(name, "-"))
		if flag == nil || !takesValue(flag) {
			return candidates{}
		}
		return completeValue(command, flag, name+"=", value)
	}
	var found candidates
	for _, flag := range flags {
		found.add(word, dashed(flag.Names()[0]), meaning(flag))
	}
	if len(found.list) > 0 {
		return found
	}
	for _, flag := range flags {
		for _, alias := range flag.Names() {
			found.add(word, dashed(alias), meaning(flag))
		}
	}
	return found
}

// completeValue completes the value of a flag of a command; prefix stands before it in the
// same word.
func completeValue(command string, flag cli.Flag, prefix, value string) candidates {
	var found candidates
	add := func(word, meaning string) {
		if strings.HasPrefix(word, value) {
			found.list = append(found.list, candidate{prefix + word, meaning})
		}
	}
	switch flag.Names()[0] {
	case "output", "log", "data-file", "targets", "journal", "report":
		found.files = true
	case "type":
		for _, name := range typeNames {
			add(name, "")
		}
	case "format":
		for _, format := range formatsOf(command) {
			add(format, "")
		}
	case "hive":
		for _, name := range hiveNames() {
			add(name, "")
		}
	case "preset":
		for _, preset := range patch.Presets() {
			add(preset.Name, preset.Result)
		}
	case "control-set":
		for _, selection := range []string{patch.SelectActive, patch.SelectCurrent, patch.SelectDefault, patch.SelectLastKnownGood, patch.SelectAll} {
			add(selection, "")
		}
	}
	return found
}

// formatsOf are the formats that a command writes.
func formatsOf(command string) []string {
	switch command {
	case "new":
		return slices.Sorted(maps.Keys(newFormats))
	case "export":
		return []string{formatReg, formatJSON}
	}
	return nil
}

func completeArgument(app *cli.App, command *cli.Command, word string) candidates {
	var found candidates
	switch command.Name {
	case "help":
		for _, command := range app.VisibleCommands() {
			found.add(word, command.Name, command.Usage)
		}
	case "schema":
		for _, name := range schemaNames() {
			found.add(word, name, "")
		}
	case "completion":
		for _, shell := range shells() {
			found.add(word, shell, "")
		}
	default:
		found.files = true
	}
	return found
}

func (c *candidates) add(prefix, word, meaning string) {
	if strings.HasPrefix(word, prefix) {
		c.list = append(c.list, candidate{word, meaning})
	}
}

// meaning is what the help says about a flag.
func meaning(flag cli.Flag) string {
	if documented, ok := flag.(cli.DocGenerationFlag); ok {
		return strings.ReplaceAll(documented.GetUsage(), "`", "")
	}
	return ""
}
