package diskimage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

var writeTime = time.Date(2026, 1, 31, 12, 0, 0, 999, time.UTC)

// edited is a hive with one more value of that size.
func edited(t testing.TB, data []byte, size int) []byte {
	t.Helper()
	h, err := hive.Open(bytes.Clone(data))
	require.NoError(t, err)
	root, err := h.Root()
	require.NoError(t, err)
	_, err = root.SetValue("written", hive.Binary, bytes.Repeat([]byte{0xA5}, size), writeTime)
	require.NoError(t, err)
	h.Seal(writeTime)
	return bytes.Clone(h.Bytes())
}

// withSlack is a hive with room behind its last bin, which is not empty.
func withSlack(data []byte, size int) []byte {
	return append(bytes.Clone(data), bytes.Repeat([]byte("slack!!!"), size/8)...)
}

// scattered is a disk with a volume and a file in it, in so many fragments.
type scattered struct {
	image   []byte
	volume  int64
	extents []Extent
	content []byte
}

// scatter lays content in random order over a disk full of random bytes.
func scatter(content []byte, fragments int, seed uint64) scattered {
	random := rand.New(rand.NewPCG(seed, 1))
	s := scattered{volume: 63 * sectorSize, content: content}
	sectors := sectorsOf(len(content))
	s.image = make([]byte, (sectors*2+fragments*4+200)*sectorSize)
	for at := 0; at < len(s.image); at += 8 {
		binary.LittleEndian.PutUint64(s.image[at:], random.Uint64())
	}
	lengths := make([]int, fragments) // in sectors
	for i := range lengths {
		lengths[i] = sectors / fragments
	}
	lengths[fragments-1] += sectors % fragments
	starts := make([]int, fragments)
	next := 100
	for _, i := range random.Perm(fragments) {
		starts[i] = next
		next += lengths[i] + 1 + random.IntN(3)
	}
	for i := range lengths {
		s.extents = append(s.extents, Extent{int64(starts[i]) * sectorSize, int64(lengths[i]) * sectorSize})
	}
	s.put(s.image, content)
	return s
}

// put writes content to where the file is.
func (s scattered) put(image, content []byte) {
	for _, e := range s.extents {
		n := copy(image[e.Offset:e.Offset+e.Length], content)
		content = content[n:]
	}
}

// with is the disk with other content in the file.
func (s scattered) with(content []byte) []byte {
	image := bytes.Clone(s.image)
	s.put(image, content)
	return image
}

func (s scattered) replacement(disk Disk, files files, now []byte) *Replacement {
	return &Replacement{
		Disk: disk, Volume: s.volume, Name: "Windows/System32/config/SYSTEM", Extents: s.extents,
		Size: int64(len(s.content)), Valid: int64(len(s.content)), SHA256: sha256.Sum256(s.content),
		New: now, Journal: "disk.img.hivepatch-journal", files: files,
	}
}

func (m *machine) rollback(options RollbackOptions) (*RolledBack, error) {
	r := rollback{ctx: context.Background(), disk: machineDisk{m}, files: m, path: "disk.img.hivepatch-journal", options: options}
	return r.run()
}

// onlyWithin requires that two disks differ within the extents only.
func onlyWithin(t *testing.T, old, now []byte, extents []Extent) {
	t.Helper()
	masked := bytes.Clone(now)
	for _, e := range extents {
		copy(masked[e.Offset:e.Offset+e.Length], old[e.Offset:])
	}
	require.True(t, bytes.Equal(old, masked), "bytes outside of the extents were written")
}

