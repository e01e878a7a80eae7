package check_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivetest"
)

// session checks the NT 4 sample and announces an edit of its value Windows.
func session(t *testing.T, data []byte) (*check.Session, *hive.Hive, *hive.Value) {
	t.Helper()
	h, err := hive.Open(data)
	require.NoError(t, err)
	key, err := h.Key(hivetest.SubSystems)
	require.NoError(t, err)
	value, err := key.Value(hivetest.ValueWindows)
	require.NoError(t, err)
	s := check.Start(h.Bytes(), func(f check.Finding) {
		require.Equal(t, check.Warning, f.Level, f.String())
	})
	s.Expect(key.Offset(), key.Path())
	return s, h, value
}

func recheck(s *check.Session, data []byte, changes []hive.Change) []check.Finding {
	var list []check.Finding
	s.Recheck(data, changes, func(f check.Finding) {
		if f.Level != check.Warning {
			list = append(list, f)
		}
	})
	return list
}

// TestSessionSound edits a value to every size that takes another way through
// the allocation. The second check agrees with one of the whole hive.
func TestSessionSound(t *testing.T) {
	samples := map[string]func() hivetest.Hive{"nt4": hivetest.NT4, "windows10": hivetest.Windows10}
	for name, sample := range samples {
		for _, size := range []int{0, 4, 5, 100, 548, 552, 560, 4000, 16344, 16345, 20000, 40000} {
			s, h, value := session(t, sample().Build().Data)
			require.NoError(t, value.SetData(hive.Binary, bytes.Repeat([]byte{0xA5}, size), time.Unix(1e9, 0)))
			h.Seal(time.Unix(1e9, 0))
			require.Empty(t, recheck(s, h.Bytes(), h.Changes()), "%s, %d bytes", name, size)
			check.Bytes(h.Bytes(), func(f check.Finding) {
				require.Contains(t, []check.Level{check.Warning}, f.Level, "%s, %d bytes: %s", name, size, f)
			})
		}
	}
}

// TestSessionReach lets an edit do what it should not, in one way each.
func TestSessionReach(t *testing.T) {
	image := hivetest.NT4().Build()
	node := image.Key(hivetest.SubSystems).Node
	record := image.Value(hivetest.SubSystems, hivetest.ValueWindows).Record
	other := image.Value(hivetest.SubSystems002, hivetest.ValueWindows)
	field := func(cell uint32, off int64) int64 { return hivetest.FileOffset(cell) + 4 + off }

	for _, c := range []struct {
		name string
		at   int64
		with []byte
		code string
	}{
		{"data of another value", field(other.Data, 10), []byte{1, 2}, "edit-reach"},
		{"record of another value", field(other.Record, hivetest.RecordType), []byte{1}, "edit-reach"},
		{"name of the key", field(node, hivetest.NodeName), []byte("X"), "edit-reach"},
		{"flags of the key", field(node, hivetest.NodeFlags), []byte{0x28}, "edit-reach"},
		{"parent of the key", field(node, hivetest.NodeParent), []byte{0x20, 0, 0, 0}, "edit-reach"},
		{"security of the key", field(node, hivetest.NodeSecurity), []byte{0x20, 0, 0, 0}, "edit-reach"},
		{"maxima of the key too small", field(node, hivetest.NodeMaxValueData), []byte{1, 0, 0, 0}, "maxima"},
		{"value count too high", field(node, hivetest.NodeValues), []byte{0xFF, 0xFF, 0, 0}, "value-list"},
		{"data of another value taken", field(record, hivetest.RecordData), binary.LittleEndian.AppendUint32(nil, other.Data), "shared-cell"},
		{"data in the middle of a cell", field(record, hivetest.RecordData), binary.LittleEndian.AppendUint32(nil, other.Data+8), "reference"},
		{"cell of another value freed", hivetest.FileOffset(other.Data), binary.LittleEndian.AppendUint32(nil, uint32(-image.CellSize(other.Data))), "edit-reach"},
		{"size of a cell destroyed", hivetest.FileOffset(other.Data), []byte{0, 0, 0, 0}, "cell-size"},
		{"header of a bin", hivetest.BaseBlockSize + 12, []byte{1}, "edit-reach"},
		{"signature of a bin", hivetest.BaseBlockSize, []byte("x"), "bin-chain"},
		{"root cell", hivetest.AtRootCell, binary.LittleEndian.AppendUint32(nil, node), "edit-reach"},
		{"version", hivetest.AtMinor, []byte{5}, "edit-reach"},
		{"flags of the hive", hivetest.AtFlags, []byte{2}, "edit-reach"},
		{"bins in use cut off", hivetest.AtBinsSize, binary.LittleEndian.AppendUint32(nil, other.Data&^(hivetest.PageSize-1)), "edit-reach"},
		{"checksum", hivetest.AtChecksum, []byte{1, 2, 3, 4}, "checksum"},
		{"sequence number", hivetest.AtSequence1, []byte{1, 2, 3, 4}, "sequence-numbers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, h, _ := session(t, bytes.Clone(image.Data))
			data := bytes.Clone(h.Bytes())
			copy(data[c.at:], c.with)
			require.False(t, bytes.Equal(h.Bytes(), data))
			findings := recheck(s, data, []hive.Change{{Offset: c.at, Length: int64(len(c.with))}})
			var codes []string
			for _, f := range findings {
				codes = append(codes, f.Code)
			}
			require.Contains(t, codes, c.code)
		})
	}
}

