package sddl

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// One mutation each of a descriptor that can be written.
func TestFormatErrors(t *testing.T) {
	const dacl, entryAt, sid = 20, 28, 36
	put16 := func(at int, value uint16) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint16(b[at:], value); return b }
	}
	put32 := func(at int, value uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], value); return b }
	}
	put8 := func(at int, value byte) func([]byte) []byte {
		return func(b []byte) []byte { b[at] = value; return b }
	}
	control := func(flags uint16) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint16(b[2:], binary.LittleEndian.Uint16(b[2:])|flags)
			return b
		}
	}
	cut := func(length int) func([]byte) []byte { return func(b []byte) []byte { return b[:length] } }
	cases := []struct {
		name    string
		mutate  func([]byte) []byte
		want    error
		message string
	}{
		{"short header", cut(19), ErrDescriptor, "it has 19 bytes, want at least 20"},
		{"revision", put8(0, 2), ErrDescriptor, "revision is 2, want 1"},
		{"not self-relative", put16(2, 0x0004), ErrDescriptor, "it is not self-relative"},
		{"owner in the header", put32(4, 19), ErrDescriptor, "the owner is at 19, outside"},
		{"owner at the end", func(b []byte) []byte { return put32(4, uint32(len(b)))(b) }, ErrDescriptor, "outside its"},
		{"owner far away", put32(4, 0xFFFFFFFF), ErrDescriptor, "outside its"},
		{"owner cut off", func(b []byte) []byte { return b[:len(b)-1] }, ErrDescriptor, "the group has 11 bytes, want 12"},
		{"group with 16 parts", func(b []byte) []byte { b[len(b)-11] = 16; return b }, ErrDescriptor, "has 16 parts, want at most 15"},
		{"DACL revision 1", put8(dacl, 1), ErrDescriptor, "the DACL has revision 1, want 2 to 4"},
		{"DACL revision 5", put8(dacl, 5), ErrDescriptor, "the DACL has revision 5, want 2 to 4"},
		{"DACL size 7", put16(dacl+2, 7), ErrDescriptor, "the DACL says it has 7 bytes of"},
		{"DACL too large", put16(dacl+2, 0xFFFF), ErrDescriptor, "the DACL says it has 65535 bytes of"},
		{"more entries than there are", put16(dacl+4, 3), ErrDescriptor, "the DACL ends before entry 3 of 3"},
		{"entry of 3 bytes", put16(entryAt+2, 3), ErrDescriptor, "entry 1 of the DACL says it has 3 bytes"},
		{"entry too large", put16(entryAt+2, 41), ErrDescriptor, "entry 1 of the DACL says it has 41 bytes of 40"},
		{"entry without mask", put16(entryAt+2, 7), ErrDescriptor, "entry 1 of the DACL: not a sound security descriptor: it has 7 bytes, want at least 8"},
		{"SID of revision 0", put8(sid, 0), ErrDescriptor, "its SID has revision 0, want 1"},
		{"entry shorter than its SID", put8(sid+1, 2), ErrDescriptor, "its SID has 12 bytes, want 16"},
		{"object entry too short", put8(entryAt, 5), ErrInexpressible, "object flags are 0x101"},
		{"compound entry", put8(entryAt, 4), ErrInexpressible, "no word for type 0x4"},
		{"unknown entry", put8(entryAt, 0x16), ErrInexpressible, "no word for type 0x16"},
		{"conditional entry", put8(entryAt, 9), ErrInexpressible, "type 0x9 (XA) carries a condition"},
		{"conditional entry without a word", put8(entryAt, 0x0F), ErrInexpressible, "type 0xf (which has no SDDL form)"},
		{"resource attribute without one", put8(entryAt, 0x12), ErrDescriptor, "its attribute has 0 bytes, want at least 16"},
		{"owner defaulted", control(0x0001), ErrInexpressible, "the flag OWNER_DEFAULTED"},
		{"group defaulted", control(0x0002), ErrInexpressible, "the flag GROUP_DEFAULTED"},
		{"DACL defaulted", control(0x0008), ErrInexpressible, "the flag DACL_DEFAULTED"},
		{"SACL defaulted", control(0x0020), ErrInexpressible, "the flag SACL_DEFAULTED"},
		{"DACL trusted", control(0x0040), ErrInexpressible, "the flag DACL_TRUSTED"},
		{"server security", control(0x0080), ErrInexpressible, "the flag SERVER_SECURITY"},
		{"resource manager", control(0x4000), ErrInexpressible, "the flag RM_CONTROL_VALID"},
		{"resource manager's byte", put8(1, 1), ErrInexpressible, "the resource manager's byte 0x01"},
		{"protected SACL that is absent", control(0x2000), ErrInexpressible, "SACL_PROTECTED without a SACL"},
		{"protected DACL that is absent", put16(2, 0x9000), ErrInexpressible, "DACL_PROTECTED without a DACL"},
		{"no parts", func([]byte) []byte { return append([]byte{1, 0, 0, 0x80}, make([]byte, 16)...) }, ErrInexpressible, "without any part"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, err := Parse("O:SYG:SYD:(A;;KA;;;SY)(A;;KR;;;WD)")
			require.NoError(t, err)
			text, err := Format(c.mutate(b))
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.message)
			require.Empty(t, text)
		})
	}
}

