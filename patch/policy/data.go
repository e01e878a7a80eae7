package policy

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"

	"go.yaml.in/yaml/v4"

	"hivepatch/hive"
)

// typeNames are the types that have a name, in the order of their numbers. Each
// may also be called as Windows does, such as REG_SZ.
var typeNames = [...]string{
	"none", "sz", "expand_sz", "binary", "dword", "dword_be", "link", "multi_sz",
	"resource_list", "full_resource_descriptor", "resource_requirements_list", "qword",
}

// valueType reads the type of a value, a name or a number.
func (r *reader) valueType(n *yaml.Node) (hive.Type, error) {
	n, err := r.enter(n)
	if err != nil {
		return 0, err
	}
	if n.Kind == yaml.ScalarNode && n.Tag == tagNumber {
		number, err := r.number(n, "type", math.MaxUint32)
		return hive.Type(number), err
	}
	name, err := r.text(n, "type")
	if err != nil {
		return 0, err
	}
	for number, known := range typeNames {
		if kind := hive.Type(number); name == known || name == kind.String() {
			return kind, nil
		}
	}
	return 0, failf(position(n), "type: unknown type %.40q, want %s, or a number", name, strings.Join(typeNames[:], ", "))
}

// data reads data in the form that its type has: text, a list of texts, a
// number, or bytes in hexadecimal digits.
func (r *reader) data(n *yaml.Node, kind hive.Type) ([]byte, error) {
	if most, isNumber := largest(kind); isNumber {
		number, err := r.number(n, "data", most)
		return numberData(kind, number), err
	}
	switch kind {
	case hive.SZ, hive.ExpandSZ:
		return r.textData(n)
	case hive.Link:
		data, err := r.textData(n)
		return data[:max(0, len(data)-2)], err // Windows takes a target to its last byte
	case hive.MultiSZ:
		return r.listData(n)
	}
	return r.bytes(n, "data")
}

// largest is the largest number that data of a type can be.
func largest(kind hive.Type) (most uint64, isNumber bool) {
	switch kind {
	case hive.DWord, hive.DWordBigEndian:
		return math.MaxUint32, true
	case hive.QWord:
		return math.MaxUint64, true
	}
	return 0, false
}

func numberData(kind hive.Type, number uint64) []byte {
	switch kind {
	case hive.QWord:
		return binary.LittleEndian.AppendUint64(nil, number)
	case hive.DWordBigEndian:
		return binary.BigEndian.AppendUint32(nil, uint32(number))
	}
	return binary.LittleEndian.AppendUint32(nil, uint32(number))
}

// textData reads a text, which gets a NUL at its end.
func (r *reader) textData(n *yaml.Node) ([]byte, error) {
	text, err := r.text(n, "data")
	if err != nil {
		return nil, err
	}
	data, err := hive.EncodeText(text)
	if err != nil {
		return nil, failf(position(n), "data: %s", err)
	}
	return append(data, 0, 0), nil
}

// listData reads a list of texts, which gets one more NUL at its end.
func (r *reader) listData(n *yaml.Node) ([]byte, error) {
	var data []byte
	err := r.items(n, "data", func(item *yaml.Node) error {
		text, err := r.textData(item)
		if err == nil && len(text) == 2 {
			err = failf(position(item), "data: a list cannot hold an empty text: it would end there")
		}
		data = append(data, text...)
		return err
	})
	return append(data, 0, 0), err
}

// bytes reads hexadecimal digits, two for each byte, with blanks, commas or
// colons between them.
func (r *reader) bytes(n *yaml.Node, what string) ([]byte, error) {
	text, err := r.text(n, what)
	if err != nil {
		return nil, err
	}
	digits := strings.Map(func(c rune) rune {
		if strings.ContainsRune(" ,:\t\r\n", c) {
			return -1
		}
		return c
	}, text)
	data, err := hex.DecodeString(digits)
	if err != nil {
		return nil, failf(position(n), "%s: %.40q is not bytes as pairs of hexadecimal digits, such as 00ff10", what, text)
	}
	return data, nil
}
