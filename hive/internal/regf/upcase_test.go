package regf

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// TestUpcaseTable holds the whole table against the digest of the one that
// was read from a running Windows 10, 65536 little-endian units.
func TestUpcaseTable(t *testing.T) {
	table := make([]byte, 0, 2*65536)
	changed := 0
	for unit := range 65536 {
		upper := Upcase(uint16(unit))
		table = binary.LittleEndian.AppendUint16(table, upper)
		if int(upper) != unit {
			changed++
		}
	}
	sum := sha256.Sum256(table)
	require.Equal(t, "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742", hex.EncodeToString(sum[:]))
	require.Equal(t, 973, changed)
}

// TestUpcaseTablesAgree compares the short table for Latin-1 and the one of
// the test builder with the long one.
func TestUpcaseTablesAgree(t *testing.T) {
	for unit := range 65536 {
		require.Equal(t, upcaseTable()[unit], Upcase(uint16(unit)), "%#04x", unit)
		require.Equal(t, hivetest.Upcase(uint16(unit)), Upcase(uint16(unit)), "%#04x", unit)
	}
}

func TestUpcase(t *testing.T) {
	for _, c := range []struct {
		name       string
		unit, want uint16
	}{
		{"letter", 'a', 'A'},
		{"capital", 'Z', 'Z'},
		{"underscore", '_', '_'},
		{"y with diaeresis leaves Latin-1", 0xFF, 0x178},
		{"micro sign stays", 0xB5, 0xB5},
		{"sharp s stays", 0xDF, 0xDF},
		{"division sign stays", 0xF7, 0xF7},
		{"dotless i stays", 0x131, 0x131},
		{"Greek", 0x3C9, 0x3A9},
		{"Cyrillic", 0x43F, 0x41F},
		{"Georgian stays", 0x10D0, 0x10D0},
		{"fullwidth", 0xFF41, 0xFF21},
		{"high surrogate", 0xD83D, 0xD83D},
		{"low surrogate", 0xDE00, 0xDE00},
		{"last unit", 0xFFFF, 0xFFFF},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Upcase(c.unit)) })
	}
}
