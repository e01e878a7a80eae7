package hivetest

import (
	"encoding/binary"
	"time"
)

// Types of value data.
const (
	TypeNone     = 0
	TypeSZ       = 1
	TypeExpandSZ = 2
	TypeBinary   = 3
	TypeDWORD    = 4
	TypeLink     = 6
	TypeMultiSZ  = 7
	TypeQWORD    = 11
)

// SZ returns the data of a REG_SZ: UTF-16LE with a terminating NUL.
func SZ(s string) []byte {
	return utf16Bytes(append(Units(s), 0))
}

// ExpandSZ returns the data of a REG_EXPAND_SZ, which has the form of a REG_SZ.
func ExpandSZ(s string) []byte {
	return SZ(s)
}

// Link returns the data of a REG_LINK: UTF-16LE without a terminating NUL.
func Link(path string) []byte {
	return utf16Bytes(Units(path))
}

// MultiSZ returns the data of a REG_MULTI_SZ: each text with its NUL, and one
// more NUL at the end.
func MultiSZ(texts ...string) []byte {
	var data []byte
	for _, text := range texts {
		data = append(data, SZ(text)...)
	}
	return append(data, 0, 0)
}

// DWORD returns the data of a REG_DWORD.
func DWORD(n uint32) []byte {
	return binary.LittleEndian.AppendUint32(nil, n)
}

// QWORD returns the data of a REG_QWORD.
func QWORD(n uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, n)
}

// Noise returns n bytes that look random and are the same every time for the
// same seed.
func Noise(n int, seed uint32) []byte {
	data := make([]byte, n)
	state := seed*2654435761 | 1
	for i := range data {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		data[i] = byte(state >> 11)
	}
	return data
}

// Filetime returns t in units of 100 ns since 1601-01-01 UTC.
func Filetime(t time.Time) uint64 {
	const unixEpoch = 11644473600 // seconds from 1601 to 1970
	return uint64(t.Unix()+unixEpoch)*10_000_000 + uint64(t.Nanosecond()/100)
}
