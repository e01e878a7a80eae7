package hive

import (
	"fmt"
	"time"

	"hivepatch/hive/internal/regf"
)

// Header is what the base block says about a hive. Fields that a version of the
// format does not have may hold anything.
type Header struct {
	Major, Minor         uint32
	Sequence1, Sequence2 uint32    // equal in a clean hive
	ChecksumOK           bool      // else nothing here can be relied on
	LastWritten          time.Time // UTC; the zero time where none is stored, as Windows 8.1 and later do
	LastReorganized      time.Time // UTC; the zero time where it never was
	FileName             string    // the end of the path that the hive had, 31 UTF-16 units at most; WTF-8
	Flags                HeaderFlags
	Root                 int64 // absolute file offset of the root key's cell
	BinsSize             int64 // bytes of bins that the base block claims
	// RM, Log and TM name the resource manager, the log and the transaction
	// manager that Windows keeps for the hive; "" where there is none.
	RM, Log, TM string
	// OfflineLibrary is whether Microsoft's Offline Registry Library wrote the
	// hive, which leaves a mark.
	OfflineLibrary bool
}

// HeaderFlags are the flags of a hive.
type HeaderFlags uint32

// Flags of hives.
const (
	FlagTransactions HeaderFlags = regf.FlagTransactions // transactions may be pending
	FlagLayered      HeaderFlags = regf.FlagLayered      // differencing hive, version 1.6
)

// Header returns what the base block says as it stands.
func (h *Hive) Header() Header {
	block := h.image.BaseBlock()
	header := Header{
		Major: block.Major(), Minor: block.Minor(),
		Sequence1: block.Sequence1(), Sequence2: block.Sequence2(),
		ChecksumOK:      block.ChecksumOK(),
		LastWritten:     storedTime(block.Timestamp()),
		LastReorganized: storedTime(block.Reorganized()),
		FileName:        block.FileName(),
		Root:            block.RootCell().File(),
		BinsSize:        int64(block.BinsSize()),
		OfflineLibrary:  block.OfflineLibrary(),
	}
	if block.HasManagers() {
		header.Flags = HeaderFlags(block.Flags())
		header.RM, header.Log, header.TM = guidText(block.RM()), guidText(block.Log()), guidText(block.TM())
	}
	return header
}

func storedTime(filetime uint64) time.Time {
	if filetime == 0 {
		return time.Time{}
	}
	return regf.Time(filetime)
}

// guidText writes a GUID as Windows does, and "" for one of zeros.
func guidText(guid [16]byte) string {
	if guid == [16]byte{} {
		return ""
	}
	return fmt.Sprintf("{%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x}",
		guid[3], guid[2], guid[1], guid[0], guid[5], guid[4], guid[7], guid[6], guid[8:10], guid[10:])
}
