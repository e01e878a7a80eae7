package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// helpName is the name of the option, and of the command, that shows help.
const helpName = "help"

// helpIndent stands in front of every line of a section of the help.
const helpIndent = "   "

func newHelpCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      helpName,
		Usage:     "show help for a command",
		UsageText: "hivepatch help [COMMAND]",
		Action: func(c *cli.Context) error {
			return runHelp(env, c.App, c.Args().Slice())
		},
	}
}

func runHelp(env *environment, app *cli.App, arguments []string) error {
	switch len(arguments) {
	case 0:
		return printAppHelp(env.stdout, app)
	case 1:
		command := app.Command(arguments[0])
		if command == nil {
			return unknownCommand(app, arguments[0])
		}
		return printCommandHelp(env.stdout, command)
	}
	return usagef("help takes one command, not %d", len(arguments))
}

// printAppHelp prints what the program is and the list of its commands.
func printAppHelp(w io.Writer, app *cli.App) error {
	var page helpPage
	page.section("NAME", app.Name+" - "+app.Usage)
	page.section("USAGE", app.UsageText)
	page.section("DESCRIPTION", app.Description)
	var commands []string
	for _, command := range app.VisibleCommands() {
		commands = append(commands, command.Name+"\t"+command.Usage)
	}
	page.section("COMMANDS", strings.Join(commands, "\n"))
	page.options("GLOBAL OPTIONS", app.Flags)
	return page.print(w)
}

// printCommandHelp prints how a command is used, and its options.
func printCommandHelp(w io.Writer, command *cli.Command) error {
	var page helpPage
	page.section("NAME", programName+" "+command.Name+" - "+command.Usage)
	page.section("USAGE", command.UsageText)
	page.section("DESCRIPTION", command.Description)
	page.options("OPTIONS", allFlags(command.Flags))
	return page.print(w)
}

// helpPage is the text of a help page. Tabs in it separate columns.
type helpPage struct{ strings.Builder }

// section writes a section, if there is anything in it.
func (p *helpPage) section(heading, text string) {
	if text == "" {
		return
	}
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(heading + ":\n")
	for line := range strings.Lines(text) {
		if line != "\n" {
			line = helpIndent + line
		}
		p.WriteString(line)
	}
	p.WriteByte('\n')
}

// options writes a section of flags: those without a heading of their own first,
// then the others by their headings.
func (p *helpPage) options(heading string, flags []cli.Flag) {
	groups := map[string][]string{}
	for _, flag := range flags {
		group := ""
		if sorted, ok := flag.(cli.CategorizableFlag); ok {
			group = sorted.GetCategory()
		}
		groups[group] = append(groups[group], flag.String())
	}
	var text []string
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if name != "" {
			text = append(text, "\n"+name+"\n")
		}
		slices.Sort(groups[name])
		text = append(text, groups[name]...)
	}
	p.section(heading, strings.Join(text, "\n"))
}

func (p *helpPage) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 1, 8, 2, ' ', 0)
	if _, err := fmt.Fprint(table, p.String()); err != nil {
		return err
	}
	return table.Flush()
}
