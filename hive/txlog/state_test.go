package txlog

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/internal/regf"
)

func fixChecksum(b []byte) { regf.BaseBlock(b).FixChecksum() }

func TestExamine(t *testing.T) {
	clean := hive(5, 5, 1, 0)
	lost := bytes.Clone(clean)
	copy(lost, "xxxx")
	log := newLog("SYSTEM.LOG1", 7, run(7, 7)).Data
	for _, tt := range []struct {
		name      string
		data      []byte
		want      State
		reason    string
		wantError string
	}{
		{"clean", clean, State{Sequence1: 5, Sequence2: 5}, "", ""},
		{"clean, header alone", clean[:512], State{Sequence1: 5, Sequence2: 5}, "", ""},
		{"sequence numbers", hive(6, 5, 1, 0), State{Sequence1: 6, Sequence2: 5}, "the sequence numbers differ: 6 and 5", ""},
		{"checksum", badHeader(clean), State{HeaderBad: true, Sequence1: 5, Sequence2: 5}, "the header is damaged: checksum at 0x1fc is ", ""},
		{"signature, bins there", lost, State{HeaderBad: true}, `the header is destroyed: it begins with "xxxx", want "regf"`, ""},
		{"signature, no bins", lost[:4096], State{}, "", `signature at 0x0 is "xxxx", want "regf"`},
		{"signature, bins cut", lost[:4096+31], State{}, "", `signature at 0x0 is "xxxx", want "regf"`},
		{"511 bytes", clean[:511], State{}, "", "511 bytes, a base block has at least 512"},
		{"empty", nil, State{}, "", "0 bytes, a base block has at least 512"},
		{"a log", log, State{}, "", "type at 0x1c is 6, want 0 (1, 2 and 6 are transaction logs)"},
		{"a log with a bad checksum", badHeader(log), State{}, "", "type at 0x1c is 6, want 0"},
		{"a hive whose damage is the type", spoil(clean, 0x1C), State{HeaderBad: true, Sequence1: 5, Sequence2: 5}, "the header is damaged", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state, err := Examine(tt.data)
			if tt.wantError != "" {
				require.ErrorIs(t, err, regf.ErrNotHive)
				require.ErrorContains(t, err, tt.wantError)
				_, err = NewPlan(tt.data, []Log{newLog("SYSTEM.LOG", 7, run(7, 7))})
				require.ErrorIs(t, err, regf.ErrNotHive)
				return
			}
			require.NoError(t, err)
			require.Contains(t, state.Reason, tt.reason)
			require.Equal(t, tt.reason != "", state.Dirty())
			state.Reason = ""
			require.Equal(t, tt.want, state)
		})
	}
}
