package main

import (
	"bufio"
	"io"

	"hivepatch/hive"
	"hivepatch/hive/sddl"
)

// jsonExporter writes keys in JSON, value by value and long data in parts: a
// single key may have most of what is in a hive.
type jsonExporter struct {
	*exporter
	listing
}

// writeJSON writes the keys in JSON, with all that the hive has of them.
func (e *exporter) writeJSON(out io.Writer, lines bool) error {
	j := jsonExporter{e, listing{buffer: bufio.NewWriterSize(out, listingBuffer)}}
	opening, before, between, after, closing := `{"keys":[`, "\n", ",\n", "", "\n]}\n"
	if lines {
		opening, before, between, after, closing = "", "", "", "\n", ""
	}
	j.write([]byte(opening))
	err := e.each(func(key *hive.Key) error {
		j.write([]byte(before))
		before = between
		if err := j.writeKey(key); err != nil {
			return err
		}
		_, err := j.buffer.WriteString(after) // tells of an error before, too: nothing is read for nobody
		return err
	})
	if err != nil {
		return err
	}
	j.write([]byte(closing))
	return j.buffer.Flush()
}

// writeKey writes all of a key.
func (j *jsonExporter) writeKey(key *hive.Key) error {
	k, err := j.readKey(key)
	if err != nil {
		return err
	}
	j.line = append(k.appendHead(j.line[:0]), `,"values":[`...)
	j.write(j.line)
	first := true
	for value, err := range key.Values() {
		if err == nil {
			if !first {
				j.write([]byte(","))
			}
			first = false
			err = j.writeValue(value)
		}
		if err != nil {
			if err = j.exporter.fail(err); err != nil {
				return err
			}
		}
	}
	j.write([]byte("]}"))
	return nil
}

// writeValue writes a value. It returns the error of reading the data, which is
// in the result too.
func (j *jsonExporter) writeValue(value *hive.Value) error {
	pieces, err := value.DataPieces()
	j.writePiecesJSON(value, pieces, err)
	return err
}

// readKey reads what belongs to a key alone. The first error of its values is
// one of the key, for it stands before them.
func (j *jsonExporter) readKey(key *hive.Key) (keyJSON, error) {
	k := keyJSON{Path: key.Path(), Name: key.Name(), LastWrite: key.LastWriteTime(), Flags: key.Flags(), UserFlags: key.UserFlags()}
	note := func(err error) error {
		if err == nil {
			return nil
		}
		if k.Err == nil {
			k.Err = err
		}
		return j.exporter.fail(err)
	}
	var err error
	k.Class, err = key.Class()
	if err = note(err); err != nil {
		return k, err
	}
	k.Security, err = key.SecurityDescriptor()
	if err = note(err); err != nil {
		return k, err
	}
	if k.Security != nil {
		k.SDDL, _ = sddl.Format(k.Security) // the bytes are there in any case
	}
	if k.Err == nil && j.tolerant {
		k.Err = valuesError(key)
	}
	return k, nil
}

// valuesError returns the first error of listing the values of a key.
func valuesError(key *hive.Key) error {
	for _, err := range key.Values() {
		if err != nil {
			return err
		}
	}
	return nil
}
