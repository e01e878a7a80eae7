package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// batchContexts makes the contexts in which the command is about one of the
// targets.
type batchContexts struct {
	command *batchCommand
	common  *cli.Context  // of the batch
	leading []string      // arguments before the targets
	options []givenOption // that are meant for all targets
}

func (b *batchCommand) contexts(c *cli.Context) *batchContexts {
	return &batchContexts{b, c, c.Args().Slice()[:len(b.leading)], givenOptions(c, b.flags())}
}

// of returns the context for a target, whose settings take the place of options
// of the command line.
func (b *batchContexts) of(t listedTarget) (*cli.Context, error) {
	words := slices.Concat(wordsBeside(b.options, t.settings), t.settings, []string{"--"}, b.leading, []string{t.path})
	own, err := newContext(b.common.App, b.command.flags(), words)
	if err != nil {
		return nil, err
	}
	own.Command = b.common.Command
	return own, nil
}

// givenOption is an option that was given.
type givenOption struct {
	name  string
	words []string // as it would be given again
}

// givenOptions returns those of the flags that were given.
func givenOptions(c *cli.Context, flags []cli.Flag) (given []givenOption) {
	for _, known := range flags {
		name := known.Names()[0]
		if !c.IsSet(name) {
			continue
		}
		option := givenOption{name: name}
		switch {
		case isRepeatable(known):
			for _, value := range c.StringSlice(name) {
				option.words = append(option.words, "--"+name+"="+value)
			}
		case takesValue(known):
			option.words = []string{"--" + name + "=" + c.String(name)}
		default:
			option.words = []string{fmt.Sprintf("--%s=%t", name, c.Bool(name))}
		}
		given = append(given, option)
	}
	return given
}

// wordsBeside returns the words of the options, but for those whose place a
// setting takes.
func wordsBeside(options []givenOption, settings []string) (words []string) {
	for _, option := range options {
		if !replaced(option.name, settings) {
			words = append(words, option.words...)
		}
	}
	return words
}

// excluding are the options that cannot stand beside others: one in a list takes
// the place of those on the command line.
var excluding = map[string][]string{
	"preset":         {"shared-section", "noninteractive", "interactive", "shared"},
	"shared-section": {"preset", "noninteractive", "interactive", "shared"},
	"noninteractive": {"preset", "shared-section"},
	"interactive":    {"preset", "shared-section"},
	"shared":         {"preset", "shared-section"},
	"log":            {"ignore-logs"},
	"ignore-logs":    {"log"},
	"backup":         {"no-backup"},
	"no-backup":      {"backup"},
}

// replaced reports whether one of a target's own options takes the place of an
// option.
func replaced(name string, own []string) bool {
	return slices.ContainsFunc(own, func(word string) bool {
		other, _, _ := strings.Cut(word[2:], "=")
		return other == name || slices.Contains(excluding[other], name)
	})
}
