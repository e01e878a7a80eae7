package diskimage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage/imagetest"
)

// examiner does everything with a disk that this package can.
type examiner struct {
	ntfs      *NTFS
	perFolder int // names that are looked at in a folder
	errs      []error
}

// examine returns the errors of everything.
func examine(disk Disk, perFolder int) error {
	image := OpenDisk("disk", disk)
	volumes, err := image.Volumes()
	errs := []error{err}
	for _, v := range volumes {
		ntfs, err := v.OpenNTFS()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		e := &examiner{ntfs: ntfs, perFolder: perFolder}
		e.note(ntfs.CheckClean())
		e.folder(".", 6)
		errs = append(errs, e.errs...)
	}
	return errors.Join(errs...)
}

func (e *examiner) note(err error) { e.errs = append(e.errs, err) }

// folder looks at what is in a folder and as many levels below it.
func (e *examiner) folder(path string, levels int) {
	folder, err := e.ntfs.OpenFolder(path)
	if err != nil {
		e.note(err)
		return
	}
	names, err := folder.Readdirnames(e.perFolder)
	if !errors.Is(err, io.EOF) {
		e.note(err)
	}
	for _, name := range names {
		e.entry(filepath.Join(path, name), levels)
	}
}

// entry looks at what has a path, and reads the first MiB where it is a file.
func (e *examiner) entry(path string, levels int) {
	info, err := e.ntfs.Lstat(path)
	if err != nil {
		e.note(err)
		return
	}
	switch {
	case info.IsDir() && levels > 0:
		e.folder(path, levels-1)
	case info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0:
		_, err := e.ntfs.Readlink(path)
		e.note(err)
	case info.Mode().IsRegular():
		e.file(path)
	}
}

func (e *examiner) file(path string) {
	if _, err := e.ntfs.Map(path); errors.Is(err, ErrCorrupt) {
		e.note(err)
	}
	file, err := e.ntfs.OpenFile(path)
	if errors.Is(err, ErrCompressed) {
		return
	}
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(file, 1<<20))
	}
	e.note(err)
}

// Bounds of what a hostile image may cost.
const (
	mostTime   = time.Minute
	mostMemory = 256 << 20
)

// bounded runs f and fails the test where that takes too long or too much memory.
func bounded(t *testing.T, f func()) {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	start, done, most := time.Now(), make(chan struct{}), uint64(0)
	go func() {
		defer close(done)
		f()
	}()
	for {
		select {
		case <-done:
		case <-time.After(5 * time.Millisecond):
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
			require.Less(t, time.Since(start), mostTime, "it hangs")
			continue
		}
		break
	}
	require.Less(t, int64(most)-int64(before.HeapInuse), int64(mostMemory), "it takes too much memory")
}

// TestSoundIsSound: what the hostile images are made of has no fault itself.
func TestSoundIsSound(t *testing.T) {
	require.NoError(t, examine(smallVolume(t).data, namesInLarge))
}

// Changes to the boot sector.
func boot(off int, bytes string) func(e *volumeEdit) {
	return func(e *volumeEdit) { copy(e.data[off:], bytes) }
}

// Changes to an attribute, and to bytes of a whole record.
func attr(number int64, kind uint32, change func(a []byte)) func(e *volumeEdit) {
	return func(e *volumeEdit) { e.attribute(number, kind, change) }
}

func attrOf(path string, kind uint32, change func(a []byte)) func(e *volumeEdit) {
	return func(e *volumeEdit) { e.attribute(e.number(path), kind, change) }
}

// raw changes a record with the fixups as they are on the disk.
func raw(number int64, change func(b []byte)) func(e *volumeEdit) {
	return func(e *volumeEdit) {
		change(e.data[e.ntfs.mft.place(e.ntfs.geometry, number*e.ntfs.recordSize):][:e.ntfs.recordSize])
	}
}

func whole(path string, change func(b []byte)) func(e *volumeEdit) {
	return func(e *volumeEdit) { e.record(e.number(path), change) }
}

// indexBlock changes the first block of the index of a large folder.
func indexBlock(change func(b []byte)) func(e *volumeEdit) {
	return func(e *volumeEdit) {
		s := e.blocks()
		e.block(s.place(e.ntfs.geometry, 0), e.ntfs.indexSize, "INDX", change)
	}
}

func (e *volumeEdit) blocks() *stream {
	r, err := e.ntfs.walk([]string{largeFolder})
	require.NoError(e.t, err)
	s, err := e.ntfs.stream(r, typeIndexBlocks, folderIndex)
	require.NoError(e.t, err)
	return s
}

