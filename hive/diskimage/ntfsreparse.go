package diskimage

import (
	"encoding/binary"
	"path/filepath"
	"strings"

	"hivepatch/hive/internal/regf"
)

// mostReparse is the largest value of a reparse point, in bytes.
const mostReparse = 16 << 10

// Offsets in a reparse point. [MS-FSCC] sections 2.1.2.4 and 2.1.2.5.
const (
	reparseHeader   = 8
	reparseNameAt   = 0 // in the data: where the substitute name is in the names
	reparseNameSize = 2
	reparseFlags    = 8 // of a symbolic link; a junction has its names here
	reparseRelative = 1
)

// reparse returns the tag of a reparse point and its data.
func (n *NTFS) reparse(r *record) (tag uint32, data []byte, err error) {
	s, err := n.stream(r, typeReparse, "")
	if err != nil {
		return 0, nil, err
	}
	if s == nil || s.size < reparseHeader || s.size > mostReparse {
		return 0, nil, r.wrong("its reparse point has no value, or one that cannot be")
	}
	data = make([]byte, s.size)
	if _, err := n.readStream(s, data, 0); err != nil {
		return 0, nil, err
	}
	return binary.LittleEndian.Uint32(data), data[reparseHeader:], nil
}

// target returns where a symbolic link or junction leads: relative to its
// folder, or absolute. Windows writes absolute ones as \??\C:\Users.
func (n *NTFS) target(r *record) (string, error) {
	tag, data, err := n.reparse(r)
	if err != nil {
		return "", err
	}
	names := reparseFlags
	switch tag {
	case tagSymlink:
		names += 4
	case tagJunction:
	default:
		return "", r.wrong("a reparse point with the tag %#x is no link", tag)
	}
	if len(data) < names {
		return "", r.wrong("the link has %d bytes, expected %d", len(data), names)
	}
	from, size := int(binary.LittleEndian.Uint16(data[reparseNameAt:])), int(binary.LittleEndian.Uint16(data[reparseNameSize:]))
	if size%2 != 0 || size == 0 || from+size > len(data)-names {
		return "", r.wrong("the target of the link has %d bytes at %d of %d", size, from, len(data)-names)
	}
	units := make([]uint16, size/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(data[names+from+2*i:])
	}
	target := strings.ReplaceAll(regf.StringFromUnits(units), `\`, "/")
	if tag == tagSymlink && binary.LittleEndian.Uint32(data[reparseFlags:])&reparseRelative != 0 && !strings.HasPrefix(target, "/") {
		return filepath.FromSlash(target), nil
	}
	return absolute(target), nil
}

// absolute writes a target that Windows takes for absolute so that package
// path/filepath does, whatever it runs on.
func absolute(target string) string {
	target = filepath.FromSlash(strings.TrimPrefix(target, "/??/"))
	if filepath.IsAbs(target) {
		return target
	}
	return string(filepath.Separator) + target
}
