package hive_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/txlog"
)

func logsOf(dirty hivetest.DirtyHive) []txlog.Log {
	return []txlog.Log{{Name: "SYSTEM.LOG1", Data: dirty.Log1}, {Name: "SYSTEM.LOG2", Data: dirty.Log2}}
}

func TestOpenClean(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			built := sample.hive()
			image := built.Build()
			h := open(t, image.Data)
			require.True(t, h.Clean())
			require.False(t, h.Modified())
			require.Nil(t, h.Recovery())
			require.Empty(t, h.Changes())
			major, minor := h.Version()
			require.Equal(t, uint32(1), major)
			require.Equal(t, built.Minor, minor)
			first, second := h.Sequences()
			require.Equal(t, image.Header32(hivetest.AtSequence1), first)
			require.Equal(t, image.Header32(hivetest.AtSequence2), second)
			root, err := h.Root()
			require.NoError(t, err)
			require.Equal(t, built.Root.Name, root.Name())
			require.Empty(t, root.Path())
			require.Equal(t, int64(0x1020), root.Offset())
		})
	}
}

func TestOpenTakesTheData(t *testing.T) {
	data := hivetest.NT4().Build().Data
	h, err := hive.Open(data)
	require.NoError(t, err)
	require.Same(t, &data[0], &h.Bytes()[0])
}

// TestOpenRefuses has each reason not to open a hive.
func TestOpenRefuses(t *testing.T) {
	sound := hivetest.Windows7().Build()
	header := func(at int, n uint32) []byte {
		image := sound.Clone()
		image.SetHeader32(at, n)
		return image.Data
	}
	dirty := hivetest.DirtyWindows10()
	old := hivetest.DirtyOld()
	torn := bytes.Clone(dirty.Log2)
	torn[len(torn)/3] ^= 0xFF
	badChecksum := bytes.Clone(sound.Data)
	badChecksum[hivetest.AtChecksum] ^= 0xFF
	badBin := bytes.Clone(sound.Data)
	put(badBin, 0x1000, 0)
	for _, c := range []struct {
		name    string
		data    []byte
		options []hive.Option
		want    []error
		not     []error
		text    string
	}{
		{"nothing", nil, nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty, hive.ErrCorrupt}, "0 bytes"},
		{"nothing, with logs", nil, []hive.Option{hive.WithLogs(logsOf(dirty)...)}, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "0 bytes"},
		{"100 bytes", sound.Data[:100], nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "100 bytes"},
		{"text", bytes.Repeat([]byte("SharedSection=1024,3072 "), 400), nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "signature"},
		{"text, with logs", bytes.Repeat([]byte("SharedSection=1024,3072 "), 400), []hive.Option{hive.WithLogs(logsOf(dirty)...)}, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "signature"},
		{"base block alone", sound.Data[:4096], nil, []error{hive.ErrCorrupt}, []error{hive.ErrDirty}, "length of the bins is 0x4000, but the file holds only 0x0 bytes"},
		{"new log", dirty.Log1, nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "transaction log"},
		{"new log, ignoring that it is dirty", dirty.Log1, []hive.Option{hive.IgnoreDirty()}, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "transaction log"},
		{"old log", old.Log1, nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "transaction log"},
		{"log with its own log", dirty.Log1, []hive.Option{hive.WithLogs(logsOf(dirty)...)}, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "transaction log"},
		{"major version", header(hivetest.AtMajor, 2), nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "major version is 2, want 1"},
		{"minor version", header(hivetest.AtMinor, 7), nil, []error{hive.ErrNotHive}, []error{hive.ErrDirty}, "minor version is 7, want 0 to 6"},
		{"dirty without logs", dirty.Primary, nil, []error{hive.ErrDirty, txlog.ErrNoLogs}, []error{hive.ErrNotHive}, "none was found"},
		{"dirty with empty logs", dirty.Primary, []hive.Option{hive.WithLogs(txlog.Log{Name: "SYSTEM.LOG1"}, txlog.Log{Name: "SYSTEM.LOG2"})}, []error{hive.ErrDirty, txlog.ErrNoLogs}, nil, "SYSTEM.LOG1"},
		{"dirty with one of two logs", dirty.Primary, []hive.Option{hive.WithLogs(logsOf(dirty)[0])}, []error{hive.ErrDirty, txlog.ErrNotApplicable}, nil, ".LOG2"},
		{"dirty with a torn log", dirty.Primary, []hive.Option{hive.WithLogs(logsOf(dirty)[0], txlog.Log{Name: "SYSTEM.LOG2", Data: torn})}, []error{hive.ErrDirty, txlog.ErrTorn}, nil, "SYSTEM.LOG2"},
		{"dirty with another hive's logs", old.Primary, []hive.Option{hive.WithLogs(txlog.Log{Name: "SYSTEM.LOG", Data: old.Log1[:600]})}, []error{hive.ErrDirty}, nil, "SYSTEM.LOG"},
		{"checksum", badChecksum, nil, []error{hive.ErrDirty}, []error{hive.ErrNotHive}, "none was found"},
		{"sequence numbers", header(hivetest.AtSequence1, 9), nil, []error{hive.ErrDirty}, nil, "none was found"},
		{"bins", badBin, nil, []error{hive.ErrCorrupt}, []error{hive.ErrDirty, hive.ErrNotHive}, `bin at 0x1000: signature is "\x00\x00\x00\x00", want "hbin"`},
		{"cut off", sound.Data[:len(sound.Data)-1], nil, []error{hive.ErrCorrupt}, []error{hive.ErrDirty}, "length of the bins is 0x4000, but the file holds only 0x3fff bytes of them"},
		{"bins size 0", header(hivetest.AtBinsSize, 0), nil, []error{hive.ErrCorrupt}, nil, "length of the bins is 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := bytes.Clone(c.data)
			h, err := hive.Open(data, c.options...)
			require.Nil(t, h)
			for _, want := range c.want {
				require.ErrorIs(t, err, want)
			}
			for _, not := range c.not {
				require.NotErrorIs(t, err, not)
			}
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "\n", "one line")
			require.True(t, bytes.Equal(c.data, data), "the data is as it was")
		})
	}
}

