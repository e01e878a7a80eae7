package txlog

import (
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/internal/regf"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestMarvin32(t *testing.T) {
	const (
		other = 0x004FB61A001BDBCC // a seed whose vectors exercise the tail bytes
		zeros = "0000000000000000000000000000000000000000000000000000000000000000"
		ones  = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		count = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	)
	for _, tt := range []struct {
		seed uint64
		data string
		want uint64
	}{
		{other, "", 0x30ed35c100cd3c7d},
		{other, "af", 0x48e73fc77d75ddc1},
		{other, "e70f", 0xb5f6e1fc485dbff8},
		{other, "37f495", 0xf0b07c789b8cf7e8},
		{other, "8642dc59", 0x7008f2e87e9cf556},
		{other, "153fb79826", 0xe6c08c6da2afa997},
		{other, "0932e6246c47", 0x6f04bf1a5ea24060},
		{other, "ab427ea8d10fc7", 0xe11847e4f0678c41},
		{hashSeed, "", 0xb39efca403966e08},
		{hashSeed, "00000000", 0x2400585e2d116fbf},
		{hashSeed, "48764c45", 0x914527932cf336dd},
		{hashSeed, zeros, 0xda91a06ac5359223},
		{hashSeed, ones, 0x4cc1ae528fdc59b9},
		{hashSeed, count, 0xc64feee425c2e24c},
	} {
		t.Run(tt.data, func(t *testing.T) {
			require.Equal(t, tt.want, marvin32(tt.seed, fromHex(t, tt.data)))
		})
	}
}

// The first 32 bytes of log entries that Windows 8.1 and 10 wrote, and the hash
// of them that stood beside.
func TestHeaderHashOfRealEntries(t *testing.T) {
	for _, tt := range []struct {
		header   string
		sequence uint32
		body     uint64
		want     uint64
	}{
		{"48764c45005e00000000000002000000005000000100000031e40718666c8667", 2, 0x67866c661807e431, 0xcd44f3cfa7657f02},
		{"48764c45001e0000000000000300000000500000010000005d1e700717a84647", 3, 0x4746a81707701e5d, 0xe637dcaff6877267},
		{"48764c4500600000000000000400000000500000010000000d9e79dc5427dcb4", 4, 0xb4dc2754dc799e0d, 0xb1a781fc3917b6b5},
		{"48764c450020000000000000050000000050000001000000ebbbcd2def7a144a", 5, 0x4a147aef2dcdbbeb, 0x366395a8e5bea556},
		{"48764c4500fe0d0001000000ce0000000070710063000000d8a11558b1d9b41e", 206, 0x1eb4d9b15815a1d8, 0x25e9d97845ea56f2},
		{"48764c450070000001000000cf0000000070710006000000f7f6f81ebd76093e", 207, 0x3e0976bd1ef8f6f7, 0x29fd3637785fc5f4},
	} {
		t.Run(tt.header[24:32], func(t *testing.T) {
			data := binary.LittleEndian.AppendUint64(fromHex(t, tt.header), tt.want)
			h := entryAt(data, 0)
			require.NotNil(t, h)
			require.True(t, h.sound())
			require.Equal(t, tt.sequence, h.sequence())
			require.Equal(t, tt.body, h.bodyHash())
			for bit := range entryHashed * 8 {
				data[bit/8] ^= 1 << (bit % 8)
				require.False(t, entryHeader(data).sound(), "bit %d", bit)
				data[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
}

// Headers of real files by several writers, then cases for the two results that
// have a substitute. Everything that runs leave out is zero.
func TestBaseBlockChecksum(t *testing.T) {
	type runs map[int]string
	const (
		names = "010000002000000000500000010000006500720073005c0075007300650072005c004400650073006b0074006f0070005c0031005c004e0065007700440069007200740079004800690076006500000021f3be681a01e711b258e6983f8ab8a521f3be681a01e711b258e6983f8ab8a5"
		rmtm  = "22f3be681a01e711b258e6983f8ab8a5726d746d4612691f2995d201"
	)
	for _, tt := range []struct {
		name string
		runs runs
		want uint32
	}{
		{"minor 3", runs{
			0:  "726567664b0000004b0000008a61f05d1715ca010100000003000000",
			32: "010000002000000000100a00010000006e0074007300200061006e0064002000530065007400740069006e00670073005c006a006f0065005c006e00740075007300650072002e006400610074000000",
		}, 0x3a7f01f6},
		{"hivex minimal", runs{
			0:  "726567660001000000010000e088d09d0da4ca010100000005000000",
			32: "010000002000000000100000010000005c003f003f005c0055004e0043005c0074007200690063006b005c0074006d0070005c00440045004600410055004c0054000000",
		}, 0xfa3859bf},
		{"hivex special", runs{
			0:  "7265676606010000060100003a22b1d5470ecf010100000005000000",
			32: "0100000020000000001000000100000073005c00410064006d0069006e006900730074007200610074006f0072005c004400650073006b0074006f0070005c006d0069006e0069006d0061006c000000",
		}, 0xb25b592c},
		{"hivex rlenvalue", runs{
			0:  "726567660101000001010000e088d09d0da4ca010100000005000000",
			32: "010000002000000000200000010000005c003f003f005c0055004e0043005c0074007200690063006b005c0074006d0070005c00440045004600410055004c0054000000",
		}, 0xfa3869bf},
		{"recovered by Windows 10", runs{
			0:   "7265676606000000060000009ee8689e0595d2010100000003000000",
			32:  names,
			148: rmtm,
		}, 0xce22827e},
		{"dirty", runs{
			0:   "7265676603000000020000009ee8689e0595d2010100000003000000",
			32:  names,
			148: rmtm,
		}, 0xce22827f},
		{"log of type 6", runs{
			0:   "7265676602000000020000009ee8689e0595d201010000000300000006000000" + names,
			148: rmtm,
		}, 0xce228278},
		{"minor 6, offreg", runs{
			0:   "726567660600000006000000",
			20:  "0100000006000000",
			32:  "01000000200000000000020001000000530061006e00640062006f007800530074006100740065005c00480069007600650073005c00730079007300740065006d005f00440065006c00740061000000",
			144: "02000000",
			168: "2ea77eee7072d6014f66526701000000",
		}, 0xeec4d645},
		{"minor 1", runs{
			0:  "72656766190000001900000020bd9a468381d1010100000001000000",
			32: "010000002000000000a0040001000000740065006d0052006f006f0074005c00530079007300740065006d00330032005c0043006f006e006600690067005c0053004f00460054005700410052004500",
		}, 0x2179f9a7},
		{"all zero", runs{}, 1},
		{"all ones becomes one less", runs{0: "ffffffff"}, 0xfffffffe},
		{"one less than all ones stays", runs{4: "feffffff"}, 0xfffffffe},
		{"cancels to 0", runs{0: "72656766", 504: "72656766"}, 1},
		{"1 stays", runs{0: "01000000"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := make([]byte, 512)
			for off, run := range tt.runs {
				copy(b[off:], fromHex(t, run))
			}
			put32(b, 0x1FC, ^tt.want) // the stored checksum takes no part
			require.Equal(t, tt.want, regf.BaseBlock(b).ComputedChecksum())
			require.False(t, regf.BaseBlock(b).ChecksumOK())
			put32(b, 0x1FC, tt.want)
			require.True(t, regf.BaseBlock(b).ChecksumOK())
		})
	}
}
