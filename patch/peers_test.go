package patch

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// peer returns the path of a program that reads hives. Without it the test is
// skipped, or fails when HIVEPATCH_REQUIRE_PEERS is 1.
func peer(t *testing.T, name string) string {
	t.Helper()
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

// runPeer runs a program and requires that it ends well.
func runPeer(t *testing.T, program string, arguments ...string) (stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = &out, &errors
	require.NoError(t, command.Run(), "%s %v\n%s", program, arguments, errors.String())
	return out.String(), errors.String()
}

// patchedFile is a patched hive on disk.
type patchedFile struct {
	path  string
	texts map[string]string // by name of the set
}

// patchedHives returns patched samples and, where there are real hives, those.
func patchedHives(t *testing.T) map[string]patchedFile {
	t.Helper()
	done := map[string]patchedFile{}
	add := func(name string, file *hivefile.File, request Request) {
		request.ControlSet = SelectAll
		report, err := Apply(file, request)
		require.NoError(t, err, name)
		require.True(t, report.Changed)
		texts := map[string]string{}
		for _, set := range report.ControlSets {
			texts[set.Name] = valueText(t, file.Hive.Bytes(), set.Name)
			require.Contains(t, texts[set.Name], set.After)
		}
		done[name] = patchedFile{save(t, file.Hive.Bytes(), nil, nil), texts}
	}
	full := hivetest.NT4().Build()
	for _, cell := range full.FreeCells() {
		full.SetCellSize(cell.Offset, -int32(cell.Size))
	}
	add("sample nt4", load(t, hivetest.NT4().Build().Data), defaultRequest(t))
	add("sample nt4 with a new bin", load(t, full.Data), defaultRequest(t))
	add("sample windows7", load(t, hivetest.Windows7().Build().Data), thirdNumber(4096))
	add("sample windows10", load(t, hivetest.Windows10().Build().Data), thirdNumber(16384))
	for name, dirty := range map[string]hivetest.DirtyHive{"sample dirty windows10": hivetest.DirtyWindows10(), "sample dirty old": hivetest.DirtyOld()} {
		file, err := loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}, hivefile.Recover)
		require.NoError(t, err)
		add(name, file, thirdNumber(4096))
	}
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		return done
	}
	for name, recovery := range map[string]hivefile.Recovery{
		"nt4/system": hivefile.Recover, "xp-sp3/SYSTEM": hivefile.Recover, "win7-x86/SYSTEM": hivefile.Recover,
		"win10-1709-dirty/SYSTEM": hivefile.Recover, "win81-dirty-logs-lost/SYSTEM": hivefile.IgnoreLogs,
	} {
		file, err := loadFile(t, filepath.Join(folder, "system", filepath.FromSlash(name)), recovery)
		require.NoError(t, err)
		add(name, file, thirdNumber(4096))
	}
	return done
}

// reglookupNote matches what reglookup says about sound hives of Windows too:
// that a text does not fit its character set or its idea of a text.
var reglookupNote = regexp.MustCompile(`^WARN: (Error occurred while converting (key|value) name to encoding|While quoting value for ).*$`)

// TestPeers lets programs of others read patched hives.
func TestPeers(t *testing.T) {
	for name, file := range patchedHives(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("hivexml", func(t *testing.T) {
				stdout, stderr := runPeer(t, peer(t, "hivexml"), file.path)
				require.Empty(t, stderr)
				require.GreaterOrEqual(t, strings.Count(stdout, `<node name="SubSystems"`), len(file.texts))
			})
			t.Run("regfinfo", func(t *testing.T) {
				stdout, stderr := runPeer(t, peer(t, "regfinfo"), file.path)
				require.Empty(t, stderr)
				require.NotContains(t, stdout, "corrupted")
			})
			for set, text := range file.texts {
				t.Run(set, func(t *testing.T) { readWithPeers(t, file.path, set, text) })
			}
		})
	}
}

func readWithPeers(t *testing.T, path, set, text string) {
	key := set + `\` + subSystemsPath
	t.Run("hivexget", func(t *testing.T) {
		stdout, stderr := runPeer(t, peer(t, "hivexget"), path, key, valueName)
		require.Empty(t, stderr)
		require.Equal(t, text, strings.TrimRight(stdout, "\n"))
	})
	t.Run("reged", func(t *testing.T) {
		export := filepath.Join(t.TempDir(), "export.reg")
		_, stderr := runPeer(t, peer(t, "reged"), "-x", path, `HKEY_LOCAL_MACHINE\SYSTEM`, `\`+key, export)
		require.Empty(t, stderr)
		require.Equal(t, hivetest.ExpandSZ(text), exportedData(t, export, key))
	})
	t.Run("reglookup", func(t *testing.T) {
		stdout, stderr := runPeer(t, peer(t, "reglookup"), "-p", "/"+strings.ReplaceAll(key, `\`, "/"), path)
		for _, complaint := range strings.Split(strings.TrimSpace(stderr), "\n") {
			require.True(t, complaint == "" || reglookupNote.MatchString(complaint), complaint)
		}
		quoted := strings.NewReplacer("%", "%25", ",", "%2C").Replace(text)
		require.Contains(t, stdout, "/SubSystems/Windows,EXPAND_SZ,"+quoted+",")
	})
}

// continued matches the end of a line that goes on in the next one.
var continued = regexp.MustCompile(`\\\n *`)

// exportedData returns the data of the value Windows in a file that reged has
// exported.
func exportedData(t *testing.T, export, key string) []byte {
	t.Helper()
	raw, err := os.ReadFile(export)
	require.NoError(t, err)
	text := continued.ReplaceAllString(strings.ReplaceAll(string(raw), "\r", ""), "")
	_, text, found := strings.Cut(text, `[HKEY_LOCAL_MACHINE\SYSTEM\`+key+"]\n")
	require.True(t, found, "%s", raw)
	_, text, found = strings.Cut(text, `"Windows"=hex(2):`)
	require.True(t, found, "%s", raw)
	line, _, _ := strings.Cut(text, "\n")
	data, err := hex.DecodeString(strings.ReplaceAll(line, ",", ""))
	require.NoError(t, err, line)
	return data
}
