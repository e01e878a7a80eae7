package regf

import "encoding/binary"

// ParseLoose is Parse for reading what is left of a damaged hive. A stretch
// whose bin headers are broken counts as one bin, so that its cells can be read.
// Bins behind the length that the base block declares are included where they
// carry on the chain, and everything in the file where it declares nonsense. The
// second result is the length up to which the hive said to have bins.
//
// The image is for reading only.
func ParseLoose(data []byte) (m *Image, declared uint32, err error) {
	if m, err = Parse(data); err != nil {
		return nil, 0, err
	}
	stored := uint32(min(len(data)-BaseBlockSize, MaxBinsSize-PageSize) / PageSize * PageSize)
	declared = m.BaseBlock().BinsSize()
	sound := declared > 0 && declared%PageSize == 0 && declared <= stored
	if !sound {
		declared = stored
	}
	m.indexPages(stored)
	end := declared
	for end < stored && m.binOf[end/PageSize] == (Bin{Offset(end), m.binOf[end/PageSize].Size}) && m.binOf[end/PageSize].Size > 0 {
		end += m.binOf[end/PageSize].Size
	}
	m.indexPages(end)
	m.bridgeGaps()
	return m, declared, nil
}

// indexPages fills binOf for bins of size bytes, as indexBins does.
func (m *Image) indexPages(size uint32) {
	m.binOf = make([]Bin, size/PageSize)
	for page := 0; page < len(m.binOf); {
		start := Offset(page * PageSize)
		binSize, err := m.binHeader(start)
		if err != nil {
			page++
			continue
		}
		for end := page + int(binSize/PageSize); page < end; page++ {
			m.binOf[page] = Bin{start, binSize}
		}
	}
}

// bridgeGaps makes bins of the stretches without a sound header.
func (m *Image) bridgeGaps() {
	for page := 0; page < len(m.binOf); page++ {
		if m.binOf[page].Size > 0 {
			continue
		}
		end := page
		for end < len(m.binOf) && m.binOf[end].Size == 0 {
			end++
		}
		gap := Bin{Offset(page * PageSize), uint32(end-page) * PageSize}
		for ; page < end; page++ {
			m.binOf[page] = gap
		}
		page--
	}
}

// HasSoundHeader reports whether the header of a bin is what it should be; that
// of a bridged gap is not.
func (m *Image) HasSoundHeader(bin Bin) bool {
	size, err := m.binHeader(bin.Start)
	return err == nil && size == bin.Size
}

// AnyCell returns the data of the cell at off, allocated or free. It returns a
// FormatError when there is none.
func (m *Image) AnyCell(off Offset) (data []byte, allocated bool, err error) {
	size, allocated, err := m.CellSize(off)
	if err != nil {
		return nil, false, err
	}
	start, end := m.field(off, 0), off.File()+int64(size)
	return m.data[start:end:end], allocated, nil
}

// From returns what follows the header of a cell at off up to the end of the
// bin, whatever the header says, or nil where no cell can start at off.
func (m *Image) From(off Offset) []byte {
	bin, ok := m.binAt(off)
	if !ok || off%8 != 0 || off < bin.Start+BinHeaderSize {
		return nil
	}
	start, end := m.field(off, 0), bin.End().File()
	return m.data[start:end:end]
}

// ParseKeyNode is KeyNode for data that was found at off.
func (m *Image) ParseKeyNode(off Offset, data []byte) (KeyNode, error) {
	return m.parseKeyNode(off, data)
}

// ParseValueRecord is ValueRecord for data that was found at off.
func (m *Image) ParseValueRecord(off Offset, data []byte) (ValueRecord, error) {
	return m.parseValueRecord(off, data)
}

// ParseSubkeyList returns the list in data that was found at off, with as many
// of its entries as there are, and whether there are all of them. It returns a
// FormatError when data is no list.
func (m *Image) ParseSubkeyList(off Offset, data []byte) (list SubkeyList, whole bool, err error) {
	list, err = parseSubkeyList(off, data)
	if err == nil || len(data) < listHeader || listKind(data[0], data[1]) == 0 {
		return list, err == nil, err
	}
	list = SubkeyList{Offset: off, Kind: listKind(data[0], data[1])}
	list.stride = uint8(list.Kind.stride())
	fits := (len(data) - listHeader) / int(list.stride)
	list.count = uint16(min(int(binary.LittleEndian.Uint16(data[2:])), fits))
	list.entries = data[listHeader : listHeader+int(list.count)*int(list.stride)]
	return list, false, nil
}

