package hivetest

import (
	"encoding/binary"
	"slices"
)

// LogCase is a primary with its logs, sound or with one fault in them.
type LogCase struct {
	Name string

	Primary    []byte
	Log1, Log2 []byte // nil where there is no such file

	// Outcome is what a careful program does: it refuses with NoLogs, Torn and
	// NotApplicable, which differ in what it says. With Recovers, Applied has the
	// numbers of the entries (none for an old log) and Result the hive: its
	// bins and their length, and for a new log its sequence numbers too.
	Outcome Outcome
	Applied []uint32
	Result  []byte
}

// Outcome is what becomes of a hive with its logs.
type Outcome string

// Outcomes.
const (
	Clean         Outcome = "clean"          // the logs are ignored
	Recovers      Outcome = "recovers"       // the logs make the hive clean
	NoLogs        Outcome = "no-logs"        // no log is there, or none has content
	Torn          Outcome = "torn"           // something that should be there cannot be read
	NotApplicable Outcome = "not-applicable" // the logs are those of another time
)

// LogCases returns cases of both formats. Their names differ.
func LogCases() []LogCase {
	return slices.Concat(soundLogCases(), refusedLogCases(), entryCases(), oldLogCases())
}

// recovers returns the case of a session that replay makes good.
func recovers(name string, dirty DirtyHive) LogCase {
	logCase := LogCase{Name: name, Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2, Outcome: Recovers, Result: dirty.Recovered}
	for _, entry := range dirty.Entries {
		logCase.Applied = append(logCase.Applied, entry.Sequence)
	}
	return logCase
}

// swapped gives the files of a session to the other log each.
func swapped(session Session) Session {
	session.Flushes = slices.Clone(session.Flushes)
	for i := range session.Flushes {
		session.Flushes[i].Log = 3 - session.Flushes[i].Log
	}
	session.Stale1, session.Stale2 = session.Stale2, session.Stale1
	return session
}

// inOne gives all entries of a session to one log.
func inOne(session Session, log int) Session {
	session.Flushes = slices.Clone(session.Flushes)
	for i := range session.Flushes {
		session.Flushes[i].Log = log
	}
	return session
}

// numbered gives the session other sequence numbers.
func numbered(session Session, first uint32) Session {
	session.Before = slices.Clone(session.Before)
	setNumbers(session.Before, first, first)
	return session
}

func soundLogCases() []LogCase {
	session := windows10Session()
	stale := session
	stale.Flushes = slices.Clone(session.Flushes)
	stale.Flushes[0].Log, stale.Flushes[1].Log = 2, 2
	staleDirty := stale.Dirty()
	old := Diff(session.Before, session.Flushes[2].Hive, 1500)
	staleDirty.Log1 = NewLog{Header: session.Before, Entries: []Entry{old}}.Bytes()

	reconciled := session
	reconciled.Reconciled = 2

	clean := session.Dirty()
	clean.Primary = clean.Recovered

	header := inOne(session, 1).Dirty()
	header.Primary = slices.Clone(header.Primary)
	clear(header.Primary[:BaseBlockSize])
	header.Recovered = slices.Clone(header.Recovered)
	clear(header.Recovered[LogHeaderSize:BaseBlockSize])

	checksum := inOne(session, 2).Dirty()
	checksum.Primary = slices.Clone(checksum.Primary)
	checksum.Primary[AtChecksum] ^= 0xFF

	cases := []LogCase{
		recovers("both-logs", session.Dirty()),
		recovers("both-logs-swapped", swapped(session).Dirty()),
		recovers("all-in-log1", inOne(session, 1).Dirty()),
		recovers("all-in-log2", inOne(session, 2).Dirty()),
		recovers("numbers-wrap", numbered(session, 0xFFFFFFFE).Dirty()),
		recovers("numbers-wrap-between-logs", numbered(session, 0xFFFFFFFD).Dirty()),
		recovers("stale-log1", staleDirty),
		recovers("partly-reconciled", reconciled.Dirty()),
		recovers("base-block-destroyed", header),
		recovers("checksum-wrong", checksum),
		{Name: "clean-with-its-old-logs", Primary: clean.Recovered, Log1: clean.Log1, Log2: clean.Log2, Outcome: Clean, Result: clean.Recovered},
		{Name: "clean-with-newer-logs", Primary: session.Before, Log1: clean.Log1, Log2: clean.Log2, Outcome: Clean, Result: session.Before},
	}
	return cases
}

