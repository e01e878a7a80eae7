package hivefile

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseBackupName(t *testing.T) {
	for number, want := range map[int]string{1: "SYSTEM.20260131T120000Z.bak", 2: "SYSTEM.20260131T120000Z-2.bak", 10: "SYSTEM.20260131T120000Z-10.bak"} {
		name := backupName("SYSTEM", placeTime.In(time.FixedZone("", 3600)), number)
		require.Equal(t, want, name)
		hive, backup, ok := ParseBackupName(name)
		require.True(t, ok)
		require.Equal(t, "SYSTEM", hive)
		require.Equal(t, Backup{Time: placeTime.Truncate(time.Second), Number: number}, backup)
	}
	for _, name := range []string{
		"", ".bak", "SYSTEM", "SYSTEM.bak", "SYSTEM.20260131T120000Z", ".20260131T120000Z.bak", "SYSTEM.20260131T120000.bak", "SYSTEM.20261331T120000Z.bak",
		"SYSTEM.20260131T120000Z-1.bak", "SYSTEM.20260131T120000Z-02.bak", "SYSTEM.20260131T120000Z-.bak", "SYSTEM.20260131T120000Z-x.bak", "SYSTEM.20260131T120000Z.bak.LOG1",
	} {
		_, _, ok := ParseBackupName(name)
		require.False(t, ok, name)
	}
}

func TestFindBackups(t *testing.T) {
	dir := folderOf(t, map[string][]byte{
		"SYSTEM.20260131T120000Z.bak": nil, "system.20260131T120000z-2.BAK": nil, "SYSTEM.20260131T120000Z-10.bak": nil, "SYSTEM.20250131T120000Z.bak": nil,
		"SYSTEM.20260131T120000Z.bak.LOG1": nil, "SOFTWARE.20270131T120000Z.bak": nil, "SYSTEM": nil,
	})
	for _, path := range []string{filepath.Join(dir, "SYSTEM"), filepath.Join(dir, "System")} {
		found, err := FindBackups(path)
		require.NoError(t, err)
		var names []string
		for _, backup := range found {
			names = append(names, filepath.Base(backup.Path))
		}
		require.Equal(t, []string{"SYSTEM.20260131T120000Z-10.bak", "system.20260131T120000z-2.BAK", "SYSTEM.20260131T120000Z.bak", "SYSTEM.20250131T120000Z.bak"}, names)
	}
	_, err := FindBackups(filepath.Join(dir, "missing", "SYSTEM"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestLogSlots(t *testing.T) {
	for _, test := range []struct{ paths, want []string }{
		{[]string{"a/SYSTEM.LOG1", "a/SYSTEM.LOG2"}, []string{".LOG1", ".LOG2"}},
		{[]string{"a/SYSTEM.log2", "a/SYSTEM.Log1"}, []string{".LOG2", ".LOG1"}},
		{[]string{"a/SYSTEM.LOG"}, []string{".LOG"}},
		{[]string{"a/log"}, []string{".LOG"}},
		{[]string{"first", "second"}, []string{".LOG1", ".LOG2"}},
		{[]string{"first", "SYSTEM.LOG1"}, []string{".LOG2", ".LOG1"}},
		{[]string{"a.LOG1", "b.LOG1"}, []string{".LOG1", ".LOG2"}},
		{[]string{"a.LOG1", "b.LOG1", "c", "d"}, []string{".LOG1", ".LOG2", ".LOG", ""}},
	} {
		var logs []*Source
		for _, path := range test.paths {
			logs = append(logs, &Source{Path: path})
		}
		require.Equal(t, test.want, logSlots(logs), "%s", test.paths)
	}
}
