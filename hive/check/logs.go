package check

import (
	"fmt"

	"hivepatch/hive/txlog"
)

// LogState is what the rule about logs looks at: a hive as it lies on the disk
// and the logs that were found for it.
type LogState struct {
	Primary     txlog.State
	Logs        []txlog.Info
	Replayed    int   // entries that were applied to the hive that is checked
	Unrecovered error // why none were applied to a dirty hive, nil otherwise
}

// Logs calls emit for what is worth knowing about a hive and its logs: that it
// was recovered from them or could not be, and which logs are damaged, older
// than the hive, or newer than a clean hive, which Windows then ignores. All
// findings are of level [Warning] and, as they compare sequence numbers, at the
// offset of the hive's.
func Logs(state LogState, emit func(Finding)) {
	report := func(format string, args ...any) {
		emit(Finding{Code: codeLogs, Level: rules[codeLogs].Level, Offset: offsetSequence, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case state.Unrecovered != nil:
		report("the hive was not recovered and is checked as it stands: %s", state.Unrecovered)
	case state.Replayed > 0:
		report("the hive was recovered before the check: %s; %d log entries were applied", state.Primary.Reason, state.Replayed)
	}
	for _, log := range state.Logs {
		if remark := state.remark(log); remark != "" {
			report("log %s: %s", log.Name, remark)
		}
	}
}

// offsetSequence is where a hive has its sequence numbers.
const offsetSequence = 4

// remark says what is noteworthy about a log, or "".
func (s LogState) remark(log txlog.Info) string {
	if log.Empty() {
		return "" // the usual state of a log that is not needed
	}
	if !log.Valid() {
		return "not valid: " + log.Problem
	}
	if s.Primary.HeaderBad {
		return "" // there is nothing to compare it with
	}
	first, last, hive := log.Base, log.Base, s.Primary.Sequence2
	if log.Entries > 0 {
		last = log.Last
	}
	numbers := fmt.Sprintf("number %d", first)
	if first != last {
		numbers = fmt.Sprintf("numbers %d to %d", first, last)
	}
	switch {
	case txlog.Before(last, hive):
		return fmt.Sprintf("stale: %s, the hive is at %d", numbers, hive)
	case txlog.Before(hive, last) && !s.Primary.Dirty():
		return fmt.Sprintf("newer than the hive: %s, the hive is at %d; as the hive is clean, they are never applied", numbers, hive)
	}
	return ""
}