// firstEntry is the first entry of an index block.
func firstEntry(b []byte) []byte {
	return b[blockHeader+int(binary.LittleEndian.Uint32(b[blockHeader:])):]
}

// hostile are images that are the small volume with one thing changed.
var hostile = map[string]struct {
	change func(e *volumeEdit)
	want   error
}{
	"sectors of 0 bytes":              {boot(11, "\x00\x00"), ErrCorrupt},
	"sectors of 3 bytes":              {boot(11, "\x03\x00"), ErrCorrupt},
	"sectors of 32768 bytes":          {boot(11, "\x00\x80"), ErrCorrupt},
	"clusters of no sectors":          {boot(13, "\x00"), ErrCorrupt},
	"clusters of 3 sectors":           {boot(13, "\x03"), ErrCorrupt},
	"clusters of 2^127 sectors":       {boot(13, "\x81"), ErrCorrupt},
	"clusters of 4 MiB":               {boot(13, "\xf3"), ErrCorrupt},
	"a volume of no sectors":          {boot(40, "\x00\x00\x00\x00\x00\x00\x00\x00"), ErrCorrupt},
	"a volume of 2^63 sectors":        {boot(40, "\x00\x00\x00\x00\x00\x00\x00\x80"), ErrCorrupt},
	"a volume larger than the disk":   {boot(40, "\x01\x10\x00\x00"), ErrCorrupt},
	"MFT behind the end":              {boot(48, "\x00\x10\x00\x00"), ErrCorrupt},
	"MFT at a negative cluster":       {boot(48, "\xff\xff\xff\xff\xff\xff\xff\xff"), ErrCorrupt},
	"MFT where the boot sector is":    {boot(48, "\x00\x00\x00\x00"), ErrCorrupt},
	"records of no bytes":             {boot(64, "\x00"), ErrCorrupt},
	"records of 2^128 bytes":          {boot(64, "\x80"), ErrCorrupt},
	"records of 127 clusters":         {boot(64, "\x7f"), ErrCorrupt},
	"index blocks of 2^127 bytes":     {boot(68, "\x81"), ErrCorrupt},
	"index blocks of 2048 bytes":      {boot(68, "\x04"), ErrCorrupt},
	"record without its mark":         {raw(recordRoot, func(b []byte) { copy(b, "BAAD") }), ErrCorrupt},
	"fixups outside the record":       {raw(recordRoot, func(b []byte) { put16(b, 4, 0xFFFE) }), ErrCorrupt},
	"fixups over their own sector":    {raw(recordRoot, func(b []byte) { put16(b, 4, 506) }), ErrCorrupt},
	"no fixups":                       {raw(recordRoot, func(b []byte) { put16(b, 6, 0) }), ErrCorrupt},
	"65,535 fixups":                   {raw(recordRoot, func(b []byte) { put16(b, 6, 0xFFFF) }), ErrCorrupt},
	"a torn record":                   {raw(recordRoot, func(b []byte) { b[511]++ }), ErrCorrupt},
	"record that is not in use":       {whole(".", func(b []byte) { put16(b, recordFlags, 2) }), ErrCorrupt},
	"record used for another file":    {whole("Windows", func(b []byte) { put16(b, recordSequence, 0x7777) }), ErrCorrupt},
	"record of 4 GiB":                 {whole(".", func(b []byte) { put32(b, recordUsed, 0xFFFFFFFF) }), ErrCorrupt},
	"record of no bytes":              {whole(".", func(b []byte) { put32(b, recordUsed, 0) }), ErrCorrupt},
	"attributes behind the record":    {whole(".", func(b []byte) { put16(b, recordAttributes, 0xFFF8) }), ErrCorrupt},
	"attributes over the header":      {whole(".", func(b []byte) { put16(b, recordAttributes, 0) }), ErrCorrupt},
	"attributes without an end":       {whole(".", func(b []byte) { put32(b, recordUsed, binary.LittleEndian.Uint32(b[recordUsed:])-8) }), ErrCorrupt},
	"attribute of no length":          {attr(recordRoot, typeStandard, func(a []byte) { put32(a, 4, 0) }), ErrCorrupt},
	"attribute of 4 GiB":              {attr(recordRoot, typeStandard, func(a []byte) { put32(a, 4, 0xFFFFFFF8) }), ErrCorrupt},
	"attribute of 1 byte more":        {attr(recordRoot, typeStandard, func(a []byte) { put32(a, 4, uint32(len(a)+1)) }), ErrCorrupt},
	"name of an attribute outside":    {attr(recordRoot, typeStandard, func(a []byte) { a[9] = 255 }), ErrCorrupt},
	"value of 4 GiB":                  {attr(recordRoot, typeStandard, func(a []byte) { put32(a, 16, 0xFFFFFFFF) }), ErrCorrupt},
	"value outside the attribute":     {attr(recordRoot, typeStandard, func(a []byte) { put16(a, 20, 0xFFFF) }), ErrCorrupt},
	"no standard information":         {attrOf("empty", typeStandard, func(a []byte) { put32(a, 0, 0xF0) }), ErrCorrupt},
	"MFT that begins elsewhere":       {attr(recordMFT, typeData, func(a []byte) { runsOf(a)[2]++ }), ErrCorrupt},
	"MFT without runs":                {attr(recordMFT, typeData, func(a []byte) { runsOf(a)[0] = 0 }), ErrCorrupt},
	"MFT of 2^62 bytes":               {attr(recordMFT, typeData, func(a []byte) { put64(a, 40, 1<<62); put64(a, 48, 1<<62) }), ErrCorrupt},
	"MFT of 2^62 clusters":            {attr(recordMFT, typeData, func(a []byte) { put64(a, 24, 1<<62) }), ErrCorrupt},
	"MFT shorter than its records":    {attr(recordMFT, typeData, func(a []byte) { put64(a, 48, 8192); put64(a, 56, 8192) }), ErrCorrupt},
	"MFT that is compressed":          {attr(recordMFT, typeData, func(a []byte) { put16(a, 12, 1) }), ErrCorrupt},
	"MFT in its own record":           {attr(recordMFT, typeData, func(a []byte) { a[8] = 0 }), ErrCorrupt},
	"MFT over itself":                 {attr(recordMFT, typeData, overItself), ErrCorrupt},
	"last cluster before the first":   {attrOf(smallHive, typeData, func(a []byte) { put64(a, 16, 10); put64(a, 24, 5) }), ErrCorrupt},
	"negative clusters":               {attrOf(smallHive, typeData, func(a []byte) { put64(a, 16, 1<<63) }), ErrCorrupt},
	"runs behind the attribute":       {attrOf(smallHive, typeData, func(a []byte) { put16(a, 32, 0xFFFF) }), ErrCorrupt},
	"runs over the header":            {attrOf(smallHive, typeData, func(a []byte) { put16(a, 32, 0) }), ErrCorrupt},
	"run with a count of 15 bytes":    {attrOf(smallHive, typeData, func(a []byte) { runsOf(a)[0] = 0x1F }), ErrRuns},
	"run with a place of 15 bytes":    {attrOf(smallHive, typeData, func(a []byte) { runsOf(a)[0] = 0xF1 }), ErrRuns},
	"run of no clusters":              {attrOf(smallHive, typeData, func(a []byte) { runsOf(a)[1] = 0 }), ErrRuns},
	"run of negative clusters":        {attrOf(smallHive, typeData, func(a []byte) { runsOf(a)[1] = 0x80 }), ErrRuns},
	"run of 2^63-1 clusters":          {attrOf(smallHive, typeData, func(a []byte) { copy(runsOf(a), "\x18\xff\xff\xff\xff\xff\xff\xff\x7f\x01") }), ErrRuns},
	"runs at 2^63-1":                  {attrOf(smallHive, typeData, func(a []byte) { copy(runsOf(a), "\x81\x60\xff\xff\xff\xff\xff\xff\xff\x7f") }), ErrRuns},
	"runs that add up past 2^63":      {attrOf(smallHive, typeData, func(a []byte) { copy(runsOf(a), "\x21\x20\x00\x02\x81\x40\xff\xff\xff\xff\xff\xff\xff\x7f") }), ErrRuns},
	"list of 2^62 bytes":              {attrOf(listedFile, typeList, func(a []byte) { put64(a, 40, 1<<62); put64(a, 48, 1<<62) }), ErrCorrupt},
	"list of holes":                   {attrOf(listedFile, typeList, listOfHoles), ErrCorrupt},
	"list that ends within an entry":  {attrOf(listedFile, typeList, func(a []byte) { put64(a, 48, 20); put64(a, 56, 20) }), ErrAttributeList},
	"list with an entry of 65,528":    {list(func(b []byte) { put16(b, listLength, 0xFFF8) }), ErrAttributeList},
	"list with a name outside":        {list(func(b []byte) { b[listNameLength] = 255 }), ErrAttributeList},
	"list that leads out of the MFT":  {list(func(b []byte) { put64(b, listReference, 1<<47) }), ErrCorrupt},
	"list that leads to another file": {list(func(b []byte) { put64(b, listReference, recordRoot) }), ErrAttributeList},
	"list with another cluster":       {list(func(b []byte) { put64(b, listLowest, 1<<40) }), ErrAttributeList},
	"file that is a folder":           {whole("empty", func(b []byte) { put16(b, recordFlags, 3) }), ErrCorrupt},
	"index root too short":            {attrOf("Windows", typeIndexRoot, func(a []byte) { put32(a, 16, 20) }), ErrCorrupt},
	"index with blocks of 2^31":       {attrOf("Windows", typeIndexRoot, func(a []byte) { put32(valueOf(a), 8, 1<<31) }), ErrCorrupt},
	"index with entries outside":      {attrOf("Windows", typeIndexRoot, func(a []byte) { put32(valueOf(a), 16, 0xFFFFFFF0) }), ErrCorrupt},
	"index that uses 4 GiB":           {attrOf("Windows", typeIndexRoot, func(a []byte) { put32(valueOf(a), 20, 0xFFFFFFFF) }), ErrCorrupt},
	"index that uses nothing":         {attrOf("Windows", typeIndexRoot, func(a []byte) { put32(valueOf(a), 20, 16) }), ErrCorrupt},
	"entry of no length":              {indexBlock(func(b []byte) { put16(firstEntry(b), entryLength, 0) }), ErrCorrupt},
	"entry of 65,528 bytes":           {indexBlock(func(b []byte) { put16(firstEntry(b), entryLength, 0xFFF8) }), ErrCorrupt},
	"name of 65,535 bytes":            {indexBlock(func(b []byte) { put16(firstEntry(b), entryKeyLength, 0xFFFF) }), ErrCorrupt},
	"name of 255 units in 8":          {indexBlock(func(b []byte) { firstEntry(b)[entryKey+nameLength] = 255 }), ErrCorrupt},
	"index block of another cluster":  {indexBlock(func(b []byte) { put64(b, blockCluster, 1<<40) }), ErrCorrupt},
	"index without an end":            {indexBlock(withoutEnd), ErrCorrupt},
	"torn index block":                {func(e *volumeEdit) { e.data[e.blocks().place(e.ntfs.geometry, 0)+510]++ }, ErrCorrupt},
	"index of 2^62 bytes":             {attrOf(largeFolder, typeIndexBlocks, func(a []byte) { put64(a, 40, 1<<62); put64(a, 48, 1<<62) }), ErrCorrupt},
	"index of holes":                  {attrOf(largeFolder, typeIndexBlocks, indexOfHoles), ErrCorrupt},
	"index larger than its bitmap":    {attrOf(largeFolder, typeBitmap, func(a []byte) { put32(a, 16, 0) }), ErrCorrupt},
	"name that leads out of the MFT":  {indexBlock(func(b []byte) { put64(firstEntry(b), 0, 1<<48-1) }), ErrCorrupt},
	"link of 65,534 bytes":            {attrOf("relative", typeReparse, func(a []byte) { put16(valueOf(a), reparseHeader+reparseNameSize, 0xFFFE) }), ErrCorrupt},
	"link of no bytes":                {attrOf("relative", typeReparse, func(a []byte) { put16(valueOf(a), reparseHeader+reparseNameSize, 0) }), ErrCorrupt},
	"link without a value":            {attrOf("relative", typeReparse, func(a []byte) { put32(a, 16, 4) }), ErrCorrupt},
	"log of no bytes":                 {attr(recordLog, typeData, func(a []byte) { put64(a, 48, 0); put64(a, 56, 0) }), ErrCorrupt},
}

