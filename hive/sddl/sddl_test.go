package sddl

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unhex decodes bytes that are written with blanks between them.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	require.NoError(t, err)
	return b
}

// Bytes that the descriptors of the tests have in common.
const (
	everyone = "01 01 000000000001 00000000"
	system   = "01 01 000000000005 12000000"
	admins   = "01 02 000000000005 20000000 20020000"
	policy   = "01 02 000000000011 01000000 02000000"
)

// The bytes were written by hand from MS-DTYP 2.4.
func TestBothWays(t *testing.T) {
	const daclOnly = "01 00 0480 00000000 00000000 00000000 14000000 "
	const saclOnly = "01 00 1080 00000000 00000000 14000000 00000000 "
	cases := []struct{ name, text, bytes string }{
		{"owner", "O:SY", "01 00 0080 14000000 00000000 00000000 00000000" + system},
		{"owner and group", "O:SYG:BA", "01 00 0080 14000000 20000000 00000000 00000000" + system + admins},
		{"empty DACL", "D:", daclOnly + "02 00 0800 0000 0000"},
		{"null DACL", "D:NO_ACCESS_CONTROL", "01 00 0480 00000000 00000000 00000000 00000000"},
		{"null SACL with a flag", "S:AINO_ACCESS_CONTROL", "01 00 1088 00000000 00000000 00000000 00000000"},
		{"DACL flags", "D:PARAI", "01 00 0495 00000000 00000000 00000000 14000000 02 00 0800 0000 0000"},
		{"SACL flags", "S:PARAI", "01 00 10aa 00000000 00000000 14000000 00000000 02 00 0800 0000 0000"},
		{"allow", "D:(A;CI;KA;;;SY)", daclOnly + "02 00 1c00 0100 0000  00 02 1400 3f000f00" + system},
		{"deny", "D:(D;OIIO;GXGR;;;WD)", daclOnly + "02 00 1c00 0100 0000  01 09 1400 000000a0" + everyone},
		{"no rights", "D:(A;;;;;WD)", daclOnly + "02 00 1c00 0100 0000  00 00 1400 00000000" + everyone},
		{"single rights", "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWOGAGXGWGR;;;WD)", daclOnly + "02 00 1c00 0100 0000  00 00 1400 ff010ff0" + everyone},
		{"rights without a word", "D:(A;;0x100200;;;WD)", daclOnly + "02 00 1c00 0100 0000  00 00 1400 00021000" + everyone},
		{"file rights", "D:(A;;FA;;;WD)", daclOnly + "02 00 1c00 0100 0000  00 00 1400 ff011f00" + everyone},
		{"audit", "S:(AU;OICINPIOIDCRSAFA;KR;;;WD)", saclOnly + "02 00 1c00 0100 0000  02 ff 1400 19000200" + everyone},
		{"alarm", "S:(AL;SA;KW;;;WD)", saclOnly + "02 00 1c00 0100 0000  03 40 1400 06000200" + everyone},
		{"mandatory label", "S:(ML;CI;NWNRNX;;;HI)", saclOnly + "02 00 1c00 0100 0000  11 02 1400 07000000 01 01 000000000010 00300000"},
		{"scoped policy", "S:(SP;;;;;S-1-17-1-2)", saclOnly + "02 00 2000 0100 0000  13 00 1800 00000000" + policy},
		{"trust label", "S:(TL;;0x200000;;;S-1-19-512-8192)", saclOnly + "02 00 2000 0100 0000  14 00 1800 00002000 01 02 000000000013 00020000 00200000"},
		{"object without GUIDs", "D:(OA;;CC;;;WD)", daclOnly + "04 00 2000 0100 0000  05 00 1800 01000000 00000000" + everyone},
		{"object", "D:(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)", daclOnly +
			"04 00 3000 0100 0000  06 00 2800 00010000 01000000 531a72ab 2f1e d011 9819 00aa0040529b" + everyone},
		{"inherited object", "D:(OA;;CR;;00299570-246d-11d0-a768-00aa006e0529;WD)", daclOnly +
			"04 00 3000 0100 0000  05 00 2800 00010000 02000000 70952900 6d24 d011 a768 00aa006e0529" + everyone},
		{"both objects", "S:(OU;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;00299570-246d-11d0-a768-00aa006e0529;WD)(OL;;;;;WD)", saclOnly +
			"04 00 5800 0200 0000  07 00 3800 00010000 03000000 531a72ab 2f1e d011 9819 00aa0040529b 70952900 6d24 d011 a768 00aa006e0529" + everyone +
			"08 00 1800 00000000 00000000" + everyone},
		{"two lists", "D:(A;;KR;;;WD)S:(AU;FA;KA;;;WD)", "01 00 1480 00000000 00000000 14000000 30000000" +
			"02 00 1c00 0100 0000  02 80 1400 3f000f00" + everyone + "02 00 1c00 0100 0000  00 00 1400 19000200" + everyone},
		{"authority of 48 bits", "O:S-1-0x123456789abc-1", "01 00 0080 14000000 00000000 00000000 00000000 01 01 123456789abc 01000000"},
		{"SID without parts", "G:S-1-5", "01 00 0080 00000000 14000000 00000000 00000000 01 00 000000000005"},
		{"attribute of numbers", `S:(RA;CI;;;;WD;("Secrecy",TU,0x0,3))`, saclOnly + "02 00 4800 0100 0000  12 02 4000 00000000" + everyone +
			"14000000 0200 0000 00000000 01000000 24000000  5300650063007200650063007900 0000  0300000000000000"},
		{"attribute of texts", `S:(RA;;;;;WD;("a%0020b",TS,0x10001,"x","yz"))`, saclOnly + "02 00 4800 0100 0000  12 00 4000 00000000" + everyone +
			"18000000 0300 0000 01000100 02000000 20000000 24000000  6100200062000000  78000000 79007a0000000000"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := unhex(t, c.bytes)
			got, err := Parse(c.text)
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(got))
			text, err := Format(want)
			require.NoError(t, err)
			require.Equal(t, c.text, text)
		})
	}
}

