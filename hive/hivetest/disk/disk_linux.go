// Package disk is a file system for tests, served by FUSE, that fails as disks
// do, and that knows what a power cut would leave of it. It has one folder.
package disk

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
)

// sectorSize is what a disk writes whole or not at all, in bytes.
const sectorSize = 512

// Fault is a failure of the disk.
type Fault struct {
	At      int // number of the first call that fails, from 1
	Forever bool
	Err     syscall.Errno
}

// Disk is the file system. Only calls that change something or bring it to the
// disk are counted, can fail, and are told to Before.
type Disk struct {
	Dir       string         // where it is mounted
	NoUnnamed bool           // it has no files without a name
	Before    func(call int) // called before each call, unless nil
	Fault     Fault

	mu     sync.Mutex
	calls  int
	next   uint64             // number of the next file
	names  map[string]*file   // the folder
	synced map[string]*file   // the folder on the disk
	later  []map[string]*file // the folder after each change since then
}

// file is a file, with or without names.
type file struct {
	number   uint64
	data     []byte
	synced   []byte // what of it is on the disk
	mode     uint32
	uid, gid uint32
	changed  time.Time
}

// Mount mounts a disk with files until the test ends. It returns an error where
// that is not possible.
func Mount(t testing.TB, files map[string][]byte) (*Disk, error) {
	t.Helper()
	d := &Disk{Dir: t.TempDir(), names: map[string]*file{}}
	for name, data := range files {
		d.names[name] = d.newFile(0o640)
		d.names[name].data, d.names[name].synced = data, slices.Clone(data)
	}
	d.synced = maps.Clone(d.names)
	options := &fs.Options{}
	options.FsName, options.Name, options.DirectMountStrict = "disk", "disk", false
	options.DirectMount = true
	server, err := fs.Mount(d.Dir, &folder{disk: d}, options)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return d, nil
}

func (d *Disk) newFile(mode uint32) *file {
	d.next++
	return &file{number: d.next + 1, mode: mode, changed: time.Unix(1e9, 0)}
}

// Calls is the number of calls so far.
func (d *Disk) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// takesRoom says of a call that a full disk refuses it.
const takesRoom = true

// begin counts a call. The caller has the lock.
func (d *Disk) begin(room bool) syscall.Errno {
	d.calls++
	if d.Before != nil {
		d.Before(d.calls)
	}
	struck := d.calls == d.Fault.At || d.Fault.Forever && d.calls > d.Fault.At
	if struck && d.Fault.Err != 0 && (room || d.Fault.Err != syscall.ENOSPC) {
		return d.Fault.Err
	}
	return 0
}

// renamed notes that the folder has changed.
func (d *Disk) renamed() { d.later = append(d.later, maps.Clone(d.names)) }

// Files are the files as programs see them.
func (d *Disk) Files() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return contents(d.names, func(f *file) []byte { return slices.Clone(f.data) })
}

func contents(names map[string]*file, of func(f *file) []byte) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) { // so that chance is the same each time
		files[name] = of(names[name])
	}
	return files
}

// AfterPowerCut returns what could be on the disk if the power went now: of the
// changes of names since the folder was synced those up to any of them, and with
// each, of what was written to files since they were synced nothing, all, or any
// sectors, of which chances many are tried. It is for use in Before too.
func (d *Disk) AfterPowerCut(chances int, random *rand.Rand) (states []map[string][]byte) {
	for _, names := range append([]map[string]*file{d.synced}, d.later...) {
		states = append(states,
			contents(names, func(f *file) []byte { return slices.Clone(f.synced) }),
			contents(names, func(f *file) []byte { return slices.Clone(f.data) }))
		for range chances {
			states = append(states, contents(names, func(f *file) []byte { return f.some(random) }))
		}
	}
	return states
}

// some is the file with some of the sectors that have not been synced.
func (f *file) some(random *rand.Rand) []byte {
	from, to := f.synced, f.data
	size := len(from)
	if random.IntN(2) == 1 {
		size = len(to)
	}
	mixed := make([]byte, size)
	copy(mixed, from)
	for at := 0; at < min(size, len(to)); at += sectorSize {
		if random.IntN(2) == 1 {
			copy(mixed[at:min(at+sectorSize, size)], to[at:])
		}
	}
	return mixed
}
