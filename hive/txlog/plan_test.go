package txlog

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/internal/regf"
)

const log1, log2, single = "SYSTEM.LOG1", "SYSTEM.LOG2", "SYSTEM.LOG"

func empty(name string) Log { return Log{Name: name} }

// Which logs of the new format apply to which hive, and in what order.
func TestPlanEntries(t *testing.T) {
	bitmap := oldLog(log2, 5, 99, 4*page, 'X', 0)
	copy(bitmap.Data[1024:], entry(105, page, fill(0, 'A', 1)))
	bitmap.Data = badHeader(bitmap.Data)
	const top = math.MaxUint32
	dirty := hive(101, 100, 4, 0)
	for _, tt := range []struct {
		name     string
		primary  []byte
		logs     []Log
		want     []uint32 // entries to apply
		skipped  []Skipped
		err      error
		wantText string
	}{
		{name: "one log", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 102)), empty(log2)}, want: []uint32{100, 101, 102}},
		{name: "the second log alone has entries", primary: dirty,
			logs: []Log{empty(log1), newLog(log2, 100, run(100, 101))}, want: []uint32{100, 101}},
		{name: "both logs", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 102, run(102, 103))}, want: []uint32{100, 101, 102, 103}},
		{name: "both logs, the second first", primary: dirty,
			logs: []Log{newLog(log1, 102, run(102, 103)), newLog(log2, 100, run(100, 101))}, want: []uint32{100, 101, 102, 103}},
		{name: "names in lower case", primary: dirty,
			logs: []Log{newLog("system.log1", 100, run(100, 100)), newLog("system.log2", 101, run(101, 101))}, want: []uint32{100, 101}},
		{name: "first entry later than the hive", primary: dirty, // after a partial reconcile
			logs: []Log{newLog(log1, 251, run(251, 252)), newLog(log2, 249, run(249, 250))}, want: []uint32{249, 250, 251, 252}},
		{name: "stale first log", primary: dirty,
			logs:    []Log{newLog(log1, 98, run(98, 99)), newLog(log2, 100, run(100, 101))},
			want:    []uint32{100, 101},
			skipped: []Skipped{{log1, "its first entry, 98, is older than the hive, whose second sequence number is 100"}}},
		{name: "stale log that goes on into the present", primary: dirty,
			logs:    []Log{newLog(log1, 99, run(99, 101)), empty(log2)},
			skipped: []Skipped{}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG1: its first entry, 99, is older than the hive, whose second sequence number is 100"},
		{name: "both stale", primary: dirty,
			logs: []Log{newLog(log1, 90, run(90, 91)), newLog(log2, 92, run(92, 93))}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG2: its first entry, 92, is older than the hive, whose second sequence number is 100"},
		{name: "gap between the logs", primary: dirty,
			logs:    []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 103, run(103, 104))},
			want:    []uint32{100, 101},
			skipped: []Skipped{{log2, "its first entry is 103, but the next after those of the other log is 102"}}},
		{name: "overlap of the logs", primary: dirty,
			logs:    []Log{newLog(log1, 100, run(100, 103)), newLog(log2, 102, run(102, 104))},
			want:    []uint32{100, 101, 102, 103},
			skipped: []Skipped{{log2, "its first entry is 102, but the next after those of the other log is 104"}}},
		{name: "the same log twice", primary: dirty,
			logs:    []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 100, run(100, 101))},
			want:    []uint32{100, 101},
			skipped: []Skipped{{log2, "its first entry is 100, but the next after those of the other log is 102"}}},
		{name: "an older copy of the log", primary: dirty,
			logs:    []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 100, run(100, 103))},
			want:    []uint32{100, 101, 102, 103},
			skipped: []Skipped{{log1, "its first entry is 100, but the next after those of the other log is 104"}}},
		{name: "first log without entries, the second has the same base", primary: dirty,
			logs: []Log{newLog(log1, 100, make([]byte, 512)), newLog(log2, 100, run(100, 101))}, want: []uint32{100, 101},
			skipped: []Skipped{{log1, "its first entry is 100, but the next after those of the other log is 102"}}},
		{name: "first log without entries", primary: dirty,
			logs: []Log{newLog(log1, 100, make([]byte, 512)), newLog(log2, 102, run(102, 103))}, err: ErrNotApplicable,
			wantText: `SYSTEM.LOG1 at 0x200: want entry 100: no entry follows: want signature "HvLE"`},
		{name: "second log without entries", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 102, make([]byte, 512))}, want: []uint32{100, 101}},
		{name: "remnants follow", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101), run(50, 52)), empty(log2)}, want: []uint32{100, 101}},
		{name: "torn", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101), spoil(run(102, 102), 600)), empty(log2)}, err: ErrTorn,
			wantText: "transaction log is torn: SYSTEM.LOG1 at 0x2600: entry 102: hash of the pages is "},
		{name: "torn at the first entry", primary: dirty,
			logs: []Log{newLog(log1, 100, spoil(run(100, 101), 600)), empty(log2)}, err: ErrTorn,
			wantText: "SYSTEM.LOG1 at 0x200: entry 100: "},
		{name: "torn, but the next log begins with that entry", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101), spoil(run(102, 102), 600)), newLog(log2, 102, run(102, 103))},
			want: []uint32{100, 101, 102, 103}},
		{name: "torn, and the next log begins after that entry", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101), spoil(run(102, 102), 600)), newLog(log2, 103, run(103, 104))}, err: ErrTorn,
			wantText: "SYSTEM.LOG1 at 0x2600: entry 102: "},
		{name: "second log torn at the first entry", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 102, spoil(run(102, 102), 600))}, err: ErrTorn,
			wantText: "SYSTEM.LOG2 at 0x200: entry 102: "},
		{name: "a stale log may be torn", primary: dirty,
			logs: []Log{newLog(log1, 90, spoil(run(90, 90), 600)), newLog(log2, 100, run(100, 100))}, want: []uint32{100},
			skipped: []Skipped{{log1, "its first entry, 90, is older than the hive, whose second sequence number is 100"}}},
		{name: "a page outside the bins", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 100), entry(101, page, fill(page, 'X', page))), empty(log2)}, err: ErrTorn,
			wantText: "SYSTEM.LOG1 at 0x1400: entry 101: page of 0x1000 bytes for offset 0x1000 lies outside the hive bins data of 0x1000 bytes"},

		{name: "numbers wrap within a log", primary: hive(top, top-1, 4, 0),
			logs: []Log{newLog(log1, top-1, run(top-1, 1)), empty(log2)}, want: []uint32{top - 1, top, 0, 1}},
		{name: "numbers wrap between the logs", primary: hive(top, top-1, 4, 0),
			logs: []Log{newLog(log1, 0, run(0, 1)), newLog(log2, top-1, run(top-1, top))}, want: []uint32{top - 1, top, 0, 1}},
		{name: "stale log on the other side of the wrap", primary: hive(2, 1, 4, 0),
			logs:    []Log{newLog(log1, top, run(top, top)), newLog(log2, 1, run(1, 2))},
			want:    []uint32{1, 2},
			skipped: []Skipped{{log1, "its first entry, 4294967295, is older than the hive, whose second sequence number is 1"}}},

		{name: "one of two logs missing", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101))}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG1 has entries from 100 on, but its partner .LOG2, which may hold others, was not found"},
		{name: "the other of two logs missing", primary: dirty,
			logs: []Log{newLog(log2, 100, run(100, 101)), empty(single)}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG2 has entries from 100 on, but its partner .LOG1, which may hold others, was not found"},
		{name: "single log", primary: dirty,
			logs: []Log{newLog(single, 100, run(100, 101))}, want: []uint32{100, 101}},
		{name: "single log beside an empty one", primary: dirty,
			logs: []Log{newLog(single, 100, run(100, 101)), empty(log1)}, want: []uint32{100, 101}},
		{name: "leftover beside two logs", primary: dirty,
			logs:    []Log{newLog(single, 102, run(102, 105)), newLog(log1, 100, run(100, 101)), empty(log2)},
			want:    []uint32{100, 101},
			skipped: []Skipped{{single, "not used beside .LOG1 and .LOG2"}}},
		{name: "damaged leftover beside two logs", primary: dirty,
			logs: []Log{{Name: single, Data: badHeader(newLog(single, 102, run(102, 105)).Data)}, newLog(log1, 100, run(100, 101)), empty(log2)},
			want: []uint32{100, 101}},
		{name: "one of two logs, picked by hand", primary: dirty,
			logs: []Log{{Name: log1, Data: newLog(log1, 100, run(100, 101)).Data, Named: true}}, want: []uint32{100, 101}},
		{name: "logs named by hand", primary: dirty,
			logs: []Log{newLog("a.bin", 102, run(102, 103)), newLog("b.bin", 100, run(100, 101))}, want: []uint32{100, 101, 102, 103}},

		{name: "damaged partner with garbage", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), {Name: log2, Data: bytes.Repeat([]byte{0xEE}, 9000)}}, want: []uint32{100, 101}},
		{name: "damaged partner with stale entries", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), {Name: log2, Data: badHeader(newLog(log2, 90, run(90, 93)).Data)}}, want: []uint32{100, 101}},
		{name: "damaged partner with the next entries", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), {Name: log2, Data: badHeader(newLog(log2, 102, run(102, 103)).Data)}}, err: ErrTorn,
			wantText: "; yet it has entry 102 at 0x200, which belongs to the hive"},
		{name: "damaged partner with the entries before", primary: dirty,
			logs: []Log{{Name: log1, Data: badHeader(newLog(log1, 100, run(100, 101)).Data)}, newLog(log2, 102, run(102, 103))}, err: ErrTorn,
			wantText: "; yet it has entry 100 at 0x200, which belongs to the hive"},
		{name: "damaged partner of the old format, with pages that look like entries", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), bitmap}, want: []uint32{100, 101}},
		{name: "damaged copy", primary: dirty,
			logs: []Log{newLog(log1, 100, run(100, 101)), {Name: log2, Data: badHeader(newLog(log2, 100, run(100, 101)).Data)}}, want: []uint32{100, 101}},

		{name: "no logs", primary: dirty, err: ErrNoLogs, wantText: "no valid transaction log: none was found"},
		{name: "empty logs", primary: dirty, logs: []Log{empty(log1), empty(log2)}, err: ErrNoLogs,
			wantText: "no valid transaction log: SYSTEM.LOG1: empty; SYSTEM.LOG2: empty"},
		{name: "damaged logs", primary: dirty, logs: []Log{{Name: log1, Data: make([]byte, 600)}, empty(log2)}, err: ErrNoLogs,
			wantText: `SYSTEM.LOG1: no header: 600 bytes that begin with "\x00\x00\x00\x00"`},
		{name: "clean hive", primary: hive(100, 100, 4, 0), logs: []Log{newLog(log1, 100, run(100, 101)), empty(log2)}, err: ErrClean},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := NewPlan(tt.primary, tt.logs)
			if tt.err != nil {
				require.Nil(t, plan)
				require.ErrorIs(t, err, tt.err)
				require.ErrorContains(t, err, tt.wantText)
				return
			}
			require.NoError(t, err)
			require.Equal(t, FormatEntries, plan.Format)
			require.Equal(t, tt.want, sequences(plan.Entries))
			require.Equal(t, tt.want[len(tt.want)-1]+1, plan.Sequence)
			require.Equal(t, uint32(4*page), plan.BinsSize)
			require.Nil(t, plan.Header)
			require.Equal(t, tt.skipped, plan.Skipped)
			require.Len(t, plan.Logs, len(tt.logs))

			// The order in which the logs are passed must not matter.
			slices.Reverse(tt.logs)
			again, err := NewPlan(tt.primary, tt.logs)
			require.NoError(t, err)
			require.Equal(t, sequences(plan.Entries), sequences(again.Entries))
		})
	}
}

