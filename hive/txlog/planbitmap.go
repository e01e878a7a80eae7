package txlog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// chooseBitmap takes the pages of one of logs.
func (p *planner) chooseBitmap(logs []parsed) error {
	p.plan.Format = FormatBitmap
	log, ok := p.matchingBitmap(logs)
	if !ok {
		return fmt.Errorf("%w: %s", ErrNotApplicable, p.skippedReasons())
	}
	stop := log.info.Stop
	switch {
	case stop.Torn:
		return fmt.Errorf("%w: %s at %#x: %s", ErrTorn, log.info.Name, stop.Offset, stop.Reason)
	case len(log.entries) == 0:
		return fmt.Errorf("%w: %s at %#x: %s", ErrNotApplicable, log.info.Name, stop.Offset, stop.Reason)
	}
	p.header = log.header
	p.plan.Entries = log.entries
	p.plan.BinsSize = log.info.BinsSize
	p.plan.Flags = p.baseFlags()
	latest := log.info.Base
	if !p.state.HeaderBad {
		latest = Later(Later(p.state.Sequence1, p.state.Sequence2), latest)
	}
	p.plan.Sequence = latest + 1
	return nil
}

// matchingBitmap returns the log that was written for the write in which the
// primary was left: the one with the primary's time stamp, or else a newer
// second log.
func (p *planner) matchingBitmap(logs []parsed) (parsed, bool) {
	stamps := p.state.timestamps(p.primary)
	match, newer := -1, -1
	reasons := make([]string, len(logs))
	for i, log := range logs {
		switch {
		case !p.state.HeaderBad && Before(log.info.Base, p.state.Sequence2):
			// From Windows 8.1 on the time stamp stands still, and would not
			// tell a log from before.
			reasons[i] = fmt.Sprintf("its sequence number, %d, is older than the hive, whose second sequence number is %d", log.info.Base, p.state.Sequence2)
		case slices.Contains(stamps, log.info.Timestamp):
			if match < 0 || Before(logs[match].info.Base, log.info.Base) {
				match = i
			}
		case log.slot == slotSecond && len(stamps) > 0 && log.info.Timestamp > slices.Max(stamps):
			newer = i
		default:
			reasons[i] = fmt.Sprintf("its time stamp at 0xc is %#x, want %s", log.info.Timestamp, describeStamps(stamps))
		}
	}
	chosen := match
	if chosen < 0 {
		chosen = newer
	}
	for i, log := range logs {
		if i != chosen {
			p.skip(log, "%s", cmp.Or(reasons[i], "another log is the one to apply"))
		}
	}
	if chosen < 0 {
		return parsed{}, false
	}
	return logs[chosen], true
}

func describeStamps(stamps []uint64) string {
	if len(stamps) == 0 {
		return "that of the hive, which is destroyed"
	}
	texts := make([]string, len(stamps))
	for i, stamp := range stamps {
		texts[i] = fmt.Sprintf("%#x", stamp)
	}
	return strings.Join(texts, " or ")
}
