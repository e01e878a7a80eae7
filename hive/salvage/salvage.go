package salvage

import (
	"fmt"
	"time"

	"hivepatch/hive"
	"hivepatch/hive/internal/regf"
)

// Options say how a hive is salvaged.
type Options struct {
	Time time.Time // last write time of the new hive
	// Sequence is the sequence number of the new hive, as hive.NextSequence gives
	// it; 0 stands for the one after that of the base block.
	Sequence uint32
}

// Hive makes a new hive of what can still be read of the one in data, and tells
// what could not. The new hive is sound and clean, whatever data holds. The base
// block in data is mended in place where it is wrecked; nothing else is changed.
//
// It returns hive.ErrNotHive when data holds nothing of a hive, hive.ErrReadOnly
// for versions 1.0, 1.1 and 1.6, and hive.ErrTooLarge when the new hive would
// pass a limit of the format. Transaction logs must have been applied before.
func Hive(data []byte, options Options) (*hive.Hive, *Report, error) {
	s := &salvage{report: &Report{Counts: map[Fate]int{}}}
	if err := s.open(data); err != nil {
		return nil, nil, err
	}
	s.cells = newCells(s.image, s.held)
	found := s.count(func(candidate) bool { return true })
	s.keys = make([]key, 0, found+2) // with the root and the container
	s.marks = make([]marks, 0, found+2)
	s.plan()
	if found == 0 && s.keys[0].cell == regf.NIL {
		return nil, nil, fmt.Errorf("%w: no key can be found in it", hive.ErrNotHive)
	}
	image, err := s.write(options)
	if err != nil {
		return nil, nil, err
	}
	h, err := hive.Open(image.Bytes())
	if err != nil {
		return nil, nil, err
	}
	return h, s.report, nil
}

// salvage is the state of one salvage.
type salvage struct {
	cells
	declared regf.Offset // where the hive said that its bins end
	report   *Report

	all       []candidate // see candidates
	keys      []key       // the plan of the new hive; the first is the root
	marks     []marks     // of the keys; beside them, since there may be millions
	container int32       // index of the key for what has no place, or none
	damaged   map[regf.Offset]bool

	followed   int // keys whose lists were read
	entries    int // of lists of subkeys that may still be read
	writer     *regf.Writer
	sharedData bool                // something of the value that was taken last was taken before
	fallback   []byte              // the security descriptor where no other can be read
	known      map[regf.Offset]int // the writer's numbers of descriptors, by cell; noDescriptor for bad ones
}
