package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/regfile"
)

const importDescription = `Does what a .reg file says to a hive: creates and deletes keys, sets and deletes
values. The file may be of either version (REGEDIT4, or Windows Registry Editor
Version 5.00), in UTF-16 or UTF-8; what is neither is taken for Windows-1252, and
what is in more than one encoding is refused. --encoding says which one it is:
mixed is what reged writes, UTF-8 with names in Latin-1. - is standard input.

The keys in the file have the place in the registry that Windows loads the hive
at. It is found where the kind of the hive is certain, as HKEY_LOCAL_MACHINE\SYSTEM
where there is a key Select; else it is that of the first key in the file. A key
at any other place is refused. --prefix says what the root of the hive is called.
CurrentControlSet stands for the control set that Select names.

Nothing is written when a single line is wrong; the message says which one. A key
or value that is to be deleted and is not there is no mistake. --dry-run lists
what would change, --verbose does so when it is written.

Examples:
   hivepatch import SYSTEM settings.reg -o SYSTEM.new
   hivepatch import NTUSER.DAT user.reg --dry-run
   hivepatch import SYSTEM mounted.reg --prefix 'HKLM\OFFLINE' -o SYSTEM.new
   hivepatch diff OLD NEW --reg | hivepatch import OLD - -o OLD.like-new`

// importOptions are the options of the command import.
type importOptions struct {
	editingOptions
	file   string // as typed
	prefix string // "" for the place that is found
	force  bool

	encoding *regfile.Encoding // nil for the one that the file seems to have
}

func newImportCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "import",
		Usage:       "do what a .reg file says",
		UsageText:   "hivepatch import TARGET FILE.reg -o FILE [options]",
		Description: importDescription,
		Flags: editingFlags(
			stringFlag("", "prefix", "have the root of the hive at the key `PATH` in the .reg file"),
			stringFlag("", "encoding", "read the file as `NAME`: utf-16le, utf-16be, utf-8, windows-1252, or mixed"),
			forceFlag(),
		),
		Action: func(c *cli.Context) error {
			o := importOptions{force: c.Bool("force")}
			var arguments []string
			var err error
			if o.editingOptions, arguments, err = readEditing(env, c, 1, "FILE.reg"); err != nil {
				return err
			}
			if o.file = arguments[0]; o.file == standardStream && o.target.path == standardStream {
				return usagef("TARGET and FILE.reg cannot both be standard input")
			}
			if o.prefix, err = readPrefix(c); err != nil {
				return err
			}
			if o.encoding, err = readEncoding(c); err != nil {
				return err
			}
			return runImport(env, o)
		},
	}
}

// readEncoding reads the flag --encoding. It returns nil where that is not given.
func readEncoding(c *cli.Context) (*regfile.Encoding, error) {
	name := c.String("encoding")
	if name == "" {
		return nil, nil
	}
	for _, encoding := range regfile.Encodings() {
		if strings.EqualFold(name, encoding.String()) {
			return &encoding, nil
		}
	}
	return nil, hinted(usagef("unknown encoding %q", name), "encodings are utf-16le, utf-16be, utf-8, windows-1252 and mixed")
}

func runImport(env *environment, o importOptions) error {
	source, text, err := o.readFile(env)
	if err != nil {
		return err
	}
	r := newReporter(o.output.reportTo(env), env.stderr, o.report)
	p := startProgress(env, o.report, "reading "+o.target.name())
	defer p.end()
	o.target.room = growth * text.Size()
	file, err := o.target.load(env, hivefile.Recover)
	if err != nil {
		return hintAtLogs(err, "--log FILE names a log that lies elsewhere; --ignore-logs edits the hive as it stands, and what is in its logs only is lost")
	}
	allowImportMemory(env, file, text)
	file.Sources = append(file.Sources, source)
	tellLoad(r, file)
	r.note("%s is version %d in %s", o.fileName(), text.Version, text.Encoding)
	var imported *importer
	o.request.Stage = stages(p, file)
	outcome, err := edit.Apply(file, o.request, func(d *edit.Draft) error {
		if text.Encoding == regfile.Windows1252 && o.encoding == nil {
			d.Warn("%s is neither UTF-16 nor UTF-8, and was read as %s", o.fileName(), text.Encoding)
		}
		imported = newImporter(d, o)
		if err := imported.run(text); err != nil {
			return err
		}
		d.Verify("read-back", imported.readBack)
		return nil
	})
	if err != nil {
		return o.target.wrap(err)
	}
	p.end()
	report := imported.report(outcome, o.fileName())
	return o.output.deliver(env, r, file, &report.Outcome, report, func() {
		imported.print(r, report)
		printOutcome(r, &report.Outcome)
	})
}

// growth is about the most bytes that cells take for a byte of a .reg file.
const growth = 4

// allowImportMemory allows more than limitMemory has: what the file says is kept
// until it has been read back.
func allowImportMemory(env *environment, file *hivefile.File, text *regfile.File) {
	const more = 48 << 20
	env.allowMemory(2*file.Size + 16*int64(text.Size()) + more)
}

// readFile reads the .reg file and its first line.
func (o importOptions) readFile(env *environment) (*hivefile.Source, *regfile.File, error) {
	var source *hivefile.Source
	var err error
	if o.file == standardStream {
		source, err = hivefile.ReadStream(env.stdin)
	} else {
		source, err = hivefile.ReadFile(o.file)
	}
	if err != nil {
		return nil, nil, hintAtStream(fmt.Errorf(".reg file: %w", err), o.file)
	}
	if bytes.HasPrefix(source.Data, []byte("regf")) {
		return nil, nil, hinted(fmt.Errorf("%s: a registry hive and no .reg file", o.fileName()),
			"TARGET comes first, FILE.reg second; hivepatch diff OLD NEW --reg and hivepatch export HIVE write .reg files")
	}
	text, err := o.parse(source.Data)
	source.Data = nil
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.fileName(), err)
	}
	return source, text, nil
}

// parse reads the first line of the .reg file.
func (o importOptions) parse(data []byte) (*regfile.File, error) {
	if o.encoding != nil {
		return regfile.ParseAs(data, *o.encoding)
	}
	text, err := regfile.Parse(data)
	if errors.Is(err, regfile.ErrMixed) {
		err = hinted(err, "--encoding mixed reads names in Latin-1 beside UTF-8, as reged writes them")
	}
	return text, err
}

// hintAtStream says how to read what is no file, such as what a shell has for
// <(command).
func hintAtStream(err error, path string) error {
	info, statErr := os.Stat(path)
	if !errors.Is(err, hivefile.ErrNotRegular) || statErr != nil || info.IsDir() {
		return err
	}
	return hinted(err, "- reads standard input")
}

// fileName is what messages call the .reg file.
func (o importOptions) fileName() string {
	if o.file == standardStream {
		return "standard input"
	}
	return o.file
}
