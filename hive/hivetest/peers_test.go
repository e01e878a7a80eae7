package hivetest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer returns the path of a program that reads hives. Without it the test is
// skipped, or fails when HIVEPATCH_REQUIRE_PEERS is 1.
func peer(t *testing.T, name string) string {
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
		t.Fatalf("%s is not installed, and HIVEPATCH_REQUIRE_PEERS is 1", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// run runs a peer and requires that it ends well.
func run(t *testing.T, path string, arguments ...string) (stdout, stderr string) {
	var out, errors bytes.Buffer
	command := exec.Command(path, arguments...)
	command.Stdout, command.Stderr = &out, &errors
	require.NoError(t, command.Run(), "%s %v\n%s", path, arguments, errors.String())
	return out.String(), errors.String()
}

// reglookupNote matches what reglookup says about sound hives of Windows too:
// that a text does not fit its character set or its idea of a text.
var reglookupNote = regexp.MustCompile(`^WARN: (Error occurred while converting (key|value) name to encoding|While quoting value for ).*$`)

// TestPeersReadSamples: programs of others read what we build and do not
// complain. Hives of versions 1.0 and 1.1 and Exotic no peer reads; hivexml
// does not know the deleted values of Layered.
func TestPeersReadSamples(t *testing.T) {
	dirty, old := DirtyWindows10(), DirtyOld()
	for _, sample := range []struct {
		name    string
		data    []byte
		section string // of SharedSection
		tail    string
	}{
		{"NT4", NT4().Build().Data, "1024,3072", CommandTailNT4},
		{"Windows7", Windows7().Build().Data, "1024,20480,768", CommandTailWin7},
		{"Windows10", Windows10().Build().Data, "1024,20480,768", CommandTailWin10},
		{"DirtyWindows10 primary", dirty.Primary, "1024,20480,768", CommandTailWin10},
		{"DirtyWindows10 recovered", dirty.Recovered, "1024,20480,1024", CommandTailWin10},
		{"DirtyOld recovered", old.Recovered, "1024,20480,1024", CommandTailWin7},
		{"Layered", Layered().Build().Data, "", ""},
	} {
		line := CommandLine("SharedSection="+sample.section, sample.tail)
		path := filepath.Join(t.TempDir(), "SYSTEM")
		require.NoError(t, os.WriteFile(path, sample.data, 0o644))
		t.Run(sample.name+"/hivexml", func(t *testing.T) {
			program := peer(t, "hivexml")
			if sample.name == "Layered" {
				t.Skip("hivexml does not know deleted values")
			}
			stdout, stderr := run(t, program, path)
			require.Empty(t, stderr)
			require.True(t, strings.Contains(stdout, `<node name="SubSystems"`))
		})
		t.Run(sample.name+"/hivexget", func(t *testing.T) {
			program := peer(t, "hivexget")
			if sample.section == "" {
				t.Skip("the sample does not have the value")
			}
			stdout, stderr := run(t, program, path, SubSystems, ValueWindows)
			require.Empty(t, stderr)
			require.Equal(t, line, strings.TrimRight(stdout, "\n"))
		})
		t.Run(sample.name+"/reged", func(t *testing.T) {
			export := filepath.Join(t.TempDir(), "export.reg")
			_, stderr := run(t, peer(t, "reged"), "-x", path, `HKEY_LOCAL_MACHINE\SYSTEM`, `\`, export)
			require.Empty(t, stderr)
			text, err := os.ReadFile(export)
			require.NoError(t, err)
			require.True(t, strings.Contains(string(text), `[HKEY_LOCAL_MACHINE\SYSTEM\Select]`))
		})
		t.Run(sample.name+"/reglookup", func(t *testing.T) {
			stdout, stderr := run(t, peer(t, "reglookup"), "-s", path)
			for _, complaint := range strings.Split(strings.TrimSpace(stderr), "\n") {
				require.True(t, complaint == "" || reglookupNote.MatchString(complaint), complaint)
			}
			require.True(t, strings.Contains(stdout, "/Select/Current,DWORD,0x00000001"))
			quoted := strings.NewReplacer("%", "%25", ",", "%2C").Replace(line)
			require.True(t, sample.section == "" || strings.Contains(stdout, "/Windows,EXPAND_SZ,"+quoted), "the value differs")
		})
		for _, program := range []string{"regfinfo", "regfexport"} {
			t.Run(sample.name+"/"+program, func(t *testing.T) {
				stdout, stderr := run(t, peer(t, program), path)
				require.Empty(t, stderr)
				// they take deleted values for damage
				require.Equal(t, sample.name == "Layered", strings.Contains(stdout, "corrupted"))
			})
		}
	}
}
