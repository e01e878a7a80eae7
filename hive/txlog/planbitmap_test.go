package txlog

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Logs of the old format.
func TestPlanBitmap(t *testing.T) {
	const then, now, future, bins = 1000, 2000, 3000, 4 * page
	dirty := hive(5, 4, 4, now)
	halfway := bytes.Clone(dirty) // the header is written, the first bin is not
	put64(halfway, 4096+20, then)
	noBin := badHeader(dirty)
	copy(noBin[4096:], "xxxx")
	put64(noBin, 0x0C, 0)
	log := func(name string, sequence uint32, timestamp uint64) Log {
		return oldLog(name, sequence, timestamp, bins, 'A'+byte(sequence), 8, 9, 10, 11, 12, 13, 14, 15)
	}
	torn := func(l Log) Log { return Log{Name: l.Name, Data: l.Data[:len(l.Data)-1]} }
	for _, tt := range []struct {
		name         string
		primary      []byte
		logs         []Log
		want         string // letters of the recovered bins
		wantSequence uint32
		skipped      []Skipped
		err          error
		wantText     string
	}{
		{name: "single log", primary: dirty, logs: []Log{log(single, 5, now)}, want: ".F..", wantSequence: 6},
		{name: "single log of XP", primary: dirty, logs: []Log{log(single, 4, now)}, want: ".E..", wantSequence: 6},
		{name: "single log, the first bin is old", primary: halfway, logs: []Log{log(single, 5, now)}, want: ".F..", wantSequence: 6},
		{name: "first log", primary: dirty, logs: []Log{log(log1, 5, now), empty(log2)}, want: ".F..", wantSequence: 6},
		{name: "first log alone", primary: dirty, logs: []Log{log(log1, 5, now)}, want: ".F..", wantSequence: 6},
		{name: "second log", primary: dirty, logs: []Log{log(log1, 4, then), log(log2, 5, now)}, want: ".F..", wantSequence: 6,
			skipped: []Skipped{{log1, "its time stamp at 0xc is 0x3e8, want 0x7d0"}}},
		{name: "both match, the second is later", primary: dirty, logs: []Log{log(log1, 5, now), log(log2, 6, now)}, want: ".G..", wantSequence: 7,
			skipped: []Skipped{{log1, "another log is the one to apply"}}},
		{name: "both match, the first is later", primary: dirty, logs: []Log{log(log1, 6, now), log(log2, 5, now)}, want: ".G..", wantSequence: 7,
			skipped: []Skipped{{log2, "another log is the one to apply"}}},
		{name: "the first matches, the second is newer", primary: dirty, logs: []Log{log(log1, 5, now), log(log2, 6, future)}, want: ".F..", wantSequence: 6,
			skipped: []Skipped{{log2, "another log is the one to apply"}}},
		{name: "none matches, the second is newer", primary: dirty, logs: []Log{log(log1, 5, then), log(log2, 6, future)}, want: ".G..", wantSequence: 7,
			skipped: []Skipped{{log1, "its time stamp at 0xc is 0x3e8, want 0x7d0"}}},
		{name: "no first log, the second is newer", primary: dirty, logs: []Log{empty(log1), log(log2, 6, future)}, want: ".G..", wantSequence: 7},
		{name: "none matches, the first is newer", primary: dirty, logs: []Log{log(log1, 6, future), log(log2, 5, then)}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG1: its time stamp at 0xc is 0xbb8, want 0x7d0; SYSTEM.LOG2: its time stamp at 0xc is 0x3e8, want 0x7d0"},
		{name: "single log is newer", primary: dirty, logs: []Log{log(single, 6, future)}, err: ErrNotApplicable, wantText: "its time stamp at 0xc is 0xbb8, want 0x7d0"},
		{name: "log is older", primary: dirty, logs: []Log{log(log1, 4, then)}, err: ErrNotApplicable, wantText: "its time stamp at 0xc is 0x3e8, want 0x7d0"},
		{name: "time stamp matches, number is from long ago", primary: dirty, logs: []Log{log(log1, 3, now)}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG1: its sequence number, 3, is older than the hive, whose second sequence number is 4"},
		{name: "numbers wrap", primary: hive(0, math.MaxUint32, 4, now), logs: []Log{log(log1, 0, now)}, want: ".A..", wantSequence: 1},
		{name: "torn", primary: dirty, logs: []Log{torn(log(log1, 5, now))}, err: ErrTorn,
			wantText: "SYSTEM.LOG1 at 0x400: 8 dirty pages are marked, but the log holds only 7"},
		{name: "a stale log may be torn", primary: dirty, logs: []Log{torn(log(log1, 4, then)), log(log2, 5, now)}, want: ".F..", wantSequence: 6,
			skipped: []Skipped{{log1, "its time stamp at 0xc is 0x3e8, want 0x7d0"}}},
		{name: "nothing dirty", primary: dirty, logs: []Log{oldLog(log1, 5, now, bins, 'A')}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG1 at 0x204: no page is marked dirty"},
		{name: "never completed", primary: dirty, logs: []Log{{Name: log1, Data: join(header(1, 5, 4, bins, now), log(log1, 5, now).Data[512:])}}, err: ErrNoLogs,
			wantText: "SYSTEM.LOG1: sequence numbers are 5 and 4: the log was never completed"},
		{name: "grown beyond the file", primary: dirty[:4096+3*page], logs: []Log{log(log1, 5, now)}, err: ErrNotApplicable,
			wantText: "those at 0x4000 to 0x5000 are neither in the file of 16384 bytes nor in the logs"},

		{name: "bad header, first bin matches", primary: badHeader(dirty), logs: []Log{log(log1, 9, now)}, want: ".J..", wantSequence: 10},
		{name: "bad header, its time stamp matches", primary: badHeader(halfway), logs: []Log{log(log1, 9, now)}, want: ".J..", wantSequence: 10},
		{name: "bad header, the old first bin matches", primary: badHeader(halfway), logs: []Log{log(log1, 9, then)}, want: ".J..", wantSequence: 10},
		{name: "bad header, nothing matches", primary: badHeader(halfway), logs: []Log{log(log1, 9, then-1)}, err: ErrNotApplicable,
			wantText: "its time stamp at 0xc is 0x3e7, want 0x3e8 or 0x7d0"},
		{name: "bad header, the second is newer", primary: badHeader(dirty), logs: []Log{log(log1, 9, then), log(log2, 3, future)}, want: ".D..", wantSequence: 4,
			skipped: []Skipped{{log1, "its time stamp at 0xc is 0x3e8, want 0x7d0"}}},
		{name: "bad header, the second is newer than the first bin only", primary: badHeader(halfway), logs: []Log{empty(log1), log(log2, 3, now-1)}, err: ErrNotApplicable,
			wantText: "SYSTEM.LOG2: its time stamp at 0xc is 0x7cf, want 0x3e8 or 0x7d0"},
		{name: "bad header, no time stamp is left", primary: noBin, logs: []Log{empty(log1), log(log2, 3, future)}, err: ErrNotApplicable,
			wantText: "its time stamp at 0xc is 0xbb8, want that of the hive, which is destroyed"},
		{name: "bad header without time stamp, log without", primary: noBin, logs: []Log{log(log1, 3, 0)}, err: ErrNotApplicable,
			wantText: "its time stamp at 0xc is 0x0, want that of the hive, which is destroyed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := NewPlan(tt.primary, tt.logs)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
				require.ErrorContains(t, err, tt.wantText)
				return
			}
			require.NoError(t, err)
			require.Equal(t, FormatBitmap, plan.Format)
			require.Equal(t, tt.wantSequence, plan.Sequence)
			require.Equal(t, uint32(bins), plan.BinsSize)
			require.Equal(t, tt.skipped, plan.Skipped)
			recovered := apply(t, tt.primary, plan)
			require.Equal(t, tt.want, letters(recovered))
			state, err := Examine(recovered)
			require.NoError(t, err)
			require.False(t, state.Dirty(), state.Reason)
		})
	}
}

// The old format knows no flags of its own: those of the hive stay, which may
// be garbage.
func TestPlanBitmapKeepsFlags(t *testing.T) {
	primary := hive(5, 4, 4, 1000)
	put32(primary, 0x90, 0x00310034)
	fixChecksum(primary)
	plan, err := NewPlan(primary, []Log{oldLog(single, 5, 1000, 4*page, 'A', 0)})
	require.NoError(t, err)
	require.Equal(t, uint32(0x00310034), plan.Flags)
}
