package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/hivefile"
	"hivepatch/hive/regfile"
	"hivepatch/hive/salvage"
)

const undeleteDescription = `Lists the keys and values that were deleted from a hive and still stand in its
free cells. Nothing is put back: --reg writes them as a .reg file, from which
you can choose.

The place of a key is told by the records of its parents, as far as they can be
read; where they do not lead to the root, the path begins with ... . A record
whose cell was used again since may lead astray. Data is listed while all of its
cells are still free, and said to be lost otherwise; what looks whole may be of
an older state than the last.

In a .reg file comments mark each key as deleted. What has no known place is put
below the key ` + deletedContainer + `.

With --json the result is {"deleted": [ENTRY, ...]}, where an ENTRY is a key or
value: kind, path, rooted (whether path begins below the root), offset of the
record in the file, last_write, class, missed (values that are gone), and
values, a list of {"offset": OFFSET, "value": VALUE}: the offset of the record
of the value, and the value as in ls --json.

Examples:
   hivepatch undelete SYSTEM
   hivepatch undelete NTUSER.DAT --reg -o deleted.reg`

// deletedContainer is the key in a .reg file for what has no known place.
const deletedContainer = "hivepatch-deleted"

// undeleteOptions are the options of the command undelete.
type undeleteOptions struct {
	readingOptions
	reg    bool
	prefix string // "" for the place of the hive's kind
}

func newUndeleteCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "undelete",
		Usage:       "list deleted keys and values that are still there",
		UsageText:   "hivepatch undelete TARGET [options]",
		Description: undeleteDescription,
		Flags: readingFlags(
			boolFlag("", "reg", "write a .reg file"),
			stringFlag("", "prefix", "have the root of the hive at the key `PATH` in the .reg file"),
		),
		Action: func(c *cli.Context) error {
			o, err := readUndeleteOptions(env, c)
			if err != nil {
				return err
			}
			return runUndelete(env, o)
		},
	}
}

func readUndeleteOptions(env *environment, c *cli.Context) (o undeleteOptions, err error) {
	if o.readingOptions, _, err = readReading(env, c, 0); err != nil {
		return o, err
	}
	o.reg = c.Bool("reg")
	switch {
	case o.reg && o.report.json:
		return o, usagef("--reg and --json exclude each other")
	case c.IsSet("prefix") && !o.reg:
		return o, usagef("--prefix goes with --reg only")
	}
	o.prefix, err = readPrefix(c)
	return o, err
}

func runUndelete(env *environment, o undeleteOptions) error {
	file, err := o.load(env)
	if err != nil {
		return err
	}
	p := o.startProgress(env, "searching "+o.target.name())
	defer p.end()
	return o.deliver(env, file, func(out io.Writer) error {
		if o.report.quiet && !o.toFile() {
			out = io.Discard
		}
		buffer := bufio.NewWriter(out)
		var printer undeletePrinter
		switch {
		case o.reg:
			printer = newUndeleteReg(buffer, file, o.prefix)
		case o.report.json:
			printer = &undeleteJSON{out: buffer}
		default:
			printer = &undeleteText{out: buffer}
		}
		for remnant, err := range salvage.Deleted(file.Hive.Bytes()) {
			if err != nil {
				return o.target.wrap(err)
			}
			if err := printer.print(remnant); err != nil {
				return err
			}
		}
		if err := printer.end(); err != nil {
			return err
		}
		if err := buffer.Flush(); err != nil {
			return fmt.Errorf("the result could not be written: %w", err)
		}
		return nil
	})
}

// undeletePrinter prints what was deleted, as it is found.
type undeletePrinter interface {
	print(r salvage.Remnant) error
	end() error
}

// undeleteText prints for people.
type undeleteText struct {
	out          *bufio.Writer
	keys, values int
}

func (t *undeleteText) print(r salvage.Remnant) error {
	if r.IsValue {
		t.values++
		fmt.Fprintf(t.out, "deleted value of %s, record at %#x\n", remnantPath(r), r.Offset)
	} else {
		t.keys++
		fmt.Fprintf(t.out, "deleted key %s, record at %#x, last written %s\n", remnantPath(r), r.Offset, r.LastWrite.Format(time.RFC3339))
		if r.Class != "" {
			fmt.Fprintf(t.out, "    class %s\n", printable(r.Class))
		}
	}
	for _, v := range r.Values {
		data := "(lost: " + fmt.Sprint(v.Err) + ")"
		if v.Err == nil {
			data = dataText(v.Type, v.Data)
		}
		if data != "" {
			data = "  " + data
		}
		fmt.Fprintf(t.out, "    %s  %s%s\n", printableValueName(v.Name), typeName(v.Type), data)
	}
	if r.Missed > 0 {
		fmt.Fprintf(t.out, "    %s more, not to be found\n", plural(r.Missed, "value", "values"))
	}
	return nil
}

