package patch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"www.velocidex.com/golang/regparser"

	"hivepatch/hive"
)

// secondOpinion lets an independent reader, regparser, read what the job
// depends on: the numbers of Select and the value in each set. It returns an
// error when it reads anything else than we do.
//
// regparser does not guard itself against hostile hives: only a hive that has
// passed our own check may come here.
func secondOpinion(h *hive.Hive, sets []ControlSet) error {
	reader, err := regparser.NewRegistry(bytes.NewReader(h.Bytes()))
	if err != nil {
		return disagreement("the hive", "it cannot open it: "+err.Error())
	}
	if err := opinionOnSelect(reader, h); err != nil {
		return err
	}
	for _, set := range sets {
		stored, _, err := set.value()
		if err != nil {
			return err
		}
		data, err := stored.Data()
		if err != nil {
			return err
		}
		path := set.Name() + `\` + subSystemsPath
		if err := compareOpinion(reader, path, stored.Name(), stored.Type(), data); err != nil {
			return err
		}
	}
	return nil
}

func opinionOnSelect(reader *regparser.Registry, h *hive.Hive) error {
	numbers, err := h.Select()
	if err != nil {
		return nil // the user has named the set; there is nothing to compare
	}
	for name, number := range map[string]hive.Number{"Current": numbers.Current, "Default": numbers.Default, "LastKnownGood": numbers.LastKnownGood} {
		if number.Err != nil {
			continue
		}
		data := binary.LittleEndian.AppendUint32(nil, number.Value)
		if err := compareOpinion(reader, "Select", name, hive.DWord, data); err != nil {
			return err
		}
	}
	return nil
}

func compareOpinion(reader *regparser.Registry, path, name string, kind hive.Type, data []byte) error {
	what := path + `\` + name
	read, err := lookUp(reader, path, name)
	if err != nil {
		return disagreement(what, err.Error())
	}
	if len(data) < 4 && len(read.Data) == 4 {
		// regparser takes inline data for four bytes, whatever its length.
		read.Data = read.Data[:len(data)]
	}
	switch {
	case hive.Type(read.Type) != kind:
		return disagreement(what, fmt.Sprintf("it reads type %d, want %d", read.Type, uint32(kind)))
	case !bytes.Equal(read.Data, data):
		return disagreement(what, fmt.Sprintf("it reads %d bytes that are not the %d bytes read here", len(read.Data), len(data)))
	}
	return nil
}

// lookUp lets regparser read a value. It tells big data by its first bytes, and
// panics on a number that happens to begin with them.
func lookUp(reader *regparser.Registry, path, name string) (read *regparser.ValueData, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			read, err = nil, fmt.Errorf("it fails: %v", fault)
		}
	}()
	key := reader.OpenKey(path)
	if key == nil {
		return nil, errors.New("it does not find the key")
	}
	for _, value := range key.Values() {
		if lowerASCII(value.ValueName()) == lowerASCII(name) {
			return value.ValueData(), nil
		}
	}
	return nil, errors.New("it does not find the value")
}

func disagreement(what, why string) error {
	return &RefusedError{Reason: fmt.Sprintf("a second, independent reader (regparser) disagrees about %s: %s", what, why)}
}
