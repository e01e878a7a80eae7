package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/diff"
	"hivepatch/hive/hivetest"
)

// peer returns the path of another program. Without it the test is skipped, or
// fails when HIVEPATCH_REQUIRE_PEERS is 1.
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

const peerPrefix = `HKEY_LOCAL_MACHINE\SYSTEM`

// regPeer is another program that reads and writes .reg files.
type regPeer struct {
	name string
	form []string // of the exports that it can read

	refuses string // hive that it cannot open
	mangles string // hive whose names it does not import as they are

	// What it gets wrong, and why that is no fault of ours.
	wrong func(d diff.Difference) bool

	merge  func(program, hive, reg string) *exec.Cmd
	export func(program, hive, reg string) *exec.Cmd
	codes  []int // of a merge that ended well
}

func regPeers() []regPeer {
	return []regPeer{
		{
			name: "hivexregedit", form: []string{"--utf8"}, codes: []int{0},
			// Its size is no multiple of 4096.
			refuses: "odd/GarbageHive",
			// It takes bytes of UTF-8 in strings for Latin-1 characters, and writes
			// data that is too long for a cell into one cell, where there should
			// be the record of big data: such a value cannot be read.
			wrong: func(d diff.Difference) bool {
				return d.Aspects == diff.Data && d.A.Type == hive.SZ && !isASCIIText(d.A.Data) ||
					d.IsValue && d.A != nil && len(d.A.Data) > 16344
			},
			merge: func(program, hive, reg string) *exec.Cmd {
				return exec.Command(program, "--merge", "--prefix", peerPrefix, hive, reg)
			},
			export: func(program, hive, reg string) *exec.Cmd {
				return exec.Command("sh", "-c", `exec "$0" --export --prefix "$1" "$2" '\' >"$3"`, program, peerPrefix, hive, reg)
			},
		},
		{
			name: "reged", codes: []int{2}, // which means "saved"
			// It takes the low byte of each character of a key's name.
			mangles: "odd/UnicodeHive",
			// It exports the record of big data in place of the data, and as text
			// what is none: strings without a NUL, or with more behind it.
			wrong: func(d diff.Difference) bool {
				return d.Aspects == diff.Data && (len(d.A.Data) > 16344 || d.A.Type == hive.SZ && textOf(d.A) == textOf(d.B))
			},
			merge: func(program, hive, reg string) *exec.Cmd {
				return exec.Command(program, "-I", "-C", hive, peerPrefix, reg)
			},
			export: func(program, hive, reg string) *exec.Cmd {
				return exec.Command(program, "-x", hive, peerPrefix, `\`, reg)
			},
		},
	}
}

// textOf is the text of a string up to its first NUL.
func textOf(item *diff.Item) string {
	text, _, _ := strings.Cut(hive.DecodeText(item.Data), "\x00")
	return text
}

func isASCIIText(data []byte) bool {
	for i, c := range data {
		if i%2 == 1 && c != 0 || c >= 0x80 {
			return false
		}
	}
	return true
}

// peerHives are hives for other programs: a sample, and real ones where there
// are any.
func peerHives(t *testing.T) map[string]string {
	t.Helper()
	sample := filepath.Join(t.TempDir(), "sample")
	require.NoError(t, os.WriteFile(sample, hivetest.NT4().Build().Data, 0o666))
	hives := map[string]string{"sample": sample}
	if folder := os.Getenv("HIVEPATCH_CORPUS"); folder != "" {
		for _, name := range []string{"system/nt4/system", "other/ntuser-xp/NTUSER.DAT", "system/xp-sp3/SYSTEM", "odd/StringValuesHive", "odd/MultiSzHive", "odd/BigDataHive", "odd/UnicodeHive", "odd/ExtendedASCIIHive"} {
			hives[name] = filepath.Join(folder, name)
		}
	}
	return hives
}

// TestPeersReadExports: what we export, other programs import into an empty hive
// as it was.
func TestPeersReadExports(t *testing.T) {
	t.Parallel()
	for _, p := range regPeers() {
		t.Run(p.name, func(t *testing.T) {
			program := peer(t, p.name)
			for name, path := range peerHives(t) {
				t.Run(name, func(t *testing.T) {
					folder := t.TempDir()
					reg, target := filepath.Join(folder, "x.reg"), filepath.Join(folder, "hive")
					r := inProcess(append([]string{"export", path, "--prefix", peerPrefix, "-o", reg}, p.form...)...)
					require.Equal(t, exitDone, r.code, "%s", r.stderr)
					data, err := os.ReadFile(emptyHive(t, 5))
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(target, data, 0o666))
					command := p.merge(program, target, reg)
					output, _ := command.CombinedOutput()
					require.Contains(t, p.codes, command.ProcessState.ExitCode(), "%.500s", output)
					if name == p.mangles {
						_, err := readHive(t, target).Hive.Key("Привет")
						require.ErrorIs(t, err, hive.ErrNotFound, "it imports such names now")
						return
					}
					requireEqualBut(t, readHive(t, path).Hive, readHive(t, target).Hive, p.wrong)
				})
			}
		})
	}
}

// requireEqualBut requires that two hives have the same keys and values, but for
// what another program gets wrong and the name of the root.
func requireEqualBut(t *testing.T, want, got *hive.Hive, wrong func(diff.Difference) bool) {
	t.Helper()
	for d, err := range diff.Hives(want, got, diff.Options{}) {
		if err != nil {
			var read *diff.ReadError
			require.ErrorAs(t, err, &read)
			require.True(t, read.Side == diff.B && wrong(diff.Difference{IsValue: true, A: &diff.Item{Data: make([]byte, 20000)}}), "%s", err)
			continue
		}
		require.True(t, d.Path == "" && !d.IsValue && d.Aspects == diff.Spelling || wrong(d),
			"%v: key %q, value %v, %s", d.Kind, d.Path, d.IsValue, d.Aspects)
	}
}

// soundHives are all hives whose keys and values are sound, as they stand before
// any recovery: other programs know none.
func soundHives(t *testing.T) map[string]string {
	t.Helper()
	hives := peerHives(t)
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		return hives
	}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() != "damaged" {
			return err
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sound := true
		check.Bytes(data, func(f check.Finding) {
			grave := f.Level == check.Fatal || f.Level == check.Limited
			sound = sound && (!grave || f.Code == check.CodeSequence || f.Code == check.CodeChecksum)
		})
		if h, err := hive.Open(data, hive.IgnoreDirty()); err != nil || !sound || h.Editable() != nil {
			return nil
		}
		name, err := filepath.Rel(folder, path)
		hives[filepath.ToSlash(name)] = path
		return err
	}))
	require.GreaterOrEqual(t, len(hives), 20)
	return hives
}

// TestImportOfPeersExports: what other programs export, we import into an empty
// hive as it was. Where reged mixes encodings the hint says how.
func TestImportOfPeersExports(t *testing.T) {
	t.Parallel()
	for _, p := range regPeers() {
		t.Run(p.name, func(t *testing.T) {
			program := peer(t, p.name)
			mixed := 0
			for name, path := range soundHives(t) {
				t.Run(name, func(t *testing.T) {
					folder := t.TempDir()
					reg, target, result := filepath.Join(folder, "x.reg"), filepath.Join(folder, "hive"), filepath.Join(folder, "result")
					data, err := os.ReadFile(path)
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(target, data, 0o666))
					output, err := p.export(program, target, reg).CombinedOutput()
					if name == p.refuses {
						require.Error(t, err, "it can open the hive now")
						return
					}
					require.NoError(t, err, "%.500s", output)
					arguments := []string{"import", emptyHive(t, 5), reg, "-o", result}
					r := inProcess(arguments...)
					if p.name == "reged" && r.code == exitFailed {
						require.Contains(t, r.stderr, "want UTF-8 as in the rest of the file")
						require.Contains(t, r.stderr, "hint: --encoding mixed reads ")
						require.NoFileExists(t, result)
						mixed++
						r = inProcess(append(arguments, "--encoding", "mixed")...)
					}
					require.Equal(t, exitDone, r.code, "%s", r.stderr)
					want, err := hive.Open(data, hive.IgnoreDirty())
					require.NoError(t, err)
					requireEqualBut(t, want, readHive(t, result).Hive, p.wrong)
				})
			}
			if os.Getenv("HIVEPATCH_CORPUS") != "" && p.name == "reged" {
				require.Equal(t, 2, mixed, "hives whose names in Latin-1 stand beside text in UTF-8")
			}
		})
	}
}

// inProcess is program, whose name other programs have here.
func inProcess(args ...string) result { return program(args...) }
