package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"hivepatch/hive"
)

// listingBuffer is the number of bytes of a result that are written at a time.
const listingBuffer = 64 << 10

// listing is a result that is written as the hive is read, in a memory that does
// not grow with it.
type listing struct {
	name   string        // of the hive
	buffer *bufio.Writer // keeps its first error for Flush
	line   []byte        // room for the line that is being built
	stderr io.Writer
	failed int // things that could not be read

	// What a hive of its size can hold of: in a hostile one, a million keys may
	// share one list of a million values, or these one piece of data.
	valuesLeft int
	bytesLeft  int64 // data may be looked at and printed
}

// leastEntry is the number of bytes that a hive has for each value: its entry in
// the list of a key.
const leastEntry = 4

// newListing returns a listing of a hive of that name.
func newListing(name string, h *hive.Hive, out, stderr io.Writer) *listing {
	size := len(h.Bytes())
	return &listing{
		name: name, buffer: bufio.NewWriterSize(out, listingBuffer), stderr: stderr,
		valuesLeft: size / leastEntry, bytesLeft: 2 * int64(size),
	}
}

// write writes a part of a line.
func (l *listing) write(b []byte) { _, _ = l.buffer.Write(b) }

// end writes the rest of a line, which may have been built in l.line.
func (l *listing) end(line []byte) {
	l.line = append(line, '\n')
	l.write(l.line)
}

// toldFailures is the number of things that could not be read that are told of.
const toldFailures = 20

// fail notes that something of the hive could not be read, and goes on.
func (l *listing) fail(err error) {
	if l.failed++; l.failed <= toldFailures {
		fmt.Fprintf(l.stderr, "%s: %s\n", programName, printable(fmt.Sprintf("%s: %v", l.name, err)))
	}
}

// failure is the error of a listing that is not whole.
func (l *listing) failure() error {
	if l.failed == 0 {
		return nil
	}
	err := fmt.Errorf("%s: %s could not be read: the result is not whole", l.name, plural(l.failed, "thing", "things"))
	return hinted(err, "%s check lists what is wrong with the hive", programName)
}

// values calls list for each value of a key that can be read.
func (l *listing) values(key *hive.Key, list func(value *hive.Value)) {
	for value, err := range key.Values() {
		if l.valuesLeft--; l.valuesLeft < 0 {
			l.fail(fmt.Errorf("key %s: values are left out: keys share them, and there are more than the hive has room for", printablePath(key.Path())))
			return
		}
		if err != nil {
			l.fail(fmt.Errorf("key %s: %w", printablePath(key.Path()), err))
			continue
		}
		list(value)
	}
}

// data returns the data of a value in pieces. It is an error when the listing
// has had more than the hive can hold.
func (l *listing) data(value *hive.Value) ([][]byte, error) {
	pieces, err := value.DataPieces()
	if err != nil {
		return nil, inValue(value, err)
	}
	if l.bytesLeft -= int64(dataSize(pieces)); l.bytesLeft < 0 {
		return nil, inValue(value, errors.New("data is left out: values share it, and there is more than the hive has room for"))
	}
	return pieces, nil
}

// keys calls list for each key of a sequence that can be read.
func (l *listing) keys(keys func(func(*hive.Key, error) bool), list func(key *hive.Key)) {
	for key, err := range keys {
		if err != nil {
			l.fail(err)
			continue
		}
		list(key)
	}
}

// writeData writes the data of a value as dataText does.
func (l *listing) writeData(value *hive.Value) error {
	pieces, err := l.data(value)
	if err != nil {
		return err
	}
	kind := value.Type()
	if len(pieces) <= 1 && dataSize(pieces) <= chunkSize {
		l.line = appendDataText(l.line[:0], kind, joined(pieces))
		l.write(l.line)
		return nil
	}
	for chunk := range rawChunks(kind, pieces) {
		if kind == hive.MultiSZ {
			l.line = appendListText(l.line[:0], chunk)
		} else {
			l.line = appendName(l.line[:0], chunk)
		}
		l.write(l.line)
	}
	if isTextType(kind) {
		l.line = appendOdd(l.line[:0], pieces[len(pieces)-1])
		l.write(l.line)
	}
	return nil
}

