package hivetest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// parseEntries reads the entries of a log, as many as have good hashes and
// follow each other.
func parseEntries(log []byte) []Entry {
	var entries []Entry
	for _, at := range EntryOffsets(log) {
		field := func(off int) uint32 { return binary.LittleEndian.Uint32(log[at+off:]) }
		size := int(field(EntrySize))
		if at+size > len(log) || size < LogHeaderSize {
			break
		}
		data := log[at : at+size]
		if binary.LittleEndian.Uint64(data[EntryHash1:]) != Marvin32(data[EntryPages:]) || binary.LittleEndian.Uint64(data[EntryHash2:]) != Marvin32(data[:EntryHash2]) {
			break
		}
		if len(entries) > 0 && field(EntrySequence) != entries[len(entries)-1].Sequence+1 {
			break
		}
		entry := Entry{Sequence: field(EntrySequence), Flags: field(EntryFlags), BinsSize: field(EntryBinsSize)}
		count := int(field(EntryCount))
		pages := data[EntryPages+8*count:]
		for i := range count {
			length := field(EntryPages + 8*i + 4)
			entry.Pages = append(entry.Pages, Page{Offset: field(EntryPages + 8*i), Data: pages[:length]})
			pages = pages[length:]
		}
		entries = append(entries, entry)
	}
	return entries
}

// replayFiles replays logs onto a primary in the order of their numbers and
// returns the hive and the numbers that were applied.
func replayFiles(primary []byte, logs ...[]byte) ([]byte, []uint32) {
	slices.SortFunc(logs, func(a, b []byte) int { return int(int32(logNumber(a) - logNumber(b))) })
	hive := slices.Clone(primary)
	good := Checksum(primary) == binary.LittleEndian.Uint32(primary[AtChecksum:])
	var applied []uint32
	for _, log := range logs {
		first := logNumber(log)
		if len(log) == 0 || good && int32(first-binary.LittleEndian.Uint32(primary[AtSequence2:])) < 0 {
			continue
		}
		if len(applied) > 0 && first != applied[len(applied)-1]+1 {
			break
		}
		if !good {
			clear(hive[:BaseBlockSize])
			copy(hive, log[:LogHeaderSize])
			binary.LittleEndian.PutUint32(hive[AtType:], 0)
		}
		for _, entry := range parseEntries(log) {
			hive = replay(hive, entry)
			applied = append(applied, entry.Sequence)
		}
	}
	if len(applied) > 0 {
		next := applied[len(applied)-1] + 1
		setNumbers(hive, next, next)
	}
	return hive, applied
}

func logNumber(log []byte) uint32 {
	if len(log) < LogHeaderSize {
		return 0
	}
	return binary.LittleEndian.Uint32(log[AtSequence1:])
}

func TestDirtyWindows10(t *testing.T) {
	dirty := DirtyWindows10()
	primary := &Image{Data: dirty.Primary}
	require.EqualValues(t, 1622, primary.Header32(AtSequence1))
	require.EqualValues(t, 1621, primary.Header32(AtSequence2))
	require.Equal(t, Checksum(dirty.Primary), primary.Header32(AtChecksum))

	hive, applied := replayFiles(dirty.Primary, dirty.Log2, dirty.Log1)
	require.Equal(t, []uint32{1621, 1622, 1623, 1624, 1625}, applied)
	require.Equal(t, dirty.Recovered, hive)
	recovered := &Image{Data: hive}
	require.EqualValues(t, 1626, recovered.Header32(AtSequence1))
	require.EqualValues(t, 1626, recovered.Header32(AtSequence2))
	require.Greater(t, recovered.BinsSize(), primary.BinsSize(), "no entry makes the hive grow")
	require.Empty(t, walk(hive))
	require.Contains(t, string(hive), string(Link("SharedSection=1024,20480,1024 ")))
	require.NotContains(t, string(hive), string(Link("SharedSection=1024,20480,768 ")))
	require.NotContains(t, string(dirty.Primary), string(Link("SharedSection=1024,20480,1024 ")))
	require.Contains(t, string(dirty.Log1), string(DWORD(1600)), "the stale entry")
}

