package locate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/txlog"
)

// Origin says what a hive is there for.
type Origin string

// Origins. Only hives in use are ever chosen by themselves.
const (
	InUse        Origin = "in-use"        // Windows runs with it
	WindowsOld   Origin = "windows.old"   // an upgrade has left it
	RegBack      Origin = "regback"       // a copy that Windows has made now and then
	Repair       Origin = "repair"        // a copy from the setup of Windows, or of an emergency disk
	RestorePoint Origin = "restore-point" // a copy that System Restore has made
)

// Candidate is a file that is a hive, or has the name of one.
type Candidate struct {
	Kind         Kind
	User         string // folder of the user that it belongs to; "" for none
	Origin       Origin
	Installation string // path of the Windows folder; "" for what belongs to none
	Path         string // in the volume, over no link

	Size  int64     // bytes
	Dirty string    // why it needs recovery; "" for a clean one
	Logs  []LogFile // beside it
	// Err says why it cannot be taken for a hive, or not at all: it is ambiguous
	// or no regular file, leads out of the volume, cannot be read, or is no hive.
	Err error
}

// LogFile is a transaction log beside a hive.
type LogFile struct {
	Path string // in the volume
	Size int64  // bytes
}

// headSize is as much of a hive as its state can be told from: the base block
// and the header of the first bin.
const headSize = hive.BaseBlockSize + 32

// examine fills in what can be told of a candidate without reading all of it.
func (v *Volume) examine(c *Candidate) {
	c.Err = v.examineHead(c)
	if c.Err != nil {
		return
	}
	logs, err := hivefile.FindLogsIn(v.tree.root, c.Path)
	if err != nil {
		c.Err = err
		return
	}
	for _, log := range logs {
		info, err := v.tree.root.Lstat(log.Path)
		if err == nil {
			c.Logs = append(c.Logs, LogFile{log.Path, info.Size()})
		}
	}
}

func (v *Volume) examineHead(c *Candidate) error {
	file, err := v.tree.root.OpenFile(c.Path)
	if err != nil {
		return err
	}
	defer file.Close() // only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if c.Size = info.Size(); c.Size == 0 {
		return fmt.Errorf("%s: %w: it is empty%s", v.FullPath(c.Path), hive.ErrNotHive, whyEmpty(c.Origin))
	}
	head, err := io.ReadAll(io.LimitReader(file, headSize))
	if err != nil {
		return err
	}
	state, err := txlog.Examine(head)
	if err != nil {
		return fmt.Errorf("%s: %w", v.FullPath(c.Path), err)
	}
	if c.Dirty = state.Reason; c.Dirty != "" {
		if half := hivefile.RequireWhole(v.FullPath(c.Path), head); half != nil {
			c.Dirty = half.Error()
		}
	}
	return nil
}

func whyEmpty(origin Origin) string {
	if origin == RegBack {
		return ", as all copies are that Windows 10 has made since version 1803"
	}
	return ""
}

// notThere reports whether an error means no more than that there is no such
// file or folder.
func notThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotFolder)
}