// TestWrite: hives of the same size, grown into the slack of their files, and
// shorter ones, in one run and in many.
func TestWrite(t *testing.T) {
	nt4 := hivetest.NT4().Build().Data
	grown := edited(t, withSlack(nt4, 16384), 9000)
	require.Equal(t, len(nt4)+16384, len(grown))
	for name, test := range map[string]struct{ old, now []byte }{
		"same size":          {nt4, edited(t, nt4, 4)},
		"into the slack":     {withSlack(nt4, 16384), grown},
		"shorter":            {edited(t, nt4, 9000), nt4},
		"odd size":           {withSlack(nt4, 1000), edited(t, withSlack(nt4, 1000), 4)},
		"header only":        {nt4, sealedAgain(nt4)},
		"shorter, odd slack": {withSlack(edited(t, nt4, 9000), 104), nt4},
	} {
		for _, fragments := range []int{1, 2, 50} {
			t.Run(fmt.Sprintf("%s in %d", name, fragments), func(t *testing.T) {
				s := scatter(test.old, fragments, 7)
				m := newMachine(s.image)
				written, err := s.replacement(machineDisk{m}, m, test.now).Write(t.Context())
				require.NoError(t, err)
				want := s.with(append(bytes.Clone(test.now), test.old[len(test.now):]...))
				require.True(t, bytes.Equal(want, m.disk.durable))
				require.Empty(t, m.journal)
				onlyWithin(t, s.image, m.disk.now, written.Extents)
				require.NotEmpty(t, written.Extents)
			})
		}
	}
}

// sealedAgain is a hive with other numbers in its header.
func sealedAgain(data []byte) []byte {
	again := bytes.Clone(data)
	for _, at := range []int{4, 8} {
		binary.LittleEndian.PutUint32(again[at:], binary.LittleEndian.Uint32(again[at:])+1)
	}
	sum := uint32(0)
	for at := 0; at < 0x1FC; at += 4 {
		sum ^= binary.LittleEndian.Uint32(again[at:])
	}
	binary.LittleEndian.PutUint32(again[0x1FC:], sum)
	return again
}

// TestWriteBeforeTheEnd: Windows makes the files of its hives longer than it has
// written. What was written is replaced; the rest stays as it is on the disk.
func TestWriteBeforeTheEnd(t *testing.T) {
	nt4 := hivetest.NT4().Build().Data
	for _, written := range []int{len(nt4), len(nt4) + 1, len(nt4) + 16383} {
		s := scatter(withSlack(nt4, 16384), 5, 9)
		reads := append(bytes.Clone(s.content[:written]), make([]byte, len(s.content)-written)...)
		now := edited(t, reads, 4)
		m := newMachine(s.image)
		r := s.replacement(machineDisk{m}, m, now)
		r.Valid, r.SHA256 = int64(written), sha256.Sum256(reads)
		_, err := r.Write(t.Context())
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.with(append(bytes.Clone(now[:written]), s.content[written:]...)), m.disk.durable))
	}
}

// TestWriteNothing: where nothing is to change, nothing is touched.
func TestWriteNothing(t *testing.T) {
	old := hivetest.NT4().Build().Data
	s := scatter(old, 5, 1)
	m := newMachine(s.image)
	written, err := s.replacement(machineDisk{m}, m, old).Write(t.Context())
	require.NoError(t, err)
	require.Empty(t, written.Extents)
	require.Zero(t, m.steps)
}

