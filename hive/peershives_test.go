package hive_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

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

// ofCorpus returns a function that makes a hive of a real one; the test is
// skipped where there is none.
func ofCorpus(name string, change func(*testing.T, []byte, ...hive.Option) *hive.Hive) func(*testing.T) *hive.Hive {
	return func(t *testing.T) *hive.Hive {
		t.Helper()
		folder := os.Getenv("HIVEPATCH_CORPUS")
		if folder == "" {
			t.Skip("HIVEPATCH_CORPUS names no folder of real hives")
		}
		path := filepath.Join(folder, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return change(t, data, hive.WithLogs(logsBeside(t, path)...))
	}
}

// edited returns the hive in data after random edits all over it.
func edited(t *testing.T, data []byte, options ...hive.Option) *hive.Hive {
	t.Helper()
	h := open(t, data, options...)
	var keys []*hive.Key
	for k, err := range h.Walk() {
		require.NoError(t, err)
		keys = append(keys, k)
	}
	random := rand.New(rand.NewPCG(71, 72))
	s := &script{t: t, h: h, next: random.IntN, clock: now, most: 40000}
	gone := map[string]bool{}
	for range min(300, 10+len(keys)/2) {
		k := keys[random.IntN(len(keys))]
		if k.Flags()&(hive.FlagLink|hive.FlagPredefined) == 0 && !anyOf(gone, k.Ancestry()) {
			s.editRealKey(k, gone)
		}
	}
	return h
}

func anyOf(paths map[string]bool, keys []*hive.Key) bool {
	return slices.ContainsFunc(keys, func(k *hive.Key) bool { return paths[k.Path()] })
}

// editRealKey makes some edit of a key, and notes in gone the path of one that
// it deletes or renames, which is none of the first two levels.
func (s *script) editRealKey(k *hive.Key, gone map[string]bool) {
	s.clock = s.clock.Add(time.Second)
	edits := 100
	if len(k.Ancestry()) <= 2 {
		edits = 85
	}
	switch op := s.next(edits); {
	case op < 30:
		child, err := k.CreateSubkey("new "+s.name(), s.clock)
		if err == nil {
			_, err = child.SetValue("", hive.SZ, []byte("n\x00\x00\x00"), s.clock)
		}
		require.True(s.t, err == nil || errors.Is(err, hive.ErrExists), err)
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
		gone[k.Path()] = true
		err := k.Rename("renamed "+s.name(), s.clock)
		require.True(s.t, err == nil || errors.Is(err, hive.ErrExists), err)
	case op < 95:
		gone[k.Path()] = true
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

// hiveOfEverything returns a hive with all kinds of names, types and lengths.
func hiveOfEverything(t *testing.T, minor uint32) *hive.Hive {
	t.Helper()
	h := emptyHive(t, minor)
	set := func(path, name string, kind hive.Type, data []byte) {
		k, err := h.CreateKey(path, now)
		require.NoError(t, err)
		_, err = k.SetValue(name, kind, data, now)
		require.NoError(t, err)
	}
	for i, name := range peerNames {
		set(name, "v", hive.DWord, []byte{byte(i), 1, 2, 0x80})
		set(name+`\below`, "", hive.SZ, []byte("b\x00\x00\x00"))
		set("Values", name, hive.DWord, []byte{byte(i), 0, 0, 0})
	}
	set("Values", "", hive.SZ, []byte("d\x00\x00\x00"))
	set("Values", `back\slash`, hive.SZ, []byte("b\x00\x00\x00"))
	for _, kind := range []hive.Type{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x100, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF0007} {
		for _, length := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 40, 255, 256, 4060, 4096, 16343, 16344, 16345, 16346, 16348, 16349, 16356, 32687, 32688, 32689} {
			name := fmt.Sprintf("%d bytes of type %d", length, kind)
			if length <= 300 || kind <= hive.Binary {
				set("Types", name, kind, letters(length))
			}
			if length <= 300 || kind == hive.MultiSZ {
				set("Noise", name, kind, hivetest.Noise(length, uint32(kind)))
			}
		}
	}
	set("Types", "begins as big data does", hive.Binary, []byte("db\x02\x00 but is not"))
	for i, text := range peerTexts {
		for _, kind := range []hive.Type{hive.SZ, hive.ExpandSZ, hive.Link, hive.MultiSZ, hive.Binary} {
			for _, end := range []string{"", "\x00", "\x00\x00"} {
				data, err := hive.EncodeText(text + end)
				require.NoError(t, err)
				set("Texts", fmt.Sprintf("%d %s %d", i, kind, len(end)), kind, data)
			}
		}
	}
	k, err := h.CreateKey("With a class", now)
	require.NoError(t, err)
	require.NoError(t, k.SetClass("a class, é ж", now))
	for i, at := range []time.Time{time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2107, 12, 31, 23, 59, 59, 5e8, time.UTC)} {
		k, err := h.CreateKey(fmt.Sprint("Time ", i), now)
		require.NoError(t, err)
		require.NoError(t, k.SetLastWriteTime(at))
	}
	return h
}

var peerNames = []string{
	"plain", "with space", " before", "after ", "sla/sh", `quo"te`, "apos'trophe", "per%cent", "com,ma", "brack]et[",
	"semi;colon", "eq=ual", "pi|pe", "<less> &amp;", "tilde~", "@", "-minus", "a", "ab", "A_", "a^", "a`", "a[b",
	"tab\there", "line\nfeed", "return\r", "bell\a", "delete\x7f", "next\u0085line", "no\u00a0break",
	"é", "ÿ", "straße", "ж", "Σ", "σς", "ı", "ẞ", "aж", "x\u07ff", "x\u0800", "xЀb", "日本", "\ufeffmark", "\ufffd", "😀",
	"\xed\xa0\x80", "low\xed\xb0\x80half", "\xed\xb0\x80\xed\xa0\x80", "nul\x00inside", "nul\x00é", "nul\x00ж", "nul at the end\x00",
	"long " + strings.Repeat("x", 250), "lang" + strings.Repeat("ж", 251),
}

var peerTexts = []string{
	"", "plain", `"quoted" \ back`, "a,b%c|d/e", "tab\tline\r\nfeed", "\r", "\n", "\x01\x1f\x7f\u0085\u00a0",
	"é ÿ ж 日本 😀", "<a> &b; 'c'", "nul\x00inside", "\x00first", "\x00\x00", "a\x00\x00b", "a\x00é", "é\x00a", "a\x00\r\n",
	"\ufeffmark", "mark\ufffe", "\xed\xa0\x80", "low \xed\xb0\x80 half", "half at the end \xed\xa0\x80", "nul\x00half \xed\xb0\x80",
}

// letters returns n bytes of text in UTF-16, cut where n is odd.
func letters(n int) []byte {
	data := make([]byte, n)
	for i := 0; i < n; i += 2 {
		data[i] = byte('a' + i/2%26)
	}
	return data
}

// deepHive returns a hive with as many levels of keys as there may be.
func deepHive(t *testing.T) *hive.Hive {
	t.Helper()
	h := emptyHive(t, 5)
	k, err := h.Root()
	require.NoError(t, err)
	for level := 2; level <= hive.MaxDepth; level++ {
		k, err = k.CreateSubkey(fmt.Sprint("level ", level), now)
		require.NoError(t, err)
		_, err = k.SetValue("level", hive.DWord, []byte{byte(level), byte(level >> 8), 0, 0}, now)
		require.NoError(t, err)
	}
	return h
}

// hiveOfManyKeys returns a hive with lists of subkeys of all forms, before and
// after most are gone.
func hiveOfManyKeys(t *testing.T) *hive.Hive {
	t.Helper()
	h := emptyHive(t, 5)
	for _, n := range []int{1, 2, 507, 508, 1014, 1015, 3000} {
		for _, left := range []int{n, n / 2} {
			k, err := h.CreateKey(fmt.Sprintf("%d of %d", left, n), now)
			require.NoError(t, err)
			for i, j := range rand.New(rand.NewPCG(51, uint64(n))).Perm(n) {
				child, err := k.CreateSubkey(fmt.Sprint("key ", j), now)
				require.NoError(t, err)
				_, err = child.SetValue(fmt.Sprint("value ", i), hive.DWord, []byte{byte(i), byte(i >> 8), 0, 0}, now)
				require.NoError(t, err)
				_, err = k.SetValue(fmt.Sprint("value ", j), hive.DWord, []byte{byte(i), byte(i >> 8), 0, 0}, now)
				require.NoError(t, err)
			}
			for j := left; j < n; j++ {
				child, err := k.Subkey(fmt.Sprint("key ", j))
				require.NoError(t, err)
				require.NoError(t, child.Delete(now))
				v, err := k.Value(fmt.Sprint("value ", j))
				require.NoError(t, err)
				require.NoError(t, v.Delete(now))
			}
		}
	}
	return h
}

// importedHive returns what the command makes of its own export of a real hive.
func importedHive(t *testing.T) *hive.Hive {
	t.Helper()
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS names no folder of real hives")
	}
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the Go command is not installed")
	}
	work := t.TempDir()
	at := func(name string) string { return filepath.Join(work, name) }
	program, empty, export, imported := at("hivepatch.exe"), at("empty"), at("export.reg"), at("imported")
	for _, arguments := range [][]string{
		{compiler, "build", "-o", program, "../cmd/hivepatch"},
		{program, "export", filepath.Join(folder, "system", "win7-x86", "SYSTEM"), "-o", export},
		{program, "new", "-o", empty},
		{program, "import", empty, export, "-o", imported},
	} {
		runPeer(t, arguments[0], arguments[1:]...)
	}
	data, err := os.ReadFile(imported)
	require.NoError(t, err)
	return open(t, data)
}