// overItself gives the MFT two runs in the same place.
func overItself(a []byte) {
	clusters := binary.LittleEndian.Uint64(a[24:]) + 1
	r := runsOf(a)
	start := bytes.Clone(r[:16])
	size := int(start[0]&15) + int(start[0]>>4) + 1
	put16(start, 1, uint16(clusters/2))
	if start[0]&15 == 2 {
		copy(r, start[:size])
		copy(r[size:], []byte{0x12, byte(clusters - clusters/2), byte((clusters - clusters/2) >> 8), 1, 0})
	}
}

// holes writes a run of clusters that are nowhere.
func holes(a []byte, count uint64) {
	put64(a, 24, count-1)
	r := runsOf(a)
	r[0] = 6
	for i := range 6 {
		r[1+i] = byte(count >> (8 * i))
	}
	r[7] = 0
}

func listOfHoles(a []byte) {
	holes(a, 512)
	put64(a, 40, 512*512)
	put64(a, 48, mostListSize)
	put64(a, 56, mostListSize)
}

func indexOfHoles(a []byte) {
	holes(a, 1<<40)
	put64(a, 40, 1<<49)
	put64(a, 48, 1<<49)
	put64(a, 56, 1<<49)
}

func withoutEnd(b []byte) {
	used := blockHeader + int(binary.LittleEndian.Uint32(b[blockHeader+headerUsed:]))
	put16(b[used-16:], entryFlags, 0)
}

