package diskimage

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Offsets in $VOLUME_INFORMATION and its flags.
const (
	volumeFlags     = 10
	leastVolumeInfo = 12
	volumeDirty     = 1
)

// CheckClean returns a DirtyVolumeError where the volume has changes that
// Windows has not finished: its dirty flag is set, or its log is not closed. It
// returns other errors as Lstat does.
func (n *NTFS) CheckClean() error {
	err := n.checkDirtyFlag()
	if err == nil {
		err = n.checkLog()
	}
	var dirty *DirtyVolumeError
	if err != nil && !errors.As(err, &dirty) {
		return fmt.Errorf("%s: %w", n.Name(), err)
	}
	return err
}

func (n *NTFS) dirty(format string, a ...any) error {
	return &DirtyVolumeError{Volume: n.Name(), Reason: fmt.Sprintf(format, a...)}
}

func (n *NTFS) checkDirtyFlag() error {
	r, err := n.record(reference{number: recordVolume})
	if err != nil {
		return err
	}
	info, err := n.stream(r, typeVolumeInfo, "")
	if err != nil {
		return err
	}
	if info == nil || len(info.value) < leastVolumeInfo {
		return r.wrong("it has no volume information")
	}
	if binary.LittleEndian.Uint16(info.value[volumeFlags:])&volumeDirty != 0 {
		return n.dirty("its dirty flag is set")
	}
	return nil
}

// The log begins with two pages that say how to start again, of which the newer
// one counts. Public descriptions of $LogFile: Linux-NTFS project, libfsntfs.
const (
	restartSignature = "RSTR"
	chkdskSignature  = "CHKD" // a page that chkdsk has written
	restartSystem    = 16     // size of a page, in bytes
	restartArea      = 24     // where in the page the area is
	restartMajor     = 28
	areaLSN          = 0
	areaClients      = 12 // first client that is in use, none = 0xFFFF
	areaFlags        = 14
	areaSize         = 16
	noClient         = 0xFFFF
	areaClean        = 2
	leastRestart     = 512
	mostRestart      = 64 << 10
	versionFastStart = 2
)

// restartPage is what is needed of a restart page.
type restartPage struct {
	lsn    uint64
	major  uint16
	closed bool
}

// checkLog returns a DirtyVolumeError for a log that is not closed. One that was
// emptied, all bytes FF, is.
func (n *NTFS) checkLog() error {
	r, err := n.record(reference{number: recordLog})
	if err != nil {
		return err
	}
	log, err := n.stream(r, typeData, "")
	if err != nil {
		return err
	}
	if log == nil || log.resident || log.size < 2*leastRestart {
		return r.wrong("the volume has no log")
	}
	first, size, err := n.restartPage(log, 0)
	if err != nil {
		return err
	}
	if size == 0 {
		size = 4096 // where the first page is damaged, the second is where it usually is
	}
	second, _, err := n.restartPage(log, size)
	if err != nil {
		return err
	}
	page := first
	if page == nil || second != nil && second.lsn > page.lsn {
		page = second
	}
	switch {
	case page == nil:
		return n.checkEmptied(log)
	case page.major >= versionFastStart:
		return n.dirty("its log is in the form that Windows 8 and later keep while the volume is in use or Fast Startup has it")
	case !page.closed:
		return n.dirty("its log is not closed")
	}
	return nil
}

// restartPage reads a restart page and its size, nothing where it has not the
// signature or is damaged.
func (n *NTFS) restartPage(log *stream, off int64) (*restartPage, int64, error) {
	head := make([]byte, leastRestart)
	if off+leastRestart > log.size {
		return nil, 0, nil
	}
	at, err := n.readStream(log, head, off)
	if err != nil {
		return nil, 0, err
	}
	signature := string(head[:4])
	size := int64(binary.LittleEndian.Uint32(head[restartSystem:]))
	if signature != restartSignature && signature != chkdskSignature ||
		!powerOfTwo(size) || size < leastRestart || size > mostRestart || off+size > log.size {
		return nil, 0, nil
	}
	page := make([]byte, size)
	if _, err := n.readStream(log, page, off); err != nil {
		return nil, 0, err
	}
	if applyFixups(page, signature, at) != nil {
		return nil, size, nil
	}
	area := int64(binary.LittleEndian.Uint16(page[restartArea:]))
	if area%8 != 0 || area+areaSize > size {
		return nil, size, nil
	}
	b := page[area:]
	return &restartPage{
		lsn:   binary.LittleEndian.Uint64(b[areaLSN:]),
		major: binary.LittleEndian.Uint16(page[restartMajor:]),
		closed: binary.LittleEndian.Uint16(b[areaClients:]) == noClient ||
			binary.LittleEndian.Uint16(b[areaFlags:])&areaClean != 0,
	}, size, nil
}

// checkEmptied returns a DirtyVolumeError for a log without a restart page whose
// beginning is not all FF: chkdsk, mkntfs and ntfs-3g fill a log with that to
// say that it holds nothing.
func (n *NTFS) checkEmptied(log *stream) error {
	head := make([]byte, min(log.size, mostRestart))
	if _, err := n.readStream(log, head, 0); err != nil {
		return err
	}
	for _, b := range head {
		if b != 0xFF {
			return n.dirty("its log has no restart page that can be read")
		}
	}
	return nil
}