func TestOpenDirty(t *testing.T) {
	for _, c := range []struct {
		name     string
		dirty    hivetest.DirtyHive
		entries  int
		sequence uint32
	}{
		{"entries", hivetest.DirtyWindows10(), 5, 1626},
		{"bitmap", hivetest.DirtyOld(), 1, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, c.dirty.Primary, hive.WithLogs(logsOf(c.dirty)...))
			require.True(t, bytes.Equal(c.dirty.Recovered, h.Bytes()))
			require.True(t, h.Clean())
			require.True(t, h.Modified())
			require.Len(t, h.Recovery().Entries, c.entries)
			first, second := h.Sequences()
			require.Equal(t, c.sequence, first)
			require.Equal(t, c.sequence, second)
			require.Empty(t, findings(h.Bytes()))
			requireChanges(t, c.dirty.Primary, h)
			require.Contains(t, string(dataOf(t, value(t, h, hivetest.SubSystems, "Windows"))), "1\x000\x002\x004\x00,\x002\x000\x004\x008\x000\x00,\x001\x000\x002\x004\x00")
		})
	}
}

func TestOpenDirtyOnPurpose(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	h := open(t, dirty.Primary, hive.IgnoreDirty(), hive.WithLogs(logsOf(dirty)...))
	require.True(t, bytes.Equal(dirty.Primary, h.Bytes()))
	require.False(t, h.Clean())
	require.False(t, h.Modified())
	require.Nil(t, h.Recovery())
}

