package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// Bounds of a list of targets: it is kept in memory as a whole, because all of it
// is looked at before the first hive is touched.
const (
	mostListBytes = 64 << 20
	mostTargets   = 1_000_000
)

// listedTarget is a TARGET of a batch.
type listedTarget struct {
	path     string
	line     int      // in the list, from 1; 0 for one of the command line
	settings []string // of its own, as options: --name=value
	columns  []int    // in the line, from 1, of the field of each setting
	shared   bool     // the file is another target's too, as an image with several hives is
}

// name is what messages call the target.
func (t listedTarget) name() string {
	if t.shared && t.line > 0 {
		return fmt.Sprintf("%s (line %d)", printable(t.path), t.line)
	}
	return printable(t.path)
}

// targetList is all that a batch is about.
type targetList struct {
	name    string // of the list; "" for the command line
	targets []listedTarget
}

// listError is an error in a list of targets.
type listError struct {
	list         string
	line, column int // from 1; column 0 is the whole line
	err          error
}

func (e *listError) Error() string {
	if e.column == 0 {
		return fmt.Sprintf("%s: line %d: %v", e.list, e.line, e.err)
	}
	return fmt.Sprintf("%s: line %d, column %d: %v", e.list, e.line, e.column, e.err)
}

func (e *listError) Unwrap() error { return e.err }

// readTargetList reads a list of targets for a command that knows these flags.
// Each line is a TARGET or, where it begins with {, a JSON object. Empty lines
// and those that begin with # are skipped.
func readTargetList(env *environment, path string, flags []cli.Flag) (*targetList, error) {
	text, name, err := readListFile(env, path)
	if err != nil {
		return nil, err
	}
	text, isMarked := strings.CutPrefix(text, "\uFEFF")
	if !isMarked && (strings.HasPrefix(text, "\xFF\xFE") || strings.HasPrefix(text, "\xFE\xFF")) {
		return nil, hinted(&listError{name, 1, 1, errors.New("the list is in UTF-16, want UTF-8")},
			"Out-File -Encoding utf8 writes that in PowerShell")
	}
	list := &targetList{name: name}
	settings := newSettings(flags)
	line := 0
	for text != "" {
		var content string
		content, text, _ = strings.Cut(text, "\n")
		line++
		target, err := parseTargetLine(strings.TrimSuffix(content, "\r"), settings)
		switch {
		case err != nil:
			err.list, err.line = name, line
			return nil, err
		case target == nil:
			continue
		case len(list.targets) == mostTargets:
			return nil, &listError{name, line, 0, fmt.Errorf("more than %d targets", mostTargets)}
		}
		target.line = line
		list.targets = append(list.targets, *target)
	}
	if len(list.targets) == 0 {
		return nil, &listError{name, max(line, 1), 0, errors.New("the list ends here and names no targets")}
	}
	return list, nil
}

// readListFile reads the text of a list, and what messages call it.
func readListFile(env *environment, path string) (text, name string, err error) {
	source, name := env.stdin, "standard input"
	if path != standardStream {
		file, err := os.Open(path)
		if err != nil {
			return "", path, fmt.Errorf("list of targets: %w", err)
		}
		defer file.Close() // only read
		source, name = file, path
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(source, mostListBytes+1))
	switch {
	case err != nil:
		return "", name, fmt.Errorf("list of targets: %w", err)
	case n > mostListBytes:
		return "", name, fmt.Errorf("%s: the list has more than %d bytes", name, mostListBytes)
	}
	return b.String(), name, nil
}

// parseTargetLine reads a line without its end. It returns nil for a line that
// is skipped.
func parseTargetLine(line string, known settings) (*listedTarget, *listError) {
	trimmed := strings.TrimLeft(line, " \t")
	switch {
	case trimmed == "" || trimmed[0] == '#':
		return nil, nil
	case trimmed[0] == '{':
		return parseTargetObject(line, known)
	}
	if at := strings.IndexByte(line, 0); at >= 0 {
		return nil, atColumn(line, at, errors.New("a NUL, which no path has"))
	}
	return &listedTarget{path: line}, nil
}

// atColumn makes an error at a byte of a line. Columns count characters.
func atColumn(line string, at int, err error) *listError {
	return &listError{column: utf8.RuneCountInString(line[:min(at, len(line))]) + 1, err: err}
}
