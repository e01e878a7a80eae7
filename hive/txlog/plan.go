package txlog

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive/internal/regf"
)

// NewPlan works out how to recover a dirty primary from its logs, in whichever
// order they are passed. It follows Windows as the regf specification describes
// it in "Dirty state of a hive" and "Multiple transaction log files", and
// refuses where Windows would lose data: see the errors of this package.
//
// Logs with entries: a log counts when its first number is not before the
// primary's second sequence number. It need not be equal, as Windows may write
// the earlier entries to the primary without noting it there. The next log is
// applied only if it goes on with the next number. When the primary's header is
// bad, only the log with the latest entries is applied and gives the header.
//
// Logs with a bitmap: the log's time stamp must be that of the primary. When
// the primary's header is bad, it must be that of the first bin or the one that
// is left in the damaged header. Failing that, the second log is taken when it
// is newer, as Windows switches to it after an error.
//
// NewPlan returns ErrClean, ErrNoLogs, ErrTorn or ErrNotApplicable, each with
// the log, the offset and the numbers, and what Examine returns for a primary
// that is no hive.
func NewPlan(primary []byte, logs []Log) (*Plan, error) {
	state, err := Examine(primary)
	if err != nil {
		return nil, err
	}
	if !state.Dirty() {
		return nil, ErrClean
	}
	p := planner{primary: primary, state: state, plan: &Plan{}}
	for _, log := range logs {
		read := parse(log)
		p.plan.Logs = append(p.plan.Logs, read.info)
		p.given = append(p.given, read.slot)
		if read.info.Valid() {
			p.valid = append(p.valid, read)
		} else {
			p.invalid = append(p.invalid, read)
		}
	}
	if len(p.valid) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoLogs, describeInvalid(p.plan.Logs))
	}
	p.dropSingle()
	if err := p.choose(); err != nil {
		return nil, err
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return p.plan, nil
}

func describeInvalid(logs []Info) string {
	if len(logs) == 0 {
		return "none was found"
	}
	problems := make([]string, len(logs))
	for i, info := range logs {
		problems[i] = info.Name + ": " + info.Problem
	}
	return strings.Join(problems, "; ")
}

// planner is the state of one NewPlan.
type planner struct {
	primary []byte
	state   State
	given   []slot   // of all logs that were passed
	valid   []parsed // logs with a sound header
	invalid []parsed
	plan    *Plan
	header  regf.BaseBlock // of the log that the plan is built on
}

func (p *planner) skip(log parsed, format string, args ...any) {
	p.plan.Skipped = append(p.plan.Skipped, Skipped{Log: log.info.Name, Reason: fmt.Sprintf(format, args...)})
}

func (p *planner) skippedReasons() string {
	reasons := make([]string, len(p.plan.Skipped))
	for i, skipped := range p.plan.Skipped {
		reasons[i] = skipped.Log + ": " + skipped.Reason
	}
	return strings.Join(reasons, "; ")
}

// dropSingle leaves out the .LOG beside a valid .LOG1 or .LOG2: with two logs
// Windows does not use it, and what lies there is old.
func (p *planner) dropSingle() {
	dual := slices.ContainsFunc(p.valid, func(l parsed) bool { return l.slot == slotFirst || l.slot == slotSecond })
	if !dual {
		return
	}
	isSingle := func(l parsed) bool { return l.slot == slotSingle }
	for _, log := range p.valid {
		if isSingle(log) {
			p.skip(log, "not used beside .LOG1 and .LOG2")
		}
	}
	p.valid = slices.DeleteFunc(p.valid, isSingle)
	p.invalid = slices.DeleteFunc(p.invalid, isSingle)
}

// choose fills in the plan's format and entries. Entries come first: a disk
// that has seen Windows 8.1 may still hold a bitmap from before.
func (p *planner) choose() error {
	var numbered, bitmaps []parsed
	for _, log := range p.valid {
		if log.info.Format == FormatEntries {
			numbered = append(numbered, log)
		} else {
			bitmaps = append(bitmaps, log)
		}
	}
	if usable := p.usable(numbered); len(usable) > 0 {
		for _, log := range bitmaps {
			p.skip(log, "of the older format, beside logs with entries that apply")
		}
		return p.chooseEntries(usable)
	}
	return p.chooseBitmap(bitmaps)
}

