package diskimage

import (
	"fmt"
	"io"
	"io/fs"

	"hivepatch/hive/hivefile"
)

// FileMap is where the content of a file lies on the disk.
type FileMap struct {
	// Extents hold the content in order. Their lengths add up to Size.
	Extents []Extent
	// Size is that of the content, in bytes. Clusters may go on behind it.
	Size int64
	// Allocated is what the clusters of the file hold, in bytes.
	Allocated int64
	// Initialized is how many bytes of the content were ever written. What comes
	// after them is zeros, whatever is on the disk.
	Initialized int64
}

// Map tells where on the disk the content of a file lies, so that it can be
// changed there without any structure of the volume. It returns ErrCompressed,
// ErrEncrypted, ErrSparse or ErrResident for a file of which that cannot be said,
// hivefile.ErrNotRegular for what is no file, a FormatError for damage, among it
// ErrAttributeList and ErrRuns, and errors as Lstat does.
func (n *NTFS) Map(name string) (*FileMap, error) {
	s, _, err := n.content(name)
	if err == nil {
		err = s.inPlace()
	}
	if err != nil {
		return nil, &fs.PathError{Op: "map", Path: n.full(name), Err: err}
	}
	m := &FileMap{Size: s.size, Allocated: s.allocated, Initialized: s.initialized}
	for _, r := range s.runs {
		length := min(r.count*n.cluster, s.size-r.vcn*n.cluster)
		if length <= 0 {
			break
		}
		off := n.base + r.lcn*n.cluster
		if last := len(m.Extents) - 1; last >= 0 && m.Extents[last].Offset+m.Extents[last].Length == off {
			m.Extents[last].Length += length
			continue
		}
		m.Extents = append(m.Extents, Extent{Offset: off, Length: length})
	}
	return m, nil
}

// inPlace refuses a stream whose bytes are not those on the disk.
func (s *stream) inPlace() error {
	if err := s.readable(); err != nil {
		return err
	}
	switch {
	case s.resident:
		return ErrResident
	case s.flags&flagSparse != 0:
		return ErrSparse
	}
	for _, r := range s.runs {
		if r.lcn == hole {
			return fmt.Errorf("%w: %d clusters are nowhere", ErrSparse, r.count)
		}
	}
	return nil
}

// readable refuses a stream whose bytes are no plain text.
func (s *stream) readable() error {
	switch {
	case s.flags&flagCompressed != 0:
		return ErrCompressed
	case s.flags&flagEncrypted != 0:
		return ErrEncrypted
	}
	return nil
}

// content returns the content of a file.
func (n *NTFS) content(name string) (*stream, *fileInfo, error) {
	r, info, err := n.resolve(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%w: it is %s", hivefile.ErrNotRegular, fs.FormatFileInfo(info))
	}
	s, err := n.stream(r, typeData, "")
	if s == nil {
		s = &stream{resident: true}
	}
	return s, info, err
}

// OpenFile opens a file for reading. Files that NTFS has compressed or encrypted
// cannot be read: ErrCompressed, ErrEncrypted.
func (n *NTFS) OpenFile(name string) (hivefile.TreeFile, error) {
	s, info, err := n.content(name)
	if err == nil {
		err = s.readable()
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: n.full(name), Err: err}
	}
	content := &fileContent{n, s}
	return &file{SectionReader: io.NewSectionReader(content, 0, s.size), info: info}, nil
}

// file is an open file. There is nothing to close.
type file struct {
	*io.SectionReader
	info *fileInfo
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// fileContent reads the content of a file, which a SectionReader keeps within
// its size.
type fileContent struct {
	volume *NTFS
	stream *stream
}

func (c *fileContent) ReadAt(p []byte, off int64) (int, error) {
	if c.stream.resident {
		return copy(p, c.stream.value[off:]), nil
	}
	if err := c.volume.fill(c.stream, p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}