// TestEntriesLookLikeThoseOfWindows: aligned in the file, ascending, the first
// page always among them.
func TestEntriesLookLikeThoseOfWindows(t *testing.T) {
	dirty := DirtyWindows10()
	for _, log := range [][]byte{dirty.Log1, dirty.Log2} {
		header := &Image{Data: log}
		require.EqualValues(t, TypeHvLELog, header.Header32(AtType))
		require.Equal(t, header.Header32(AtSequence1), header.Header32(AtSequence2))
		require.Equal(t, Checksum(log), header.Header32(AtChecksum))
		offsets, entries := EntryOffsets(log), parseEntries(log)
		require.NotEmpty(t, entries)
		require.Equal(t, entries[0].Sequence, header.Header32(AtSequence1))
		require.Equal(t, entries[0].BinsSize, header.Header32(AtBinsSize))
		for i, entry := range entries {
			size := int(binary.LittleEndian.Uint32(log[offsets[i]+EntrySize:]))
			require.Zero(t, size%512)
			require.Zero(t, (offsets[i]+size)%4096)
			require.Zero(t, entry.Pages[0].Offset)
			end := int64(-1)
			for _, page := range entry.Pages {
				require.Zero(t, page.Offset%4096)
				require.Zero(t, len(page.Data)%4096)
				require.Greater(t, int64(page.Offset), end, "neighbours are one page")
				end = int64(page.Offset) + int64(len(page.Data))
			}
			require.LessOrEqual(t, end, int64(entry.BinsSize))
		}
	}
}

func TestDirtyOld(t *testing.T) {
	dirty := DirtyOld()
	primary, log := &Image{Data: dirty.Primary}, &Image{Data: dirty.Log1}
	require.EqualValues(t, 5, primary.Header32(AtSequence1))
	require.EqualValues(t, 4, primary.Header32(AtSequence2))
	require.Equal(t, Checksum(dirty.Primary), primary.Header32(AtChecksum))
	require.EqualValues(t, TypeDirtLog, log.Header32(AtType))
	require.EqualValues(t, 5, log.Header32(AtSequence1))
	require.EqualValues(t, 5, log.Header32(AtSequence2))
	require.Equal(t, Checksum(dirty.Log1), log.Header32(AtChecksum))
	require.Equal(t, primary.Data[AtTimestamp:AtTimestamp+8], log.Data[AtTimestamp:AtTimestamp+8])

	hive, pages := replayOld(t, dirty.Primary, dirty.Log1)
	require.Equal(t, dirty.Recovered[BaseBlockSize:], hive[BaseBlockSize:])
	require.NotEqual(t, dirty.Recovered[BaseBlockSize:], dirty.Primary[BaseBlockSize:])
	require.NotZero(t, pages)
	require.Empty(t, walk(dirty.Recovered))
	require.Contains(t, string(hive), string(Link("SharedSection=1024,20480,1024 ")))
}

// replayOld copies the pages of an old log over a primary.
func replayOld(t *testing.T, primary, log []byte) (hive []byte, pages int) {
	require.Equal(t, "DIRT", string(log[512:516]))
	bitmap := log[516 : 516+binary.LittleEndian.Uint32(log[AtBinsSize:])/4096]
	hive = slices.Clone(primary)
	at := (516 + len(bitmap) + 511) / 512 * 512
	for page := range 8 * len(bitmap) {
		if bitmap[page/8]&(1<<(page%8)) != 0 {
			copy(hive[BaseBlockSize+512*page:][:512], log[at:at+512])
			at += 512
			pages++
		}
	}
	require.Equal(t, len(log), at, "the log ends with its last page")
	return hive, pages
}

