package diskimage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// interrupted is a machine whose write was interrupted between two pages.
func interrupted(t testing.TB) (*machine, scattered, []byte) {
	t.Helper()
	old := withSlack(hivetest.NT4().Build().Data, 16384)
	s, now := scatter(old, 50, 4), edited(t, old, 9000)
	m := newMachine(s.image)
	// Create, two parts of the journal, its syncs, and some pages.
	m.cutAt = 12
	_, err := s.replacement(machineDisk{m}, m, now).Write(t.Context())
	require.ErrorIs(t, err, errPower)
	m.cut(rand.New(rand.NewPCG(1, 1)), 1)
	require.False(t, bytes.Equal(s.image, m.disk.now))
	require.False(t, bytes.Equal(s.with(now), m.disk.now))
	return m, s, now
}

func TestRollback(t *testing.T) {
	m, s, now := interrupted(t)
	done, err := m.rollback(RollbackOptions{})
	require.NoError(t, err)
	require.Equal(t, OutcomeRolledBack, done.Outcome)
	require.Equal(t, "Windows/System32/config/SYSTEM", done.Name)
	require.Equal(t, sha256.Sum256(s.content), done.Old)
	require.Equal(t, sha256.Sum256(now), done.New)
	require.Positive(t, done.Bytes)
	require.True(t, bytes.Equal(s.image, m.disk.durable))
	require.Empty(t, m.journal)
	_, err = m.rollback(RollbackOptions{})
	require.ErrorIs(t, err, ErrNoJournal)
}

// A journal whose write was complete does not take it back, unless asked to.
func TestRollbackComplete(t *testing.T) {
	for _, undo := range []bool{false, true} {
		m, s, now := interrupted(t)
		m.disk.now = s.with(now)
		done, err := m.rollback(RollbackOptions{Undo: undo})
		require.NoError(t, err)
		if undo {
			require.Equal(t, OutcomeRolledBack, done.Outcome)
			require.True(t, bytes.Equal(s.image, m.disk.durable))
		} else {
			require.Equal(t, OutcomeComplete, done.Outcome)
			require.True(t, bytes.Equal(s.with(now), m.disk.durable))
		}
		require.Empty(t, m.journal)
	}
}

// TestUndoCut: a write that was complete is taken back in the same order, so that
// a cut leaves no hive that looks whole and is not.
func TestUndoCut(t *testing.T) {
	for cutAt := 1; ; cutAt++ {
		for seed := range uint64(4) {
			m, s, now := interrupted(t)
			m.disk = &store{now: s.with(now), durable: s.with(now)}
			m.cutAt = cutAt
			if _, err := m.rollback(RollbackOptions{Undo: true}); err == nil {
				return
			}
			m.cut(rand.New(rand.NewPCG(seed, uint64(cutAt))), float64(seed)/3)
			requireMarked(t, s, m, now, fmt.Sprintf("cut at %d, seed %d", cutAt, seed))
			m.recover(t, "after it", RollbackOptions{Undo: true})
			require.True(t, bytes.Equal(s.image, m.disk.durable) || bytes.Equal(s.with(now), m.disk.durable))
		}
	}
}

// sealJournal makes the sums of a journal right again.
func sealJournal(data []byte) {
	body := data[sectorSize:]
	at := sectorSize
	for at+undoHeaderSize <= len(body) {
		length := int(binary.LittleEndian.Uint32(body[at+8:]))
		end := at + undoHeaderSize + length + newSumSize*sectorsOf(length)
		if length > copyUnit || end > len(body) {
			break
		}
		copy(body[at+16:], sumOf(body[at:at+16], body[at+undoHeaderSize:end]))
		at = end
	}
	copy(data[0x20:], sumOf(body))
	copy(data[journalSumAt:], sumOf(data[:journalSumAt]))
}