// writeRaw writes the data of a value as it is.
func (l *listing) writeRaw(value *hive.Value) error {
	pieces, err := l.data(value)
	for _, piece := range pieces {
		l.write(piece)
	}
	return err
}

// inValue adds to an error which value it is about.
func inValue(value *hive.Value, err error) error {
	return fmt.Errorf("value %s of key %s: %w", printableValueName(value.Name()), printablePath(value.Key().Path()), err)
}

// writeValueJSON writes a value in JSON, as valueJSON does for data in memory.
// It returns the error of reading the data, which is in the result too.
func (l *listing) writeValueJSON(value *hive.Value) error {
	pieces, err := l.data(value)
	l.writePiecesJSON(value, pieces, err)
	return err
}

// writePiecesJSON writes a value in JSON whose data has been read, or could not
// be.
func (l *listing) writePiecesJSON(value *hive.Value, pieces [][]byte, err error) {
	v := valueJSON{Name: value.Name(), Type: value.Type(), Err: err}
	size := dataSize(pieces)
	if len(pieces) <= 1 && size <= chunkSize {
		if err == nil {
			v.Data = joined(pieces)
		}
		l.line = v.append(l.line[:0])
		l.write(l.line)
		return
	}
	b := v.appendHead(l.line[:0])
	b = strconv.AppendInt(append(b, `,"size":`...), int64(size), 10)
	l.write(append(b, `,"value":`...))
	l.writeTyped(v.Type, pieces)
	l.write(append(b[:0], `,"data":"`...))
	for chunk := range chunksOf(pieces) {
		b = hex.AppendEncode(b[:0], chunk)
		l.write(b)
	}
	l.write(append(b[:0], `"}`...))
	l.line = b
}

// writeTyped writes long data as appendTyped does.
func (l *listing) writeTyped(kind hive.Type, pieces [][]byte) {
	if !isTextType(kind) {
		l.write([]byte("null"))
		return
	}
	opening, closing, separator := `"`, `"`, `\u0000`
	if kind == hive.MultiSZ {
		opening, closing, separator = `["`, `"]`, `","`
		if len(trimmed(pieces)) == 0 {
			opening, closing = "[", "]"
		}
	}
	l.write([]byte(opening))
	var b []byte
	for chunk := range textChunks(pieces) {
		b = b[:0]
		for i, text := range strings.Split(chunk, "\x00") {
			if i > 0 {
				b = append(b, separator...)
			}
			b = appendJSONText(b, text)
		}
		l.write(b)
	}
	l.write([]byte(closing))
}

// writeKeyJSON writes a key in JSON, with its values where they are asked for.
func (l *listing) writeKeyJSON(k keyJSON, key *hive.Key) {
	b := k.appendHead(l.line[:0])
	if k.LeaveValues {
		l.line = append(b, '}')
		l.write(l.line)
		return
	}
	l.line = append(b, `,"values":[`...)
	l.write(l.line)
	first := true
	l.values(key, func(value *hive.Value) {
		if !first {
			l.write([]byte(","))
		}
		first = false
		if err := l.writeValueJSON(value); err != nil {
			l.fail(err)
		}
	})
	l.write([]byte("]}"))
}

// readKeyJSON reads what belongs to the key alone. What cannot be read has its
// error in the result.
func (l *listing) readKeyJSON(key *hive.Key) keyJSON {
	k := keyJSON{Path: key.Path(), Name: key.Name(), LastWrite: key.LastWriteTime(), Flags: key.Flags(), UserFlags: key.UserFlags()}
	if k.Class, k.Err = key.Class(); k.Err != nil {
		l.fail(k.Err)
	}
	return k
}

// jsonList is one object with a list in a listing, an element a line.
type jsonList struct {
	*listing
	name  string
	begun bool
}

// next begins an element.
func (j *jsonList) next() { j.begin(",\n") }

func (j *jsonList) begin(separator string) {
	if !j.begun {
		separator = `{"` + j.name + `":[` + "\n"
	}
	j.begun = true
	_, _ = j.buffer.WriteString(separator)
}

// close ends the list and the object.
func (j *jsonList) close() {
	if j.begun {
		j.end(append(j.line[:0], "\n]}"...))
		return
	}
	j.end(append(j.line[:0], `{"`+j.name+`":[]}`...))
}
