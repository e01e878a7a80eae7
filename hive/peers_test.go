package hive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// A reader is a program, or a library, of others that reads hives. What it gets
// wrong is said where its output is foretold.
type reader struct {
	name string
	// readable reports whether the reader copes with such names of keys and
	// values and such data; the rest is deleted before it sees the hive. Nil
	// where it copes with everything.
	readable *readable
	// read lets the reader read the hive in the file at path, and requires that
	// it sees what h holds.
	read func(t *testing.T, path string, h *hive.Hive)
}

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

// fast are the readers that read a large hive in about a second.
const fast = "hivexml reglookup reged regparser"

var hivesWritten = []written{
	{"new 1.3", "", func(t *testing.T) *hive.Hive { return emptyHive(t, 3) }},
	{"new 1.5", "", func(t *testing.T) *hive.Hive { return emptyHive(t, 5) }},
	{"everything 1.3", "", func(t *testing.T) *hive.Hive { return hiveOfEverything(t, 3) }},
	{"everything 1.5", "", func(t *testing.T) *hive.Hive { return hiveOfEverything(t, 5) }},
	{"many keys", "", hiveOfManyKeys},
	{"random edits 1.3", "", func(t *testing.T) *hive.Hive { return randomHive(t, 3) }},
	{"random edits 1.5", "", func(t *testing.T) *hive.Hive { return randomHive(t, 5) }},
	{"random edits 1.5, compact", "", func(t *testing.T) *hive.Hive { return compact(t, randomHive(t, 5)) }},
	{"sample nt4", "", func(t *testing.T) *hive.Hive { return edited(t, hivetest.NT4().Build().Data) }},
	{"sample windows10, compact", "", func(t *testing.T) *hive.Hive { return compact(t, edited(t, hivetest.Windows10().Build().Data)) }},
	{"imported", "hivexregedit reglookup reged regparser", importedHive},
	{"real nt4", "", real("system/nt4/system", edited)},
	{"real nt4, compact", "", real("system/nt4/system", compacted)},
	{"real xp", "", real("system/xp-sp3/SYSTEM", edited)},
	{"real xp, compact", fast, real("system/xp-sp3/SYSTEM", compacted)},
	{"real windows7", "hivexregedit hivexml reglookup reged regparser", real("system/win7-x86/SYSTEM", edited)},
	{"real windows7, compact", "reglookup regparser", real("system/win7-x86/SYSTEM", compacted)},
	{"real windows10, recovered", "hivexml reglookup regparser", real("system/win10-1709-dirty/SYSTEM", edited)},
	{"real user, compact", "", real("other/ntuser-xp/NTUSER.DAT", compacted)},
	{"real big data", "", real("odd/BigDataHive", edited)},
	{"real big data, compact", "", real("odd/BigDataHive", compacted)},
	{"real Unicode", "", real("odd/UnicodeHive", edited)},
	{"real Latin-1", "", real("odd/ExtendedASCIIHive", edited)},
	{"real texts", "", real("odd/StringValuesHive", edited)},
	{"real lists of texts", "", real("odd/MultiSzHive", edited)},
	{"real, made by offreg", "", real("odd/EffectiveSizeHive", edited)},
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
				if w.readers != "" && !strings.Contains(w.readers, r.name) {
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
	const head, context = 200, 80
	from := 0
	for _, to := range append(f.gaps, len(f.text)) {
		part := f.text[from:to]
		if from > 0 {
			found := bytes.Index(output, part[:min(len(part), head)])
			require.GreaterOrEqual(t, found, 0, "not found: %q", part[:min(len(part), head)])
			output = output[found:]
		}
		same := 0
		for same < min(len(part), len(output)) && part[same] == output[same] {
			same++
		}
		if same < len(part) {
			near := max(0, same-context)
			t.Fatalf("at %d: want\n%q\ngot\n%q", from+same,
				part[near:min(len(part), same+context)], output[near:min(len(output), same+context)])
		}
		output = output[same:]
		from = to
	}
	require.Empty(t, string(output[:min(len(output), head)]), "more output than foretold")
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

func emptyHive(t *testing.T, minor uint32) *hive.Hive {
	t.Helper()
	h, err := hive.New(minor, now)
	require.NoError(t, err)
	return h
}

func compact(t *testing.T, h *hive.Hive) *hive.Hive {
	t.Helper()
	h, err := h.Compact(now)
	require.NoError(t, err)
	return h
}

// real returns a function that makes a hive of a real one; the test is skipped
// where there is none.
func real(name string, make func(*testing.T, []byte, ...hive.Option) *hive.Hive) func(*testing.T) *hive.Hive {
	return func(t *testing.T) *hive.Hive {
		t.Helper()
		folder := os.Getenv("HIVEPATCH_CORPUS")
		if folder == "" {
			t.Skip("HIVEPATCH_CORPUS names no folder of real hives")
		}
		path := filepath.Join(folder, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return make(t, data, hive.WithLogs(logsBeside(t, path)...))
	}
}

// edited returns the hive in data after random edits all over it.
func edited(t *testing.T, data []byte, options ...hive.Option) *hive.Hive {
	t.Helper()
	h := open(t, data, options...)
	var keys []*hive.Key
	for k, err := range h.Walk() {
		require.NoError(t, err)
		if len(k.Ancestry()) > 2 {
			keys = append(keys, k)
		}
	}
	random := rand.New(rand.NewPCG(71, 72))
	s := &script{t: t, h: h, next: random.IntN, clock: now, most: 40000}
	gone := map[string]bool{}
	for range min(300, len(keys)/2) {
		k := keys[random.IntN(len(keys))]
		if !gone[topKeys(k.Path())] {
			s.editRealKey(k, gone)
		}
	}
	return h
}

// topKeys returns the first three names of a path.
func topKeys(path string) string {
	names := strings.SplitN(path, `\`, 4)
	return strings.Join(names[:min(len(names), 3)], `\`)
}

// editRealKey makes some edit of a key. Where it takes away or moves what other
// keys stand for, it notes it in gone.
func (s *script) editRealKey(k *hive.Key, gone map[string]bool) {
	s.clock = s.clock.Add(time.Second)
	require.True(s.t, k.Flags()&(hive.FlagLink|hive.FlagPredefined) == 0)
	switch op := s.next(100); {
	case op < 30:
		child, err := k.CreateSubkey("new "+s.name(), s.clock)
		if err == nil {
			_, err = child.SetValue("", hive.SZ, []byte("n\x00\x00\x00"), s.clock)
		}
		require.True(s.t, err == nil || isExists(err), err)
	case op < 70:
		_, err := k.SetValue(s.name(), hive.Type(s.next(13)), s.data(), s.clock)
		require.NoError(s.t, err)
	case op < 85:
		for v, err := range k.Values() {
			require.NoError(s.t, err)
			if s.next(2) == 0 {
				require.NoError(s.t, v.Delete(s.clock))
			}
		}
	case op < 90:
		gone[topKeys(k.Path())] = true
		require.NoError(s.t, k.Rename("renamed "+s.name(), s.clock))
	case op < 95:
		gone[topKeys(k.Path())] = true
		require.NoError(s.t, k.Delete(s.clock))
	default:
		require.NoError(s.t, k.SetSecurityDescriptor([]byte(descriptors[s.next(len(descriptors))]), s.clock))
	}
}

func compacted(t *testing.T, data []byte, options ...hive.Option) *hive.Hive {
	t.Helper()
	return compact(t, edited(t, data, options...))
}

// randomHive returns a hive that has gone through many random edits.
func randomHive(t *testing.T, minor uint32) *hive.Hive {
	t.Helper()
	s := newScript(t, minor, rand.New(rand.NewPCG(61, uint64(minor))).IntN)
	for range 4000 {
		s.step()
	}
	return s.h
}
