package diskimage

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"www.velocidex.com/golang/go-ntfs/parser"

	"hivepatch/hive/diskimage/imagetest"
)

// TestSecondOpinion: go-ntfs, which shares nothing with this package, finds the
// same names, contents and runs on the small volume, and on one that Windows has
// made, which go-ntfs has for its own tests.
//
// go-ntfs cannot be bound, and so is not what this package reads with: it loops
// over the size that an index says it has, 2^62 bytes for instance, without
// reading, so that no limit on reads and no deadline stops it; it takes errors
// of reading for zeros; it stops after twenty parts of an attribute; and it adds
// 600 KB to the program.
func TestSecondOpinion(t *testing.T) {
	byWindows, err := os.ReadFile(filepath.Join(moduleFolder(t, "www.velocidex.com/golang/go-ntfs"), "parser", "test_data", "test.ntfs.dd"))
	require.NoError(t, err)
	for name, data := range map[string]imagetest.Memory{"small": smallVolume(t).data, "made by Windows": byWindows} {
		t.Run(name, func(t *testing.T) {
			volumes, err := OpenDisk(name, data).Volumes()
			require.NoError(t, err)
			ours, err := volumes[0].OpenNTFS()
			require.NoError(t, err)
			require.NoError(t, ours.CheckClean())
			theirs, err := parser.GetNTFSContext(bytes.NewReader(data), 0)
			require.NoError(t, err)
			root, err := theirs.GetMFT(recordRoot)
			require.NoError(t, err)
			opinion := &opinion{t: t, ours: ours, theirs: theirs}
			opinion.folder(".", root)
			t.Logf("%d names, %d files, %d of them mapped", opinion.names, opinion.files, opinion.mapped)
			require.Positive(t, opinion.mapped)
		})
	}
}

// moduleFolder returns where a module that this one needs is.
func moduleFolder(t *testing.T, module string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// opinion compares what two readers say about a volume.
type opinion struct {
	t                    *testing.T
	ours                 *NTFS
	theirs               *parser.NTFSContext
	names, files, mapped int
}

func (o *opinion) folder(path string, record *parser.MFT_ENTRY) {
	listed := map[string]int64{}
	for _, entry := range record.Dir(o.theirs) {
		name := entry.File()
		if name.NameType().Name != "DOS" && name.Name() != "." && entry.Flags()&entryLast == 0 {
			listed[name.Name()] = int64(entry.MftReference())
		}
	}
	for _, name := range names(o.t, o.ours, path) {
		number, ok := listed[name]
		require.True(o.t, ok, "%s: go-ntfs does not list %q", path, name)
		delete(listed, name)
		o.names++
		o.entry(filepath.Join(path, name), number)
	}
	require.Empty(o.t, listed, "%s: go-ntfs lists more", path)
}

func (o *opinion) entry(path string, number int64) {
	r, err := o.ours.walk(components(path))
	require.NoError(o.t, err)
	require.Equal(o.t, number, r.number, path)
	theirs, err := o.theirs.GetMFT(number)
	require.NoError(o.t, err)
	info, err := o.ours.Lstat(path)
	require.NoError(o.t, err)
	require.Equal(o.t, theirs.Flags().IsSet("DIRECTORY"), r.folder, path)
	switch {
	case info.IsDir():
		o.folder(path, theirs)
	case info.Mode().IsRegular():
		o.file(path, info, theirs)
	}
}

func (o *opinion) file(path string, info fs.FileInfo, theirs *parser.MFT_ENTRY) {
	o.files++
	content, err := parser.OpenStream(o.theirs, theirs, typeData, parser.WILDCARD_STREAM_ID, "")
	if err != nil {
		require.Zero(o.t, info.Size(), path)
		return
	}
	file, err := o.ours.OpenFile(path)
	if err != nil {
		require.ErrorIs(o.t, err, ErrCompressed)
		return
	}
	want := make([]byte, info.Size())
	n, err := content.ReadAt(want, 0)
	if err != nil {
		require.ErrorIs(o.t, err, io.EOF)
	}
	got, err := io.ReadAll(file)
	require.NoError(o.t, err)
	require.True(o.t, bytes.Equal(want[:n], got), "%s: the content differs", path)
	m, err := o.ours.Map(path)
	if err != nil {
		return
	}
	o.mapped++
	require.Equal(o.t, o.extents(theirs, m.Size), m.Extents, path)
}

// extents are those of the unnamed content as go-ntfs decodes its runs.
func (o *opinion) extents(record *parser.MFT_ENTRY, size int64) []Extent {
	var extents []Extent
	cluster := o.theirs.ClusterSize
	for _, part := range parser.GetAllVCNs(o.theirs, record, typeData, parser.WILDCARD_STREAM_ID, "") {
		for _, run := range part.RunList() {
			e := Extent{Offset: run.Offset * cluster, Length: min(run.Length*cluster, size)}
			if size -= e.Length; e.Length == 0 {
				continue
			}
			if last := len(extents) - 1; last >= 0 && extents[last].Offset+extents[last].Length == e.Offset {
				extents[last].Length += e.Length
				continue
			}
			extents = append(extents, e)
		}
	}
	return extents
}