// The state after recovery: the last entry to touch a page wins, and the hive
// takes its size and first flag from the last entry of all.
func TestPlanState(t *testing.T) {
	flagged := func(b []byte, flags uint32) []byte { return change(b, 8, flags) }
	for _, tt := range []struct {
		name      string
		pages     int // bins in the hive
		spare     int // pages in the file after them
		flags     uint32
		entries   [][]byte
		want      string
		wantSize  uint32
		wantFlags uint32
		wantPages []Page
	}{
		{"later entries win", 3, 0, 0,
			[][]byte{entry(100, 3*page, fill(0, 'A', page), fill(page, 'A', page)), entry(101, 3*page, fill(page, 'B', page))},
			"AB.", 3 * page, 0,
			[]Page{fill(0, 'A', page), fill(page, 'A', page), fill(page, 'B', page)}},
		{"within an entry the order of the references decides", 2, 0, 0,
			[][]byte{entry(100, 2*page, fill(0, 'A', 2*page), fill(0, 'B', page))},
			"BA", 2 * page, 0,
			[]Page{fill(0, 'A', 2*page), fill(0, 'B', page)}},
		{"grown into the rest of the file", 2, 2, 0,
			[][]byte{entry(100, 3*page, fill(2*page, 'A', page))},
			"..A\x00", 3 * page, 0,
			[]Page{fill(2*page, 'A', page)}},
		{"grown beyond the file", 2, 0, 0,
			[][]byte{entry(100, 3*page, fill(2*page, 'A', page)), entry(101, 5*page, fill(3*page, 'B', 2*page))},
			"..ABB", 5 * page, 0,
			[]Page{fill(2*page, 'A', page), fill(3*page, 'B', 2*page)}},
		{"grown beyond the file, last page first", 2, 0, 0,
			[][]byte{entry(100, 4*page, fill(3*page, 'A', page), fill(2*page, 'B', page))},
			"..BA", 4 * page, 0,
			[]Page{fill(3*page, 'A', page), fill(2*page, 'B', page)}},
		{"shrunk", 4, 0, 0,
			[][]byte{entry(100, 4*page, fill(0, 'A', page), fill(3*page, 'A', page)), entry(101, 2*page, fill(page, 'B', page))},
			"AB..", 2 * page, 0,
			[]Page{fill(0, 'A', page), fill(page, 'B', page)}},
		{"shrunk across a page", 4, 0, 0,
			[][]byte{entry(100, 4*page, fill(page, 'A', 3*page)), entry(101, 2*page, fill(0, 'B', page))},
			"BA..", 2 * page, 0,
			[]Page{fill(page, 'A', page), fill(0, 'B', page)}},
		{"shrunk and grown again", 4, 0, 0,
			[][]byte{entry(100, 4*page, fill(3*page, 'A', page)), entry(101, 2*page, fill(0, 'B', page)), entry(102, 4*page, fill(2*page, 'C', page))},
			"B.CA", 4 * page, 0,
			[]Page{fill(3*page, 'A', page), fill(0, 'B', page), fill(2*page, 'C', page)}},
		{"grew beyond the file for a while", 2, 0, 0,
			[][]byte{entry(100, 9*page, fill(8*page, 'A', page)), entry(101, 2*page, fill(0, 'B', page))},
			"B.", 2 * page, 0,
			[]Page{fill(0, 'B', page)}},
		{"flag set", 1, 0, 2,
			[][]byte{flagged(entry(100, page, fill(0, 'A', page)), 1)},
			"A", page, 3, []Page{fill(0, 'A', page)}},
		{"flag cleared", 1, 0, 3,
			[][]byte{flagged(entry(100, page, fill(0, 'A', page)), 1), flagged(entry(101, page, fill(0, 'B', page)), 0)},
			"B", page, 2, []Page{fill(0, 'A', page), fill(0, 'B', page)}},
		{"other flags of an entry are not meant", 1, 0, 0,
			[][]byte{flagged(entry(100, page, fill(0, 'A', page)), 0xFFFFFFFE)},
			"A", page, 0, []Page{fill(0, 'A', page)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			primary := append(hive(101, 100, tt.pages, 0), make([]byte, tt.spare*page)...)
			put32(primary, 0x90, tt.flags)
			fixChecksum(primary)
			plan, err := NewPlan(primary, []Log{newLog(log1, 100, tt.entries...), empty(log2)})
			require.NoError(t, err)
			require.Equal(t, tt.wantSize, plan.BinsSize)
			require.Equal(t, tt.wantFlags, plan.Flags)
			require.Len(t, plan.Entries, len(tt.entries))
			var pages []Page
			for offset, data := range plan.Pages {
				pages = append(pages, Page{Offset: uint32(offset), Data: data})
			}
			require.Equal(t, tt.wantPages, pages)
			require.Equal(t, tt.want, letters(apply(t, primary, plan)))
		})
	}
}

