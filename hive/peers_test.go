package hive_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// A reader is a program, or a library, of others that reads hives. What it gets
// wrong is said where its output is foretold.
type reader struct {
	name     string
	readable *readable // nil where it copes with everything
	// read lets the reader read the hive in the file at path, and requires that
	// it sees what h holds.
	read func(t *testing.T, path string, h *hive.Hive)
}

// readable tells which names of keys, and which values, a reader copes with. The
// rest is deleted before it sees the hive.
type readable struct {
	key   func(name string) bool
	value func(v *hive.Value) bool
}

var readers = []reader{
	{"hivexregedit", withoutSurrogates, readWithHivexregedit},
	{"hivexml", withoutSurrogates, readWithHivexml},
	{"reglookup", nil, readWithReglookup},
	{"reged", readableByReged, readWithReged},
	{"regfexport", withoutSurrogates, readWithRegfexport},
	{"regparser", nil, readWithRegparser},
}

// withoutSurrogates is for readers that stop at the first name with half a
// surrogate pair in it, which is no UTF-16: hivex and libregf.
var withoutSurrogates = &readable{
	key:   utf8.ValidString, // a half is no UTF-8
	value: func(v *hive.Value) bool { return utf8.ValidString(v.Name()) },
}

// written is a hive that we wrote.
type written struct {
	name    string
	readers string // that are to read it, "" for all
	hive    func(t *testing.T) *hive.Hive
}

var hivesWritten = []written{
	{"new 1.3", "", func(t *testing.T) *hive.Hive { return emptyHive(t, 3) }},
	{"new 1.5", "", func(t *testing.T) *hive.Hive { return emptyHive(t, 5) }},
	{"everything 1.3", "", func(t *testing.T) *hive.Hive { return hiveOfEverything(t, 3) }},
	{"everything 1.5", "", func(t *testing.T) *hive.Hive { return hiveOfEverything(t, 5) }},
	{"many keys", "", hiveOfManyKeys},
	{"deep", "hivexregedit hivexml reglookup regfexport regparser", deepHive}, // reged cuts long paths
	{"random edits 1.3", "", func(t *testing.T) *hive.Hive { return randomHive(t, 3) }},
	{"random edits 1.5", "", func(t *testing.T) *hive.Hive { return randomHive(t, 5) }},
	{"random edits 1.5, compact", "", func(t *testing.T) *hive.Hive { return compact(t, randomHive(t, 5)) }},
	{"sample nt4", "", func(t *testing.T) *hive.Hive { return edited(t, hivetest.NT4().Build().Data) }},
	{"sample windows10, compact", "", func(t *testing.T) *hive.Hive { return compact(t, edited(t, hivetest.Windows10().Build().Data)) }},
	{"imported", "", importedHive},
	{"real nt4", "", ofCorpus("system/nt4/system", edited)},
	{"real nt4, compact", "", ofCorpus("system/nt4/system", compacted)},
	{"real xp", "", ofCorpus("system/xp-sp3/SYSTEM", edited)},
	{"real xp, compact", "", ofCorpus("system/xp-sp3/SYSTEM", compacted)},
	{"real windows7", "", ofCorpus("system/win7-x86/SYSTEM", edited)},
	{"real windows7, compact", "", ofCorpus("system/win7-x86/SYSTEM", compacted)},
	{"real windows10, recovered", "", ofCorpus("system/win10-1709-dirty/SYSTEM", edited)},
	{"real user, compact", "", ofCorpus("other/ntuser-xp/NTUSER.DAT", compacted)},
	{"real big data", "", ofCorpus("odd/BigDataHive", edited)},
	{"real big data, compact", "", ofCorpus("odd/BigDataHive", compacted)},
	{"real Unicode", "", ofCorpus("odd/UnicodeHive", edited)},
	{"real Latin-1", "", ofCorpus("odd/ExtendedASCIIHive", edited)},
	{"real texts", "", ofCorpus("odd/StringValuesHive", edited)},
	{"real lists of texts", "", ofCorpus("odd/MultiSzHive", edited)},
}

