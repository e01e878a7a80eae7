package diskimage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
)

// machine is a computer with a disk and a folder for journals, both of which
// keep for certain only what was synced. Its power can be cut before any of the
// things that it does, and any of them can fail.
type machine struct {
	disk    *store
	journal map[string]*store // by path, as programs see it
	durable map[string]*store // by path, as it is after a cut, if its contents are

	steps   int
	cutAt   int         // the power fails at this step and all after it; 0 for never
	failAt  map[int]int // by step, after how many bytes of a write it fails
	forGood bool        // and so does all that writes from then on
	failed  bool
}

// store is a number of bytes, some of which may not be on the disk yet.
type store struct {
	now     []byte
	durable []byte
	pending []write
}

type write struct {
	offset int64
	data   []byte
}

var (
	errPower = errors.New("the power is off")
	errDisk  = errors.New("the disk has failed")
)

func newMachine(image []byte) *machine {
	return &machine{disk: &store{now: bytes.Clone(image), durable: bytes.Clone(image)}, journal: map[string]*store{}, durable: map[string]*store{}}
}

// step counts what changes something, and returns how much of a write of n bytes
// happens.
func (m *machine) step(n int) (int, error) {
	m.steps++
	if m.cutAt > 0 && m.steps >= m.cutAt {
		// The write of that moment is as uncertain as all before it.
		if m.steps > m.cutAt {
			n = 0
		}
		return n, errPower
	}
	done, fails := m.failAt[m.steps]
	if fails || m.failed && m.forGood {
		m.failed = true
		return min(n, done), errDisk
	}
	return n, nil
}

func (m *machine) write(s *store, p []byte, offset int64) (int, error) {
	n, err := m.step(len(p))
	if end := offset + int64(n); end > int64(len(s.now)) {
		s.now = append(s.now, make([]byte, end-int64(len(s.now)))...)
	}
	copy(s.now[offset:], p[:n])
	if n > 0 {
		s.pending = append(s.pending, write{offset, bytes.Clone(p[:n])})
	}
	return n, err
}

func (m *machine) sync(s *store) error {
	if _, err := m.step(0); err != nil {
		return err
	}
	s.durable, s.pending = bytes.Clone(s.now), nil
	return nil
}

// cut cuts the power. Each sector that was written since the last sync is on
// the disk with the probability keep, whatever became of the others.
func (m *machine) cut(random *rand.Rand, keep float64) {
	settle := func(s *store) *store {
		data := bytes.Clone(s.durable)
		for _, w := range s.pending {
			for from := 0; from < len(w.data); from += sectorSize {
				if random.Float64() >= keep {
					continue
				}
				part := w.data[from:min(from+sectorSize, len(w.data))]
				at := w.offset + int64(from)
				if end := at + int64(len(part)); end > int64(len(data)) {
					data = append(data, make([]byte, end-int64(len(data)))...)
				}
				copy(data[at:], part)
			}
		}
		return &store{now: data, durable: bytes.Clone(data)}
	}
	m.disk = settle(m.disk)
	files := map[string]*store{}
	for _, path := range slices.Sorted(maps.Keys(m.durable)) {
		// A name that was removed without a sync may be there again.
		if m.journal[path] != nil || random.Float64() >= keep {
			files[path] = settle(m.durable[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.journal)) {
		if m.durable[path] == nil && random.Float64() < keep {
			files[path] = settle(m.journal[path])
		}
	}
	m.journal, m.durable = files, maps.Clone(files)
	m.steps, m.cutAt, m.failAt, m.failed = 0, 0, nil, false
}

// Disk of the machine.

type machineDisk struct{ *machine }

func (d machineDisk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d.disk.now).ReadAt(p, off)
}

func (d machineDisk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(d.disk.now)) {
		panic(fmt.Sprintf("a write of %d bytes to %d outside of the disk", len(p), off))
	}
	return d.write(d.disk, p, off)
}

func (d machineDisk) Sync() error { return d.sync(d.disk) }
func (d machineDisk) Size() int64 { return int64(len(d.disk.now)) }

// Folder of the machine.

type machineFile struct {
	*machine
	store *store
}

func (f machineFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.store.now)) {
		return 0, io.EOF
	}
	return bytes.NewReader(f.store.now).ReadAt(p, off)
}

func (f machineFile) WriteAt(p []byte, off int64) (int, error) { return f.write(f.store, p, off) }
func (f machineFile) Sync() error                              { return f.sync(f.store) }
func (f machineFile) Close() error                             { return nil }

func (m *machine) find(path string) (bool, error) { return m.journal[path] != nil, nil }

func (m *machine) create(path string) (journalFile, error) {
	if m.journal[path] != nil {
		return nil, ErrJournalExists
	}
	if _, err := m.step(0); err != nil {
		return nil, err
	}
	m.journal[path] = &store{}
	return machineFile{m, m.journal[path]}, nil
}

func (m *machine) open(path string) (journalFile, int64, error) {
	file := m.journal[path]
	if file == nil {
		return nil, 0, ErrNoJournal
	}
	return machineFile{m, file}, int64(len(file.now)), nil
}

func (m *machine) remove(path string) error {
	if _, err := m.step(0); err != nil {
		return err
	}
	delete(m.journal, path)
	return m.syncFolder(path)
}

func (m *machine) syncFolder(path string) error {
	if _, err := m.step(0); err != nil {
		return err
	}
	delete(m.durable, path)
	if file := m.journal[path]; file != nil {
		m.durable[path] = file
	}
	return nil
}
