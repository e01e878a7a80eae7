package txlog

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/internal/regf"
)

// FuzzReplay plans the recovery of any hive from any two logs. The fuzzer
// cannot guess hashes, so the flag mend lets it try what lies behind them. Run
// it with -fuzzminimizetime=10x: shrinking inputs of this size takes all the
// time there is otherwise.
func FuzzReplay(f *testing.F) {
	// Small seeds, as the fuzzer is slow with large ones: pages may have any size.
	small := func(first, last uint32) (data []byte) {
		for n := first; n != last+1; n++ {
			data = append(data, entry(n, 4*page, fill(page, 'A', 64), fill(4*page-16, 'B', 16))...)
		}
		return data
	}
	dirty := hive(101, 100, 1, 9)[:512]
	bin := hive(101, 100, 1, 9)[:4096+32]
	entries := newLog("", 100, small(100, 101)).Data
	bitmap := func(sequence uint32, timestamp uint64, dirty ...int) []byte {
		return oldLog("", sequence, timestamp, 4*page, 'A', dirty...).Data
	}
	for _, mend := range []bool{false, true} {
		f.Add(dirty, uint16(5), entries, newLog("", 102, small(102, 103)).Data, mend)
		f.Add(badHeader(dirty), uint16(5), entries, []byte(nil), mend)
		f.Add(bin, uint16(4), entries, newLog("", 102, entry(102, 5*page, fill(4*page, 'A', page))).Data, mend)
		f.Add(dirty, uint16(5), bitmap(101, 9, 0, 1, 31), entries, mend)
		f.Add(dirty, uint16(1), bitmap(100, 8, 0), bitmap(101, 10, 3), mend)
		f.Add(badHeader(dirty), uint16(5), bitmap(101, 9, 0), []byte(nil), mend)
		f.Add(hive(1, 0, 1, 0)[:512], uint16(5), newLog("", math.MaxUint32, small(math.MaxUint32, 1)).Data, newLog("", 0, small(0, 1), small(1, 1)).Data, mend)
	}
	f.Fuzz(func(t *testing.T, start []byte, pages uint16, first, second []byte, mend bool) {
		primary := append(make([]byte, 0, len(start)+int(pages)), start...)
		primary = append(primary, make([]byte, int(pages%64)*page)...)
		logs := []Log{{Name: log1, Data: append([]byte(nil), first...)}, {Name: log2, Data: append([]byte(nil), second...)}}
		if mend {
			for _, log := range logs {
				mendHashes(log.Data)
			}
		}
		plan, err := NewPlan(primary, logs)
		for _, log := range logs {
			Inspect(log)
		}
		HighestSequence(logs)
		if err != nil {
			require.Nil(t, plan)
			for _, known := range []error{ErrClean, ErrNoLogs, ErrTorn, ErrNotApplicable, regf.ErrNotHive} {
				if errors.Is(err, known) {
					return
				}
			}
			require.NoError(t, err)
		}
		checkPlan(t, plan, primary, logs)
	})
}

// mendHashes makes the checksum and hashes of a log right, as far as its
// entries follow one another.
func mendHashes(log []byte) {
	if len(log) < 512 {
		return
	}
	fixChecksum(log[:512])
	for off := int64(512); ; {
		h := entryAt(log, off)
		if h == nil {
			return
		}
		end := off + int64(h.size())
		if h.size() < 512 || end > int64(len(log)) {
			fixHeaderHash(log[off:])
			return
		}
		fixHashes(log[off:end])
		off = end
	}
}

// checkPlan checks what must hold for every plan, whatever it was made from.
func checkPlan(t *testing.T, plan *Plan, primary []byte, logs []Log) {
	size := 0
	for _, log := range logs {
		size += len(log.Data)
	}
	require.NotEmpty(t, plan.Entries)
	require.LessOrEqual(t, len(plan.Entries)*512, size)
	require.Empty(t, binsSizeProblem(plan.BinsSize))
	require.LessOrEqual(t, int64(plan.BinsSize), max(0, int64(len(primary))-4096)+int64(size), "the hive would grow beyond what the logs hold")
	count, total := 0, 0
	for offset, data := range plan.Pages {
		require.NotEmpty(t, data)
		require.Equal(t, len(data), cap(data))
		require.LessOrEqual(t, uint64(offset)+uint64(len(data)), uint64(plan.BinsSize), "a page lies outside the hive")
		count++
		total += len(data)
	}
	require.LessOrEqual(t, total, size)
	require.LessOrEqual(t, count*8, size)
	for i, entry := range plan.Entries {
		require.Equal(t, plan.Entries[0].Sequence+uint32(i), entry.Sequence, "the numbers must follow one another")
	}
	before, err := Examine(primary)
	require.NoError(t, err)
	require.True(t, before.Dirty())
	require.Equal(t, before.HeaderBad, plan.Header != nil)
	after, err := Examine(apply(t, primary, plan))
	require.NoError(t, err)
	require.False(t, after.Dirty(), after.Reason)
	require.Equal(t, plan.Sequence, after.Sequence1)
}
