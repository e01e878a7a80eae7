package hivefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Extended attributes that file systems of Windows have and do not list. Those
// of ntfs-3g are the access control list, the attributes such as hidden, the
// time of creation, and what OS/2 and Linux subsystems have added.
var (
	hiddenAttributes = [...]string{"system.ntfs_acl", "system.ntfs_attrib", "system.ntfs_crtime", "system.ntfs_ea"}

	// ownAttributes belong to one file and to no copy of it: two files may not
	// have the same short name or object identifier, and the contents of a file
	// with a reparse point are elsewhere. Every hive that Windows has made has a
	// short name: SYSTEM is one itself.
	ownAttributes = [...]string{"system.ntfs_dos_name", "system.ntfs_object_id", "system.ntfs_reparse_data"}

	// sealAttributes are hashes and signatures of the contents.
	sealAttributes = [...]string{"security.ima", "security.evm"}
)

// mostAttribute is the most that Linux lets a list of names or a value have, in
// bytes.
const mostAttribute = 64 << 10

// keep gives file to all that from has besides its contents, its times and its
// ownAttributes: the owner, the mode, and every extended attribute, among which
// are access control lists. On NTFS the time of creation is one of them. The
// error says which of them the file system does not let it have.
func keep(from, to *os.File) error {
	if err := keepOwner(from, to); err != nil {
		return err
	}
	names, err := listedAttributes(from)
	if err != nil {
		return err
	}
	for _, name := range append(names, hiddenAttributes[:]...) {
		if err := keepAttribute(from, to, name); err != nil {
			return err
		}
	}
	return nil
}

// ownAttribute returns the name of one of ownAttributes that the file has, or "".
func ownAttribute(file *os.File) (string, error) {
	for _, name := range ownAttributes {
		if value, err := attribute(file, name); err != nil || value != nil {
			return name, err
		}
	}
	return "", nil
}

// keepOwner sets owner and mode where they are not right already: file systems
// that know none refuse even that.
func keepOwner(from, to *os.File) error {
	want, err := from.Stat()
	if err != nil {
		return err
	}
	got, err := to.Stat()
	if err != nil {
		return err
	}
	wanted, is := want.Sys().(*syscall.Stat_t), got.Sys().(*syscall.Stat_t)
	if wanted.Uid != is.Uid || wanted.Gid != is.Gid {
		if err := to.Chown(int(wanted.Uid), int(wanted.Gid)); err != nil {
			return err
		}
	}
	if want.Mode() != got.Mode() || wanted.Uid != is.Uid || wanted.Gid != is.Gid {
		if err := to.Chmod(want.Mode()); err != nil {
			return err
		}
	}
	if got, err = to.Stat(); err != nil {
		return err
	}
	is = got.Sys().(*syscall.Stat_t)
	if want.Mode() != got.Mode() || wanted.Uid != is.Uid || wanted.Gid != is.Gid {
		return &fs.PathError{Op: "keep the owner and mode", Path: from.Name(), Err: unix.EOPNOTSUPP}
	}
	return nil
}

// attributeError is returned for an extended attribute that cannot be kept.
type attributeError struct {
	path, name string
	err        error
}

func (e *attributeError) Error() string {
	return fmt.Sprintf("keep the attribute %s of %s: %v", e.name, e.path, e.err)
}
func (e *attributeError) Unwrap() error { return e.err }

func keepAttribute(from, to *os.File, name string) error {
	for _, seal := range sealAttributes {
		if name == seal {
			return nil
		}
	}
	want, err := attribute(from, name)
	if err != nil || want == nil {
		return err
	}
	got, err := attribute(to, name)
	if err != nil || got != nil && bytes.Equal(want, got) {
		return err
	}
	err = repeat(func() error { return unix.Fsetxattr(int(to.Fd()), name, want, 0) })
	if err != nil {
		return &attributeError{from.Name(), name, err}
	}
	if got, err = attribute(to, name); err != nil {
		return err
	}
	if !bytes.Equal(want, got) {
		return &attributeError{from.Name(), name, unix.EOPNOTSUPP}
	}
	return nil
}

// attribute returns the value of an extended attribute, nil where there is none.
func attribute(file *os.File, name string) ([]byte, error) {
	value := make([]byte, 256)
	for {
		n, err := 0, error(nil)
		err = repeat(func() error {
			n, err = unix.Fgetxattr(int(file.Fd()), name, value)
			return err
		})
		switch {
		case err == nil:
			return value[:n:n], nil
		case errors.Is(err, unix.ERANGE) && len(value) < mostAttribute:
			value = make([]byte, mostAttribute)
			continue
		case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
			return nil, nil
		}
		return nil, &attributeError{file.Name(), name, err}
	}
}

// listedAttributes returns the names of the extended attributes that the file
// system lists.
func listedAttributes(file *os.File) ([]string, error) {
	list := make([]byte, mostAttribute)
	n, err := 0, error(nil)
	err = repeat(func() error {
		n, err = unix.Flistxattr(int(file.Fd()), list)
		return err
	})
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, &fs.PathError{Op: "list the attributes", Path: file.Name(), Err: err}
	}
	return strings.FieldsFunc(string(list[:n]), func(c rune) bool { return c == 0 }), nil
}

// File systems of Windows whose attributes Linux does not hand out, or not all:
// another file could not have them. The numbers are from linux/magic.h and the
// sources of the drivers.
var outOfReach = map[int64]string{
	0x4D44:     "the driver for FAT",
	0x2011BAB0: "the driver for exFAT",
	0x5346544E: "the driver for NTFS",
	0x7366746E: "the driver ntfs3",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB",
	0x517B:     "SMB",
}

// attributesOutOfReach names the driver when the file lies on such a file
// system.
func attributesOutOfReach(file *os.File) string {
	var stat unix.Statfs_t
	if err := repeat(func() error { return unix.Fstatfs(int(file.Fd()), &stat) }); err != nil {
		return ""
	}
	return outOfReach[int64(uint32(stat.Type))]
}

// openUnnamed opens a new file that has no name yet.
func (f folder) openUnnamed() (*os.File, error) { return f.open(".", unix.O_TMPFILE) }
