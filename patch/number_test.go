package patch

import (
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// The vectors that the conformance tests of Wine pin down on native Windows,
// and the spellings that people put into SharedSection.
func TestReadNumber(t *testing.T) {
	for _, test := range []struct {
		text       string
		value      uint32
		start, end int
		digits     int
		base       uint32
		overflow   bool
	}{
		{"", 0, 0, 0, 0, 10, false},
		{"0", 0, 0, 1, 1, 10, false},
		{"0x12345", 0x12345, 0, 7, 5, 16, false},
		{"0xaBcDeF", 0xABCDEF, 0, 8, 6, 16, false},
		{"0XAB", 0, 0, 1, 1, 10, false},
		{"00x12345", 0, 0, 2, 2, 10, false},
		{"0x", 0, 0, 2, 0, 16, false},
		{"0xg", 0, 0, 2, 0, 16, false},
		{" 214,01", 214, 1, 4, 3, 10, false},
		{"\t\r\n 7", 7, 4, 5, 1, 10, false},
		{"056789", 56789, 0, 6, 6, 10, false},
		{"020480", 20480, 0, 6, 6, 10, false},
		{"0b10123456789", 5, 0, 5, 3, 2, false},
		{"0o178", 15, 0, 4, 2, 8, false},
		{"-1", 0xFFFFFFFF, 0, 2, 1, 10, false},
		{"-0x10", 0xFFFFFFF0, 0, 5, 2, 16, false},
		{"+214 0", 214, 0, 4, 3, 10, false},
		{"--1", 0, 0, 1, 0, 10, false},
		{"- 1", 0, 0, 1, 0, 10, false},
		{"4294967295", 4294967295, 0, 10, 10, 10, false},
		{"4294967296", 0, 0, 10, 10, 10, true},
		{"4294967297", 1, 0, 10, 10, 10, true},
		{"9999999999", 1410065407, 0, 10, 10, 10, true},
		{"99999999999999999999999", 4135583743, 0, 23, 23, 10, true},
		{"1x34", 1, 0, 1, 1, 10, false},
		{"20480KB", 20480, 0, 5, 5, 10, false},
		{"20480.5", 20480, 0, 5, 5, 10, false},
		{"\"1024", 0, 0, 0, 0, 10, false},
		{"\u0661\u0662", 0, 0, 0, 0, 10, false},
	} {
		t.Run(test.text, func(t *testing.T) {
			got := readNumber(utf16.Encode([]rune(test.text)))
			require.Equal(t, number{test.value, test.start, test.end, test.digits, test.base, test.overflow}, got)
		})
	}
}
