package regf

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// checksumVectors are base blocks with their checksums: real ones, and some
// for the two results that Windows replaces. What the runs do not name is zero.
var checksumVectors = []struct {
	name string
	runs map[int]string // by offset, in hex
	want uint32
}{
	{"small hive", map[int]string{0: "726567660001000000010000e088d09d0da4ca010100000005000000", 32: "010000002000000000100000010000005c003f003f005c0055004e0043005c0074007200690063006b005c0074006d0070005c00440045004600410055004c0054000000"}, 0xfa3859bf},
	{"small hive with sequence numbers 262", map[int]string{0: "7265676606010000060100003a22b1d5470ecf010100000005000000", 32: "0100000020000000001000000100000073005c00410064006d0069006e006900730074007200610074006f0072005c004400650073006b0074006f0070005c006d0069006e0069006d0061006c000000"}, 0xb25b592c},
	{"small hive of two pages", map[int]string{0: "726567660101000001010000e088d09d0da4ca010100000005000000", 32: "010000002000000000200000010000005c003f003f005c0055004e0043005c0074007200690063006b005c0074006d0070005c00440045004600410055004c0054000000"}, 0xfa3869bf},
	{"recovered by Windows 10, with GUIDs", map[int]string{0: "7265676606000000060000009ee8689e0595d2010100000003000000", 32: "010000002000000000500000010000006500720073005c0075007300650072005c004400650073006b0074006f0070005c0031005c004e0065007700440069007200740079004800690076006500000021f3be681a01e711b258e6983f8ab8a521f3be681a01e711b258e6983f8ab8a5", 148: "22f3be681a01e711b258e6983f8ab8a5726d746d4612691f2995d201"}, 0xce22827e},
	{"dirty, 3 and 2", map[int]string{0: "7265676603000000020000009ee8689e0595d2010100000003000000", 32: "010000002000000000500000010000006500720073005c0075007300650072005c004400650073006b0074006f0070005c0031005c004e0065007700440069007200740079004800690076006500000021f3be681a01e711b258e6983f8ab8a521f3be681a01e711b258e6983f8ab8a5", 148: "22f3be681a01e711b258e6983f8ab8a5726d746d4612691f2995d201"}, 0xce22827f},
	{"log with entries", map[int]string{0: "7265676602000000020000009ee8689e0595d201010000000300000006000000010000002000000000500000010000006500720073005c0075007300650072005c004400650073006b0074006f0070005c0031005c004e0065007700440069007200740079004800690076006500000021f3be681a01e711b258e6983f8ab8a521f3be681a01e711b258e6983f8ab8a5", 148: "22f3be681a01e711b258e6983f8ab8a5726d746d4612691f2995d201"}, 0xce228278},
	{"differencing hive made by the offline library", map[int]string{0: "726567660600000006000000", 20: "0100000006000000", 32: "01000000200000000000020001000000530061006e00640062006f007800530074006100740065005c00480069007600650073005c00730079007300740065006d005f00440065006c00740061000000", 144: "02000000", 168: "2ea77eee7072d6014f66526701000000"}, 0xeec4d645},
	{"Windows NT 3.1", map[int]string{0: "72656766190000001900000020bd9a468381d1010100000001000000", 32: "010000002000000000a0040001000000740065006d0052006f006f0074005c00530079007300740065006d00330032005c0043006f006e006600690067005c0053004f00460054005700410052004500"}, 0x2179f9a7},
	{"all zero gives 1", map[int]string{}, 0x00000001},
	{"ffffffff gives fffffffe", map[int]string{0: "ffffffff"}, 0xfffffffe},
	{"fffffffe stays", map[int]string{4: "feffffff"}, 0xfffffffe},
	{"words that cancel give 1", map[int]string{0: "72656766", 504: "72656766"}, 0x00000001},
	{"1 stays", map[int]string{0: "01000000"}, 0x00000001},
	{"the stored checksum does not count", map[int]string{0: "01000000", 508: "12345678"}, 0x00000001},
}

func TestChecksum(t *testing.T) {
	for _, c := range checksumVectors {
		t.Run(c.name, func(t *testing.T) {
			block := make(BaseBlock, BaseBlockSize)
			for off, run := range c.runs {
				b, err := hex.DecodeString(run)
				require.NoError(t, err)
				copy(block[off:], b)
			}
			require.Equal(t, c.want, block.ComputedChecksum())
			require.Equal(t, c.want == block.Checksum(), block.ChecksumOK())
			block.FixChecksum()
			require.Equal(t, c.want, block.Checksum())
			require.True(t, block.ChecksumOK())
		})
	}
}

func TestBaseBlockFields(t *testing.T) {
	hive := hivetest.Windows10()
	hive.Sequence1, hive.Sequence2 = 1623, 1622
	hive.Timestamp = 0x01D4_5678_9ABC_DEF0
	image := hive.Build()
	block, err := NewBaseBlock(image.Data)
	require.NoError(t, err)
	require.Len(t, block, BaseBlockSize)
	require.Equal(t, BaseBlockSize, cap(block), "no way from the base block into the bins")
	require.Equal(t, uint32(1623), block.Sequence1())
	require.Equal(t, uint32(1622), block.Sequence2())
	require.Equal(t, uint64(0x01D4_5678_9ABC_DEF0), block.Timestamp())
	require.Equal(t, uint32(1), block.Major())
	require.Equal(t, uint32(5), block.Minor())
	require.Equal(t, uint32(TypePrimary), block.Type())
	require.Equal(t, uint32(1), block.Format())
	require.Equal(t, Offset(0x20), block.RootCell())
	require.Equal(t, image.BinsSize(), block.BinsSize())
	require.Equal(t, uint32(1), block.Cluster())
	require.Equal(t, `SystemRoot\System32\Config\SYSTEM`[2:], block.FileName(), "the last 31 units are kept")
	require.Equal(t, uint32(FlagTransactions), block.Flags())
	require.Equal(t, "rmtm", block.GuidSignature())
	require.True(t, block.ChecksumOK())
	require.True(t, block.Dirty(), "the sequence numbers differ")

	image.SetSequences(7, 7)
	require.False(t, block.Dirty())
	image.Data[hivetest.AtChecksum]++
	require.True(t, block.Dirty(), "the checksum is wrong")
}