// Fits reports whether the hash or hint of an entry of the list is that of a
// name. Lists without them fit every name.
func (l SubkeyList) Fits(i int, name Name) bool {
	switch l.Kind {
	case ListLH:
		return l.Hash(i) == name.Hash()
	case ListLF:
		hint := name.Hint()
		return l.Hash(i) == binary.LittleEndian.Uint32(hint[:])
	}
	return true
}

// StoredValueCount is ValueCount without regard to flags.
func (k KeyNode) StoredValueCount() uint32 { return k.handle() }

// Describe makes n what a Writer needs to write the key, but for what the key
// refers to.
func (k *KeyNode) Describe(n *NewKey) {
	// Field by field: the whole of it would be put together elsewhere first.
	n.Name = k.Name()
	n.Flags = k.Flags()
	n.LastWriteTime = k.LastWriteTime()
	n.Access = k.accessField()
	n.User = k.UserFlags()
	n.Handle = 0
	if n.Flags&KeyPredefHandle != 0 {
		n.Handle = k.handle()
	}
	n.Class, n.Security, n.Values, n.Subkeys = nil, 0, 0, 0
}

// Describe makes n what a Writer needs to write the value, but for its data.
func (v *ValueRecord) Describe(n *NewValue) {
	n.Name = v.Name()
	n.Type = v.Type()
	n.Flags = v.Flags()
	n.Spare = v.spare()
	n.Length = v.DataLength()
	n.Data = nil
}

// HasBins reports whether a bin begins at one of the first pages behind the base
// block: then data is a hive, whatever stands in its base block.
func HasBins(data []byte) bool {
	const pages = 16
	for page := range pages {
		at := BaseBlockSize + page*PageSize
		if at+BinHeaderSize > len(data) {
			return false
		}
		if string(data[at:at+4]) == "hbin" && binary.LittleEndian.Uint32(data[at+4:]) == uint32(page*PageSize) {
			return true
		}
	}
	return false
}

// MendBaseBlock gives the fields of a base block without which nothing can be
// read the only values that they can have. An unknown version becomes the one
// that most lists of subkeys are of; guessed tells that. data must have bins.
func MendBaseBlock(data []byte) (minor uint32, guessed bool) {
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(data[at:], v) }
	copy(data, "regf")
	put(blockMajor, 1)
	put(blockType, TypePrimary)
	put(blockFormat, 1)
	if minor = BaseBlock(data).Minor(); minor <= 6 {
		return minor, false
	}
	minor = 5
	if countCells(data, "lf") > countCells(data, "lh") {
		minor = 3
	}
	put(blockMinor, minor)
	return minor, true
}

const blockType = 0x1C

// countCells counts what looks like allocated cells that begin with a signature.
func countCells(data []byte, signature string) (n int) {
	for at := BaseBlockSize + BinHeaderSize; at+CellHeaderSize+2 <= len(data); at += 8 {
		if data[at+3] == 0xFF && string(data[at+4:at+6]) == signature {
			n++
		}
	}
	return n
}

// NewBlock returns the base block of a hive that is made of one with this base
// block: clean, with the sequence number and time, a FILETIME, and in all else
// the same.
func (b BaseBlock) NewBlock(sequence uint32, filetime uint64) BaseBlock {
	block := make(BaseBlock, BaseBlockSize)
	copy(block, b)
	little := binary.LittleEndian
	little.PutUint32(block[blockSequence1:], sequence)
	little.PutUint32(block[blockSequence2:], sequence)
	little.PutUint64(block[blockTimestamp:], filetime)
	little.PutUint32(block[blockCluster:], 1)
	return block
}

// Sizes of records without what varies, in bytes.
const (
	SecurityRecordSize = securityRecordSize
	BigDataRecordSize  = bigDataSize
)

// BigDataOf returns the big data record of a value and its segments. It returns
// a FormatError when one of the two is unsound; the segments are not looked at.
func (m *Image) BigDataOf(v ValueRecord) (BigData, OffsetList, error) {
	record, err := m.BigData(v.Data())
	if err != nil {
		return BigData{}, nil, err
	}
	segments, err := m.Segments(record, v.DataLength())
	return record, segments, err
}

// Record is the stored record with the name.
func (v ValueRecord) Record() []byte { return v.data }

// SizeAt is the size in the header of a cell that stands, or once stood, at off,
// which lies in a bin: its amount, whether it marks an allocated cell or a free
// one.
func (m *Image) SizeAt(off Offset) uint64 {
	size := int64(int32(m.u32(off)))
	return uint64(max(size, -size))
}

// ParseBigData returns the number of segments and the list of a big data record.
func ParseBigData(data []byte) (segments int, list Offset, ok bool) {
	if len(data) < bigDataSize || data[0] != 'd' || data[1] != 'b' {
		return 0, NIL, false
	}
	record := BigData{data: data}
	return int(record.Count()), record.List(), true
}
