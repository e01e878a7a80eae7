package patch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivetest"
)

// jobCase is a sample with an edit of its first control set.
type jobCase struct {
	name    string
	sample  func() hivetest.Hive
	request Request
	tail    string // of the command line
	token   string // afterwards
	before  string
}

func jobCases(t testing.TB) []jobCase {
	return []jobCase{
		{"nt4", hivetest.NT4, defaultRequest(t), hivetest.CommandTailNT4, "1024,3072,512", "1024,3072"},
		{"windows7", hivetest.Windows7, thirdNumber(4096), hivetest.CommandTailWin7, "1024,20480,4096", "1024,20480,768"},
		{"windows10", hivetest.Windows10, thirdNumber(4096), hivetest.CommandTailWin10, "1024,20480,4096", "1024,20480,768"},
		{"windows10 of the same length", hivetest.Windows10, thirdNumber(512), hivetest.CommandTailWin10, "1024,20480,512", "1024,20480,768"},
		{"windows10 both numbers", hivetest.Windows10, Request{Edit: EditRequest{Sizes: sizes(16384, 12288)}, Time: editTime},
			hivetest.CommandTailWin10, "1024,16384,12288", "1024,20480,768"},
	}
}

func (c jobCase) text() string {
	return hivetest.CommandLine("SharedSection="+c.token, c.tail)
}

// expected makes the hive that must come out by the independent builder.
func (c jobCase) expected() []byte {
	image := c.sample().Build()
	value := hivetest.Value{Name: valueName, Type: hivetest.TypeExpandSZ, Data: hivetest.ExpandSZ(c.text())}
	image.SetValue(hivetest.SubSystems, value, hivetest.Filetime(editTime))
	image.SetTimestamp(hivetest.Filetime(editTime))
	number := image.Header32(hivetest.AtSequence1) + 1
	image.SetSequences(number, number)
	return image.Data
}

// TestApply does the job on samples. Every byte is what another writer makes of
// the same edit, and nothing but the value, the time of its key and the base
// block differs.
func TestApply(t *testing.T) {
	for _, test := range jobCases(t) {
		t.Run(test.name, func(t *testing.T) {
			before := test.sample().Build().Data
			done := apply(t, before, test.request)
			require.Equal(t, []SetChange{{"ControlSet001", "SharedSection=" + test.before, "SharedSection=" + test.token}}, done.report.ControlSets)
			require.Equal(t, []string{"check", "read-back", "regparser"}, done.report.VerifiedBy)
			require.Equal(t, len(before), len(done.data), "there is room for the new text")
			require.True(t, bytes.Equal(test.expected(), done.data), "another writer makes other bytes of it")
			requireSound(t, done.data)
			requireOnlyEdited(t, snapshot(t, before), snapshot(t, done.data), map[string]string{hivetest.SubSystems: test.text()})
			_, number := sequences(before)
			require.Equal(t, number, done.report.SequenceBefore)
			require.Equal(t, number+1, done.report.SequenceAfter)
		})
	}
}

// TestChangedRanges wants each range named after what it lies in, and the
// places to be those where the builder put the structures.
func TestChangedRanges(t *testing.T) {
	image := hivetest.NT4().Build()
	place := image.Value(hivetest.SubSystems, valueName)
	node := cellSpan(image, image.Key(hivetest.SubSystems).Node)
	record, old := cellSpan(image, place.Record), cellSpan(image, place.Data)
	done := apply(t, image.Data, defaultRequest(t))
	data := hivetest.FileOffset(binary.LittleEndian.Uint32(done.data[record.From+4+hivetest.RecordData:]))
	require.NotEqual(t, old.From, data, "the text outgrew its cell")
	places := map[string]hivetest.Span{
		"base block: sequence 1": {From: 4, To: 8},
		"base block: sequence 2": {From: 8, To: 12},
		"base block: time stamp": {From: 12, To: 20},
		"base block: checksum":   {From: 508, To: 512},
		"bin header":             {From: 4096 + 20, To: 4096 + 28},
		"key SubSystems":         node,
		"value Windows":          record,
		"data of value Windows": {From: data, To: data + 4 + int64(len(hivetest.ExpandSZ(
			jobCases(t)[0].text())))},
	}
	seen := map[string]bool{}
	for _, r := range done.report.ChangedRanges {
		seen[r.What] = true
		if r.What == "free cell" { // what is left of the cells taken and given back
			require.LessOrEqual(t, r.Length, int64(4), "%+v", r)
			continue
		}
		require.Contains(t, places, r.What)
		require.True(t, within(places[r.What], r), "%+v is not in %+v", r, places[r.What])
	}
	for what := range places {
		require.True(t, seen[what], what)
	}
}

