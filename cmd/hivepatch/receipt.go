package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/receipt"
)

// receiptFlags are the flags of every command that writes a hive.
func receiptFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag(headingOutput, "report", "write a receipt of what was done, as JSON, to `FILE`, also of what failed"),
		boolFlag(headingOutput, "overwrite-report", "replace FILE of --report if it exists; never what was read"),
	}
}

// receiptFile is a file of receipts: of one run, or one in a line of those of a
// batch.
type receiptFile struct {
	path      string
	overwrite bool
	spool     *os.File // the lines of a batch until it ends; nil for one run
	spooled   int64    // bytes of whole lines in it

	mutex  sync.Mutex
	text   bytes.Buffer       // of one run
	inputs []*hivefile.Source // of one run
	err    error              // the first
}

// withReceipt has an action of a command leave a receipt where --report asks for
// one.
func withReceipt(env *environment, action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		path := c.String("report")
		switch {
		case path == "" && c.Bool("overwrite-report"):
			return usagef("--overwrite-report goes with --report FILE only")
		case path == "":
			return action(c)
		}
		file := &receiptFile{path: path, overwrite: c.Bool("overwrite-report")}
		if err := file.check(c); err != nil {
			return err
		}
		defer file.close()
		env.receipts, env.receipt = file, newReceipt(env, c)
		err := action(c)
		if file.spool == nil {
			if env.receipt == nil || isUsage(err) && len(env.receipt.Hives) == 0 {
				return err // nothing was begun
			}
			env.endReceipt(err)
			file.add(env.receipt)
		}
		return file.publish(err)
	}
}

// check finds out as far as that is possible, before a hive is touched, whether
// the file can be written.
func (f *receiptFile) check(c *cli.Context) error {
	if f.path == standardStream {
		return hinted(usagef("--report takes a file, not standard output"), "--json prints what was done")
	}
	for _, name := range []string{"output", "backup"} {
		if other := c.String(name); other != "" && strings.EqualFold(absolute(other), absolute(f.path)) {
			return usagef("--report and --%s are the same file: %s", name, other)
		}
	}
	for _, argument := range c.Args().Slice() {
		if err := f.refuse(argument); err != nil {
			return err
		}
	}
	return f.explain(hivefile.CheckNew(f.path, hivefile.SaveOptions{Overwrite: f.overwrite}))
}

// refuse refuses a receipt that would replace an input.
func (f *receiptFile) refuse(input string) error {
	if own := identify(f.path); own != nil && own == identify(input) {
		return usagef("--report would replace %s, which is read", input)
	}
	return nil
}

// explain says whose error it is, and what overrides it.
func (f *receiptFile) explain(err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("receipt: %w", err)
	if errors.Is(err, hivefile.ErrExists) {
		return hinted(wrapped, "--overwrite-report replaces it; nothing was done to a hive yet")
	}
	return wrapped
}

// beginBatch has the receipts of a batch kept in a file of their own until it
// ends, so that memory does not grow with them.
func (f *receiptFile) beginBatch() (err error) {
	f.spool, err = os.CreateTemp("", "hivepatch-receipts-")
	if err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	_ = os.Remove(f.spool.Name()) // where that works, it is gone when the program dies
	return nil
}

func (f *receiptFile) close() {
	if f.spool != nil {
		_ = f.spool.Close() // nobody needs it
		_ = os.Remove(f.spool.Name())
	}
}

// add adds a receipt. It returns false when receipts can no longer be kept.
func (f *receiptFile) add(r *receipt.Receipt) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if f.spool == nil {
		encoder.SetIndent("", "  ")
	}
	err := encoder.Encode(r)
	switch {
	case err != nil:
	case f.spool == nil:
		f.text = text
	default:
		_, err = f.spool.WriteAt(text.Bytes(), f.spooled)
		if err == nil {
			f.spooled += int64(text.Len())
		}
	}
	if f.err == nil {
		f.err = err
	}
	return f.err == nil
}

// publish writes the file. done is how the command ended.
func (f *receiptFile) publish(done error) error {
	err := hivefile.WriteNewFunc(f.path, f.writeTo, hivefile.SaveOptions{Overwrite: f.overwrite, Inputs: f.inputs})
	if err == nil && f.err != nil {
		err = fmt.Errorf("%s does not have all: %w", f.path, f.err)
	}
	// Its code and hint would be about the hive.
	switch {
	case err == nil:
		return done
	case done == nil:
		return fmt.Errorf("all was done, but the receipt could not be written: %v", err)
	case hintOf(done) != "":
		return hinted(fmt.Errorf("%w; and the receipt could not be written: %v", done, err), "%s", hintOf(done))
	}
	return fmt.Errorf("%w; and the receipt could not be written: %v", done, err)
}

func (f *receiptFile) writeTo(out io.Writer) error {
	if f.spool == nil {
		_, err := out.Write(f.text.Bytes())
		return err
	}
	_, err := io.Copy(out, io.NewSectionReader(f.spool, 0, f.spooled))
	return err
}

// newReceipt begins the receipt of a run on one target.
func newReceipt(env *environment, c *cli.Context) *receipt.Receipt {
	r := &receipt.Receipt{
		Format: receipt.Format, ToolVersion: programVersion(), Command: c.Command.Name,
		Arguments: append([]string{}, c.Args().Slice()...),
		Options:   append([]string{}, wordsBeside(givenOptions(c, c.Command.Flags), []string{"--report=", "--overwrite-report="})...),
		DryRun:    c.Bool("dry-run"), Hives: []*receipt.Hive{},
	}
	if at := targetArgument(c.Command.Name); at < len(r.Arguments) {
		r.Target = &r.Arguments[at]
	}
	now := env.now().UTC()
	r.Started = &now
	return r
}

// targetArgument is the place of TARGET among the arguments of a command.
func targetArgument(command string) int {
	if command == "apply" {
		return 1
	}
	return 0
}

// endReceipt says how the run ended.
func (env *environment) endReceipt(err error) {
	if env.receipt == nil {
		return
	}
	now, code := env.now().UTC(), exitCode(err)
	env.receipt.Ended, env.receipt.ExitCode = &now, &code
	if message, hint := errorText(err); message != "" {
		env.receipt.Error = &message
		if hint != "" {
			env.receipt.Hint = &hint
		}
	}
	if damaged, ok := errors.AsType[*edit.DamageError](err); ok && env.receipted != nil {
		env.receipted.Damaged(damaged.Findings)
	}
}

// loaded has the receipt tell of a hive that was read. It returns an error where
// the receipt would replace what was read.
func (env *environment) loaded(file *hivefile.File) error {
	if env.receipt == nil || file == nil {
		return nil
	}
	for _, source := range file.Sources {
		if source.Path == "" {
			continue
		}
		if err := env.receipts.refuse(source.Path); err != nil {
			return err
		}
	}
	if env.receipts.spool == nil {
		env.receipts.inputs = append(env.receipts.inputs, file.Sources...)
	}
	env.receipted = env.receipt.Loaded(file)
	return nil
}

// edited has the receipt tell what came out of an edit that is about to be saved
// at a path.
func (env *environment) edited(outcome *edit.Outcome, path string) {
	if env.receipt == nil {
		return
	}
	if env.receipted == nil { // a new hive
		if path == "" {
			path = "new hive"
		}
		env.receipted = receipt.NewHive(path)
		env.receipt.Add(env.receipted)
	}
	env.receipted.Edited(outcome)
}

// saved has the receipt tell where the hive went.
func (env *environment) saved(outcome *edit.Outcome) {
	if env.receipted != nil {
		env.receipted.Saved(outcome)
	}
}
