//go:build !urfave_cli_no_docs

package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// manSection is the section of the manual for commands of users. cli would put
// the page into that for administrators.
const manSection = 1

// manCommands is left out of releases, which bring the page as a file: what
// makes it costs a millisecond at every start.
func manCommands(env *environment) []*cli.Command {
	return []*cli.Command{newManCommand(env)}
}

func newManCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:      "man",
		Usage:     "print the manual page",
		UsageText: "hivepatch man",
		Hidden:    true,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("man takes no argument")
			}
			return runMan(env)
		},
	}
}

func runMan(env *environment) error {
	page, err := manPage(env)
	if err != nil {
		return err
	}
	_, err = io.WriteString(env.stdout, page)
	return err
}

// manPage returns the manual page. It takes a program of its own, whose texts it
// turns into the Markdown that cli makes the page of.
func manPage(env *environment) (string, error) {
	app := newApp(env)
	app.Description = markdown(app.Description)
	var values []string // pairs for a Replacer
	for _, command := range app.Commands {
		command.Usage += "\n\n    " + command.UsageText + "\n\n" + markdown(command.Description)
		command.UsageText = ""
		for _, flag := range command.Flags {
			if takesValue(flag) {
				name := dashed(flag.Names()[len(flag.Names())-1]) + `\fP=`
				values = append(values, name+`""`, name+placeholder(flag))
			}
			setUsage(flag, meaning(flag))
		}
	}
	page, err := app.ToManWithSection(manSection)
	if err != nil {
		return "", err
	}
	return literalHyphens(strings.NewReplacer(values...).Replace(page)), nil
}

// placeholder is the word that stands for the value of a flag in its usage.
func placeholder(flag cli.Flag) string {
	if documented, ok := flag.(cli.DocGenerationFlag); ok {
		if parts := strings.SplitN(documented.GetUsage(), "`", 3); len(parts) == 3 {
			return parts[1]
		}
	}
	return "VALUE"
}

// literalHyphens makes every hyphen of the text one that a shell understands:
// groff turns a plain one into a typographic one.
func literalHyphens(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, ".") {
			line = strings.ReplaceAll(strings.ReplaceAll(line, `\-`, "-"), "-", `\-`)
		}
		b.WriteString(line)
	}
	return b.String()
}

// setUsage replaces the usage text of a flag.
func setUsage(flag cli.Flag, usage string) {
	switch flag := flag.(type) {
	case *cli.BoolFlag:
		flag.Usage = usage
	case *cli.StringFlag:
		flag.Usage = usage
	case *cli.StringSliceFlag:
		flag.Usage = usage
	}
}

// markdown turns the text of a help page into Markdown: lines that are indented
// stand as they are, and what would be markup is quoted elsewhere.
func markdown(text string) string {
	var b strings.Builder
	verbatim := false
	for line := range strings.Lines(text) {
		indented := strings.HasPrefix(line, "   ")
		switch {
		case indented && !verbatim:
			b.WriteString("\n    " + line)
		case indented:
			b.WriteString("    " + line)
		default:
			b.WriteString(strings.NewReplacer(`\`, `\\`, "_", `\_`, "*", `\*`, "<", `\<`).Replace(line))
		}
		verbatim = indented
	}
	return b.String()
}