// TestDeterminism: the same hive, request and time give the same bytes, in
// whatever time zone the time is given.
func TestDeterminism(t *testing.T) {
	for _, test := range jobCases(t) {
		t.Run(test.name, func(t *testing.T) {
			before := test.sample().Build().Data
			first := apply(t, before, test.request)
			test.request.Time = editTime.In(time.FixedZone("elsewhere", 5*3600))
			second := apply(t, before, test.request)
			require.True(t, bytes.Equal(first.data, second.data))
			require.Equal(t, first.report, second.report)
			test.request.Time = editTime.Add(time.Second)
			require.False(t, bytes.Equal(first.data, apply(t, before, test.request).data), "the time goes into the hive")
		})
	}
}

// TestIdempotence: what is there already is left alone, to the last byte.
func TestIdempotence(t *testing.T) {
	for _, test := range jobCases(t) {
		t.Run(test.name, func(t *testing.T) {
			first := apply(t, test.sample().Build().Data, test.request)
			test.request.Time = editTime.Add(time.Hour)
			requireUnchanged(t, first.data, test.request)
		})
	}
}

// requireUnchanged wants a job that has nothing to do to do nothing.
func requireUnchanged(t testing.TB, data []byte, request Request) *Report {
	t.Helper()
	again := apply(t, data, request)
	require.False(t, again.report.Changed)
	require.Equal(t, []edit.ChangedRange{}, again.report.ChangedRanges)
	require.True(t, bytes.Equal(data, again.data))
	for _, set := range again.report.ControlSets {
		require.Equal(t, set.Before, set.After)
	}
	require.Equal(t, []string{"check", "read-back", "regparser"}, again.report.VerifiedBy)
	return again.report
}

// TestDefaultPresetKeepsThirdNumber: the preset of Q142676 appends a number and
// never touches one.
func TestDefaultPresetKeepsThirdNumber(t *testing.T) {
	for name, sample := range map[string]func() hivetest.Hive{"windows7": hivetest.Windows7, "windows10": hivetest.Windows10} {
		t.Run(name, func(t *testing.T) {
			report := requireUnchanged(t, sample().Build().Data, defaultRequest(t))
			require.Equal(t, "SharedSection=1024,20480,768", report.ControlSets[0].After)
		})
	}
}

// TestGrowth: where no free cell holds the new text a bin is added, over bytes
// that trail the last one or at the end of the file.
func TestGrowth(t *testing.T) {
	for _, trailing := range []int{0, 7, hivetest.PageSize, 3 * hivetest.PageSize} {
		t.Run(fmt.Sprintf("%d bytes after the last bin", trailing), func(t *testing.T) {
			literal := hivetest.NT4()
			literal.Trailing = trailing
			image := literal.Build()
			for _, cell := range image.FreeCells() { // no room is left
				image.SetCellSize(cell.Offset, -int32(cell.Size))
			}
			done := apply(t, image.Data, defaultRequest(t))
			bins := hivetest.FileOffset(image.BinsSize())
			want := max(bins+hivetest.PageSize, int64(len(image.Data)))
			require.Len(t, done.data, int(want))
			require.Equal(t, image.BinsSize()+hivetest.PageSize, binary.LittleEndian.Uint32(done.data[hivetest.AtBinsSize:]))
			if rest := int(bins) + hivetest.PageSize; rest < len(image.Data) {
				require.True(t, bytes.Equal(image.Data[rest:], done.data[rest:]), "bytes after the last bin are kept")
			}
			require.Equal(t, jobCases(t)[0].text(), valueText(t, done.data, "ControlSet001"))
			requireSound(t, done.data)
			requireOnlyEdited(t, snapshot(t, image.Data), snapshot(t, done.data), map[string]string{hivetest.SubSystems: jobCases(t)[0].text()})
			requireUnchanged(t, done.data, defaultRequest(t))
		})
	}
}

// TestTransactionManager: Windows sets the flag of a hive in use, and may act
// on it.
func TestTransactionManager(t *testing.T) {
	const warning = "transaction manager"
	in := func(warnings []string) bool { return strings.Contains(strings.Join(warnings, "\n"), warning) }
	literal := hivetest.Windows10()
	require.True(t, in(apply(t, literal.Build().Data, thirdNumber(4096)).report.Warnings))
	literal.Flags = 0
	require.False(t, in(apply(t, literal.Build().Data, thirdNumber(4096)).report.Warnings))
}