// What is valid, but is written otherwise.
func TestParseOtherForms(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"numeric SIDs", "O:S-1-5-18G:S-1-5-32-544D:(A;;KA;;;S-1-1-0)", "O:SYG:BAD:(A;;KA;;;WD)"},
		{"lower case", "o:syg:bad:pai(a;ci;ka;;;sy)", "O:SYG:BAD:PAI(A;CI;KA;;;SY)"},
		{"blanks", " O:SY\r\nG:BA\tD:PAI (A;;KA;;;SY)\n(A;;KR;;;BU) ", "O:SYG:BAD:PAI(A;;KA;;;SY)(A;;KR;;;BU)"},
		{"order of parts", "S:D:G:BAO:SY", "O:SYG:BAD:S:"},
		{"KX", "D:(A;;KX;;;WD)", "D:(A;;KR;;;WD)"},
		{"single rights that make a whole", "D:(A;;CCSWRPRC;;;WD)", "D:(A;;KR;;;WD)"},
		{"hexadecimal", "D:(A;;0xF003F;;;WD)", "D:(A;;KA;;;WD)"},
		{"octal", "D:(A;;03600077;;;WD)", "D:(A;;KA;;;WD)"},
		{"decimal", "D:(A;;983103;;;WD)", "D:(A;;KA;;;WD)"},
		{"whole and single rights", "D:(A;;KRSD;;;WD)", "D:(A;;CCSWRPSDRC;;;WD)"},
		{"order of flags", "D:(A;IDIOCIOI;KA;;;WD)", "D:(A;OICIIOID;KA;;;WD)"},
		{"hexadecimal SID before a part", "O:S-1-0x1234567890abD:", "O:S-1-0x1234567890abD:"},
		{"small hexadecimal authority", "O:S-1-0x5-0x12", "O:SY"},
		{"attribute with blanks", `S:(RA;;;;;S-1-1-0; ("p",TS,0,"Windows","SQL"))`, `S:(RA;;;;;WD;("p",TS,0x0,"Windows","SQL"))`},
		{"attributes", `S:(RA;;;;;WD;("i",TI,0,-9223372036854775808,1))(RA;;;;;WD;("b",TB,0,1,0))(RA;;;;;WD;("d",TD,0,BA,S-1-9))(RA;;;;;WD;("x",TX,0,#0aFF,#))(RA;;;;;WD;("n",TU,0))`,
			`S:(RA;;;;;WD;("i",TI,0x0,-9223372036854775808,1))(RA;;;;;WD;("b",TB,0x0,1,0))(RA;;;;;WD;("d",TD,0x0,BA,S-1-9))(RA;;;;;WD;("x",TX,0x0,#0aff,#))(RA;;;;;WD;("n",TU,0x0))`},
		{"text beyond the BMP", `S:(RA;;;;;WD;("n",TS,0,"😀 ы"))`, `S:(RA;;;;;WD;("n",TS,0x0,"😀 ы"))`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, err := Parse(c.text)
			require.NoError(t, err)
			text, err := Format(b)
			require.NoError(t, err)
			require.Equal(t, c.want, text)
		})
	}
}

