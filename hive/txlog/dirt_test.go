package txlog

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBitmap(t *testing.T) {
	const bins = 4 * page
	eight := []int{8, 9, 10, 11, 12, 13, 14, 15}
	for _, tt := range []struct {
		name  string
		dirty []int
		want  []Page
	}{
		{"one page of the hive", eight, []Page{fill(page, 'A', page)}},
		{"first and last 512 bytes", []int{0, 31}, []Page{fill(0, 'A', 512), fill(bins-512, 'A', 512)}},
		{"a run across a byte of the bitmap", []int{7, 8}, []Page{fill(7*512, 'A', 1024)}},
		{"two runs in a byte", []int{0, 1, 3}, []Page{fill(0, 'A', 1024), fill(3*512, 'A', 512)}},
		{"two pages, one run", append([]int{0, 1, 2, 3, 4, 5, 6, 7}, eight...), []Page{fill(0, 'A', 2*page)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := oldLog("SYSTEM.LOG", 5, 99, bins, 'A', tt.dirty...)
			p := parse(log)
			require.True(t, p.info.Valid(), p.info.Problem)
			require.Equal(t, tt.want, p.entries[0].Pages)
			for _, got := range p.entries[0].Pages {
				require.Equal(t, len(got.Data), cap(got.Data))
			}
			require.Equal(t, Info{
				Name: "SYSTEM.LOG", Size: int64(len(log.Data)), Format: FormatBitmap,
				Timestamp: 99, Base: 5, BinsSize: bins, Entries: 1, First: 5, Last: 5,
				Stop: Stop{Offset: int64(len(log.Data)), Reason: "end of the dirty pages"},
			}, p.info)
		})
	}
}

// Each dirty page must come from its own place in the log.
func TestBitmapPagesInOrder(t *testing.T) {
	log := oldLog("SYSTEM.LOG", 5, 99, 4*page, 0, 2, 5, 6, 30)
	for i := range 4 {
		copy(log.Data[1024+512*i:][:512], fill(0, 'A'+byte(i), 512).Data)
	}
	require.Equal(t, []Page{
		fill(2*512, 'A', 512),
		{Offset: 5 * 512, Data: join(fill(0, 'B', 512).Data, fill(0, 'C', 512).Data)},
		fill(30*512, 'D', 512),
	}, parse(log).entries[0].Pages)
}

// The pages begin at the next whole sector after the bitmap: one byte of bitmap
// for each page of the hive, after 4 bytes of signature.
func TestBitmapLength(t *testing.T) {
	for _, tt := range []struct {
		pages int
		start int64
	}{
		{1, 1024},
		{507, 1024},
		{508, 1024}, // signature and bitmap fill the sector
		{509, 1536},
	} {
		log := oldLog("SYSTEM.LOG", 5, 99, uint32(tt.pages*page), 'A', 8*tt.pages-1)
		p := parse(log)
		require.Equal(t, tt.start+512, p.info.Stop.Offset, tt.pages)
		require.Equal(t, []Page{fill(uint32(tt.pages*page-512), 'A', 512)}, p.entries[0].Pages, tt.pages)
	}
}

func TestBitmapDamage(t *testing.T) {
	const bins = 4 * page
	good := oldLog("SYSTEM.LOG", 5, 99, bins, 'A', 0, 1, 2, 3, 4, 5, 6, 7)
	claim := func(binsSize uint32) []byte {
		return join(header(1, 5, 5, binsSize, 99), good.Data[512:])
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		problem string // why the log is not valid
		stop    string // or else what its reading gave
		torn    bool
	}{
		{"whole", good.Data, "", "end of the dirty pages", false},
		{"more follows", join(good.Data, make([]byte, 512)), "", "end of the dirty pages", false},
		{"header alone", good.Data[:512], `signature at 0x200 is "", want "DIRT"`, "", false},
		{"ends in the signature", good.Data[:515], `signature at 0x200 is "DIR", want "DIRT"`, "", false},
		{"other signature", join(good.Data[:512], []byte("INVL"), good.Data[516:]), `signature at 0x200 is "INVL", want "DIRT"`, "", false},
		{"no bitmap", good.Data[:516], "bitmap at 0x204: 4 bytes for 0x4000 bytes of hive bins data, but the log ends after 0", "", false},
		{"bitmap cut by a byte", good.Data[:519], "bitmap at 0x204: 4 bytes for 0x4000 bytes of hive bins data, but the log ends after 3", "", false},
		{"bitmap alone", good.Data[:520], "", "8 dirty pages are marked, but the log holds only 0", true},
		{"no pages", good.Data[:1024], "", "8 dirty pages are marked, but the log holds only 0", true},
		{"one page short", good.Data[:1024+7*512], "", "8 dirty pages are marked, but the log holds only 7", true},
		{"one byte short", good.Data[:1024+8*512-1], "", "8 dirty pages are marked, but the log holds only 7", true},
		{"nothing dirty", oldLog("", 5, 99, bins, 'A').Data, "", "no page is marked dirty", false},
		{"bins size 0", claim(0), "size of the hive bins data, 0x0, is 0", "", false},
		{"bins size not of pages", claim(bins + 512), "size of the hive bins data, 0x4200, is not a multiple of 4096", "", false},
		{"bins size of nearly 2 GiB", claim(1<<31 - page), "bitmap at 0x204: 524287 bytes for 0x7ffff000 bytes of hive bins data, but the log ends after 4604", "", false},
		{"bins size of 2 GiB", claim(1 << 31), "size of the hive bins data, 0x80000000, reaches 2 GiB", "", false},
		{"bins size of nearly 4 GiB", claim(math.MaxUint32 - 4095), "size of the hive bins data, 0xfffff000, reaches 2 GiB", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info := Inspect(Log{Name: "SYSTEM.LOG", Data: tt.data})
			require.Equal(t, FormatBitmap, info.Format)
			require.Equal(t, tt.problem, info.Problem)
			require.Equal(t, tt.stop, info.Stop.Reason)
			require.Equal(t, tt.torn, info.Stop.Torn)
		})
	}
}
