package diskimage

import (
	"fmt"
	"io"
	"sync"
)

// mostWork is how many bytes of the structures of the volumes in an image are
// read, in all: file records, lists, folders. What is asked for here needs some
// megabytes of the fullest volume. Only what somebody has prepared needs more.
const mostWork = 256 << 20

// NTFS is an NTFS volume, opened for reading. It is a hivefile.Tree, and can be
// used from several goroutines.
//
// Nothing that the volume says leads out of it, takes more memory than a small
// part of what was read, or more time than reading mostWork bytes takes: no
// structure is followed by recursion, and every number is compared with what is
// really there before it is used.
type NTFS struct {
	*geometry
	volume *Volume
	disk   io.ReaderAt
	mft    *stream

	mutex sync.Mutex
	known map[place]reference // names that were looked up
}

// OpenNTFS opens the file system of a volume. It returns a VolumeKindError for a
// volume that holds something else, a FormatError for one that is damaged, and
// errors of reading.
func (v *Volume) OpenNTFS() (*NTFS, error) {
	if v.Kind != NTFSVolume {
		return nil, &VolumeKindError{v}
	}
	n, err := openNTFS(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v, err)
	}
	return n, nil
}

func openNTFS(v *Volume) (*NTFS, error) {
	boot, err := readSector(v.image.disk, v.Offset)
	if err != nil {
		return nil, err
	}
	g, err := parseBoot(boot, v.Partition)
	if err != nil {
		return nil, err
	}
	n := &NTFS{geometry: g, volume: v, disk: v.image.disk, known: map[place]reference{}}
	return n, n.openMFT()
}

// openMFT finds the parts of the table of file records. The first record
// describes the table that it is in; when that has a list of attributes, each
// record that holds a part lies in the parts before.
func (n *NTFS) openMFT() error {
	first := make([]byte, n.recordSize)
	at := n.base + n.geometry.mft*n.cluster
	if err := readFull(n.disk, first, at); err != nil {
		return err
	}
	r, err := parseRecord(first, recordMFT, at)
	if err != nil {
		return err
	}
	n.mft = &stream{}
	for i := range r.attributes {
		if a := &r.attributes[i]; a.kind == typeData && a.name == "" {
			if err := n.mft.add(n.geometry, a, true); err != nil {
				return r.explain(typeData, err)
			}
			break
		}
	}
	if n.mft.resident || len(n.mft.runs) == 0 || n.mft.runs[0].lcn != n.geometry.mft {
		return r.wrong("it does not say that the table begins here")
	}
	whole, parts := n.mft, 0
	err = n.eachPart(r, typeData, "", func(a *attribute) error {
		if parts++; parts == 1 {
			return nil // has been added
		}
		return whole.add(n.geometry, a, false)
	})
	if err == nil {
		err = whole.check(n.geometry)
	}
	if err == nil && whole.flags&(flagCompressed|flagEncrypted|flagSparse) != 0 {
		err = fmt.Errorf("%w: the table of file records has the flags %#x", ErrRuns, whole.flags)
	}
	if err != nil {
		return r.explain(typeData, err)
	}
	return nil
}

// spend counts bytes that are about to be read. It returns ErrTooMuchWork when
// they are too many.
func (n *NTFS) spend(bytes int) error {
	// A read costs time even where it is of few bytes.
	if n.volume.image.work.Add(int64(max(bytes, fixupStride))) > mostWork {
		return fmt.Errorf("%s: %w: %d MiB", n.volume, ErrTooMuchWork, mostWork>>20)
	}
	return nil
}

// Volume is the volume that the file system is in.
func (n *NTFS) Volume() *Volume { return n.volume }
