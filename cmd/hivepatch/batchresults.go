package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// batchResults tells what becomes of the targets, one after the other in the
// order in which they are finished, and keeps nothing but numbers.
type batchResults struct {
	options reportOptions
	stdout  io.Writer
	stderr  io.Writer
	bar     *progress

	mutex       sync.Mutex
	total       int
	done        int   // with exit code 0
	failed      int   // with another one
	left        int   // not begun
	gravest     int   // exit code
	writeErr    error // why nothing more can be told
	interrupted atomic.Bool
}

func newBatchResults(env *environment, options reportOptions, total int) *batchResults {
	bar := startProgress(env, options, "")
	b := &batchResults{options: options, total: total, bar: bar, stdout: bar.beside(env.stdout), stderr: bar.beside(env.stderr)}
	b.progress()
	return b
}

// targetLine is what becomes of a target, in JSON a contract with scripts.
type targetLine struct {
	Target   string          `json:"target"`
	Line     int             `json:"line,omitempty"` // of the list
	OK       bool            `json:"ok"`
	Started  bool            `json:"started"`
	ExitCode *int            `json:"exit_code"` // of the command for this target alone; null when it was not started
	Error    *string         `json:"error"`
	Hint     *string         `json:"hint"`
	Result   json.RawMessage `json:"result"` // what the command prints for this target alone; null where it does not
}

// add tells of a target that is finished. It returns false when nobody can be
// told any more.
func (b *batchResults) add(r *targetResult) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if r.code == exitDone {
		b.done++
	} else {
		b.failed++
		b.gravest = graver(b.gravest, r.code)
	}
	b.progress()
	if b.options.json { // the error is in it
		b.printMessages(r)
		b.printJSON(r.line())
	} else {
		b.print(r)
	}
	return b.writeErr == nil
}

// notStarted tells of a target whose turn has not come.
func (b *batchResults) notStarted(t listedTarget) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.left++
	if b.options.json {
		b.printJSON(&targetLine{Target: t.path, Line: t.line})
	}
}

// graver is the exit code that says more: a failure says more than a refusal, and
// that more than a difference. The code for wrong usage is kept for batches in
// which nothing was begun.
func graver(a, b int) int {
	if b == exitUsage {
		b = exitFailed
	}
	for _, code := range []int{exitFailed, exitRefused, exitFindings} {
		if a == code || b == code {
			return code
		}
	}
	return exitDone
}

func (b *batchResults) progress() {
	what := fmt.Sprintf("%d of %d", b.done+b.failed, b.total)
	if b.failed > 0 {
		what += fmt.Sprintf(", %d failed", b.failed)
	}
	b.bar.step(what)
	b.bar.at(int64(b.done+b.failed), int64(b.total))
}

// write writes what belongs together at once.
func (b *batchResults) write(to io.Writer, text []byte) {
	if len(text) == 0 {
		return
	}
	if _, err := to.Write(text); err != nil && b.writeErr == nil {
		b.writeErr = fmt.Errorf("the results could not be printed: %w", err)
	}
}

func (r *targetResult) line() *targetLine {
	line := &targetLine{Target: r.target.path, Line: r.target.line, OK: r.code == exitDone, Started: true, ExitCode: &r.code}
	if message, hint := errorText(r.err); message != "" {
		line.Error = &message
		if hint != "" {
			line.Hint = &hint
		}
	}
	if r.stdout.Len() > 0 {
		line.Result = r.stdout.Bytes()
	}
	return line
}

func (b *batchResults) printJSON(line *targetLine) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		b.writeErr = err
		return
	}
	b.write(b.stdout, text.Bytes())
}

// print tells people of a target: a line or, when they want all, all.
func (b *batchResults) print(r *targetResult) {
	printError(&r.stderr, r.err)
	b.printMessages(r)
	if b.options.quiet || !r.hasResult() {
		return
	}
	text := fmt.Appendf(nil, "%s: %s\n", r.target.name(), r.summaryLine())
	if b.options.verbose {
		text = append(text, r.stdout.Bytes()...)
	}
	b.write(b.stdout, text)
}

// printMessages prints what the command said on standard error.
func (b *batchResults) printMessages(r *targetResult) {
	b.write(b.stderr, labelled(r.stderr.Bytes(), r.target.name()))
}

// hasResult reports whether the command came to its end.
func (r *targetResult) hasResult() bool { return r.err == nil || errors.Is(r.err, errFindings) }

func (r *targetResult) summaryLine() string {
	if len(r.summary) == 0 {
		return "done"
	}
	return strings.Join(r.summary, "; ")
}

// labelled puts the name of a target into each message about it that has it not.
func labelled(messages []byte, name string) []byte {
	const prefix = programName + ": "
	var labelled []byte
	for line := range bytes.Lines(messages) {
		rest, isMessage := bytes.CutPrefix(line, []byte(prefix))
		if isMessage && !isAbout(string(rest), name) {
			line = fmt.Appendf(nil, "%s%s: %s", prefix, name, rest)
		}
		labelled = append(labelled, line...)
	}
	return labelled
}

// isAbout reports whether a message names a target, or a file in it. A name can be
// as short as a word of the message; to name the target once more does no harm.
func isAbout(message, name string) bool {
	before, after, found := strings.Cut(" "+message, " "+name)
	if !found {
		return false
	}
	isFirst := before == "" && strings.HasPrefix(after, " ")
	return isFirst || strings.IndexAny(after, ":,/\\") == 0 || strings.HasSuffix(name, "/") || strings.HasSuffix(name, `\`)
}

// batchError is returned for a batch of which not all is done.
type batchError struct {
	code    int
	message string
}

func (e *batchError) Error() string { return e.message }

// end sums up.
func (b *batchResults) end() error {
	b.bar.end()
	if b.writeErr != nil {
		return b.writeErr
	}
	text := fmt.Sprintf("%d of %s done", b.done, plural(b.total, "target", "targets"))
	if b.failed > 0 {
		text += fmt.Sprintf(", %d failed", b.failed)
	}
	if b.left > 0 {
		text += fmt.Sprintf(", %d not started", b.left)
	}
	switch {
	case b.interrupted.Load():
		return &batchError{exitFailed, "interrupted: " + text}
	case b.done < b.total:
		return &batchError{cmp.Or(b.gravest, exitFailed), text}
	case !b.options.quiet:
		fmt.Fprintf(b.stderr, "%s: %s\n", programName, text)
	}
	return nil
}
