package hive_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/txlog"
)

// oldLog is a log whose header has this number, and no more.
func oldLog(sequence uint32) txlog.Log {
	base := hivetest.Windows10().Build()
	entry := hivetest.Diff(base.Data, base.Data, sequence)
	return txlog.Log{Name: "SYSTEM.LOG1", Data: hivetest.NewLog{Header: base.Data, Entries: []hivetest.Entry{entry}}.Bytes()}
}

func TestSealNumbers(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second uint32
		logs          []txlog.Log
		want          uint32
	}{
		{"one more", 194, 194, nil, 195},
		{"from 1", 1, 1, nil, 2},
		{"wraps around", 0xFFFFFFFF, 0xFFFFFFFF, nil, 0},
		{"first is later", 206, 205, nil, 207},
		{"second is later", 205, 206, nil, 207},
		{"first has wrapped around", 0, 0xFFFFFFFF, nil, 1},
		{"second has wrapped around", 0xFFFFFFFF, 0, nil, 1},
		{"logs are older", 194, 194, []txlog.Log{oldLog(100)}, 195},
		{"log has the number", 194, 194, []txlog.Log{oldLog(194)}, 195},
		{"log has the next number", 194, 194, []txlog.Log{oldLog(195)}, 196},
		{"logs are newer", 194, 194, []txlog.Log{oldLog(3000), oldLog(2000)}, 3001},
		{"logs are newer, in the other order", 194, 194, []txlog.Log{oldLog(2000), oldLog(3000)}, 3001},
		{"log has wrapped around", 0xFFFFFFF0, 0xFFFFFFF0, []txlog.Log{oldLog(5)}, 6},
		{"log is from before it wrapped around", 5, 5, []txlog.Log{oldLog(0xFFFFFFF0)}, 6},
		{"log ends the numbers", 0xFFFFFFFE, 0xFFFFFFFE, []txlog.Log{oldLog(0xFFFFFFFF)}, 0},
		{"log that is none", 194, 194, []txlog.Log{{Name: "SYSTEM.LOG1", Data: hivetest.Noise(5000, 1)}}, 195},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := hivetest.NT4().Build()
			image.SetSequences(c.first, c.second)
			h := open(t, image.Data, hive.WithLogs(c.logs...), hive.IgnoreDirty())
			require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.SZ, hivetest.SZ("edited"), now))
			h.Seal(now)
			first, second := h.Sequences()
			require.Equal(t, c.want, first)
			require.Equal(t, c.want, second)
			require.True(t, h.Clean())
			require.True(t, open(t, h.Bytes(), hive.WithLogs(c.logs...)).Clean())
			for _, given := range c.logs {
				// Made dirty again by Windows, it takes nothing from the old log.
				again := &hivetest.Image{Data: bytes.Clone(h.Bytes())}
				again.SetSequences(first+1, second)
				_, err := hive.Open(again.Data, hive.WithLogs(given, txlog.Log{Name: "SYSTEM.LOG2"}))
				require.ErrorIs(t, err, hive.ErrDirty)
			}
		})
	}
}

func TestSealTimes(t *testing.T) {
	image := hivetest.NT4().Build()
	h := open(t, image.Data)
	edit := now.Add(-time.Hour)
	require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.SZ, nil, edit))
	h.Seal(now)
	require.Equal(t, hivetest.Filetime(now), binary.LittleEndian.Uint64(h.Bytes()[hivetest.AtTimestamp:]))
	require.Equal(t, hivetest.Filetime(now), binary.LittleEndian.Uint64(h.Bytes()[0x1000+20:]))
	require.Equal(t, edit, value(t, h, hivetest.SubSystems, "Windows").Key().LastWriteTime())
	require.Equal(t, hivetest.Checksum(h.Bytes()), binary.LittleEndian.Uint32(h.Bytes()[hivetest.AtChecksum:]))
	require.Empty(t, findings(h.Bytes()))
}

