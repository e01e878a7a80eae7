package diskimage

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivefile"
)

func TestFolders(t *testing.T) {
	n := smallVolume(t).ntfs
	root := names(t, n, ".")
	for _, name := range []string{"Windows", "resident", "empty", "many", "junction", "\u00c4\u0416\u03a3 \U0001f600.txt", "$MFT"} {
		require.Contains(t, root, name)
	}
	require.NotContains(t, root, ".")
	require.Equal(t, []string{"SYSTEM"}, names(t, n, "windows/SYSTEM32/Config"))
	require.Len(t, names(t, n, largeFolder), namesInLarge)
	_, err := n.OpenFolder("resident")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = n.OpenFolder("Windows/none")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestNames: names are found in any case, and only what is a name of a path.
func TestNames(t *testing.T) {
	n := smallVolume(t).ntfs
	for _, path := range []string{smallHive, strings.ToLower(smallHive), strings.ToUpper(smallHive), "./Windows//System32/config/./SYSTEM"} {
		info, err := n.Lstat(filepath.FromSlash(path))
		require.NoError(t, err)
		require.Equal(t, int64(49152), info.Size())
		require.True(t, info.Mode().IsRegular())
	}
	info, err := n.Lstat("\u00e4\u0436\u03c3 \U0001f600.TXT")
	require.NoError(t, err)
	require.Equal(t, int64(35), info.Size())
	for _, path := range []string{"none", "Windows/SYSTEM", "resident/x", "..", "Windows/../Windows", "\xff", smallHive + "/x"} {
		_, err := n.Lstat(path)
		require.ErrorIs(t, err, fs.ErrNotExist, path)
	}
	info, err = n.Lstat(".")
	require.NoError(t, err)
	require.True(t, info.IsDir())
}

func TestReading(t *testing.T) {
	n := smallVolume(t).ntfs
	hive, err := os.ReadFile("../../testdata/nt4/SYSTEM")
	require.NoError(t, err)
	require.Equal(t, hive, readAll(t, n, smallHive))
	require.Equal(t, "a short file", string(readAll(t, n, "resident")))
	require.Empty(t, readAll(t, n, "empty"))
	sparse := readAll(t, n, "sparse")
	require.Len(t, sparse, 201<<10)
	require.Equal(t, make([]byte, 200<<10), sparse[:200<<10])
	require.Equal(t, strings.Repeat("\x00", 512)+strings.Repeat("\x01", 512), string(sparse[200<<10:]))

	file, err := n.OpenFile(smallHive)
	require.NoError(t, err)
	for _, off := range []int64{0, 511, 512, 2047, 2048, 2049, 49151} {
		p := make([]byte, 3000)
		got, err := file.ReadAt(p, off)
		require.Equal(t, min(len(hive)-int(off), len(p)), got)
		require.Equal(t, string(hive[off:int(off)+got]), string(p[:got]))
		if got < len(p) {
			require.ErrorIs(t, err, io.EOF)
		}
	}
	_, err = n.OpenFile("Windows")
	require.ErrorIs(t, err, hivefile.ErrNotRegular)
	_, err = n.OpenFile(compressed)
	require.ErrorIs(t, err, ErrCompressed)
}

// TestLinks: links are shown as such, followed on the volume and not out of it.
func TestLinks(t *testing.T) {
	n := smallVolume(t).ntfs
	abs := string(filepath.Separator) + filepath.FromSlash("C:/Windows")
	if filepath.Separator == '\\' {
		abs = `C:\Windows`
	}
	for name, want := range map[string]struct {
		mode   fs.FileMode
		target string
	}{
		"relative": {fs.ModeSymlink, filepath.FromSlash("Windows/System32")},
		"up":       {fs.ModeSymlink, filepath.FromSlash("../../outside")},
		"absolute": {fs.ModeSymlink, abs},
		"loop":     {fs.ModeSymlink, "loop"},
		"junction": {fs.ModeIrregular, abs},
	} {
		info, err := n.Lstat(name)
		require.NoError(t, err)
		require.Equal(t, want.mode, info.Mode().Type(), name)
		target, err := n.Readlink(name)
		require.NoError(t, err)
		require.Equal(t, want.target, target)
	}
	_, err := n.Readlink("resident")
	require.Error(t, err)
	require.Equal(t, []string{"SYSTEM"}, names(t, n, "relative/config"))
	require.Len(t, readAll(t, n, "relative/config/SYSTEM"), 49152)
	for _, name := range []string{"up", "absolute", "loop", "junction", "../Windows"} {
		_, err := n.OpenFolder(name)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
		_, err = n.OpenFile(filepath.Join(name, "x"))
		require.Error(t, err, name)
	}
}

func TestMap(t *testing.T) {
	e := smallVolume(t)
	hive, err := os.ReadFile("../../testdata/nt4/SYSTEM")
	require.NoError(t, err)
	m, err := e.ntfs.Map(smallHive)
	require.NoError(t, err)
	require.Greater(t, len(m.Extents), 5)
	require.Equal(t, int64(len(hive)), m.Size)
	require.Equal(t, int64(len(hive)), m.Allocated)
	var data []byte
	for _, extent := range m.Extents {
		data = append(data, e.data[extent.Offset:extent.Offset+extent.Length]...)
	}
	require.Equal(t, hive, data)
}

// TestMapEnds: the extents end with the content, not with its last cluster.
func TestMapEnds(t *testing.T) {
	for _, size := range []int64{49151, 49152 - 511, 49152 - 512, 1} {
		e := smallVolume(t)
		e.attribute(e.number(smallHive), typeData, func(a []byte) {
			put64(a, 48, uint64(size))
			put64(a, 56, uint64(size))
		})
		m, err := e.open().Map(smallHive)
		require.NoError(t, err)
		sum := int64(0)
		for _, extent := range m.Extents {
			sum += extent.Length
		}
		require.Equal(t, size, sum)
		require.Equal(t, size, m.Size)
		require.Equal(t, int64(49152), m.Allocated)
	}
}

// TestMapRefuses: what cannot be changed in place is refused, each for its
// reason.
func TestMapRefuses(t *testing.T) {
	data := func(change func(a []byte)) func(e *volumeEdit) {
		return func(e *volumeEdit) { e.attribute(e.number(smallHive), typeData, change) }
	}
	for name, c := range map[string]struct {
		path   string
		change func(e *volumeEdit)
		want   error
	}{
		"compressed":           {compressed, nil, ErrCompressed},
		"sparse":               {"sparse", nil, ErrSparse},
		"resident":             {"resident", nil, ErrResident},
		"empty":                {"empty", nil, ErrResident},
		"folder":               {"Windows", nil, hivefile.ErrNotRegular},
		"missing":              {"none", nil, fs.ErrNotExist},
		"flag of compressed":   {smallHive, data(func(a []byte) { put16(a, 12, 1) }), ErrCompressed},
		"flag of encrypted":    {smallHive, data(func(a []byte) { put16(a, 12, flagEncrypted) }), ErrEncrypted},
		"flag of sparse":       {smallHive, data(func(a []byte) { put16(a, 12, flagSparse) }), ErrSparse},
		"hole":                 {smallHive, data(func(a []byte) { makeHole(runsOf(a)) }), ErrSparse},
		"outside the volume":   {smallHive, data(func(a []byte) { copy(runsOf(a), "\x31\x60\xff\xff\x7f\x00") }), ErrRuns},
		"before the volume":    {smallHive, data(func(a []byte) { copy(runsOf(a), "\x11\x60\xff\x00") }), ErrRuns},
		"overlapping":          {smallHive, data(func(a []byte) { copy(runsOf(a), "\x21\x20\x00\x02\x11\x40\x10\x00") }), ErrRuns},
		"too few runs":         {smallHive, data(func(a []byte) { copy(runsOf(a), "\x21\x20\x00\x02\x00") }), ErrRuns},
		"larger than its runs": {smallHive, data(func(a []byte) { put64(a, 48, 49153) }), ErrRuns},
		"list names another record": {listedFile, func(e *volumeEdit) {
			e.list(listedFile, func(list []byte) { put16(list, listInstance, 0x1234) })
		}, ErrAttributeList},
		"list with an entry of no length": {listedFile, func(e *volumeEdit) {
			e.list(listedFile, func(list []byte) { put16(list, listLength, 0) })
		}, ErrAttributeList},
	} {
		t.Run(name, func(t *testing.T) {
			e := smallVolume(t)
			if c.change != nil {
				c.change(e)
			}
			_, err := e.open().Map(c.path)
			require.ErrorIs(t, err, c.want)
			t.Log(err)
		})
	}
}

// TestNeverWritten: what was never written reads as zeros, whatever is there.
func TestNeverWritten(t *testing.T) {
	e := smallVolume(t)
	hive := readAll(t, e.ntfs, smallHive)
	for _, written := range []int{0, 1, 511, 512, 513, 20000, 49151} {
		e.attribute(e.number(smallHive), typeData, func(a []byte) { put64(a, 56, uint64(written)) })
		want := append(bytes.Clone(hive[:written]), make([]byte, len(hive)-written)...)
		volume := e.open()
		require.Equal(t, want, readAll(t, volume, smallHive))
		m, err := volume.Map(smallHive)
		require.NoError(t, err)
		require.Equal(t, int64(written), m.Initialized)
		require.Equal(t, int64(len(hive)), m.Size)
	}
}

// TestSpellings: of two names that differ in case alone each is found as it is
// spelled. Names that are there for DOS are not listed.
func TestSpellings(t *testing.T) {
	e := smallVolume(t)
	var first, second string
	indexBlock(func(b []byte) {
		entry := firstEntry(b)
		next := entry[binary.LittleEndian.Uint16(entry[entryLength:]):]
		first, second = "name 0", "NAME 0"
		setName(entry, first)
		setName(next, second)
		put64(next, 0, uint64(e.number("empty"))) // another file than the others
	})(e)
	n := e.open()
	for name, size := range map[string]int64{first: 12, second: 0} {
		info, err := n.Lstat(largeFolder + "/" + name)
		require.NoError(t, err)
		require.Equal(t, size, info.Size(), name)
	}
	require.Len(t, names(t, n, largeFolder), namesInLarge)
	indexBlock(func(b []byte) { firstEntry(b)[entryKey+nameSpace] = spaceDOS })(e)
	require.Len(t, names(t, e.open(), largeFolder), namesInLarge-1)
}

// setName writes a name into an entry of an index that has room for it.
func setName(entry []byte, name string) {
	key := entry[entryKey:]
	key[nameLength] = byte(len(name))
	for i, c := range []byte(name) {
		put16(key, nameUnits+2*i, uint16(c))
	}
}

// makeHole turns the first of some runs into clusters that are nowhere. The next
// one counts from where it was.
func makeHole(runs []byte) {
	countSize, offSize := runs[0]&15, runs[0]>>4
	rest := append([]byte(nil), runs[1+countSize+offSize:]...)
	runs[0] &= 15
	copy(runs[1+countSize:], rest)
}

// list changes the list of attributes of a file, which is beside its record or
// in it.
func (e *volumeEdit) list(path string, change func(list []byte)) {
	r, err := e.ntfs.walk(components(path))
	require.NoError(e.t, err)
	e.attribute(r.number, typeList, func(a []byte) {
		if a[8] == 0 {
			change(valueOf(a))
			return
		}
		part, err := r.parseAttribute(typeList, a)
		require.NoError(e.t, err)
		runs, err := e.ntfs.appendRuns(nil, &part)
		require.NoError(e.t, err)
		change(e.data[runs[0].lcn*e.ntfs.cluster:][:part.size])
	})
}
