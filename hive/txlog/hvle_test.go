package txlog

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadEntries(t *testing.T) {
	live := run(7, 8)                   // entries 7 and 8, each 512+4096 bytes
	const one, two = 5120, 2*4608 + 512 // where the second and third entry begin
	garbage := bytes.Repeat([]byte("HvLx"), 128)
	for _, tt := range []struct {
		name   string
		data   []byte // after the log's header
		want   []uint32
		at     int64
		torn   bool
		reason string
	}{
		{"end of file", live, []uint32{7, 8}, two, false, "end of the log"},
		{"zeros follow", append(live[:len(live):len(live)], make([]byte, 512)...), []uint32{7, 8}, two, false, `no entry follows: want signature "HvLE"`},
		{"a few bytes follow", append(live[:len(live):len(live)], 1, 2, 3), []uint32{7, 8}, two, false, `no entry follows: want signature "HvLE"`},
		{"garbage follows", append(live[:len(live):len(live)], garbage...), []uint32{7, 8}, two, false, `no entry follows: want signature "HvLE"`},
		{"older entry follows", join(live, run(5, 5)), []uint32{7, 8}, two, false, "remnant of an earlier use: entry 5, want 9"},
		{"the same entry again", join(live, run(8, 8)), []uint32{7, 8}, two, false, "remnant of an earlier use: entry 8, want 9"},
		{"older entry, overwritten in part", join(live, spoil(run(5, 5), 600)), []uint32{7, 8}, two, false, "remnant of an earlier use: entry 5, want 9"},
		{"older entry of half the number space before", join(live, run(9+1<<31, 9+1<<31)), []uint32{7, 8}, two, false, "remnant of an earlier use: entry 2147483657, want 9"},
		{"later entry", join(live, run(10, 10)), []uint32{7, 8}, two, false, "remnant of another use: entry 10, want 9"},
		{"later entry, broken header", join(live, spoil(run(10, 10), 20)), []uint32{7, 8}, two, true, "entry 9: sequence number is 10 and the header's hash is wrong"},
		{"expected entry, broken page", join(live, spoil(run(9, 9), 600)), []uint32{7, 8}, two, true, "entry 9: hash of the pages is "},
		{"expected entry, broken reference", join(live, spoil(run(9, 9), 40)), []uint32{7, 8}, two, true, "entry 9: hash of the pages is "},
		{"expected entry, broken header", join(live, spoil(run(9, 9), 17)), []uint32{7, 8}, two, true, "entry 9: hash of the header is "},
		{"expected entry, broken hash", join(live, spoil(run(9, 9), 24)), []uint32{7, 8}, two, true, "entry 9: hash of the header is "},
		{"expected entry, signature lost", join(live, spoil(run(9, 9), 0)), []uint32{7, 8}, two, false, `no entry follows: want signature "HvLE"`},
		{"expected entry, cut off", join(live, run(9, 9)[:4608-512]), []uint32{7, 8}, two, true, "entry 9: size is 4608, but the log holds only 4096 more bytes"},
		{"expected entry, cut off by a byte", join(live, run(9, 9)[:4608-1]), []uint32{7, 8}, two, true, "entry 9: size is 4608, but the log holds only 4607 more bytes"},
		{"expected entry, cut off in the header", join(live, run(9, 9)[:39]), []uint32{7, 8}, two, true, "entry 9: the log ends inside its header"},
		{"expected entry, header alone", join(live, run(9, 9)[:40]), []uint32{7, 8}, two, true, "entry 9: size is 4608, but the log holds only 40 more bytes"},
		{"first entry is missing", make([]byte, 1024), nil, 512, false, `no entry follows: want signature "HvLE"`},
		{"first entry is broken", spoil(live, 100), nil, 512, true, "entry 7: hash of the pages is "},
		{"first entry is old", run(6, 7), nil, 512, false, "remnant of an earlier use: entry 6, want 7"},
		{"second entry is broken", spoil(live, 4608+100), []uint32{7}, one, true, "entry 8: hash of the pages is "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := newLog("SYSTEM.LOG1", 7, tt.data)
			entries, stop := readEntries(log, 7)
			require.Equal(t, tt.want, sequences(entries))
			require.Contains(t, stop.Reason, tt.reason)
			require.Equal(t, tt.at, stop.Offset)
			require.Equal(t, tt.torn, stop.Torn)
		})
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestReadEntriesAcrossWrap(t *testing.T) {
	data := run(math.MaxUint32-1, 1)
	entries, stop := readEntries(newLog("SYSTEM.LOG1", math.MaxUint32-1, data), math.MaxUint32-1)
	require.Equal(t, []uint32{math.MaxUint32 - 1, math.MaxUint32, 0, 1}, sequences(entries))
	require.False(t, stop.Torn)

	// After the wrap the highest numbers are old ones.
	entries, stop = readEntries(newLog("SYSTEM.LOG1", 0, run(0, 0), spoil(run(math.MaxUint32, math.MaxUint32), 600)), 0)
	require.Equal(t, []uint32{0}, sequences(entries))
	require.False(t, stop.Torn)
	require.Equal(t, "remnant of an earlier use: entry 4294967295, want 1", stop.Reason)
}

// What an entry may claim with both hashes right, as whoever makes a log can
// compute them.
func TestEntryClaims(t *testing.T) {
	const bins = 4 * page
	good := entry(7, bins, fill(page, 'A', page))
	short := func(e []byte, count uint32) []byte { return change(e, 20, count) }
	for _, tt := range []struct {
		name  string
		entry []byte
		want  string // "" means that the entry is good
	}{
		{"as Windows writes it", good, ""},
		{"page at the end of the bins", entry(7, bins, fill(bins-page, 'A', page)), ""},
		{"page one byte past the end", entry(7, bins, fill(bins-page+1, 'A', page)), "page of 0x1000 bytes for offset 0x3001 lies outside the hive bins data of 0x4000 bytes"},
		{"page wholly outside", entry(7, bins, fill(bins, 'A', page)), "page of 0x1000 bytes for offset 0x4000 lies outside"},
		{"offset and size pass 32 bits", entry(7, bins, fill(math.MaxUint32-4095, 'A', page)), "page of 0x1000 bytes for offset 0xfffff000 lies outside"},
		{"good page, then one outside", entry(7, bins, fill(0, 'A', page), fill(bins, 'B', page)), "page of 0x1000 bytes for offset 0x4000 lies outside"},
		{"pages that overlap", entry(7, bins, fill(0, 'A', 2*page), fill(page, 'B', page)), ""},
		{"the same page twice", entry(7, bins, fill(0, 'A', page), fill(0, 'B', page)), ""},
		{"pages out of order", entry(7, bins, fill(page, 'A', page), fill(0, 'B', page)), ""},
		{"page of size 0", entry(7, bins, fill(0, 'A', 0)), "page for offset 0x0 has size 0"},
		{"no pages", entry(7, bins), "number of pages is 0"},
		{"as many pages as bytes allow", short(good, 571), "page of 0x1000 bytes for offset 0x1000: the entry holds only 0x0 more"},
		{"one page more", short(good, 572), "number of pages is 572, which 4568 bytes cannot hold"},
		{"so many pages that their size wraps", short(good, 1<<29+1), "number of pages is 536870913, which 4568 bytes cannot hold"},
		{"four milliard pages", short(good, math.MaxUint32), "number of pages is 4294967295, which 4568 bytes cannot hold"},
		{"page longer than the entry", changeBody(good, 44, 2*page), "page of 0x2000 bytes for offset 0x1000: the entry holds only 0x11d0 more"},
		{"bins size 0", change(good, 16, 0), "size of the hive bins data, 0x0, is 0"},
		{"bins size not of pages", change(good, 16, bins+512), "size of the hive bins data, 0x4200, is not a multiple of 4096"},
		{"bins size just below 2 GiB", change(good, 16, 1<<31-page), ""},
		{"bins size of 2 GiB", change(good, 16, 1<<31), "size of the hive bins data, 0x80000000, reaches 2 GiB"},
		{"bins size of nearly 4 GiB", change(good, 16, math.MaxUint32-4095), "reaches 2 GiB"},
		{"size 0", change(good, 4, 0), "size is 0, want a multiple of 512"},
		{"size 511", change(good, 4, 511), "size is 511, want a multiple of 512"},
		{"size 513", change(good, 4, 513), "size is 513, want a multiple of 512"},
		{"size past the end", change(good, 4, 4608+512), "size is 5120, but the log holds only 4608 more bytes"},
		{"size of nearly 4 GiB", change(good, 4, math.MaxUint32-511), "size is 4294966784, but the log holds only 4608 more bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := Log{Name: "x", Data: join(make([]byte, 512), tt.entry)}
			got, size, err := readEntry(log, 512)
			if tt.want == "" {
				require.NoError(t, err)
				require.EqualValues(t, len(tt.entry), size)
				require.Equal(t, int64(512), got.FileOffset)
				require.Equal(t, "x", got.Log)
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, got.Pages)
		})
	}
}