// usable returns the logs with entries that are not older than the primary, in
// the order of their numbers; all of them when the primary's header is bad.
func (p *planner) usable(logs []parsed) []parsed {
	var usable []parsed
	for _, log := range logs {
		if !p.state.HeaderBad && Before(log.info.Base, p.state.Sequence2) {
			p.skip(log, "its first entry, %d, is older than the hive, whose second sequence number is %d", log.info.Base, p.state.Sequence2)
			continue
		}
		usable = append(usable, log)
	}
	if len(usable) == 0 {
		return nil
	}
	origin := p.state.Sequence2
	if p.state.HeaderBad {
		origin = usable[0].info.Base
	}
	slices.SortStableFunc(usable, func(a, b parsed) int {
		// Equal numbers mean copies of one log: the longer comes first.
		return cmp.Or(cmp.Compare(int32(a.info.Base-origin), int32(b.info.Base-origin)), cmp.Compare(b.info.Entries, a.info.Entries))
	})
	return usable
}

// chooseEntries takes the entries of logs, which are sorted.
func (p *planner) chooseEntries(logs []parsed) error {
	p.plan.Format = FormatEntries
	if err := p.checkPartner(logs); err != nil {
		return err
	}
	if p.state.HeaderBad {
		logs = p.latest(logs)
	}
	first, next := logs[0].info.Base, logs[0].info.Base
	last := logs[0]
	for _, log := range logs {
		if log.info.Base != next {
			p.skip(log, "its first entry is %d, but the next after those of the other log is %d", log.info.Base, next)
			continue
		}
		p.plan.Entries = append(p.plan.Entries, log.entries...)
		next += uint32(len(log.entries))
		last = log
	}
	stop := last.info.Stop
	switch {
	case stop.Torn:
		return fmt.Errorf("%w: %s at %#x: %s", ErrTorn, last.info.Name, stop.Offset, stop.Reason)
	case len(p.plan.Entries) == 0:
		return fmt.Errorf("%w: %s at %#x: want entry %d: %s", ErrNotApplicable, last.info.Name, stop.Offset, next, stop.Reason)
	}
	if err := p.checkInvalid(first, next); err != nil {
		return err
	}
	p.header = last.header
	final := p.plan.Entries[len(p.plan.Entries)-1]
	p.plan.Sequence = next
	p.plan.BinsSize = final.BinsSize
	p.plan.Flags = p.baseFlags()&^regf.FlagTransactions | final.Flags&regf.FlagTransactions
	return nil
}

// checkPartner refuses when .LOG1 or .LOG2 is to be used and the other of the
// two does not exist.
func (p *planner) checkPartner(logs []parsed) error {
	for _, log := range logs {
		partner, name := slotOther, ""
		switch log.slot {
		case slotFirst:
			partner, name = slotSecond, ".LOG2"
		case slotSecond:
			partner, name = slotFirst, ".LOG1"
		default:
			continue
		}
		if !slices.Contains(p.given, partner) {
			return fmt.Errorf("%w: %s has entries from %d on, but its partner %s, which may hold others, was not found",
				ErrNotApplicable, log.info.Name, log.info.Base, name)
		}
	}
	return nil
}

// checkInvalid refuses when a log whose header is damaged still has entries
// that should be applied and are not among those from first up to next. Windows
// would not see them; but then either the latest changes are lost, or the plan
// begins in the middle.
func (p *planner) checkInvalid(first, next uint32) error {
	for _, log := range p.invalid {
		if log.info.Format == FormatBitmap {
			continue // what looks like entries there is data of the hive
		}
		for off, entry := range soundHeaders(log.log.Data) {
			sequence := entry.sequence()
			switch {
			case !Before(sequence, first) && Before(sequence, next):
			case Before(sequence, first) && (p.state.HeaderBad || Before(sequence, p.state.Sequence2)):
			default:
				return fmt.Errorf("%w: %s: %s; yet it has entry %d at %#x, which belongs to the hive",
					ErrTorn, log.info.Name, log.info.Problem, sequence, off)
			}
		}
	}
	return nil
}

