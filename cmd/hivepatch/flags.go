package main

import "github.com/urfave/cli/v2"

// Headings in the help. Options without one come first.
const (
	headingInput  = "Input"
	headingOutput = "Output"
	headingSizes  = "Change"
	headingBatch  = "Several targets"
)

func boolFlag(heading, name, usage string, aliases ...string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Aliases: aliases, Category: heading, Usage: usage, DisableDefaultText: true}
}

// stringFlag makes an option with a value; the word in grave accents in usage
// stands for the value. Numbers are strings too, because cli reads them as Go
// does, with signs, underscores and hexadecimal digits.
func stringFlag(heading, name, usage string, aliases ...string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Aliases: aliases, Category: heading, Usage: usage}
}

func listFlag(heading, name, usage string) *cli.StringSliceFlag {
	return &cli.StringSliceFlag{Name: name, Category: heading, Usage: usage, KeepSpace: true}
}

// helpFlag makes the option that every command has. That of cli is one for all
// runs in a process, and each writes to it.
func helpFlag() cli.Flag { return boolFlag("", helpName, "show help", "h") }

// allFlags are the flags of a command with the one that every command has.
func allFlags(flags []cli.Flag) []cli.Flag {
	return append(flags[:len(flags):len(flags)], helpFlag())
}

// findFlag returns the flag with that name or alias, or nil.
func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, flag := range flags {
		for _, own := range flag.Names() {
			if own == name {
				return flag
			}
		}
	}
	return nil
}

func takesValue(flag cli.Flag) bool {
	documented, ok := flag.(cli.DocGenerationFlag)
	return ok && documented.TakesValue()
}

func isRepeatable(flag cli.Flag) bool {
	slice, ok := flag.(cli.DocGenerationSliceFlag)
	return ok && slice.IsSliceFlag()
}