func list(change func(b []byte)) func(e *volumeEdit) {
	return func(e *volumeEdit) { e.list(listedFile, change) }
}

// TestHostile: none of the images is more than an error.
func TestHostile(t *testing.T) {
	require.Greater(t, len(hostile), 30)
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			e := smallVolume(t)
			c.change(e)
			var err error
			bounded(t, func() { err = examine(e.data, namesInLarge) })
			require.Error(t, err)
			first, _, _ := strings.Cut(err.Error(), "\n")
			require.True(t, errors.Is(err, c.want), first)
			t.Log(first)
		})
	}
}

// TestFolderInItself: a folder that holds itself has paths of any length, and
// none of them takes more than its length.
func TestFolderInItself(t *testing.T) {
	e := smallVolume(t)
	self := e.number(largeFolder)
	indexBlock(func(b []byte) { put64(firstEntry(b), 0, uint64(self)) })(e)
	n := e.open()
	name := names(t, n, largeFolder)[0]
	bounded(t, func() {
		info, err := n.Lstat(largeFolder + strings.Repeat("/"+name, 10000))
		require.NoError(t, err)
		require.True(t, info.IsDir())
		_, err = n.Lstat(strings.Repeat("x", 65535))
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
}

// TestTooMuchWork: looking at the same thing again and again ends. How long all
// of the work takes BenchmarkTooMuchWork tells.
func TestTooMuchWork(t *testing.T) {
	n := smallVolume(t).ntfs
	n.volume.image.work.Store(mostWork - 4<<20)
	bounded(t, func() {
		for range mostWork / fixupStride {
			if _, err := n.Lstat(largeFolder + "/none"); errors.Is(err, ErrTooMuchWork) {
				return
			}
		}
		t.Error("it does not")
	})
}

// TestTooMuchWorkInAll: many volumes in an image take no longer than one.
func TestTooMuchWorkInAll(t *testing.T) {
	volumes, err := OpenDisk("disk", imagetest.Memory(imagetest.SmallDisk(t, "../..", 2))).Volumes()
	require.NoError(t, err)
	first, err := volumes[0].OpenNTFS()
	require.NoError(t, err)
	second, err := volumes[1].OpenNTFS()
	require.NoError(t, err)
	require.NoError(t, first.spend(mostWork-1<<20))
	require.NoError(t, second.spend(1<<20))
	_, err = second.Lstat(smallHive)
	require.ErrorIs(t, err, ErrTooMuchWork)
}

// TestNothingOnTheDisk: what a file has that lies nowhere costs no reading, but
// memory.
func TestNothingOnTheDisk(t *testing.T) {
	const size = mostWork + 1<<20
	for name, change := range map[string]func(a []byte){
		"hole": func(a []byte) {
			put16(a, 12, flagSparse)
			holes(a, size/512)
			put64(a, 56, size)
		},
		"hole that was never written": func(a []byte) {
			put16(a, 12, flagSparse)
			holes(a, size/512)
			put64(a, 56, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := smallVolume(t)
			e.attribute(e.number(smallHive), typeData, func(a []byte) {
				put64(a, 40, size)
				put64(a, 48, size)
				change(a)
			})
			file, err := e.open().OpenFile(smallHive)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, file)
			require.ErrorIs(t, err, ErrTooMuchWork)
		})
	}
}

// TestTruncated: a volume that ends early is an error at every length.
func TestTruncated(t *testing.T) {
	data := smallVolume(t).data
	for size := 512; size < len(data)-512; size += 37 * 512 {
		require.Error(t, examine(imagetest.Memory(data[:size]), namesInLarge), "%d", size)
	}
}
