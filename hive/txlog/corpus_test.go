package txlog

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/internal/regf"
)

// corpus reads a file of the real hives.
func corpus(t testing.TB, path string) []byte {
	t.Helper()
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
	require.NoError(t, err)
	return data
}

// corpusLogs reads those logs of a hive, named by their endings.
func corpusLogs(t testing.TB, hive string, endings ...string) []Log {
	t.Helper()
	var logs []Log
	for _, ending := range endings {
		logs = append(logs, Log{Name: filepath.Base(hive) + ending, Data: corpus(t, hive+ending)})
	}
	return logs
}

func TestCorpusEntries(t *testing.T) {
	for _, tt := range []struct {
		hive     string
		logs     [2]Info // LOG1 and LOG2
		first    uint32
		last     uint32
		binsSize uint32
		flags    uint32
		pages    int // page references
		bytes    int // bytes in them
		highest  uint32
	}{
		{
			hive: "replay/NewDirtyHive1/NewDirtyHive",
			logs: [2]Info{
				{Size: 0x6000, Base: 2, BinsSize: 0x5000, Entries: 1, First: 2, Last: 2, Timestamp: 0x1d295059e68e89e,
					Stop: Stop{Offset: 0x6000, Reason: "end of the log"}},
				{Size: 0x10000, Base: 3, BinsSize: 0x5000, Entries: 3, First: 3, Last: 5, Timestamp: 0x1d295059e68e89e,
					Stop: Stop{Offset: 0xa000, Reason: `no entry follows: want signature "HvLE"`}},
			},
			first: 2, last: 5, binsSize: 0x5000, pages: 4, bytes: 0xc000, highest: 5,
		},
		{
			hive: "system/win10-1709-dirty/SYSTEM",
			logs: [2]Info{
				{Size: 3163136, Base: 2107, BinsSize: 0xbd3000, Entries: 4, First: 2107, Last: 2110,
					Stop: Stop{Offset: 0xe000, Reason: `no entry follows: want signature "HvLE"`}},
				{Size: 3211264, Base: 2111, BinsSize: 0xbd3000, Entries: 20, First: 2111, Last: 2130,
					Stop: Stop{Offset: 0x297000, Reason: `no entry follows: want signature "HvLE"`}},
			},
			first: 2107, last: 2130, binsSize: 0xc02000, flags: 1, pages: 315, bytes: 2674688, highest: 2130,
		},
		{
			hive: "replay/amcache-server2022/Amcache.hve",
			logs: [2]Info{
				{Size: 217088, Base: 3, BinsSize: 0x82000, Entries: 5, First: 3, Last: 7, Timestamp: 0x1da016d13957cd4,
					Stop: Stop{Offset: 0x35000, Reason: "end of the log"}},
				{Size: 81920, Base: 8, BinsSize: 0x89000, Entries: 2, First: 8, Last: 9, Timestamp: 0x1da016d13957cd4,
					Stop: Stop{Offset: 0x13000, Reason: `no entry follows: want signature "HvLE"`}},
			},
			first: 3, last: 9, binsSize: 0x8a000, pages: 39, bytes: 0x41000, highest: 9,
		},
		{
			hive: "replay/amcache-win11/Amcache.hve", // its second log comes first
			logs: [2]Info{
				{Size: 508928, Base: 70, BinsSize: 0x1b3000, Entries: 7, First: 70, Last: 76, Timestamp: 0x1d81ac154e5b855,
					Stop: Stop{Offset: 0x7c000, Reason: `no entry follows: want signature "HvLE"`}},
				{Size: 1069056, Base: 68, BinsSize: 0x1b3000, Entries: 2, First: 68, Last: 69, Timestamp: 0x1d81ac154e5b855,
					Stop: Stop{Offset: 0x105000, Reason: "end of the log"}},
			},
			first: 68, last: 76, binsSize: 0x1b3000, pages: 137, bytes: 1540096, highest: 76,
		},
	} {
		t.Run(tt.hive, func(t *testing.T) {
			primary := corpus(t, tt.hive)
			logs := corpusLogs(t, tt.hive, ".LOG1", ".LOG2")
			plan, err := NewPlan(primary, logs)
			require.NoError(t, err)

			for i, info := range tt.logs {
				info.Name, info.Format = logs[i].Name, FormatEntries
				require.Equal(t, info, plan.Logs[i])
				require.Equal(t, info, Inspect(logs[i]))
			}
			var want []uint32
			for n := tt.first; n <= tt.last; n++ {
				want = append(want, n)
			}
			require.Equal(t, want, sequences(plan.Entries))
			require.Equal(t, FormatEntries, plan.Format)
			require.Equal(t, tt.last+1, plan.Sequence)
			require.Equal(t, tt.binsSize, plan.BinsSize)
			require.Equal(t, tt.flags, plan.Flags)
			require.Nil(t, plan.Header)
			require.Empty(t, plan.Skipped)
			pages, size := 0, 0
			for _, data := range plan.Pages {
				pages++
				size += len(data)
			}
			require.Equal(t, tt.pages, pages)
			require.Equal(t, tt.bytes, size)

			highest, ok := HighestSequence(logs)
			require.True(t, ok)
			require.Equal(t, tt.highest, highest)

			recovered := apply(t, primary, plan)
			_, err = NewPlan(recovered, logs)
			require.ErrorIs(t, err, ErrClean)
			requireBins(t, recovered)
		})
	}
}