// TestHostileJournals: no journal that is wrong in one way is applied, and none
// is removed but one that was never finished.
func TestHostileJournals(t *testing.T) {
	u32, u64 := binary.LittleEndian.PutUint32, binary.LittleEndian.PutUint64
	const records = 2 * sectorSize // the first is that of the header of the hive
	second := records + undoHeaderSize + sectorSize + newSumSize
	for name, test := range map[string]struct {
		change   func(j []byte) []byte
		unsealed bool
		disk     func(m *machine)
		is       error
	}{
		"empty":             {change: func(j []byte) []byte { return nil }},
		"zeros":             {change: func(j []byte) []byte { return make([]byte, len(j)) }, unsealed: true},
		"no header":         {change: func(j []byte) []byte { clear(j[:sectorSize]); return j }, unsealed: true},
		"short zeros":       {change: func(j []byte) []byte { return make([]byte, 100) }, unsealed: true},
		"another file":      {change: func(j []byte) []byte { return bytes.Repeat([]byte("text\n"), 1000) }, unsealed: true, is: ErrForeignJournal},
		"short":             {change: func(j []byte) []byte { return j[:100] }, unsealed: true, is: ErrForeignJournal},
		"version 2":         {change: func(j []byte) []byte { u32(j[0x10:], 2); return j }, is: ErrForeignJournal},
		"another disk size": {change: func(j []byte) []byte { u64(j[0x40:], 1<<30); return j }, is: ErrForeignJournal},
		"another volume":    {disk: func(m *machine) { m.disk.now[63*sectorSize]++ }, is: ErrForeignJournal},
		"longer disk":       {disk: func(m *machine) { m.disk.now = append(m.disk.now, make([]byte, 512)...) }, is: ErrForeignJournal},
		"volume outside":    {change: func(j []byte) []byte { u64(j[0x48:], 1<<62); return j }},
		"header bit":        {change: func(j []byte) []byte { j[0x80] ^= 1; return j }, unsealed: true, is: ErrDamagedJournal},
		"mark bit":          {change: func(j []byte) []byte { j[sectorSize+5] ^= 1; return j }, unsealed: true, is: ErrDamagedJournal},
		"body bit":          {change: func(j []byte) []byte { j[second+undoHeaderSize+7] ^= 1; return j }, unsealed: true, is: ErrDamagedJournal},
		"sum bit":           {change: func(j []byte) []byte { j[len(j)-1] ^= 1; return j }, unsealed: true, is: ErrDamagedJournal},
		"cut":               {change: func(j []byte) []byte { return j[:len(j)-1] }, is: ErrDamagedJournal},
		"longer":            {change: func(j []byte) []byte { return append(j, 0) }, is: ErrDamagedJournal},
		"longer, agreed": {change: func(j []byte) []byte {
			u64(j[0x18:], uint64(len(j)+1-sectorSize))
			return append(j, 0)
		}, is: ErrDamagedJournal},
		"no records":          {change: func(j []byte) []byte { u32(j[0x14:], 0); return j }, is: ErrDamagedJournal},
		"fewer records":       {change: func(j []byte) []byte { u32(j[0x14:], 1); return j }, is: ErrDamagedJournal},
		"more records":        {change: func(j []byte) []byte { u32(j[0x14:], 1000); return j }, is: ErrDamagedJournal},
		"4 billion records":   {change: func(j []byte) []byte { u32(j[0x14:], 1<<32-1); return j }, is: ErrDamagedJournal},
		"length huge":         {change: func(j []byte) []byte { u64(j[0x18:], 1<<63+5); return j }, is: ErrDamagedJournal},
		"length 0":            {change: func(j []byte) []byte { u64(j[0x18:], 0); return j }, is: ErrDamagedJournal},
		"record outside":      {change: func(j []byte) []byte { u64(j[second:], 1<<40); return j }, is: ErrDamagedJournal},
		"record at 2^64":      {change: func(j []byte) []byte { u64(j[second:], 1<<64-512); return j }, is: ErrDamagedJournal},
		"record within one":   {change: func(j []byte) []byte { u64(j[second:], 513); return j }, is: ErrDamagedJournal},
		"record of nothing":   {change: func(j []byte) []byte { u32(j[second+8:], 0); return j }, is: ErrDamagedJournal},
		"record huge":         {change: func(j []byte) []byte { u32(j[second+8:], 1<<32-1); return j }, is: ErrDamagedJournal},
		"record over another": {change: func(j []byte) []byte { copy(j[second:], j[records:records+8]); return j }, is: nil},
		"header elsewhere":    {change: func(j []byte) []byte { u64(j[0x70:], 512); return j }, is: ErrDamagedJournal},
		"written to since":    {disk: func(m *machine) { m.disk.now[scatteredAt(m)+3] ^= 1 }, is: ErrImageChanged},
	} {
		t.Run(name, func(t *testing.T) {
			m, _, _ := interrupted(t)
			path := "disk.img.hivepatch-journal"
			data := bytes.Clone(m.journal[path].now)
			if test.change != nil {
				data = test.change(data)
				if !test.unsealed && len(data) > sectorSize {
					sealJournal(data)
				}
			}
			m.journal[path] = &store{now: data}
			if test.disk != nil {
				test.disk(m)
			}
			before := bytes.Clone(m.disk.now)
			done, err := m.rollback(RollbackOptions{})
			require.True(t, bytes.Equal(before, m.disk.now), "the disk was written to")
			if err == nil {
				require.Contains(t, []string{"empty", "zeros", "no header", "short zeros"}, name)
				require.Equal(t, OutcomeUntouched, done.Outcome)
				require.Empty(t, m.journal)
				return
			}
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			require.Equal(t, data, m.journal[path].now, "the journal was touched")
		})
	}
}

