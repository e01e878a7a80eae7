package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// targetField is the field of an object in a list that names the TARGET.
const targetField = "target"

// settings are the fields of an object in a list, by their names: those options of
// the command that may differ from one target to the next.
type settings map[string]cli.Flag

// sharedOptions are those that a batch has once for all.
var sharedOptions = []string{
	"targets", "jobs", "fail-fast", "output", "overwrite", "dry-run", "in-place", "json", "quiet", "verbose",
	"schema", "report", "overwrite-report", "help",
}

func newSettings(flags []cli.Flag) settings {
	known := settings{}
	for _, flag := range flags {
		known[settingName(flag)] = flag
	}
	for _, name := range sharedOptions {
		delete(known, strings.ReplaceAll(name, "-", "_"))
	}
	return known
}

// settingName is the name of an option as JSON has names.
func settingName(flag cli.Flag) string { return strings.ReplaceAll(flag.Names()[0], "-", "_") }

// objectReader reads one object of a list, with the place of each token.
type objectReader struct {
	line    string
	decoder *json.Decoder
	known   settings
	at      int // byte of the line at which the last token begins
}

// parseTargetObject reads a line that is a JSON object.
func parseTargetObject(line string, known settings) (*listedTarget, *listError) {
	if at := invalidText(line); at >= 0 {
		return nil, atColumn(line, at, errors.New("not UTF-8"))
	}
	r := &objectReader{line: line, decoder: json.NewDecoder(strings.NewReader(line)), known: known}
	r.decoder.UseNumber()
	if _, err := r.next(); err != nil {
		return nil, err
	}
	target := &listedTarget{}
	places := map[string]int{} // columns of the names
	for r.decoder.More() {
		if err := r.field(target, places); err != nil {
			return nil, err
		}
	}
	if _, err := r.next(); err != nil {
		return nil, err
	}
	if rest := strings.TrimSpace(line[r.decoder.InputOffset():]); rest != "" {
		return nil, atColumn(line, len(line)-len(rest), errors.New("text behind the object: each stands in a line of its own"))
	}
	if _, named := places[targetField]; !named {
		return nil, atColumn(line, strings.IndexByte(line, '{'), fmt.Errorf("the field %q is missing", targetField))
	}
	return target, nil
}

// invalidText returns the place of the first byte that is no UTF-8, or -1.
func invalidText(line string) int {
	for at, r := range line {
		if r == utf8.RuneError && !strings.HasPrefix(line[at:], string(utf8.RuneError)) {
			return at
		}
	}
	return -1
}

// next returns the next token.
func (r *objectReader) next() (json.Token, *listError) {
	rest := r.line[r.decoder.InputOffset():]
	r.at = len(r.line) - len(strings.TrimLeft(rest, " \t\r,:"))
	token, err := r.decoder.Token()
	if err == nil {
		return token, r.wholeText(token)
	}
	at := r.at
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = max(at, int(syntax.Offset)-1)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, err = len(r.line), errors.New("the object does not end in its line")
	}
	return nil, atColumn(r.line, at, fmt.Errorf("no JSON: %w", err))
}

// wholeText refuses what the decoder replaces by another character: halves of
// characters in UTF-16.
func (r *objectReader) wholeText(token json.Token) *listError {
	text, ok := token.(string)
	written := strings.ToLower(r.line[r.at:r.decoder.InputOffset()])
	if ok && strings.ContainsRune(text, utf8.RuneError) && !strings.ContainsRune(written, utf8.RuneError) && !strings.Contains(written, `\ufffd`) {
		return r.fail("an unpaired surrogate")
	}
	return nil
}

// fail makes an error at the last token.
func (r *objectReader) fail(format string, args ...any) *listError {
	return atColumn(r.line, r.at, fmt.Errorf(format, args...))
}

// field reads a name and its value.
func (r *objectReader) field(target *listedTarget, places map[string]int) *listError {
	token, err := r.next()
	if err != nil {
		return err
	}
	name, _ := token.(string) // the decoder sees to it
	if column, twice := places[name]; twice {
		return r.fail("field %q comes twice, first at column %d", name, column)
	}
	places[name] = utf8.RuneCountInString(r.line[:r.at]) + 1
	if name == targetField {
		target.path, err = r.text(name)
		return err
	}
	flag := r.known[name]
	if flag == nil {
		return r.unknown(name)
	}
	settings, err := r.setting(name, flag)
	for _, setting := range settings {
		target.settings = append(target.settings, setting)
		target.columns = append(target.columns, places[name])
	}
	return err
}

// unknown is the error for a field of which the command knows nothing.
func (r *objectReader) unknown(name string) *listError {
	names := []string{targetField}
	for known := range r.known {
		names = append(names, known)
	}
	err := r.fail("unknown field %q", name)
	if guess, ok := closest(name, names); ok {
		err.err = hinted(err.err, "did you mean %s?", guess)
	}
	return err
}

// setting reads the value of a setting, as options of the command.
func (r *objectReader) setting(name string, flag cli.Flag) ([]string, *listError) {
	option := "--" + flag.Names()[0] + "="
	switch {
	case isRepeatable(flag):
		return r.list(name, option)
	case takesValue(flag):
		value, err := r.value(name)
		return []string{option + value}, err
	}
	token, err := r.next()
	if err != nil {
		return nil, err
	}
	on, ok := token.(bool)
	if !ok {
		return nil, r.fail("%s: want true or false", name)
	}
	return []string{fmt.Sprint(option, on)}, nil
}

// value reads the value of an option: text or a whole number.
func (r *objectReader) value(name string) (string, *listError) {
	token, err := r.next()
	if err != nil {
		return "", err
	}
	switch value := token.(type) {
	case string:
		return value, r.usable(name, value)
	case json.Number:
		if strings.Trim(value.String(), "0123456789") == "" {
			return value.String(), nil
		}
	}
	return "", r.fail("%s: want a text or a whole number", name)
}

// text reads text that is not empty.
func (r *objectReader) text(name string) (string, *listError) {
	token, err := r.next()
	if err != nil {
		return "", err
	}
	value, ok := token.(string)
	if !ok {
		return "", r.fail("%s: want a text", name)
	}
	return value, r.usable(name, value)
}

func (r *objectReader) usable(name, value string) *listError {
	switch {
	case value == "":
		return r.fail("%s is empty", name)
	case strings.ContainsRune(value, 0):
		return r.fail("%s has a NUL", name)
	}
	return nil
}

// list reads a list of texts.
func (r *objectReader) list(name, option string) (values []string, _ *listError) {
	token, err := r.next()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('[') {
		return nil, r.fail("%s: want a list of texts", name)
	}
	for r.decoder.More() {
		value, err := r.text(name)
		if err != nil {
			return nil, err
		}
		values = append(values, option+value)
	}
	_, err = r.next()
	return values, err
}
