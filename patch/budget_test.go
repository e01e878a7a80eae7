package patch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	for _, test := range []struct {
		name                        string
		interactive, noninteractive uint32
		bits                        int
		reservation                 uint64
		wraps                       bool
		fewest, most                uint32
	}{
		{"NT 4.0", 3072, 3072, 32, 33984, false, 96, 438},
		{"XP", 3072, 512, 32, 8384, false, 16, 73},
		{"Vista SP1, 32-bit", 12288, 512, 32, 17600, false, 16, 73},
		{"64-bit", 20480, 768, 64, 28448, false, 24, 109},
		{"unknown bits", 20480, 768, 0, 28448, false, 24, 109},
		{"services-4096", 20480, 4096, 64, 61728, false, 128, 585},
		{"services-max", 20480, 20480, 64, 225568, false, 640, 2925},
		{"both", 65536, 4096, 64, 106784, false, 128, 585},
		{"found in a script", 6144, 204800, 64, 2054432, false, 6400, 29257},
		{"largest", 4192735, 128, 64, 4194303, false, 4, 18},
		{"one more", 4192736, 128, 64, 4194304, true, 4, 18},
		{"most", 0xFFFFFFFF, 0xFFFFFFFF, 64, 11*0xFFFFFFFF + 288, true, 134217727, 613566756},
	} {
		t.Run(test.name, func(t *testing.T) {
			heaps := Win32k{InteractiveKB: test.interactive, NoninteractiveKB: test.noninteractive}
			budget := heaps.Budget(System{Bits: test.bits})
			require.Equal(t, test.reservation, budget.ReservationKB)
			require.Equal(t, test.wraps, budget.Wraps)
			require.Equal(t, test.fewest, budget.FewestProcesses)
			require.Equal(t, test.most, budget.MostProcesses)
		})
	}
}

// Q142676 promises approximately 90 services for 512 KB.
func TestDesktops(t *testing.T) {
	for _, test := range []struct {
		name                        string
		interactive, noninteractive uint32
		viewMB                      uint32
		want                        uint64
	}{
		{"Q142676", 3072, 512, 0, 89},
		{"48 MB", 3072, 512, 48, 89},
		{"no third number", 3072, 3072, 0, 14},
		{"Terminal Server", 3072, 512, 20, 33},
		{"64 MB", 3072, 768, 64, 81},
		{"one fits", 48448, 512, 0, 1},
		{"none fits", 48449, 512, 0, 0},
		{"session alone is too large", 65536, 512, 0, 0},
		{"largest view", 512, 128, 0xFFFFFFFF, (0xFFFFFFFF*1024 - 704) / 128},
		{"no heap at all", 0, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			heaps := Win32k{InteractiveKB: test.interactive, NoninteractiveKB: test.noninteractive}
			require.Equal(t, test.want, heaps.Budget(System{Bits: 32}).Desktops(test.viewMB))
		})
	}
}
