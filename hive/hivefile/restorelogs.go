package hivefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// logChange is what becomes of a log beside a hive that is restored.
type logChange struct {
	path string
	old  *Source // nil where there is none
	data []byte  // empty for a log of another hive
}

// planLogs finds out what is to become of the logs beside the hive. Where the
// backup is clean they do not matter now. But Windows counts on from the number
// of the hive, and would one day take them for its own if theirs is higher.
func (r *restorer) planLogs() error {
	paths, err := r.logPaths()
	if err != nil {
		return err
	}
	besides := map[string]*Source{}
	var logs []txlog.Log
	for _, path := range paths {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = requireRegular(path, info) // it is written to, so no link is followed
		}
		if err != nil {
			return fmt.Errorf("transaction log: %w", err)
		}
		source, err := ReadFile(path)
		if err != nil {
			return fmt.Errorf("transaction log: %w", err)
		}
		besides[path] = source
		r.besides = append(r.besides, source)
		logs = append(logs, txlog.Log{Name: path, Data: source.Data})
	}
	own := r.backup.Sources[1 : 1+len(r.backup.Logs)]
	for slot, suffix := range logSuffixes {
		path, old := paths[slot], besides[paths[slot]]
		log := logWithSuffix(own, suffix)
		switch {
		case log != nil && (old == nil || !bytes.Equal(old.Data, log.Data)):
			r.logs = append(r.logs, logChange{path, old, log.Data})
		case log == nil && len(own) > 0 && old != nil && len(old.Data) > 0:
			r.logs = append(r.logs, logChange{path, old, nil})
		}
	}
	mended := r.result.Mended && r.options.Backup == "" // then they are still those of that time
	if len(own) == 0 && r.backup.Dirty == "" && !mended {
		highest, found := txlog.HighestSequence(logs)
		sequence := regf.BaseBlock(r.data).Sequence2()
		r.later = found && txlog.Later(highest, sequence) == highest
	}
	return nil
}

// logPaths returns, for each of logSuffixes, the path of the log beside the hive,
// in the spelling that it has there.
func (r *restorer) logPaths() ([]string, error) {
	folder, base := filepath.Dir(r.path), filepath.Base(r.path)
	names, err := logNames(folder, base, openFolder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for slot, name := range names {
		if name == "" {
			name = base + logSuffixes[slot]
		}
		paths = append(paths, filepath.Join(folder, name))
	}
	return paths, nil
}

// logWithSuffix returns the log with that ending, or nil.
func logWithSuffix(logs []*Source, suffix string) *Source {
	for _, log := range logs {
		if n := len(log.Path) - len(suffix); n > 0 && sameName(log.Path[n:], suffix) {
			return log
		}
	}
	return nil
}

// putLogs makes the logs beside the hive those of the backup, before the hive is
// put back: to the hive that is there they are too old, so that none of them can
// be applied to it if this is interrupted.
func (r *restorer) putLogs() error {
	r.result.LogsPut, r.result.LogsGone = nil, nil
	for _, change := range r.logs {
		r.finished++
		if err := change.do(); err != nil {
			return describeInUse(err)
		}
		if len(change.data) == 0 {
			r.result.LogsGone = append(r.result.LogsGone, change.path)
		} else {
			r.result.LogsPut = append(r.result.LogsPut, change.path)
		}
	}
	return nil
}

func (c logChange) do() error {
	if c.old == nil {
		return WriteNew(c.path, c.data, SaveOptions{})
	}
	return overwriteFile(c.path, c.data)
}

// takeLogsBack makes the logs what they were. It returns the first error.
func (r *restorer) takeLogsBack() error {
	var first error
	for _, change := range r.logs[:r.finished] {
		if err := change.undo(); err != nil && first == nil {
			first = fmt.Errorf("a log could not be made what it was: %w", err)
		}
	}
	r.finished = 0
	r.result.LogsPut, r.result.LogsGone = nil, nil
	return first
}

func (c logChange) undo() error {
	if c.old != nil {
		return overwriteFile(c.path, c.old.Data)
	}
	if err := os.Remove(c.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// overwriteFile writes data into a file that is there, and brings it to the disk.
func overwriteFile(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(data, 0); err == nil {
		err = file.Truncate(int64(len(data)))
	}
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// emptyLater empties logs that go beyond the hive, now that it is restored.
func (r *restorer) emptyLater(same bool) {
	if !r.later || same {
		return
	}
	gone, err := CleanLogs(r.path)
	r.result.LogsGone = append(r.result.LogsGone, gone...)
	if err != nil {
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf("the logs of the later hive were not emptied: %v", err))
	}
}
