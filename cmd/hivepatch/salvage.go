package main

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/salvage"
)

const salvageDescription = `Makes a new, sound hive of what can still be read of a damaged one, and lists what
could not. Nothing is invented: a key or value is kept where something else in
the hive agrees that it belongs there, and left out otherwise.

   lost      cannot be read, and is not in the new hive
   left-out  can be read, but was deleted, or nobody knows where it belongs
   guessed   is in the new hive, by a conclusion that may be wrong: a key that no
             list leads to is put below the key that it names as its parent, if
             the list of that is damaged; what has lost its way up, or has the
             name of a sibling, goes below a key ` + salvage.Container + `;
             a lost security descriptor is replaced by that of the parent

A dirty hive is recovered from its logs as far as they allow it. The hive that is
read is never changed.

Examples:
   hivepatch salvage SYSTEM --dry-run --verbose
   hivepatch salvage SYSTEM -o SYSTEM.salvaged`

func newSalvageCommand(env *environment) *cli.Command {
	return &cli.Command{
		Name:        "salvage",
		Usage:       "make a sound hive of what is left of a damaged one",
		UsageText:   "hivepatch salvage TARGET -o FILE [options]",
		Description: salvageDescription,
		Flags: slices.Concat(writingVolumeFlags(), []cli.Flag{
			logFlag(),
			ignoreLogsFlag("salvage a dirty hive as it stands"),
		}, outputFlags(), placeFlags(), reportFlags()),
		Action: func(c *cli.Context) error {
			options, err := readWhole(env, c)
			if err != nil {
				return err
			}
			return runSalvage(env, options)
		},
	}
}

// salvageReport is what salvage tells; its JSON form is a contract with scripts.
type salvageReport struct {
	*edit.Outcome
	Keys     int              `json:"keys"` // in the new hive
	Values   int              `json:"values"`
	Lost     int              `json:"lost"` // numbers of findings, also of those that are not listed
	LeftOut  int              `json:"left_out"`
	Guessed  int              `json:"guessed"`
	Findings []salvageFinding `json:"findings"` // at most 10,000
}

type salvageFinding struct {
	Fate   string    `json:"fate"`  // "lost", "left-out" or "guessed"
	What   string    `json:"what"`  // "key", "value", "class name", …
	Path   wtfString `json:"path"`  // of the key
	Value  wtfString `json:"value"` // name of the value; "" for anything else
	Offset int64     `json:"offset"`
	Reason string    `json:"reason"`
}

func runSalvage(env *environment, o editingOptions) error {
	r, p := o.start(env)
	defer p.end()
	file, data, err := o.target.loadAnything(env)
	if err != nil {
		return err
	}
	options := salvage.Options{Time: o.request.Time}
	if file.Hive != nil {
		tellLoad(r, file)
		data, options.Sequence = file.Hive.Bytes(), file.Hive.NextSequence()
	}
	p.step("salvaging " + o.target.name())
	salvaged, found, err := salvage.Hive(data, options)
	if err != nil {
		return o.target.wrap(err)
	}
	file.Hive = salvaged
	o.request.Stage = stages(p, file)
	outcome, err := edit.Create(file, o.request)
	if err != nil {
		return o.target.wrap(err)
	}
	p.end()
	if file.Unrecovered != nil {
		outcome.Warnings = append(outcome.Warnings, "the hive was dirty and is salvaged as it stands: "+file.Unrecovered.Error())
	}
	report := newSalvageReport(outcome, found)
	return o.output.deliver(env, r, file, outcome, report, func() { printSalvage(r, report, found) })
}

// loadAnything reads a hive as load does. Where the base block is wrecked, so
// that it is no hive to anybody else, it returns the bytes of the file and no
// hive.
func (o targetOptions) loadAnything(env *environment) (*hivefile.File, []byte, error) {
	file, err := o.load(env, hivefile.RecoverIfPossible)
	if err == nil || !errors.Is(err, hive.ErrNotHive) || o.path == standardStream {
		return file, nil, err
	}
	source, err := o.hive.Read()
	if err != nil {
		return nil, nil, err
	}
	data := source.Data
	source.Data = nil // it is mended in place
	file = &hivefile.File{Path: source.Path, Size: int64(len(data)), SHA256: sha256.Sum256(data), Sources: []*hivefile.Source{source}}
	env.limitMemory(file)
	return file, data, env.loaded(file)
}

func newSalvageReport(outcome *edit.Outcome, found *salvage.Report) salvageReport {
	report := salvageReport{
		Outcome: outcome, Keys: found.Keys, Values: found.Values,
		Lost: found.Counts[salvage.Lost], LeftOut: found.Counts[salvage.LeftOut], Guessed: found.Counts[salvage.Guessed],
		Findings: []salvageFinding{},
	}
	for _, f := range found.Findings {
		report.Findings = append(report.Findings, salvageFinding{string(f.Fate), f.What, wtfString(f.Path), wtfString(f.Value), f.Offset, f.Reason})
	}
	return report
}

// printedFates is the number of findings that are printed when nobody asked for
// all.
const printedFates = 40

func printSalvage(r *reporter, report salvageReport, found *salvage.Report) {
	r.line("salvaged:   %s, %s", plural(report.Keys, "key", "keys"), plural(report.Values, "value", "values"))
	if report.Lost+report.LeftOut+report.Guessed == 0 {
		r.line("nothing was lost")
	} else {
		r.line("findings:   %d lost, %d left out, %d guessed", report.Lost, report.LeftOut, report.Guessed)
	}
	for i, f := range found.Findings {
		if i == printedFates && !r.verbose {
			r.line("  ... and %d more, listed with --verbose", len(found.Findings)-i)
			break
		}
		r.line("  %s", f)
	}
	r.line("size:       %s", sizeText(report.Outcome))
	printVerified(r, report.VerifiedBy, report.Output)
}
