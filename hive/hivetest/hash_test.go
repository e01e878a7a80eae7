package hivetest

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMarvin32(t *testing.T) {
	const other = 0x004fb61a001bdbcc
	for _, vector := range []struct {
		seed       uint64
		data, hash string
	}{
		{other, "", "30ed35c100cd3c7d"},
		{other, "af", "48e73fc77d75ddc1"},
		{other, "e70f", "b5f6e1fc485dbff8"},
		{other, "37f495", "f0b07c789b8cf7e8"},
		{other, "8642dc59", "7008f2e87e9cf556"},
		{other, "153fb79826", "e6c08c6da2afa997"},
		{other, "0932e6246c47", "6f04bf1a5ea24060"},
		{other, "ab427ea8d10fc7", "e11847e4f0678c41"},
		{logSeed, "", "b39efca403966e08"},
		{logSeed, "00000000", "2400585e2d116fbf"},
		{logSeed, "48764c45", "914527932cf336dd"},
		{logSeed, "0000000000000000000000000000000000000000000000000000000000000000", "da91a06ac5359223"},
		{logSeed, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "4cc1ae528fdc59b9"},
		{logSeed, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "c64feee425c2e24c"},
		// headers of real entries, hashed by the second hash
		{logSeed, "48764c45005e00000000000002000000005000000100000031e40718666c8667", "cd44f3cfa7657f02"},
		{logSeed, "48764c45001e0000000000000300000000500000010000005d1e700717a84647", "e637dcaff6877267"},
		{logSeed, "48764c4500600000000000000400000000500000010000000d9e79dc5427dcb4", "b1a781fc3917b6b5"},
		{logSeed, "48764c450020000000000000050000000050000001000000ebbbcd2def7a144a", "366395a8e5bea556"},
		{logSeed, "48764c4500fe0d0001000000ce0000000070710063000000d8a11558b1d9b41e", "25e9d97845ea56f2"},
		{logSeed, "48764c450070000001000000cf0000000070710006000000f7f6f81ebd76093e", "29fd3637785fc5f4"},
	} {
		data, err := hex.DecodeString(vector.data)
		require.NoError(t, err)
		require.Equal(t, vector.hash, fmt.Sprintf("%016x", marvin32(vector.seed, data)), vector.data)
	}
	require.Equal(t, marvin32(logSeed, []byte("abc")), Marvin32([]byte("abc")))
}

func TestChecksum(t *testing.T) {
	type run struct {
		at   int
		data string
	}
	windows10 := run{32, "010000002000000000500000010000006500720073005c0075007300650072005c004400650073006b0074006f0070005c0031005c004e0065007700440069007200740079004800690076006500000021f3be681a01e711b258e6983f8ab8a521f3be681a01e711b258e6983f8ab8a5"}
	identifiers := run{148, "22f3be681a01e711b258e6983f8ab8a5726d746d4612691f2995d201"}
	for _, vector := range []struct {
		name string
		runs []run
		sum  uint32
	}{
		{"real, version 1.1", []run{
			{0, "72656766190000001900000020bd9a468381d1010100000001000000"},
			{32, "010000002000000000a0040001000000740065006d0052006f006f0074005c00530079007300740065006d00330032005c0043006f006e006600690067005c0053004f00460054005700410052004500"},
		}, 0x2179f9a7},
		{"real, clean", []run{{0, "7265676606000000060000009ee8689e0595d2010100000003000000"}, windows10, identifiers}, 0xce22827e},
		{"real, dirty", []run{{0, "7265676603000000020000009ee8689e0595d2010100000003000000"}, windows10, identifiers}, 0xce22827f},
		{"real, log", []run{{0, "7265676602000000020000009ee8689e0595d201010000000300000006000000"}, windows10, identifiers}, 0xce228278},
		{"real, version 1.6", []run{
			{0, "726567660600000006000000"}, {20, "0100000006000000"},
			{32, "01000000200000000000020001000000530061006e00640062006f007800530074006100740065005c00480069007600650073005c00730079007300740065006d005f00440065006c00740061000000"},
			{144, "02000000"}, {168, "2ea77eee7072d6014f66526701000000"},
		}, 0xeec4d645},
		{"all zero", nil, 1},
		{"all ones", []run{{0, "ffffffff"}}, 0xfffffffe},
		{"one below all ones", []run{{4, "feffffff"}}, 0xfffffffe},
		{"cancels out", []run{{0, "72656766"}, {504, "72656766"}}, 1},
		{"one", []run{{0, "01000000"}}, 1},
	} {
		header := make([]byte, BaseBlockSize)
		for _, run := range vector.runs {
			data, err := hex.DecodeString(run.data)
			require.NoError(t, err)
			copy(header[run.at:], data)
		}
		header[AtChecksum+4] = 0xAA // not part of it
		require.Equal(t, vector.sum, Checksum(header), vector.name)
		FixChecksum(header)
		require.Equal(t, vector.sum, (&Image{Data: header}).Header32(AtChecksum), vector.name)
	}
}
