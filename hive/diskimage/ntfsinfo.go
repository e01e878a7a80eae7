package diskimage

import (
	"encoding/binary"
	"io/fs"
	"time"
)

// Offsets in $STANDARD_INFORMATION, flags of a file, and tags of reparse points.
const (
	standardModified = 8
	standardFlags    = 32
	leastStandard    = 36
	fileReadOnly     = 0x1
	fileReparse      = 0x400

	tagSymlink   = 0xA000000C
	tagJunction  = 0xA0000003
	tagSurrogate = 0x20000000 // bit: the file stands for another one
)

// fileInfo describes a file or folder as fs.FileInfo.
type fileInfo struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) ModTime() time.Time { return i.modified }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *fileInfo) Sys() any           { return nil }

// describe returns what a file is. What stands for something else, and what
// keeps its content elsewhere, is a symbolic link or irregular.
func (n *NTFS) describe(name string, r *record) (*fileInfo, error) {
	info := &fileInfo{name: name, mode: 0o666}
	standard, err := n.stream(r, typeStandard, "")
	if err != nil {
		return nil, err
	}
	if standard == nil || len(standard.value) < leastStandard {
		return nil, r.wrong("it has no standard information")
	}
	info.modified = fileTime(binary.LittleEndian.Uint64(standard.value[standardModified:]))
	flags := binary.LittleEndian.Uint32(standard.value[standardFlags:])
	if flags&fileReadOnly != 0 {
		info.mode = 0o444
	}
	if r.folder {
		info.mode |= fs.ModeDir | 0o111
	}
	if flags&fileReparse != 0 {
		return info, n.describeReparse(info, r)
	}
	if r.folder {
		return info, nil
	}
	data, err := n.stream(r, typeData, "")
	if err != nil {
		return nil, err
	}
	if data != nil { // some files of NTFS itself have none
		info.size = data.size
	}
	return info, nil
}

// describeReparse sets the type of a reparse point. A folder whose tag does not
// lead elsewhere, such as that of a cloud service, is a folder.
func (n *NTFS) describeReparse(info *fileInfo, r *record) error {
	tag, _, err := n.reparse(r)
	switch {
	case err != nil:
		return err
	case tag == tagSymlink:
		info.mode = fs.ModeSymlink | 0o777
	case tag&tagSurrogate != 0 || !r.folder:
		info.mode = info.mode&fs.ModePerm | fs.ModeIrregular
	}
	return nil
}

// fileTime converts units of 100 ns since 1601.
func fileTime(t uint64) time.Time {
	const seconds = 11644473600 // from 1601 to 1970
	return time.Unix(int64(t/1e7)-seconds, int64(t%1e7)*100).UTC()
}
