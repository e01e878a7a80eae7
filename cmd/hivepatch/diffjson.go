package main

import (
	"encoding/hex"
	"strconv"

	"hivepatch/hive"
	"hivepatch/hive/diff"
	"hivepatch/hive/sddl"
)

// kindNames are the kinds of differences in JSON.
var kindNames = [...]string{diff.OnlyA: "only_a", diff.OnlyB: "only_b", diff.Differs: "differs"}

// writeJSON writes the differences as one object, an element of the list a line.
func (d *differ) writeJSON() {
	names := d.names()
	b := appendJSONString(append(d.line[:0], `{"a":`...), names[0])
	b = appendJSONString(append(b, `,"b":`...), names[1])
	d.line = append(b, `,"differences":[`...)
	d.write(d.line)
	for difference, err := range d.sequence {
		if err != nil {
			d.readFailure(err)
			continue
		}
		separator := "\n"
		if d.different {
			separator = ",\n"
		}
		d.different = true
		d.write([]byte(separator))
		d.element(difference)
	}
	b = append(d.line[:0], "\n],\"equal\":"...)
	b = strconv.AppendBool(b, !d.different && d.failed == 0)
	d.end(append(b, '}'))
}

// element writes one difference.
func (d *differ) element(difference diff.Difference) {
	what := "key"
	if difference.IsValue {
		what = "value"
	}
	b := append(d.line[:0], `{"kind":"`+kindNames[difference.Kind]+`","what":"`+what+`","path":`...)
	b = appendJSONString(b, difference.Path)
	b = strconv.AppendBool(append(b, `,"below":`...), difference.Below)
	b = append(b, `,"aspects":[`...)
	for i, name := range difference.Aspects.Names() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONString(b, name)
	}
	d.line = append(b, ']')
	d.write(d.line)
	for side, item := range [2]*diff.Item{difference.A, difference.B} {
		d.write([]byte(`,"` + "ab"[side:side+1] + `":`))
		switch {
		case item == nil:
			d.write([]byte("null"))
		case difference.IsValue:
			d.valueItem(item)
		default:
			d.keyItem(item, difference.Path)
		}
	}
	d.write([]byte("}"))
}

// keyItem writes a key as ls --json does, with its user flags.
func (d *differ) keyItem(item *diff.Item, path string) {
	const ownFlags, userFlags = 0xFFFF, 16 // bits of Item.Flags
	k := keyJSON{
		Path: path, Name: item.Name, LastWrite: item.LastWrite,
		Flags: hive.KeyFlags(item.Flags & ownFlags), Class: item.Class, Security: item.Security,
	}
	if k.Security != nil {
		k.SDDL, _ = sddl.Format(k.Security) // the bytes are there in any case
	}
	b := k.appendHead(d.line[:0])
	b = strconv.AppendUint(append(b, `,"user_flags":`...), uint64(item.Flags>>userFlags), 10)
	d.line = append(b, '}')
	d.write(d.line)
}

// valueItem writes a value as ls --json does. Long data goes out in chunks.
func (d *differ) valueItem(item *diff.Item) {
	v := valueJSON{Name: item.Name, Type: item.Type, Data: item.Data}
	if len(item.Data) <= chunkSize {
		d.line = v.append(d.line[:0])
		d.write(d.line)
		return
	}
	pieces := [][]byte{item.Data}
	b := v.appendHead(d.line[:0])
	b = strconv.AppendInt(append(b, `,"size":`...), int64(len(item.Data)), 10)
	d.write(append(b, `,"value":`...))
	d.writeTyped(v.Type, pieces)
	d.write(append(b[:0], `,"data":"`...))
	for chunk := range chunksOf(pieces) {
		b = hex.AppendEncode(b[:0], chunk)
		d.write(b)
	}
	d.write(append(b[:0], `"}`...))
	d.line = b
}
