package main

import (
	"fmt"
	"strconv"

	"hivepatch/hive/diff"
)

// mostData is the number of bytes of data that a line shows.
const mostData = 512

// writeText writes the differences as lines for people, with the names of the
// hives before the first.
func (d *differ) writeText() {
	for difference, err := range d.sequence {
		if err != nil {
			d.readFailure(err)
			continue
		}
		if !d.different {
			names := d.names()
			d.end(append(d.line[:0], "--- "+printable(names[0])...))
			d.end(append(d.line[:0], "+++ "+printable(names[1])...))
		}
		d.different = true
		if difference.IsValue {
			d.valueLines(difference)
		} else {
			d.keyLines(difference)
		}
	}
}

const signs = "-+"

// valueLines writes a line for each side that has the value.
func (d *differ) valueLines(difference diff.Difference) {
	notes := d.dataNotes(difference)
	for side, item := range [2]*diff.Item{difference.A, difference.B} {
		if item == nil {
			continue
		}
		b := append(d.line[:0], signs[side])
		b = append(b, typeName(item.Type)...)
		b = appendPath(append(b, '\t'), difference.Path)
		b = appendValueName(append(b, '\t'), item.Name)
		b = appendDataText(append(b, '\t'), item.Type, d.shown(item.Data))
		if difference.Aspects&diff.Flags != 0 {
			b = append(b, "\tflags "+flagsText(item.Flags)...)
		}
		d.end(append(b, notes[side]...))
	}
}

// shown is the part of data that a line shows.
func (d *differ) shown(data []byte) []byte {
	if d.report.verbose || len(data) <= mostData {
		return data
	}
	return data[:mostData]
}

// dataNotes are the columns behind data that is cut.
func (d *differ) dataNotes(difference diff.Difference) (notes [2]string) {
	from := ""
	if a, b := difference.A, difference.B; difference.Aspects&diff.Data != 0 {
		from = fmt.Sprintf(", different from byte %d on", samePrefix(a.Data, b.Data))
	}
	for side, item := range [2]*diff.Item{difference.A, difference.B} {
		if item != nil && len(d.shown(item.Data)) < len(item.Data) {
			notes[side] = fmt.Sprintf("\t… %d bytes%s", len(item.Data), from)
		}
	}
	return notes
}

// samePrefix is the number of bytes at the start that are the same.
func samePrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// keyLines writes a line for a key that is on one side, and one for each aspect
// of it that was asked for. Of a key on both sides it writes the aspects that
// differ.
func (d *differ) keyLines(difference diff.Difference) {
	if difference.Kind != diff.Differs {
		d.keyLine(difference, "key", "", "")
	}
	if difference.Aspects&diff.Spelling != 0 {
		d.keyLine(difference, "spelling", printableName(difference.A.Name), printableName(difference.B.Name))
	}
	for i, aspect := range keyAspects {
		switch {
		case difference.Kind == diff.Differs && difference.Aspects&aspect.bit == 0, d.compare&aspect.bit == 0:
			continue
		}
		var texts [2]string
		for side, item := range [2]*diff.Item{difference.A, difference.B} {
			if item != nil {
				texts[side] = keyAspects[i].text(item)
			}
		}
		if difference.Kind == diff.Differs || texts[0]+texts[1] != "" {
			d.keyLine(difference, aspect.name, texts[0], texts[1])
		}
	}
}

// keyAspects are the aspects of a key, with what a line shows of them: "" where
// the key has nothing of it.
var keyAspects = []struct {
	bit  diff.Aspects
	name string
	text func(*diff.Item) string
}{
	{diff.Class, "class", func(i *diff.Item) string { return printableName(i.Class) }},
	{diff.Flags, "flags", func(i *diff.Item) string { return flagsText(i.Flags) }},
	{diff.Security, "security", func(i *diff.Item) string { return securityText(i.Security) }},
	{diff.Times, "time", func(i *diff.Item) string { return string(appendTime(nil, i.LastWrite)) }},
}

func flagsText(flags uint32) string {
	if flags == 0 {
		return ""
	}
	return "0x" + strconv.FormatUint(uint64(flags), 16)
}

// keyLine writes a line for each side that has the key.
func (d *differ) keyLine(difference diff.Difference, what, a, b string) {
	texts := [2]string{a, b}
	for side, item := range [2]*diff.Item{difference.A, difference.B} {
		if item == nil {
			continue
		}
		line := append(d.line[:0], signs[side])
		line = append(line, what...)
		line = appendPath(append(line, '\t'), difference.Path)
		if texts[0]+texts[1] != "" {
			line = append(append(line, '\t'), texts[side]...)
		}
		d.end(line)
	}
}
