package hivefile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hivepatch/hive"
	"hivepatch/hive/internal/overwrite"
	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// CleanLogs empties the transaction logs beside the hive at path and brings that
// to the disk. The files stay, as they do when Windows has nothing in them. It
// returns the paths of those that were not empty before, also with an error.
//
// The hive must be clean; else what its logs hold may be nowhere else, and
// CleanLogs returns hive.ErrDirty and does nothing. It returns ErrHalfWritten
// for a hive that is that.
func CleanLogs(path string) (cleaned []string, err error) {
	if err := requireClean(path); err != nil {
		return nil, err
	}
	paths, err := allLogs(path)
	if err != nil {
		return nil, err
	}
	for _, log := range paths {
		was, err := emptyFile(log)
		if err != nil {
			return cleaned, describeInUse(err)
		}
		if was {
			cleaned = append(cleaned, log)
		}
	}
	return cleaned, nil
}

func requireClean(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return describeInUse(err)
	}
	defer file.Close() // only read
	header := make([]byte, regf.BaseBlockSize+regf.BinHeaderSize)
	n, err := io.ReadFull(file, header)
	if n < overwrite.HeaderSize {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := RequireWhole(path, header[:n]); err != nil {
		return err
	}
	state, err := txlog.Examine(header[:n])
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if state.Dirty() {
		return fmt.Errorf("%s: %w: %s", path, hive.ErrDirty, state.Reason)
	}
	return nil
}

// allLogs returns the logs beside the hive, a .LOG beside a .LOG1 included.
func allLogs(path string) (paths []string, err error) {
	folder, base := filepath.Dir(path), filepath.Base(path)
	names, err := logNames(folder, base, openFolder)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name != "" {
			paths = append(paths, filepath.Join(folder, name))
		}
	}
	return paths, nil
}

// emptyFile cuts a file to nothing and reports whether there was anything in it.
func emptyFile(path string) (was bool, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if err := requireRegular(path, info); err != nil || info.Size() == 0 {
		return false, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false, err
	}
	if err = file.Truncate(0); err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return true, err
}

// readLogsBeside reads all logs beside the hive at path.
func readLogsBeside(path string) (logs []txlog.Log, err error) {
	paths, err := allLogs(path)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		source, err := ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("transaction log: %w", err)
		}
		logs = append(logs, txlog.Log{Name: path, Data: source.Data})
	}
	return logs, nil
}
