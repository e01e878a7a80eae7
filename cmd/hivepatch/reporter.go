package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

// reportOptions say how a command tells what it did.
type reportOptions struct {
	json, quiet, verbose bool
}

func reportFlags() []cli.Flag {
	return []cli.Flag{
		boolFlag("", "json", "print the result as one JSON object"),
		boolFlag("", "quiet", "print nothing but errors", "q"),
		boolFlag("", "verbose", "list everything, and tell on standard error what happens"),
	}
}

func readReportOptions(c *cli.Context) (reportOptions, error) {
	o := reportOptions{json: c.Bool("json"), quiet: c.Bool("quiet"), verbose: c.Bool("verbose")}
	switch {
	case o.quiet && o.json:
		return o, usagef("--quiet and --json exclude each other")
	case o.quiet && o.verbose:
		return o, usagef("--quiet and --verbose exclude each other")
	}
	return o, nil
}

// reporter prints the result of a command to one stream, and what else there is
// to say to standard error.
type reporter struct {
	reportOptions
	result *bufio.Writer // keeps its first error for flush
	stderr io.Writer
}

func newReporter(result, stderr io.Writer, options reportOptions) *reporter {
	return &reporter{options, bufio.NewWriter(result), stderr}
}

// line prints a line of a result for people.
func (r *reporter) line(format string, args ...any) {
	if r.quiet || r.json {
		return
	}
	fmt.Fprintln(r.result, printable(fmt.Sprintf(format, args...)))
}

// object prints a result for scripts.
func (r *reporter) object(v any) error {
	encoder := json.NewEncoder(r.result)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// warnings prints warnings, unless the JSON object has them.
func (r *reporter) warnings(texts []string) {
	if r.quiet || r.json {
		return
	}
	for _, text := range texts {
		fmt.Fprintf(r.stderr, "%s: warning: %s\n", programName, printable(text))
	}
}

// note tells what happens.
func (r *reporter) note(format string, args ...any) {
	if r.verbose {
		fmt.Fprintf(r.stderr, "%s: %s\n", programName, printable(fmt.Sprintf(format, args...)))
	}
}

// flush brings the result out. It returns the first error of writing it.
func (r *reporter) flush() error {
	if err := r.result.Flush(); err != nil {
		return fmt.Errorf("the result could not be printed: %w", err)
	}
	return nil
}