// changeBody is change for a field that the other hash covers.
func changeBody(entry []byte, off int, v uint32) []byte {
	b := bytes.Clone(entry)
	put32(b, off, v)
	return fixHashes(b)
}

func TestEntryPages(t *testing.T) {
	data := entry(7, 4*page, fill(0, 'A', page), fill(2*page, 'B', 2*page))
	put32(data, 8, 3)
	fixHeaderHash(data)
	log := newLog("SYSTEM.LOG1", 7, data)
	entries, _ := readEntries(log, 7)
	require.Len(t, entries, 1)
	require.Equal(t, Entry{
		Log: "SYSTEM.LOG1", FileOffset: 512, Sequence: 7, Flags: 3, BinsSize: 4 * page,
		Pages: []Page{fill(0, 'A', page), fill(2*page, 'B', 2*page)},
	}, entries[0])

	// The pages are the log's own bytes, and cannot grow into what follows.
	p := entries[0].Pages[0].Data
	require.Equal(t, len(p), cap(p))
	log.Data[512+40+16] = 'Z'
	require.Equal(t, byte('Z'), p[0])
}

// TestDamagedNumber damages the number of the entry that comes next. Where it
// is lower then, the entry is no remnant of an earlier use: its hash tells.
func TestDamagedNumber(t *testing.T) {
	const bins = 4 * page
	for _, number := range []uint32{2, 5, 7, 9} {
		log := append(header(6, 5, 5, bins, 77), entry(5, bins, fill(0, 'a', page))...)
		at := len(log)
		log = append(log, entry(6, bins, fill(page, 'b', page))...)
		put32(log, at+12, number)
		_, err := NewPlan(hive(5, 4, 4, 77), []Log{{Name: "X", Data: log}})
		require.ErrorIs(t, err, ErrTorn, "6 -> %d", number)
	}
}