func TestPlanPagesStops(t *testing.T) {
	plan := Plan{Entries: []Entry{{Pages: []Page{fill(0, 'A', 1), fill(1, 'B', 1)}}, {Pages: []Page{fill(2, 'C', 1)}}}}
	var seen []regf.Offset
	for offset := range plan.Pages {
		seen = append(seen, offset)
		if offset == 1 {
			break
		}
	}
	require.Equal(t, []regf.Offset{0, 1}, seen)
}

// Hive bins data that would be neither in the file nor in a log.
func TestPlanGap(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  int // bytes missing at the end of a hive of two pages
		size uint32
		page Page
		want string
	}{
		{"complete", 0, 2 * page, fill(0, 'A', page), ""},
		{"cut, but the log has it", page, 2 * page, fill(page, 'A', page), ""},
		{"cut in a page, but the log has it", 1, 2 * page, fill(page, 'A', page), ""},
		{"cut in a page", 1, 2 * page, fill(0, 'A', page), "would be 0x2000 bytes, but those at 0x2fff to 0x3000 are neither in the file of 12287 bytes nor in the logs"},
		{"cut", page, 2 * page, fill(0, 'A', page), "those at 0x2000 to 0x3000 are neither"},
		{"header alone", 2 * page, 2 * page, fill(page, 'A', page), "those at 0x1000 to 0x2000 are neither"},
		{"header alone, but the log has all", 2 * page, 2 * page, fill(0, 'A', 2*page), ""},
		{"half a header", 2*page + 3000, 2 * page, fill(0, 'A', 2*page), ""},
		{"grown, hole before the page", 0, 4 * page, fill(3*page, 'A', page), "those at 0x3000 to 0x4000 are neither"},
		{"grown, hole after the page", 0, 4 * page, fill(2*page, 'A', page), "those at 0x4000 to 0x5000 are neither"},
		{"grown, hole of a byte", 0, 3 * page, fill(2*page+1, 'A', page-1), "those at 0x3000 to 0x3001 are neither"},
		{"grown by a byte too much", 0, 3 * page, fill(2*page, 'A', page-1), "those at 0x3fff to 0x4000 are neither"},
		{"grown to 2 GiB", 0, 1<<31 - page, fill(2*page, 'A', page), "would be 0x7ffff000 bytes, but those at 0x4000 to 0x80000000 are neither"},
		{"grown to 2 GiB with a page at the end", 0, 1<<31 - page, fill(1<<31-2*page, 'A', page), "those at 0x3000 to 0x7ffff000 are neither"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			primary := hive(101, 100, 2, 0)
			primary = primary[:len(primary)-tt.cut]
			plan, err := NewPlan(primary, []Log{newLog(log1, 100, entry(100, tt.size, tt.page)), empty(log2)})
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, tt.size, plan.BinsSize)
				return
			}
			require.ErrorIs(t, err, ErrNotApplicable)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// A hive whose header is damaged takes that of the log with the latest entries.
