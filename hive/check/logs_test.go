package check

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/txlog"
)

func TestLogs(t *testing.T) {
	clean := txlog.State{Sequence1: 100, Sequence2: 100}
	dirty := txlog.State{Sequence1: 101, Sequence2: 100, Reason: "the sequence numbers differ: 101 and 100"}
	entries := func(first, last uint32) txlog.Info {
		return txlog.Info{Name: "SYSTEM.LOG1", Size: 4096, Format: txlog.FormatEntries, Base: first, First: first, Last: last, Entries: int(last-first) + 1}
	}
	for _, c := range []struct {
		name  string
		state LogState
		want  []string
	}{
		{name: "no logs", state: LogState{Primary: clean}},
		{name: "empty log", state: LogState{Primary: clean, Logs: []txlog.Info{{Name: "SYSTEM.LOG1", Problem: "empty"}}}},
		{
			name:  "invalid log",
			state: LogState{Primary: clean, Logs: []txlog.Info{{Name: "SYSTEM.LOG2", Size: 300, Problem: "no header"}}},
			want:  []string{"log SYSTEM.LOG2: not valid: no header"},
		},
		{
			name:  "last entry is one before the hive",
			state: LogState{Primary: clean, Logs: []txlog.Info{entries(97, 99)}},
			want:  []string{"log SYSTEM.LOG1: stale: numbers 97 to 99, the hive is at 100"},
		},
		{name: "last entry is that of the hive", state: LogState{Primary: clean, Logs: []txlog.Info{entries(97, 100)}}},
		{
			name:  "last entry is one after the hive",
			state: LogState{Primary: clean, Logs: []txlog.Info{entries(101, 101)}},
			want:  []string{"log SYSTEM.LOG1: newer than the hive: number 101, the hive is at 100; as the hive is clean, they are never applied"},
		},
		{
			name:  "log without entries",
			state: LogState{Primary: clean, Logs: []txlog.Info{{Name: "SYSTEM.LOG1", Size: 512, Format: txlog.FormatBitmap, Base: 99}}},
			want:  []string{"log SYSTEM.LOG1: stale: number 99, the hive is at 100"},
		},
		{
			name: "numbers wrap around",
			state: LogState{
				Primary: txlog.State{Sequence1: 1, Sequence2: 1},
				Logs:    []txlog.Info{entries(0xFFFFFFFE, 0xFFFFFFFF)},
			},
			want: []string{"log SYSTEM.LOG1: stale: numbers 4294967294 to 4294967295, the hive is at 1"},
		},
		{
			name:  "recovered",
			state: LogState{Primary: dirty, Logs: []txlog.Info{entries(100, 103)}, Replayed: 4},
			want:  []string{"the hive was recovered before the check: the sequence numbers differ: 101 and 100; 4 log entries were applied"},
		},
		{
			name:  "not recovered",
			state: LogState{Primary: dirty, Logs: []txlog.Info{entries(90, 91)}, Unrecovered: errors.New("no good")},
			want: []string{
				"the hive was not recovered and is checked as it stands: no good",
				"log SYSTEM.LOG1: stale: numbers 90 to 91, the hive is at 100",
			},
		},
		{
			name:  "bad header",
			state: LogState{Primary: txlog.State{HeaderBad: true, Reason: "bad"}, Logs: []txlog.Info{entries(90, 91)}, Replayed: 2},
			want:  []string{"the hive was recovered before the check: bad; 2 log entries were applied"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			Logs(c.state, func(f Finding) {
				require.Equal(t, "logs", f.Code)
				require.Equal(t, Warning, f.Level)
				require.EqualValues(t, 4, f.Offset)
				got = append(got, f.Message)
			})
			require.Equal(t, c.want, got)
		})
	}
}
