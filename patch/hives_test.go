package patch

import (
	"bytes"
	"crypto/sha256"

	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// editTime is when the tests edit. It has digits down to the 100 ns that the
// registry keeps.
var editTime = time.Date(2024, time.May, 6, 7, 8, 9, 123456700, time.UTC)

// thirdNumber asks for a third number.
func thirdNumber(kb uint32) Request {
	return Request{Edit: EditRequest{Sizes: Sizes{Noninteractive: KB(kb)}}, Time: editTime}
}

// defaultRequest is what the command line asks for without sizes.
func defaultRequest(t testing.TB) Request {
	t.Helper()
	preset, err := FindPreset(DefaultPreset)
	require.NoError(t, err)
	return Request{Edit: EditRequest{Preset: preset}, Time: editTime}
}

// tolerant is how the command line loads: damage is for the check to find.
var tolerant = hivefile.LoadOptions{Tolerant: true}

// load loads a copy of a hive as it comes through standard input.
func load(t testing.TB, data []byte) *hivefile.File {
	t.Helper()
	file, err := hivefile.LoadStream(bytes.NewReader(data), tolerant)
	require.NoError(t, err)
	return file
}

// save puts a hive and its logs into a new folder and returns the path of the
// hive. A log that is nil does not exist.
func save(t testing.TB, primary, log1, log2 []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "SYSTEM")
	for suffix, data := range map[string][]byte{"": primary, ".LOG1": log1, ".LOG2": log2} {
		if data != nil {
			require.NoError(t, os.WriteFile(path+suffix, data, 0o600))
		}
	}
	return path
}

// patched is a hive after a job.
type patched struct {
	report *Report
	data   []byte
}

// apply does the job on a hive and requires what always holds of a job that
// is done.
func apply(t testing.TB, data []byte, request Request) patched {
	t.Helper()
	file := load(t, data)
	report, err := Apply(file, request)
	require.NoError(t, err)
	requireReport(t, data, file, report)
	return patched{report, bytes.Clone(file.Hive.Bytes())}
}

// requireReport wants the report of a job to be true of the bytes before, as
// they were in the file, and after it.
func requireReport(t testing.TB, before []byte, file *hivefile.File, report *Report) {
	t.Helper()
	after := file.Hive.Bytes()
	requireRanges(t, before, after, report.ChangedRanges)
	require.Equal(t, !bytes.Equal(before, after), report.Changed)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(before)), report.SHA256Before)
	require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(after)), report.SHA256After)
	require.EqualValues(t, len(before), report.SizeBefore)
	require.EqualValues(t, len(after), report.SizeAfter)
	first, second := sequences(after)
	require.Equal(t, first, second)
	require.Equal(t, first, report.SequenceAfter)
	require.Equal(t, hivetest.Checksum(after), binary.LittleEndian.Uint32(after[hivetest.AtChecksum:]))
	require.Nil(t, report.Output, "for whoever saves it to fill in")
}

func sequences(data []byte) (first, second uint32) {
	return binary.LittleEndian.Uint32(data[hivetest.AtSequence1:]), binary.LittleEndian.Uint32(data[hivetest.AtSequence2:])
}

// requireRanges wants every byte that differs in exactly one range, and every
// range to begin and end with such a byte.
func requireRanges(t testing.TB, before, after []byte, ranges []edit.ChangedRange) {
	t.Helper()
	require.LessOrEqual(t, len(before), len(after))
	differs := func(at int64) bool { return at >= int64(len(before)) || before[at] != after[at] }
	same := func(from, to int64) bool {
		return from == to || to <= int64(len(before)) && bytes.Equal(before[from:to], after[from:to])
	}
	end := int64(0)
	for _, r := range ranges {
		require.Positive(t, r.Length, "%+v", r)
		require.NotEmpty(t, r.What, "%+v", r)
		require.GreaterOrEqual(t, r.Offset, end, "%+v begins in the range before it", r)
		require.LessOrEqual(t, r.Offset+r.Length, int64(len(after)), "%+v", r)
		require.True(t, same(end, r.Offset), "a byte from %#x on that differs is in no range; the next is %+v", end, r)
		end = r.Offset + r.Length
		require.True(t, differs(r.Offset) && differs(end-1), "%+v is wider than what differs", r)
	}
	require.True(t, same(end, int64(len(after))), "a byte behind the last range, at %#x, differs", end)
}

