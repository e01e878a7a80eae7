package sddl_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/sddl"
)

// sambaProgram reads lines of SDDL and prints the bytes that Samba makes of each,
// and the text that it makes of these again.
const sambaProgram = `
import sys
from samba.dcerpc import security
from samba.ndr import ndr_pack
domain = security.dom_sid("S-1-5-21-1-2-3")
for line in sys.stdin:
    try:
        d = security.descriptor.from_sddl(line.strip(), domain)
        print(ndr_pack(d).hex(), d.as_sddl())
    except Exception:
        print("unknown")
`

// samba runs Samba over texts. Without it the test is skipped, or fails when
// HIVEPATCH_REQUIRE_PEERS is 1.
func samba(t *testing.T, texts []string) []string {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import samba.dcerpc.security").Run(); err != nil {
		if os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
			t.Fatalf("Samba for Python is not installed, and HIVEPATCH_REQUIRE_PEERS is 1")
		}
		t.Skip("Samba for Python is not installed")
	}
	command := exec.Command(python, "-c", sambaProgram)
	command.Stdin = strings.NewReader(strings.Join(texts, "\n") + "\n")
	output, err := command.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(output), "\n"), "\n")
	require.Len(t, lines, len(texts))
	return lines
}

// TestSamba: Samba makes the same descriptors of the same text, and we the same
// of its text. Its aliases are in its code, not in a copy of ours.
func TestSamba(t *testing.T) {
	aliases := "AA AC AN AO AS AU BA BG BO BU CD CG CO CY ED ER ES HA HI IS IU LS LU LW ME MP MS MU NO NS NU OW PO PS PU RA RC RD RE RM RU SI SO SS SU SY UD WD WR"
	// Not FA, FR, FW and FX: it takes them without the standard rights in them.
	var texts []string
	for alias := range strings.FieldsSeq(aliases) {
		texts = append(texts, "O:"+alias, "G:"+alias, "D:(A;;GR;;;"+alias+")")
	}
	for right := range strings.FieldsSeq("CC DC LC SW RP WP DT LO CR SD RC WD WO GA GX GW GR 0x0 0x1 0x200 0xffffffff 0x80000000 CCDC GXGR SDRCWDWO") {
		texts = append(texts, "D:(A;;"+right+";;;WD)", "D:(D;;"+right+";;;WD)")
	}
	for flag := range strings.FieldsSeq("OI CI NP IO ID OICI OICINPIOID") {
		texts = append(texts, "D:(A;"+flag+";GA;;;WD)", "D:(OA;"+flag+";GA;;;WD)")
	}
	for flag := range strings.FieldsSeq("SA FA SAFA OISA") {
		texts = append(texts, "S:(AU;"+flag+";GA;;;WD)", "S:(OU;"+flag+";GA;;;WD)")
	}
	for flag := range strings.FieldsSeq("P AR AI PAI PARAI") {
		texts = append(texts, "D:"+flag+"(A;;GA;;;WD)", "S:"+flag+"(AU;SA;GA;;;WD)")
	}
	const guid, other = "ab721a53-1e2f-11d0-9819-00aa0040529b", "00299570-246d-11d0-a768-00aa006e0529"
	for kind := range strings.FieldsSeq("OA OD") {
		for _, guids := range []string{";", guid + ";", ";" + other, guid + ";" + other} {
			texts = append(texts, "D:("+kind+";;CC;"+guids+";WD)")
		}
	}
	for _, sid := range []string{"S-1-0", "S-1-0-0", "S-1-5-4294967295", "S-1-5" + strings.Repeat("-7", 14), "S-1-5" + strings.Repeat("-7", 15), "S-1-4294967295-1"} {
		texts = append(texts, "O:"+sid, "D:(A;;GA;;;"+sid+")")
	}
	texts = append(texts, "D:", "S:", "O:SYG:BA", "O:SYG:BAD:P(A;CI;GA;;;SY)(D;;GR;;;WD)S:(AU;SAFA;GA;;;WD)")

	for i, line := range samba(t, texts) {
		ours, err := sddl.Parse(texts[i])
		require.NoError(t, err, texts[i])
		require.NotEqual(t, "unknown", line, texts[i])
		digits, again, _ := strings.Cut(line, " ")
		theirs, err := hex.DecodeString(digits)
		require.NoError(t, err)
		canonical, err := sddl.Canonical(theirs)
		require.NoError(t, err, texts[i])
		require.True(t, bytes.Equal(ours, canonical), "%s: %x, and by Samba %x", texts[i], ours, theirs)
		back, err := sddl.Parse(again)
		require.NoError(t, err, "%s of %s", again, texts[i])
		require.True(t, bytes.Equal(ours, back), "%s: Samba writes %s", texts[i], again)
	}
}

// TestSambaDomains: the accounts of a domain, whose aliases we refuse, have the
// numbers that the refusal names.
func TestSambaDomains(t *testing.T) {
	var texts []string
	for alias := range strings.FieldsSeq("CA DA DC DD DG DU EA LA LG PA RO RS SA CN") {
		texts = append(texts, "O:"+alias)
	}
	for i, line := range samba(t, texts) {
		_, err := sddl.Parse(texts[i])
		require.ErrorIs(t, err, sddl.ErrSyntax)
		if line == "unknown" {
			continue // by Samba before 4.18
		}
		require.ErrorContains(t, err, "write it as S-1-5-21-…"+line[strings.LastIndexByte(line, '-'):], texts[i])
	}
}