// scatteredAt is where the second record of the machine's journal belongs.
func scatteredAt(m *machine) int64 {
	second := 2*sectorSize + undoHeaderSize + sectorSize + newSumSize
	return int64(binary.LittleEndian.Uint64(m.journal["disk.img.hivepatch-journal"].now[second:]))
}

// TestRollbackForce: what has been written since is lost when that is asked for.
func TestRollbackForce(t *testing.T) {
	m, s, _ := interrupted(t)
	m.disk.now[scatteredAt(m)+3] ^= 1
	_, err := m.rollback(RollbackOptions{})
	require.ErrorIs(t, err, ErrImageChanged)
	_, err = m.rollback(RollbackOptions{Force: true})
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.image, m.disk.durable))
}

// TestRollbackCancelled: until it writes, it can be stopped.
func TestRollbackCancelled(t *testing.T) {
	m, _, _ := interrupted(t)
	before := bytes.Clone(m.disk.now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := rollback{ctx: ctx, disk: machineDisk{m}, files: m, path: "disk.img.hivepatch-journal"}
	_, err := r.run()
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, bytes.Equal(before, m.disk.now))
}

// fileDiskOf is a file as a disk.
type fileDiskOf struct {
	*os.File
	size int64
}

func (d fileDiskOf) Size() int64 { return d.size }

// failingDisk fails when it is written to for the nth time, and then for good.
type failingDisk struct {
	Disk
	writes *int
}

func (d failingDisk) WriteAt(p []byte, off int64) (int, error) {
	if *d.writes--; *d.writes < 0 {
		return 0, errDisk
	}
	return d.Disk.WriteAt(p, off)
}

// TestFiles: the same with files of the operating system.
func TestFiles(t *testing.T) {
	old := hivetest.NT4().Build().Data
	s, now := scatter(old, 3, 9), edited(t, old, 4)
	image := filepath.Join(t.TempDir(), "disk, 1.img")
	require.NoError(t, os.WriteFile(image, s.image, 0o600))
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	require.NoError(t, err)
	defer file.Close()
	disk := fileDiskOf{file, int64(len(s.image))}
	path, err := JournalPath(image)
	require.NoError(t, err)

	replacement := s.replacement(disk, nil, now)
	replacement.Journal = path
	writes := 2
	replacement.Disk = failingDisk{disk, &writes}
	_, err = replacement.Write(t.Context())
	require.ErrorIs(t, err, errDisk)
	found, err := FindJournal(path)
	require.NoError(t, err)
	require.True(t, found)
	_, err = createJournal(osFiles{}, path)
	require.ErrorIs(t, err, ErrJournalExists)
	done, err := Rollback(t.Context(), disk, path, RollbackOptions{})
	require.NoError(t, err)
	require.Equal(t, OutcomeRolledBack, done.Outcome)
	data, err := os.ReadFile(image)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.image, data))

	replacement.Disk = disk
	_, err = replacement.Write(t.Context())
	require.NoError(t, err)
	data, err = os.ReadFile(image)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.with(now), data))
	found, err = FindJournal(path)
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, os.Mkdir(path, 0o700))
	_, err = FindJournal(path)
	require.ErrorIs(t, err, ErrForeignJournal)
	_, err = Rollback(t.Context(), disk, path, RollbackOptions{})
	require.True(t, errors.Is(err, ErrForeignJournal))
}