func TestAliases(t *testing.T) {
	for _, alias := range aliases {
		t.Run(alias.text, func(t *testing.T) {
			short, err := Parse("O:" + alias.text)
			require.NoError(t, err)
			long, err := Parse("O:" + alias.sid)
			require.NoError(t, err)
			require.Equal(t, long, short)
			text, err := Format(long)
			require.NoError(t, err)
			require.Equal(t, "O:"+alias.text, text)
		})
	}
	for _, alias := range domainAliases {
		t.Run(alias.text, func(t *testing.T) {
			_, err := Parse("O:" + alias.text)
			require.ErrorIs(t, err, ErrSyntax)
			require.ErrorContains(t, err, "S-1-5-21-…-"+alias.sid)
		})
	}
}

func TestParseErrors(t *testing.T) {
	cases := []struct {
		name, text string
		offset     int
		message    string
	}{
		{"empty", "", 0, "the text is empty"},
		{"blank", " \n", 2, "the text is empty"},
		{"no part", "X:SY", 0, `found "X:SY", want O:, G:, D: or S:`},
		{"part without colon", "O:SYG", 4, "want O:, G:, D: or S:"},
		{"no owner", "O:", 2, "found the end, want an account"},
		{"half an alias", "O:S", 2, `found "S", want an account`},
		{"no alias", "O:QQ", 2, `"QQ" is no known alias`},
		{"alias in the middle", "O:SYG:DAD:", 6, "alias DA stands for an account of a domain"},
		{"owner twice", "O:SYG:BAO:SY", 8, "O: stands there a second time"},
		{"DACL twice", "D:D:", 2, "D: stands there a second time"},
		{"SID of revision 2", "O:S-2-5-18", 4, `want revision 1 of a SID`},
		{"SID without authority", "O:S-1-", 6, "found the end, want a number of a SID"},
		{"SID without part", "O:S-1-5-G:BA", 8, "want a number of a SID"},
		{"part of 33 bits", "O:S-1-5-4294967296", 8, "number 4294967296 of a SID exceeds 4294967295"},
		{"authority of 49 bits", "O:S-1-281474976710656", 6, "exceeds 281474976710655"},
		{"too many parts", "O:S-1-5" + strings.Repeat("-1", 16), 2, "more than 15 parts"},
		{"list flag", "D:X(A;;KA;;;SY)", 2, "want the flags P, AR, AI or NO_ACCESS_CONTROL, or an entry"},
		{"flag behind an entry", "D:(A;;KA;;;SY)P", 14, "want an entry in parentheses, or the next part"},
		{"entry in a null list", "D:NO_ACCESS_CONTROL(A;;KA;;;SY)", 19, "a list with NO_ACCESS_CONTROL has no entries"},
		{"entry type", "D:(Q;;KA;;;SY)", 3, "no known type of an entry"},
		{"no entry type", "D:(", 3, "found the end, want the type"},
		{"conditional entry", `D:(XA;;KA;;;SY;(a==1))`, 3, "entries of type XA carry a condition, which is not supported"},
		{"entry flag", "D:(A;XX;KA;;;SY)", 5, `"XX" is no known flag of an entry`},
		{"flags without end", "D:(A;CI", 7, "found the end, want ';' behind the flags"},
		{"right", "D:(A;;ZZ;;;SY)", 6, `"ZZ" is no known right`},
		{"half a right", "D:(A;;K;;;SY)", 6, `"K" is no known right`},
		{"label right elsewhere", "D:(A;;NW;;;SY)", 6, `"NW" is no known right`},
		{"key right in a label", "S:(ML;;KA;;;LW)", 7, `"KA" is no known right`},
		{"rights of 33 bits", "D:(A;;0x100000000;;;SY)", 6, "are no number of 32 bits"},
		{"rights of digits and words", "D:(A;;0x1KA;;;SY)", 6, "are no number of 32 bits"},
		{"rights without end", "D:(A;;KA", 8, "found the end, want ';' behind the rights"},
		{"GUID in a plain entry", "D:(A;;KA;ab721a53-1e2f-11d0-9819-00aa0040529b;;SY)", 9, "entries of this type have no GUIDs"},
		{"short GUID", "D:(OA;;KA;ab721a53;;SY)", 10, "want a GUID such as"},
		{"GUID of other letters", "D:(OA;;KA;gb721a53-1e2f-11d0-9819-00aa0040529b;;SY)", 10, "want a GUID such as"},
		{"long GUID", "D:(OA;;KA;ab721a53-1e2f-11d0-9819-00aa0040529bb;;SY)", 46, "want ';' behind the object GUID"},
		{"no account", "D:(A;;KA;;;)", 11, "want an account"},
		{"no end of entry", "D:(A;;KA;;;SY", 13, "found the end, want ')'"},
		{"attribute in a plain entry", `D:(A;;KA;;;SY;("a",TI,0,1))`, 13, "want ')' at the end of the entry"},
		{"no attribute", "S:(RA;;;;;WD)", 12, "want ';' before the attribute"},
		{"attribute without name", `S:(RA;;;;;WD;("",TI,0))`, 15, "the attribute has no name"},
		{"attribute name", `S:(RA;;;;;WD;("a b",TI,0))`, 16, "must be written as %0020"},
		{"attribute escape", `S:(RA;;;;;WD;("a%00",TI,0))`, 16, "a percent sign"},
		{"attribute escape of NUL", `S:(RA;;;;;WD;("a%0000",TI,0))`, 16, "a percent sign"},
		{"open quotation", `S:(RA;;;;;WD;("a,TI,0))`, 14, "has no partner"},
		{"attribute type", `S:(RA;;;;;WD;("a",TQ,0))`, 18, "want TI, TU, TS, TD, TX or TB"},
		{"attribute flags", `S:(RA;;;;;WD;("a",TI,z))`, 21, "want the flags of the attribute"},
		{"boolean 2", `S:(RA;;;;;WD;("a",TB,0,2))`, 23, "want a number of at most 1"},
		{"number of 65 bits", `S:(RA;;;;;WD;("a",TU,0,18446744073709551616))`, 23, "want a number of at most 18446744073709551615"},
		{"number of 64 bits with a sign", `S:(RA;;;;;WD;("a",TI,0,9223372036854775808))`, 23, "want a number of 64 bits with a sign"},
		{"octets", `S:(RA;;;;;WD;("a",TX,0,#abc))`, 23, "want pairs of hexadecimal digits"},
		{"text without quotes", `S:(RA;;;;;WD;("a",TS,0,abc))`, 23, `want '"' before a text`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.text)
			syntax, ok := errors.AsType[*SyntaxError](err)
			require.True(t, ok, "%v", err)
			require.ErrorIs(t, err, ErrSyntax)
			require.ErrorContains(t, err, c.message)
			require.Equal(t, c.offset, syntax.Offset, "%v", err)
		})
	}
}

func TestListOfMostBytes(t *testing.T) {
	const most = (0xFFFF - 8) / 20
	entries := strings.Repeat("(A;;KA;;;WD)", most)
	b, err := Parse("D:" + entries)
	require.NoError(t, err)
	text, err := Format(b)
	require.NoError(t, err)
	require.True(t, text == "D:"+entries)
	_, err = Parse("D:" + entries + "(A;;KA;;;WD)")
	require.ErrorContains(t, err, "more than 65535 bytes")
}
