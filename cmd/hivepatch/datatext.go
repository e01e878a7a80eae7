package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/escape"
)

// typeNames are the types that have a name, in the order of their numbers.
var typeNames = [...]string{
	"none", "sz", "expand_sz", "binary", "dword", "dword_be", "link", "multi_sz",
	"resource_list", "full_resource_descriptor", "resource_requirements_list", "qword",
}

// typeHelp is for the help of the commands that take a type.
const typeHelp = `Types are none, sz, expand_sz, binary, dword, dword_be, link, multi_sz,
resource_list, full_resource_descriptor, resource_requirements_list and qword,
also with REG_ in front, and any number.`

// dataHelp is for the help of the commands that print or take data.
const dataHelp = `Data of the types sz, expand_sz and link is text; of multi_sz texts with \0 between
them; of dword, dword_be and qword a number; of all others bytes as hexadecimal
digits. Characters that cannot be printed, and a backslash before what would
then be misread, are written as in names: \x0a, \x5c.`

// typeName is the name of a type in options and results, or the number of one
// that has none.
func typeName(kind hive.Type) string {
	if int64(kind) < int64(len(typeNames)) {
		return typeNames[kind]
	}
	return fmt.Sprintf("%#x", uint32(kind))
}

// parseType reads a type: a name as typeName writes it or as Windows has it
// (REG_SZ), or a number.
func parseType(text string) (hive.Type, error) {
	name := strings.TrimPrefix(strings.ToLower(text), "reg_")
	if name == "dword_big_endian" {
		name = "dword_be"
	}
	for number, known := range typeNames {
		if name == known {
			return hive.Type(number), nil
		}
	}
	if number, ok := parseNumber(text, math.MaxUint32); ok {
		return hive.Type(number), nil
	}
	return 0, hinted(usagef("unknown type %q", text), "the types are %s, and any number", strings.Join(typeNames[:], ", "))
}

// parseNumber reads a decimal number, or a hexadecimal one behind 0x.
func parseNumber(text string, most uint64) (uint64, bool) {
	digits, base := text, 10
	if len(text) > 2 && (text[:2] == "0x" || text[:2] == "0X") {
		digits, base = text[2:], 16
	}
	number, err := strconv.ParseUint(digits, base, 64)
	return number, err == nil && number <= most
}

// dataText writes data as one line for people: what parseData reads, where the
// data is as its type wants it.
func dataText(kind hive.Type, data []byte) string { return string(appendDataText(nil, kind, data)) }

// appendDataText appends what dataText returns.
func appendDataText(b []byte, kind hive.Type, data []byte) []byte {
	switch kind {
	case hive.SZ, hive.ExpandSZ, hive.Link:
		return appendText(b, data)
	case hive.MultiSZ:
		return appendTexts(b, data)
	case hive.DWord, hive.DWordBigEndian, hive.QWord:
		if number, ok := dataNumber(kind, data); ok {
			return strconv.AppendUint(b, number, 10)
		}
		return hex.AppendEncode(append(b, hexPrefix...), data)
	}
	return hex.AppendEncode(b, data)
}

// hexPrefix stands before the bytes of a number that has not as many as its
// type wants.
const hexPrefix = "hex:"

// dataNumber returns the number in data of a type of numbers, and false when it
// has not as many bytes as the type wants.
func dataNumber(kind hive.Type, data []byte) (uint64, bool) {
	switch {
	case kind == hive.DWord && len(data) == 4:
		return uint64(binary.LittleEndian.Uint32(data)), true
	case kind == hive.DWordBigEndian && len(data) == 4:
		return uint64(binary.BigEndian.Uint32(data)), true
	case kind == hive.QWord && len(data) == 8:
		return binary.LittleEndian.Uint64(data), true
	}
	return 0, false
}

// appendText appends a text in UTF-16 without the NULs at its end. An odd byte
// at the end, which is no part of it, is appended as an escape.
func appendText(b []byte, data []byte) []byte {
	units := data[:len(data)&^1]
	b = appendName(b, hive.DecodeText(trimNULs(units)))
	return appendOdd(b, data)
}