// refuse wants the job refused and the hive in memory untouched.
func refuse(t testing.TB, data []byte, request Request) error {
	t.Helper()
	file := load(t, data)
	report, err := Apply(file, request)
	require.Error(t, err)
	require.Nil(t, report)
	require.True(t, bytes.Equal(data, file.Hive.Bytes()), "refused, but the hive was changed")
	require.Empty(t, file.Hive.Changes())
	return err
}

// keyState is all that there is to a key.
type keyState struct {
	path     string
	class    string
	security string
	time     time.Time
	values   []valueState
}

type valueState struct {
	name string
	kind hive.Type
	data string
}

// snapshot reads a whole hive as it stands. Whatever cannot be read fails the
// test.
func snapshot(t testing.TB, data []byte) []keyState {
	t.Helper()
	h, err := hive.Open(bytes.Clone(data), hive.IgnoreDirty())
	require.NoError(t, err)
	var keys []keyState
	descriptors := map[string]string{} // the same few, many times over
	for key, err := range h.Walk() {
		require.NoError(t, err)
		state := keyState{path: key.Path(), time: key.LastWriteTime()}
		state.class, err = key.Class()
		require.NoError(t, err, key.Path())
		security, err := key.SecurityDescriptor()
		require.NoError(t, err, key.Path())
		if _, known := descriptors[string(security)]; !known {
			descriptors[string(security)] = string(security)
		}
		state.security = descriptors[string(security)]
		for value, err := range key.Values() {
			require.NoError(t, err, key.Path())
			data, err := value.Data()
			require.NoError(t, err, key.Path())
			state.values = append(state.values, valueState{value.Name(), value.Type(), string(data)})
		}
		keys = append(keys, state)
	}
	return keys
}

// requireOnlyEdited wants two hives to be the same but for the value Windows
// and the time of the keys at paths, which are those of an edit, with the
// given text.
func requireOnlyEdited(t testing.TB, before, after []keyState, texts map[string]string) {
	t.Helper()
	require.Len(t, after, len(before))
	edited := 0
	for i, want := range before {
		if text, ok := texts[want.path]; ok {
			want = want.edited(text)
			edited++
		}
		if !want.equal(after[i]) {
			require.Failf(t, "another key is not as it was", "%s\nwant %+v\ngot  %+v", want.path, want, after[i])
		}
	}
	require.Equal(t, len(texts), edited)
}

func (k keyState) edited(text string) keyState {
	k.time = editTime
	k.values = slices.Clone(k.values)
	for i, value := range k.values {
		if value.name == valueName {
			k.values[i] = valueState{valueName, hive.ExpandSZ, string(hivetest.ExpandSZ(text))}
		}
	}
	return k
}

func (k keyState) equal(other keyState) bool {
	return k.path == other.path && k.class == other.class && k.security == other.security &&
		k.time.Equal(other.time) && slices.Equal(k.values, other.values)
}

// valueText reads the text of the value in a control set.
func valueText(t testing.TB, data []byte, set string) string {
	t.Helper()
	h, err := hive.Open(bytes.Clone(data), hive.Tolerant(), hive.IgnoreDirty())
	require.NoError(t, err)
	key, err := h.Key(set + `\` + subSystemsPath)
	require.NoError(t, err)
	value, err := key.Value(valueName)
	require.NoError(t, err)
	stored, err := value.Data()
	require.NoError(t, err)
	return ParseValue(uint32(value.Type()), stored).Text()
}

// findings are those of a level or graver.
func findings(data []byte, levels ...check.Level) []check.Finding {
	var found []check.Finding
	check.Bytes(data, func(f check.Finding) {
		if slices.Contains(levels, f.Level) {
			found = append(found, f)
		}
	})
	return found
}

// requireSound wants no finding of level F or L.
func requireSound(t testing.TB, data []byte) {
	t.Helper()
	for _, f := range findings(data, check.Fatal, check.Limited) {
		require.Fail(t, f.String())
	}
}

// cellSpan is where a cell of an image lies in the file.
func cellSpan(image *hivetest.Image, cell uint32) hivetest.Span {
	size := int64(image.CellSize(cell))
	return hivetest.Span{From: hivetest.FileOffset(cell), To: hivetest.FileOffset(cell) + max(size, -size)}
}

func within(span hivetest.Span, r edit.ChangedRange) bool {
	return r.Offset >= span.From && r.Offset+r.Length <= span.To
}

// errorsAs reports whether an error is or wraps one of type E.
func errorsAs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