// TestSealIsRepeatable gives the same bytes for the same edit and time.
func TestSealIsRepeatable(t *testing.T) {
	edited := func() []byte {
		h := open(t, hivetest.Windows10().Build().Data)
		require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.SZ, hivetest.Noise(30000, 1), now))
		h.Seal(now)
		return h.Bytes()
	}
	require.True(t, bytes.Equal(edited(), edited()))
}

func TestSealTwice(t *testing.T) {
	h := open(t, hivetest.NT4().Build().Data)
	v := value(t, h, hivetest.SubSystems, "Windows")
	require.NoError(t, v.SetData(hive.SZ, hivetest.SZ("one"), now))
	h.Seal(now)
	once := bytes.Clone(h.Bytes())
	h.Seal(now.Add(time.Hour))
	require.True(t, bytes.Equal(once, h.Bytes()), "nothing has changed since")
	require.NoError(t, v.SetData(hive.SZ, hivetest.SZ("one"), now.Add(time.Hour)))
	h.Seal(now.Add(time.Hour))
	require.True(t, bytes.Equal(once, h.Bytes()), "nothing has changed since")
	require.NoError(t, v.SetData(hive.SZ, hivetest.SZ("two"), now))
	h.Seal(now)
	first, second := h.Sequences()
	require.Equal(t, []uint32{196, 196}, []uint32{first, second})
}

func TestSealOfWhatIsClean(t *testing.T) {
	for _, sample := range samples {
		image := sample.hive().Build()
		h := open(t, image.Data, hive.WithLogs(oldLog(5000)))
		h.Seal(now)
		require.True(t, bytes.Equal(image.Data, h.Bytes()), sample.name)
		require.Empty(t, h.Changes())
	}
}

// TestSealAfterRecovery writes the numbers that Windows writes where nothing
// was edited, and later ones where something was, or a log has later ones.
func TestSealAfterRecovery(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	for _, c := range []struct {
		name string
		edit bool
		more []txlog.Log
		want uint32
	}{
		{"recovered", false, nil, 1626},
		{"recovered and edited", true, nil, 1627},
		{"remnants of later numbers", false, []txlog.Log{oldLog9000()}, 9001},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, dirty.Primary, hive.WithLogs(append(logsOf(dirty), c.more...)...))
			if c.edit {
				require.NoError(t, value(t, h, hivetest.SubSystems, "Windows").SetData(hive.SZ, nil, now))
			}
			h.Seal(now)
			first, second := h.Sequences()
			require.Equal(t, []uint32{c.want, c.want}, []uint32{first, second})
			require.Empty(t, findings(h.Bytes()))
			requireChanges(t, dirty.Primary, h)
			require.NotNil(t, h.Recovery(), "what was recovered is still known")
		})
	}
}

// oldLog9000 is an old log beside the two that apply.
func oldLog9000() txlog.Log {
	given := oldLog(9000)
	given.Name = "SYSTEM.LOG"
	return given
}

func TestSealOfADirtyHive(t *testing.T) {
	dirty := hivetest.DirtyWindows10()
	h := open(t, dirty.Primary, hive.IgnoreDirty(), hive.WithLogs(logsOf(dirty)...))
	h.Seal(now)
	first, second := h.Sequences()
	require.Equal(t, []uint32{1626, 1626}, []uint32{first, second}, "above all that the logs have")
	require.True(t, h.Clean())

	h = open(t, dirty.Primary, hive.IgnoreDirty())
	h.Seal(now)
	first, second = h.Sequences()
	require.Equal(t, []uint32{1623, 1623}, []uint32{first, second})

	image := hivetest.NT4().Build()
	image.Data[hivetest.AtChecksum] ^= 0xFF
	h = open(t, image.Data, hive.IgnoreDirty())
	require.False(t, h.Clean())
	h.Seal(now)
	require.True(t, h.Clean())
}