// TestPeersReadWrittenHives lets programs of others read hives that we wrote,
// and requires that they see every key and value as we do: names, types, data,
// and times where they tell them.
func TestPeersReadWrittenHives(t *testing.T) {
	for _, w := range hivesWritten {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			h := w.hive(t)
			h.Seal(now)
			for _, r := range readers {
				if w.readers != "" && !slices.Contains(strings.Fields(w.readers), r.name) {
					continue
				}
				t.Run(r.name, func(t *testing.T) {
					h := legible(t, h, r.readable)
					path := filepath.Join(t.TempDir(), "hive")
					require.NoError(t, os.WriteFile(path, h.Bytes(), 0o644))
					r.read(t, path, h)
				})
			}
		})
	}
}

// legible returns h without what a reader does not cope with.
func legible(t *testing.T, h *hive.Hive, r *readable) *hive.Hive {
	t.Helper()
	if r == nil {
		return h
	}
	h = open(t, h.Bytes())
	root, err := h.Root()
	require.NoError(t, err)
	deleteIllegible(t, root, r)
	h.Seal(now)
	return h
}

func deleteIllegible(t *testing.T, k *hive.Key, r *readable) {
	t.Helper()
	for v, err := range k.Values() {
		require.NoError(t, err)
		if !r.value(v) {
			require.NoError(t, v.Delete(now))
		}
	}
	for child, err := range k.Subkeys() {
		require.NoError(t, err)
		if r.key(child.Name()) {
			deleteIllegible(t, child, r)
		} else {
			require.NoError(t, child.Delete(now))
		}
	}
}

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
func runPeer(t *testing.T, program string, arguments ...string) (stdout []byte, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(), "PERL_UNICODE=SO", "LC_ALL=C.UTF-8", "TZ=UTC")
	command.Stdout, command.Stderr = &out, &errors
	require.NoError(t, command.Run(), "%s %v\n%s", program, arguments, errors.String())
	return out.Bytes(), errors.String()
}

// foretold is the output that a reader must give, with gaps where nobody can
// say what it will.
type foretold struct {
	text []byte
	gaps []int // in text
}

func (f *foretold) add(parts ...string) {
	for _, part := range parts {
		f.text = append(f.text, part...)
	}
}

func (f *foretold) addf(format string, a ...any) { f.text = fmt.Appendf(f.text, format, a...) }

func (f *foretold) gap() { f.gaps = append(f.gaps, len(f.text)) }

// require requires that the output is as foretold. In the place of a gap may
// stand anything up to where the text goes on.
func (f *foretold) require(t *testing.T, output []byte) {
	t.Helper()
	if found := f.difference(output); found != "" {
		t.Fatal(found)
	}
}

// difference describes the first difference, "" where there is none.
func (f *foretold) difference(output []byte) string {
	const head, context = 200, 80
	from := 0
	for _, to := range append(f.gaps, len(f.text)) {
		part := f.text[from:to]
		if from > 0 {
			start := part[:min(len(part), head)]
			found := bytes.Index(output, start)
			if found < 0 {
				return fmt.Sprintf("at %d: not found: %q", from, start)
			}
			output = output[found:]
		}
		same := 0
		for same < min(len(part), len(output)) && part[same] == output[same] {
			same++
		}
		if same < len(part) {
			near := max(0, same-context)
			return fmt.Sprintf("at %d: want\n%q\ngot\n%q", from+same,
				part[near:min(len(part), same+context)], output[near:min(len(output), same+context)])
		}
		output, from = output[same:], to
	}
	if len(output) > 0 {
		return fmt.Sprintf("more than foretold: %q", output[:min(len(output), head)])
	}
	return ""
}

func TestForetold(t *testing.T) {
	f := &foretold{}
	f.add("one ")
	f.addf("%d ", 2)
	f.gap()
	f.add(" three")
	for _, c := range []struct{ output, want string }{
		{"one 2  three", ""},
		{"one 2 anything three", ""},
		{"one 2 anything thre", "not found"},
		{"one 2 anything three.", "more than foretold"},
		{"one 3 anything three", "want"},
		{"one", "want"},
		{"", "want"},
	} {
		t.Run(c.output, func(t *testing.T) {
			got := f.difference([]byte(c.output))
			require.Contains(t, got, c.want)
			require.Equal(t, c.want == "", got == "")
		})
	}
}

// beforeNUL returns what a program in C sees of a text.
func beforeNUL(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// latin1 returns the name in Latin-1, as it is stored where that is possible.
func latin1(name string) (string, bool) {
	stored := make([]byte, 0, len(name))
	for _, r := range name {
		if r > 0xFF {
			return "", false
		}
		stored = append(stored, byte(r))
	}
	return string(stored), true
}