// requireBins demands that the bins follow one another up to the end.
func requireBins(t *testing.T, image []byte) {
	t.Helper()
	parsed, err := regf.Parse(image)
	require.NoError(t, err)
	require.Equal(t, parsed.BaseBlock().BinsSize(), parsed.BinsSize())
	parsed.Damage(func(e *regf.FormatError) { require.NoError(t, e) })
}

// Windows 10 recovered the same hive with the same logs.
func TestCorpusAgainstWindows10(t *testing.T) {
	const folder = "replay/NewDirtyHive1/"
	primary := corpus(t, folder+"NewDirtyHive")
	windows := corpus(t, folder+"RecoveredHive_Windows10")
	plan, err := NewPlan(primary, corpusLogs(t, folder+"NewDirtyHive", ".LOG1", ".LOG2"))
	require.NoError(t, err)
	ours := apply(t, primary, plan)
	require.Equal(t, hash(windows), hash(ours), "header and bins, byte for byte")
	block := regf.BaseBlock(windows)
	require.Equal(t, [3]uint32{6, 6, 6}, [3]uint32{block.Sequence1(), block.Sequence2(), plan.Sequence})
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Windows 7 recovered a hive with a log of the old format, and mounted it: so
// it wrote the hive again, with a new time stamp and the length of the longest
// value name put right in one key. The same hive with a damaged header must give the same bins.
func TestCorpusAgainstWindows7(t *testing.T) {
	windows := corpus(t, "replay/OldDirtyHive/RecoveredHive_Windows7")
	for _, hive := range []string{"replay/OldDirtyHive/OldDirtyHive", "replay/BadBaseBlockHive/BadBaseBlockHive"} {
		t.Run(filepath.Base(hive), func(t *testing.T) {
			primary := corpus(t, hive)
			plan, err := NewPlan(primary, corpusLogs(t, hive, ".LOG1"))
			require.NoError(t, err)
			require.Equal(t, FormatBitmap, plan.Format)
			require.Equal(t, uint32(6), plan.Sequence)
			require.Equal(t, uint32(0x77000), plan.BinsSize)
			require.Equal(t, strings.Contains(hive, "BadBaseBlock"), plan.Header != nil)
			type run struct{ offset, size int }
			var pages []run
			for off, data := range plan.Pages {
				pages = append(pages, run{int(off), len(data)})
			}
			require.Equal(t, []run{{0, 0x2000}, {0xc000, 0x2000}, {0x6a000, 0x1000}, {0x74000, 0x3000}}, pages)

			ours := apply(t, primary, plan)
			require.Len(t, ours, len(windows))
			const timestamp, maxValueName = 4096 + 20, 0x6bd8c + 60 // in the nk of key 4500
			var differ []int
			for i := 4096; i < len(ours); i++ {
				if ours[i] != windows[i] && (i < timestamp || i >= timestamp+8) {
					differ = append(differ, i)
				}
			}
			require.Equal(t, []int{maxValueName}, differ)
			requireBins(t, ours)

			// But for what the second write changed, and the name that the copy
			// had, the headers agree too.
			for _, image := range [][]byte{ours, windows} {
				put32(image, 0x04, 0)
				put32(image, 0x08, 0)
				put64(image, 0x0C, 0)
				clear(image[0x30:0x70])
				fixChecksum(image)
			}
			require.Equal(t, hash(windows[:512]), hash(ours[:512]))
		})
	}
}

func TestCorpusRefused(t *testing.T) {
	for _, tt := range []struct {
		name     string
		hive     string
		logs     []string
		err      error
		wantText string
	}{
		{"the log's checksum is wrong", "replay/BadLogHive1/BadLogHive", []string{".LOG1"}, ErrNoLogs,
			"BadLogHive.LOG1: checksum at 0x1fc is 0x4c564e49, want 0x0ccbac9d"},
		{"the log has no bitmap", "replay/BadLogHive2/BadLogHive", []string{".LOG1"}, ErrNoLogs,
			`BadLogHive.LOG1: signature at 0x200 is "INVL", want "DIRT"`},
		{"logs are lost", "system/win81-dirty-logs-lost/SYSTEM", nil, ErrNoLogs, "none was found"},
		{"second log lost", "system/win10-1709-dirty/SYSTEM", []string{".LOG1"}, ErrNotApplicable,
			"SYSTEM.LOG1 has entries from 2107 on, but its partner .LOG2, which may hold others, was not found"},
		{"first log lost", "system/win10-1709-dirty/SYSTEM", []string{".LOG2"}, ErrNotApplicable,
			"SYSTEM.LOG2 has entries from 2111 on, but its partner .LOG1, which may hold others, was not found"},
		{"clean", "system/nt4/system", nil, ErrClean, "hive is not dirty"},
		{"clean, minor 6", "odd/System_Delta", nil, ErrClean, "hive is not dirty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			primary := corpus(t, tt.hive)
			_, err := NewPlan(primary, corpusLogs(t, tt.hive, tt.logs...))
			require.ErrorIs(t, err, tt.err)
			require.ErrorContains(t, err, tt.wantText)
		})
	}
}

