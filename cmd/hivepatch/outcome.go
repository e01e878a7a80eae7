package main

import (
	"fmt"
	"strings"

	"hivepatch/hive/edit"
)

// printOutcome prints what the commands that write a hive have in common: what
// became of the file.
func printOutcome(r *reporter, o *edit.Outcome) {
	if o.ReplayedEntries > 0 {
		r.line("replayed:   %s from the transaction logs", plural(o.ReplayedEntries, "entry", "entries"))
	}
	if !o.Changed {
		r.line("sequence:   %d", o.SequenceBefore)
		r.line("size:       %d bytes", o.SizeBefore)
		if o.SHA256Before != "" {
			r.line("sha256:     %s", o.SHA256Before)
		}
	} else {
		r.line("sequence:   %d -> %d", o.SequenceBefore, o.SequenceAfter)
		r.line("size:       %s", sizeText(o))
		printRanges(r, o.ChangedRanges)
		switch {
		case o.SHA256Before != "":
			r.line("sha256:     %s before", o.SHA256Before)
			r.line("            %s after", o.SHA256After)
		case o.SHA256After != "":
			r.line("sha256:     %s", o.SHA256After)
		}
	}
	if o.InPlace != nil {
		r.line("verified:   %s", strings.Join(o.VerifiedBy, ", "))
		printPlace(r, *o.Output, o.InPlace)
		return
	}
	printVerified(r, o.VerifiedBy, o.Output)
}

// sumUp adds what became of the file to the summary.
func (env *environment) sumUp(o *edit.Outcome) {
	place := o.InPlace
	switch {
	case !o.Changed && len(env.summary) == 0:
		env.sum("nothing to do")
	case len(env.summary) == 0:
		env.sum("changed")
	}
	switch {
	case o.Output == nil:
		env.sum("dry run")
	case place != nil && place.Backup != "":
		env.sum("backup %s", place.Backup)
	}
}

// printVerified prints by what a new hive was verified and where it is.
func printVerified(r *reporter, verifiedBy []string, output *string) {
	r.line("verified:   %s", strings.Join(verifiedBy, ", "))
	switch {
	case output == nil:
		r.line("output:     none, this is a dry run")
	case *output == standardStream:
		r.line("output:     standard output")
	default:
		r.line("output:     %s", *output)
	}
}

func sizeText(o *edit.Outcome) string {
	if o.SizeBefore == o.SizeAfter {
		return fmt.Sprintf("%d bytes, unchanged", o.SizeAfter)
	}
	return fmt.Sprintf("%d -> %d bytes", o.SizeBefore, o.SizeAfter)
}

// printedRanges is the number of changed ranges that are printed when nobody
// asked for all. A recovery can change many thousands.
const printedRanges = 40

// printRanges prints the changed bytes as a table.
func printRanges(r *reporter, ranges []edit.ChangedRange) {
	total := int64(0)
	for _, changed := range ranges {
		total += changed.Length
	}
	r.line("changed:    %d bytes in %s", total, plural(len(ranges), "range", "ranges"))
	for i, changed := range ranges {
		if i == printedRanges && !r.verbose {
			r.line("  ... and %d more, listed with --verbose", len(ranges)-i)
			break
		}
		r.line("  %#10x %8d  %s", changed.Offset, changed.Length, changed.What)
	}
}