// TestReadOnlyVersions: what cannot be edited is refused before anything else.
func TestReadOnlyVersions(t *testing.T) {
	for name, literal := range map[string]hivetest.Hive{
		"1.0": hivetest.NT31(0), "1.1": hivetest.NT31(1), "1.6": hivetest.Layered(),
	} {
		t.Run(name, func(t *testing.T) {
			data := literal.Build().Data
			require.ErrorIs(t, refuse(t, data, thirdNumber(512)), hive.ErrReadOnly)
			request := thirdNumber(512)
			request.AllowDamage = true
			require.ErrorContains(t, refuse(t, data, request), name+" ")
		})
	}
}

// TestVersions: every version that can be edited is.
func TestVersions(t *testing.T) {
	for minor := uint32(2); minor <= 5; minor++ {
		t.Run(fmt.Sprintf("1.%d", minor), func(t *testing.T) {
			literal := hivetest.NT4()
			literal.Minor = minor
			done := apply(t, literal.Build().Data, defaultRequest(t))
			require.Equal(t, jobCases(t)[0].text(), valueText(t, done.data, "ControlSet001"))
			requireSound(t, done.data)
		})
	}
}

// TestLesserFaultsOfTheKey: what is wrong with the key of the value and does no
// harm stays as it is.
func TestLesserFaultsOfTheKey(t *testing.T) {
	for name, fault := range map[string]func(image *hivetest.Image, node uint32){
		"longest value name": func(i *hivetest.Image, node uint32) { i.Put32(node, hivetest.NodeMaxValueName, 2) },
		"length of a class":  func(i *hivetest.Image, node uint32) { i.Put16(node, hivetest.NodeClassLength, 8) },
		"parent":             func(i *hivetest.Image, node uint32) { i.Put32(node, hivetest.NodeParent, i.Key("Setup").Node) },
		"volatile subkeys":   func(i *hivetest.Image, node uint32) { i.Put32(node, hivetest.NodeVolatile, 7) },
		"spare bytes of a value": func(i *hivetest.Image, _ uint32) {
			i.Put16(i.Value(hivetest.SubSystems, "Kmode").Record, hivetest.RecordSpare, 7)
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := hivetest.Windows10().Build()
			fault(image, image.Key(hivetest.SubSystems).Node)
			done := apply(t, image.Data, thirdNumber(4096))
			levels := []check.Level{check.Fatal, check.Limited, check.Convention, check.Warning}
			require.Equal(t, findings(image.Data, levels...), findings(done.data, levels...))
		})
	}
}

// TestTwoValuesWindows: of two values of the name Windows takes the first, and
// so do we and the second reader.
func TestTwoValuesWindows(t *testing.T) {
	for _, first := range []bool{true, false} {
		literal := hivetest.Windows10()
		key := literal.Key(hivetest.SubSystems)
		other := *key.Value(valueName)
		other.Name, other.Data = "wINDOWZ", hivetest.ExpandSZ(hivetest.CommandLine("SharedSection=1024,20480,256", hivetest.CommandTailWin10))
		if first {
			key.Values = append([]hivetest.Value{other}, key.Values...)
		} else {
			key.Values = append(key.Values, other)
		}
		image := literal.Build()
		image.Cell(image.Value(hivetest.SubSystems, other.Name).Record)[hivetest.RecordName+6] = 'S'
		done := apply(t, image.Data, thirdNumber(4096))
		before := "SharedSection=1024,20480,768"
		if first {
			before = "SharedSection=1024,20480,256"
		}
		require.Equal(t, before, done.report.ControlSets[0].Before)
		require.Equal(t, "SharedSection=1024,20480,4096", tokenOf(t, done.data))
		requireUnchanged(t, done.data, thirdNumber(4096))
	}
}

// TestSequenceNumberWraps: the number after the last is 0.
func TestSequenceNumberWraps(t *testing.T) {
	image := hivetest.NT4().Build()
	image.SetSequences(0xFFFFFFFF, 0xFFFFFFFF)
	require.Zero(t, apply(t, image.Data, defaultRequest(t)).report.SequenceAfter)
}

// TestBits: the width of Windows, where the hive says it, goes into the
// arithmetic of the heaps.
func TestBits(t *testing.T) {
	for architecture, bits := range map[string]int{"x86": 32, "X86": 32, "AMD64": 64, "ARM64": 64, "IA64": 64, "mips": 0, "": 0} {
		t.Run(architecture, func(t *testing.T) {
			literal := hivetest.Windows10()
			literal.Key(`ControlSet001\Control\Session Manager\Environment`).SetValue(
				hivetest.Value{Name: "PROCESSOR_ARCHITECTURE", Type: hivetest.TypeSZ, Data: hivetest.SZ(architecture)})
			sets, err := ReadControlSets(load(t, literal.Build().Data).Hive)
			require.NoError(t, err)
			require.Equal(t, bits, sets.Sets[0].bits())
		})
	}
}
