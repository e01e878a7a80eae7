package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/patch"
)

// Exit codes, a contract with scripts.
const (
	exitDone     = 0 // or nothing to do
	exitFailed   = 1
	exitUsage    = 2
	exitRefused  = 3 // it would be unsafe
	exitFindings = 4 // check found level F or L
)

// errFindings is returned by check, which has said already what it found.
var errFindings = errors.New("the check found problems")

// usageError is returned for a command line that cannot be understood.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// hintedError is an error with what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

func hinted(err error, format string, args ...any) error {
	return &hintedError{err, fmt.Sprintf(format, args...)}
}

// refusals are the errors of doing what would be unsafe.
var refusals = []error{
	hive.ErrDirty, hive.ErrReadOnly, hive.ErrProtected,
	hivefile.ErrExists, hivefile.ErrIsInput, hivefile.ErrInUse, hivefile.ErrChanged, hivefile.ErrAmbiguousLog,
	hivefile.ErrLocked, hivefile.ErrModified, hivefile.ErrHalfWritten, hivefile.ErrUnsound,
}

func exitCode(err error) int {
	if batch, ok := errors.AsType[*batchError](err); ok {
		return batch.code
	}
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	case isUsage(err):
		return exitUsage
	case isRefused(err):
		return exitRefused
	}
	return exitFailed
}

func isUsage(err error) bool {
	_, own := errors.AsType[*usageError](err)
	_, patches := errors.AsType[*patch.UsageError](err)
	_, listed := errors.AsType[*listError](err)
	return own || patches || listed
}

func isRefused(err error) bool {
	_, refused := errors.AsType[*edit.RefusedError](err)
	_, damaged := errors.AsType[*edit.DamageError](err)
	return refused || damaged || isImageRefusal(err) || slices.ContainsFunc(refusals, func(known error) bool { return errors.Is(err, known) })
}

// hintOf says what can be done about an error, or "".
func hintOf(err error) string {
	if own, ok := errors.AsType[*hintedError](err); ok {
		return own.hint
	}
	if refused, ok := errors.AsType[*edit.RefusedError](err); ok {
		return refused.Hint()
	}
	if damaged, ok := errors.AsType[*edit.DamageError](err); ok {
		return damaged.Hint()
	}
	switch {
	case errors.Is(err, hivefile.ErrIsInput):
		return "--in-place replaces what was read and keeps a backup; -o takes another file"
	case errors.Is(err, hivefile.ErrExists):
		return "--overwrite replaces it"
	case errors.Is(err, hivefile.ErrInUse): // which is all that is known of the file
		return "reg unload frees a hive that somebody has loaded; the image of a disk is free when it is detached and no virtual machine has it"
	case errors.Is(err, hivefile.ErrLocked):
		return "--wait SECONDS waits longer"
	case errors.Is(err, hivefile.ErrModified):
		return "nothing was written; run the command again"
	case isHalfWrittenInImage(err):
		return "hivepatch rollback puts it back from its journal; --journal FILE names that"
	case errors.Is(err, hivefile.ErrHalfWritten):
		return "hivepatch restore puts it back from its backup; --backup FILE names that"
	case errors.Is(err, hivefile.ErrNoBackup):
		return "--backup FILE names one that lies elsewhere"
	case errors.Is(err, hivefile.ErrAmbiguousLog):
		return "--log FILE says which one is meant"
	case errors.Is(err, hivefile.ErrReadOnlyVolume), errors.Is(err, syscall.EROFS):
		return "some drivers mount a volume so by themselves where Windows is hibernated; " + remount() + " makes it writable, and -o FILE writes the new hive elsewhere"
	}
	return imageHint(err)
}

// remount is how a volume becomes writable.
func remount() string {
	if runtime.GOOS == "windows" {
		return "diskpart (select volume, attributes volume clear readonly)"
	}
	return "mount -o remount,rw (with ntfs-3g: umount, and mount it without ro)"
}

// explainDenied says what can be done where the user may not write.
func explainDenied(err error, otherwise string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	user := "root"
	if runtime.GOOS == "windows" {
		user = "an administrator"
	}
	return hinted(err, "run it as %s or whoever may write there; %s", user, otherwise)
}

// printError prints an error as a line and its hint as another.
func printError(stderr io.Writer, err error) {
	if err == nil || errors.Is(err, errFindings) || errors.Is(err, errDiffer) {
		return
	}
	if damaged, ok := errors.AsType[*edit.DamageError](err); ok {
		printDamage(stderr, damaged.Findings)
	}
	message, hint := errorText(err)
	fmt.Fprintf(stderr, "%s: %s\n", programName, printable(message))
	if hint != "" {
		fmt.Fprintf(stderr, "%s: hint: %s\n", programName, printable(hint))
	}
}

// errorText returns the text of an error and what can be done about it. Both are
// empty where a command has said already what there is to say.
func errorText(err error) (message, hint string) {
	if err == nil || errors.Is(err, errFindings) || errors.Is(err, errDiffer) {
		return "", ""
	}
	hint = hintOf(err)
	// Some errors have their hint in the text too, and those of Windows end
	// with a full stop.
	return strings.TrimSuffix(strings.TrimSuffix(err.Error(), "; "+hint), "."), hint
}

// printedFindings is the number of findings that are printed with a refusal.
const printedFindings = 20

func printDamage(stderr io.Writer, findings edit.Findings) {
	printed := 0
	for _, finding := range findings.List {
		if finding.Level == check.Fatal && printed < printedFindings {
			fmt.Fprintln(stderr, printable(finding.String()))
			printed++
		}
	}
	if more := findings.Counts[check.Fatal] - printed; more > 0 {
		fmt.Fprintf(stderr, "... and %d more\n", more)
	}
}
