package edit

import (
	"bytes"
	"fmt"
	"slices"

	"www.velocidex.com/golang/regparser"

	"hivepatch/hive"
	"hivepatch/hive/escape"
	"hivepatch/hive/internal/regf"
)

// compareValues compares the values of a key, which must come in the same order.
func (o *opinion) compareValues(read *regparser.CM_KEY_NODE, own *hive.Key) error {
	if own.Flags()&hive.FlagPredefined != 0 {
		return nil // it takes the handle for the number of values
	}
	theirs, i := read.Values(), 0
	for value, err := range own.Values() {
		if err != nil {
			return err
		}
		what := fmt.Sprintf("value %s of %s", escape.ValueName(value.Name()), describe(own))
		if i == len(theirs) || !slices.Contains(storedNames(value.Name()), theirs[i].ValueName()) {
			return disagreement(what, "it does not find the value")
		}
		if err := o.value(what, theirs[i], value); err != nil {
			return err
		}
		i++
	}
	if i < len(theirs) {
		return disagreement(describe(own), fmt.Sprintf("it reads %d values, want %d", len(theirs), i))
	}
	return nil
}

func (o *opinion) value(what string, read *regparser.CM_KEY_VALUE, own *hive.Value) error {
	if kind := hive.Type(read.Type()); kind != own.Type() {
		return disagreement(what, fmt.Sprintf("it reads type %s, want %s", kind, own.Type()))
	}
	if read.DataSize() != own.Size() {
		return disagreement(what, fmt.Sprintf("it reads a length of %d bytes, want %d", read.DataSize(), own.Size()))
	}
	if own.Size() > o.left {
		return nil
	}
	o.left -= own.Size()
	data, err := own.Data()
	if err != nil {
		return err
	}
	return o.data(what, read, data)
}

// data compares data, but for what regparser is known to get wrong.
func (o *opinion) data(what string, read *regparser.CM_KEY_VALUE, data []byte) error {
	segmented := len(data) > regf.MaxDirectData && o.minor >= 4
	if bytes.HasPrefix(data, []byte("db")) && !segmented {
		return nil // it tells big data by these two letters, wherever they stand
	}
	theirs, err := readData(read)
	if err != nil {
		return disagreement(what, err.Error())
	}
	if len(theirs) > len(data) {
		// Inline data comes with all four bytes, and REG_MULTI_SZ of an odd
		// length with one more.
		theirs = theirs[:len(data)]
	}
	// Of a last segment that is cut to its length it loses up to four bytes.
	lost := len(data) - len(theirs)
	if lost > 4 || lost > 0 && !segmented || !bytes.Equal(theirs, data[:len(theirs)]) {
		return disagreement(what, fmt.Sprintf("it reads %d bytes that are not the %d bytes read here", len(theirs), len(data)))
	}
	return nil
}

// readData lets regparser read data. It panics on a number that is shorter than
// its type.
func readData(value *regparser.CM_KEY_VALUE) (data []byte, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			data, err = nil, fmt.Errorf("it fails: %v", fault)
		}
	}()
	return value.ValueData().Data, nil
}
