package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/regfile"
)

const exportDescription = `Writes a KEY and all below it, or the whole hive, as text: as a .reg file of
version 5 in the form that Registry Editor writes, or as JSON, XML or CSV.

In a .reg file keys have the place that Windows loads the hive at, which is
found where the kind of the hive is certain, such as HKEY_LOCAL_MACHINE\SYSTEM
where there is a key Select. Others stand below HKEY_LOCAL_MACHINE\OFFLINE;
--prefix names another place. Strings with line breaks are hexadecimal digits.
With --utf8 the text is UTF-8, its lines end as on Unix, and strings with any
control character are hexadecimal digits.

A .reg file has no class names, security descriptors, times and flags of keys;
how many are left out is told. A symbolic link so comes back as a plain key with
a value SymbolicLinkValue. What Registry Editor has no form for, such as a NUL
in a name, is written with an escape that import knows: \u0000 in the name of a
value and \\u0000 in that of a key. With --utf8 unpaired surrogates and all
control characters in names are written so too.

JSON has everything: {"keys": [KEY, ...]}, or a KEY a line with --lines, each
before the keys below it, with its values and security descriptor, as ls --json
has them.

XML has everything too: a <hive> with a <key> in it, which holds its values, with
their bytes in hexadecimal digits, and the keys below it. CSV is a table (RFC
4180) of keys and values: key,name,type,size,value,data. Names and texts in both
are written as ls and get print them, so that nothing is lost.

Where something cannot be read nothing is exported, unless --allow-damage is
given: then the rest is, and what is left out is told.

` + pathHelp + `

Examples:
   hivepatch export SYSTEM -o SYSTEM.reg
   hivepatch export --utf8 SYSTEM 'CurrentControlSet\Services\Tcpip' | less
   hivepatch export --prefix 'HKEY_USERS\Offline' NTUSER.DAT Software -o user.reg
   hivepatch export --format json --lines SOFTWARE | jq -r .path`

// layeredMinor is the minor version of differencing hives.
const layeredMinor = 6

// What export writes, by the name that --format has for it.
const (
	formatReg  = "reg"
	formatJSON = "json"
	formatXML  = "xml"
	formatCSV  = "csv"
)

// exportOptions are the options of the command export.
type exportOptions struct {
	readingOptions
	key         string // as typed
	format      string // one of those
	lines       bool
	utf8        bool
	prefix      string // "" for the place of the hive's kind
	allowDamage bool
}

func newExportCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "export",
		Usage:       "write keys and values as .reg file, JSON, XML or CSV",
		UsageText:   "hivepatch export TARGET [KEY] [options]",
		Description: exportDescription,
		Flags: readingFlags(
			stringFlag("", "format", "write `FORMAT`: reg, json, xml or csv (default: reg)"),
			boolFlag("", "lines", "write a JSON object a line"),
			boolFlag("", "utf8", "write a .reg file in UTF-8 without byte order mark, lines ending with LF"),
			stringFlag("", "prefix", "have the root of the hive at the key `PATH` in the .reg file"),
			boolFlag(headingInput, "allow-damage", "leave out what cannot be read"),
		),
		Action: func(c *cli.Context) error {
			o, err := readExportOptions(env, c)
			if err != nil {
				return err
			}
			return runExport(env, o)
		},
	}
}

func readExportOptions(env *environment, c *cli.Context) (o exportOptions, err error) {
	var arguments []string
	if o.readingOptions, arguments, err = readReading(env, c, 0, "KEY"); err != nil {
		return o, err
	}
	if len(arguments) > 0 {
		o.key = arguments[0]
	}
	o.lines, o.utf8, o.allowDamage = c.Bool("lines"), c.Bool("utf8"), c.Bool("allow-damage")
	switch o.format = c.String("format"); {
	case o.format == "" && o.report.json:
		o.format = formatJSON
	case o.format == "":
		o.format = formatReg
	case !slices.Contains([]string{formatReg, formatJSON, formatXML, formatCSV}, o.format):
		return o, usagef("--format %q is none of reg, json, xml and csv", o.format)
	}
	switch {
	case o.format != formatJSON && o.report.json:
		return o, usagef("--format %s and --json exclude each other", o.format)
	case o.lines && o.format != formatJSON:
		return o, usagef("--lines goes with --format json only")
	case o.utf8 && o.format != formatReg:
		return o, usagef("--utf8 is for .reg files; the other formats are always UTF-8")
	case c.IsSet("prefix") && o.format != formatReg:
		return o, usagef("--prefix is for .reg files; paths in other formats begin below the root of the hive")
	}
	o.prefix, err = readPrefix(c)
	return o, err
}

