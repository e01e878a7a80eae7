package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
)

const infoDescription = `Tells what a hive is and what it consists of: version, state, names and marks in
its header; the logs beside it and what is in them; bins and cells, what they
hold and how the free space is spread; the numbers of keys, values, class names
and security descriptors; the values with most data and the keys with most
subkeys and values, of which --verbose lists more. Sizes are bytes; those of
cells count their headers.

"Lost" are allocated cells that no key leads to: nothing is wrong with the hive,
but their space is wasted.

` + readingHelp + `

Examples:
   hivepatch info SYSTEM
   hivepatch info --json NTUSER.DAT`

func newInfoCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "info",
		Usage:       "tell what a hive is and what it consists of",
		UsageText:   "hivepatch info TARGET [options]",
		Description: infoDescription,
		Flags:       readingFlags(),
		Action: func(c *cli.Context) error {
			o, _, err := readReading(env, c, 0)
			if err != nil {
				return err
			}
			return runInfo(env, o)
		},
	}
}

// Numbers of the largest keys and values that are listed.
const (
	listedRanks        = 5
	listedRanksVerbose = 25
)

func runInfo(env *environment, o readingOptions) error {
	file, err := o.load(env)
	if err != nil {
		return err
	}
	most := listedRanks
	if o.report.verbose {
		most = listedRanksVerbose
	}
	return o.write(env, file, func(l *listing) error {
		p := startProgress(env, o.report, "reading "+o.target.name()) // nothing of the result is written yet
		defer p.end()
		l.stderr = p.beside(l.stderr)
		info := newInfo(file, file.Hive.Stats(most, l.fail))
		p.end()
		if !o.report.json {
			info.print(l, file)
			return nil
		}
		r := reporter{reportOptions: o.report, result: l.buffer, stderr: env.stderr}
		return r.object(info)
	})
}

// print prints what info tells, for people.
func (i *infoReport) print(l *listing, file *hivefile.File) {
	l.field("hive", "%s, %d bytes, version %s", i.Hive.Path, i.Hive.Size, i.Hive.Version)
	l.field("state", "%s", stateText(file, i.Hive.HiveState))
	l.field("written", "%s", orNone(i.Hive.LastWritten))
	l.field("reorganized", "%s", orNone(i.Hive.LastReorganized))
	l.field("name", "%s", string(i.Hive.Name))
	if len(i.Hive.Marks) > 0 {
		l.field("marks", "%s", strings.Join(i.Hive.Marks, ", "))
	}
	l.field("managers", "%s", i.Hive.managers())
	if len(i.Logs) == 0 {
		l.field("logs", "none")
	}
	for n, log := range i.Logs {
		l.field(first(n == 0, "logs"), "%s", logText(log))
	}
	i.Content.print(l)
	i.Space.print(l)
	i.Largest.print(l)
}

// field prints a line: a heading and what is to be said of it.
func (l *listing) field(heading, format string, args ...any) {
	if heading != "" {
		heading += ":"
	}
	text := printable(fmt.Sprintf(format, args...))
	l.end(fmt.Appendf(l.line[:0], "%-12s %s", heading, text))
}

func orNone(text *string) string {
	if text == nil {
		return "none"
	}
	return *text
}

// managers are the names of what manages transactions of the hive.
func (h infoHive) managers() string {
	var names []string
	for _, manager := range []struct{ what, name string }{{"resource manager", h.RM}, {"log", h.Log}, {"transaction manager", h.TM}} {
		if manager.name != "" {
			names = append(names, manager.what+" "+manager.name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (c infoContent) print(l *listing) {
	l.field("keys", "%d in %s, %d with a class name", c.Keys, plural(c.Depth, "level", "levels"), c.Classes)
	l.field("values", "%d with %d bytes of data, %d of them in segments", c.Values, c.DataBytes, c.BigValues)
	for _, kind := range c.Types {
		l.field("", "  %-26s %8d %12d", kind.Type, kind.Values, kind.Bytes)
	}
	l.field("security", "%s", plural(c.Descriptors, "descriptor", "descriptors"))
}

func (s infoSpace) print(l *listing) {
	l.field("bins", "%d of %d bytes, %d of them free", s.Bins, s.BinBytes, s.FreeBins)
	if s.Trailing > 0 {
		l.field("", "%d bytes follow the last bin", s.Trailing)
	}
	if s.BadBytes > 0 {
		l.field("", "%d bytes are in broken bins or cells", s.BadBytes)
	}
	l.field("cells", "%d of %d bytes in use", s.Allocated.Cells, s.Allocated.Bytes)
	for _, use := range s.Use.list() {
		if use.Cells > 0 {
			l.field("", "  %-26s %8d %12d", use.name, use.Cells, use.Bytes)
		}
	}
	l.field("free", "%d of %d bytes, %s; the largest of %d", s.Free.Cells, s.Free.Bytes, percent(s.Free.Bytes, s.BinBytes), s.LargestFree)
	for _, class := range s.FreeSizes {
		l.field("", "  %-26s %8d %12d", fmt.Sprintf("up to %d", class.UpTo), class.Cells, class.Bytes)
	}
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

func (i infoLargest) print(l *listing) {
	for n, value := range i.Values {
		l.field(first(n == 0, "largest"), "%10d bytes   %s %s", value.Size, printablePath(string(value.Path)), printableValueName(string(value.Name)))
	}
	for n, key := range i.Subkeys {
		l.field(first(n == 0, "most"), "%10d subkeys %s", key.Count, printablePath(string(key.Path)))
	}
	for n, key := range i.ValueCounts {
		l.field(first(n == 0, "most"), "%10d values  %s", key.Count, printablePath(string(key.Path)))
	}
}

// marks are the flags of a hive and other signs in its header, as words.
func marks(header hive.Header) []string {
	marks := []string{}
	for _, mark := range []struct {
		is   bool
		text string
	}{
		{header.Flags&hive.FlagTransactions != 0, "transactions may be pending"},
		{header.Flags&hive.FlagLayered != 0, "differencing hive"},
		{header.OfflineLibrary, "written by the Offline Registry Library"},
		{!header.ChecksumOK, "checksum wrong"},
	} {
		if mark.is {
			marks = append(marks, mark.text)
		}
	}
	return marks
}