// Logs of other hives must not apply.
func TestCorpusForeignLogs(t *testing.T) {
	for _, tt := range []struct {
		name     string
		hive     string
		logs     string
		endings  []string
		err      error
		wantText string
	}{
		{"of an older hive", "system/win10-1709-dirty/SYSTEM", "replay/amcache-win11/Amcache.hve", []string{".LOG1", ".LOG2"}, ErrNotApplicable,
			"Amcache.hve.LOG1: its first entry, 70, is older than the hive, whose second sequence number is 1621"},
		{"of a hive that was cut off", "damaged/TruncatedDirtyHive", "replay/OldDirtyHive/OldDirtyHive", []string{".LOG1"}, ErrNotApplicable,
			"OldDirtyHive.LOG1: its time stamp at 0xc is 0x1d29627f1c8a860, want 0x1d294f6ccf6f3f0"},
		{"of a hive that is larger", "replay/NewDirtyHive1/NewDirtyHive", "replay/amcache-win11/Amcache.hve", []string{".LOG1", ".LOG2"}, ErrNotApplicable,
			"the hive bins data would be 0x1b3000 bytes, but those at 0x40000 to "},
		{"of another format", "system/win81-dirty-logs-lost/SYSTEM", "replay/OldDirtyHive/OldDirtyHive", []string{".LOG1"}, ErrNotApplicable,
			"its sequence number, 5, is older than the hive, whose second sequence number is 204"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			primary := corpus(t, tt.hive)
			_, err := NewPlan(primary, corpusLogs(t, tt.logs, tt.endings...))
			require.ErrorIs(t, err, tt.err)
			require.ErrorContains(t, err, tt.wantText)
		})
	}
}

// One bit changed anywhere in a live entry must be noticed. Only a lost
// signature cannot be told from the end of the log; then the second log no
// longer follows the first.
func TestCorpusBitErrors(t *testing.T) {
	const hive = "replay/NewDirtyHive1/NewDirtyHive"
	primary := corpus(t, hive)
	logs := corpusLogs(t, hive, ".LOG1", ".LOG2")
	data := logs[1].Data
	for off := 512 + 4; off < 0xa000; off += 97 { // entries 3 to 5
		if off == 0x2000 || off&0x1FFF < 4 || off&0x1FF >= 12 && off&0x1FF < 16 {
			continue
		}
		data[off] ^= 0x04
		_, err := NewPlan(primary, logs)
		data[off] ^= 0x04
		require.ErrorIs(t, err, ErrTorn, "%#x", off)
	}
	_, err := NewPlan(primary, logs)
	require.NoError(t, err)
}

func BenchmarkNewPlan(b *testing.B) {
	const hive = "system/win10-1709-dirty/SYSTEM"
	primary := corpus(b, hive)
	logs := corpusLogs(b, hive, ".LOG1", ".LOG2")
	b.SetBytes(0xe000 + 0x297000) // what the entries fill
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewPlan(primary, logs); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHighestSequence(b *testing.B) {
	logs := corpusLogs(b, "system/win10-1709-dirty/SYSTEM", ".LOG1", ".LOG2")
	b.SetBytes(int64(len(logs[0].Data) + len(logs[1].Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := HighestSequence(logs); !ok {
			b.Fatal("no sequence number")
		}
	}
}
