package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
	"hivepatch/patch"
)

// doctored are the hives that doctor is shown, each with another trouble.
func doctored() map[string][]byte {
	hives := map[string][]byte{}
	for name, sample := range samples() {
		hives[name] = sample()
	}
	for _, fault := range hivetest.Faults() {
		hives[fault.Name] = fault.Hive().Build().Data
	}
	for _, mutation := range hivetest.Mutations() {
		hives["mutation "+mutation.Name] = mutation.Build().Data
	}
	return hives
}

// contractDiagnosis is what scripts may rely on in the JSON of doctor.
type contractDiagnosis struct {
	Target      string
	HivePath    string `json:"hive_path"`
	Unrecovered string
	Failure     string
	Findings    *struct{ F int }
	ControlSets []struct {
		Name      string
		Effective *struct{ Boots bool }
	} `json:"control_sets"`
	Symptoms []struct{ Complaint, Fit, Why string }
	Next     []struct{ What, Command string }
}

func readDiagnosis(t *testing.T, r result) (d contractDiagnosis) {
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &d), r.stderr)
	return d
}

// TestDoctorCommandsRun: whatever is wrong with a hive, the page has something
// to do, and every command on it is one that this program understands.
func TestDoctorCommandsRun(t *testing.T) {
	for name, data := range doctored() {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("SYSTEM", data, 0o666))
			r := program("doctor", "SYSTEM", "--json")
			d := readDiagnosis(t, r)
			require.NotEmpty(t, d.Next)
			for _, s := range d.Next {
				require.NotEmpty(t, s.What)
				if s.Command == "" {
					continue
				}
				words := strings.Fields(s.Command)
				require.Equal(t, programName, words[0])
				r := program(words[1:]...)
				require.NotEqual(t, exitUsage, r.code, "%s: %s", s.Command, r.stderr)
			}
			switch r.code {
			case exitDone:
				require.Empty(t, d.Unrecovered)
			case exitFindings:
				require.True(t, d.Findings.F > 0 || d.Unrecovered != "" || d.ControlSets[0].Effective != nil && !d.ControlSets[0].Effective.Boots)
			default:
				require.Equal(t, exitFailed, r.code)
				require.NotEmpty(t, d.Failure)
			}
		})
	}
}

// TestDoctorMends: of a hive in order, or one that can be mended, the commands
// make one with which the doctor is content.
func TestDoctorMends(t *testing.T) {
	for _, fault := range hivetest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("SYSTEM", fault.Hive().Build().Data, 0o666))
			d := readDiagnosis(t, program("doctor", "SYSTEM", "--json"))
			last := d.Next[len(d.Next)-1].Command
			if !strings.Contains(last, "patch SYSTEM") || !strings.HasSuffix(last, "--in-place") {
				return
			}
			r := program(strings.Fields(last)[1:]...)
			require.Equal(t, exitDone, r.code, "%s: %s", last, r.stderr)
			require.Equal(t, exitDone, program("doctor", "SYSTEM").code)
		})
	}
}

