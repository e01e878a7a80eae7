package diskimage

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// restart is a page of the log that says how to start again.
func restart(signature string, lsn uint64, major, clients, flags uint16) []byte {
	page := make([]byte, 4096)
	copy(page, signature)
	put16(page, 4, 30) // where the fixups are, and how many
	put16(page, 6, 9)
	put32(page, restartSystem, 4096)
	put16(page, restartArea, 48)
	put16(page, restartMajor, major)
	put64(page, 48+areaLSN, lsn)
	put16(page, 48+areaClients, clients)
	put16(page, 48+areaFlags, flags)
	put16(page, 30, 0x1234)
	for i := range 8 {
		put16(page, (i+1)*fixupStride-2, 0x1234)
	}
	return page
}

// log returns where the log of the volume is.
func (e *volumeEdit) log() []byte {
	r, err := e.ntfs.record(reference{number: recordLog})
	require.NoError(e.t, err)
	s, err := e.ntfs.stream(r, typeData, "")
	require.NoError(e.t, err)
	require.Len(e.t, s.runs, 1)
	return e.data[s.runs[0].lcn*e.ntfs.cluster:][:s.size]
}

func TestClean(t *testing.T) {
	closed := restart(restartSignature, 100, 1, noClient, 0)
	torn := restart(restartSignature, 300, 1, 0, 0)
	torn[fixupStride-1]++
	for name, c := range map[string]struct {
		first, second []byte
		clean         bool
	}{
		"emptied":                          {nil, nil, true},
		"closed":                           {closed, closed, true},
		"clean flag":                       {restart(restartSignature, 100, 1, 0, areaClean), nil, true},
		"by chkdsk":                        {restart(chkdskSignature, 100, 1, noClient, 0), nil, true},
		"in use":                           {restart(restartSignature, 100, 1, 0, 0), nil, false},
		"second newer and in use":          {closed, restart(restartSignature, 101, 1, 0, 0), false},
		"second newer and closed":          {restart(restartSignature, 99, 1, 0, 0), closed, true},
		"second older and in use":          {closed, restart(restartSignature, 99, 1, 0, 0), true},
		"torn and newer":                   {closed, torn, true},
		"first torn, second closed":        {torn, closed, true},
		"both torn":                        {torn, torn, false},
		"Fast Startup":                     {restart(restartSignature, 100, 2, noClient, areaClean), nil, false},
		"no log, but other things":         {bytes.Repeat([]byte("x"), 4096), nil, false},
		"zeros":                            {make([]byte, 4096), nil, false},
		"size of a page that is no number": {sized(closed, 1<<31), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := smallVolume(t)
			copy(e.log(), c.first)
			copy(e.log()[4096:], c.second)
			err := e.open().CheckClean()
			if c.clean {
				require.NoError(t, err)
				return
			}
			var dirty *DirtyVolumeError
			require.ErrorAs(t, err, &dirty)
			require.NotEmpty(t, dirty.Hint())
		})
	}
}

func sized(page []byte, size uint32) []byte {
	page = bytes.Clone(page)
	put32(page, restartSystem, size)
	return page
}

func TestDirtyFlag(t *testing.T) {
	e := smallVolume(t)
	e.attribute(recordVolume, typeVolumeInfo, func(a []byte) {
		flags := valueOf(a)[volumeFlags:]
		binary.LittleEndian.PutUint16(flags, binary.LittleEndian.Uint16(flags)|volumeDirty)
	})
	var dirty *DirtyVolumeError
	require.ErrorAs(t, e.open().CheckClean(), &dirty)
	require.Contains(t, dirty.Error(), "dirty flag")
}