// latest returns only the log with the latest entries, of logs in the order of
// their numbers. A log that breaks off at its very first entry counts: that
// entry was the latest.
func (p *planner) latest(logs []parsed) []parsed {
	next := func(l parsed) uint32 { return l.info.Base + uint32(l.info.Entries) }
	best := 0
	for i, log := range logs {
		holds := log.info.Entries > 0 || log.info.Stop.Torn
		if holds && !Before(next(log), next(logs[best])) {
			best = i
		}
	}
	for i, log := range logs {
		if i != best {
			p.skip(log, "the hive's header is damaged, and only the log with the latest entries is used then: %s", logs[best].info.Name)
		}
	}
	return logs[best : best+1]
}

// baseFlags returns the flags of the header that the recovered hive will have.
func (p *planner) baseFlags() uint32 {
	if p.state.HeaderBad {
		return p.header.Flags()
	}
	return regf.BaseBlock(p.primary).Flags()
}

// finish checks that the plan's end state is complete, and trims what lies
// beyond it.
func (p *planner) finish() error {
	p.trim()
	if gap, end, found := p.gap(); found {
		return fmt.Errorf("%w: the hive bins data would be %#x bytes, but those at %#x to %#x are neither in the file of %d bytes nor in the logs",
			ErrNotApplicable, p.plan.BinsSize, regf.Offset(gap).File(), regf.Offset(end).File(), len(p.primary))
	}
	if p.state.HeaderBad {
		p.plan.Header = newHeader(p.header, p.plan)
	}
	return nil
}

// trim drops what entries hold for beyond the final bins size: the hive may
// have shrunk since.
func (p *planner) trim() {
	size := p.plan.BinsSize
	for i := range p.plan.Entries {
		entry := &p.plan.Entries[i]
		if entry.BinsSize <= size {
			continue
		}
		var pages []Page
		for _, page := range entry.Pages {
			if page.Offset < size {
				keep := min(len(page.Data), int(size-page.Offset))
				pages = append(pages, Page{Offset: page.Offset, Data: page.Data[:keep:keep]})
			}
		}
		entry.Pages = pages
	}
}

// gap returns the first hive bins data that would be neither in the primary nor
// in a page. Windows enlarges the file before it writes the log, and logs new
// bins as a whole, so a log that leaves a gap belongs to another file, or the
// file has been cut off. It also keeps a small log from asking for 2 GiB.
func (p *planner) gap() (start, end uint32, found bool) {
	size := int64(p.plan.BinsSize)
	covered := min(max(0, int64(len(p.primary))-regf.BaseBlockSize), size)
	if covered == size {
		return 0, 0, false
	}
	var beyond []Page
	for offset, data := range p.plan.Pages {
		if int64(offset)+int64(len(data)) > covered {
			beyond = append(beyond, Page{Offset: uint32(offset), Data: data})
		}
	}
	slices.SortFunc(beyond, func(a, b Page) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, page := range beyond {
		if int64(page.Offset) > covered {
			return uint32(covered), page.Offset, true
		}
		covered = max(covered, int64(page.Offset)+int64(len(page.Data)))
	}
	return uint32(covered), uint32(size), covered < size
}

// newHeader turns a log's header into that of the recovered primary.
func newHeader(log regf.BaseBlock, plan *Plan) []byte {
	header := regf.BaseBlock(slices.Clone(log[:headerSize]))
	put := func(off int, v uint32) { binary.LittleEndian.PutUint32(header[off:], v) }
	put(0x04, plan.Sequence)
	put(0x08, plan.Sequence)
	put(0x1C, regf.TypePrimary)
	put(0x28, plan.BinsSize)
	put(0x90, plan.Flags)
	header.FixChecksum()
	return header
}