func TestDoctorSymptoms(t *testing.T) {
	budget := func(set *patch.SetState) *patch.SetState {
		set.Effective.Boots = true
		if set.Budget == nil {
			set.Budget = &patch.BudgetState{}
		}
		return set
	}
	third := uint32(512)
	desktops := uint64(14)
	legacy := func() *patch.BudgetState { return &patch.BudgetState{LegacyDesktops: &desktops} }
	modern := `ServerDll=sxssrv,4`
	for _, c := range []struct {
		name                          string
		set                           *patch.SetState
		bits                          int
		version                       string
		services, interactive, deskop fit
	}{
		{"stock, 64 bits", &patch.SetState{Value: modern, Effective: &patch.EffectiveState{InteractiveKB: 20480, NoninteractiveKB: 768}}, 64, "10.0", fits, mayFit, doesNotFit},
		{"below the ample size", &patch.SetState{Value: modern, Effective: &patch.EffectiveState{InteractiveKB: 20481, NoninteractiveKB: 4095}}, 64, "10.0", mayFit, doesNotFit, doesNotFit},
		{"ample", &patch.SetState{Value: modern, Effective: &patch.EffectiveState{InteractiveKB: 20479, NoninteractiveKB: 4096}}, 64, "10.0", doesNotFit, fits, doesNotFit},
		{"stock, 32 bits", &patch.SetState{Value: modern, Effective: &patch.EffectiveState{InteractiveKB: 12288, NoninteractiveKB: 512}}, 32, "6.1", fits, mayFit, doesNotFit},
		{"session view of a new Windows", &patch.SetState{Value: modern, Budget: legacy(), Effective: &patch.EffectiveState{InteractiveKB: 12288, NoninteractiveKB: 512}}, 32, "", fits, mayFit, doesNotFit},
		{"NT 4.0", &patch.SetState{Budget: legacy(), SharedSection: &patch.SectionState{}, Effective: &patch.EffectiveState{InteractiveKB: 3072, NoninteractiveKB: 3072}}, 32, "4.0", fits, mayFit, mayFit},
		{"XP", &patch.SetState{Budget: legacy(), SharedSection: &patch.SectionState{NoninteractiveKB: &third}, Effective: &patch.EffectiveState{InteractiveKB: 3072, NoninteractiveKB: 512}}, 32, "", mayFit, mayFit, mayFit},
		{"too much", &patch.SetState{Value: modern, Effective: &patch.EffectiveState{InteractiveKB: 20480, NoninteractiveKB: 65536}, Findings: []patch.Finding{{Code: "reservation-large"}}}, 64, "10.0", doesNotFit, mayFit, fits},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &diagnosis{Machine: &machineReport{Bits: c.bits, Version: c.version}}
			got := map[string]fit{}
			for _, s := range d.symptoms(budget(c.set)) {
				got[s.Complaint] = s.Fit
				require.NotEmpty(t, s.Why)
			}
			require.Equal(t, map[string]fit{
				complaintServices: c.services, complaintInteractive: c.interactive, complaintDesktop: c.deskop, complaintStart: doesNotFit,
			}, got)
		})
	}
}

func TestDoctorOfRealHives(t *testing.T) {
	corpus := os.Getenv("HIVEPATCH_CORPUS")
	if corpus == "" {
		t.Skip("HIVEPATCH_CORPUS is not set")
	}
	for folder, c := range map[string]struct {
		code int
		page string
	}{
		"nt4":                   {exitDone, "only 14 of them fit"},
		"xp-sp3":                {exitDone, "89 service desktops fit"},
		"win7-x86":              {exitDone, "--preset services-2048"},
		"win10-1709-dirty":      {exitDone, "--preset services-4096"},
		"win81-dirty-logs-lost": {exitFindings, "look for the logs"},
		"damaged-xp-sp3":        {exitFindings, "salvage"},
	} {
		t.Run(folder, func(t *testing.T) {
			r := program("doctor", filepath.Join(corpus, "system", folder))
			require.Equal(t, c.code, r.code, r.stderr)
			require.Contains(t, r.stdout, c.page)
			for line := range strings.Lines(r.stdout) {
				if !strings.HasPrefix(line, "       hivepatch ") && !strings.Contains(line, corpus) {
					require.LessOrEqual(t, len(line)-1, pageWidth, line)
				}
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	if runtime.GOOS == "windows" {
		require.Equal(t, `hivepatch show D:\ "C:\a b\SYSTEM" "C:\a b"`, commandLine([]string{"hivepatch", "show", `D:\`, `C:\a b\SYSTEM`, `C:\a b\`}))
		return
	}
	require.Equal(t, `hivepatch show a 'b c' 'd'\''s' '$HOME' ''`, commandLine([]string{"hivepatch", "show", "a", "b c", "d's", "$HOME", ""}))
}
