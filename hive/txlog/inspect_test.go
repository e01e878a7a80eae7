package txlog

import (
	"bytes"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInspectHeader(t *testing.T) {
	log := newLog("SYSTEM.LOG1", 7, run(7, 8)).Data
	remade := func(off int, v uint32) []byte { // a field of the header changed, and the checksum mended
		b := bytes.Clone(log)
		put32(b, off, v)
		h := header(0, 0, 0, 0, 0)
		copy(h, b[:508])
		fixChecksum(h)
		return join(h, b[512:])
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		format  Format
		problem string
	}{
		{"valid", log, FormatEntries, ""},
		{"nothing", nil, FormatUnknown, "empty"},
		{"one byte", []byte{'r'}, FormatUnknown, `no header: 1 bytes that begin with "r", want at least 512 and "regf"`},
		{"511 bytes", log[:511], FormatUnknown, `no header: 511 bytes that begin with "regf", want at least 512 and "regf"`},
		{"zeros", make([]byte, 4096), FormatUnknown, `no header: 4096 bytes that begin with "\x00\x00\x00\x00", want at least 512 and "regf"`},
		{"header alone", log[:512], FormatEntries, "512 bytes, want more than 552"},
		{"552 bytes", log[:552], FormatEntries, "552 bytes, want more than 552"},
		{"553 bytes", log[:553], FormatEntries, ""},
		{"a hive", hive(1, 1, 1, 0), FormatUnknown, "type at 0x1c is 0, want 1, 2 or 6"},
		{"unknown type", remade(0x1C, 3), FormatUnknown, "type at 0x1c is 3, want 1, 2 or 6"},
		{"checksum", spoil(log, 0x40), FormatEntries, "checksum at 0x1fc is "},
		{"sequence numbers", remade(0x08, 6), FormatEntries, "sequence numbers are 7 and 6: the log was never completed"},
		{"major version", remade(0x14, 2), FormatEntries, "major version at 0x14 is 2, want 1"},
		{"format", remade(0x20, 0), FormatEntries, "format at 0x20 is 0, want 1"},
		{"type 2, without bitmap", remade(0x1C, 2), FormatBitmap, `signature at 0x200 is "HvLE", want "DIRT"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info := Inspect(Log{Name: "SYSTEM.LOG1", Data: tt.data})
			require.Equal(t, tt.format, info.Format)
			if tt.problem == "" {
				require.Empty(t, info.Problem)
			}
			require.Contains(t, info.Problem, tt.problem)
			require.Equal(t, tt.problem == "", info.Valid())
			require.Equal(t, len(tt.data) == 0, info.Empty())
			if !info.Valid() {
				info.Name, info.Size, info.Format, info.Problem = "", 0, 0, ""
				require.Zero(t, info, "an invalid log says nothing else")
			}
		})
	}
}

func TestInspect(t *testing.T) {
	log := newLog("SYSTEM.LOG1", 7, run(7, 9), run(3, 3))
	require.Equal(t, Info{
		Name: "SYSTEM.LOG1", Size: int64(len(log.Data)), Format: FormatEntries,
		Base: 7, BinsSize: 4 * page, Entries: 3, First: 7, Last: 9,
		Stop: Stop{Offset: 512 + 3*4608, Reason: "remnant of an earlier use: entry 3, want 10"},
	}, Inspect(log))

	old := oldLog("SYSTEM.LOG", 5, 99, 4*page, 'A', 0)
	put32(old.Data, 0x1C, 2) // Windows 2000 and older
	fixChecksum(old.Data[:512])
	info := Inspect(old)
	require.Equal(t, FormatBitmap, info.Format)
	require.True(t, info.Valid(), info.Problem)
	require.Equal(t, 1, info.Entries)
}

func TestFormatString(t *testing.T) {
	require.Equal(t, "unknown bitmap entries", FormatUnknown.String()+" "+FormatBitmap.String()+" "+FormatEntries.String())
}

func TestHighestSequence(t *testing.T) {
	pagesLikeEntries := oldLog("a", 5, 99, page, 'A', 0)
	copy(pagesLikeEntries.Data[1024:], entry(500, page, fill(0, 'A', 1)))
	for _, tt := range []struct {
		name string
		logs []Log
		want uint32
		ok   bool
	}{
		{"no logs", nil, 0, false},
		{"empty logs", []Log{{Name: "a"}, {Name: "b"}}, 0, false},
		{"garbage", []Log{{Data: make([]byte, 5000)}}, 0, false},
		{"header without entries", []Log{newLog("a", 7, make([]byte, 512))}, 7, true},
		{"entries", []Log{newLog("a", 7, run(7, 9))}, 9, true},
		{"two logs", []Log{newLog("a", 10, run(10, 12)), newLog("b", 7, run(7, 9))}, 12, true},
		{"a torn entry counts", []Log{newLog("a", 7, run(7, 9), spoil(run(10, 10), 600))}, 10, true},
		{"an entry with a broken header does not", []Log{newLog("a", 7, run(7, 9), spoil(run(10, 10), 17))}, 9, true},
		{"remnants count", []Log{newLog("a", 7, run(7, 7), make([]byte, 1536), run(300, 301))}, 301, true},
		{"header lost, entries there", []Log{{Name: "a", Data: spoil(newLog("a", 7, run(7, 9)).Data, 0x40)}}, 9, true},
		{"old format", []Log{oldLog("a", 5, 99, page, 'A', 0)}, 5, true},
		{"old format, damaged", []Log{{Data: spoil(oldLog("a", 5, 99, page, 'A', 0).Data, 0x40)}}, 0, false},
		{"old format, pages that look like entries", []Log{pagesLikeEntries}, 5, true},
		{"both formats", []Log{oldLog("a", 5, 99, page, 'A', 0), newLog("b", 7, run(7, 9))}, 9, true},
		{"number 0", []Log{newLog("a", 0, make([]byte, 512))}, 0, true},
		{"across the wrap", []Log{newLog("a", math.MaxUint32, run(math.MaxUint32, 1))}, 1, true},
		{"logs on both sides of the wrap", []Log{newLog("a", 2, run(2, 3)), newLog("b", math.MaxUint32, run(math.MaxUint32, 1))}, 3, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := HighestSequence(tt.logs)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestLater(t *testing.T) {
	for _, tt := range []struct{ a, b, want uint32 }{
		{1, 1, 1},
		{1, 2, 2},
		{0, math.MaxUint32, 0},
		{math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32},
		{0, 1<<31 - 1, 1<<31 - 1},
		{0, 1<<31 + 1, 0},
	} {
		require.Equal(t, tt.want, Later(tt.a, tt.b), "%d %d", tt.a, tt.b)
		require.Equal(t, tt.want, Later(tt.b, tt.a), "%d %d", tt.b, tt.a)
	}
}

// A log that is one header after another, each claiming as much as it can, must
// not make the reader do more than look at each once.
func TestHostileLogIsReadInLinearTime(t *testing.T) {
	const sectors = 1 << 14 // 8 MiB
	one := make([]byte, 512)
	copy(one, "HvLE")
	put32(one, 12, 7)
	put32(one, 16, 1<<31-page)
	put32(one, 20, math.MaxUint32)
	data := header(6, 7, 7, 1<<31-page, 0)
	for i := range sectors {
		put32(one, 4, uint32(sectors-i)*512) // up to the end of the log
		put32(one, 12, 7+uint32(i))
		data = append(data, fixHeaderHash(one)...)
	}
	logs := []Log{{Name: "SYSTEM.LOG1", Data: data}, {Name: "SYSTEM.LOG2"}}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	highest, ok := HighestSequence(logs)
	_, err := NewPlan(hive(8, 7, 1, 0), logs)
	runtime.ReadMemStats(&after)

	require.True(t, ok)
	require.Equal(t, uint32(7+sectors-1), highest)
	require.ErrorIs(t, err, ErrTorn)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<16), "bytes allocated")
}