func refusedLogCases() []LogCase {
	dirty := DirtyWindows10()
	refused := func(name string, outcome Outcome, change func(*LogCase)) LogCase {
		logCase := LogCase{
			Name: name, Outcome: outcome,
			Primary: slices.Clone(dirty.Primary), Log1: slices.Clone(dirty.Log1), Log2: slices.Clone(dirty.Log2),
		}
		change(&logCase)
		return logCase
	}
	header := func(log *[]byte, at int, n uint32) {
		binary.LittleEndian.PutUint32((*log)[at:], n)
		FixChecksum(*log)
	}
	return []LogCase{
		refused("no-logs", NoLogs, func(c *LogCase) { c.Log1, c.Log2 = nil, nil }),
		refused("empty-logs", NoLogs, func(c *LogCase) { c.Log1, c.Log2 = []byte{}, []byte{} }),
		refused("no-logs-and-no-checksum", NoLogs, func(c *LogCase) {
			c.Log1, c.Log2 = nil, nil
			setNumbers(c.Primary, 1622, 1622)
			c.Primary[AtChecksum] ^= 0xFF
		}),
		refused("log1-missing", Torn, func(c *LogCase) { c.Log1 = nil }),
		refused("log2-missing", Torn, func(c *LogCase) { c.Log2 = nil }),
		refused("logs-of-an-older-time", NotApplicable, func(c *LogCase) { setNumbers(c.Primary, 1701, 1700) }),
		refused("log-is-a-hive", NotApplicable, func(c *LogCase) { c.Log1, c.Log2 = slices.Clone(c.Primary), []byte{} }),
		refused("log-is-text", NotApplicable, func(c *LogCase) { c.Log1, c.Log2 = []byte("this is no log\n"), []byte{} }),
		refused("both-log-headers-destroyed", NotApplicable, func(c *LogCase) {
			clear(c.Log1[:LogHeaderSize])
			clear(c.Log2[:LogHeaderSize])
		}),
		refused("log1-header-checksum-wrong", Torn, func(c *LogCase) { c.Log1[AtChecksum] ^= 0xFF }),
		refused("log2-header-checksum-wrong", Torn, func(c *LogCase) { c.Log2[AtChecksum] ^= 0xFF }),
		refused("log1-type-wrong", Torn, func(c *LogCase) { header(&c.Log1, AtType, 5) }),
		refused("log1-numbers-differ", Torn, func(c *LogCase) { header(&c.Log1, AtSequence1, 1622) }),
		refused("log1-major-version-wrong", Torn, func(c *LogCase) { header(&c.Log1, AtMajor, 2) }),
		refused("log1-cut-in-its-header", Torn, func(c *LogCase) { c.Log1 = c.Log1[:300] }),
		refused("log1-without-entries", Torn, func(c *LogCase) { c.Log1 = c.Log1[:LogHeaderSize] }),
		refused("log2-does-not-follow-log1", Torn, func(c *LogCase) {
			entries := slices.Clone(dirty.Entries[3:])
			c.Log2 = NewLog{Header: dirty.Primary, Entries: entries}.Bytes()
		}),
	}
}

// entryCases damage the second of the entries in LOG2, 1624, so that entries
// before and after it are sound. The hashes are right unless the case is about
// them.
func entryCases() []LogCase {
	dirty := DirtyWindows10()
	at := EntryOffsets(dirty.Log2)[1]
	damaged := func(name string, outcome Outcome, change func(log, entry []byte) []byte) LogCase {
		log := slices.Clone(dirty.Log2)
		return LogCase{Name: name, Outcome: outcome, Primary: dirty.Primary, Log1: dirty.Log1, Log2: change(log, log[at:])}
	}
	field := func(name string, offset int, n uint32) LogCase {
		return damaged(name, Torn, func(log, entry []byte) []byte {
			binary.LittleEndian.PutUint32(entry[offset:], n)
			FixEntryHashes(entry)
			return log
		})
	}
	size := binary.LittleEndian.Uint32(dirty.Log2[at+EntrySize:])
	cases := []LogCase{
		damaged("entry-hash1-wrong", Torn, func(log, entry []byte) []byte { entry[EntryHash1] ^= 1; fixHash2(entry); return log }),
		damaged("entry-hash2-wrong", Torn, func(log, entry []byte) []byte { entry[EntryHash2] ^= 1; return log }),
		damaged("entry-page-byte-flipped", Torn, func(log, entry []byte) []byte { entry[size/2] ^= 1; return log }),
		damaged("entry-half-written", Torn, func(log, entry []byte) []byte { clear(entry[size/2 : size]); return log }),
		damaged("log-cut-in-an-entry", Torn, func(log, _ []byte) []byte { return log[:at+int(size)/2] }),
		damaged("log-cut-in-an-entry-header", Torn, func(log, _ []byte) []byte { return log[:at+20] }),
		field("entry-size-0", EntrySize, 0),
		field("entry-size-40", EntrySize, 40),
		field("entry-size-not-in-sectors", EntrySize, size-4),
		field("entry-size-beyond-file", EntrySize, 0x00100000),
		field("entry-size-absurd", EntrySize, 0xFFFFFE00),
		field("entry-count-0", EntryCount, 0),
		field("entry-count-too-high", EntryCount, 40),
		field("entry-count-absurd", EntryCount, 0xFFFFFFFF),
		field("entry-count-overflows", EntryCount, 0x20000001),
		field("entry-bins-size-0", EntryBinsSize, 0),
		field("entry-bins-size-not-in-pages", EntryBinsSize, 0x25200),
		field("entry-bins-size-too-small", EntryBinsSize, 0x1000),
		field("entry-bins-size-absurd", EntryBinsSize, 0xFFFFF000),
		field("entry-number-skipped", EntrySequence, 1625),
		field("page-offset-beyond-bins", EntryPages, 0x7FFFF000),
		field("page-offset-overflows", EntryPages, 0xFFFFF000),
		field("page-size-absurd", EntryPages+4, 0xFFFFFFF0),
	}
	// What stands behind the last entry may be anything: the log just ends there.
	short := LogCase{
		Name: "last-entry-is-of-an-older-time", Primary: dirty.Primary, Log1: dirty.Log1, Outcome: Recovers,
		Log2: NewLog{Header: dirty.Primary, Entries: dirty.Entries[2:4], Stale: []Entry{Diff(dirty.Primary, dirty.Primary, 1599)}}.Bytes(),
	}
	end := LogCase{
		Name: "noise-behind-the-last-entry", Primary: dirty.Primary, Log1: dirty.Log1, Outcome: Recovers,
		Log2: append(NewLog{Header: dirty.Primary, Entries: dirty.Entries[2:4]}.Bytes(), Noise(3000, 9)...),
	}
	result := dirty.Primary
	for _, entry := range dirty.Entries[:4] {
		result = replay(result, entry)
		short.Applied = append(short.Applied, entry.Sequence)
	}
	setNumbers(result, 1625, 1625)
	end.Applied, end.Result, short.Result = short.Applied, result, result
	return append(cases, short, end)
}

