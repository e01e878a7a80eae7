package hivetest

import "encoding/binary"

// Rights to a key, as access masks.
const (
	KeyAllAccess = 0x000F003F
	KeyRead      = 0x00020019
)

// Security identifiers that stock hives use.
var (
	SIDSystem         = SID(5, 18)
	SIDAdministrators = SID(5, 32, 544)
	SIDUsers          = SID(5, 32, 545)
	SIDEveryone       = SID(1, 0)
	SIDRestricted     = SID(5, 12)
)

// SID returns the binary form of S-1-authority-sub-sub…
func SID(authority byte, sub ...uint32) []byte {
	sid := []byte{1, byte(len(sub)), 0, 0, 0, 0, 0, authority}
	for _, s := range sub {
		sid = binary.LittleEndian.AppendUint32(sid, s)
	}
	return sid
}

// Grant is one access-allowed entry that subkeys inherit.
type Grant struct {
	Mask uint32
	SID  []byte
}

// Descriptor returns a self-relative security descriptor with an owner, a group
// and a discretionary ACL of the grants, in the order header, ACL, owner, group.
func Descriptor(owner, group []byte, grants ...Grant) []byte {
	const (
		headerSize       = 20
		containerInherit = 2
		control          = 0x8004 // self-relative, DACL present
	)
	acl := make([]byte, 8)
	for _, grant := range grants {
		acl = append(acl, 0, containerInherit)
		acl = binary.LittleEndian.AppendUint16(acl, uint16(8+len(grant.SID)))
		acl = binary.LittleEndian.AppendUint32(acl, grant.Mask)
		acl = append(acl, grant.SID...)
	}
	acl[0] = 2 // revision
	binary.LittleEndian.PutUint16(acl[2:], uint16(len(acl)))
	binary.LittleEndian.PutUint16(acl[4:], uint16(len(grants)))

	descriptor := make([]byte, headerSize)
	descriptor[0] = 1 // revision
	binary.LittleEndian.PutUint16(descriptor[2:], control)
	binary.LittleEndian.PutUint32(descriptor[16:], headerSize)
	descriptor = append(descriptor, acl...)
	binary.LittleEndian.PutUint32(descriptor[4:], uint32(len(descriptor)))
	descriptor = append(descriptor, owner...)
	binary.LittleEndian.PutUint32(descriptor[8:], uint32(len(descriptor)))
	return append(descriptor, group...)
}

// DefaultDescriptor is the one a root key gets whose literal names none:
// Administrators and System may do everything, everyone else may read.
func DefaultDescriptor() []byte {
	return Descriptor(SIDAdministrators, SIDAdministrators,
		Grant{KeyAllAccess, SIDSystem}, Grant{KeyAllAccess, SIDAdministrators},
		Grant{KeyRead, SIDEveryone}, Grant{KeyRead, SIDRestricted})
}

// ClosedDescriptor lets only System and Administrators in. Its length is that
// of ReadableDescriptor.
func ClosedDescriptor() []byte {
	return Descriptor(SIDAdministrators, SIDSystem,
		Grant{KeyAllAccess, SIDSystem}, Grant{KeyAllAccess, SIDAdministrators})
}

// ReadableDescriptor lets System do everything and Users read. Its length is
// that of ClosedDescriptor.
func ReadableDescriptor() []byte {
	return Descriptor(SIDAdministrators, SIDSystem,
		Grant{KeyAllAccess, SIDSystem}, Grant{KeyRead, SIDUsers})
}