func TestPlanBadHeader(t *testing.T) {
	for _, tt := range []struct {
		name     string
		logs     []Log
		want     []uint32
		skipped  []string
		err      error
		wantText string
	}{
		{name: "one log", logs: []Log{newLog(log1, 7, run(7, 8)), empty(log2)}, want: []uint32{7, 8}},
		{name: "the later of two", logs: []Log{newLog(log1, 9, run(9, 9)), newLog(log2, 7, run(7, 8))}, want: []uint32{9}, skipped: []string{log2}},
		{name: "the later of two, across the wrap", logs: []Log{newLog(log1, 0, run(0, 1)), newLog(log2, math.MaxUint32, run(math.MaxUint32, math.MaxUint32))},
			want: []uint32{0, 1}, skipped: []string{log2}},
		{name: "later entries, not a later base", logs: []Log{newLog(log1, 6, run(6, 12)), newLog(log2, 7, run(7, 8))},
			want: []uint32{6, 7, 8, 9, 10, 11, 12}, skipped: []string{log2}},
		{name: "a log without entries does not count", logs: []Log{newLog(log1, 7, run(7, 8)), newLog(log2, 9, make([]byte, 512))},
			want: []uint32{7, 8}, skipped: []string{log2}},
		{name: "nor when it comes first", logs: []Log{newLog(log1, 5, make([]byte, 512)), newLog(log2, 7, run(7, 8))},
			want: []uint32{7, 8}, skipped: []string{log1}},
		{name: "the later is torn", logs: []Log{newLog(log1, 7, run(7, 8)), newLog(log2, 9, run(9, 9), spoil(run(10, 10), 600))}, err: ErrTorn,
			wantText: "SYSTEM.LOG2 at 0x1400: entry 10: "},
		{name: "the later is torn at its first entry", logs: []Log{newLog(log1, 7, run(7, 8)), newLog(log2, 9, spoil(run(9, 9), 600))}, err: ErrTorn,
			wantText: "SYSTEM.LOG2 at 0x200: entry 9: "},
		{name: "the same amid the number space", logs: []Log{newLog(log1, 1<<31-2, run(1<<31-2, 1<<31-1)), newLog(log2, 1<<31, spoil(run(1<<31, 1<<31), 600))}, err: ErrTorn,
			wantText: "SYSTEM.LOG2 at 0x200: entry 2147483648: "},
		{name: "the earlier may be torn", logs: []Log{newLog(log1, 7, run(7, 7), spoil(run(8, 8), 600)), newLog(log2, 9, run(9, 9))},
			want: []uint32{9}, skipped: []string{log1}},
		{name: "no entries", logs: []Log{newLog(log1, 7, make([]byte, 512)), empty(log2)}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG1 at 0x200: want entry 7: no entry follows"},
		{name: "one of two logs missing", logs: []Log{newLog(log1, 7, run(7, 8))}, err: ErrNotApplicable, wantText: ".LOG2, which may hold others, was not found"},
		{name: "damaged partner with later entries", logs: []Log{newLog(log1, 7, run(7, 8)), {Name: log2, Data: badHeader(newLog(log2, 9, run(9, 9)).Data)}}, err: ErrTorn,
			wantText: "yet it has entry 9 at 0x200"},
		{name: "damaged partner with earlier entries", logs: []Log{newLog(log1, 7, run(7, 8)), {Name: log2, Data: badHeader(newLog(log2, 5, run(5, 6)).Data)}}, want: []uint32{7, 8}},
		{name: "no valid log", logs: []Log{empty(log1), empty(log2)}, err: ErrNoLogs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			destroyed := hive(101, 100, 4, 0)
			clear(destroyed[:4096])
			for _, primary := range [][]byte{badHeader(hive(101, 100, 4, 0)), destroyed} {
				plan, err := NewPlan(primary, tt.logs)
				if tt.err != nil {
					require.ErrorIs(t, err, tt.err)
					require.ErrorContains(t, err, tt.wantText)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, sequences(plan.Entries))
				var skipped []string
				for _, s := range plan.Skipped {
					skipped = append(skipped, s.Log)
				}
				require.Equal(t, tt.skipped, skipped)
				last := tt.want[len(tt.want)-1]
				require.Equal(t, header(0, last+1, last+1, 4*page, 0), plan.Header)
				state, err := Examine(apply(t, primary, plan))
				require.NoError(t, err)
				require.False(t, state.Dirty(), state.Reason)
			}
		})
	}
}