// What is layout: the text is the same.
func TestFormatIgnoresLayout(t *testing.T) {
	const want = "O:SYG:BAD:(A;;KA;;;SY)"
	cases := []struct{ name, bytes string }{
		{"order of parts", "01 00 0480 14000000 20000000 00000000 30000000" + system + admins + "02 00 1c00 0100 0000  00 00 1400 3f000f00" + system},
		{"padding behind the entry", "01 00 0480 14000000 20000000 00000000 30000000" + system + admins + "02 00 2000 0100 0000  00 00 1800 3f000f00" + system + "ffffffff"},
		{"padding behind the list", "01 00 0480 14000000 20000000 00000000 30000000" + system + admins + "02 00 2000 0100 0000  00 00 1400 3f000f00" + system + "ffffffff"},
		{"gaps", "01 00 0480 18000000 24000000 00000000 34000000 ffffffff" + system + admins + "02 00 1c00 0100 0000  00 00 1400 3f000f00" + system},
		{"revision 4", "01 00 0480 14000000 20000000 00000000 30000000" + system + admins + "04 00 1c00 0100 0000  00 00 1400 3f000f00" + system},
		{"marks of an absent SACL", "01 00 048a 14000000 20000000 00000000 30000000" + system + admins + "02 00 1c00 0100 0000  00 00 1400 3f000f00" + system},
		{"SACL that is not present", "01 00 0480 14000000 20000000 ffffffff 30000000" + system + admins + "02 00 1c00 0100 0000  00 00 1400 3f000f00" + system},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, err := Format(unhex(t, c.bytes))
			require.NoError(t, err)
			require.Equal(t, want, text)
			canonical, err := Canonical(unhex(t, c.bytes))
			require.NoError(t, err)
			parsed, err := Parse(want)
			require.NoError(t, err)
			require.Equal(t, parsed, canonical)
		})
	}
}

// One mutation each of a resource attribute that can be written.
func TestAttributeErrors(t *testing.T) {
	const at = 28 + 8 + 12 // of the attribute
	cases := []struct {
		name, text string
		mutate     func(attribute []byte)
		message    string
	}{
		{"type", `("a",TU,0,1)`, func(a []byte) { a[4] = 4 }, "unknown type 0x4"},
		{"name outside", `("a",TU,0,1)`, func(a []byte) { a[0] = 0xFF }, "at 255 has no end"},
		{"name without end", `("a",TS,0)`, func(a []byte) { a[len(a)-1], a[len(a)-2] = 1, 1 }, "has no end"},
		{"no name", `("a",TU,0,1)`, func(a []byte) { a[20] = 0 }, "an attribute without a name"},
		{"count", `("a",TU,0,1)`, func(a []byte) { a[12] = 5 }, "too few for 5 values"},
		{"number outside", `("a",TU,0,1)`, func(a []byte) { a[16] = byte(len(a) - 7) }, "a value of its attribute is at"},
		{"boolean", `("a",TB,0,1)`, func(a []byte) { a[24] = 2 }, "the boolean value 2"},
		{"length of octets", `("a",TX,0,#01)`, func(a []byte) { a[24] = 5 }, "has 5 bytes of 4"},
		{"octets outside", `("a",TX,0,#01)`, func(a []byte) { a[16] = byte(len(a) - 3) }, "a value of its attribute is at"},
		{"SID", `("a",TD,0,SY)`, func(a []byte) { a[28] = 2 }, "a SID of its attribute has revision 2"},
		{"quotation mark", `("a",TS,0,"x")`, func(a []byte) { a[24] = '"' }, "a quotation mark"},
		{"surrogate", `("a",TS,0,"x")`, func(a []byte) { a[25] = 0xD8 }, "an unpaired surrogate"},
		{"values that overlap", `("a",TX,0,#00112233445566778899aabbccddeeff,#,#,#,#)`, func(a []byte) {
			for i := range 5 {
				copy(a[16+4*i:], a[16:20])
			}
		}, "the values of its attribute overlap"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, err := Parse(`S:(RA;;;;;WD;` + c.text + `)`)
			require.NoError(t, err)
			_, err = Format(b)
			require.NoError(t, err)
			c.mutate(b[at:])
			_, err = Format(b)
			require.ErrorContains(t, err, c.message)
		})
	}
}
