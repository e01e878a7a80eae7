package main

import (
	"fmt"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/diff"
	"hivepatch/hive/regfile"
)

// regDiff is a .reg file that turns one hive into another.
type regDiff struct {
	*regfile.Writer
	prefix  string
	current string // path of the key that values are written for
	begun   bool   // there is a current key
	set     string // path that CurrentControlSet stands for where the file is imported; "" where there is none

	// What has no place in the file.
	created, classes, flags, security, times, spellings int
}

// writeReg writes the differences as a .reg file. Nothing is left out in
// silence: it ends with an error where the file could not turn A into B.
func (d *differ) writeReg(env *environment) error {
	place := exportOptions{prefix: d.prefix, utf8: d.utf8}
	w := &regDiff{Writer: regfile.NewWriter(d.buffer, place.encoding()), prefix: place.place(d.hives[0]), set: currentSet(d.hives[0])}
	for difference, err := range d.sequence {
		if err != nil {
			err = d.explain(err)
			return hinted(fmt.Errorf("%s: %w", d.name, err), "a .reg file would be wrong where a hive cannot be read; %s check lists what is wrong with it", programName)
		}
		if d.asked(difference) {
			d.different = true
		}
		if err := w.difference(difference); err != nil {
			return err
		}
		if err := w.Err(); err != nil {
			return fmt.Errorf("the result could not be written: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the result could not be written: %w", err)
	}
	d.progress.end()
	d.tellReg(env, w)
	return nil
}

// asked reports whether a difference is one of those that were asked for.
func (d *differ) asked(difference diff.Difference) bool {
	wanted := d.compare | diff.Spelling | diff.Type | diff.Data
	return difference.Kind != diff.Differs || difference.Aspects&wanted != 0
}

// difference writes what makes one difference vanish.
func (w *regDiff) difference(difference diff.Difference) error {
	if difference.NoPath {
		return fmt.Errorf("key %s: one of the names in its path is empty or has a backslash: a .reg file cannot lead there", printablePath(difference.Path))
	}
	if first, _, _ := strings.Cut(difference.Path, `\`); w.set != "" && hive.EqualNames(first, hive.CurrentControlSet) {
		return hinted(fmt.Errorf("key %s: a .reg file cannot lead there: the name stands for %s", printablePath(first), printablePath(w.set)),
			"%s mv gives a key another name; Windows makes a link of this one when it starts", programName)
	}
	switch {
	case difference.IsValue:
		w.value(difference)
	case difference.Kind == diff.OnlyA && !difference.Below:
		w.DeleteKey(w.place(difference.Path))
		w.begun = false
	case difference.Kind == diff.OnlyB:
		w.enter(difference.Path)
		w.newKey(difference.B)
	case difference.Kind == diff.Differs:
		w.key(difference.Aspects)
	}
	return nil
}

// currentSet returns the path of the key that CurrentControlSet stands for in a
// hive, "" where it stands for none.
func currentSet(h *hive.Hive) string {
	set, err := h.Key(hive.CurrentControlSet)
	if err != nil || hive.EqualNames(set.Path(), hive.CurrentControlSet) {
		return ""
	}
	return set.Path()
}

// place is a key's path in the file.
func (w *regDiff) place(path string) string {
	if path == "" {
		return w.prefix
	}
	return w.prefix + `\` + path
}

// enter makes a key the one that values are written for.
func (w *regDiff) enter(path string) {
	if !w.begun || w.current != path {
		w.CreateKey(w.place(path))
	}
	w.begun, w.current = true, path
}

// value writes a value that differs. One that is spelled otherwise is deleted
// first: it would keep its spelling.
func (w *regDiff) value(difference diff.Difference) {
	a, b := difference.A, difference.B
	if difference.Kind == diff.OnlyA && difference.Below || difference.Kind == diff.Differs && difference.Aspects&^diff.Flags == 0 {
		return
	}
	w.enter(difference.Path)
	if b == nil || difference.Aspects&diff.Spelling != 0 {
		w.DeleteValue(a.Name)
	}
	if b != nil {
		w.SetValue(b.Name, uint32(b.Type), b.Data)
	}
}

// newKey counts what a key that is created does not get.
func (w *regDiff) newKey(item *diff.Item) {
	w.created++
	if item.Class != "" {
		w.classes++
	}
	if item.Flags&uint32(hive.FlagLink|hive.FlagPredefined|hive.FlagNoDelete) != 0 {
		w.flags++
	}
}

// key counts what of a key on both sides stays as it is in A.
func (w *regDiff) key(aspects diff.Aspects) {
	for _, count := range []struct {
		aspect diff.Aspects
		of     *int
	}{
		{diff.Class, &w.classes}, {diff.Flags, &w.flags}, {diff.Security, &w.security},
		{diff.Times, &w.times}, {diff.Spelling, &w.spellings},
	} {
		if aspects&count.aspect != 0 {
			*count.of++
		}
	}
}

// tellReg tells what differs and is not in the file.
func (d *differ) tellReg(env *environment, w *regDiff) {
	if _, known := regRoot(d.hives[0]); !known && d.prefix == "" && !d.report.quiet {
		fmt.Fprintf(env.stderr, "%s: the kind of the hive is not certain: its keys stand below %s; --prefix names another place\n", programName, unknownRoot)
	}
	if missing := w.missing(); missing != "" && !d.report.quiet {
		fmt.Fprintf(env.stderr, "%s: not in a .reg file: %s\n", programName, missing)
	}
}

// missing says what differs and has no place in the file, "" for nothing.
func (w *regDiff) missing() string {
	var parts []string
	for _, part := range []struct {
		count     int
		one, many string
	}{
		{w.created, "new key's security descriptor and time", "new keys' security descriptors and times"},
		{w.classes, "class name", "class names"},
		{w.flags, "key's flags", "keys' flags"},
		{w.security, "other security descriptor", "other security descriptors"},
		{w.times, "other time", "other times"},
		{w.spellings, "key's spelling", "keys' spelling"},
	} {
		if part.count > 0 {
			parts = append(parts, plural(part.count, part.one, part.many))
		}
	}
	return strings.Join(parts, ", ")
}