func fixHash2(entry []byte) {
	binary.LittleEndian.PutUint64(entry[EntryHash2:], Marvin32(entry[:EntryHash2]))
}

// oldLogCases are about logs of the old format.
func oldLogCases() []LogCase {
	session := oldSession()
	dirty := session.Dirty()
	sound := func(name string, change func(*LogCase)) LogCase {
		logCase := LogCase{
			Name: name, Outcome: Recovers, Result: dirty.Recovered,
			Primary: slices.Clone(dirty.Primary), Log1: slices.Clone(dirty.Log1), Log2: []byte{},
		}
		change(&logCase)
		return logCase
	}
	refused := func(name string, outcome Outcome, change func(*LogCase)) LogCase {
		logCase := sound(name, change)
		logCase.Outcome, logCase.Result = outcome, nil
		return logCase
	}
	ntLog := session
	ntLog.Type = TypeNTLog
	unwritten := session
	unwritten.Written = 0
	return []LogCase{
		sound("old-log", func(*LogCase) {}),
		sound("old-log-in-log2", func(c *LogCase) { c.Log1, c.Log2 = c.Log2, c.Log1 }),
		sound("old-log-of-type-2", func(c *LogCase) { c.Log1 = ntLog.Dirty().Log1 }),
		sound("old-log-nothing-written", func(c *LogCase) { c.Primary = unwritten.Dirty().Primary }),
		sound("old-log-base-block-destroyed", func(c *LogCase) {
			clear(c.Primary[:BaseBlockSize])
			c.Result = slices.Clone(c.Result)
			clear(c.Result[LogHeaderSize:BaseBlockSize])
		}),
		refused("old-log-missing", NoLogs, func(c *LogCase) { c.Log1 = []byte{} }),
		refused("old-log-of-another-time", NotApplicable, func(c *LogCase) {
			binary.LittleEndian.PutUint64(c.Log1[AtTimestamp:], LastWritten-second)
			FixChecksum(c.Log1)
		}),
		refused("old-log-checksum-wrong", NotApplicable, func(c *LogCase) { c.Log1[AtChecksum] ^= 0xFF }),
		refused("old-log-numbers-differ", NotApplicable, func(c *LogCase) {
			binary.LittleEndian.PutUint32(c.Log1[AtSequence1:], 6)
			FixChecksum(c.Log1)
		}),
		refused("old-log-signature-wrong", NotApplicable, func(c *LogCase) { copy(c.Log1[LogHeaderSize:], "INVL") }),
		refused("old-log-cut-in-its-pages", Torn, func(c *LogCase) { c.Log1 = c.Log1[:len(c.Log1)-PageSize] }),
		refused("old-log-cut-in-its-bitmap", Torn, func(c *LogCase) { c.Log1 = c.Log1[:LogHeaderSize+5] }),
		refused("old-log-bins-size-absurd", Torn, func(c *LogCase) {
			binary.LittleEndian.PutUint32(c.Log1[AtBinsSize:], 0x7FFFF000)
			FixChecksum(c.Log1)
		}),
	}
}