// readPrefix reads where the root of the hive is in a .reg file.
func readPrefix(c *cli.Context) (string, error) {
	if !c.IsSet("prefix") {
		return "", nil
	}
	prefix, err := parseKeyPath(c.String("prefix"))
	switch {
	case err != nil:
		return "", usagef("--prefix: %s", err)
	case prefix == "":
		return "", usagef(`--prefix "%s" names no key`, c.String("prefix"))
	}
	prefix, _ = fullRoot(prefix)
	return prefix, nil
}

func runExport(env *environment, o exportOptions) error {
	file, err := o.load(env)
	if err != nil {
		return err
	}
	key, err := findKey(file.Hive, o.key)
	if err != nil {
		return o.target.wrap(err)
	}
	var e *exporter
	p := o.startProgress(env, "exporting "+o.target.name())
	defer p.end()
	err = o.deliver(env, file, func(out io.Writer) error {
		if o.report.quiet && !o.toFile() {
			out = io.Discard
		}
		_, minor := file.Hive.Version()
		e = &exporter{key: key, layered: minor == layeredMinor, tolerant: o.allowDamage}
		switch o.format {
		case formatJSON:
			return e.writeJSON(out, o.lines)
		case formatXML:
			return e.writeXML(out)
		case formatCSV:
			return e.writeCSV(out)
		}
		return e.writeReg(out, o.encoding(), o.place(file.Hive))
	})
	p.end()
	if err != nil {
		return o.explain(err)
	}
	o.tellLeftOut(env, file, e)
	return nil
}

func (o exportOptions) encoding() regfile.Encoding {
	if o.utf8 {
		return regfile.UTF8
	}
	return regfile.UTF16LE
}

// place is where the root of the hive is in the .reg file.
func (o exportOptions) place(h *hive.Hive) string {
	if o.prefix != "" {
		return o.prefix
	}
	if root, ok := regRoot(h); ok {
		return root
	}
	return unknownRoot
}

// explain adds to an error of reading the hive how to go on.
func (o exportOptions) explain(err error) error {
	if _, damaged := errors.AsType[*exportDamage](err); damaged {
		return hinted(o.target.wrap(err), "--allow-damage exports the rest; %s check lists what is wrong with the hive", programName)
	}
	return err
}

// tellLeftOut tells what is not in the result.
func (o exportOptions) tellLeftOut(env *environment, file *hivefile.File, e *exporter) {
	for _, err := range e.damage {
		o.warn(env, "left out: %s", err)
	}
	if more := e.damaged - len(e.damage); more > 0 {
		o.warn(env, "left out: %s more", plural(more, "thing", "things"))
	}
	if o.format != formatReg || o.report.quiet {
		return
	}
	if set := currentSet(file.Hive); set != "" && e.key.IsRoot() {
		if key, err := e.key.Subkey(hive.CurrentControlSet); err == nil {
			o.warn(env, "key %s is one of its own, and stands for %s where the .reg file is imported", printablePath(key.Path()), printablePath(set))
		}
	}
	if _, known := regRoot(file.Hive); !known && o.prefix == "" {
		fmt.Fprintf(env.stderr, "%s: the kind of the hive is not certain: its keys stand below %s; --prefix names another place\n", programName, unknownRoot)
	}
	fmt.Fprintf(env.stderr, "%s: not in a .reg file: %s; --format json has them\n", programName, e.omitted())
}