// TestWriteRefused: what cannot be written leaves no trace.
func TestWriteRefused(t *testing.T) {
	old := hivetest.NT4().Build().Data
	now := edited(t, old, 4)
	var grow *GrowError
	var odd *LayoutError
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		change func(r *Replacement)
		ctx    context.Context
		is     error
		as     any
	}{
		"grown": {change: func(r *Replacement) { r.New = edited(t, old, 9000) }, as: &grow},
		"beyond what was written": {change: func(r *Replacement) {
			r.SHA256 = sha256.Sum256(append(bytes.Clone(old[:len(old)-4096]), make([]byte, 4096)...))
			r.Valid -= 4096
		}, as: &grow},
		"modified":        {change: func(r *Replacement) { r.SHA256[5]++ }, is: hivefile.ErrModified},
		"no hive":         {change: func(r *Replacement) { r.New = bytes.Repeat([]byte("x"), len(old)) }, is: hive.ErrNotHive},
		"outside":         {change: func(r *Replacement) { r.Extents[1].Offset = 1 << 40 }, as: &odd},
		"negative":        {change: func(r *Replacement) { r.Extents[1].Offset = -512 }, as: &odd},
		"overlap":         {change: func(r *Replacement) { r.Extents[1].Offset = r.Extents[0].Offset }, as: &odd},
		"too few":         {change: func(r *Replacement) { r.Extents = r.Extents[:1] }, as: &odd},
		"none":            {change: func(r *Replacement) { r.Extents = nil }, as: &odd},
		"no whole sector": {change: func(r *Replacement) { r.Extents[0].Length-- }, as: &odd},
		"no volume":       {change: func(r *Replacement) { r.Volume = 1 << 40 }, as: &odd},
		"cancelled":       {ctx: cancelled, is: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			s := scatter(old, 2, 1)
			m := newMachine(s.image)
			r := s.replacement(machineDisk{m}, m, now)
			if test.change != nil {
				test.change(r)
			}
			if test.ctx == nil {
				test.ctx = t.Context()
			}
			_, err := r.Write(test.ctx)
			if test.as != nil {
				require.ErrorAs(t, err, test.as)
			} else {
				require.ErrorIs(t, err, test.is)
			}
			require.Empty(t, m.journal)
			require.Empty(t, m.disk.pending)
			require.True(t, bytes.Equal(s.image, m.disk.now))
		})
	}
}

// TestWriteJournalExists: a journal is never written over.
func TestWriteJournalExists(t *testing.T) {
	old := hivetest.NT4().Build().Data
	s := scatter(old, 2, 1)
	m := newMachine(s.image)
	r := s.replacement(machineDisk{m}, m, edited(t, old, 4))
	m.journal[r.Journal] = &store{now: []byte("mine")}
	_, err := r.Write(t.Context())
	require.ErrorIs(t, err, ErrJournalExists)
	require.Equal(t, "mine", string(m.journal[r.Journal].now))
	require.True(t, bytes.Equal(s.image, m.disk.now))
}

// cases are writes that a fault strikes.
func faultCases(t *testing.T) map[string]struct {
	s   scattered
	now []byte
} {
	nt4 := hivetest.NT4().Build().Data
	slack := withSlack(nt4, 16384)
	return map[string]struct {
		s   scattered
		now []byte
	}{
		"few pages":   {scatter(nt4, 50, 3), edited(t, nt4, 4)},
		"many pages":  {scatter(slack, 50, 4), edited(t, slack, 9000)},
		"header only": {scatter(nt4, 1, 5), sealedAgain(nt4)},
	}
}

// recover does what the next command does.
func (m *machine) recover(t *testing.T, message string, options RollbackOptions) {
	t.Helper()
	if m.journal["disk.img.hivepatch-journal"] == nil {
		return
	}
	_, err := m.rollback(options)
	require.NoError(t, err, message)
	require.Empty(t, m.journal, message)
}

// TestPowerCut cuts the power before every step of a write, with any of the
// sectors that were not synced lost, and again before every step of the rollback
// after it: the disk is then what it was, or completely written.
func TestPowerCut(t *testing.T) {
	for name, test := range faultCases(t) {
		t.Run(name, func(t *testing.T) {
			complete := test.s.with(test.now)
			m := newMachine(test.s.image)
			_, err := test.s.replacement(machineDisk{m}, m, test.now).Write(t.Context())
			require.NoError(t, err)
			require.True(t, bytes.Equal(complete, m.disk.durable))
			seen := map[bool]int{}
			for cutAt := 1; cutAt <= m.steps; cutAt++ {
				for seed := range uint64(6) {
					keep := []float64{0, 1, 0.5, 0.1, 0.9, 0.5}[seed]
					seen[cutTwice(t, test.s, test.now, cutAt, seed, keep)]++
				}
			}
			require.Positive(t, seen[true], "no cut left a written disk")
			require.Positive(t, seen[false], "no cut left the old disk")
		})
	}
}

