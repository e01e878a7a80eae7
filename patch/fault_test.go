package patch

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// fate is what becomes of a fault: a token afterwards, or a refusal with what
// overrides it.
type fate struct {
	token    string
	refused  string
	override string // of a refusal
	missing  bool   // the refusal is that something is not found
	warning  string // part of a warning
}

// faultFates has what becomes of each fault of hivetest when the third number
// is to be 4096.
var faultFates = map[string]fate{
	"select-missing":              {refused: "which control set is in use is not known", override: overrideControlSet},
	"select-empty":                {refused: `Select\Current cannot be read`, override: overrideControlSet},
	"select-current-missing":      {refused: `Select\Current cannot be read`, override: overrideControlSet},
	"select-default-missing":      {refused: `Select\Default cannot be read`, override: overrideControlSet},
	"select-current-is-text":      {refused: "is REG_SZ of 4 bytes", override: overrideControlSet},
	"select-current-of-2-bytes":   {refused: "is REG_DWORD of 2 bytes", override: overrideControlSet},
	"select-current-is-binary":    {refused: "is REG_BINARY of 4 bytes", override: overrideControlSet},
	"select-current-0":            {refused: "Current and Default are 0", override: overrideControlSet},
	"select-current-1000":         {refused: `Select\Current is 1000`, override: overrideControlSet},
	"control-set-absent":          {refused: `Select\Current is 7`, override: overrideControlSet},
	"current-control-set-is-real": {token: "1024,20480,4096", warning: "real key named CurrentControlSet"},
	"subsystems-key-absent":       {refused: `key ControlSet001\Control\Session Manager\SubSystems`, missing: true},
	"value-absent":                {refused: `value Windows of key ControlSet001\Control\Session Manager\SubSystems`, missing: true},

	"value-is-sz":           {refused: "REG_SZ", override: OverrideRepair},
	"value-is-multi-sz":     {refused: "type REG_MULTI_SZ, want REG_EXPAND_SZ"},
	"value-empty":           {refused: "not a command line of csrss.exe"},
	"value-without-nul":     {token: "1024,20480,4096"},
	"value-with-three-nuls": {token: "1024,20480,4096"},
	"value-of-odd-length":   {token: "1024,20480,4096"},

	"token-absent":                            {refused: "no SharedSection token"},
	"token-after-server-dll":                  {refused: "ServerDll before SharedSection", override: OverrideForce},
	"token-behind-600-characters":             {refused: "606", override: OverrideForce},
	"token-twice":                             {refused: "2 SharedSection tokens"},
	"token-with-blank-after-first-comma":      {refused: "blank among the numbers", override: OverrideRepair},
	"token-with-blank-after-second-comma":     {refused: "blank among the numbers", override: OverrideRepair},
	"token-with-blank-before-equals":          {refused: `blank between "SharedSection" and its numbers`, override: OverrideRepair},
	"token-with-one-number":                   {refused: "it needs an interactive size", override: OverrideRepair},
	"token-with-one-number-and-comma":         {refused: "it needs an interactive size", override: OverrideRepair},
	"token-without-text":                      {refused: "it needs an interactive size", override: OverrideRepair},
	"token-without-equals":                    {refused: "has no numbers"},
	"token-with-empty-second":                 {token: "1024,,4096", warning: "second"},
	"token-with-empty-third":                  {token: "1024,20480,4096"},
	"token-in-lower-case":                     {refused: "win32k finds only", override: OverrideRepair},
	"token-with-small-third":                  {token: "1024,20480,4096"},
	"token-with-small-second":                 {token: "1024,256,4096", warning: "512"},
	"token-in-hex":                            {token: "0x400,0x5000,4096"},
	"token-of-46-characters":                  {refused: "32", override: OverrideForce},
	"token-of-33-characters":                  {refused: "wrap", override: OverrideForce},
	"token-with-trailing-text":                {token: "1024,20480KB,4096KB", warning: "KB"},
	"token-with-thousands-separators":         {token: "1,024,4096,480,768", warning: "512"},
	"token-with-four-numbers":                 {token: "1024,20480,4096,512", warning: "512"},
	"token-in-quotes":                         {refused: "quotes", override: OverrideRepair},
	"token-with-semicolons":                   {refused: "semicolons", override: OverrideRepair},
	"token-with-first-0":                      {refused: "no size", override: OverrideForce},
	"token-with-negative-second":              {refused: "wrap", override: OverrideForce},
	"tail-windows-on":                         {refused: "null pointer", override: OverrideForce},
	"tail-max-request-threads-without-number": {token: "1024,20480,4096", warning: "MaxRequestThreads"},
	"tail-unknown-last-token":                 {refused: "unknown token", override: OverrideForce},
	"tail-of-windows-7":                       {token: "1024,20480,4096"},
	"head-expanded":                           {refused: "has replaced %SystemRoot%", override: OverrideForce},
	"head-lost":                               {refused: "not a command line of csrss.exe"},
}