// TestSessionDroppedBin lets the data of a value grow and shrink again, so that
// the bin that was added for it goes.
func TestSessionDroppedBin(t *testing.T) {
	_, h, value := session(t, hivetest.NT4().Build().Data)
	require.NoError(t, value.SetData(hive.Binary, make([]byte, 16000), time.Unix(1e9, 0)))
	h.Seal(time.Unix(1e9, 0))
	grown := bytes.Clone(h.Bytes())
	s, h, value := session(t, bytes.Clone(grown))
	require.NoError(t, value.SetData(hive.Binary, []byte("short"), time.Unix(1e9, 0)))
	h.Seal(time.Unix(1e9, 0))
	require.Less(t, len(h.Bytes()), len(grown))
	require.Empty(t, recheck(s, h.Bytes(), h.Changes()))
	last := h.Changes()[len(h.Changes())-1]
	require.Equal(t, hive.Change{Offset: int64(len(h.Bytes())), Length: int64(len(grown) - len(h.Bytes())), What: "removed at the end"}, last)
	requireChangesTell(t, grown, h)
}

// requireChangesTell requires that the list of changes makes the new hive of the
// old one.
func requireChangesTell(t *testing.T, old []byte, h *hive.Hive) {
	told := bytes.Clone(old[:len(h.Bytes())])
	for _, change := range h.Changes() {
		if end := change.Offset + change.Length; end <= int64(len(told)) {
			copy(told[change.Offset:end], h.Bytes()[change.Offset:])
		}
	}
	require.True(t, bytes.Equal(h.Bytes(), told))
}

// TestSessionKnownFault edits a value of a key whose maximum is too small, as
// in hives of Windows XP. The edit raises the maximum but not far enough, and is
// no worse for that.
func TestSessionKnownFault(t *testing.T) {
	sample := hivetest.NT4()
	sample.Key(hivetest.SubSystems).SetValue(hivetest.Value{Name: "Longer", Type: hivetest.TypeBinary, Data: make([]byte, 3000)})
	image := sample.Build()
	image.Put32(image.Key(hivetest.SubSystems).Node, hivetest.NodeMaxValueData, 100)
	h, err := hive.Open(image.Data)
	require.NoError(t, err)
	key, err := h.Key(hivetest.SubSystems)
	require.NoError(t, err)
	value, err := key.Value(hivetest.ValueWindows)
	require.NoError(t, err)
	s := check.Start(h.Bytes(), func(check.Finding) {})
	s.Expect(key.Offset(), key.Path())
	require.NoError(t, value.SetData(hive.Binary, make([]byte, 600), time.Unix(1e9, 0)))
	h.Seal(time.Unix(1e9, 0))
	require.Empty(t, recheck(s, h.Bytes(), h.Changes()))
}

// TestSessionCellBeforeABin lets data run over the end of its cell, the last of
// a bin, while the bin behind it is walked again.
func TestSessionCellBeforeABin(t *testing.T) {
	for pad := 8; pad < 8192; pad += 8 {
		sample := hivetest.NT4()
		sample.Key("ControlSet001").Values = []hivetest.Value{{Name: "pad", Type: hivetest.TypeBinary, Data: make([]byte, pad)}}
		image := sample.Build()
		value := image.Value(hivetest.SubSystems, hivetest.ValueWindows)
		size := uint32(-image.CellSize(value.Data))
		end := value.Data + size
		if end%hivetest.PageSize != 0 || end == image.BinsSize() {
			continue
		}
		s, h, _ := session(t, bytes.Clone(image.Data))
		data := bytes.Clone(h.Bytes())
		length := hivetest.FileOffset(value.Record) + 4 + hivetest.RecordDataLength
		binary.LittleEndian.PutUint32(data[length:], size+16)
		var codes []string
		for _, f := range recheck(s, data, []hive.Change{{Offset: length, Length: 4}, {Offset: hivetest.FileOffset(end) + 40, Length: 4}}) {
			codes = append(codes, f.Code)
		}
		require.Contains(t, codes, "value-data")
		return
	}
	t.Fatal("no layout has the value's data at the end of a bin")
}

// TestLongPaths gives findings about keys with absurd names a path that is cut.
func TestLongPaths(t *testing.T) {
	key := hivetest.Key{Name: "bottom", Values: []hivetest.Value{{Name: "v", Type: hivetest.TypeBinary, Data: []byte{1}, Direct: true}}}
	for range 100 {
		key = hivetest.Key{Name: strings.Repeat("a", 2000), Subkeys: []hivetest.Key{key}}
	}
	data := hivetest.Hive{Minor: 5, Root: hivetest.Key{Name: "ROOT", Subkeys: []hivetest.Key{key}}}.Build().Data
	found := false
	check.Bytes(data, func(f check.Finding) {
		require.Less(t, len(f.Path), 5000)
		found = found || f.Code == "inline-form" && strings.HasPrefix(f.Path, "…\\") && strings.HasSuffix(f.Path, "\\bottom")
	})
	require.True(t, found)
}