func (t *undeleteText) end() error {
	_, err := fmt.Fprintf(t.out, "%s, %s\n", plural(t.keys, "deleted key", "deleted keys"), plural(t.values, "more value", "more values"))
	return err
}

// remnantPath is where something was, as far as that is known.
func remnantPath(r salvage.Remnant) string {
	switch {
	case r.Path == "" && r.Rooted:
		return "the root"
	case r.Path == "":
		return "an unknown key"
	case r.Rooted:
		return printablePath(r.Path)
	}
	return `...\` + printablePath(r.Path)
}

// undeleteJSON prints for scripts.
type undeleteJSON struct {
	out   *bufio.Writer
	begun bool
}

// deletedJSON is a deleted key or value in JSON, a contract with scripts.
type deletedJSON struct {
	Kind      string             `json:"kind"` // "key" or "value"
	Path      wtfString          `json:"path"`
	Rooted    bool               `json:"rooted"`     // path begins below the root
	Offset    int64              `json:"offset"`     // of the record in the file
	LastWrite json.RawMessage    `json:"last_write"` // as of a key in ls --json; null for a value
	Class     wtfString          `json:"class"`
	Missed    int                `json:"missed"` // values that the key had besides
	Values    []deletedValueJSON `json:"values"`
}

type deletedValueJSON struct {
	Offset int64     `json:"offset"`
	Value  valueJSON `json:"value"`
}

func (j *undeleteJSON) print(r salvage.Remnant) error {
	entry := deletedJSON{Kind: "key", Path: wtfString(r.Path), Rooted: r.Rooted, Offset: r.Offset, LastWrite: json.RawMessage(`"` + string(appendTime(nil, r.LastWrite)) + `"`), Class: wtfString(r.Class), Missed: r.Missed, Values: []deletedValueJSON{}}
	if r.IsValue {
		entry.Kind, entry.LastWrite = "value", json.RawMessage("null")
	}
	for _, v := range r.Values {
		entry.Values = append(entry.Values, deletedValueJSON{v.Offset, valueJSON{Name: v.Name, Type: v.Type, Data: v.Data, Err: v.Err}})
	}
	_, err := fmt.Fprintf(j.out, "%s%s", j.separator(), mustJSON(entry))
	return err
}

func (j *undeleteJSON) separator() string {
	if j.begun {
		return ",\n    "
	}
	j.begun = true
	return "{\n  \"deleted\": [\n    "
}

func (j *undeleteJSON) end() error {
	closing := "\n  ]\n}\n"
	if !j.begun {
		closing = "{\n  \"deleted\": []\n}\n"
	}
	_, err := io.WriteString(j.out, closing)
	return err
}

// undeleteReg writes a .reg file.
type undeleteReg struct {
	writer *regfile.Writer
	prefix string
}

func newUndeleteReg(out io.Writer, file *hivefile.File, prefix string) *undeleteReg {
	if prefix == "" {
		if found, ok := regRoot(file.Hive); ok {
			prefix = found
		} else {
			prefix = unknownRoot
		}
	}
	w := regfile.NewWriter(out, regfile.UTF16LE)
	w.Comment("What was deleted from " + file.Name() + " and still stands in its free cells. Choose before you import.")
	return &undeleteReg{w, prefix}
}

func (u *undeleteReg) print(r salvage.Remnant) error {
	if r.IsValue {
		u.writer.Comment(fmt.Sprintf("deleted value, record at %#x", r.Offset))
	} else {
		u.writer.Comment(fmt.Sprintf("deleted key, record at %#x, last written %s", r.Offset, r.LastWrite.Format(time.RFC3339)))
	}
	for _, v := range r.Values {
		if v.Err != nil {
			u.writer.Comment(fmt.Sprintf("the data of its value %s is lost: %s", printableValueName(v.Name), v.Err))
		}
	}
	if r.Missed > 0 {
		u.writer.Comment(plural(r.Missed, "value", "values") + " more cannot be found")
	}
	u.writer.CreateKey(u.place(r))
	for _, v := range r.Values {
		if v.Err == nil {
			u.writer.SetValue(v.Name, uint32(v.Type), v.Data)
		}
	}
	return u.writer.Err()
}

// place is the path of a key in the file.
func (u *undeleteReg) place(r salvage.Remnant) string {
	parts := []string{u.prefix}
	if !r.Rooted {
		parts = append(parts, deletedContainer, fmt.Sprintf("%#x", r.Offset))
	}
	if r.Path != "" {
		parts = append(parts, r.Path)
	}
	return strings.Join(parts, `\`)
}

func (u *undeleteReg) end() error { return u.writer.Flush() }