func TestPlanBadHeaderFields(t *testing.T) {
	log := newLog(log1, 7, change(entry(7, 5*page, fill(0, 'A', 5*page)), 8, 1))
	put32(log.Data, 0x90, 2)
	copy(log.Data[0x30:], "path")
	fixChecksum(log.Data[:512])
	before := bytes.Clone(log.Data)
	plan, err := NewPlan(badHeader(hive(3, 3, 4, 0)), []Log{log, empty(log2)})
	require.NoError(t, err)
	want := header(0, 8, 8, 5*page, 0)
	put32(want, 0x90, 3)
	copy(want[0x30:], "path")
	fixChecksum(want)
	require.Equal(t, want, plan.Header)
	require.Equal(t, uint32(3), plan.Flags)
	require.Equal(t, before, log.Data, "the log itself must not change")
}

// A disk that has seen both kinds of Windows.
func TestPlanMixedFormats(t *testing.T) {
	const now = 2000
	dirty := hive(101, 100, 4, now)
	bitmap := func(name string, sequence uint32) Log { return oldLog(name, sequence, now, 4*page, 'X', 0) }
	for _, tt := range []struct {
		name     string
		logs     []Log
		format   Format
		skipped  []Skipped
		err      error
		wantText string
	}{
		{"entries that apply", []Log{newLog(log1, 100, run(100, 101)), bitmap(log2, 101)}, FormatEntries,
			[]Skipped{{log2, "of the older format, beside logs with entries that apply"}}, nil, ""},
		{"entries that are stale", []Log{newLog(log1, 90, run(90, 91)), bitmap(log2, 101)}, FormatBitmap,
			[]Skipped{{log1, "its first entry, 90, is older than the hive, whose second sequence number is 100"}}, nil, ""},
		{"all stale", []Log{newLog(log1, 90, run(90, 91)), bitmap(log2, 20)}, 0, nil, ErrNotApplicable,
			"SYSTEM.LOG1: its first entry, 90, is older than the hive, whose second sequence number is 100; SYSTEM.LOG2: its sequence number, 20, is older than the hive, whose second sequence number is 100"},
		{"a torn log is not replaced by an older format", []Log{newLog(log1, 100, spoil(run(100, 101), 600)), bitmap(log2, 101)}, 0, nil, ErrTorn, "entry 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := NewPlan(dirty, tt.logs)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
				require.ErrorContains(t, err, tt.wantText)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.format, plan.Format)
			require.Equal(t, tt.skipped, plan.Skipped)
		})
	}
}

// NewPlan only reads what it is given.
func TestPlanChangesNothing(t *testing.T) {
	for _, primary := range [][]byte{hive(101, 100, 4, 9), badHeader(hive(101, 100, 4, 9))} {
		logs := []Log{newLog(log1, 100, run(100, 101)), newLog(log2, 102, run(102, 103)), oldLog(single, 100, 9, 4*page, 'A', 0)}
		before := bytes.Clone(primary)
		var contents [][]byte
		for _, log := range logs {
			contents = append(contents, bytes.Clone(log.Data))
		}
		_, err := NewPlan(primary, logs)
		require.NoError(t, err)
		HighestSequence(logs)
		require.Equal(t, before, primary)
		for i, log := range logs {
			require.Equal(t, contents[i], log.Data)
		}
	}
}