func TestFileNameEndsAtNUL(t *testing.T) {
	block := make(BaseBlock, BaseBlockSize)
	for i, unit := range []uint16{'a', 0xD83D, 0, 'b'} {
		binary.LittleEndian.PutUint16(block[0x30+2*i:], unit)
	}
	require.Equal(t, "a\xED\xA0\xBD", block.FileName())
}

func TestParseRefuses(t *testing.T) {
	sound := hivetest.Windows7().Build().Data
	put := func(off int, n uint32) []byte {
		data := bytes.Clone(sound)
		binary.LittleEndian.PutUint32(data[off:], n)
		return data
	}
	const notAHive = "not a registry hive"
	for _, c := range []struct {
		name string
		data []byte
		off  int64 // of the damage, or -1 where none is named
		want string
	}{
		{"nothing", nil, -1, notAHive + ": 0 bytes, a base block has at least 512"},
		{"511 bytes", sound[:511], -1, notAHive + ": 511 bytes, a base block has at least 512"},
		{"512 bytes", sound[:512], -1, notAHive + ": 512 bytes, the base block alone has 4096"},
		{"4095 bytes", sound[:4095], -1, notAHive + ": 4095 bytes, the base block alone has 4096"},
		{"signature", put(0, 0x66676572+1), -1, notAHive + `: signature at 0x0 is "segf", want "regf"`},
		{"old log", put(0x1C, 1), 0x1C, notAHive + ": base block at 0x1c: type is 1: this is a transaction log, not a hive"},
		{"log of Windows NT", put(0x1C, 2), 0x1C, notAHive + ": base block at 0x1c: type is 2: this is a transaction log, not a hive"},
		{"new log", put(0x1C, 6), 0x1C, notAHive + ": base block at 0x1c: type is 6: this is a transaction log, not a hive"},
		{"type", put(0x1C, 3), 0x1C, notAHive + ": base block at 0x1c: type is 3, want 0"},
		{"major version 0", put(0x14, 0), 0x14, notAHive + ": base block at 0x14: major version is 0, want 1"},
		{"major version 2", put(0x14, 2), 0x14, notAHive + ": base block at 0x14: major version is 2, want 1"},
		{"minor version 7", put(0x18, 7), 0x18, notAHive + ": base block at 0x18: minor version is 7, want 0 to 6"},
		{"minor version absurd", put(0x18, math.MaxUint32), 0x18, notAHive + ": base block at 0x18: minor version is 4294967295, want 0 to 6"},
		{"format", put(0x20, 0), 0x20, notAHive + ": base block at 0x20: format is 0, want 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.data)
			require.ErrorIs(t, err, ErrNotHive)
			require.EqualError(t, err, c.want)
			damage := &FormatError{}
			if c.off < 0 {
				require.NotErrorIs(t, err, ErrCorrupt)
				return
			}
			require.ErrorAs(t, err, &damage)
			require.Equal(t, CodeNotHive, damage.Code)
			require.Equal(t, c.off, damage.Off)
		})
	}
}

func TestParseTakesWhatIsNoneOfItsBusiness(t *testing.T) {
	for minor := range uint32(7) {
		data := hivetest.Windows7().Build().Data
		binary.LittleEndian.PutUint32(data[0x18:], minor)   // and so the checksum is wrong
		binary.LittleEndian.PutUint32(data[0x04:], 1<<31+1) // dirty
		binary.LittleEndian.PutUint32(data[0x2C:], 8)       // cluster
		m, err := Parse(data)
		require.NoError(t, err)
		require.Equal(t, minor, m.Minor())
	}
}

func TestFiletime(t *testing.T) {
	for _, c := range []struct {
		name     string
		time     time.Time
		filetime uint64
	}{
		{"1601", time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{"one tick later", time.Date(1601, 1, 1, 0, 0, 0, 100, time.UTC), 1},
		{"1969", time.Date(1969, 12, 31, 23, 59, 59, 999999900, time.UTC), 116444735999999999},
		{"1970", time.Unix(0, 0).UTC(), 116444736000000000},
		{"2002", time.Date(2002, 6, 11, 0, 0, 0, 0, time.UTC), hivetest.LastWritten},
		{"9999", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 2650467743990000000},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.filetime, Filetime(c.time))
			require.Equal(t, c.filetime, Filetime(c.time.In(time.FixedZone("", 3600))))
			require.Equal(t, c.time, Time(c.filetime))
		})
	}
	require.Zero(t, Filetime(time.Time{}), "before 1601")
	require.Zero(t, Filetime(time.Unix(math.MinInt64, 0)), "long before 1601")
	require.Equal(t, Filetime(time.Unix(lastSecond, 0)), Filetime(time.Unix(math.MaxInt64, 0)), "past all FILETIMEs")
	require.Equal(t, Filetime(time.Unix(0, 0)), Filetime(time.Unix(0, 99)), "below the resolution")
	require.NotEmpty(t, Time(math.MaxUint64).Format(time.RFC3339))
	require.Equal(t, Time(math.MaxUint64), Time(9e18))
}