// requireMarked requires of a hive that is neither the old nor the new one that
// its header says so: who mounts the image meanwhile must not take it for whole.
func requireMarked(t *testing.T, s scattered, m *machine, now []byte, message string) {
	t.Helper()
	if bytes.Equal(s.image, m.disk.now) || bytes.Equal(s.with(now), m.disk.now) {
		return
	}
	require.ErrorIs(t, hivefile.RequireWhole("SYSTEM", m.disk.now[s.extents[0].Offset:]), hivefile.ErrHalfWritten, message)
}

// cutTwice cuts the power during a write and then at every step of what follows,
// and reports whether the disk is the new one.
func cutTwice(t *testing.T, s scattered, now []byte, cutAt int, seed uint64, keep float64) bool {
	t.Helper()
	complete := s.with(now)
	after := func() *machine {
		m := newMachine(s.image)
		m.cutAt = cutAt
		_, err := s.replacement(machineDisk{m}, m, now).Write(t.Context())
		require.ErrorIs(t, err, errPower)
		m.cut(rand.New(rand.NewPCG(seed, uint64(cutAt))), keep)
		requireMarked(t, s, m, now, fmt.Sprintf("cut at %d, seed %d", cutAt, seed))
		return m
	}
	m := after()
	for second := 1; ; second++ {
		message := fmt.Sprintf("cut at %d and %d, seed %d", cutAt, second, seed)
		struck := after()
		struck.cutAt = second
		_, err := struck.rollback(RollbackOptions{})
		if !errors.Is(err, errPower) {
			break
		}
		struck.cut(rand.New(rand.NewPCG(seed, uint64(second))), keep)
		requireMarked(t, s, struck, now, message)
		struck.recover(t, message, RollbackOptions{})
		require.True(t, bytes.Equal(s.image, struck.disk.now) || bytes.Equal(complete, struck.disk.now), message)
	}
	m.recover(t, fmt.Sprintf("cut at %d, seed %d", cutAt, seed), RollbackOptions{})
	isNew := bytes.Equal(complete, m.disk.durable)
	require.True(t, isNew || bytes.Equal(s.image, m.disk.durable), "cut at %d, seed %d", cutAt, seed)
	return isNew
}

// TestDiskFails lets every step fail, for once and for good, with nothing or a
// part of what it writes written.
func TestDiskFails(t *testing.T) {
	for name, test := range faultCases(t) {
		t.Run(name, func(t *testing.T) {
			m := newMachine(test.s.image)
			_, err := test.s.replacement(machineDisk{m}, m, test.now).Write(t.Context())
			require.NoError(t, err)
			for failAt := 1; failAt <= m.steps; failAt++ {
				for _, part := range []int{0, 512, 700} {
					for _, forGood := range []bool{false, true} {
						failOnce(t, test.s, test.now, failAt, part, forGood)
					}
				}
			}
		})
	}
}

func failOnce(t *testing.T, s scattered, now []byte, failAt, part int, forGood bool) {
	t.Helper()
	message := fmt.Sprintf("step %d fails after %d bytes, for good: %t", failAt, part, forGood)
	m := newMachine(s.image)
	m.failAt, m.forGood = map[int]int{failAt: part}, forGood
	_, err := s.replacement(machineDisk{m}, m, now).Write(t.Context())
	require.ErrorIs(t, err, errDisk, message)
	switch {
	case errors.Is(err, hivefile.ErrHalfWritten):
		require.NotEmpty(t, m.journal, message)
	case bytes.Equal(m.disk.now, s.with(now)): // the journal could not be removed
		require.ErrorContains(t, err, "is written", message)
	default:
		require.True(t, bytes.Equal(s.image, m.disk.now), message)
		if len(m.journal) > 0 {
			require.ErrorContains(t, err, "does no harm", message)
		}
	}
	m.failAt, m.failed = nil, false
	// A part of a sector is neither old nor new, and only Force writes over it.
	m.recover(t, message, RollbackOptions{Force: part%sectorSize > 0})
	require.True(t, bytes.Equal(s.image, m.disk.durable) || bytes.Equal(s.with(now), m.disk.durable), message)
}