// TestDirtLogPages: one bit for each page of 512 bytes, the lowest first, then
// the pages from the next sector on.
func TestDirtLogPages(t *testing.T) {
	bins := Noise(2*PageSize, 3)
	dirty := make([]bool, 16)
	dirty[0], dirty[9], dirty[15] = true, true, true
	log := DirtLog{Sequence: 3, Header: Windows7().Build().Data, Bins: bins, Dirty: dirty}.Bytes()
	require.Equal(t, append([]byte("DIRT"), 0x01, 0x82, 0), log[512:519])
	require.Len(t, log, 1024+3*512)
	require.Equal(t, slices.Concat(bins[:512], bins[9*512:10*512], bins[15*512:]), log[1024:])
}

func TestLogCases(t *testing.T) {
	names := map[string]bool{}
	outcomes := map[Outcome]int{}
	for _, logCase := range LogCases() {
		require.False(t, names[logCase.Name], "two cases %s", logCase.Name)
		names[logCase.Name] = true
		outcomes[logCase.Outcome]++
		t.Run(logCase.Name, func(t *testing.T) {
			sequence1, sequence2 := binary.LittleEndian.Uint32(logCase.Primary[AtSequence1:]), binary.LittleEndian.Uint32(logCase.Primary[AtSequence2:])
			clean := sequence1 == sequence2 && Checksum(logCase.Primary) == binary.LittleEndian.Uint32(logCase.Primary[AtChecksum:])
			require.Equal(t, logCase.Outcome == Clean, clean)
			switch {
			case logCase.Outcome == Clean:
				require.Equal(t, logCase.Primary, logCase.Result)
				require.Empty(t, walk(logCase.Result))
			case logCase.Outcome == Recovers && len(logCase.Applied) == 0:
				hive, _ := replayOld(t, logCase.Primary, slices.Concat(logCase.Log1, logCase.Log2))
				require.Equal(t, logCase.Result[BaseBlockSize:], hive[BaseBlockSize:])
				require.Empty(t, walk(logCase.Result))
			case logCase.Outcome == Recovers:
				hive, applied := replayFiles(logCase.Primary, logCase.Log1, logCase.Log2)
				require.Equal(t, logCase.Applied, applied)
				require.Equal(t, logCase.Result, hive)
				require.Empty(t, walk(hive))
			default:
				require.Nil(t, logCase.Result)
				require.Empty(t, logCase.Applied)
			}
		})
	}
	for _, outcome := range []Outcome{Clean, Recovers, NoLogs, Torn, NotApplicable} {
		require.NotZero(t, outcomes[outcome], outcome)
	}
}

// TestEntryCasesDamageTheEntry: an entry case differs from the sound log in the
// second entry alone, and a reader that follows the rules stops there.
func TestEntryCasesDamageTheEntry(t *testing.T) {
	dirty := DirtyWindows10()
	offsets := EntryOffsets(dirty.Log2)
	for _, logCase := range entryCases() {
		if logCase.Outcome != Torn {
			continue
		}
		require.Equal(t, dirty.Log2[:offsets[1]], logCase.Log2[:offsets[1]], logCase.Name)
		require.NotEqual(t, dirty.Log2, logCase.Log2, logCase.Name)
		if len(logCase.Log2) == len(dirty.Log2) {
			require.Equal(t, dirty.Log2[offsets[2]:], logCase.Log2[offsets[2]:], logCase.Name)
		}
	}
}

func TestDiffMergesNeighbours(t *testing.T) {
	before := make([]byte, BaseBlockSize+8*PageSize)
	binary.LittleEndian.PutUint32(before[AtBinsSize:], 6*PageSize)
	after := slices.Clone(before)
	binary.LittleEndian.PutUint32(after[AtBinsSize:], 8*PageSize)
	after[AtFlags] = 3
	after[BaseBlockSize+1*PageSize] = 1
	after[BaseBlockSize+3*PageSize+4095] = 1
	entry := Diff(before, after, 9)
	var runs []string
	for _, page := range entry.Pages {
		runs = append(runs, fmt.Sprintf("%d+%d", page.Offset/PageSize, len(page.Data)/PageSize))
	}
	require.Equal(t, []string{"0+2", "3+1", "6+2"}, runs)
	require.EqualValues(t, 1, entry.Flags)
	require.EqualValues(t, 9, entry.Sequence)
	require.EqualValues(t, 8*PageSize, entry.BinsSize)
}