func TestOpenTolerant(t *testing.T) {
	image := hivetest.Windows10().Build()
	bins := image.Bins()
	last := bins[len(bins)-1]
	put(image.Data, int(hivetest.FileOffset(last.Offset)), 0)
	_, err := hive.Open(bytes.Clone(image.Data))
	require.ErrorIs(t, err, hive.ErrCorrupt)
	h := open(t, image.Data, hive.Tolerant())
	require.Contains(t, string(dataOf(t, value(t, h, hivetest.SubSystems, "Windows"))), "S\x00h\x00a\x00r\x00e\x00d\x00")
	lost := 0
	for _, err := range h.Walk() {
		if err != nil {
			require.ErrorIs(t, err, hive.ErrCorrupt)
			lost++
		}
	}
	require.Positive(t, lost)
}

func TestEditable(t *testing.T) {
	for _, sample := range samples {
		err := open(t, sample.hive().Build().Data).Editable()
		if sample.edits {
			require.NoError(t, err, sample.name)
		} else {
			require.ErrorIs(t, err, hive.ErrReadOnly, sample.name)
		}
	}
}

func TestTransactionsPending(t *testing.T) {
	require.True(t, open(t, hivetest.Windows10().Build().Data).TransactionsPending())
	built := hivetest.Windows10()
	built.Flags = 2
	require.False(t, open(t, built.Build().Data).TransactionsPending())
	built = hivetest.NT4()
	built.Residue = bytes.Repeat([]byte{0xFF}, 0x1FC-0x70)
	require.False(t, open(t, built.Build().Data).TransactionsPending(), "what stands there is garbage")
}

// TestRoundTripSamples writes back what was read, also from damaged hives.
func TestRoundTripSamples(t *testing.T) {
	requireSame := func(t *testing.T, data []byte) {
		h, err := hive.Open(bytes.Clone(data), hive.Tolerant(), hive.IgnoreDirty())
		if err != nil {
			require.ErrorIs(t, err, hive.ErrNotHive)
			return
		}
		for k, err := range h.Walk() {
			if err == nil {
				readAll(k)
			}
		}
		require.True(t, bytes.Equal(data, h.Bytes()))
		require.False(t, h.Modified())
		clean := h.Clean()
		h.Seal(now)
		require.Equal(t, clean, bytes.Equal(data, h.Bytes()), "a clean hive is sealed already")
	}
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) { requireSame(t, sample.hive().Build().Data) })
	}
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) { requireSame(t, mutation.Build().Data) })
	}
}

// readAll reads everything that a key holds.
func readAll(k *hive.Key) (bytes int) {
	_, _ = k.Class()
	security, _ := k.SecurityDescriptor()
	bytes += len(security)
	for v, err := range k.Values() {
		if err == nil {
			data, _ := v.Data()
			bytes += len(data) + len(v.Name())
		}
	}
	return bytes
}

func TestRoundTripCorpus(t *testing.T) {
	corpus(t, func(t *testing.T, _ string, data []byte) {
		h, err := hive.Open(bytes.Clone(data), hive.Tolerant(), hive.IgnoreDirty())
		if err != nil {
			require.ErrorIs(t, err, hive.ErrNotHive)
			isLog := len(data) >= 0x20 && binary.LittleEndian.Uint32(data[hivetest.AtType:]) != 0
			require.True(t, isLog || len(data) < 0x200 || string(data[:4]) != "regf", "every hive opens: %s", err)
			return
		}
		keys, read := 0, 0
		for k, err := range h.Walk() {
			if err == nil {
				keys++
				read += readAll(k)
			}
		}
		if hivetest.Checksum(data) == binary.LittleEndian.Uint32(data[hivetest.AtChecksum:]) {
			require.Positive(t, keys)
			require.Positive(t, read)
		}
		require.True(t, bytes.Equal(data, h.Bytes()))
		require.False(t, h.Modified())
		if h.Clean() {
			h.Seal(now)
			require.True(t, bytes.Equal(data, h.Bytes()))
		}
	})
}