// TestFaults does the job on every hive that is sound as a hive and wrong as
// what it is for.
func TestFaults(t *testing.T) {
	for _, fault := range hivetest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			want, known := faultFates[fault.Name]
			require.True(t, known, "no fate is known")
			data := fault.Hive().Build().Data
			if want.token == "" {
				requireFate(t, refuse(t, data, thirdNumber(4096)), want)
				return
			}
			done := apply(t, data, thirdNumber(4096))
			require.Equal(t, "SharedSection="+want.token, done.report.ControlSets[0].After)
			before := valueText(t, data, "ControlSet001")
			text := strings.Replace(before, strings.TrimSpace(done.report.ControlSets[0].Before), "SharedSection="+want.token, 1)
			require.NotEqual(t, before, text)
			requireOnlyEdited(t, snapshot(t, data), snapshot(t, done.data), map[string]string{hivetest.SubSystems: text})
			require.Contains(t, strings.Join(done.report.Warnings, "\n"), want.warning)
			requireSound(t, done.data)
			requireUnchanged(t, done.data, thirdNumber(4096))
		})
	}
	require.Len(t, hivetest.Faults(), len(faultFates), "a fate of no fault")
}

func requireFate(t *testing.T, err error, want fate) {
	t.Helper()
	require.ErrorContains(t, err, want.refused)
	require.Equal(t, want.missing, errors.Is(err, hive.ErrNotFound) && !errorsAs[*RefusedError](err))
	if !want.missing {
		var refused *RefusedError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, want.override, refused.Override)
	}
}

// TestFaultsRepaired: what --repair can mend in a command line it mends in the
// hive too.
func TestFaultsRepaired(t *testing.T) {
	faults := map[string]hivetest.Fault{}
	for _, fault := range hivetest.Faults() {
		faults[fault.Name] = fault
	}
	request := thirdNumber(4096)
	request.Edit.Repair = true
	text := hivetest.CommandLine("SharedSection=1024,20480,4096", hivetest.CommandTailWin10)
	for _, name := range []string{
		"value-is-sz", "value-without-nul", "token-with-blank-after-first-comma", "token-with-blank-after-second-comma",
		"token-with-blank-before-equals", "token-in-lower-case", "token-in-quotes", "token-with-semicolons",
	} {
		t.Run(name, func(t *testing.T) {
			data := faults[name].Hive().Build().Data
			done := apply(t, data, request)
			requireOnlyEdited(t, snapshot(t, data), snapshot(t, done.data), map[string]string{hivetest.SubSystems: text})
			require.Contains(t, strings.Join(done.report.Warnings, "\n"), "ControlSet001: mended: ")
			requireSound(t, done.data)
			requireUnchanged(t, done.data, request)
		})
	}
}

// TestFaultsForced: what was refused without force is said when it is done.
func TestFaultsForced(t *testing.T) {
	data := hivetest.Windows10().Build().Data
	request := thirdNumber(64)
	require.ErrorContains(t, refuse(t, data, request), "minimum")
	request.Edit.Force = true
	done := apply(t, data, request)
	require.Equal(t, "SharedSection=1024,20480,64", done.report.ControlSets[0].After)
	require.Contains(t, strings.Join(done.report.Warnings, "\n"), "ControlSet001: forced: 64 KB is below the minimum")
}
