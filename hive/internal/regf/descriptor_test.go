package regf

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// TestValidateDescriptor damages a descriptor of 20 bytes of header, an access
// list with two entries, an owner and a group, in this order.
func TestValidateDescriptor(t *testing.T) {
	sound := hivetest.Descriptor(hivetest.SIDAdministrators, hivetest.SIDSystem,
		hivetest.Grant{Mask: hivetest.KeyAllAccess, SID: hivetest.SIDSystem}, hivetest.Grant{Mask: hivetest.KeyRead, SID: hivetest.SIDUsers})
	owner := int(binary.LittleEndian.Uint32(sound[4:]))
	group := int(binary.LittleEndian.Uint32(sound[8:]))
	const acl = 20
	require.Equal(t, acl, int(binary.LittleEndian.Uint32(sound[16:])))
	u16 := func(at int, n uint16) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint16(b[at:], n); return b }
	}
	u32 := func(at int, n uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], n); return b }
	}
	u8 := func(at int, n byte) func([]byte) []byte { return func(b []byte) []byte { b[at] = n; return b } }
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   string // "" for none
	}{
		{"sound", func(b []byte) []byte { return b }, ""},
		{"header alone", func(b []byte) []byte { b = b[:20]; clear(b[4:]); return b }, ""},
		{"access list without the flag", u16(2, 0x8000), ""},
		{"no access list", u32(16, 0), ""},
		{"no owner", u32(4, 0), ""},
		{"bytes behind", func(b []byte) []byte { return append(b, 0, 0) }, ""},
		{"nothing", func(b []byte) []byte { return nil }, "has 0 bytes, want at least 20"},
		{"19 bytes", func(b []byte) []byte { return b[:19] }, "has 19 bytes, want at least 20"},
		{"revision", u8(0, 2), "revision is 2, want 1"},
		{"not self-relative", u16(2, 0x0004), "is not self-relative"},
		{"owner in the header", u32(4, 19), "owner is at 19, outside its 100 bytes"},
		{"owner behind", u32(4, uint32(len(sound))), "owner is at 100, outside its 100 bytes"},
		{"owner far behind", u32(4, 0xFFFFFFFF), "owner is at 4294967295, outside its 100 bytes"},
		{"owner at the last byte", u32(4, uint32(len(sound)-1)), "owner has 1 bytes, want at least 8"},
		{"owner's revision", u8(owner, 0), "owner has revision 0, want 1"},
		{"owner with 16 parts", u8(owner+1, 16), "owner has 16 parts, want at most 15"},
		{"group with a part too many", u8(group+1, 2), "group has 12 bytes, want 16"},
		{"access list behind", u32(16, 100), "access list is at 100, outside its 100 bytes"},
		{"access list cut", u32(16, 96), "access list has 4 bytes, want at least 8"},
		{"access list too short", u16(acl+2, 7), "access list says it has 7 bytes of 80"},
		{"access list too long", u16(acl+2, 81), "access list says it has 81 bytes of 80"},
		{"an entry too many", u16(acl+4, 3), "access list ends before entry 3 of 3"},
		{"entries absurd", u16(acl+4, 0xFFFF), "access list ends before entry 3 of 65535"},
		{"entry of 0 bytes", u16(acl+8+2, 0), "access list entry 1 says it has 0 bytes of 44"},
		{"entry of 3 bytes", u16(acl+8+2, 3), "access list entry 1 says it has 3 bytes of 44"},
		{"entry too long", u16(acl+8+2, 45), "access list entry 1 says it has 45 bytes of 44"},
		{"system access list", func(b []byte) []byte { return u32(12, 98)(u16(2, 0x8010)(b)) }, "system access list has 2 bytes, want at least 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ValidateDescriptor(c.change(append([]byte{}, sound...)))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}

func TestStockDescriptorsAreSound(t *testing.T) {
	for name, b := range map[string][]byte{"default": hivetest.DefaultDescriptor(), "closed": hivetest.ClosedDescriptor(), "readable": hivetest.ReadableDescriptor()} {
		require.NoError(t, ValidateDescriptor(b), name)
	}
}

func TestSecurityRecord(t *testing.T) {
	image := hivetest.Windows10().Build()
	m := parse(t, image.Data)
	for i, place := range image.Securities {
		s, err := m.SecurityRecord(Offset(place.Cell))
		require.NoError(t, err)
		n := len(image.Securities)
		require.Equal(t, Offset(image.Securities[(i+1)%n].Cell), s.Next())
		require.Equal(t, Offset(image.Securities[(i+n-1)%n].Cell), s.Previous())
		require.Equal(t, uint32(place.References), s.ReferenceCount())
		require.Equal(t, place.Descriptor, must(s.Descriptor()))
	}
}