func appendOdd(b []byte, data []byte) []byte {
	if len(data)%2 == 0 || data[len(data)-1] == 0 {
		return b
	}
	return fmt.Appendf(b, `\x%02x`, data[len(data)-1])
}

// listSeparator stands between the texts of a list, as reg.exe has it.
const listSeparator = `\0`

// appendTexts appends the texts of a list.
func appendTexts(b []byte, data []byte) []byte {
	b = appendListText(b, hive.DecodeText(trimNULs(data[:len(data)&^1])))
	return appendOdd(b, data)
}

// appendListText appends texts that have NULs between them.
func appendListText(b []byte, texts string) []byte {
	for i, text := range strings.Split(texts, "\x00") {
		if i > 0 {
			b = append(b, listSeparator...)
		}
		from := len(b)
		b = appendName(b, text)
		if escaped := string(b[from:]); strings.Contains(escaped, listSeparator) {
			b = append(b[:from], strings.ReplaceAll(escaped, listSeparator, `\x5c0`)...)
		}
	}
	return b
}

// textList splits the data of a list at the NULs. Those at the end are no texts.
func textList(data []byte) []string {
	text := hive.DecodeText(trimNULs(data[:len(data)&^1]))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}

// trimNULs takes the NUL characters from the end of a text in UTF-16.
func trimNULs(units []byte) []byte {
	for n := len(units); n >= 2 && units[n-1] == 0 && units[n-2] == 0; n = len(units) {
		units = units[:n-2]
	}
	return units
}

// parseData reads data as the user types it for a value of that type: what
// dataText writes, hexadecimal numbers behind 0x, and bytes with blanks, commas
// or colons between them. It returns a usage error that says what is wrong.
func parseData(kind hive.Type, text string) ([]byte, error) {
	switch kind {
	case hive.SZ, hive.ExpandSZ, hive.Link:
		return parseText(text)
	case hive.MultiSZ:
		return parseTexts(text)
	case hive.DWord, hive.DWordBigEndian, hive.QWord:
		if bytes, ok := strings.CutPrefix(text, hexPrefix); ok {
			return parseBytes(bytes)
		}
		return parseNumberData(kind, text)
	}
	return parseBytes(strings.TrimPrefix(text, hexPrefix))
}

// parseText reads a text, which gets a NUL at its end.
func parseText(text string) ([]byte, error) {
	text, err := escape.Decode(text)
	if err != nil {
		return nil, usagef("data %s", err)
	}
	data, err := hive.EncodeText(text)
	if err != nil {
		return nil, usagef("data: %s", err)
	}
	return append(data, 0, 0), nil
}

// parseTexts reads the texts of a list, which gets one more NUL at its end.
func parseTexts(text string) ([]byte, error) {
	if text == "" {
		return []byte{0, 0}, nil
	}
	var data []byte
	for i, part := range strings.Split(text, listSeparator) {
		if part == "" {
			return nil, hinted(usagef("text %d of the list is empty", i+1), "readers take a list to end there; --hex takes the bytes of the data as they are")
		}
		encoded, err := parseText(part)
		if err != nil {
			return nil, err
		}
		data = append(data, encoded...)
	}
	return append(data, 0, 0), nil
}

func parseNumberData(kind hive.Type, text string) ([]byte, error) {
	most := uint64(math.MaxUint32)
	if kind == hive.QWord {
		most = math.MaxUint64
	}
	number, ok := parseNumber(text, most)
	if !ok {
		return nil, usagef("data %q is no number from 0 to %d, or hexadecimal behind 0x", text, most)
	}
	switch kind {
	case hive.QWord:
		return binary.LittleEndian.AppendUint64(nil, number), nil
	case hive.DWordBigEndian:
		return binary.BigEndian.AppendUint32(nil, uint32(number)), nil
	}
	return binary.LittleEndian.AppendUint32(nil, uint32(number)), nil
}

// parseBytes reads hexadecimal digits, two for each byte.
func parseBytes(text string) ([]byte, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ,:\t\r\n", r) {
			return -1
		}
		return r
	}, text)
	data, err := hex.DecodeString(digits)
	if err != nil {
		return nil, usagef("data %q is not bytes as pairs of hexadecimal digits, such as 00ff10", text)
	}
	return data, nil
}
