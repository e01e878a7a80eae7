package hivefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindLogs(t *testing.T) {
	tests := []struct {
		name  string
		hive  string
		files []string
		want  []string
	}{
		{name: "none", hive: "SYSTEM", files: []string{"SYSTEM"}},
		{name: "both", hive: "SYSTEM", files: []string{"SYSTEM", "SYSTEM.LOG2", "SYSTEM.LOG1"}, want: []string{"SYSTEM.LOG1", "SYSTEM.LOG2"}},
		{name: "only the second", hive: "SYSTEM", files: []string{"SYSTEM", "SYSTEM.LOG2"}, want: []string{"SYSTEM.LOG2"}},
		{name: "single", hive: "SYSTEM", files: []string{"SYSTEM", "SYSTEM.LOG"}, want: []string{"SYSTEM.LOG"}},
		{name: "single beside the first", hive: "SYSTEM", files: []string{"SYSTEM", "SYSTEM.LOG", "SYSTEM.LOG1"}, want: []string{"SYSTEM.LOG1"}},
		{name: "single beside the second", hive: "SYSTEM", files: []string{"SYSTEM", "SYSTEM.LOG", "SYSTEM.LOG2"}, want: []string{"SYSTEM.LOG2"}},
		{name: "another case", hive: "system", files: []string{"system", "SYSTEM.LOG1", "System.log2"}, want: []string{"SYSTEM.LOG1", "System.log2"}},
		{name: "another case beyond ASCII", hive: "état", files: []string{"état", "ÉTAT.log"}, want: []string{"ÉTAT.log"}},
		{name: "name with an ending", hive: "NTUSER.DAT", files: []string{"NTUSER.DAT", "ntuser.dat.LOG1", "NTUSER.LOG2"}, want: []string{"ntuser.dat.LOG1"}},
		{name: "neighbours", hive: "SYSTEM",
			files: []string{"SYSTEM", "SYSTEM.LOG3", "SYSTEM.LOG11", "SYSTEM.LOG1.bak", "xSYSTEM.LOG1", "SYSTEM2.LOG1", "SYSTEMxLOG1", "SYSTEM.sav"}},
		{name: "the hive itself is missing", hive: "SYSTEM", files: []string{"SYSTEM.LOG1"}, want: []string{"SYSTEM.LOG1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range test.files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
			}
			var want []LogFile
			for _, name := range test.want {
				want = append(want, LogFile{Name: name, Path: filepath.Join(dir, name)})
			}
			logs, err := FindLogs(filepath.Join(dir, test.hive))
			require.NoError(t, err)
			require.Equal(t, want, logs)
			for _, log := range logs {
				require.Empty(t, read(t, log.Path).Data)
			}
		})
	}
}

func TestFindLogsRelative(t *testing.T) {
	t.Chdir(folderOf(t, map[string][]byte{"SYSTEM": nil, "SYSTEM.LOG1": nil}))
	logs, err := FindLogs("SYSTEM")
	require.NoError(t, err)
	require.Equal(t, []LogFile{{Name: "SYSTEM.LOG1", Path: "SYSTEM.LOG1"}}, logs)
}

func TestFindLogsAmbiguous(t *testing.T) {
	dir := folderOf(t, map[string][]byte{"SYSTEM": nil, "SYSTEM.LOG1": nil, "system.log1": nil})
	if entries, err := os.ReadDir(dir); err != nil || len(entries) < 3 {
		t.Skip("the file system does not tell names apart by case")
	}
	_, err := FindLogs(filepath.Join(dir, "SYSTEM"))
	require.ErrorIs(t, err, ErrAmbiguousLog)
	require.ErrorContains(t, err, "SYSTEM.LOG1")
	require.ErrorContains(t, err, "system.log1")
}

func TestFindLogsLink(t *testing.T) {
	far := folderOf(t, map[string][]byte{"SYSTEM": nil, "SYSTEM.LOG1": nil})
	near := t.TempDir()
	link := filepath.Join(near, "hive")
	symlink(t, filepath.Join(far, "SYSTEM"), link)
	far, err := filepath.EvalSymlinks(far)
	require.NoError(t, err)
	logs, err := FindLogs(link)
	require.NoError(t, err)
	require.Equal(t, []LogFile{{Name: "SYSTEM.LOG1", Path: filepath.Join(far, "SYSTEM.LOG1")}}, logs)

	require.NoError(t, os.WriteFile(filepath.Join(near, "hive.log"), nil, 0o644))
	logs, err = FindLogs(link)
	require.NoError(t, err)
	require.Equal(t, []LogFile{{Name: "hive.log", Path: filepath.Join(near, "hive.log")}}, logs)
}

func TestFindLogsFolderMissing(t *testing.T) {
	_, err := FindLogs(filepath.Join(t.TempDir(), "missing", "SYSTEM"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "cannot look for logs")
	require.False(t, errors.Is(err, ErrAmbiguousLog))
}

func TestSameName(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"SYSTEM", "system", true},
		{"SYSTEM", "SYSTEN", false},
		{"état", "ÉTAT", true},
		{"A\xff", "a\xff", true},
		{"A\xff", "a\xfe", false},
		{"A\xff", "a\uFFFD", false},
		{"\xc9\xffA", "\xe9\xffa", false},
	}
	for _, test := range tests {
		require.Equal(t, test.want, sameName(test.a, test.b), "%q %q", test.a, test.b)
	}
}

// A name that is empty, as only a prepared image has one, is no log's.
func TestEndsAsLog(t *testing.T) {
	require.False(t, endsAsLog(""))
	require.False(t, endsAsLog("SYSTEM"))
	require.True(t, endsAsLog("system.Log"))
	require.True(t, endsAsLog("SYSTEM.log1"))
}
